"""What dbt gives to a template and sqlfluff's stand-ins lack; `library_path` in .sqlfluff leads here."""

from types import SimpleNamespace
from typing import Any

import yaml
from jinja2 import pass_context

execute = False
graph = SimpleNamespace(nodes={})
target = SimpleNamespace(type="duckdb", schema="revenue")
model = SimpleNamespace(columns={})

with open("dbt_project.yml", encoding="utf-8") as _file:
    _variables = yaml.safe_load(_file)["vars"]


def var(name: str, default: Any = None) -> Any:
    """The project's own value of a variable."""
    return _variables.get(name, default)


@pass_context
def _dispatch(context: Any, name: str, package: str | None = None) -> Any:
    macros = (context.resolve(f"{prefix}__{name}") for prefix in ("duckdb", "default"))
    return next(macro for macro in macros if macro)


adapter = SimpleNamespace(dispatch=_dispatch, quote=lambda name: f'"{name}"')
dbt = SimpleNamespace(
    type_string=lambda: "varchar",
    date_trunc=lambda part, date: f"date_trunc('{part}', {date})",
    datediff=lambda first, second, part: f"date_diff('{part}', {first}, {second})",
    dateadd=lambda part, number, date: f"date_add({date}, interval ({number}) {part})",
    last_day=lambda date, part: f"last_day({date})",
    listagg=lambda measure, delimiter, order_by: f"string_agg({measure}, {delimiter} {order_by})",
)
