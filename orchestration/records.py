"""Which records stand behind each KPI: SQL over the published tables that lists them with their source
records.

Every query gives the columns source_records (a list of {source_system, source_id}), name, happened_on,
amount, about. Parameters: $since and $until (exclusive) of the period, $grain, $as_of, $dimension_value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

_BY_DEAL = {
    "segment": "segment",
    "region": "region",
    "owner": "owner_name",
    "team": "team",
    "product": "product",
    "lead_source": "lead_source",
    "direction": "direction",
    "kind": "kind",
}
_BY_ACCOUNT = {"segment": "segment", "region": "region"}
_BY_MOVEMENT = {**_BY_ACCOUNT, "product": "product", "plan": "plan"}


@dataclass(frozen=True)
class Records:
    """A set of records.

    `sql` has a place {slice} for the condition that keeps one slice; `slices` maps each dimension it can be
    cut by to a column. `adds_up` says what must equal the published numerator or denominator: the count of
    the records or the sum of their amounts.
    """

    title: str
    sql: str
    slices: Mapping[str, str] = field(default_factory=dict)
    adds_up: Literal["count", "amount"] | None = None


@dataclass(frozen=True)
class Behind:
    """What stands behind a value: numerator, denominator, and records of which it is neither count nor
    sum.
    """

    numerator: Records | None = None
    denominator: Records | None = None
    others: tuple[Records, ...] = ()


def _deals(
    title: str,
    where: str,
    *,
    day: str = "closed_on",
    amount: str = "amount",
    adds_up: Literal["count", "amount"] | None = None,
) -> Records:
    return Records(
        title,
        "select [{{'source_system': source_system, 'source_id': source_id}}] as source_records, name,"
        f" {day} as happened_on, {amount} as amount, concat_ws(', ', stage, owner_name) as about"
        f" from revenue.opportunities where ({where}) and {{slice}} order by happened_on, source_system,"
        " source_id",
        _BY_DEAL,
        adds_up,
    )


def _subscriptions_on(day: str) -> str:
    """Per account, the source records of its subscriptions in force on a day."""
    return (
        "(select account_id, list(distinct {{'source_system': source_system, 'source_id': source_id}}"
        " order by {{'source_system': source_system, 'source_id': source_id}}) as source_records"
        " from revenue.subscription_periods"
        f" where kind = 'recurring' and starts_on <= {day} and (ends_on is null or ends_on > {day})"
        " group by account_id)"
    )


def _customers_of_period(
    title: str, where: str, *, amount: str, adds_up: Literal["count", "amount"]
) -> Records:
    return Records(
        title,
        "select coalesce(subscriptions.source_records, []) as source_records, accounts.name,"
        f" endpoints.period_start as happened_on, {amount} as amount, endpoints.churn_reason as about"
        " from revenue.customer_endpoints as endpoints"
        " left join revenue.accounts as accounts on endpoints.account_id = accounts.account_id"
        f" left join {_subscriptions_on('cast($since as date) - 1')} as subscriptions"
        " on endpoints.account_id = subscriptions.account_id"
        f" where endpoints.grain = $grain and endpoints.period_start = $since and ({where}) and {{slice}}"
        " order by accounts.name, endpoints.account_id",
        {name: f"endpoints.{name}" for name in _BY_ACCOUNT},
        adds_up,
    )


def _customers_on(
    title: str, day: str, *, amount: str = "history.amount", adds_up: Literal["count", "amount"] | None
) -> Records:
    return Records(
        title,
        "select coalesce(subscriptions.source_records, []) as source_records, accounts.name,"
        f" history.valid_from as happened_on, {amount} as amount,"
        " case when history.is_paused then 'paused' end as about"
        " from revenue.recurring_revenue_history as history"
        " left join revenue.accounts as accounts on history.account_id = accounts.account_id"
        f" left join {_subscriptions_on(day)} as subscriptions on history.account_id ="
        " subscriptions.account_id"
        f" where history.is_customer and history.valid_from <= {day} and history.valid_to > {day} and"
        f" {{slice}}"
        " order by accounts.name, history.account_id",
        {name: f"accounts.{name}" for name in _BY_ACCOUNT},
        adds_up,
    )


def _expansions(title: str, where: str = "true") -> Records:
    return Records(
        title,
        "select [{{'source_system': movements.source_system, 'source_id': each}} for each in"
        " movements.source_ids]"
        " as source_records, accounts.name, occurred_on as happened_on, amount, reason as about"
        " from metrics.arr_movements as movements"
        " left join revenue.accounts as accounts on movements.account_id = accounts.account_id"
        f" where movement = 'expansion' and occurred_on >= $since and occurred_on < $until and ({where})"
        f" and {{slice}}"
        " order by occurred_on, movement_id",
        {name: f"movements.{column}" for name, column in _BY_MOVEMENT.items()},
        "amount",
    )


def _spend(title: str, where: str = "true") -> Records:
    return Records(
        title,
        "select [{{'source_system': source_system, 'source_id': source_id}}] as source_records, channel as"
        " name,"
        " min(day) as happened_on, sum(amount) as amount, concat_ws(', ', department, category) as about"
        " from revenue.spend_daily where coalesce(department, 'marketing') in ('marketing', 'sales')"
        f" and day >= $since and day < $until and ({where}) and {{slice}}"
        " group by source_system, source_id, channel, department, category"
        " order by happened_on, source_system, source_id",
        {},
        "amount",
    )


_NEW_CUSTOMERS = Records(
    "new customers",
    "with ledger as (select count(*) as size from metrics.arr_movements),"
    " terms as (select count(*) as size from revenue.contracts),"
    " first_terms as (select *, row_number() over (partition by account_id"
    "  order by term_starts_on, contract_id) as rank from revenue.contracts where annual_recurring_amount"
    " > 0),"
    " first_deals as (select *, row_number() over (partition by account_id order by closed_on,"
    " opportunity_id) as rank"
    "  from revenue.opportunities where is_won and coalesce(kind, 'new_business') = 'new_business'"
    "  and account_id is not null and closed_on is not null),"
    " found as ("
    "  select account_id, flatten(list([{{'source_system': source_system, 'source_id': each}} for each in"
    " source_ids]"
    "   order by movement_id)) as source_records, occurred_on as happened_on, sum(amount) as amount"
    "  from metrics.arr_movements where movement = 'new' group by account_id, occurred_on"
    "  union all"
    "  select account_id, [{{'source_system': source_system, 'source_id': source_id}}], term_starts_on,"
    "   annual_recurring_amount from first_terms, ledger, terms"
    "  where rank = 1 and ledger.size = 0 and terms.size > 0"
    "  union all"
    "  select account_id, [{{'source_system': source_system, 'source_id': source_id}}], closed_on, amount"
    "   from first_deals, ledger, terms where rank = 1 and ledger.size = 0 and terms.size = 0"
    " ) select found.source_records, accounts.name, found.happened_on, found.amount, cast(null as varchar)"
    " as about"
    " from found left join revenue.accounts as accounts on found.account_id = accounts.account_id"
    " where found.happened_on >= $since and found.happened_on < $until and {slice}"
    " order by found.happened_on, accounts.name, found.account_id",
    {},
    "count",
)


def _calls(title: str, in_force: str) -> Records:
    """Commit calls for periods inside the period, each the last one submitted before it had to stand."""
    return Records(
        title,
        "select [{{'source_system': source_system, 'source_id': source_id}}] as source_records, unit as name,"
        " submitted_on as happened_on, amount, 'for ' || period_start || ' to ' || period_end as about"
        " from revenue.forecasts where category = 'commit' and period_start >= $since and period_end <="
        " $until"
        f" and period_end <= cast($as_of as date) + 1 and submitted_on < {in_force} and {{slice}}"
        " qualify row_number() over (partition by lower(unit), period_start, period_end"
        "  order by submitted_at desc, source_system desc, source_id desc) = 1"
        " order by period_start, unit",
        {"forecast_unit": "unit"},
    )


_RENEWALS = """
with due as (
    select *, term_ends_on + 90 as grace_ends_on from revenue.contracts
    where term_ends_on >= $since and term_ends_on < $until and term_ends_on <= $as_of
        and annual_recurring_amount > 0 and {{slice}}
),
successors as (
    select
        due.contract_id,
        coalesce(next.signed_on, next.term_starts_on) as signed_on,
        {{{{'source_system': next.source_system, 'source_id': next.source_id}}}} as source_record,
        case
            when next.annual_recurring_amount_original = 0 then 0
            when next.currency_code = due.currency_code
                then cast(next.annual_recurring_amount_original * rates.rate as decimal(38, 6))
            else next.annual_recurring_amount
        end as amount
    from due
    inner join revenue.contracts as next on due.contract_id = next.renews_contract_id
    left join revenue.currency_rates as rates
        on rates.kind = 'recurring' and due.currency_code = rates.currency_code
        and due.term_ends_on >= rates.valid_from and due.term_ends_on < rates.valid_to
    where coalesce(next.signed_on, next.term_starts_on) <= least(due.grace_ends_on, cast($as_of as date))
        and coalesce(next.status, 'active') <> 'pending' and next.annual_recurring_amount_original >= 0
),
renewed as (
    select
        due.*,
        list(successors.source_record order by successors.source_record)
            filter (successors.contract_id is not null) as successor_records,
        coalesce(sum(successors.amount), 0) as new_amount,
        coalesce(sum(successors.amount) filter (successors.signed_on <= due.term_ends_on), 0)
            as on_time_amount,
        coalesce(sum(successors.amount) filter (successors.signed_on < due.term_ends_on - 30), 0)
            as early_amount
    from due left join successors on due.contract_id = successors.contract_id
    group by all
)
select
    list_concat(
        [{{{{'source_system': source_system, 'source_id': source_id}}}}], coalesce(successor_records, [])
    ) as source_records,
    accounts.name,
    renewed.term_ends_on as happened_on,
    {amount} as amount,
    case
        when successor_records is null then coalesce(renewed.status, 'not renewed') else 'renewed'
    end as about
