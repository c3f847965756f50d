"""Worked examples as rows of one company, and their expected numbers as read from what it published.

Each example has a segment of its own name. KPIs that have no slice by segment (spend) get half a year of
their own, in which nobody else spends anything or changes its revenue: see `Rows.half_year`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from hashlib import md5
from typing import Any

from jinja2 import Environment
from kpi_warehouse import Kpi, Row, Warehouse

from orchestration.contract import PROJECT_ROOT as PROJECT

AS_OF = date(2026, 6, 30)
QUARTER = {"grain": "quarter", "start": "2026-04"}

Inputs = Mapping[str, Any]
Numbers = dict[str, Any]
# monthly recurring revenue of a segment in June under the preset of a billing tool
UnderPolicy = Callable[[str, str], float]


@dataclass(frozen=True)
class Published:
    """What an example may read: values of its own segment, of the whole company, its ledger."""

    segment: str
    warehouse: Warehouse
    under_policy: UnderPolicy

    def kpi(
        self, name: str, variant: str = "default", grain: str = "all_time", start: str | None = None
    ) -> Kpi:
        return self.warehouse.kpi(name, variant, grain, start, "segment", self.segment)

    def total(self, name: str, variant: str, month: date, grain: str = "month") -> Kpi:
        return self.warehouse.kpi(name, variant, grain, month.isoformat())

    def unit(self, name: str, variant: str) -> Kpi:
        return self.warehouse.kpi(name, variant, "all_time", None, "forecast_unit", self.segment)

    def movements(self) -> list[tuple[date, str, float]]:
        return [
            (day, movement, float(amount))
            for day, movement, amount in self.warehouse.rows(
                "select occurred_on, movement, sum(amount) from metrics.arr_movements where segment = ?"
                " group by occurred_on, movement order by occurred_on, movement",
                self.segment,
            )
        ]


Read = Callable[[Published], Numbers]


@dataclass
class Rows:
    """The rows of one example."""

    segment: str
    number: int
    entities: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))

    def add(self, entity: str, times: int = 1, **columns: object) -> None:
        for _ in range(times):
            name = f"{self.segment}.{len(self.entities[entity])}"
            self.entities[entity].append({"source_id": name, **columns})

    def account(self) -> str:
        """A new company of this segment, unlike any other."""
        name = f"{self.segment}.{len(self.entities['accounts'])}"
        unlike = md5(name.encode()).hexdigest()
        self.add("accounts", segment=self.segment, name=unlike, website_domain=f"{unlike}.example")
        return name

    def pays(
        self, account: str, monthly: float, starts: date, ends: date | None = None, **more: object
    ) -> None:
        """A stretch of a subscription billed by the month."""
        self.add(
            "subscription_periods",
            **{
                "account_source_id": account,
                "subscription_id": account,
                "amount": monthly,
                "interval": "month",
            },
            **{"starts_on": starts, "ends_on": ends, **more},
        )

    @property
    def half_year(self) -> date:
        """The first day of half a year before all others."""
        return date(2023 - self.number // 2, 1 + self.number % 2 * 6, 1)


def later(first: date, months: int) -> date:
    """A first of the month, so many months later."""
    index = first.year * 12 + first.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


# --- recurring revenue ----------------------------------------------------------------------------


def mrr(rows: Rows, inputs: Inputs) -> Read:
    for item in inputs["subscriptions"]:
        discount = item.get("discount") or {}
        months = discount.get("duration_in_months")
        columns: dict[str, object] = {
            "account_source_id": rows.account(),
            "amount": item["amount"],
            "interval": item["interval"],
            "interval_count": item.get("interval_count"),
            "status": item.get("status"),
            "kind": "metered" if item.get("usage_type") == "metered" else None,
            "discount_percent": discount["percent_off"] / 100 if "percent_off" in discount else None,
            "discount_amount": discount.get("amount_off"),
            "discount_ends_on": later(date(2026, 6, 1), months) if months else None,
            "starts_on": date(2026, 6, 1),
        }
        for _ in range(item.get("count", 1)):
            rows.add(
                "subscription_periods", subscription_id=len(rows.entities["subscription_periods"]), **columns
            )

    def read(published: Published) -> Numbers:
        policies = ("stripe", "chartmogul", "profitwell", "maxio", "chargebee", "recurly")
        return {
            "mrr": published.kpi("monthly_recurring_revenue").value,
            **{
                f"mrr_policy_{name}": lambda name=name: published.under_policy(name, published.segment)
                for name in policies
            },
        }

    return read


def _retention(rows: Rows, inputs: Inputs) -> None:
    """Customers of the end of March, of whom one leaves, one pays less and one pays more in the quarter."""
    start = inputs.get("start", inputs.get("mrr_start"))
    churn, contraction = inputs.get("churn", 0), inputs.get("contraction", 0)
    rest = (start - churn - contraction) / 2
    before, moment = date(2025, 1, 1), date(2026, 5, 1)
    rows.pays(rows.account(), churn, before, moment)
    shrinking, growing = rows.account(), rows.account()
    rows.pays(shrinking, contraction + rest, before, moment)
    rows.pays(shrinking, rest, moment)
    rows.pays(growing, rest, before, moment)
    rows.pays(growing, rest + inputs.get("expansion", 0), moment)
    if inputs.get("reactivation"):
        returning = rows.account()
        rows.pays(returning, inputs["reactivation"], before, date(2025, 3, 1))
        rows.pays(returning, inputs["reactivation"], moment)


def revenue_churn(variant: str) -> Callable[[Rows, Inputs], Read]:
    def example(rows: Rows, inputs: Inputs) -> Read:
        _retention(rows, inputs)
        return lambda published: {"rate": published.kpi("customer_churn", variant, **QUARTER).value}

    return example


def daily_revenue_churn(variant: str) -> Callable[[Rows, Inputs], Read]:
    """The only day of its quarter on which anything changes."""

    def example(rows: Rows, inputs: Inputs) -> Read:
        new, day = inputs.get("new_business", 0), date(2026, 5, 12)
        staying = rows.account()
        rows.pays(staying, inputs["mrr_start_of_day"], date(2025, 1, 1), day)
        rows.pays(staying, inputs["mrr_end_of_day"] - new, day)
        if new:
            rows.pays(rows.account(), new, day)
        return lambda published: {"rate": published.kpi("customer_churn", variant, **QUARTER).value}

    return example


def retention(rows: Rows, inputs: Inputs) -> Read:
    _retention(rows, inputs)

    def read(published: Published) -> Numbers:
        net = published.kpi("net_revenue_retention", **QUARTER)
        return {
            "nrr": net.value,
            "grr": published.kpi("gross_revenue_retention", **QUARTER).value,
            "ending": float(net.numerator or 0) / 12,
        }

    return read


def movements(rows: Rows, inputs: Inputs) -> Read:
    account, first = rows.account(), date(2025, 1, 1)
    months = [later(first, index) for index in range(len(inputs["monthly_mrr"]))]
    for month, amount in zip(months, inputs["monthly_mrr"], strict=True):
        if amount:
            rows.pays(account, amount, month, later(month, 1))

    def read(published: Published) -> Numbers:
        found = {day: movement for day, movement, _ in published.movements()}
        return {"correct": [found.get(month) for month in months]}

    return read


# --- customers and what they cost -----------------------------------------------------------------


def acquisition(rows: Rows, inputs: Inputs) -> Read:
    """Customers won in a month for so much spend, some of whom leave in the month after."""
    arpu = inputs.get("arpa", inputs.get("arpu", inputs.get("arpu_month")))
    churn = Fraction(str(inputs.get("monthly_customer_churn", inputs.get("monthly_churn", 0))))
    customers = inputs.get("new_customers", churn.denominator)
    month = rows.half_year
    for number in range(customers):
        leaves = later(month, 1) if number < customers * churn else None
        rows.pays(rows.account(), arpu, month, leaves)
    if "sm_spend" in inputs or "cac" in inputs:
        rows.add(
            "spend",
            **{"spent_on": month, "department": "sales", "category": "salaries"},
            amount=inputs.get("sm_spend", inputs.get("cac", 0) * customers),
        )
    margin = gross_margin(inputs)

    def read(published: Published) -> Numbers:
        worth = published.kpi("customer_lifetime_value", "simple", "month", later(month, 1).isoformat()).value
        numbers: Numbers = {"ltv_gross_margin": worth}
        if worth is not None:
            numbers["ltv"] = numbers["ltv_revenue"] = worth / float(margin)
        if rows.entities["spend"]:
            cost = published.total("customer_acquisition_cost", "default", month).value
            payback = published.total("cac_payback", "default", month).value
            assert cost is not None and payback is not None
            numbers |= {"cac": cost, "payback_months": payback * 12 / 365}
            numbers["ltv_cac"] = numbers["ltv"] / cost if worth is not None else None
        return numbers

    return read


def gross_margin(inputs: Inputs) -> Fraction:
    """What the company must keep of its revenue for an example to hold; it has one margin for all."""
    if "monthly_gross_profit_per_customer" in inputs:
        return Fraction(str(inputs["monthly_gross_profit_per_customer"])) / Fraction(str(inputs["arpu"]))
    return Fraction(str(inputs.get("gross_margin", 1)))


def magic_number(rows: Rows, inputs: Inputs) -> Read:
    before, quarter = rows.half_year, later(rows.half_year, 3)
    spent = {"department": "marketing", "category": "advertising", "amount": inputs["prior_quarter_sm_spend"]}
    rows.add("spend", spent_on=before, **spent)
    # a quarter of what the new customer pays a year
    rows.pays(rows.account(), inputs["qoq_recurring_revenue_delta"] / 3, quarter)

    def read(published: Published) -> Numbers:
        found = published.total("magic_number", "default", quarter, "quarter")
        return {"magic_number": found.value, "annualised": float(found.numerator or 0)}

    return read


# --- deals ----------------------------------------------------------------------------------------


def pipeline_velocity(rows: Rows, inputs: Inputs) -> Read:
    share = Fraction(str(inputs["win_rate"]))
    account = rows.account()
    closed = date(2026, 5, 31)
    dates = {"closed_at": closed, "opened_at": date.fromordinal(closed.toordinal() - inputs["cycle_days"])}
    deal = {"account_source_id": account, "amount": inputs["avg_deal_value"]}
    rows.add("opportunities", share.numerator, stage="Victory", **deal, **dates)
    rows.add("opportunities", share.denominator - share.numerator, stage="Defeat", **deal, **dates)
    rows.add("opportunities", inputs["opportunities"], stage="Offer", **deal, opened_at=closed)
    return lambda published: {"per_day": published.kpi("pipeline_velocity").value}


def win_rate(rows: Rows, inputs: Inputs) -> Read:
    account = rows.account()
    for stage, count in (
        ("Victory", inputs["won"]),
        ("Defeat", inputs["lost"]),
        ("Offer", inputs.get("open", 0)),
    ):
        closed = None if stage == "Offer" else date(2026, 5, 31)
        rows.add(
            "opportunities",
            count,
            **{
                "account_source_id": account,
                "stage": stage,
                "opened_at": date(2026, 4, 1),
                "closed_at": closed,
            },
        )

    def read(published: Published) -> Numbers:
        found = published.kpi("win_rate", **QUARTER)
        return {"win_rate": found.value, "wilson_95": [found.value_low, found.value_high]}

    return read


def cycle(rows: Rows, inputs: Inputs) -> Read:
    """Deals that were won after so many days, or are still open after so many."""
    account = rows.account()
    for days, is_won in zip(inputs["time"], inputs["event"], strict=True):
        opened = date.fromordinal(AS_OF.toordinal() - days)
        stage, closed = ("Victory", AS_OF) if is_won else ("Offer", None)
        rows.add(
            "opportunities",
            **{"account_source_id": account, "stage": stage, "opened_at": opened, "closed_at": closed},
        )

    def read(published: Published) -> Numbers:
        return {
            "median": published.kpi("sales_cycle_length", "kaplan_meier_median").value,
            "naive_mean_of_observed_events_only": published.kpi("sales_cycle_length", "mean").value,
            "rows": _curve(published),
        }

    return read


def _curve(published: Published) -> list[list[float]]:
    """The survival curve behind the median: the macro of the models over the published deals."""
    macros = Environment().from_string((PROJECT / "macros" / "survival.sql").read_text()).module
    curve = macros.cumulative_incidence("cases", ["segment"])  # type: ignore[attr-defined]
    found = published.warehouse.rows(
        "with cases as ("
        " select accounts.segment, date_diff('day', opened_at, coalesce(closed_at, cast(? as date))) as"
        " duration,"
        " case when is_won then 1 else 0 end as outcome"
        " from revenue.opportunities join revenue.accounts using (account_id) where accounts.segment = ?"
        f") select duration, at_risk, cumulative_incidence, survival from ({curve}) order by 1",
        AS_OF,
        published.segment,
    )
    rows, before = [], 0.0
    for duration, at_risk, share, survival in found:
        # a step of the curve: so many of those at risk had the event
        events = round((share - before) / (1 - before) * at_risk)
        if events:
            rows.append([duration, at_risk, events, survival])
        before = share
    return rows


def stage_conversion(rows: Rows, inputs: Inputs) -> Read:
    account = rows.account()
    for number in range(inputs["entered_stage"]):
        person = f"{rows.segment}.{number}"
        rows.add(
            "people", account_source_id=account, email=f"{number}@{rows.segment.replace('_', '-')}.example"
        )
        rows.add("funnel_events", person_source_id=person, stage="Fresh lead", entered_at=date(2026, 5, 1))
        if number < inputs["later_reached_next"]:
            rows.add("funnel_events", person_source_id=person, stage="Fit", entered_at=date(2026, 6, 1))
    return lambda published: {"rate": published.kpi("funnel_conversion", "lead_to_mql", **QUARTER).value}


def forecast(rows: Rows, inputs: Inputs) -> Read:
    """Months called by a team of the example's name."""
    owner = f"{rows.segment}.0"
    rows.add("users", name=rows.segment, team=rows.segment)
    for number, (actual, called) in enumerate(zip(inputs["actual"], inputs["forecast"], strict=True)):
        month = later(date(2024, 1, 1), number)
        rows.add(
            "forecasts",
            **{
                "unit": rows.segment,
                "category": "commit",
                "amount": called,
                "submitted_at": date(2023, 12, 1),
            },
            **{"period_start": month, "period_end": later(month, 1)},
        )
        rows.add(
            "opportunities",
            **{"owner_source_id": owner, "stage": "Victory", "amount": actual, "closed_at": month},
        )

    def read(published: Published) -> Numbers:
        bias = published.unit("forecast_accuracy", "bias")
        accuracy = published.unit("forecast_accuracy", "default")
        assert bias.numerator is not None and accuracy.value is not None and accuracy.denominator is not None
        return {
            "sum_error_actual_minus_forecast": float(bias.numerator),
            "mean_error": float(bias.numerator) / bias.n,
            "mad": (1 - accuracy.value) * float(accuracy.denominator) / accuracy.n,
            "mape": published.unit("forecast_accuracy", "mape").value,
            "wape": 1 - accuracy.value,
        }

    return read


