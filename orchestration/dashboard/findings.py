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
)


def findings(published: Published) -> dict[str, Table]:
    """The latest rows of each of these tables that is published and holds any, by name."""
    found: dict[str, Table] = {}
    for name in _TABLES:
        rows = _latest(published, name)
        if rows:
            found[name] = rows
    credits = _attribution(published)
    return found | ({"attribution": credits} if credits else {})


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
        f" order by {newest}{order} limit {_ROWS}"
    )
    return Table(names, rows, published.count(source)) if rows else None


def _attribution(published: Published) -> Table | None:
    """Credit for won deals by model and channel, all of it: too many touches to list."""
    if not (
        published.has("metrics.attribution", "touch_id", "model", "credit", "credited_amount")
        and published.has("revenue.touches", "touch_id", "channel")
    ):
        return None
    columns = ("model", "channel", "credited_amount", "won_deals", "touches")
    rows = published.rows(
        f"""
        select credits.model, coalesce(touches.channel, 'unknown') as channel,
            sum(credits.credited_amount), sum(credits.credit), count(*)
        from metrics.attribution as credits
        left join revenue.touches as touches on credits.touch_id = touches.touch_id
        group by 1, 2 order by 1, 3 desc nulls last, 2 limit {_ROWS}
        """
    )
    return Table(columns, rows) if rows else None
