"""Attribution: which touches won a deal, by nine models that are shown side by side.

Rules look at one journey: its touches in order of time. `markov` (Anderl et al. 2016: removal effects of a
first-order chain, solved exactly) looks at all of them, lost ones too. `shapley` takes as the worth of a set
of channels the conversions whose channels all lie in it; each conversion is then an equal part of every
channel in it, which is exact for any number of channels.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from itertools import combinations
from math import comb
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from orchestration.insight.tables import write_table

LOOKBACK_DAYS = 180
HALF_LIFE_DAYS = 14.0
MODELS = (
    "first",
    "last",
    "linear",
    "time_decay",
    "u_shaped",
    "w_shaped",
    "full_path",
    "markov",
    "shapley",
)
NO_TOUCH = "none"
UNKNOWN = "unknown"

RESAMPLES = 200
MINIMUM_JOURNEYS = 20
_SEED = 20260101
_MICRO = Decimal(1_000_000)
_START, _WON, _LOST = "(start)", "(won)", "(lost)"


@dataclass(frozen=True, slots=True)
class Journey:
    """Touches up to the end of a deal, in order of time; the positions of those that led to the lead and to
    the deal, where they are known.
    """

    channels: Sequence[str]
    days_before: Sequence[float]
    lead_at: int | None = None
    opened_at: int | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """The channels of journeys that went the same way, and how many of them won and lost."""

    channels: Sequence[str]
    won: int
    lost: int


# --- rules: one journey ---------------------------------------------------------------------------


def linear(touches: int) -> list[float]:
    """Every touch alike."""
    return [1 / touches] * touches


def time_decay(days_before: Sequence[float], half_life: float = HALF_LIFE_DAYS) -> list[float]:
    """Half as much for every half-life further away from the end."""
    nearest = min(days_before)
    return _to_one([2 ** ((nearest - days) / half_life) for days in days_before])


def milestones(touches: int, positions: Iterable[int | None], each: float, rest: float) -> list[float]:
    """`each` for every milestone, `rest` in equal parts for the other touches.

    What an unknown milestone would get, or the others where there are none, goes to all in proportion.
    """
    known = [position for position in positions if position is not None]
    credits = [0.0] * touches
    for position in known:
        credits[position] += each
    others = [position for position in range(touches) if position not in known]
    for position in others:
        credits[position] = rest / len(others)
    return _to_one(credits)


def u_shaped(touches: int) -> list[float]:
    """40 % first, 40 % last, 20 % between."""
    return milestones(touches, (0, touches - 1), 0.4, 0.2)


def w_shaped(touches: int, lead_at: int | None, opened_at: int | None) -> list[float]:
    """30 % each for the first touch, the lead and the opening of the deal, 10 % for the others."""
    return milestones(touches, (0, lead_at, opened_at), 0.3, 0.1)


def full_path(touches: int, lead_at: int | None, opened_at: int | None) -> list[float]:
    """22.5 % each for the first touch, the lead, the opening of the deal and the last touch, 10 % for the
    others.
    """
    return milestones(touches, (0, lead_at, opened_at, touches - 1), 0.225, 0.1)


def by_channel(channels: Sequence[str], weights: Mapping[str, float]) -> list[float]:
    """Each channel by its weight, in equal parts for its touches; every touch alike if no channel weighs
    anything.
    """
    counts = Counter(channels)
    if not any(weights.get(channel, 0.0) > 0 for channel in counts):
        return linear(len(channels))
    return _to_one([weights.get(channel, 0.0) / counts[channel] for channel in channels])


RULES: Mapping[str, Callable[[Journey], list[float]]] = {
    "first": lambda journey: [1.0] + [0.0] * (len(journey.channels) - 1),
    "last": lambda journey: [0.0] * (len(journey.channels) - 1) + [1.0],
    "linear": lambda journey: linear(len(journey.channels)),
    "time_decay": lambda journey: time_decay(journey.days_before),
    "u_shaped": lambda journey: u_shaped(len(journey.channels)),
    "w_shaped": lambda journey: w_shaped(len(journey.channels), journey.lead_at, journey.opened_at),
    "full_path": lambda journey: full_path(len(journey.channels), journey.lead_at, journey.opened_at),
    "shapley": lambda journey: by_channel(journey.channels, dict.fromkeys(journey.channels, 1.0)),
}


def _to_one(credits: Sequence[float]) -> list[float]:
    total = sum(credits)
    return [credit / total for credit in credits]


# --- all journeys ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chain:
    """A first-order chain over channels, and what becomes of it without each of them."""

    transitions: Mapping[tuple[str, str], float]
    conversion: float
    conversion_without: Mapping[str, float]
    removal_effects: Mapping[str, float]
    shares: Mapping[str, float]


def markov(paths: Iterable[Path]) -> Chain:
    """Removal effects, solved exactly. Without lost journeys every path ends in a win and says nothing."""
    counts: dict[tuple[str, str], float] = defaultdict(float)
    for path in paths:
        for step in _steps(path.channels):
            counts[step] += path.won + path.lost
        counts[(path.channels[-1], _WON)] += path.won
        counts[(path.channels[-1], _LOST)] += path.lost
    channels = sorted({state for step in counts for state in step} - {_START, _WON, _LOST})
    matrix = np.zeros((len(channels) + 1, len(channels) + 2))
    row = {state: number for number, state in enumerate([_START, *channels])}
    column = {state: number for number, state in enumerate([*channels, _WON, _LOST])}
    for (before, after), count in counts.items():
        matrix[row[before], column[after]] = count
    conversion, without = _absorbed(matrix)
    leaving = matrix.sum(axis=1)
    effects = {
        channel: 1 - float(each) / conversion if conversion else 0.0
        for channel, each in zip(channels, without, strict=True)
    }
    total = sum(effects.values())
    return Chain(
        transitions={
            (before, after): count / float(leaving[row[before]])
            for (before, after), count in sorted(counts.items())
            if count
        },
        conversion=conversion,
        conversion_without=dict(zip(channels, map(float, without), strict=True)),
        removal_effects=effects,
        shares={channel: effect / total if total else 0.0 for channel, effect in effects.items()},
    )


def _steps(channels: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip([_START, *channels[:-1]], channels, strict=True)


def _absorbed(counts: np.ndarray) -> tuple[float, np.ndarray]:
    """Chance to end in a win, with all channels and without each one.

    Rows of `counts`: the start, then the channels; columns: the channels, then won and lost.
    """
    leaving = counts.sum(axis=1, keepdims=True)
    chances = np.divide(counts, leaving, out=np.zeros_like(counts), where=leaving > 0)
    many = len(counts) - 1

    def won(chances: np.ndarray) -> float:
        inner, wins = chances[1:, :many], chances[1:, many]
        ahead = np.linalg.solve(np.eye(many) - inner, wins)
        return float(chances[0, many] + chances[0, :many] @ ahead)

    without = np.zeros(many)
    for channel in range(many):
        cut = chances.copy()
        cut[:, channel] = 0.0  # whoever would go there is lost
        without[channel] = won(cut)
    return won(chances), without


def shapley(worth: Mapping[frozenset[str], float]) -> dict[str, float]:
    """Shapley value of every player, given the worth of every set of players; the empty set is worth 0
    unless said.
    """
    players = sorted(frozenset().union(*worth))
    values = dict.fromkeys(players, 0.0)
    for player in players:
        others = [each for each in players if each != player]
        for size in range(len(players)):
            weight = 1 / (len(players) * comb(len(others), size))
            for group in map(frozenset, combinations(others, size)):
                values[player] += weight * (worth[group | {player}] - worth.get(group, 0.0))
    return values


def subset_worth(conversions: Mapping[frozenset[str], float]) -> dict[frozenset[str], float]:
    """What `shapley` takes here as worth: the conversions of journeys whose channels all lie in the set."""
    channels = sorted(frozenset().union(*conversions))
    sets = [frozenset(each) for size in range(len(channels) + 1) for each in combinations(channels, size)]
    return {each: sum(won for own, won in conversions.items() if own <= each) for each in sets}


# --- money ----------------------------------------------------------------------------------------


def share_out(amount: Decimal, credits: Sequence[float]) -> list[Decimal]:
    """`amount` in millionths by credit, adding up to it exactly: the largest remainders get what is left."""
    whole = int(amount * _MICRO)
    parts, remainders = [], []
    for credit in credits:
        numerator, denominator = credit.as_integer_ratio()
        part, remainder = divmod(whole * numerator, denominator)
        parts.append(part)
        remainders.append(remainder / denominator)
    for_all, left = divmod(whole - sum(parts), len(parts))
    first = sorted(range(len(parts)), key=lambda position: (-remainders[position], position))[:left]
    return [
        Decimal(part + for_all + (1 if position in first else 0)) / _MICRO
        for position, part in enumerate(parts)
    ]


# --- the warehouse --------------------------------------------------------------------------------

_CREDITS = {
    "opportunity_id": "varchar",
    "touch_id": "varchar",
    "model": "varchar",
    "credit": "double",
    "credited_amount": "decimal(38, 6)",
}
_SHARES = {
    "model": "varchar",
    "channel": "varchar",
    "share": "double",
    "share_low": "double",
    "share_high": "double",
}

# Each way to be of one journey is a join of its own, so that none is by date alone: that one grows with
# deals times touches.
_OF_ONE_JOURNEY = " union ".join(
    f"""
