"""What revenue to expect in this fiscal quarter and the next, and how far to trust it.

Expected = won so far + what the open pipeline should bring + what is not yet created. The same
calculation is made as of many past days, from what was known on each, and compared with what came: with a
naive forecast, the weighted pipeline and the calls of people, on the same days. Where it does not beat
the naive one, the naive one is published.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np

from orchestration.insight.conversion import (
    HIGH,
    LOW,
    MINIMUM_WINDOWS,
    MINIMUM_WON,
    Forecast,
    History,
    Window,
)
from orchestration.insight.pipeline import read_states
from orchestration.insight.tables import write_table
from orchestration.settings import Reporting

COMPANY = "company"
# Days before the end of the quarter on which forecasts are looked at; the first is its start, the last that
# of the
# quarter before.
AT_START, A_QUARTER_AHEAD = 90, 180
HORIZONS = (A_QUARTER_AHEAD, AT_START, 75, 60, 45, 30, 15)
MOST_QUARTERS_TESTED = 12
QUARTERS_TO_TRUST = 4

FORECAST_COLUMNS = {
    "as_of": "date",
    "period_start": "date",
    "period_end": "date",
    "unit": "varchar",
    "low": "double",
    "expected": "double",
    "high": "double",
    "won_so_far": "double",
    "from_pipeline": "double",
    "not_yet_created": "double",
    "method": "varchar",
    "quarters_tested": "bigint",
    "wape": "double",
    "naive_wape": "double",
    "null_reason": "varchar",
    "needs": "varchar",
}
BACKTEST_COLUMNS = {
    "period_start": "date",
    "period_end": "date",
    "unit": "varchar",
    "horizon_days": "bigint",
    "method": "varchar",
    "as_of": "date",
    "low": "double",
    "forecast": "double",
    "high": "double",
    "won_so_far": "double",
    "actual": "double",
}
SCORE_COLUMNS = {
    "level": "varchar",
    "horizon_days": "bigint",
    "method": "varchar",
    "forecasts": "bigint",
    "quarters": "bigint",
    "actual": "double",
    "wape": "double",
    "bias": "double",
    "naive_wape": "double",
    "skill_against_naive": "double",
    "coverage": "double",
    "pinball": "double",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One forecast of one unit and period, as it was made at the end of day `origin`; `actual` is None
    until it is known.
    """

    period: tuple[date, date]
    unit: str
    horizon: int
    method: str
    origin: date
    low: float | None
    forecast: float
    high: float | None
    won_so_far: float
    actual: float | None


class Forecaster:
    """Forecasts as of any day, each from what was known on it."""

    def __init__(self, con: duckdb.DuckDBPyConnection, as_of: date, reporting: Reporting) -> None:
        self.as_of = as_of
        self._month = reporting.fiscal_year_start_month
        states = read_states(con, reporting.timezone)
        first = date.fromordinal(min(states.first_day, as_of.toordinal()))
        months = [_months_after(first.replace(day=1), n) for n in range(1, 12 * 60)]
        months = [month for month in months if month <= as_of]
        quarters = [month for month in months if self.quarter(month) == month]
        self.first_day = first
        self.history = History(
            states, [day.toordinal() for day in quarters], [day.toordinal() for day in months]
        )
        self._commits = _commits(con)

    def quarter(self, day: date, later: int = 0) -> date:
        """First day of the fiscal quarter a day lies in, or of one so many quarters later."""
        return _months_after(day.replace(day=1), 3 * later - (day.month - self._month) % 3)

    def units(self, origin: date) -> dict[str, list[int]]:
        """The company and every team that owned a deal by then, with the positions of their money."""
        states = self.history.states
        existing = set(states.team[states.since <= origin.toordinal()].tolist())
        teams = {name: [index] for index, name in enumerate(states.teams) if index in existing}
        return {COMPANY: list(range(len(states.teams) + 1))} | teams

    def model(self, origin: date, start: date, end: date) -> Forecast | None:
        """The forecast of a quarter as of the end of a day."""
        return self.history.forecast(_window(origin, start, end), seed=origin.toordinal() * 7 + start.month)

    def naive(self, origin: date, start: date, end: date) -> np.ndarray | None:
        """By team: won so far, and for the days left what the quarter before brought in as many; of a
        quarter to come, what the last full one brought. None without a full quarter before.
        """
        begun = start <= origin
        last_end = start if begun else self.quarter(origin)
        last_start = self.quarter(last_end, -1)
        if last_start < self.first_day:
            return None
        days_left = (end - origin).days - 1
        since = (
            max(last_start.toordinal(), last_end.toordinal() - days_left) if begun else last_start.toordinal()
        )
        lately = self._won(origin, date.fromordinal(since), last_end)
        return np.asarray(self._won(origin, start, end) + lately)

    def weighted_pipeline(self, origin: date, start: date, end: date) -> np.ndarray | None:
        """By team: won so far, and the open deals expected to close in the quarter, weighed by the
        probability of their source. None where the source gives none.
        """
        window = _window(origin, start, end)
        if not self.history.has_probabilities(window):
            return None
        weighted = self.history.by_team(self.history.snapshot(window).states, self.history.at_source(window))
        return np.asarray(self._won(origin, start, end) + weighted)

    def calls(self, origin: date, start: date, end: date, horizon: int) -> Iterator[Call]:
        """The forecast of every method and unit as of the end of a day."""
        model = self.model(origin, start, end)
        if model is None:
            return
        settled = _window(origin, start, end).settled
        actual = None
        if settled <= self.as_of.toordinal():
            actual = self.history.by_team(*self.history.won(settled, start.toordinal(), end.toordinal()))
        others = {
            "naive": self.naive(origin, start, end),
            "weighted_pipeline": self.weighted_pipeline(origin, start, end),
        }
        for unit, teams in self.units(origin).items():
            low, high, won, pipeline, created = model.of(teams)
            came = None if actual is None else float(actual[teams].sum())
            about = ((start, end), unit, horizon)
            yield Call(*about, "model", origin, low, won + pipeline + created, high, won, came)
            for method, values in others.items():
                if values is not None:
                    yield Call(*about, method, origin, None, float(values[teams].sum()), None, won, came)
            commit = self._commit(unit, origin, start, end)
            if commit is not None:
                yield Call(*about, "commit", origin, None, commit, None, won, came)

    def backtest(self) -> list[Call]:
        """Every forecast of the last full quarters, at every horizon, with what came."""
        found: list[Call] = []
        current = self.quarter(self.as_of)
        for back in range(MOST_QUARTERS_TESTED, 0, -1):
            start, end = self.quarter(current, -back), self.quarter(current, 1 - back)
            if start <= self.first_day or _window(start, start, end).settled > self.as_of.toordinal():
                continue
            for horizon in HORIZONS:
                found += self.calls(self.origin(start, end, horizon), start, end, horizon)
        return found

    def origin(self, start: date, end: date, horizon: int) -> date:
        """The day on whose end a forecast of a quarter is made: what was known before the horizon began."""
        begin = {A_QUARTER_AHEAD: self.quarter(start, -1), AT_START: start}.get(horizon)
        return date.fromordinal((begin.toordinal() if begin else end.toordinal() - horizon) - 1)

    def _won(self, known_on: date, start: date, end: date) -> np.ndarray:
        last = min(end.toordinal(), known_on.toordinal() + 1)
        return self.history.by_team(*self.history.won(known_on.toordinal(), start.toordinal(), last))

    def _commit(self, unit: str, origin: date, start: date, end: date) -> float | None:
        submitted = self._commits.get((unit.lower(), start, end), [])
        return next((amount for day, amount in reversed(submitted) if day <= origin), None)


