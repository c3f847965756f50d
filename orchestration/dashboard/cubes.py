"""Sums the charts are drawn from, one row per combination of what the page can filter by."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from orchestration.dashboard.encoding import Table
from orchestration.dashboard.published import FILTERS, Published
from orchestration.dashboard.records import CALLS_IN_FORCE

_CELLS = 3000


def cubes(
    published: Published, filters: Mapping[str, list[str]], months: Sequence[date], as_of: date
) -> dict[str, Table]:
    """Every cube whose tables are published and hold rows; `months` are first days of the months shown."""
    if not months:
        return {}
    first = months[0]
    last_days = [*((later - timedelta(days=1)) for later in months[1:]), as_of]
    made = {
        "arr_movements": _arr_movements(published, filters, first),
        "pipeline_stages": _pipeline(
            published, filters, last_days, "pipeline.shared_stage as stage", "stage"
        ),
        "pipeline_close": _pipeline(
            published,
            filters,
            last_days,
            "cast(date_trunc('month', pipeline.expected_close_on) as date) as close_month",
            "close_month",
        ),
        "pipeline_waterfall": _pipeline_waterfall(published, first),
        "losses": _losses(published, filters, first),
        "cohorts": _cohorts(published, filters, as_of),
        "renewals_due": _renewals_due(published, filters, as_of),
        "spend": _spend(published, filters, first),
        "tickets": _tickets(published, filters, first),
        "forecast_calls": _forecast_calls(published, first, as_of),
        "forecast_path": _forecast_path(published, as_of),
    }
    return {name: cube for name, cube in made.items() if cube}


def cube(
    published: Published,
    filters: Mapping[str, list[str]],
    sql: str,
    dimensions: Sequence[str],
    sliced_by: Sequence[str],
    measures: Mapping[str, str],
    parameters: Sequence[Any] = (),
) -> Table | None:
    """Sum `sql` by `dimensions` and by as many of `sliced_by` as fit; None without rows.

    A slice value the page does not offer counts as 'other values'. `filters` in the answer says which filters
    the cube can follow.
    """
    slices = list(sliced_by)
    summed = ", ".join(f"{expression} as {name}" for name, expression in measures.items())
    while True:
        kept = [
            f"case when list_contains(?, coalesce({name}, 'unknown')) then coalesce({name}, 'unknown')"
            f" else 'other values' end as {name}"
            for name in slices
        ]
        keys = [*dimensions, *slices]
        rows = published.rows(
            f"select {', '.join([*dimensions, *kept])}, {summed} from ({sql}) as facts"
            f" group by {', '.join(str(index + 1) for index in range(len(keys)))}"
            f" order by {', '.join(f'{index + 1} nulls first' for index in range(len(keys)))}",
            [*(filters[name] for name in slices), *parameters],
        )
        if len(rows) <= _CELLS or not slices:
            break
        slices.pop()
    if not rows:
        return None
    return Table([*keys, *measures], rows[-_CELLS:], about={"filters": slices})


def _arr_movements(published: Published, filters: Mapping[str, list[str]], first: date) -> Table | None:
    if not published.has("metrics.arr_movements"):
        return None
    return cube(
        published,
        filters,
        "select *,"
        " case when occurred_on >= ? then cast(date_trunc('month', occurred_on) as date) end as month"
        " from metrics.arr_movements",
        ["month", "movement"],
        ["segment", "region", "product"],
        {"amount": "sum(amount)", "records": "count(*)"},
        [first],
    )


def _pipeline(
    published: Published, filters: Mapping[str, list[str]], days: Sequence[date], expression: str, name: str
) -> Table | None:
    if not published.has("revenue.pipeline_daily"):
        return None
    return cube(
        published,
        filters,
        f"select pipeline.day, {expression}, deals.segment, deals.region, deals.team, deals.product,"
        " pipeline.amount from revenue.pipeline_daily as pipeline"
        " inner join revenue.opportunities as deals on pipeline.opportunity_id = deals.opportunity_id"
        " where list_contains(?, pipeline.day)",
        ["day", name],
        FILTERS,
        {"amount": "sum(coalesce(amount, 0))", "records": "count(*)"},
        [list(days)],
    )


def _pipeline_waterfall(published: Published, first: date) -> Table | None:
    columns = ("period_start", "bucket", "amount", "deals")
    if not published.has("metrics.pipeline_waterfall", *columns):
        return None
    rows = published.rows(
        f"select {', '.join(columns)} from metrics.pipeline_waterfall where period_start >= ? order by 1, 2",
        [first],
    )
    return Table(columns, rows) if rows else None


def _losses(published: Published, filters: Mapping[str, list[str]], first: date) -> Table | None:
    if not published.has("revenue.opportunities", "loss_reason"):
        return None
    return cube(
        published,
        filters,
        "select *, cast(date_trunc('month', closed_on) as date) as month,"
        " coalesce(loss_reason, 'unknown') as reason"
        " from revenue.opportunities where is_closed and not is_won and closed_on >= ?",
        ["month", "reason"],
        FILTERS,
        {"amount": "sum(coalesce(amount, 0))", "records": "count(*)"},
        [first],
    )


def _cohorts(published: Published, filters: Mapping[str, list[str]], as_of: date) -> Table | None:
    """Customers by the quarter they first became one, and what is left of them in later quarters."""
    if not published.has("revenue.recurring_revenue_history", "is_customer"):
        return None
    return cube(
        published,
        filters,
        """
        select cohorts.cohort, ends.quarter, accounts.segment, accounts.region, history.is_customer,
            history.amount
        from (
            select account_id, cast(date_trunc('quarter', min(valid_from)) as date) as cohort
            from revenue.recurring_revenue_history where is_customer group by account_id
        ) as cohorts
        inner join (
            select cast(quarter as date) as quarter,
                least(cast(quarter + interval 3 month as date) - 1, cast(? as date)) as last_day
            from generate_series(
                date_trunc('quarter', cast(? as date) - interval 33 month), cast(? as date), interval 3 month
            ) as quarters(quarter)
        ) as ends on cohorts.cohort <= ends.quarter
        inner join revenue.recurring_revenue_history as history
            on cohorts.account_id = history.account_id
            and history.valid_from <= ends.last_day and history.valid_to > ends.last_day
        left join revenue.accounts as accounts on cohorts.account_id = accounts.account_id
        where cohorts.cohort >= date_trunc('quarter', cast(? as date) - interval 33 month)
        """,
        ["cohort", "quarter"],
        ["segment", "region"],
        {
            "customers": "count(case when is_customer then 1 end)",
            "amount": "coalesce(sum(case when is_customer then amount end), 0)",
            "members": "count(*)",
        },
        [as_of, as_of, as_of, as_of],
    )


def _renewals_due(published: Published, filters: Mapping[str, list[str]], as_of: date) -> Table | None:
    if not published.has("revenue.contracts"):
        return None
    return cube(
        published,
        filters,
        "select *, cast(date_trunc('month', term_ends_on) as date) as month,"
        " case when auto_renews then 'renews by itself' else 'needs a signature' end as way"
        " from revenue.contracts"
        " where term_ends_on > ? and term_ends_on <= cast(? as date) + interval 12 month"
        " and annual_recurring_amount > 0"
        " and coalesce(status, 'active') not in ('lapsed', 'canceled', 'renewed')",
        ["month", "way"],
        ["segment", "region"],
        {"amount": "sum(annual_recurring_amount)", "records": "count(*)"},
        [as_of, as_of],
    )


def _spend(published: Published, filters: Mapping[str, list[str]], first: date) -> Table | None:
    if not published.has("revenue.spend_daily"):
        return None
    return cube(
        published,
        filters,
        "select *, cast(date_trunc('month', day) as date) as month from revenue.spend_daily where day >= ?",
        ["month", "department", "category", "channel"],
        [],
        {"amount": "sum(amount)", "records": "count(distinct source_system || ':' || source_id)"},
        [first],
    )


def _tickets(published: Published, filters: Mapping[str, list[str]], first: date) -> Table | None:
    if not published.has("revenue.tickets", "opened_on"):
        return None
    return cube(
        published,
        filters,
        "select *, cast(date_trunc('month', opened_on) as date) as month from revenue.tickets"
        " where opened_on >= ?",
        ["month", "priority"],
        ["segment", "region"],
        {"records": "count(*)"},
        [first],
    )


def _forecast_calls(published: Published, first: date, as_of: date) -> Table | None:
    """The commit call in force at the start of each period and some days before its end, per unit."""
    if not published.has("revenue.forecasts", "submitted_on"):
        return None
    columns = ("unit", "period_start", "period_end", "horizon", "amount")
    rows = published.rows(
        f"""
        select {", ".join(columns)} from {CALLS_IN_FORCE} as calls
        where place = 1 and period_start >= $first
        order by period_start desc, unit, period_end, horizon
        limit {_CELLS}
        """,
        {"as_of": as_of, "first": first},
    )
    return Table(columns, rows) if rows else None


def _forecast_path(published: Published, as_of: date) -> Table | None:
    """Every call for the periods that have not ended, or ended in the last quarter."""
    if not published.has("revenue.forecasts", "submitted_on"):
        return None
    rows = published.rows(
        "select unit, period_start, period_end, category, submitted_on, amount from revenue.forecasts"
        " where period_end > cast(? as date) - 100 and category in ('commit', 'best_case')"
        " order by period_end desc, unit, period_start, category, submitted_at, source_id limit ?",
        [as_of, _CELLS],
    )
    columns = ("unit", "period_start", "period_end", "category", "submitted_on", "amount")
    return Table(columns, rows) if rows else None