# --- renewals and surveys -------------------------------------------------------------------------


def _due(rows: Rows, amount: float, renewed: float | None) -> None:
    """A contract due in May, and the one that renews it."""
    account = rows.account()
    number = len(rows.entities["contracts"])
    rows.add(
        "contracts",
        **{"account_source_id": account, "annual_recurring_amount": amount},
        **{"term_starts_on": date(2025, 5, 1), "term_ends_on": date(2026, 5, 1)},
        status="active" if renewed is not None else "lapsed",
    )
    if renewed is not None:
        rows.add(
            "contracts",
            **{
                "account_source_id": account,
                "annual_recurring_amount": renewed,
                "signed_at": date(2026, 4, 20),
            },
            **{"term_starts_on": date(2026, 5, 1), "renews_source_id": f"{rows.segment}.{number}"},
        )
    rows.pays(account, amount / 12, date(2025, 5, 1), date(2026, 5, 1))
    if renewed:
        rows.pays(account, renewed / 12, date(2026, 5, 1))


def logo_renewal(rows: Rows, inputs: Inputs) -> Read:
    for number in range(inputs["due"]):
        _due(rows, 1200, 1200 if number < inputs["renewed"] else None)
    return lambda published: {"rate": published.kpi("renewals", "logo", **QUARTER).value}


