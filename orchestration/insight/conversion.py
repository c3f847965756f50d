"""How much of a pipeline is won within a window of time, learned from earlier windows that are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from orchestration.insight.pipeline import States

# Corrections of the week after the end belong to a window, later ones do not: what it came to is then known.
DAYS_TO_SETTLE = 5
# A rate of few deals is pulled towards that of the group it is part of, as if so many more had been seen of
# it.
PRIOR_DEALS = 12.0
HALF_LIFE_DAYS = 365.0
OTHER_MONTHS_WEIGHT = 0.5
MINIMUM_WINDOWS = 4
MINIMUM_WON = 20
DRAWS = 1000
LOW, HIGH = 0.10, 0.90

_AGES = (30, 90, 180)
_FACTOR_BOUNDS = (0.2, 5.0)


@dataclass(frozen=True)
class Window:
    """The days from `start` to the one before `end`, looked at from the end of day `origin` before its
    end.
    """

    origin: int
    start: int
    end: int

    @property
    def settled(self) -> int:
        """The day on whose end it is known what the window came to."""
        return self.end - 1 + DAYS_TO_SETTLE

    def moved_to(self, end: int) -> Window:
        """The same window, ending on another day."""
        return Window(self.origin + end - self.end, self.start + end - self.end, end)


@dataclass(frozen=True)
class Snapshot:
    """The open deals at the end of a day: positions of their states, amounts, and the groups each is part
    of, from wide to narrow.
    """

    states: np.ndarray
    amounts: np.ndarray
    groups: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Outcome:
    """What a window came to: per open deal whether and for how much it was won, and per team what was won
    of deals that were not open at the origin.
    """

    snapshot: Snapshot
    won: np.ndarray
    amounts: np.ndarray
    created_by_team: np.ndarray


@dataclass(frozen=True)
class Forecast:
    """Money by team, the last entry for deals of no team: what is won already, what the pipeline should
    bring, what is not yet created, and draws of the total.
    """

    won_so_far: np.ndarray
    from_pipeline: np.ndarray
    not_yet_created: np.ndarray
    draws: np.ndarray

    def of(self, teams: Sequence[int]) -> tuple[float, float, float, float, float]:
        """Low, high, won so far, from the pipeline and not yet created of some teams together."""
        chosen = list(teams)
        low, high = np.quantile(self.draws[:, chosen].sum(axis=1), [LOW, HIGH])
        parts = (self.won_so_far, self.from_pipeline, self.not_yet_created)
        won, pipeline, created = (float(part[chosen].sum()) for part in parts)
        return float(low), float(high), won, pipeline, created


class History:
    """Snapshots and outcomes of windows, each looked up once."""

    def __init__(self, states: States, quarter_ends: Sequence[int], month_ends: Sequence[int]) -> None:
        self.states = states
        self._quarter_ends = frozenset(quarter_ends)
        self._month_ends = tuple(sorted({*quarter_ends, *month_ends}))
        self._snapshots: dict[Window, Snapshot] = {}
        self._outcomes: dict[Window, Outcome] = {}

    @cached_property
    def _team_count(self) -> int:
        return len(self.states.teams) + 1

    def by_team(self, states: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Sums per team; deals without a team come last."""
        team = self.states.team[states]
        known = np.where(team < 0, self._team_count - 1, team)
        return np.bincount(known, weights=values, minlength=self._team_count)

    def snapshot(self, window: Window) -> Snapshot:
        """The open deals at the origin of a window, in groups as of that day."""
        if window not in self._snapshots:
            states, day = self.states, window.origin
            now = states.at(day)
            now = now[~states.is_closed[now]]
            expected = states.expected_close[now]
            planned = np.where(
                expected == 0, 3, np.where(expected < window.start, 0, np.where(expected < window.end, 1, 2))
            )
            # a window that began already takes what is overdue, too
            planned = np.where((planned == 0) & (window.start <= day + 1), 1, planned)
            age = np.searchsorted(_AGES, day - states.opened[now], side="right")
            groups, key = [], np.zeros(len(now), dtype=np.int64)
            for values in (states.kind[now], states.stage[now], planned, states.segment[now], age):
                key = key * 64 + values
                groups.append(key)
            self._snapshots[window] = Snapshot(now, states.value(now, day), tuple(groups))
        return self._snapshots[window]

    def won(self, known_on: int, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """States of deals won from `start` to before `end`, as known at the end of a day, and their
        amounts.
        """
        states = self.states
        now = states.at(known_on)
        now = now[states.is_won[now] & (states.closed[now] >= start) & (states.closed[now] < end)]
        return now, np.nan_to_num(states.value(now, states.closed[now]))

    def outcome(self, window: Window) -> Outcome:
        """What a window came to, as known once it had settled."""
        if window not in self._outcomes:
            snapshot = self.snapshot(window)
            begin = max(window.start, window.origin + 1)
            was_open = self.states.deal[snapshot.states]
            # a deal that was open counts from any close since, also one dated back
            now, amounts = self.won(window.settled, min(begin, window.start), window.end)
            deals = self.states.deal[now]
            position = {int(deal): index for index, deal in enumerate(was_open)}
            won, value = np.zeros(len(was_open), bool), np.zeros(len(was_open))
            fresh = np.zeros(len(now), bool)
            for index, deal in enumerate(deals):
                if int(deal) in position:
                    won[position[int(deal)]], value[position[int(deal)]] = True, amounts[index]
                else:
                    fresh[index] = self.states.closed[now[index]] >= begin
            created = self.by_team(now[fresh], amounts[fresh])
            self._outcomes[window] = Outcome(snapshot, won, value, created)
        return self._outcomes[window]

    def earlier(self, window: Window) -> list[tuple[Outcome, float]]:
        """The same window at earlier ends that had settled by its origin, and the weight of each."""
        found = []
        for end in self._month_ends:
            past = window.moved_to(end)
            if past.settled <= window.origin and past.origin >= self.states.first_day + 30:
                weight = 0.5 ** ((window.origin - past.end) / HALF_LIFE_DAYS)
                weight *= 1.0 if end in self._quarter_ends else OTHER_MONTHS_WEIGHT
                found.append((self.outcome(past), weight))
        return found

    def forecast(self, window: Window, seed: int) -> Forecast | None:
        """What a window should come to, from what was known at its origin; None where too little was."""
        earlier = self.earlier(window)
        won_before, _ = self.won(window.origin, self.states.first_day, window.origin + 1)
        if len(earlier) < MINIMUM_WINDOWS or len(won_before) < MINIMUM_WON:
            return None
        snapshot = self.snapshot(window)
        learned = Rates(earlier)
        rates, factors = learned.of(snapshot), _amount_factors(earlier)
        amounts = np.where(np.isnan(snapshot.amounts), _usual_amount(earlier), snapshot.amounts)
        so_far, so_far_amounts = self.won(window.origin, window.start, min(window.end, window.origin + 1))
        created, weights = _created(earlier)
        won_so_far = self.by_team(so_far, so_far_amounts)
        draws = _draws(
            rates, amounts, factors, self._members(snapshot), created, weights, _shock(learned, earlier), seed
        )
        return Forecast(
            won_so_far=won_so_far,
            from_pipeline=self.by_team(snapshot.states, rates * amounts * factors.mean()),
            not_yet_created=weights @ created,
            draws=won_so_far + draws,
        )

    def has_probabilities(self, window: Window) -> bool:
        """Whether the source says how likely any of the deals open at the origin is."""
        return not bool(np.isnan(self.states.probability[self.snapshot(window).states]).all())

    def at_source(self, window: Window) -> np.ndarray:
        """Amount × probability of the source for every open deal it expects to close in the window, else
        0.
        """
        states, snapshot = self.states, self.snapshot(window)
        expected, chance = states.expected_close[snapshot.states], states.probability[snapshot.states]
        inside = (expected >= window.start) & (expected < window.end)
        return np.asarray(np.nan_to_num(snapshot.amounts) * np.nan_to_num(chance) * inside)

    def _members(self, snapshot: Snapshot) -> np.ndarray:
        team = self.states.team[snapshot.states]
        return np.eye(self._team_count)[np.where(team < 0, self._team_count - 1, team)]


class Rates:
    """Chance of an open deal to be won in a window: the rate of its group in earlier windows, pulled
    towards that of the wider group.
    """

    def __init__(self, earlier: Sequence[tuple[Outcome, float]]) -> None:
        won = np.concatenate([outcome.won for outcome, _ in earlier]).astype(float)
        weight = np.concatenate([np.full(len(outcome.won), weight) for outcome, weight in earlier])
        self._overall = float(weight @ won / max(weight.sum(), 1e-12))
        self._levels = []
        for level in range(len(earlier[0][0].snapshot.groups)):
            keys = np.concatenate([outcome.snapshot.groups[level] for outcome, _ in earlier])
            words, position = np.unique(keys, return_inverse=True)
            seen = np.bincount(position, weights=weight, minlength=len(words))
            wins = np.bincount(position, weights=weight * won, minlength=len(words))
            self._levels.append((words, seen, wins))

    def of(self, snapshot: Snapshot) -> np.ndarray:
        """The chance of every deal of a snapshot."""
        chance = np.full(len(snapshot.states), self._overall)
        for (words, seen, wins), own in zip(self._levels, snapshot.groups, strict=True):
            if len(words):
                found = np.minimum(np.searchsorted(words, own), len(words) - 1)
                known = words[found] == own
                many, successes = np.where(known, seen[found], 0.0), np.where(known, wins[found], 0.0)
                chance = (successes + PRIOR_DEALS * chance) / (many + PRIOR_DEALS)
        return chance


def _amount_factors(earlier: Sequence[tuple[Outcome, float]]) -> np.ndarray:
    """What won deals came to, as a part of what they were put at before."""
    ratios = [np.ones(1)]
    for outcome, _ in earlier:
        before = outcome.snapshot.amounts[outcome.won]
        usable = before > 0
        ratios.append(outcome.amounts[outcome.won][usable] / before[usable])
    return np.clip(np.concatenate(ratios), *_FACTOR_BOUNDS)


def _usual_amount(earlier: Sequence[tuple[Outcome, float]]) -> float:
    won = np.concatenate([outcome.amounts[outcome.won] for outcome, _ in earlier])
    return float(won.mean()) if len(won) else 0.0


def _created(earlier: Sequence[tuple[Outcome, float]]) -> tuple[np.ndarray, np.ndarray]:
    """What was won of deals not open at the origin, one row per earlier window, and the weights of the
    windows.
    """
    weights = np.array([weight for _, weight in earlier])
    return np.array([outcome.created_by_team for outcome, _ in earlier]), weights / weights.sum()


def _shock(learned: Rates, earlier: Sequence[tuple[Outcome, float]]) -> float:
    """By how much whole windows differ from their expected wins beyond what chance does to single deals."""
    ratios, chance = [], []
    for outcome, _ in earlier:
        rates = learned.of(outcome.snapshot)
        expected = rates.sum()
        if expected >= 1:
            ratios.append(outcome.won.sum() / expected)
            chance.append((rates * (1 - rates)).sum() / expected**2)
    if len(ratios) < 2:
        return 0.0
    return float(max(np.var(ratios, ddof=1) - np.mean(chance), 0.0) ** 0.5)


def _draws(
    rates: np.ndarray,
    amounts: np.ndarray,
    factors: np.ndarray,
    members: np.ndarray,
    created: np.ndarray,
    weights: np.ndarray,
    shock: float,
    seed: int,
) -> np.ndarray:
    """Draws of what is still to come, by team: every deal won or not, at the factor of some earlier deal,
    all of them a little better or worse together; and what was created in some earlier window.
    """
    rng = np.random.default_rng(seed)
    together = np.exp(rng.normal(-(shock**2) / 2, shock, size=(DRAWS, 1))) if shock else np.ones((DRAWS, 1))
    wins = rng.random((DRAWS, len(rates))) < np.minimum(rates * together, 0.98)
    values = wins * amounts * factors[rng.integers(len(factors), size=(DRAWS, len(rates)))]
    return np.asarray(values @ members + created[rng.choice(len(created), size=DRAWS, p=weights)])
