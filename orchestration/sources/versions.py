"""Which of the records just read say something new, and which records of the log are gone.

SQL over four tables of the staging file: `winners`, one row per record read; `rejected`, ids of records that
could not be read; `census`, every id of the source where `winners` is only a part; `current_versions`, what
the log says now. The result is a table `new <name>` of versions to append.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from orchestration.sources.staging import Staging
from orchestration.sources.tables import LOAD_COLUMNS, VERSION_COLUMNS, RawTable, null
from orchestration.warehouse import identifier, literal


class Log:
    """What landing.duckdb, attached as `landing`, holds of one source. Only finished loads count."""

    def __init__(self, schema: str, known: dict[str, dict[str, str]]) -> None:
        self._schema = schema
        self._known = known

    def has(self, table: str, column: str | None = None) -> bool:
        """Whether the log has this table, or this column of it."""
        return table in self._known and (column is None or column in self._known[table])

    def rows(self, table: str) -> str:
        """A FROM clause of all rows of a table that belong to a finished load."""
        schema = f"landing.{identifier(self._schema)}"
        return (
            f"(select * from {schema}.{identifier(table)} where _dlt_load_id in"
            f" (select load_id from {schema}._dlt_loads where status = 0))"
        )

    def versions(self, table: RawTable, columns: Mapping[str, str]) -> str:
        """A SELECT of these columns of every version; a column the log does not have is null."""
        if not self.has(table.name):
            nulls = ", ".join(f"{null(word)} as {identifier(name)}" for name, word in columns.items())
            return f"select {nulls} where false"
        # A column that is new in the contract reaches the file with the next load.
        found = ", ".join(
            identifier(name) if self.has(table.name, name) else f"{null(word)} as {identifier(name)}"
            for name, word in columns.items()
        )
        return f"select {found} from {self.rows(table.name)}"

    def current(self, table: RawTable) -> str:
        """A SELECT of the current version of every record, with its key as _key; of its content, only what
        comparing takes.

        _is_live: neither a tombstone nor the source's own flag says it is deleted.
        """
        told = {table.key, table.updated_at, table.deleted, *table.money}
        columns = {name: word for name, word in table.columns.items() if name in told}
        deleted = (
            f"_is_deleted or coalesce({identifier(table.deleted)}, false)" if table.deleted else "_is_deleted"
        )
        key = identifier(table.key)
        return (
            f"select *, {key} as _key, not ({deleted}) as _is_live"
            f" from ({self.versions(table, {**columns, **VERSION_COLUMNS, **LOAD_COLUMNS})})"
            f" qualify row_number() over (partition by {key}"
            " order by _version_at desc, _dlt_load_id desc, _row desc, _content_hash) = 1"
        )

    def dated_versions(self, table: RawTable) -> str:
        """A SELECT of _key and _content_hash of every version that carries the source's own time."""
        if table.updated_at and self.has(table.name, table.updated_at):
            return (
                f"select {identifier(table.key)} as _key, _content_hash from {self.rows(table.name)}"
                f" where {identifier(table.updated_at)} is not null"
            )
        return "select _key, _content_hash from current_versions where false"


def settle_duplicates(staging: Staging, table: RawTable, run_id: str | None, location: str) -> None:
    """Make `winners` of `staged`: per id the row with the latest updated_at, on a tie the later row.

    The other rows are reported as warnings of the run, unless it is None.
    """
    if staging.count("staged") == staging.count("(select distinct _key from staged)"):
        staging.run("create or replace view winners as from staged")
        return
    changed = f"{identifier(table.updated_at)} desc nulls last, " if table.updated_at else ""
    staging.run(
        "create or replace table one_per_id as select * from staged"
        f" qualify row_number() over (partition by _key order by {changed}_sequence desc) = 1"
    )
    staging.run("create or replace view winners as from one_per_id")
    if run_id is None:
        return
    staging.run(
        "insert into problems select ?, ?, ?, s._row, ?, left(s._key, 200),"
        " 'the id occurs again; ' || coalesce('row ' || w._row, 'the latest') || ' is kept', 'warning'"
        " from staged as s join winners as w on w._key = s._key where w._sequence <> s._sequence",
        [run_id, table.name, location, table.key],
    )


