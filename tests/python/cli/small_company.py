"""A published file of a company with five deals, written without sources and dbt."""

from pathlib import Path

from orchestration.publish.audit import audit
from orchestration.publish.candidate import write_candidate
from orchestration.publish.versions import Version, publish
from orchestration.warehouse import open_build

DEALS = [
    # id, name, stage, is_won, owner, region, amount, opened, closed
    ("d1", "=HYPERLINK(evil)", "Won", True, "Ada", "North", 100, "2026-02-01", "2026-03-02"),
    ("d2", "Second", "Won", True, "Ada", "South", 200, "2026-02-01", "2026-03-03"),
    ("d3", "Third", "Lost", False, "Bob", "North", 300, "2026-02-01", "2026-03-31"),
    ("d4", "Fourth", "Lost", False, "Bob", None, 400, "2026-02-01", "2026-02-28"),
    ("d5", "Open", "Demo", False, "Bob", None, 500, "2026-02-01", None),
]


def publish_company(home: Path, as_of: str = "2026-03-31") -> Version:
    """Write and publish one version as of `as_of`."""
    work = home / "work" / as_of
    _write_build(work / "build.duckdb", as_of)
    tables = write_candidate(work / "build.duckdb", work / "candidate", {}, "masked")
    report = audit(work / "candidate", tables, strict=False)
    manifest = {
        "run_id": f"run-{as_of}",
        "as_of": as_of,
        "content_hash": report.content_hash,
        "tables": {name: {"rows": rows} for name, rows in report.rows.items()},
        "reporting": {"currency": "EUR", "timezone": "UTC"},
        "policy": {"win_rate": {"counts": "closed deals"}},
    }
    return publish(home, work / "candidate", manifest)


def _write_build(path: Path, as_of: str) -> None:
    with open_build(path) as con:
        for schema in ("revenue", "metrics", "operations", "identity", "run"):
            con.execute(f"create schema {schema}")
        con.execute(
            "create table revenue.opportunities (source_system varchar, source_id varchar, name varchar,"
            " stage varchar, is_closed boolean, is_won boolean, owner_name varchar, region varchar,"
            " amount decimal(38, 6), opened_on date, closed_on date)"
        )
        for deal, name, stage, is_won, owner, region, amount, opened, closed in DEALS:
            con.execute(
                "insert into revenue.opportunities values ('crm', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [deal, name, stage, closed is not None, is_won, owner, region, amount, opened, closed],
            )
        con.execute(
            "create table metrics.kpi_catalog as select 'win_rate' as kpi, 'default' as variant,"
            " 'Win rate' as title, 'Which share was won?' as question, 'won / (won + lost)' as formula,"
            " 'closed_at' as clock, 'count' as basis, 'ratio' as unit, 'up' as direction, 'sales' as owner,"
            " 'models/metrics/sales/win_rate.sql' as model, '1' as definition_version,"
            " ['opportunities'] as inputs"
        )
        con.execute(
            "create table metrics.kpi_values (kpi varchar, variant varchar, grain varchar, period_start date,"
            " period_end date, dimension varchar, dimension_value varchar, value double,"
            " numerator decimal(38, 6), denominator decimal(38, 6), n bigint, value_low double,"
            " value_high double, unit varchar, currency_code varchar, null_reason varchar, as_of date,"
            " definition_version varchar)"
        )
        for start, end, dimension, name, won, closed in (
            ("2026-01-01", "2026-02-01", "all", "all", 0, 0),
            ("2026-02-01", "2026-03-01", "all", "all", 0, 1),
            ("2026-03-01", "2026-04-01", "all", "all", 2, 3),
            ("2026-03-01", "2026-04-01", "region", "North", 1, 2),
            ("2026-03-01", "2026-04-01", "region", "South", 1, 1),
        ):
            con.execute(
                "insert into metrics.kpi_values values ('win_rate', 'default', 'month', ?, ?, ?, ?, ?, ?,"
                " ?, ?,"
                " null, null, 'ratio', null, ?, ?, '1')",
                [
                    *(start, end, dimension, name, won / closed if closed else None, won, closed, closed),
                    *(None if closed else "no_denominator", as_of),
                ],
            )
        con.execute(
            "create table operations.source_freshness as select 'crm' as source_system,"
            " 'opportunities' as entity, timestamp '2026-03-31 01:02:03' as last_read_at"
        )
        con.execute(
            "create table operations.data_quality as select 'unmapped_stage:crm:Demo' as test,"
            " 'warning' as severity, 'crm' as source_system, 'opportunities' as entity,"
            " cast(1 as bigint) as failing_rows, 'No rule maps the stage \"Demo\".' as message"
        )
