"""Whether the data can be trusted: freshness, reconciliation, findings, how records were matched."""

from typing import Any

from orchestration.dashboard.encoding import Table
from orchestration.dashboard.published import Published

_ROWS = 300


def operations(published: Published) -> dict[str, Table]:
    """Tables for the page's blocks about data, by name."""
    made = {name: _selected(published, *wanted) for name, wanted in _SELECTED.items()}
    return {name: made_table for name, made_table in made.items() if made_table}


_SELECTED: dict[str, tuple[str, tuple[str, ...], str]] = {
    "freshness": (
        "operations.source_freshness",
        ("source_system", "entity", "row_count", "deleted_count", "latest_update_at", "last_read_at"),
        "source_system, entity",
    ),
    "reconciliation": (
        "operations.reconciliation",
        ("source_system", "entity", "rows_at_source", "landed_rows", "unified_rows", "money_at_source",
         "landed_money", "unified_money", "status"),
        "status = 'match', source_system, entity",
    ),
    "quality": (
        "operations.data_quality",
        ("severity", "source_system", "entity", "failing_rows", "message"),
        "case severity when 'error' then 0 when 'warning' then 1 else 2 end, failing_rows desc, message",
    ),
    "runs": (
        "operations.runs",
        ("run_id", "started_at", "finished_at", "status", "as_of", "version", "rows_read", "tests_passed",
         "tests_warned", "tests_failed", "git_commit"),
        "started_at desc nulls first, run_id desc",
    ),
    "restatements": (
        "operations.kpi_restatements",
        ("restated_at", "kpi", "variant", "grain", "period_start", "dimension", "dimension_value",
         "old_value", "new_value"),
        "restated_at desc, kpi, variant, grain, period_start, dimension, dimension_value",
    ),
}  # fmt: skip


def _selected(published: Published, name: str, columns: tuple[str, ...], order: str) -> Table | None:
    found = [column for column in columns if column in published.columns.get(name, ())]
    if not found:
        return None
    rows = published.rows(f"select {', '.join(found)} from {name} order by {order} limit {_ROWS}")
    return Table(found, rows, published.count(name)) if rows else None


def identity(published: Published) -> dict[str, Any]:
    """How records became companies: match methods per system, and in which systems each company is known."""
    found: dict[str, Any] = {}
    if published.has("identity.account_members"):
        rows = published.rows(
            "select source_system, match_method, count(*) as records, count(distinct account_id) as accounts"
            " from identity.account_members group by 1, 2 order by 1, 2"
        )
        if rows:
            found["methods"] = Table(("source_system", "match_method", "records", "accounts"), rows)
    if published.has("revenue.accounts", "silos"):
        rows = published.rows(
            "select len(silos) as systems, array_to_string(silos, ', ') as known_in, count(*) as accounts,"
            " count(*) filter (where is_customer) as customers from revenue.accounts"
            " group by 1, 2 order by 1 desc, 3 desc, 2 limit 100"
        )
        if rows:
            found["silos"] = Table(("systems", "known_in", "accounts", "customers"), rows)
    if published.has("identity.review_queue"):
        found["review_queue"] = published.count("identity.review_queue")
    return found