select
    deals.opportunity_id, deals.is_won, deals.closed_at, deals.closed_on, deals.lead_at, deals.opened_at,
    touches.touch_id, touches.occurred_at, touches.channel
from deals
inner join touches on
    deals.{key} = touches.{key}
    and touches.occurred_on between deals.closed_on - {LOOKBACK_DAYS} and deals.closed_on
-- what was logged on another deal belongs to that one
where touches.opportunity_id is null or touches.opportunity_id = deals.opportunity_id
"""
    for key in ("account_id", "person_id", "opportunity_id")
)

_JOURNEYS = f"""
with leads as (
    select person_id, min(became_at) as lead_at
    from (
        select person_id, created_at as became_at from revenue.leads
        union all
        select person_id, entered_at as became_at from revenue.funnel_entries where funnel_stage = 'lead'
    )
    where person_id is not null
    group by person_id
),
account_leads as (
    select people.account_id, min(leads.lead_at) as lead_at
    from leads inner join revenue.people as people using (person_id)
    where people.account_id is not null
    group by people.account_id
),
deals as (
    select
        deals.opportunity_id, deals.account_id, deals.person_id, deals.is_won, deals.opened_at,
        deals.closed_at, deals.closed_on, coalesce(leads.lead_at, account_leads.lead_at) as lead_at
    from revenue.opportunities as deals
    left join leads on deals.person_id = leads.person_id
    left join account_leads on deals.account_id = account_leads.account_id
    where deals.is_closed and deals.closed_at is not null
),
touches as (
    select
        touches.touch_id, touches.occurred_at, touches.occurred_on, touches.opportunity_id,
        touches.person_id, coalesce(touches.account_id, people.account_id) as account_id,
        coalesce(touches.channel, '{UNKNOWN}') as channel
    from revenue.touches as touches
    left join revenue.people as people on touches.person_id = people.person_id
)
{_OF_ONE_JOURNEY}
order by opportunity_id, occurred_at, touch_id
"""

# Companies that were reached and never had a deal: without them only those that nearly bought would count as
# lost.
_NEVER_A_DEAL = f"""
select coalesce(touches.account_id, people.account_id) as account_id, coalesce(touches.channel, '{UNKNOWN}')
from revenue.touches as touches
left join revenue.people as people on touches.person_id = people.person_id
where
    coalesce(touches.account_id, people.account_id) is not null
    and touches.occurred_on > (select max(last_day) from revenue.reporting_periods) - {LOOKBACK_DAYS}
    and coalesce(touches.account_id, people.account_id) not in (
        select account_id from revenue.opportunities where account_id is not null
    )
