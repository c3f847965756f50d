"""The raw log: what one source said, as append-only versions of its records in landing.duckdb.

A version that says nothing new is not appended; a record that is gone from the source gets a tombstone.
Only rows of finished loads count.
"""

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
from orchestration.sources import versions
from orchestration.sources.batch import Batch, Problem
from orchestration.sources.loading import PreparedTable, append
from orchestration.sources.staging import Staging
from orchestration.sources.suppression import Suppression
from orchestration.sources.tables import (
    LOAD_COLUMNS,
    PROBLEM_COLUMNS,
    READ_COLUMNS,
    VERSION_COLUMNS,
    RawTable,
)
from orchestration.sources.versions import Log
from orchestration.warehouse import (
    checkpoint_and_close,
    identifier,
    landing_file,
    literal,
    open_landing,
    tables,
)

# A source that suddenly lacks this much was probably read badly, not cleaned up.
_SHRINK_SHARE = 0.10
_SHRINK_MINIMUM = 5


@dataclass(frozen=True)
class Rest:
    """What the source says of records that the batches of a read leave out; asked when those are read.

    `gone` are keys of records it deleted. `keys`, where it can list them, are those of all it has, so that
    whatever else the log has was deleted. `covered`, where the batches hold a part of the records in whole,
    tells whether a key belongs to that part. Every other record of the log is taken to be there unchanged.
    """

    gone: Callable[[], Iterable[str]] = lambda: ()
    keys: Iterable[Sequence[str]] | None = None
    covered: Callable[[], Callable[[str], bool] | None] = lambda: None


@dataclass
class Read:
    """One reading of one table.

    `batches` hold every record of the source. With `census` they hold only records that may have changed,
    and `census` the key and the money columns of every record, so that deletes are seen and totals compared;
    it is consumed after `batches`. With `rest` they hold only such records, too, and the others are told from
    the log. `live_rows` is how many records the source itself counts that are not deleted, asked before and
    after. With `may_repeat` the same record may come twice without that being worth a word.
    `closing_problems` and `cursor_value` are called when all is read.
    """

    table: RawTable
    location: str
    fingerprint: str
    batches: Iterable[Batch]
    census: Iterable[Batch] | None = None
    closing_problems: Callable[[], Iterable[Problem]] = lambda: ()
    cursor_value: Callable[[], str | None] = lambda: None
    rest: Rest | None = None
    live_rows: Callable[[], int | None] = lambda: None
    may_repeat: bool = False


@dataclass(frozen=True)
class LastRead:
    """What the last finished read of a table recorded."""

    location: str
    fingerprint: str
    rows_rejected: int
    cursor_value: str | None


