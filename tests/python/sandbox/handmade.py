"""A world of a few records made by hand, for figures that can be worked out on paper."""

from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from sandbox.records import Change, Company, Contract, Deal, Employee, Forecast, Period, Spend, Subscription
from sandbox.world import World

_START = datetime(2024, 1, 1, 9)


def company(name: str, segment: str | None = "SMB") -> Company:
    """A company whose segment the CRM knows, or does not."""
    return _filled(
        Company, id=name, name=name, segment=segment or "SMB", recorded_segment=segment, known_from=_START
    )


def _filled(record: type[Any], /, **given: Any) -> Any:
    """A record with the given fields; the others hold what they hold by default, or None."""
    required = [f for f in fields(record) if f.name not in given and not _has_default(f)]
    return record(**{f.name: None for f in required}, **given)


def _has_default(field: Any) -> bool:
    return (
        type(field.default).__name__ != "_MISSING_TYPE"
        or type(field.default_factory).__name__ != "_MISSING_TYPE"
    )


def period(owner: Company, starts_on: date, ends_on: date | None = None, **given: Any) -> Period:
    """100 dollars a month for `Core` in subscription S1, active, unless told otherwise."""
    usual: dict[str, Any] = {
        "id": "-".join(
            [str(starts_on), *(str(given.get(k)) for k in ("subscription_id", "product", "status"))]
        ),
        "subscription_id": "S1",
        "product": "Core",
        "kind": "recurring",
        "status": "active",
        "quantity": 1,
        "amount": Decimal(100),
        "currency": "USD",
        "interval": "month",
        "interval_count": 1,
    }
    return cast(
        Period, _filled(Period, company=owner, starts_on=starts_on, ends_on=ends_on, **{**usual, **given})
    )


def seller(team: str) -> Employee:
    return cast(Employee, _filled(Employee, id=team, name=team, team=team, department="sales"))


def deal(
    opened_at: datetime,
    *moves: tuple[datetime, str],
    amount: int | None = 1000,
    owner: Employee | None = None,
    **given: Any,
) -> Deal:
    """A deal in dollars that starts in `prospecting` and moves."""
    usual: dict[str, Any] = {
        "id": str(opened_at),
        "kind": "new_business",
        "company": company("Acme"),
        "account_recorded": True,
        "owner": owner,
        "currency": "USD",
        "amount": None if amount is None else Decimal(amount),
        "stage": "prospecting",
        "rng": Random(1),
    }
    made = cast(Deal, _filled(Deal, opened_at=opened_at, **{**usual, **given}))
    for at, stage in moves:
        made.changes.append(Change(at, "stage", made.stage, stage, owner))
        made.stage = stage
        made.closed_at = at if stage in ("won", "lost") else None
    return made


def contract(owner: Company, signed: date, due: date | None, annual: int, **given: Any) -> Contract:
    """A term of a subscription nobody looks at."""
    usual: dict[str, Any] = {
        "id": f"{owner.id}{signed}{annual}",
        "subscription": _filled(Subscription, id="S1", company=owner),
        "starts_on": signed,
        "signed_at": datetime(signed.year, signed.month, signed.day, 12),
        "annual_amount": Decimal(annual),
        "currency": "USD",
        "status": "active",
    }
    return cast(Contract, _filled(Contract, company=owner, ends_on=due, **{**usual, **given}))


def spend(department: str, amount: int, on: date, until: date | None = None, currency: str = "USD") -> Spend:
    return cast(
        Spend,
        _filled(
            Spend, id=str(on), spent_on=on, spent_until=until, department=department, amount=Decimal(amount),
            currency=currency,
        ),
    )  # fmt: skip


def call(unit: str, start: date, end: date, amount: int, at: datetime, category: str = "commit") -> Forecast:
    return cast(
        Forecast,
        _filled(
            Forecast, id=f"{unit}{at}", submitted_at=at, unit=unit, period_start=start, period_end=end,
            category=category, amount=Decimal(amount),
        ),
    )  # fmt: skip


def world(until: date, **lists: list[Any]) -> World:
    """Just enough of a world for the truth to look at."""
    names = (
        "deals",
        "touches",
        "funnel",
        "tickets",
        "spend",
        "forecasts",
        "companies",
        "periods",
        "contracts",
    )
    return cast(World, SimpleNamespace(until=until, **{name: lists.get(name, []) for name in names}))
