"""Exchange rates of the pretend world: facts of history, the same for every seed.

Spot rates hold from the first of a month. The euro also has a plan rate per fiscal year; the pound has
none, so its
recurring revenue follows the spot rate.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

REPORTING = "USD"
_FIRST_YEAR, _LAST_YEAR = 2024, 2028
_SPOT_START = {"EUR": Decimal("1.0950"), "GBP": Decimal("1.2700")}
# Monthly steps in ten-thousandths, repeated every two years: up and down, ending where they began.
_STEPS = (
    -60,
    -45,
    30,
    -80,
    65,
    20,
    -15,
    110,
    40,
    -95,
    -130,
    -50,
    25,
    70,
    140,
    90,
    -35,
    -110,
    60,
    45,
    -85,
    30,
    -75,
    55,
)
_PLAN = {2024: "1.0800", 2025: "1.0600", 2026: "1.1000", 2027: "1.0900", 2028: "1.1200"}


@dataclass(frozen=True)
class Rate:
    """One unit of `from_currency` is `rate` units of `to_currency` from `valid_from` on."""

    from_currency: str
    to_currency: str
    valid_from: date
    rate: Decimal
    kind: str  # spot | plan


def rates() -> Iterator[Rate]:
    """Every rate there is, in order of currency, kind and day."""
    for currency, start in _SPOT_START.items():
        rate = start
        for month in range((_LAST_YEAR - _FIRST_YEAR + 1) * 12):
            step = _STEPS[(month + (5 if currency == "GBP" else 0)) % len(_STEPS)]
            rate += Decimal(step) / 10000
            yield Rate(currency, REPORTING, date(_FIRST_YEAR + month // 12, month % 12 + 1, 1), rate, "spot")
    for year, plan in _PLAN.items():
        yield Rate("EUR", REPORTING, date(year, 1, 1), Decimal(plan), "plan")


_SPOT = {
    (r.from_currency, r.valid_from.year, r.valid_from.month): r.rate for r in rates() if r.kind == "spot"
}


def spot(currency: str, day: date) -> Decimal:
    """What the world itself reckons with when it adds currencies up."""
    return Decimal(1) if currency == REPORTING else _SPOT[(currency, day.year, day.month)]