order by 1, touches.occurred_at, touches.touch_id
"""


def write(con: duckdb.DuckDBPyConnection, timezone: str) -> None:
    """Write `insight.attribution` (grain opportunity_id, touch_id, model) and `insight.attribution_channels`
    (grain model, channel) from the revenue tables.
    """
    journeys, touch_ids, paths = _read(con, ZoneInfo(timezone))
    weights = markov(paths).shares if any(path.won for path in paths) else {}
    rules: dict[str, Callable[[Journey], list[float]]] = dict(RULES)
    rules["markov"] = lambda journey: by_channel(journey.channels, weights)
    rows: list[tuple[str, str, str, float, Decimal | None]] = []
    amounts = dict(
        con.execute(
            "select opportunity_id, amount from revenue.opportunities where is_won order by opportunity_id"
        ).fetchall()
    )
    for opportunity_id, amount in amounts.items():
        journey = journeys.get(opportunity_id)
        for model in MODELS:
            credits = rules[model](journey) if journey else [1.0]
            ids = touch_ids[opportunity_id] if journey else [NO_TOUCH]
            earned = [(each, credit) for each, credit in zip(ids, credits, strict=True) if credit > 0]
            parts: Sequence[Decimal | None] = [None] * len(earned)
            if amount is not None:
                parts = share_out(amount, [credit for _, credit in earned])
            for (touch_id, credit), part in zip(earned, parts, strict=True):
                rows.append((opportunity_id, touch_id, model, credit, part))
    write_table(con, "attribution", _CREDITS, rows)
    in_order = [journeys[each] for each in amounts if each in journeys]
    write_table(con, "attribution_channels", _SHARES, list(_channel_shares(in_order, paths, rules)))


def _read(
    con: duckdb.DuckDBPyConnection, zone: ZoneInfo
) -> tuple[dict[str, Journey], dict[str, list[str]], list[Path]]:
    """Journeys of won deals and the ids of their touches, both by deal, and the paths of every journey."""
    touches: dict[str, list[tuple[str, datetime, str]]] = defaultdict(list)
    deals: dict[str, tuple[bool, datetime, datetime | None, datetime | None]] = {}
    for row in con.execute(_JOURNEYS).fetchall():
        opportunity_id, is_won, closed_at, closed_on, lead_at, opened_at, touch_id, occurred_at, channel = row
        if occurred_at > closed_at:
            # a close without a time of day was at some time of that day
            midnight = datetime.combine(closed_on, time(), zone).astimezone(UTC).replace(tzinfo=None)
            if closed_at != midnight:
                continue
        deals[opportunity_id] = (is_won, closed_at, lead_at, opened_at)
        touches[opportunity_id].append((touch_id, occurred_at, channel))
    won: dict[str, Journey] = {}
    ways: Counter[tuple[tuple[str, ...], bool]] = Counter()
    for opportunity_id, (is_won, closed_at, lead_at, opened_at) in deals.items():
        own = touches[opportunity_id]
        channels = tuple(channel for _, _, channel in own)
        ways[channels, is_won] += 1
        if is_won:
            moments = [at for _, at, _ in own]
            won[opportunity_id] = Journey(
                channels,
                [max(0.0, (closed_at - at).total_seconds() / 86_400) for at in moments],
                _last_until(moments, lead_at),
                _last_until(moments, opened_at),
            )
    idle: dict[str, list[str]] = defaultdict(list)
    for account_id, channel in con.execute(_NEVER_A_DEAL).fetchall():
        idle[account_id].append(channel)
    for each in idle.values():
        ways[tuple(each), False] += 1
    paths = [Path(way, many if is_won else 0, 0 if is_won else many) for (way, is_won), many in ways.items()]
    return won, {each: [touch_id for touch_id, _, _ in touches[each]] for each in won}, paths


def _last_until(moments: Sequence[datetime], milestone: datetime | None) -> int | None:
    """The last touch at or before a milestone; a milestone before the first touch has none."""
    reached = 0 if milestone is None else sum(1 for at in moments if at <= milestone)
    return reached - 1 if reached else None


def _channel_shares(
    journeys: Sequence[Journey], paths: Sequence[Path], rules: Mapping[str, Callable[[Journey], list[float]]]
) -> Iterator[tuple[str, str, float, float | None, float | None]]:
    """Share of the won deals per model and channel, with a 95 % bootstrap interval over journeys."""
    channels = sorted({channel for journey in journeys for channel in journey.channels})
    number = {channel: position for position, channel in enumerate(channels)}
    if not journeys:
        return
    generator = np.random.default_rng(_SEED)
    draws = generator.multinomial(len(journeys), np.full(len(journeys), 1 / len(journeys)), size=RESAMPLES)
    for model in MODELS:
        credited = np.zeros((len(journeys), len(channels)))
        for position, journey in enumerate(journeys):
            for channel, credit in zip(journey.channels, rules[model](journey), strict=True):
                credited[position, number[channel]] += credit
        shares = credited.mean(axis=0)
        if model == "markov":
            resampled = _resampled_markov(credited > 0, draws, paths, channels, generator)
        else:
            resampled = draws @ credited / len(journeys)
        low, high = np.percentile(resampled, [2.5, 97.5], axis=0)
        enough = len(journeys) >= MINIMUM_JOURNEYS
        for channel, position in number.items():
            share = float(shares[position])
            yield (
                model,
                channel,
                share,
                min(share, float(low[position])) if enough else None,
                max(share, float(high[position])) if enough else None,
            )


def _resampled_markov(
    present: np.ndarray,
    draws: np.ndarray,
    paths: Sequence[Path],
    channels: Sequence[str],
    generator: np.random.Generator,
) -> np.ndarray:
    """Shares of the won deals under chains fitted to journeys drawn anew."""
    counts = np.array([path.won + path.lost for path in paths], dtype=float)
    many = int(counts.sum())
    drawn = generator.multinomial(many, counts / many, size=len(draws))
    won_share = np.array([path.won / (path.won + path.lost) for path in paths])
    states = sorted({channel for path in paths for channel in path.channels})
    row = {state: place for place, state in enumerate([_START, *states])}
    column = {state: place for place, state in enumerate(states)}
    size = (len(states) + 1, len(states) + 2)
    steps = [
        np.array([row[before] * size[1] + column[after] for before, after in _steps(path.channels)])
        for path in paths
    ]
    owner = np.repeat(np.arange(len(paths)), [len(each) for each in steps])
    flat = np.concatenate(steps)
    ends = np.array([row[path.channels[-1]] * size[1] + len(states) for path in paths])
    own = [column[channel] for channel in channels]
    shares = np.zeros((len(draws), len(channels)))
    for number, weights in enumerate(drawn.astype(float)):
        cells = np.bincount(flat, weights[owner], minlength=size[0] * size[1])
        cells += np.bincount(ends, weights * won_share, minlength=len(cells))
        cells += np.bincount(ends + 1, weights * (1 - won_share), minlength=len(cells))
        conversion, without = _absorbed(cells.reshape(size))
        effects = np.maximum(1 - without / conversion if conversion else np.zeros(len(states)), 0)[own]
        credited = present * effects
        totals = credited.sum(axis=1, keepdims=True)
        credited = np.divide(credited, totals, out=np.zeros_like(credited), where=totals > 0)
        shares[number] = draws[number] @ credited / len(present)
    return shares
