"""Days, periods and rates of exchange as reports see them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from sandbox.currency import REPORTING, rates

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Clock:
    """The reporting time zone: on which day a moment falls, and when a day is over."""

    timezone: str = "UTC"

    def day(self, at: datetime) -> date:
        """The reporting day of a naive UTC moment."""
        return at.replace(tzinfo=UTC).astimezone(ZoneInfo(self.timezone)).date()

    def end_of(self, day: date) -> datetime:
        """The first naive UTC moment that is no longer that day."""
        midnight = datetime.combine(day + DAY, time(), ZoneInfo(self.timezone))
        return midnight.astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Period:
    """[start, end), of which only the days up to `last` have been lived."""

    grain: str
    start: date
    end: date
    last: date

    def holds(self, day: date) -> bool:
        return self.start <= day <= self.last

    @property
    def years(self) -> Fraction | None:
        """The nominal length; all time has none."""
        return {"month": Fraction(1, 12), "quarter": Fraction(1, 4)}.get(
            self.grain, None if self.grain == "all_time" else Fraction(1)
        )


def months_later(first: date, months: int) -> date:
    """A first of the month, so many months later or earlier."""
    index = first.year * 12 + first.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def periods(first_day: date, as_of: date) -> Iterator[Period]:
    """Every period that has begun by `as_of`, from the month of the first day of the business on."""
    first = first_day.replace(day=1)
    grains: dict[str, dict[date, date]] = {"month": {}, "quarter": {}, "year": {}, "trailing_12_months": {}}
    month = first
    while month <= as_of:
        following = months_later(month, 1)
        quarter = date(month.year, (month.month - 1) // 3 * 3 + 1, 1)
        grains["month"][month] = following
        grains["quarter"][quarter] = months_later(quarter, 3)
        grains["year"][date(month.year, 1, 1)] = date(month.year + 1, 1, 1)
        grains["trailing_12_months"][months_later(following, -12)] = following
        month = following
    for grain, starts in grains.items():
        for start, end in starts.items():
            yield Period(grain, start, end, min(end - DAY, as_of))
    yield Period("all_time", first, as_of + DAY, as_of)


class Rates:
    """What a unit of a currency is worth in the reporting currency on a day."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, str], list[tuple[date, Fraction]]] = {}
        for rate in rates():
            self._steps.setdefault((rate.from_currency, rate.kind), []).append(
                (rate.valid_from, Fraction(rate.rate))
            )
        for steps in self._steps.values():
            steps.sort(reverse=True)

    def _in_force(self, currency: str, kind: str, day: date) -> Fraction | None:
        steps = self._steps.get((currency, kind), [])
        return next((rate for valid_from, rate in steps if valid_from <= day), None)

    def spot(self, currency: str, day: date) -> Fraction:
        """For deals and spend."""
        if currency == REPORTING:
            return Fraction(1)
        rate = self._in_force(currency, "spot", day)
        assert rate is not None, f"no rate of {currency} on {day}"
        return rate

    def recurring(self, currency: str, day: date) -> Fraction:
        """For recurring revenue: the plan rate of the day's fiscal year, the calendar year here, else the
        spot rate.
        """
        steps = self._steps.get((currency, "plan"), [])
        planned = next((rate for valid_from, rate in steps if valid_from == date(day.year, 1, 1)), None)
        return planned if planned is not None else self.spot(currency, day)