def current(staging: Staging, log: Log, table: RawTable) -> None:
    """Make `current_versions` of the log."""
    staging.run(f"create or replace table current_versions as {log.current(table)}")


def infer_census(staging: Staging, table: RawTable, *, listed: bool) -> int:
    """Make `census` of what was read now and of the records of the log that are not gone; returns its rows.

    With `listed`, a table of every key the source has, what it lacks is gone, and what only it has is a gap.
    """
    if listed:
        staging.run("insert into gone select _key from current_versions where _key not in (from listed)")
    names = [identifier(name) for name in table.money]
    amounts = "".join(f", {name}" for name in names)
    nothing = "".join(f", null as {name}" for name in names)
    staging.run(
        f"create or replace table census as select _key as {identifier(table.key)}{amounts} from ("
        f"select _key{amounts} from winners"
        f" union all select _key{amounts} from current_versions where not _is_deleted"
        " and _key not in (from gone) and _key not in (select _key from winners)"
        f" union all select distinct _key{nothing} from {'listed' if listed else 'rejected'}"
        " where _key is not null and _key not in (select _key from winners)"
        " and _key not in (select _key from current_versions where not _is_deleted))"
    )
    return staging.count("census")


def live_after(staging: Staging, table: RawTable) -> int:
    """How many live records the log has once this read is in it."""
    flagged = f"coalesce({identifier(table.deleted)}, false)" if table.deleted else "false"
    kept = "_is_live and _key not in (select _key from winners)"
    if has_census(staging):
        kept += f" and _key in (select {identifier(table.key)} from census)"
    else:
        kept += " and _key in (select _key from rejected)"
    return staging.count(f"winners where not {flagged}") + staging.count(f"current_versions where {kept}")


def compare(staging: Staging, table: RawTable) -> None:
    """Make `seen_keys` of every id the source has."""
    seen = "select _key from winners union all select _key from rejected"
    if has_census(staging):
        seen += f" union all select {identifier(table.key)} from census"
    staging.run(
        f"create or replace table seen_keys as select distinct _key from ({seen}) where _key is not null"
    )


def has_census(staging: Staging) -> bool:
    """Whether this read has a census."""
    return bool(staging.run("select 1 from duckdb_tables() where table_name = 'census' and not internal"))


def gaps(staging: Staging, table: RawTable) -> int:
    """How many records of the census neither this read nor the log has, or has with another amount."""
    key = identifier(table.key)
    differing = "".join(
        f" or case when w._key is null then c.{name} else w.{name} end"
        f" is distinct from cast(s.{name} as decimal(18, 4))"
        for name in map(identifier, table.money)
    )
    return staging.count(
        f"census as s left join winners as w on w._key = s.{key}"
        f" left join current_versions as c on c._key = s.{key} and not c._is_deleted"
        f" where s.{key} not in (select _key from rejected where _key is not null)"
        f" and ((w._key is null and c._key is null){differing})"
    )


@dataclass(frozen=True)
class Shrinkage:
    """How many live records the log has, and how many of them the source lacks."""

    live: int
    missing: int


def shrinkage(staging: Staging) -> Shrinkage:
    """Compare the live records of the log with the ids seen."""
    live = staging.count("current_versions where _is_live")
    missing = staging.count("current_versions where _is_live and _key not in (select _key from seen_keys)")
    return Shrinkage(live, missing)


