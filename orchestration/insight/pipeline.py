"""The pipeline as it was known on any day, from the states of the deals alone: nothing that happened
later is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np

NEVER = date.max.toordinal()

_STATES = """
select
    history.opportunity_id,
    cast({zone_from} as date) as first_day,
    cast({zone_to} as date) as end_day,
    coalesce(history.shared_stage, 'unknown') as stage,
    history.is_closed,
    history.is_won,
    cast(history.amount_original as double) as amount,
    history.currency_code,
    history.expected_close_on,
    history.probability,
    users.team,
    coalesce(deals.kind, 'unknown') as kind,
    coalesce(deals.segment, 'unknown') as segment,
    deals.closed_on
from revenue.opportunity_history as history
inner join revenue.opportunities as deals using (opportunity_id)
left join revenue.users as users on users.user_id = history.owner_id
where not history.is_deleted
order by history.opportunity_id, history.valid_from
"""


@dataclass(frozen=True)
class States:
    """Every state of every deal, one entry each, in the order of deals and time. Days are ordinals; `until`
    is the first day on which the state no longer held at the end of the day.
    """

    deal: np.ndarray
    since: np.ndarray
    until: np.ndarray
    stage: np.ndarray
    is_closed: np.ndarray
    is_won: np.ndarray
    amount: np.ndarray
    currency: np.ndarray
    expected_close: np.ndarray
    probability: np.ndarray
    team: np.ndarray
    kind: np.ndarray
    segment: np.ndarray
    closed: np.ndarray
    opened: np.ndarray
    names: tuple[str, ...]
    teams: tuple[str, ...]
    rates: tuple[tuple[tuple[int, ...], tuple[float, ...]], ...]

    @property
    def first_day(self) -> int:
        """The first day anything is known of."""
        return int(self.since.min()) if len(self.since) else NEVER

    def at(self, day: int) -> np.ndarray:
        """Positions of the states that held at the end of a day, one per deal that existed."""
        return np.flatnonzero((self.since <= day) & (self.until > day))

    def value(self, states: np.ndarray, days: np.ndarray | int) -> np.ndarray:
        """Amounts in the reporting currency at the spot rates of those days; what is unknown is nan."""
        on = np.broadcast_to(np.asarray(days), states.shape)
        factor = np.full(len(states), np.nan)
        for code, (starts, values) in enumerate(self.rates):
            own = self.currency[states] == code
            if own.any() and starts:
                position = np.searchsorted(starts, on[own], side="right") - 1
                factor[own] = np.array(values)[np.maximum(position, 0)]
        return np.asarray(self.amount[states] * factor)


def read_states(con: duckdb.DuckDBPyConnection, timezone: str) -> States:
    """The states of all deals that still exist."""
    zone = "timezone(?, timezone('UTC', history.{}))"
    rows = con.execute(
        _STATES.format(zone_from=zone.format("valid_from"), zone_to=zone.format("valid_to")),
        [timezone, timezone],
    ).fetchall()
    columns = list(zip(*rows, strict=True)) if rows else [()] * 14
    deals, since, until, stage, is_closed, is_won, amount, currency, expected, probability = columns[:10]
    team, kind, segment, closed_on = columns[10:]
    deal, names = _codes(deals)
    teams, team_names = _codes(team)
    currencies, currency_names = _codes(currency)
    starts, opened = np.array([_day(day) for day in since], int), np.zeros(len(rows), int)
    first = 0
    for index in range(len(rows)):
        first = index if index == 0 or deals[index] != deals[index - 1] else first
        opened[index] = starts[first]
    return States(
        deal=deal,
        since=starts,
        until=np.array([_day(day, NEVER) for day in until], int),
        stage=_codes(stage)[0],
        is_closed=np.array(is_closed, bool),
        is_won=np.array(is_won, bool),
        amount=np.array([np.nan if each is None else each for each in amount], float),
        currency=currencies,
        expected_close=np.array([_day(day) for day in expected], int),
        probability=_probabilities(deal, _codes(stage)[0], np.array(is_closed, bool), until, probability),
        team=teams,
        kind=_codes(kind)[0],
        segment=_codes(segment)[0],
        closed=_closing_days(deals, starts, is_closed, [_day(day) for day in closed_on]),
        opened=opened,
        names=names,
        teams=team_names,
        rates=tuple(_rates(con, code) for code in currency_names),
    )


def _probabilities(
    deal: np.ndarray,
    stage: np.ndarray,
    is_closed: np.ndarray,
    until: tuple[date | None, ...],
    said: tuple[float | None, ...],
) -> np.ndarray:
    """The probability the source gave a deal in every state.

    Where a source does not record how it changed, a record carries only its latest value, which for a
    closed deal gives away how it ended. Such a deal had, in states that are over, what open deals in the
    same stage have now.
    """
    found = np.array([np.nan if each is None else each for each in said], float)
    is_current = np.array([each is None for each in until], bool)
    usable = is_current & ~is_closed & ~np.isnan(found)
    usual = {code: float(np.median(found[usable & (stage == code)])) for code in np.unique(stage[usable])}
    by_stage = np.array([usual.get(code, np.nan) for code in stage], float)
    size = int(deal.max()) + 1 if len(deal) else 0
    least, most = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(least, deal[~np.isnan(found)], found[~np.isnan(found)])
    np.maximum.at(most, deal[~np.isnan(found)], found[~np.isnan(found)])
    is_recorded = least[deal] < most[deal] if size else np.zeros(0, bool)
    return np.where(is_recorded | (is_current & ~is_closed), found, by_stage)


def _closing_days(
    deals: tuple[str, ...], since: np.ndarray, is_closed: tuple[bool, ...], closed_on: list[int]
) -> np.ndarray:
    """The day each closed state counts as closed on: for the last close of a deal the one its record
    says, for a close that was undone the day it happened. 0 while open.
    """
    found = np.zeros(len(deals), int)
    run: list[int] = []
    for index, deal in enumerate(deals):
        goes_on = bool(run) and deals[run[0]] == deal
        run = ([*run, index] if goes_on else [index]) if is_closed[index] else []
        if run:
            is_last = index + 1 == len(deals) or deals[index + 1] != deal
            found[run] = closed_on[index] if is_last and closed_on[index] else since[run[0]]
    return found


def _rates(con: duckdb.DuckDBPyConnection, currency: str) -> tuple[tuple[int, ...], tuple[float, ...]]:
    rows = con.execute(
        "select valid_from, cast(rate as double) from revenue.currency_rates"
        " where kind = 'spot' and currency_code = ? order by valid_from",
        [currency],
    ).fetchall()
    return tuple(day.toordinal() for day, _ in rows), tuple(rate for _, rate in rows)


def _codes(values: tuple[str | None, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Numbers for words, -1 for none, and the words in order."""
    words = sorted({word for word in values if word is not None})
    codes = {word: code for code, word in enumerate(words)}
    return np.array([-1 if word is None else codes[word] for word in values], int), tuple(words)


def _day(day: date | None, unknown: int = 0) -> int:
    return unknown if day is None else day.toordinal()
