"""The audit: what a candidate must prove before readers may see it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.errors import AuditFailed
from orchestration.publish import unusual
from orchestration.publish.content import combined_hash, table_hash
from orchestration.publish.tables import PublishedTable
from orchestration.warehouse import open_build, open_memory, open_reader

if TYPE_CHECKING:
    from orchestration.transform import NodeResult

SAMPLE_ROWS = 5

Sample = tuple[dict[str, Any], ...]

# The checks of a candidate, in order; `audit` returns one outcome for each.
CHECKS = (
    "every_column_of_every_table_is_readable",
    "parquet_holds_the_same_rows",
    "rows_and_money_reconcile_with_the_sources",
    "data_quality_has_no_errors",
    "numbers_follow_their_history",
)


@dataclass(frozen=True)
class Check:
    """The outcome of one check. `message` is a sentence; `sample` holds up to five of the rows that failed
    it.
    """

    name: str
    passed: bool
    message: str
    sample: Sample = ()


@dataclass(frozen=True)
class AuditReport:
    """All checks of one candidate, and row count and content hash of each of its tables."""

    checks: tuple[Check, ...]
    rows: dict[str, int] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    unusual: tuple[str, ...] = ()

    @property
    def content_hash(self) -> str:
        """One hash over what all tables say, without what differs from run to run."""
        return combined_hash(self.hashes.items())

    def raise_if_failed(self) -> None:
        """Raise AuditFailed naming the first failed check, its rows and a sample of them."""
        raise_for_failed(self.checks)


def raise_for_failed(checks: Sequence[Check]) -> None:
    """Raise AuditFailed for the first failed check, if there is one."""
    failed = [check for check in checks if not check.passed]
    if not failed:
        return
    first = failed[0]
    more = (
        f" {len(failed) - 1} more checks failed: {', '.join(c.name for c in failed[1:])}."
        if failed[1:]
        else ""
    )
    rows = "".join(f"\n  {row}" for row in first.sample)
    raise AuditFailed(f"Nothing was published: {first.message}{more}{rows}")


def check_tests(
    nodes: Iterable["NodeResult"], sample: Callable[["NodeResult"], Sample], *, strict: bool
) -> list[Check]:
    """One check for each dbt test, with a sample of the rows that failed it; a warning fails if `strict`."""
    checks = []
    for node in nodes:
        if node.resource_type != "test":
            continue
        failed = node.status in ("fail", "error") or (strict and node.status == "warn")
        message = f"{node.name}: {node.status}"
        if node.status in ("fail", "warn"):
            message = f"the test {node.name} found {node.failures} row{'s' if node.failures != 1 else ''}."
        checks.append(Check(node.name, not failed, message, sample(node) if failed else ()))
    return checks


def failing_rows(build_file: Path, query: str, personal: Collection[str]) -> Sample:
    """Up to five of the rows the query of a test finds in a build, without the columns in `personal`."""
    try:
        with open_build(build_file, read_only=True) as con:
            rows = _rows(con, f"select * from ({query}) as failing limit {SAMPLE_ROWS}")
    except duckdb.Error:
        # A sample is a courtesy: the failed test itself has been counted already.
        return ()
    return tuple({name: value for name, value in row.items() if name not in personal} for row in rows)


def audit(
    folder: Path,
    tables: Sequence[PublishedTable],
    *,
    strict: bool,
    before: Mapping[str, Any] | None = None,
    accepted: str | None = None,
) -> AuditReport:
    """Check a candidate folder read-only, reading every column of every table once.

    Checks that the file is readable throughout, that Parquet holds as many rows, that sources reconcile and
    that data quality has no errors; when `strict`, no warnings either, and no number that breaks with its
    history, as `before`, the manifest of the version before, and the KPIs themselves have it, unless somebody
    `accepted` it and said why.
    """
    con = open_reader(folder / "revops.duckdb")
    rows: dict[str, int] = {}
    hashes: dict[str, str] = {}
    unreadable = []
    with con:
        for table in tables:
            try:
                rows[table.full_name], digest = table_hash(con, table)
            except duckdb.Error as failure:
                unreadable.append(f"{table.full_name} ({str(failure).splitlines()[0]})")
                continue
            if table.is_hashed:
                hashes[table.full_name] = digest
        checks: tuple[Check, ...] = (
            Check(
                "every_column_of_every_table_is_readable",
                not unreadable,
                f"{', '.join(unreadable)} cannot be read." if unreadable else f"{len(rows)} tables read.",
            ),
            _parquet_holds_the_same_rows(folder, tables, rows),
            _sources_reconcile(con, tables),
            _data_quality_has_no_errors(con, tables, strict=strict),
        )
        breaks = () if unreadable else tuple(unusual.find(con, rows, before))
    checks += (_numbers_follow_their_history(breaks, accepted, strict=strict),)
    return AuditReport(checks, rows, hashes, breaks)


def _parquet_holds_the_same_rows(
    folder: Path, tables: Sequence[PublishedTable], rows: dict[str, int]
) -> Check:
    different = []
    with open_memory() as con:
        for table in tables:
            path = folder / "parquet" / table.schema / f"{table.name}.parquet"
            ((in_parquet,),) = con.execute("select count(*) from read_parquet(?)", [str(path)]).fetchall()
            if in_parquet != rows.get(table.full_name):
                different.append(
                    f"{table.full_name} has {rows.get(table.full_name)} rows and its Parquet {in_parquet}"
                )
    return Check(
        "parquet_holds_the_same_rows",
        not different,
        "; ".join(different) + "." if different else f"{len(tables)} Parquet files agree.",
    )


def _sources_reconcile(con: duckdb.DuckDBPyConnection, tables: Sequence[PublishedTable]) -> Check:
    name = "rows_and_money_reconcile_with_the_sources"
    table = next((table for table in tables if table.full_name == "operations.reconciliation"), None)
    if table is None or "status" not in table.columns:
        return Check(name, True, "This build has no reconciliation.")
    mismatches = f"from {table.sql_name} where status = 'mismatch'"
    ((count,),) = con.execute(f"select count(*) {mismatches}").fetchall()
    message = f"operations.reconciliation has {count} rows whose counts or sums do not match their source."
    sample = _rows(con, f"select * {mismatches} order by {table.order_by} limit {SAMPLE_ROWS}")
    return Check(name, not count, message if count else "All sources reconcile.", sample)


def _data_quality_has_no_errors(
    con: duckdb.DuckDBPyConnection, tables: Sequence[PublishedTable], *, strict: bool
) -> Check:
    name = "data_quality_has_no_errors"
    if not any(table.full_name == "operations.data_quality" for table in tables):
        return Check(name, True, "This build has no data quality findings.")
    forbidden = "('error', 'warning')" if strict else "('error')"
    found = f"from operations.data_quality where severity in {forbidden}"
    ((count,),) = con.execute(f"select count(*) {found}").fetchall()
    sample = _rows(con, f"select test, failing_rows, message {found} order by all limit {SAMPLE_ROWS}")
    why = "; the configuration says `strict: true`" if strict else ""
    return Check(
        name,
        not count,
        f"operations.data_quality has {count} findings that must not be published{why}."
        if count
        else "No data quality errors.",
        sample,
    )


def _numbers_follow_their_history(breaks: Sequence[str], accepted: str | None, *, strict: bool) -> Check:
    passed = not breaks or not strict or bool(accepted)
    message = " ".join(breaks) if breaks else "No number breaks with its history."
    if not passed:
        message += ' Look whether this is so; `revops run --accept "why"` publishes it.'
    return Check("numbers_follow_their_history", passed, message)


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> Sample:
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description or []]
    return tuple(dict(zip(names, row, strict=True)) for row in cursor.fetchall())
