"""Which columns a column is computed from, read off the SQL of the models."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from orchestration.errors import RevopsError

_DIALECT = "duckdb"


class Column(NamedTuple):
    """A column of a table, schema.table."""

    table: str
    name: str


def known_tables(tables: Mapping[str, Mapping[str, str]]) -> MappingSchema:
    """What `lineage` needs to know: schema.table → column → type."""
    nested: dict[str, Any] = {}
    for table, columns in tables.items():
        if columns:
            schema, name = table.split(".", 1)
            nested.setdefault(schema, {})[name] = dict(columns)
    return MappingSchema(nested, dialect=_DIALECT)


def lineage(name: str, sql: str, known: MappingSchema) -> dict[str, frozenset[Column]]:
    """Column → the columns its values come from, for the table `name` that `sql` makes.

    Columns that only decide which rows there are (of filters, joins and groups) are not among them.
    """
    try:
        query = parse_one(sql, dialect=_DIALECT)
        for table in query.find_all(exp.Table):
            table.set("catalog", None)
        qualified = qualify(
            query,
            schema=known,
            dialect=_DIALECT,
            validate_qualify_columns=False,
            # Tables of the run and of raw data are not described column by column.
            allow_partial_qualification=True,
            identify=False,
        )
        scope = build_scope(qualified)
    except SqlglotError as failure:
        raise RevopsError(
            f"The SQL of {name} cannot be followed: {str(failure).splitlines()[0]}."
        ) from failure
    if scope is None:
        raise RevopsError(f"The SQL of {name} is not a query.")
    walk = _Walk()
    return {column: walk.origins(scope, place) for place, column in enumerate(_names(scope))}


class _Walk:
    """Follows columns from scope to scope; each is followed once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], frozenset[Column]] = {}

    def origins(self, scope: Scope, place: int) -> frozenset[Column]:
        key = (id(scope), place)
        if key not in self._known:
            # A recursive query meets itself here.
            self._known[key] = frozenset()
            self._known[key] = frozenset(self._found(scope, place))
        return self._known[key]

    def _found(self, scope: Scope, place: int) -> Iterator[Column]:
        if isinstance(scope.expression, exp.SetOperation):
            for part in scope.set_operation_scopes:
                yield from self.origins(part, place)
            return
        if isinstance(scope.expression, exp.Query) and place < len(scope.expression.selects):
            for column in scope.expression.selects[place].find_all(exp.Column):
                yield from self._of_column(scope, column)

    def _of_column(self, scope: Scope, column: exp.Column) -> Iterator[Column]:
        if not column.table:
            unknown = [each for each in scope.sources.values() if isinstance(each, exp.Table)]
            if len(unknown) == 1:
                yield Column(f"{unknown[0].db}.{unknown[0].name}", column.name)
            return
        for place in (scope, *scope.subquery_scopes):
            source = place.sources.get(column.table)
            if isinstance(source, Scope):
                names = _names(source)
                if column.name in names:
                    yield from self.origins(source, names.index(column.name))
                return
            if isinstance(source, exp.Table):
                yield Column(f"{source.db}.{source.name}", column.name)
                return


def _names(scope: Scope) -> list[str]:
    expression = scope.expression
    while isinstance(expression, exp.SetOperation):
        expression = expression.left
    return list(expression.named_selects) if isinstance(expression, exp.Query) else []