from renewed left join revenue.accounts as accounts on renewed.account_id = accounts.account_id
where ({where}) and (
    successor_records is not null or coalesce(renewed.status, 'active') in ('lapsed', 'canceled')
    or grace_ends_on < $as_of
)
order by happened_on, renewed.contract_id
"""
_CAPPED = "least(renewed.annual_recurring_amount, {amount})"


def _due(
    title: str, amount: str, where: str = "true", adds_up: Literal["count", "amount"] | None = "amount"
) -> Records:
    return Records(title, _RENEWALS.format(amount=amount, where=where), _BY_ACCOUNT, adds_up)


_CLOSED = "is_closed and closed_on >= $since and closed_on < $until"
_CREATED = "opened_on >= $since and opened_on < $until"
_CYCLE = f"{_CLOSED} and opened_on <= closed_on"
_SIZED = (
    f"{_CLOSED} and is_won and amount is not null"
    " and coalesce(kind, 'new_business') in ('new_business', 'expansion')"
)
_YEAR = (
    "is_closed and closed_on < $until"
    " and ($grain = 'all_time' or closed_on >= cast($until as date) - interval 1 year)"
)
_DAYS = "closed_on - opened_on"

_CLOSED_DEALS = _deals("deals closed in the period", _CLOSED, adds_up="count")
_DUE = _due("contracts due in the period", "renewed.annual_recurring_amount")
_RENEWED = "successor_records is not null"
_CUSTOMERS_AT_START = _customers_of_period(
    "customers at the start", "true", amount="endpoints.start_amount", adds_up="count"
)
_AMOUNT_AT_START = _customers_of_period(
    "recurring revenue at the start", "true", amount="endpoints.start_amount", adds_up="amount"
)
_REVENUE_BEFORE = _customers_on(
    "recurring revenue at the start", "cast($since as date) - 1", adds_up="amount"
)
_LOST = "not endpoints.is_customer_at_end"


def _won_cycles(title: str = "won deals with both days") -> Behind:
    return Behind(others=(_deals(title, f"{_CYCLE} and is_won", amount=_DAYS),))


BEHIND: Mapping[tuple[str, str], Behind] = {
    ("win_rate", "default"): Behind(
        _deals("won deals", f"{_CLOSED} and is_won", adds_up="count"), _CLOSED_DEALS
    ),
    ("win_rate", "amount_weighted"): Behind(
        _deals("won deals", f"{_CLOSED} and is_won", adds_up="amount"),
        _deals("deals closed in the period", _CLOSED, adds_up="amount"),
    ),
    ("win_rate", "created_cohort"): Behind(
        _deals("won deals", f"{_CREATED} and is_won", day="opened_on", adds_up="count"),
        _deals("deals opened in the period", _CREATED, day="opened_on", adds_up="count"),
    ),
    ("win_rate", "including_open"): Behind(
        _deals("won deals", f"{_CLOSED} and is_won", adds_up="count"),
        _deals(
            "deals closed in the period or open at its end",
            f"({_CLOSED}) or (coalesce(opened_on, $as_of) < $until and"
            " ((not is_closed) or greatest(closed_on, opened_on) >= $until))",
            day="opened_on",
            adds_up="count",
        ),
    ),
    **{("sales_cycle_length", variant): _won_cycles() for variant in ("default", "p25", "p75", "p90")},
    ("sales_cycle_length", "lost"): Behind(
        others=(_deals("lost deals with both days", f"{_CYCLE} and not is_won", amount=_DAYS),)
    ),
    ("sales_cycle_length", "mean"): Behind(
        _deals("days of won deals", f"{_CYCLE} and is_won", amount=_DAYS, adds_up="amount"),
        _deals("won deals", f"{_CYCLE} and is_won", amount=_DAYS, adds_up="count"),
    ),
    ("sales_cycle_length", "mean_all_closed"): Behind(
        _deals("days of closed deals", _CYCLE, amount=_DAYS, adds_up="amount"),
        _deals("closed deals", _CYCLE, amount=_DAYS, adds_up="count"),
    ),
    **{
        ("pipeline_velocity", variant): Behind(
            others=(
                _deals("deals open and qualified on the as-of day", "is_qualified", day="opened_on"),
                _deals("deals closed in the twelve months that end with the period", _YEAR),
            )
        )
        for variant in ("default", "median_cycle", "per_month")
    },
    ("average_deal_size", "default"): Behind(
        _deals(
            "amounts of won deals",
            _SIZED,
            adds_up="amount",
        ),
        _deals(
            "won deals",
            _SIZED,
            adds_up="count",
        ),
    ),
    ("average_deal_size", "median"): Behind(
        others=(
            _deals(
                "won deals",
                _SIZED,
            ),
        )
    ),
    ("customer_acquisition_cost", "default"): Behind(_spend("sales and marketing spend"), _NEW_CUSTOMERS),
    ("customer_acquisition_cost", "paid_only"): Behind(
        _spend("advertising spend", "category = 'advertising'"), _NEW_CUSTOMERS
    ),
    ("customer_acquisition_cost", "ratio_to_new_arr"): Behind(
        _spend("sales and marketing spend"),
        Records("recurring revenue of new customers", _NEW_CUSTOMERS.sql, {}, "amount"),
    ),
    **{
        ("forecast_accuracy", variant): Behind(
            others=(
                _calls("calls in force at the start of their period", "period_start"),
                _deals("deals won in the period", f"{_CLOSED} and is_won"),
            )
        )
        for variant in ("default", "bias", "mape")
    },
    **{
        ("forecast_accuracy", f"horizon_{days}"): Behind(
            others=(
                _calls(f"calls in force {days} days before the end", f"period_end - {days}"),
                _deals("deals won in the period", f"{_CLOSED} and is_won"),
            )
        )
        for days in (90, 60, 30, 15)
    },
    ("customer_lifetime_value", "default"): Behind(
        denominator=_customers_on("customers at the end", "cast($until as date) - 1", adds_up="count")
    ),
    ("customer_lifetime_value", "simple"): Behind(
        others=(
            _customers_on("customers at the end", "cast($until as date) - 1", adds_up=None),
            _customers_of_period("customers lost", _LOST, amount="endpoints.start_amount", adds_up="count"),
        )
    ),
    ("customer_churn", "default"): Behind(
        _customers_of_period("customers lost", _LOST, amount="endpoints.start_amount", adds_up="count"),
        _CUSTOMERS_AT_START,
    ),
    **{
        ("customer_churn", variant): Behind(
            _customers_of_period(
                f"customers lost, {variant}",
                f"{_LOST} and endpoints.churn_reason = 'cancellation_{variant}'",
                amount="endpoints.start_amount",
                adds_up="count",
            ),
            _CUSTOMERS_AT_START,
        )
        for variant in ("voluntary", "involuntary")
    },
    ("customer_churn", "revenue_gross"): Behind(
        _customers_of_period(
            "recurring revenue lost",
            "endpoints.end_amount < endpoints.start_amount",
            amount="endpoints.start_amount - endpoints.end_amount",
            adds_up="amount",
        ),
        _AMOUNT_AT_START,
    ),
    ("customer_churn", "revenue_net"): Behind(
        _customers_of_period(
            "recurring revenue lost, net of expansion",
            "endpoints.end_amount <> endpoints.start_amount",
            amount="endpoints.start_amount - endpoints.end_amount",
            adds_up="amount",
        ),
        _AMOUNT_AT_START,
    ),
    ("net_revenue_retention", "default"): Behind(
        _customers_of_period(
            "recurring revenue at the end", "true", amount="endpoints.end_amount", adds_up="amount"
        ),
        _AMOUNT_AT_START,
    ),
    ("gross_revenue_retention", "default"): Behind(
        _customers_of_period(
            "recurring revenue kept",
            "true",
            amount="least(endpoints.start_amount, endpoints.end_amount)",
            adds_up="amount",
        ),
        _AMOUNT_AT_START,
    ),
    ("renewals", "default"): Behind(
        _due("recurring amount renewed", _CAPPED.format(amount="new_amount"), _RENEWED), _DUE
    ),
    ("renewals", "net"): Behind(_due("recurring amount of the successors", "new_amount", _RENEWED), _DUE),
    ("renewals", "on_time"): Behind(
        _due("recurring amount renewed on time", _CAPPED.format(amount="on_time_amount"), _RENEWED), _DUE
    ),
    ("renewals", "early"): Behind(
        _due("recurring amount renewed early", _CAPPED.format(amount="early_amount"), _RENEWED), _DUE
    ),
    ("renewals", "late"): Behind(
        _due(
            "recurring amount renewed late",
            f"{_CAPPED.format(amount='new_amount')} - {_CAPPED.format(amount='on_time_amount')}",
            _RENEWED,
        ),
        _DUE,
    ),
    ("renewals", "logo"): Behind(
        others=(_due("contracts due in the period", "renewed.annual_recurring_amount", adds_up=None),)
    ),
    ("upsells", "default"): Behind(_expansions("expansions"), _REVENUE_BEFORE),
    ("upsells", "seats_and_tier"): Behind(
        _expansions("more seats and higher tiers", "reason in ('seats', 'tier')"), _REVENUE_BEFORE
    ),
    **{
        ("upsells", reason): Behind(
            _expansions(f"expansions by {reason.replace('_', ' ')}", f"reason = '{reason}'"), _REVENUE_BEFORE
        )
        for reason in ("cross_sell", "price_uplift", "contractual_escalator")
    },
    ("upsells", "customer_count"): Behind(
        denominator=_CUSTOMERS_AT_START,
        others=(Records("expansions", _expansions("").sql, _expansions("").slices),),
    ),
    ("annual_recurring_revenue", "default"): Behind(
        _customers_on("recurring revenue by customer", "cast($until as date) - 1", adds_up="amount")
    ),
    ("monthly_recurring_revenue", "default"): Behind(
        _customers_on(
            "recurring revenue by customer",
            "cast($until as date) - 1",
            amount="history.amount / 12",
            adds_up=None,
        )
    ),
}
