"""Random lives of companies, for properties that hold whatever happened."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import md5

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kpi_warehouse import Entities, Row

FIRST = date(2026, 1, 5)
AS_OF = date(2026, 6, 30)

CURRENCIES = st.sampled_from(["USD", "USD", "EUR", "GBP", None])
REASONS = ["signup", "seats", "tier", "price_uplift", "contractual_escalator", "cross_sell", "discount", None]
DAYS = st.integers(0, (AS_OF - FIRST).days - 1).map(lambda days: FIRST + timedelta(days=days))
AMOUNTS = st.decimals("0", "5000", places=2)


@st.composite
def stretches(draw: st.DrawFn, account: str, subscription: str) -> list[Row]:
    """One item of a subscription: what follows on what, with gaps, pauses, discounts and an end, or none."""
    starts = sorted(draw(st.sets(DAYS, min_size=1, max_size=4)))
    rows: list[Row] = []
    product = draw(st.sampled_from(["Suite", "Insights", None]))
    currency = draw(CURRENCIES)
    for number, first in enumerate(starts):
        following = starts[number + 1] if number + 1 < len(starts) else None
        last = draw(st.sampled_from([following, following, first + timedelta(days=draw(st.integers(1, 40)))]))
        if following is not None and last is not None:
            last = min(last, following)
        discount = draw(st.sampled_from([None, None, "0.25", "1"]))
        status = draw(
            st.sampled_from(["active", "active", "active", "past_due", "paused", "unpaid", "trialing"])
        )
        rows.append(
            {
                "subscription_id": subscription,
                "account_source_id": account,
                "product": product,
                "status": status,
                "kind": draw(st.sampled_from(["recurring", "recurring", "recurring", "metered"])),
                "amount": draw(AMOUNTS),
                "interval": draw(st.sampled_from(["day", "week", "month", "quarter", "year"])),
                "currency_code": currency,
                "discount_percent": discount,
                "discount_ends_on": first + timedelta(days=draw(st.integers(1, 60))) if discount else None,
                "starts_on": first,
                "ends_on": last,
                "change_reason": draw(st.sampled_from(REASONS)),
            }
        )
    return rows


@st.composite
def deals(draw: st.DrawFn, account: str, name: str) -> tuple[Row, list[Row]]:
    """A deal and its history: any stages in any order, reopened ones among them."""
    opened = datetime.combine(draw(DAYS), datetime.min.time()) + timedelta(hours=draw(st.integers(0, 23)))
    stages = draw(
        st.lists(st.sampled_from(["Fresh", "Checked", "Offer", "Haggling", "Victory", "Defeat"]), max_size=5)
    )
    changes: list[Row] = []
    at, stage, amount = opened, "Fresh", draw(AMOUNTS)
    closed: datetime | None = None
    for following in stages:
        at += timedelta(days=draw(st.integers(0, 30)), minutes=draw(st.integers(1, 1439)))
        if following == stage:
            continue
        changes.append(_change(name, at, "stage", stage, following))
        stage = following
        closed = at if stage in ("Victory", "Defeat") else None
        if draw(st.booleans()):
            grown = draw(AMOUNTS)
            changes.append(_change(name, at, "amount", amount, grown))
            amount = grown
    deal = {
        "source_id": name,
        "account_source_id": account,
        "stage": stage,
        "amount": amount,
        "currency_code": draw(CURRENCIES),
        "kind": draw(st.sampled_from(["new_business", "expansion", None])),
        "opened_at": opened,
        "closed_at": closed,
        "expected_close_on": draw(DAYS),
    }
    return deal, changes


def _change(deal: str, at: datetime, field: str, old: object, new: object) -> Row:
    return {
        "opportunity_source_id": deal,
        "changed_at": at,
        "field": field,
        "old_value": old,
        "new_value": new,
    }


@st.composite
def contracts(draw: st.DrawFn, account: str, name: str) -> list[Row]:
    """A term that falls due, and up to two contracts that renew it."""
    due = draw(DAYS)
    currency = draw(CURRENCIES)
    base = {
        "source_id": name,
        "account_source_id": account,
        "annual_recurring_amount": draw(AMOUNTS),
        "currency_code": currency,
        "term_starts_on": due - timedelta(days=365),
        "term_ends_on": due,
        "status": draw(st.sampled_from(["active", "lapsed", "canceled", "renewed"])),
    }
    successors = [
        {
            "account_source_id": account,
            "annual_recurring_amount": draw(AMOUNTS),
            "currency_code": currency,
            "term_starts_on": due,
            "signed_at": due + timedelta(days=draw(st.integers(-60, 100))),
            "renews_source_id": name,
        }
        for _ in range(draw(st.integers(0, 2)))
    ]
    return [base, *successors]


@st.composite
def lives(draw: st.DrawFn) -> Entities:
    """Two companies of one segment; the name of the segment comes later."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for account in ("a", "b"):
        rows["accounts"].append(
            {"source_id": account, "region": draw(st.sampled_from(["North", "South", None]))}
        )
        for number in range(draw(st.integers(0, 3))):
            subscription = f"{account}{number // 2}"
            rows["subscription_periods"] += draw(stretches(account, subscription))
        for number in range(draw(st.integers(0, 3))):
            deal, changes = draw(deals(account, f"{account}{number}"))
            rows["opportunities"].append(deal)
            rows["opportunity_changes"] += changes
        if draw(st.booleans()):
            rows["contracts"] += draw(contracts(account, account))
    return rows


def examples(count: int, seed: int) -> list[Entities]:
    """So many lives, the same ones every time."""
    found: list[Entities] = []

    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(lives())
    def collect(life: Entities) -> None:
        found.append(life)

    collect.hypothesis.inner_test.__name__ = f"collect_{seed}"  # type: ignore[attr-defined]
    from hypothesis import seed as seeded

    seeded(seed)(collect)()
    return found[:count]


def company_of(found: Sequence[Entities]) -> Entities:
    """All lives in one company, each in a segment of its own."""
    together: dict[str, list[Row]] = defaultdict(list)
    for number, life in enumerate(found):
        segment = f"life {number:04}"
        for entity, rows in life.items():
            for place, row in enumerate(rows):
                own: dict[str, object] = {"source_id": f"{entity}{place}", **row}
                for column, value in own.items():
                    if value is not None and (column.endswith("_id") or column == "source_id"):
                        own[column] = f"{segment} {value}"
                if entity == "accounts":
                    unlike = md5(str(own["source_id"]).encode()).hexdigest()
                    own |= {"segment": segment, "name": unlike, "website_domain": f"{unlike}.example"}
                together[entity].append(own)
    return together


def shuffled(company: Entities) -> Mapping[str, Sequence[Row]]:
    """The same rows in another order."""
    return {
        entity: sorted(rows, key=lambda row: md5(str(row["source_id"]).encode()).hexdigest())
        for entity, rows in company.items()
    }
