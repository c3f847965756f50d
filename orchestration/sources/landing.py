"""The raw log: what one source said, as append-only versions of its records in landing.duckdb.

A version that says nothing new is not appended; a record that is gone from the source gets a tombstone.
Only rows of finished loads count. See README.md beside this file for the rules.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb

from orchestration.errors import SourceFailed
from orchestration.sources.batch import Batch, Problem
from orchestration.sources.loading import PreparedTable, append
from orchestration.sources.values import sql_type
from orchestration.warehouse import (
    checkpoint_and_close,
    identifier,
    landing_file,
    literal,
    open_build,
    open_landing,
    tables,
)

Progress = Callable[[str, int], None]

VERSION_COLUMNS = {
    "_version_at": "timestamp",
    "_content_hash": "text",
    "_is_deleted": "boolean",
    "_extracted_at": "timestamp",
    "_file": "text",
    "_row": "integer",
}
_DLT_COLUMNS = {"_dlt_load_id": "text", "_dlt_id": "text"}
_READ_COLUMNS = {
    "run_id": "text",
    "entity": "text",
    "location": "text",
    "fingerprint": "text",
    "read_at": "timestamp",
    "rows_at_source": "integer",
    "rows_rejected": "integer",
    "rows_duplicate": "integer",
    "rows_appended": "integer",
    "rows_unchanged": "integer",
    "rows_deleted": "integer",
    "rows_kept": "integer",
    "money_at_source": "json",
    "money_kept": "json",
    "cursor_value": "text",
}
_PROBLEM_COLUMNS = {
    "run_id": "text",
    "entity": "text",
    "location": "text",
    "row_number": "integer",
    "column_name": "text",
    "value": "text",
    "problem": "text",
    "severity": "text",
}

# A source that suddenly lacks this much was probably read badly, not cleaned up.
_SHRINK_SHARE = 0.10
_SHRINK_MINIMUM = 5

# A JSON line holds one record; its cells are capped, so this is never reached.
_MAX_LINE_BYTES = 128 * 2**20


@dataclass(frozen=True)
class RawTable:
    """A raw table: its columns with their contract types, its key and the source's own time of change."""

    name: str
    columns: Mapping[str, str]
    key: str = "source_id"
    updated_at: str | None = "updated_at"
    deleted: str | None = "is_deleted"
    pii: frozenset[str] = frozenset()

    @property
    def money(self) -> list[str]:
        return [name for name, word in self.columns.items() if word == "money"]


@dataclass
class Read:
    """One reading of one table.

    `batches` hold every record of the source, or with `census` only those that may have changed; `census` then
    holds the key and the money columns of every record, so that deletes are seen and totals compared. It is
    consumed after `batches`. `closing_problems` and `cursor_value` are called when all batches are read.
    """

    table: RawTable
    location: str
    fingerprint: str
    batches: Iterable[Batch]
    census: Iterable[Batch] | None = None
    closing_problems: Callable[[], Iterable[Problem]] = lambda: ()
    cursor_value: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class LastRead:
    """What the last finished read of a table recorded."""

    run_id: str
    location: str
    fingerprint: str
    read_at: datetime
    rows_at_source: int
    rows_rejected: int
    cursor_value: str | None


@dataclass(frozen=True)
class EntityResult:
    """What became of one table: rows at the source, and what they did to the log.

    `rows_appended` are new versions without tombstones, `rows_deleted` are tombstones. A skipped table was not
    read because its source did not change; all its counts are 0.
    """

    entity: str
    location: str
    rows_read: int = 0
    rows_rejected: int = 0
    rows_duplicate: int = 0
    rows_appended: int = 0
    rows_unchanged: int = 0
    rows_deleted: int = 0
    seconds: float = 0.0
    skipped: bool = False


