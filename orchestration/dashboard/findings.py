"""Tables that say where help is needed and what is expected, shown as they are published."""

from orchestration.dashboard.encoding import Table
from orchestration.dashboard.published import Published

_ROWS = 250
_TABLES = (
    "bottlenecks",
    "team_support",
    "handoffs",
    "process_conformance",
    "tool_adoption",
    "revenue_forecast",
    "opportunity_scores",
    "account_health",
    "renewal_risk",
    "kpi_anomalies",
    "forecast_backtest",
)
# What of a table of one day comes first, where not all of it has room.
_FIRST = {
    "opportunity_scores": 'facts."win_probability" desc nulls last, ',
    "account_health": 'facts."amount_at_risk" desc nulls last, ',
    "renewal_risk": 'facts."amount_at_risk" desc nulls last, ',
}

# What is shown of a table of which not everything is.
_ONLY = {
    "kpi_anomalies": "facts.is_anomaly",
    "forecast_backtest": "facts.unit = 'company' and facts.method = 'model' and facts.actual is not null",
}


def findings(published: Published) -> dict[str, Table]:
    """The latest rows of each of these tables that is published and holds any, by name."""
    found = {name: _latest(published, name) for name in _TABLES}
    found["attribution"] = _attribution(published)
    return {name: table for name, table in found.items() if table}


def _latest(published: Published, name: str) -> Table | None:
    source = f"metrics.{name}"
    columns = published.columns.get(source)
    if not columns:
        return None
    joins, named = "", []
    if "account_id" in columns and published.has("revenue.accounts"):
        joins += " left join revenue.accounts as accounts on facts.account_id = accounts.account_id"
        named.append("accounts.name as account")
    if "opportunity_id" in columns and published.has("revenue.opportunities"):
        joins += " left join revenue.opportunities as deals on facts.opportunity_id = deals.opportunity_id"
        named += ["deals.name as opportunity", "deals.source_system", "deals.source_id"]
    taken = {each.rsplit(" ", 1)[-1].rsplit(".", 1)[-1] for each in named}
    listed = [f'facts."{column}"' for column in columns if column not in taken]
    newest = next(
        (f'facts."{name}" desc nulls last, ' for name in ("period_start", "as_of") if name in columns), ""
    )
    order = ", ".join(f'facts."{column}"' for column in columns)
    names, rows = published.read(
        f"select {', '.join([*named, *listed])} from {source} as facts{joins}"
        f" where {_ONLY.get(name, 'true')}"
        f" order by {newest}{_FIRST.get(name, '')}{order} limit {_ROWS}"
    )
    total = len(rows) if name in _ONLY and len(rows) < _ROWS else published.count(source)
    return Table(names, rows, total) if rows else None


def _attribution(published: Published) -> Table | None:
    """The share of the won deals that each model gives each channel."""
    columns = ("model", "channel", "share", "credited_amount", "deals", "lowest_share", "highest_share")
    if not published.has("metrics.attribution_by_channel", *columns):
        return None
    rows = published.rows(
        f"select {', '.join(columns)} from metrics.attribution_by_channel"
        f" order by model, share desc nulls last, channel limit {_ROWS}"
    )
    return Table(columns, rows) if rows else None