def scoreboard(calls: Sequence[Call]) -> list[tuple[object, ...]]:
    """One row per level, horizon and method: errors over the forecasts of which it is known what came."""
    known = [call for call in calls if call.actual is not None]
    naive = {(c.period, c.unit, c.horizon): c.forecast for c in known if c.method == "naive"}
    groups: dict[tuple[str, int, str], list[Call]] = {}
    for call in known:
        level = COMPANY if call.unit == COMPANY else "team"
        groups.setdefault((level, call.horizon, call.method), []).append(call)
    rows: list[tuple[object, ...]] = []
    for (level, horizon, method), own in sorted(groups.items(), key=lambda group: group[0]):
        came = sum(call.actual or 0.0 for call in own)
        error = sum(abs((call.actual or 0.0) - call.forecast) for call in own)
        bias = sum((call.actual or 0.0) - call.forecast for call in own)
        paired = [call for call in own if (call.period, call.unit, call.horizon) in naive]
        naive_error = sum(
            abs((call.actual or 0.0) - naive[call.period, call.unit, call.horizon]) for call in paired
        )
        paired_error = sum(abs((call.actual or 0.0) - call.forecast) for call in paired)
        paired_came = sum(call.actual or 0.0 for call in paired)
        bounded = [call for call in own if call.low is not None and call.high is not None]
        inside = sum(1 for c in bounded if (c.low or 0.0) <= (c.actual or 0.0) <= (c.high or 0.0))
        pinball = sum(
            _pinball(call.actual or 0.0, bound, share)
            for call in bounded
            for bound, share in ((call.low or 0.0, LOW), (call.high or 0.0, HIGH))
        )
        quarters = len({call.period for call in own})
        rows.append(
            (
                level,
                horizon,
                method,
                len(own),
                quarters,
                _money(came),
                _share(error, came),
                _share(bias, came),
                _share(naive_error, paired_came),
                None if not naive_error else round(1 - paired_error / naive_error, 6),
                _share(inside, len(bounded)),
                _money(pinball / (2 * len(bounded))) if bounded else None,
            )
        )
    return rows


def write(con: duckdb.DuckDBPyConnection, as_of: date, reporting: Reporting) -> None:
    """Write `insight.revenue_forecast`, `insight.forecast_backtest` and `insight.forecast_scoreboard`."""
    forecaster = Forecaster(con, as_of, reporting)
    calls = forecaster.backtest()
    write_table(con, "forecast_backtest", BACKTEST_COLUMNS, [_backtest_row(call) for call in calls])
    write_table(con, "forecast_scoreboard", SCORE_COLUMNS, scoreboard(calls))
    write_table(con, "revenue_forecast", FORECAST_COLUMNS, _published(forecaster, calls))