class Landing:
    """One source's part of landing.duckdb during one extraction: stage every table, then load all at once.

    Nothing is written to landing.duckdb before `load`, so a source that fails on the way leaves it as it was.
    """

    def __init__(
        self,
        source: str,
        *,
        home: Path,
        work_dir: Path,
        run_id: str,
        extracted_at: datetime,
        strict: bool = False,
        allow_shrink: bool = False,
        progress: Progress = lambda entity, rows: None,
    ) -> None:
        """`extracted_at` is the one time of this run (naive means UTC); `work_dir` is private to the run."""
        self._source = source
        self._schema = f"raw_{source}"
        self._home = home
        self._folder = work_dir / source
        self._run_id = run_id
        self._extracted_at = _utc(extracted_at)
        self._strict = strict
        self._allow_shrink = allow_shrink
        self._progress = progress
        self._con: duckdb.DuckDBPyConnection
        self._known: dict[str, dict[str, str]] = {}
        self._staged: list[RawTable] = []
        self._results: list[EntityResult] = []

    def __enter__(self) -> Self:
        self._forget_unfinished_loads()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._con = open_build(self._folder / "staging.duckdb")
        self._con.execute("set memory_limit = '1GB'")
        self._con.execute(f"attach {literal(str(landing_file(self._home)))} as landing (read_only)")
        self._known = tables(self._con, "landing", self._schema)
        self._con.execute(f"create table reads ({_definition(_READ_COLUMNS)})")
        self._con.execute(f"create table problems ({_definition(_PROBLEM_COLUMNS)})")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._con.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def last_read(self, table: str) -> LastRead | None:
        """The last finished read of a table, None if there is none."""
        if "_reads" not in self._known:
            return None
        rows = self._con.execute(
            f"select run_id, location, fingerprint, read_at, rows_at_source, rows_rejected, cursor_value"
            f" from {self._raw('_reads')} where entity = ? and {self._finished()}"
            f" order by read_at desc, _dlt_load_id desc limit 1",
            [table],
        ).fetchall()
        return LastRead(*rows[0]) if rows else None

    def tables_read(self) -> list[str]:
        """The tables that have a finished read."""
        if "_reads" not in self._known:
            return []
        rows = self._con.execute(
            f"select distinct entity from {self._raw('_reads')} where {self._finished()} order by entity"
        ).fetchall()
        return [name for (name,) in rows]

    def live_records(self, table: RawTable) -> int:
        """How many records of the table are there and not deleted."""
        return self._count(f"({self._current(table)}) where not _is_deleted and not _was_deleted")

    def skip(self, table: str, location: str) -> None:
        """Record that a table was not read because its source did not change."""
        self._results.append(EntityResult(entity=table, location=location, skipped=True))

    def stage(self, read: Read) -> EntityResult:
        """Read everything and work out which versions are new and which records are gone.

        Raises SourceFailed when so many records are gone that the source was probably read badly.
        """
        started = time.monotonic()
        table = read.table
        accepted, rejected = self._read(table, read)
        census = self._read_census(table, read) if read.census is not None else None
        self._settle_duplicates(table, read.location)
        self._compare(table)
        at_source = census if census is not None else accepted + rejected
        self._refuse_shrinking(table, at_source)
        appended = self._append_new_versions(table, read.location)
        deleted = self._append_tombstones(table, read.location)
        winners = self._count("winners")
        if census is None:
            duplicate = accepted - winners
        else:
            duplicate = census - self._count(f"(select distinct {identifier(table.key)} from census)")
        self._staged.append(table)
        self._record_read(read, at_source, rejected, duplicate, appended, winners - appended, deleted)
        result = EntityResult(
            entity=table.name,
            location=read.location,
            rows_read=at_source,
            rows_rejected=rejected,
            rows_duplicate=duplicate,
            rows_appended=appended,
            rows_unchanged=winners - appended,
            rows_deleted=deleted,
            seconds=time.monotonic() - started,
        )
        self._results.append(result)
        return result

    def note(self, entity: str, fingerprint: str, problems: Iterable[tuple[str, Problem]]) -> None:
        """Record problems that belong to no table, each with its location, as a read of `entity` without rows."""
        for location, problem in problems:
            self._add_problems(entity, location, [problem])
        self._insert_read(
            [self._run_id, entity, "", fingerprint, self._extracted_at, *[0] * 7, "{}", "{}", None]
        )

    def load(self) -> list[EntityResult]:
        """Append what was staged, as one load that is finished or does not count; returns all results.

        Raises SourceFailed when nothing usable was in a table that has rows, when `strict` and there is a
        problem of severity error, and when the file cannot be written.
        """
        self._refuse_problems()
        if not self._count("reads"):
            return self._results
        self._con.execute("detach landing")
        prepared = [
            PreparedTable(
                name=table.name,
                columns={**table.columns, **VERSION_COLUMNS, **_DLT_COLUMNS},
                export=self._exporter(f"new {table.name}"),
            )
            for table in self._staged
        ]
        prepared.append(PreparedTable("_reads", {**_READ_COLUMNS, **_DLT_COLUMNS}, self._exporter("reads")))
        prepared.append(
            PreparedTable("_problems", {**_PROBLEM_COLUMNS, **_DLT_COLUMNS}, self._exporter("problems"))
        )
        path = landing_file(self._home)
        expected = append(self._source, path, self._folder / "dlt", prepared)
        con = open_landing(self._home)
        try:
            self._refuse_lost_rows(con, expected)
        finally:
            checkpoint_and_close(con, path)
        return self._results

    # --- landing.duckdb ---------------------------------------------------------------------------

    def _forget_unfinished_loads(self) -> None:
        """Delete rows that a killed run left: their load was never marked finished."""
        con = open_landing(self._home)
        try:
            known = tables(con, landing_file(self._home).stem, self._schema)
            schema = identifier(self._schema)
            if known and "_dlt_loads" not in known:
                con.execute(f"drop schema {schema} cascade")
                known = {}
            for table in known:
                if table.startswith("_dlt_") or "_dlt_load_id" not in known[table]:
                    continue
                con.execute(
                    f"delete from {schema}.{identifier(table)} where _dlt_load_id not in "
                    f"(select load_id from {schema}._dlt_loads where status = 0)"
                )
        finally:
            checkpoint_and_close(con, landing_file(self._home))

    def _refuse_lost_rows(self, con: duckdb.DuckDBPyConnection, expected: Mapping[str, int]) -> None:
        schema = identifier(self._schema)
        for table, rows in expected.items():
            ((found,),) = con.execute(
                f"select count(*) from {schema}.{identifier(table)} where _dlt_load_id = "
                f"(select max(load_id) from {schema}._dlt_loads where status = 0)"
            ).fetchall()
            if found != rows:
                raise SourceFailed(
                    f"Source '{self._source}': {rows:,} rows of {table} were written but {found:,} arrived in "
                    f"{landing_file(self._home)}; run again with --full-refresh."
                )

    def _raw(self, table: str) -> str:
        return f"landing.{identifier(self._schema)}.{identifier(table)}"

    def _finished(self) -> str:
        return f"_dlt_load_id in (select load_id from {self._raw('_dlt_loads')} where status = 0)"

    def _current(self, table: RawTable) -> str:
        """The current version of every record, with the key as _key and the flag of the source as _was_deleted."""
        key = identifier(table.key)
        columns = {**table.columns, **VERSION_COLUMNS}
        known = self._known.get(table.name)
        if known is None:
            nulls = ", ".join(f"{_null(word)} as {identifier(name)}" for name, word in columns.items())
            return f"select {nulls}, {_null('text')} as _key, false as _was_deleted where false"
        # A column that is new in the contract reaches the file with the next load.
        found = ", ".join(
            identifier(name) if name in known else f"{_null(word)} as {identifier(name)}"
            for name, word in columns.items()
        )
        was_deleted = f"coalesce({identifier(table.deleted)}, false)" if table.deleted in known else "false"
        return (
            f"select {found}, {key} as _key, {was_deleted} as _was_deleted from {self._raw(table.name)}"
            f" where {self._finished()} qualify row_number() over (partition by {key}"
            f" order by _version_at desc, _dlt_load_id desc, _row desc, _content_hash) = 1"
        )

    # --- reading into the staging file ------------------------------------------------------------

    def _read(self, table: RawTable, read: Read) -> tuple[int, int]:
        """Stage all batches; returns how many rows were accepted and rejected."""
        names = [*table.columns, "_row", "_sequence"]
        self._con.execute(
            f"create or replace table staged ({', '.join(f'{identifier(name)} varchar' for name in names)})"
        )
        self._con.execute("create or replace table rejected (_key varchar)")
        accepted = rejected = 0
        for batch in read.batches:
            nothing: list[str | None] = [None] * batch.accepted
            columns: list[Sequence[object]] = [batch.columns.get(name, nothing) for name in table.columns]
            columns.append(batch.row_numbers)
            columns.append(range(accepted, accepted + batch.accepted))
            self._insert("staged", len(names), zip(*columns, strict=True))
            self._insert("rejected", 1, ([key] for key in batch.rejected_keys))
            self._add_problems(table.name, read.location, batch.problems)
            accepted += batch.accepted
            rejected += len(batch.rejected_keys)
            self._progress(table.name, accepted + rejected)
        self._add_problems(table.name, read.location, read.closing_problems())
        return accepted, rejected

    def _read_census(self, table: RawTable, read: Read) -> int:
        names = [table.key, *table.money]
        self._con.execute(
            f"create or replace table census ({', '.join(f'{identifier(name)} varchar' for name in names)})"
        )
        rows = 0
        for batch in read.census or ():
            nothing: list[str | None] = [None] * batch.accepted
            self._insert(
                "census", len(names), zip(*(batch.columns.get(n, nothing) for n in names), strict=True)
            )
            rows += batch.accepted
        return rows

    def _add_problems(self, entity: str, location: str, problems: Iterable[Problem]) -> None:
        self._insert(
            "problems",
            len(_PROBLEM_COLUMNS),
            (
                [self._run_id, entity, location, p.row_number, p.column_name, p.value, p.problem, p.severity]
                for p in problems
            ),
        )

    def _insert(self, table: str, width: int, rows: Iterable[Sequence[object]]) -> None:
        """Append rows of text and numbers; DuckDB reads JSON lines far faster than it takes parameters."""
        file = self._folder / "rows.jsonl"
        encode = json.JSONEncoder(ensure_ascii=False).encode
        written = 0
        with file.open("w", encoding="utf-8") as lines:
            for row in rows:
                lines.write(encode(row) + "\n")
                written += 1
        if written:
            values = ", ".join(f"json[{position}]" for position in range(1, width + 1))
            self._con.execute(
                f"insert into {table} select {values} from read_json({literal(str(file))},"
                " format = 'newline_delimited', auto_detect = false, records = false,"
                f" columns = {{json: 'varchar[]'}}, maximum_object_size = {_MAX_LINE_BYTES})"
            )

    # --- comparing with the log -------------------------------------------------------------------

    def _settle_duplicates(self, table: RawTable, location: str) -> None:
        """Leave one row per key: the latest updated_at, on a tie the later row; report the others."""
        typed = ", ".join(
            f"cast({identifier(name)} as {sql_type(word)}) as {identifier(name)}"
            for name, word in table.columns.items()
        )
        # Nulls leave no trace in the hash, so a column that is new in the contract is no change of every record.
        members = ", ".join(
            f"{literal(name + '=')} || length({identifier(name)}) || ':' || {identifier(name)}"
            for name in sorted(table.columns)
        )
        key = identifier(table.key)
        changed = f"{identifier(table.updated_at)} desc nulls last, " if table.updated_at else ""
        self._con.execute(
            f"create or replace table winners as select {typed}, {key} as _key, sha256(concat({members})) as"
            f" _content_hash, cast(_row as bigint) as _row, cast(_sequence as bigint) as _sequence from staged"
            f" qualify row_number() over (partition by {key} order by {changed}cast(_sequence as bigint) desc) = 1"
        )
        self._con.execute(
            f"insert into problems select ?, ?, ?, cast(s._row as bigint), ?, left(s.{key}, 200),"
            " 'the id occurs again; the row ' || coalesce(w._row, w._sequence + 1) || ' is kept', 'warning'"
            f" from staged as s join winners as w on w._key = s.{key}"
            " where w._sequence <> cast(s._sequence as bigint)",
            [self._run_id, table.name, location, table.key],
        )

    def _compare(self, table: RawTable) -> None:
        """Prepare `current_versions` (the log's view) and `seen_keys` (the source's)."""
        self._con.execute(f"create or replace table current_versions as {self._current(table)}")
        seen = "select _key from winners union all select _key from rejected where _key is not null"
        if self._exists("census"):
            seen += f" union all select {identifier(table.key)} from census"
        self._con.execute(f"create or replace table seen_keys as select distinct _key from ({seen})")

    def _exists(self, table: str) -> bool:
        return table in tables(self._con, "staging", "main")

    def _refuse_shrinking(self, table: RawTable, at_source: int) -> None:
        live = self._count("current_versions where not _is_deleted and not _was_deleted")
        missing = self._count(
            "current_versions where not _is_deleted and not _was_deleted"
            " and _key not in (select _key from seen_keys)"
        )
        if self._allow_shrink or not live:
            return
        if not at_source:
            raise SourceFailed(
                f"Source '{self._source}' has no {table.name} any more, but had {live:,}; check the source, or run "
                "with --allow-shrink if they were really deleted."
            )
        if missing >= _SHRINK_MINIMUM and missing > _SHRINK_SHARE * live:
            raise SourceFailed(
                f"Source '{self._source}' lacks {missing:,} of {live:,} {table.name} it had before; check the source, "
                "or run with --allow-shrink if they were really deleted."
            )

    def _append_new_versions(self, table: RawTable, location: str) -> int:
        """Work out which of the offered versions say something new, and when they came to be."""
        columns = ", ".join(f"w.{identifier(name)}" for name in table.columns)
        own = f"w.{identifier(table.updated_at)}" if table.updated_at else _null("timestamp")
        now = f"timestamp {literal(self._extracted_at.isoformat(' '))}"
        before = (
            f"least(c.{identifier(table.updated_at)}, c._extracted_at)"
            if table.updated_at
            else _null("timestamp")
        )
        log = "select _key, _content_hash from current_versions where false"
        if table.updated_at and table.updated_at in self._known.get(table.name, {}):
            log = (
                f"select {identifier(table.key)} as _key, _content_hash from {self._raw(table.name)}"
                f" where {self._finished()} and {identifier(table.updated_at)} is not null"
            )
        # Both times are the source's own, so they can be compared; a time of ours and one of theirs cannot.
        older = f"coalesce(least({own}, {now}) < {before}, false)"
        self._con.execute(
            f"create or replace table {identifier('new ' + table.name)} as"
            f" with offered as (select {columns}, w._key, w._content_hash, w._row, c._key is null as _is_first,"
            f" coalesce(c._is_deleted, false) as _returns, c._content_hash as _current_hash,"
            f" c._version_at as _current_at, {older} as _is_older, least({own}, {now}) as _own_at"
            " from winners as w left join current_versions as c on c._key = w._key)"
            f" select {', '.join(identifier(name) for name in table.columns)},"
            f" case when _is_first then coalesce(_own_at, {now}) when _returns then greatest({now}, _current_at)"
            f" when _is_older then _own_at else greatest(coalesce(_own_at, {now}), _current_at) end as _version_at,"
            f" _content_hash, false as _is_deleted, {now} as _extracted_at, {literal(location)} as _file, _row"
            " from offered as o"
            " where _is_first or _returns or (_content_hash <> _current_hash and not (_is_older and exists"
            f" (select 1 from ({log}) as l where l._key = o._key and l._content_hash = o._content_hash)))"
        )
        return self._count(identifier("new " + table.name))

    def _append_tombstones(self, table: RawTable, location: str) -> int:
        """Repeat the last version of every record that is gone, marked as deleted."""
        now = f"timestamp {literal(self._extracted_at.isoformat(' '))}"
        content = ["true" if name == table.deleted else identifier(name) for name in table.columns]
        target = identifier("new " + table.name)
        before = self._count(target)
        self._con.execute(
            f"insert into {target} select {', '.join(content)}, greatest({now}, _version_at),"
            f" sha256('deleted ' || _content_hash), true, {now}, {literal(location)}, null from current_versions"
            " where not _is_deleted and _key not in (select _key from seen_keys)"
        )
        return self._count(target) - before

    def _record_read(
        self,
        read: Read,
        at_source: int,
        rejected: int,
        duplicate: int,
        appended: int,
        unchanged: int,
        deleted: int,
    ) -> None:
        table = read.table
        kept = (
            "current_versions where not _is_deleted and _key in (select _key from rejected)"
            " and _key not in (select _key from winners)"
        )
        if read.census is not None:
            # One row per key; the source's key is unique unless it reports duplicates.
            money_from = (
                f"(select distinct on ({identifier(table.key)}) * from census order by all)"
                f" where {identifier(table.key)} not in (select _key from rejected where _key is not null)"
            )
        else:
            money_from = "winners"
        self._insert_read(
            [
                self._run_id,
                table.name,
                read.location,
                read.fingerprint,
                self._extracted_at,
                at_source,
                rejected,
                duplicate,
                appended,
                unchanged,
                deleted,
                self._count(kept),
                self._money(table, money_from),
                self._money(table, kept),
                read.cursor_value(),
            ]
        )
        self._con.execute("drop table if exists census")

    def _money(self, table: RawTable, rows: str) -> str:
        if not table.money:
            return "{}"
        sums = ", ".join(
            f"cast(coalesce(sum(cast({identifier(name)} as decimal(18, 4))), 0) as varchar)"
            for name in table.money
        )
        (found,) = self._con.execute(f"select {sums} from {rows}").fetchall()
        return json.dumps(dict(zip(table.money, found, strict=True)))

    def _insert_read(self, values: Sequence[object]) -> None:
        self._con.execute(f"insert into reads values ({', '.join('?' * len(values))})", list(values))

    # --- loading ----------------------------------------------------------------------------------

    def _refuse_problems(self) -> None:
        for result in self._results:
            if result.rows_read and result.rows_rejected == result.rows_read:
                raise SourceFailed(
                    f"Source '{self._source}': every row of {result.location} ({result.rows_read:,}) was rejected; "
                    f"{self._first_problem(result.entity)}."
                )
        errors = self._count("problems where severity = 'error'")
        if self._strict and errors:
            raise SourceFailed(
                f"Source '{self._source}' has {errors:,} problem{'s' if errors > 1 else ''} and strict is on; the first: "
                f"{self._first_problem()}."
            )

    def _first_problem(self, entity: str | None = None) -> str:
        ((location, row, column, value, problem),) = self._con.execute(
            "select location, row_number, column_name, value, problem from problems where severity = 'error'"
            " and (? is null or entity = ?) order by rowid limit 1",
            [entity, entity],
        ).fetchall()
        where = f"{location}, row {row}" + (f", {column}" if column else "")
        shown = f" {value!r} is" if value else ""
        return f"{where}:{shown} {problem}"

    def _exporter(self, staged: str) -> Callable[[str, Path], int]:
        def export(load_id: str, file: Path) -> int:
            numbered = "row_number() over ()"
            self._con.execute(
                f"copy (select *, {literal(load_id)} as _dlt_load_id, left(sha256({literal(load_id + ' ' + staged)}"
                f" || ' ' || {numbered}), 16) as _dlt_id from {identifier(staged)})"
                f" to {literal(str(file))} (format parquet)"
            )
            return self._count(identifier(staged))

        return export

    def _count(self, rows: str) -> int:
        ((number,),) = self._con.execute(f"select count(*) from {rows}").fetchall()
        return int(number)


def _definition(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{identifier(name)} {sql_type(word)}" for name, word in columns.items())


def _null(word: str) -> str:
    return f"cast(null as {sql_type(word)})"


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