def renewal_amount(rows: Rows, inputs: Inputs) -> Read:
    _due(rows, inputs["prior_arr"], inputs["renewed_arr"])

    def read(published: Published) -> Numbers:
        gross = published.kpi("renewals", **QUARTER)
        moved = [amount for day, movement, amount in published.movements() if movement == "expansion"]
        return {
            "renewed_base": float(gross.numerator or 0),
            "gross_renewal_rate": gross.value,
            "net_renewal_rate": published.kpi("renewals", "net", **QUARTER).value,
            "expansion": sum(moved),
            # what was renewed as it was moves nothing: all that moved is the uplift
            "flat_renewal_arr_movement": sum(moved) - (inputs["renewed_arr"] - inputs["prior_arr"]),
        }

    return read


def nps(rows: Rows, inputs: Inputs) -> Read:
    account = rows.account()
    for score, answers in ((9, "promoters"), (8, "passives"), (6, "detractors")):
        rows.add(
            "surveys",
            inputs[answers],
            **{"account_source_id": account, "kind": "nps", "answered_at": date(2026, 5, 1), "score": score},
        )
    return lambda published: {"nps": 100 * (published.kpi("satisfaction", "nps", **QUARTER).value or 0)}


METRICS: Mapping[str, Callable[[Rows, Inputs], Read]] = {
    "mrr": mrr,
    "gross_mrr_churn_rate": revenue_churn("revenue_gross"),
    "net_mrr_churn_rate": revenue_churn("revenue_net"),
    "gross_mrr_churn_rate_daily": daily_revenue_churn("revenue_gross"),
    "net_mrr_churn_rate_daily": daily_revenue_churn("revenue_net"),
    "net_revenue_retention": retention,
    "gross_revenue_retention": retention,
    "mrr_movements": movements,
    "clv_simple": acquisition,
    "cac": acquisition,
    "ltv_cac": acquisition,
    "cac_payback_months": acquisition,
    "magic_number": magic_number,
    "pipeline_velocity": pipeline_velocity,
    "win_rate": win_rate,
    "kaplan_meier": cycle,
    "stage_conversion": stage_conversion,
    "forecast_bias": forecast,
    "forecast_mape": forecast,
    "forecast_wape": forecast,
    "renewal_rate_logo": logo_renewal,
    "renewal_rate_arr": renewal_amount,
    "arr_movements": renewal_amount,
    "nps": nps,
}

FUNNEL_MAPPING = """
source_system,stage,shared_stage,stage_order
crm,Fresh lead,lead,2
crm,Fit,mql,3
"""