def new_versions(staging: Staging, log: Log, table: RawTable, extracted_at: datetime, location: str) -> int:
    """Make the table `new <name>` of versions that say something new; returns how many there are."""
    now = f"timestamp {literal(extracted_at.isoformat(' '))}"
    own_at = known_at = null("timestamp")
    if table.updated_at:
        changed_at = identifier(table.updated_at)
        own_at = _earlier(f"w.{changed_at}", now)
        known_at = _earlier(f"c.{changed_at}", "c._extracted_at")
    content = ", ".join(identifier(name) for name in table.columns)
    staging.run(
        f"""
        create or replace table {_target(table)} as
        with offered as (
            select
                w.*,
                {own_at} as _own_at,
                c._key is null as _is_first,
                coalesce(c._is_deleted, false) as _returns,
                -- Times of the source compare with each other, never with times of ours.
                coalesce({own_at} < {known_at}, false) as _is_older,
                c._content_hash as _current_hash,
                c._version_at as _current_at
            from winners as w
            left join current_versions as c on c._key = w._key
        ),
        dated as ({log.dated_versions(table)})
        select
            {content},
            case
                when _is_first then coalesce(_own_at, {now})
                when _returns then greatest({now}, _current_at)
                when _is_older then _own_at
                else greatest(coalesce(_own_at, {now}), _current_at)
            end as _version_at,
            _content_hash,
            false as _is_deleted,
            {now} as _extracted_at,
            {literal(location)} as _file,
            _row
        from offered as o
        where
            _is_first
            or _returns
            or (
                _content_hash <> _current_hash
                and not (
                    _is_older
                    and exists (
                        select 1 from dated as d where d._key = o._key and d._content_hash = o._content_hash
                    )
                )
            )
        """
    )
    return staging.count(_target(table))


def tombstones(staging: Staging, log: Log, table: RawTable, extracted_at: datetime, location: str) -> int:
    """Add to `new <name>` the last version of every record that is gone, as deleted; returns how many."""
    gone = "current_versions where not _is_deleted and _key not in (select _key from seen_keys)"
    if not (found := staging.count(gone)):
        return 0
    now = f"timestamp {literal(extracted_at.isoformat(' '))}"
    content = ", ".join("true" if name == table.deleted else identifier(name) for name in table.columns)
    staging.run(
        f"""
        insert into {_target(table)}
        select
            {content},
            greatest({now}, _version_at),
            sha256('deleted ' || _content_hash),
            true,
            {now},
            {literal(location)},
            null
        from ({log.versions(table, {**table.columns, **VERSION_COLUMNS, **LOAD_COLUMNS})})
        where (_dlt_load_id, _dlt_id) in (select (_dlt_load_id, _dlt_id) from {gone})
        """
    )
    return found


# Records whose last version stays although the source has a newer one, because that could not be read.
KEPT = (
    "current_versions where not _is_deleted and _key in (select _key from rejected)"
    " and _key not in (select _key from winners)"
)


def money_at_source(staging: Staging, table: RawTable) -> str:
    """The amounts of all accepted records, one row per id, as JSON {column: decimal text}."""
    if not has_census(staging):
        return money(staging, table, "winners")
    key = identifier(table.key)
    accepted = f"{key} not in (select _key from rejected where _key is not null)"
    return money(
        staging,
        table,
        f"(select distinct on ({key}) * from census where {accepted} order by all) as one_per_id",
    )


def money(staging: Staging, table: RawTable, rows: str) -> str:
    """Sums of the money columns over a FROM clause, as JSON {column: decimal text}."""
    if not table.money:
        return "{}"
    sums = ", ".join(
        f"cast(coalesce(sum(cast({identifier(name)} as decimal(18, 4))), 0) as varchar)"
        for name in table.money
    )
    (found,) = staging.run(f"select {sums} from {rows}")
    return json.dumps(dict(zip(table.money, found, strict=True)))


def _earlier(moment: str, limit: str) -> str:
    """The moment, but no later than the limit; null stays null, which `least` would not do."""
    return f"case when {moment} > {limit} then {limit} else {moment} end"


def _target(table: RawTable) -> str:
    return identifier(f"new {table.name}")
