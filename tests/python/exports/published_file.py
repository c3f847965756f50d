"""A small published file with every type of column and text that means harm."""

from datetime import date
from pathlib import Path

import duckdb

DAY = date(2026, 1, 31)
TEXTS = (
    "plain",
    "=1+1",
    "+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "-2",
    "tab\tand\nline",
    "שלום 🦄",
    "quo\"te, 'and' \\",
)


def write(path: Path, generation: int = 1) -> Path:
    """Write the file; `generation` tells one version from the next in every row."""
    con = duckdb.connect(str(path))
    for schema in ("revenue", "metrics", "identity", "operations"):
        con.execute(f"create schema {schema}")
    con.execute(
        "create table metrics.kpi_values as select 'win_rate' as kpi, range as n,"
        " cast(range / 7.0 as double) as value, cast(range as decimal(38, 6)) / 4 as numerator,"
        " ? as generation from range(500)",
        [generation],
    )
    con.execute("alter table metrics.kpi_values alter numerator type decimal(38, 6)")
    con.execute(
        "create table revenue.accounts (name varchar, is_customer boolean, opened_on date, seen_at timestamp,"
        " silos varchar[], evidence json, amount decimal(38, 6), generation bigint)"
    )
    for text in TEXTS:
        con.execute(
            "insert into revenue.accounts values"
            " (?, true, date '2026-01-31', timestamp '2026-01-31 10:00:00.5', ['crm', ?],"
            " '{\"a\": 1}', 12345678901234567890.123456, ?)",
            [text, text, generation],
        )
    con.execute(
        "insert into revenue.accounts values (null, null, null, null, null, null, null, ?)", [generation]
    )
    con.execute("comment on table revenue.accounts is 'Companies, each once.'")
    con.execute("comment on column revenue.accounts.name is 'Its name.'")
    con.close()
    return path
