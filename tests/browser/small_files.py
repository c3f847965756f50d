"""Published files small enough to know every number in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

AS_OF = date(2026, 3, 31)
QUARTER = (date(2026, 1, 1), date(2026, 4, 1))
MONTHS = (
    (date(2026, 1, 1), date(2026, 2, 1)),
    (date(2026, 2, 1), date(2026, 3, 1)),
    (date(2026, 3, 1), date(2026, 4, 1)),
)


@dataclass(frozen=True)
class Value:
    """A row of metrics.kpi_values; `share` makes value, numerator, denominator and n of two counts."""

    kpi: str = "win_rate"
    grain: str = "quarter"
    period: tuple[date, date] = QUARTER
    dimension: str = "all"
    dimension_value: str = "all"
    share: tuple[int, int] | None = None
    value: float | None = None
    null_reason: str | None = None
    unit: str = "ratio"


@dataclass(frozen=True)
class Deal:
    """A row of revenue.opportunities."""

    source_id: str
    name: str
    account: str = "Acme"
    segment: str | None = None
    is_won: bool = True
    closed_on: date | None = date(2026, 2, 10)
    amount: float = 1000


@dataclass(frozen=True)
class Goal:
    """A row of metrics.goals."""

    target: float | None
    status: str
    kpi: str = "win_rate"
    owner: str = "sales"


@dataclass(frozen=True)
class SmallFile:
    """What a small published file holds."""

    values: Sequence[Value] = field(default_factory=tuple)
    deals: Sequence[Deal] = field(default_factory=tuple)
    goals: Sequence[Goal] = field(default_factory=tuple)
    findings: Sequence[str] = field(default_factory=tuple)


def write(path: Path, content: SmallFile) -> Path:
    """Write a published file."""
    con = duckdb.connect(str(path))
    for schema in ("revenue", "metrics", "identity", "operations"):
        con.execute(f"create schema {schema}")
    _write_catalog(con, content)
    _write_values(con, content.values)
    if content.deals:
        _write_deals(con, content.deals)
    if content.goals:
        _write_goals(con, content.goals)
    if content.findings:
        con.execute(
            "create table operations.data_quality (run_id varchar, test varchar, severity varchar,"
            " source_system varchar, entity varchar, failing_rows bigint, message varchar)"
        )
        for message in content.findings:
            con.execute(
                "insert into operations.data_quality"
                " values ('run', ?, 'warning', 'crm', 'opportunities', 3, ?)",
                [message, message],
            )
    con.close()
    return path


def _write_catalog(con: duckdb.DuckDBPyConnection, content: SmallFile) -> None:
    con.execute(
        "create table metrics.kpi_catalog (kpi varchar, variant varchar, title varchar, question varchar,"
        " formula varchar, clock varchar, basis varchar, unit varchar, direction varchar, owner varchar,"
        " model varchar, definition_version varchar, inputs varchar[])"
    )
    units = {value.kpi: value.unit for value in content.values} or {"win_rate": "ratio"}
    for kpi, unit in units.items():
        con.execute(
            "insert into metrics.kpi_catalog values"
            " (?, 'default', ?, 'Why?', 'won / (won + lost)', 'closed_at', 'count', ?, 'up', 'sales', ?, '1',"
            " ['opportunities'])",
            [kpi, kpi.replace("_", " ").capitalize(), unit, f"models/metrics/sales/{kpi}.sql"],
        )


def _write_values(con: duckdb.DuckDBPyConnection, values: Sequence[Value]) -> None:
    con.execute(
        "create table metrics.kpi_values (kpi varchar, variant varchar, grain varchar, period_start date,"
        " period_end date, dimension varchar, dimension_value varchar, value double,"
        " numerator decimal(38, 6), denominator decimal(38, 6), n bigint, value_low double,"
        " value_high double, unit varchar,"
        " currency_code varchar, null_reason varchar, as_of date, definition_version varchar)"
    )
    for row in values:
        numerator, denominator = row.share or (None, None)
        value = numerator / denominator if numerator is not None and denominator else row.value
        con.execute(
            "insert into metrics.kpi_values values"
            " (?, 'default', ?, ?, ?, ?, ?, ?, ?, ?, ?, null, null, ?, ?, ?, ?, '1')",
            [
                row.kpi,
                row.grain,
                *row.period,
                row.dimension,
                row.dimension_value,
                value,
                numerator,
                denominator,
                denominator,
                row.unit,
                "USD" if row.unit == "currency" else None,
                row.null_reason,
                AS_OF,
            ],
        )


def _write_deals(con: duckdb.DuckDBPyConnection, deals: Sequence[Deal]) -> None:
    con.execute(
        "create table revenue.accounts (account_id varchar, name varchar, segment varchar, region varchar,"
        " is_customer boolean, silos varchar[])"
    )
    con.execute(
        "create table revenue.opportunities (opportunity_id varchar, source_system varchar,"
        " source_id varchar, account_id varchar, name varchar, kind varchar, product varchar, stage varchar,"
        " shared_stage varchar, is_closed boolean, is_won boolean, is_qualified boolean,"
        " amount decimal(38, 6), opened_on date, closed_on date, expected_close_on date,"
        " lead_source varchar, direction varchar, loss_reason varchar, owner_name varchar,"
        " team varchar, segment varchar, region varchar)"
    )
    for name in dict.fromkeys(deal.account for deal in deals):
        con.execute("insert into revenue.accounts values (?, ?, null, null, true, ['crm'])", [name, name])
    for deal in deals:
        stage = "won" if deal.is_won else "lost" if deal.closed_on else "proposal"
        con.execute(
            "insert into revenue.opportunities values (?, 'crm', ?, ?, ?, 'new_business', 'Core', ?, ?, ?, ?,"
            " false, ?, date '2026-01-05', ?, null, null, 'inbound', null, 'Ada', 'North', ?, null)",
            [
                deal.source_id,
                deal.source_id,
                deal.account,
                deal.name,
                stage,
                stage,
                deal.closed_on is not None,
                deal.is_won,
                deal.amount,
                deal.closed_on,
                deal.segment,
            ],
        )


def _write_goals(con: duckdb.DuckDBPyConnection, goals: Sequence[Goal]) -> None:
    con.execute(
        "create table metrics.goals (period_start date, period_end date, grain varchar, kpi varchar,"
        " variant varchar, dimension varchar, dimension_value varchar, target double, actual double,"
        " status varchar, owner varchar, conflicts_with varchar[])"
    )
    for goal in goals:
        con.execute(
            "insert into metrics.goals values"
            " (?, ?, 'quarter', ?, 'default', 'all', 'all', ?, 0.5, ?, ?, [])",
            [*QUARTER, goal.kpi, goal.target, goal.status, goal.owner],
        )