@dataclass(frozen=True)
class EntityResult:
    """What became of one table: rows at the source, and what they did to the log.

    `rows_appended` are new versions without tombstones, `rows_deleted` are tombstones. A skipped table was
    not read because its source did not change; all its counts are 0. `cursor_value` is how far it was read.
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
    cursor_value: str | None = None


class CursorMissedRecords(Exception):
    """Reading from the cursor on did not bring every change; the table must be read whole."""


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
        progress: Callable[[str, int], None] = lambda entity, rows: None,
    ) -> None:
        """`extracted_at` is the one time of this run (naive means UTC); `work_dir` is private to the run."""
        self.extracted_at = (
            extracted_at.astimezone(UTC).replace(tzinfo=None) if extracted_at.tzinfo else extracted_at
        )
        self._source = source
        self._schema = f"raw_{source}"
        self._home = home
        self._folder = work_dir / source
        self._run_id = run_id
        self._strict = strict
        self._allow_shrink = allow_shrink
        self._progress = progress
        self._staging: Staging
        self._log: Log
        self._staged: list[RawTable] = []
        self._results: list[EntityResult] = []

    def __enter__(self) -> Self:
        known = self._forget_unfinished_loads()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._suppression = Suppression(self._home)
        self._staging = Staging(self._folder)
        self._staging.run(f"attach {literal(str(landing_file(self._home)))} as landing (read_only)")
        self._log = Log(self._schema, known)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._staging.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def last_read(self, table: str) -> LastRead | None:
        """The last finished read of a table, None if there is none."""
        if not self._log.has("_reads"):
            return None
        rows = self._staging.run(
            "select location, fingerprint, rows_rejected, cursor_value"
            f" from {self._log.rows('_reads')} where entity = ?"
            " order by read_at desc, _dlt_load_id desc limit 1",
            [table],
        )
        return LastRead(*rows[0]) if rows else None

    def tables_read(self) -> list[str]:
        """The tables that have a finished read."""
        if not self._log.has("_reads"):
            return []
        rows = self._staging.run(f"select distinct entity from {self._log.rows('_reads')} order by entity")
        return [name for (name,) in rows]

    def live_records(self, table: RawTable) -> int:
        """How many records of the table the log has and nothing says are deleted."""
        return self._staging.count(f"({self._log.current(table)}) where _is_live")

    def skip(self, table: str, location: str) -> None:
        """Record that a table was not read because its source did not change."""
        self._results.append(EntityResult(entity=table, location=location, skipped=True))

    def note(self, entity: str, fingerprint: str, problems: Iterable[tuple[str, Problem]]) -> None:
        """Record problems that belong to no table, each with its location, as a read without rows."""
        for location, problem in problems:
            self._add_problems(entity, location, [problem])
        self._add_read([entity, "", fingerprint, self.extracted_at, *[0] * 7, "{}", "{}", None])

    def stage(self, read: Read) -> EntityResult:
        """Read everything and work out which versions are new and which records are gone.

        Raises SourceFailed when so many records are gone that the source was probably read badly or when the
        source itself counts other ones, and CursorMissedRecords, having staged nothing, when a read of a part
        turns out to lack some.
        """
        started = time.monotonic()
        table, staging = read.table, self._staging
        counted = [read.live_rows()]
        accepted, rejected = self._gather(read)
        in_census = self._gather_census(read)
        if read.rest is not None:
            self._gather_gone(table, read.rest)
        versions.settle_duplicates(staging, table, None if read.may_repeat else self._run_id, read.location)
        versions.current(staging, self._log, table)
        if read.rest is not None:
            self._gather_covered(read.rest)
            in_census = versions.infer_census(staging, table, listed=read.rest.keys is not None)
        versions.compare(staging, table)
        counted.append(read.live_rows())
        if None not in counted:
            self._refuse_miscount(read, [rows for rows in counted if rows is not None], rejected)
        if in_census is None:
            at_source = accepted + rejected
            duplicate = accepted - staging.count("winners")
        else:
            self._refuse_gaps(table)
            at_source = in_census
            duplicate = in_census - staging.count(f"(select distinct {identifier(table.key)} from census)")
        self._refuse_shrinking(table, at_source)
        appended = versions.new_versions(staging, self._log, table, self.extracted_at, read.location)
        deleted = versions.tombstones(staging, self._log, table, self.extracted_at, read.location)
        result = EntityResult(
            entity=table.name,
            location=read.location,
            rows_read=at_source,
            rows_rejected=rejected,
            rows_duplicate=duplicate,
            rows_appended=appended,
            rows_unchanged=at_source - rejected - duplicate - appended,
            rows_deleted=deleted,
            seconds=time.monotonic() - started,
            cursor_value=read.cursor_value(),
        )
        self._record(read, result)
        return result

    def load(self) -> list[EntityResult]:
        """Append what was staged, as one load that is finished or does not count; returns all results.

        Raises SourceFailed when every row of a table was rejected, when `strict` and there is a problem of
        severity error, and when the file cannot be written.
        """
        self._refuse_problems()
        staging, path = self._staging, landing_file(self._home)
        if not staging.count("reads"):
            return self._results
        staging.run("detach landing")
        prepared = [
            PreparedTable(
                table.name,
                {**table.columns, **VERSION_COLUMNS, **LOAD_COLUMNS},
                staging.exporter(f"new {table.name}"),
            )
            for table in self._staged
            if self._has_news(table)
        ]
        prepared += [
            PreparedTable("_reads", {**READ_COLUMNS, **LOAD_COLUMNS}, staging.exporter("reads")),
            PreparedTable("_problems", {**PROBLEM_COLUMNS, **LOAD_COLUMNS}, staging.exporter("problems")),
        ]
        appended = append(self._source, path, self._folder / "dlt", prepared)
        con = open_landing(self._home)
        try:
            self._refuse_lost_rows(con, appended)
        finally:
            checkpoint_and_close(con, path)
        return self._results

    def _has_news(self, table: RawTable) -> bool:
        """Whether there are rows to append, or a table or column to make room for."""
        if not all(self._log.has(table.name, column) for column in table.columns):
            return True
        return bool(self._staging.count(identifier(f"new {table.name}")))

    # --- landing.duckdb -------------------------------------------------------------------------

    def _forget_unfinished_loads(self) -> dict[str, dict[str, str]]:
        """Delete what a killed run left, whose load was never marked finished; returns tables and columns."""
        path = landing_file(self._home)
        con = open_landing(self._home)
        try:
            known = tables(con, path.stem, self._schema)
            schema = identifier(self._schema)
            if known and "_dlt_loads" not in known:
                con.execute(f"drop schema {schema} cascade")
                return {}
            for table, columns in known.items():
                if "_dlt_load_id" in columns and not table.startswith("_dlt_"):
                    con.execute(
                        f"delete from {schema}.{identifier(table)} where _dlt_load_id not in"
                        f" (select load_id from {schema}._dlt_loads where status = 0)"
                    )
            return known
        finally:
            checkpoint_and_close(con, path)

    def _refuse_lost_rows(self, con: duckdb.DuckDBPyConnection, appended: Mapping[str, int]) -> None:
        schema = identifier(self._schema)
        for table, rows in appended.items():
            ((found,),) = con.execute(
                f"select count(*) from {schema}.{identifier(table)} where _dlt_load_id ="
                f" (select max(load_id) from {schema}._dlt_loads where status = 0)"
            ).fetchall()
            if found != rows:
                raise SourceFailed(
                    f"Source '{self._source}': {rows:,} rows of {table} were written, but {found:,} arrived"
                    f" in {landing_file(self._home)}; run again with --full-refresh."
                )

    # --- the staging file -----------------------------------------------------------------------

    def _gather(self, read: Read) -> tuple[int, int]:
        """Fill `staged` and `rejected`; returns how many rows were accepted and rejected."""
        staging, table = self._staging, read.table
        staging.create_staged(table)
        staging.create("rejected", ["_key"])
        accepted = rejected = 0
        for batch in read.batches:
            if self._suppression:
                batch = self._suppression.filter(self._source, table, batch)
            staging.insert_batch(table, batch, first=accepted)
            staging.insert("rejected", ["_key"], ([key] for key in batch.rejected_keys))
            self._add_problems(table.name, read.location, batch.problems)
            accepted += batch.accepted
            rejected += len(batch.rejected_keys)
            self._progress(table.name, accepted + rejected)
        self._add_problems(table.name, read.location, read.closing_problems())
        return accepted, rejected

    def _gather_census(self, read: Read) -> int | None:
        """Fill `census`; returns how many records the source has, None without a census."""
        self._staging.run("drop table if exists census")
        if read.census is None:
            return None
        names = [read.table.key, *read.table.money]
        self._staging.create("census", names)
        rows = 0
        for batch in read.census:
            if self._suppression:
                batch = self._suppression.filter(self._source, read.table, batch)
            columns = {name: values for name, values in batch.columns.items() if name in names}
            self._staging.insert("census", list(columns), zip(*columns.values(), strict=True))
            rows += batch.accepted
        return rows

    def _gather_gone(self, table: RawTable, rest: Rest) -> None:
        """Fill `gone` and `listed`; what was read and is gone since counts as gone."""
        staging = self._staging
        staging.create("gone", ["_key"])
        staging.insert("gone", ["_key"], ([key] for key in rest.gone()))
        staging.create("listed", ["_key"])
        for keys in rest.keys or ():
            kept = (key for key in keys if not self._suppression.has_record(self._source, table.name, key))
            staging.insert("listed", ["_key"], ([key] for key in kept))
        staging.run("delete from staged where _key in (from gone)")

    def _gather_covered(self, rest: Rest) -> None:
        """Add to `gone` what the log has of the part that was read in whole, and the source no longer has."""
        if (is_covered := rest.covered()) is None:
            return
        kept = self._staging.run(
            "select _key from current_versions where not _is_deleted"
            " and _key not in (select _key from winners)"
            " and _key not in (select _key from rejected where _key is not null)"
        )
        self._staging.insert("gone", ["_key"], ([key] for (key,) in kept if is_covered(key)))

    def _add_problems(self, entity: str, location: str, problems: Iterable[Problem]) -> None:
        if self._suppression:
            problems = map(self._suppression.without_problem_values, problems)
        self._staging.insert(
            "problems",
            list(PROBLEM_COLUMNS),
            (
                [self._run_id, entity, location, p.row_number, p.column_name, p.value, p.problem, p.severity]
                for p in problems
            ),
        )

    def _record(self, read: Read, result: EntityResult) -> None:
        staging, table = self._staging, read.table
        self._add_read(
            [
                result.entity,
                result.location,
                read.fingerprint,
                self.extracted_at,
                result.rows_read,
                result.rows_rejected,
                result.rows_duplicate,
                result.rows_appended,
                result.rows_unchanged,
                result.rows_deleted,
                staging.count(versions.KEPT),
                versions.money_at_source(staging, table),
                versions.money(staging, table, versions.KEPT),
                result.cursor_value,
            ]
        )
        self._staged.append(table)
        self._results.append(result)

    def _add_read(self, values: list[object]) -> None:
        marks = ", ".join("?" * len(READ_COLUMNS))
        self._staging.run(f"insert into reads values ({marks})", [self._run_id, *values])

    # --- what is refused --------------------------------------------------------------------------

    def _refuse_gaps(self, table: RawTable) -> None:
        if versions.gaps(self._staging, table):
            self._staging.run("delete from problems where entity = ?", [table.name])
            raise CursorMissedRecords

    def _refuse_miscount(self, read: Read, counted: list[int], rejected: int) -> None:
        """The log and the source itself must agree on how many records there are."""
        live = versions.live_after(self._staging, read.table)
        # Records may come and go between the counts; of a rejected one nobody knows whether it is live. The
        # source may still have those of erased people.
        unknown = rejected + self._suppression.erased_records(self._source, read.table.name)
        if live <= max(counted) and live + unknown >= min(counted):
            return
        if read.rest is not None:
            self._staging.run("delete from problems where entity = ?", [read.table.name])
            raise CursorMissedRecords
        raise SourceFailed(
            f"Source '{self._source}' says that it has {counted[-1]:,} {read.table.name} and gave {live:,}; "
            "nothing of this read counts, run again."
        )

    def _refuse_shrinking(self, table: RawTable, at_source: int) -> None:
        found = versions.shrinkage(self._staging)
        if self._allow_shrink or not found.live:
            return
        if not at_source:
            raise SourceFailed(
                f"Source '{self._source}' has no {table.name} any more but had {found.live:,}; check the"
                " source, or run with --allow-shrink if they were really deleted."
            )
        if found.missing >= _SHRINK_MINIMUM and found.missing > _SHRINK_SHARE * found.live:
            raise SourceFailed(
                f"Source '{self._source}' lacks {found.missing:,} of the {found.live:,} {table.name} it had;"
                " check the source, or run with --allow-shrink if they were really deleted."
            )

    def _refuse_problems(self) -> None:
        for result in self._results:
            if result.rows_read and result.rows_rejected == result.rows_read:
                raise SourceFailed(
                    f"Source '{self._source}': all {result.rows_read:,} rows of {result.location} were"
                    f" rejected; {self._first_problem(result.entity)}."
                )
        errors = self._staging.count("problems where severity = 'error'")
        if self._strict and errors:
            many = "problems" if errors > 1 else "problem"
            raise SourceFailed(
                f"Source '{self._source}' has {errors:,} {many} and strict is on; "
                f"the first: {self._first_problem()}."
            )

    def _first_problem(self, entity: str | None = None) -> str:
        ((location, row, column, value, problem),) = self._staging.run(
            "select location, row_number, column_name, value, problem from problems"
            " where severity = 'error' and (? is null or entity = ?) order by rowid limit 1",
            [entity, entity],
        )
        place = ", ".join([location, *([f"row {row}"] if row else []), *([column] if column else [])])
        return f"{place}: {value!r} is {problem}" if value else f"{place}: {problem}"