def _published(forecaster: Forecaster, tested: Sequence[Call]) -> list[tuple[object, ...]]:
    """This quarter and the next, by the model where it is better than the naive forecast, else by that."""
    as_of = forecaster.as_of
    rows: list[tuple[object, ...]] = []
    for ahead in (0, 1):
        start, end = forecaster.quarter(as_of, ahead), forecaster.quarter(as_of, ahead + 1)
        now = list(forecaster.calls(as_of, start, end, 0))
        record = [
            call
            for call in tested
            if call.unit == COMPANY
            and (call.horizon == A_QUARTER_AHEAD) == (ahead == 1)
            and call.horizon >= 30
        ]
        quarters = len({call.period for call in record if call.method == "model"})
        wape, naive_wape = _paired_wape(record)
        is_trusted = (
            quarters >= QUARTERS_TO_TRUST
            and wape is not None
            and naive_wape is not None
            and wape < naive_wape
        )
        trust = (quarters, wape, naive_wape)
        if not now:
            missing = (
                f"{MINIMUM_WON} won deals, and {MINIMUM_WINDOWS} earlier months that can be followed from as"
                " many days before their end"
            )
            empty = (None,) * 6
            rows.append((as_of, start, end, COMPANY, *empty, None, *trust, "insufficient_history", missing))
            continue
        naive = {call.unit: call.forecast for call in now if call.method == "naive"}
        model = forecaster.model(as_of, start, end)
        assert model is not None
        for unit, teams in forecaster.units(as_of).items():
            low, high, won, pipeline, created = model.of(teams)
            parts: tuple[float | None, ...] = (low, won + pipeline + created, high, won, pipeline, created)
            lack: str | None = None
            if not is_trusted and unit in naive:
                low, high = _naive_bounds(naive[unit], unit, tested, ahead)
                parts = (low, naive[unit], high, won, None, None)
                lack = (
                    f"a record of {QUARTERS_TO_TRUST} quarters; there are {quarters}"
                    if quarters < QUARTERS_TO_TRUST
                    else "a smaller error than the naive forecast on past quarters"
                )
            method = "model" if is_trusted or unit not in naive else "naive"
            rounded = (None if part is None else _money(part) for part in parts)
            rows.append((as_of, start, end, unit, *rounded, method, *trust, None, lack))
    return rows


def _naive_bounds(forecast: float, unit: str, tested: Sequence[Call], ahead: int) -> tuple[float, float]:
    """What eight of ten naive forecasts missed by, around this one."""
    missed = [
        (call.actual or 0.0) - call.forecast
        for call in tested
        if call.unit == unit and call.method == "naive" and (call.horizon == A_QUARTER_AHEAD) == (ahead == 1)
    ]
    low, high = np.quantile(missed, [LOW, HIGH]) if missed else (0.0, 0.0)
    return float(max(forecast + min(low, 0.0), 0.0)), float(forecast + max(high, 0.0))


def _paired_wape(calls: Sequence[Call]) -> tuple[float | None, float | None]:
    """Error of the model and of the naive forecast over the forecasts both made, in parts of what came."""
    naive = {(c.period, c.horizon): c for c in calls if c.method == "naive" and c.actual is not None}
    model = [c for c in calls if c.method == "model" and (c.period, c.horizon) in naive]
    came = sum(call.actual or 0.0 for call in model)
    error = sum(abs((call.actual or 0.0) - call.forecast) for call in model)
    naive_error = sum(abs((call.actual or 0.0) - naive[call.period, call.horizon].forecast) for call in model)
    return _share(error, came), _share(naive_error, came)


def _backtest_row(call: Call) -> tuple[object, ...]:
    numbers = (call.low, call.forecast, call.high, call.won_so_far, call.actual)
    rounded = (None if number is None else _money(number) for number in numbers)
    return (*call.period, call.unit, call.horizon, call.method, call.origin, *rounded)


def _commits(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, date, date], list[tuple[date, float]]]:
    """Every commit call by unit and period, in the order of their submission."""
    rows = con.execute(
        "select lower(unit), period_start, period_end, submitted_on, cast(amount as double)"
        " from revenue.forecasts where category = 'commit' and amount is not null"
        " order by submitted_at, source_system, source_id"
    ).fetchall()
    found: dict[tuple[str, date, date], list[tuple[date, float]]] = {}
    for unit, start, end, submitted_on, amount in rows:
        found.setdefault((unit, start, end), []).append((submitted_on, amount))
    return found


def _window(origin: date, start: date, end: date) -> Window:
    return Window(origin.toordinal(), start.toordinal(), end.toordinal())


def _months_after(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return day.replace(year=index // 12, month=index % 12 + 1)


def _pinball(actual: float, bound: float, share: float) -> float:
    return (actual - bound) * share if actual >= bound else (bound - actual) * (1 - share)


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 6) if whole else None


def _money(amount: float) -> float:
    return round(amount, 2)
