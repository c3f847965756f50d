"""How well the insight finds what was planted in a pretend company, and what it finds where nothing was.

    python -m benchmarks.planted --seeds 50

Every seed is lived twice, with its planted troubles and without any. A trouble is found if it is at the top
of its table; a false alarm is any alarm in a company without troubles. Attribution is compared with the truth
that no warehouse knows: which inquiries the campaigns caused.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
from scipy.stats import spearmanr

from orchestration.insight import process, teams
from orchestration.insight.attribution import LOOKBACK_DAYS, MODELS, RULES, Journey, Path, by_channel, markov
from sandbox import rules
from sandbox.records import OPEN_STAGES, Deal
from sandbox.world import World

UNTIL = date(2026, 9, 30)
QUARTER = process.Quarter(date(2026, 7, 1), datetime(2026, 10, 1))


@dataclass(frozen=True)
class Alarms:
    """What the insight says of one company at the end of a quarter, the strongest first."""

    bottlenecks: Sequence[tuple[str, ...]]
    stalled: Sequence[tuple[str, str, str]]
    teams: Sequence[str]

    def __len__(self) -> int:
        return len(self.bottlenecks) + len(self.stalled) + len(self.teams)


def alarms(world: World) -> Alarms:
    """Bottlenecks as (process, stage, segment), hand-offs with the slice that stalls, teams behind."""
    found = process.bottlenecks(_steps(world), QUARTER)
    slow = sorted((row for row in found if row[-1]), key=lambda row: -row[11])
    handed = {("marketing", "sales"): list(_handovers(world))}
    stalled = [row for row in process.handoffs(handed, QUARTER) if row[-1]]
    departments = {team: about[0] for team, about in rules.TEAMS.items()}
    behind = [row for row in teams.support(_cases(world), departments, QUARTER) if row[-1] or row[-2]]
    behind.sort(key=lambda row: min(rate for rate in row[9:11] if rate is not None))
    return Alarms(
        [(str(row[1]), str(row[2]), str(row[3])) for row in slow],
        [(str(row[1]), str(row[12]), str(row[13])) for row in stalled],
        list(dict.fromkeys(str(row[1]) for row in behind)),
    )


def attribution_ranks(world: World) -> dict[str, float]:
    """Rank correlation over the channels of campaigns, per model: deals credited to the channel's campaigns
    against inquiries they caused.
    """
    caused = Counter(t.channel for t in world.touches if t.kind == "form_fill" and t.campaign_id)
    channels = sorted({campaign.channel for campaign in world.campaigns})
    journeys, paths = _journeys(world)
    weights = markov(paths).shares
    models = {**RULES, "markov": lambda journey: by_channel(journey.channels, weights)}
    ranks = {}
    for model in MODELS:
        credited = dict.fromkeys(channels, 0.0)
        for journey in journeys:
            for channel, credit in zip(journey.channels, models[model](journey), strict=True):
                if channel in credited:
                    credited[channel] += credit
        ranks[model] = float(
            spearmanr([credited[each] for each in channels], [caused[each] for each in channels]).statistic
        )
    return ranks


def _stages(deal: Deal) -> Iterator[tuple[str, datetime, datetime | None]]:
    """Open stages of a deal: entered and left."""
    moves = [change for change in deal.changes if change.field == "stage"]
    stage = str(moves[0].old) if moves else deal.stage
    entered = deal.opened_at
    for move in moves:
        if stage in OPEN_STAGES:
            yield stage, entered, move.at
        stage, entered = str(move.new), move.at
    if stage in OPEN_STAGES:
        yield stage, entered, None


def _live(world: World) -> list[Deal]:
    return [deal for deal in world.deals if deal.deleted_at is None]


def _steps(world: World) -> dict[tuple[str, ...], list[process.Stay]]:
    steps: dict[tuple[str, ...], list[process.Stay]] = defaultdict(list)
    for deal in _live(world):
        for stage, entered, left in _stages(deal):
            stay = process.Stay(entered, left, deal.amount)
            steps[deal.kind, stage, deal.company.segment].append(stay)
    return steps


def _handovers(world: World) -> Iterator[process.Handover]:
    """Leads that marketing called qualified, up to the first call or mail of a seller."""
    answers: dict[str, list[datetime]] = defaultdict(list)
    for touch in world.touches:
        if touch.is_human and touch.direction == "outbound" and touch.person is not None:
            answers[touch.person.id].append(touch.at)
    given: dict[str, list[datetime]] = defaultdict(list)
    people = {person.id: person for person in world.people}
    for step in world.funnel:
        if step.stage == "mql":
            given[step.person.id].append(step.at)
    for person_id, moments in given.items():
        company = people[person_id].company
        slices = (("all", "all"), ("region", company.region), ("segment", company.segment))
        for at, following in zip(moments, [*moments[1:], datetime.max], strict=True):
            taken = min((answer for answer in answers[person_id] if at <= answer < following), default=None)
            yield process.Handover(process.Stay(at, taken), 1.0, "sales" if taken else None, slices)


def _cases(world: World) -> dict[str, tuple[bool, list[teams.Case]]]:
    won, converted, cycles = [], [], []
    for deal in _live(world):
        if deal.owner is None:
            continue
        team, like = deal.owner.team, deal.kind + deal.company.segment
        stages = list(_stages(deal))
        for position, (stage, _, left) in enumerate(stages):
            if left is None:
                continue
            later = stages[position + 1][0] if position + 1 < len(stages) else deal.stage
            further = later == "won" or (
                later in OPEN_STAGES and OPEN_STAGES.index(later) > OPEN_STAGES.index(stage)
            )
            converted.append(teams.Case(left.date(), team, like + stage, float(further)))
        if deal.closed_at is not None:
            won.append(teams.Case(deal.closed_at.date(), team, like, float(deal.stage == "won")))
            if deal.stage == "won" and deal.kind != "renewal":
                days = (deal.closed_at.date() - deal.opened_at.date()).days
                cycles.append(teams.Case(deal.closed_at.date(), team, like, float(days)))
    return {
        "win_rate": (True, won),
        "stage_conversion": (True, converted),
        "sales_cycle_length": (False, cycles),
    }


def _journeys(world: World) -> tuple[list[Journey], list[Path]]:
    """First deals with the touches of their company in the 180 days before they were decided."""
    touches: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for touch in world.touches:
        if touch.company is not None:
            touches[touch.company.id].append((touch.at, touch.channel))
    won, ways = [], Counter[tuple[tuple[str, ...], bool]]()
    for deal in _live(world):
        if deal.closed_at is None or deal.kind != "new_business":
            continue
        begins = datetime.combine(deal.closed_at.date() - timedelta(days=LOOKBACK_DAYS), time())
        own = sorted(each for each in touches[deal.company.id] if begins <= each[0] <= deal.closed_at)
        if not own:
            continue
        channels = tuple(channel for _, channel in own)
        ways[channels, deal.stage == "won"] += 1
        if deal.stage == "won":
            moments = [at for at, _ in own]
            lead = deal.person.created_at if deal.person else None
            won.append(
                Journey(
                    channels,
                    [(deal.closed_at - at).total_seconds() / 86_400 for at in moments],
                    _before(moments, lead),
                    _before(moments, deal.opened_at),
                )
            )
    return won, [Path(way, many * good, many * (not good)) for (way, good), many in ways.items()]


def _before(moments: Sequence[datetime], moment: datetime | None) -> int | None:
    reached = 0 if moment is None else sum(at <= moment for at in moments)
    return reached - 1 if reached else None


def main() -> None:
    """Live every seed twice and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--scale", type=float, default=1.0)
    given = parser.parse_args()
    found: Counter[str] = Counter()
    false: Counter[str] = Counter()
    ranks: dict[str, list[float]] = defaultdict(list)
    for seed in range(1, given.seeds + 1):
        planted = alarms(world := World(UNTIL, seed=seed, scale=given.scale))
        found["bottleneck"] += planted.bottlenecks[:1] == [
            ("new_business", rules.BOTTLENECK_STAGE, rules.BOTTLENECK_SEGMENT)
        ]
        found["hand-off"] += planted.stalled[:1] == [("marketing", "region", rules.STALLED_REGION)]
        found["team"] += planted.teams[:1] == [rules.STRUGGLING_TEAM]
        for model, rank in attribution_ranks(world).items():
            ranks[model].append(rank)
        calm = alarms(World(UNTIL, seed=seed, scale=given.scale, plants=rules.Plants.none()))
        false["bottleneck"] += bool(calm.bottlenecks)
        false["hand-off"] += bool(calm.stalled)
        false["team"] += bool(calm.teams)
    for trouble in ("bottleneck", "hand-off", "team"):
        print(
            f"{trouble}: found at the top in {found[trouble]} of {given.seeds} companies,"
            f" false alarms in {false[trouble]} of {given.seeds}"
        )
    print("rank correlation with the inquiries campaigns caused, mean and range over companies:")
    for model, values in ranks.items():
        print(f"  {model:11} {np.mean(values):5.2f}  {min(values):5.2f} to {max(values):5.2f}")


if __name__ == "__main__":
    main()
