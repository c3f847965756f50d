"""Deals of a made-up company in the tables of schema revenue that forecasts and scores read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa

FIRST_DAY = date(2022, 1, 1)
STAGES = ("prospecting", "qualified", "proposal", "negotiation")
ADVANCE = {"prospecting": 0.6, "qualified": 0.7, "proposal": 0.75, "negotiation": 0.8}


@dataclass(frozen=True)
class State:
    """What a deal was from a day on; `stage` won or lost closes it."""

    since: date
    stage: str
    amount: float | None
    expected_close_on: date | None = None
    probability: float | None = None
    team: str | None = "North"


@dataclass(frozen=True)
class MadeUpDeal:
    """A deal and its life."""

    name: str
    states: tuple[State, ...]
    kind: str = "new_business"
    segment: str = "SMB"
    is_deleted: bool = False

    @property
    def closed_on(self) -> date | None:
        last = self.states[-1]
        return last.since if last.stage in ("won", "lost") else None


@dataclass(frozen=True)
class CommitCall:
    """What a person said a period would bring."""

    unit: str
    start: date
    end: date
    submitted_on: date
    amount: float


@dataclass
class MadeUpCompany:
    """Deals and calls, and the tables they fill."""

    deals: list[MadeUpDeal] = field(default_factory=list)
    commits: list[CommitCall] = field(default_factory=list)
    touches: list[tuple[str, date]] = field(default_factory=list)

    def tables(self) -> duckdb.DuckDBPyConnection:
        """A connection with the tables."""
        con = duckdb.connect(":memory:")
        con.execute("create schema revenue")
        con.execute(
            "create table revenue.opportunity_history (opportunity_id varchar, valid_from timestamp,"
            " valid_to timestamp, shared_stage varchar, is_closed boolean, is_won boolean,"
            " amount_original decimal(38, 6), currency_code varchar, expected_close_on date,"
            " probability double, owner_id varchar, is_deleted boolean)"
        )
        con.execute(
            "create table revenue.opportunities"
            " (opportunity_id varchar, kind varchar, segment varchar, closed_on date, opened_on date,"
            " person_id varchar)"
        )
        con.execute("create table revenue.users (user_id varchar, team varchar)")
        con.execute(
            "create table revenue.currency_rates"
            " (kind varchar, currency_code varchar, valid_from date, rate double)"
        )
        con.execute("insert into revenue.currency_rates values ('spot', 'USD', date '2000-01-01', 1)")
        con.execute(
            "create table revenue.forecasts (unit varchar, period_start date, period_end date,"
            " category varchar, submitted_on date, submitted_at timestamp, amount double,"
            " source_system varchar, source_id varchar)"
        )
        con.execute(
            "create table revenue.touches (opportunity_id varchar, occurred_on date, account_id varchar,"
            " person_id varchar, direction varchar, is_human boolean)"
        )
        self._fill(con)
        return con

    def _fill(self, con: duckdb.DuckDBPyConnection) -> None:
        history, deals, teams = [], [], set()
        for deal in self.deals:
            ends: Iterable[date | None] = [*(state.since for state in deal.states[1:]), None]
            for state, end in zip(deal.states, ends, strict=True):
                teams.add(state.team)
                history.append(
                    (
                        deal.name,
                        _noon(state.since),
                        _noon(end),
                        state.stage,
                        state.stage in ("won", "lost"),
                        state.stage == "won",
                        state.amount,
                        "USD",
                        state.expected_close_on,
                        state.probability,
                        state.team,
                        deal.is_deleted,
                    )
                )
            deals.append((deal.name, deal.kind, deal.segment, deal.closed_on, deal.states[0].since, None))
        _insert(con, "opportunity_history", history)
        _insert(con, "opportunities", deals)
        _insert(con, "users", [(team, team) for team in sorted(t for t in teams if t is not None)])
        calls = [
            (c.unit, c.start, c.end, "commit", c.submitted_on, _noon(c.submitted_on), c.amount, "crm", str(n))
            for n, c in enumerate(self.commits)
        ]
        _insert(con, "forecasts", calls)
        _insert(con, "touches", [(deal, day, *[None] * 4) for deal, day in self.touches])


def lived(seed: int, until: date, per_day: float = 1.2) -> MadeUpCompany:
    """A company whose deals open at random, stay in each stage for some weeks, and advance by fixed
    chances.
    """
    rng = np.random.default_rng(seed)
    deals: list[MadeUpDeal] = []
    for day in range((until - FIRST_DAY).days + 1):
        for _ in range(rng.poisson(per_day)):
            deals.append(_life(rng, f"D{len(deals):05d}", FIRST_DAY + timedelta(days=day), until))
    return MadeUpCompany(deals)


def _life(rng: np.random.Generator, name: str, opened: date, until: date) -> MadeUpDeal:
    team = ("North", "South")[int(rng.random() < 0.4)]
    amount = round(float(rng.lognormal(9.0, 0.7)), 2)
    states, day, stage = [], opened, 0
    while day <= until:
        expected = opened + timedelta(days=int(rng.integers(50, 90)))
        states.append(State(day, STAGES[stage], amount, expected, (0.1, 0.25, 0.5, 0.75)[stage], team))
        day += timedelta(days=int(rng.lognormal(2.5, 0.6)) + 1)
        if rng.random() >= ADVANCE[STAGES[stage]]:
            outcome = "lost"
        elif stage == 3:
            outcome = "won"
        else:
            stage += 1
            amount = round(amount * float(rng.choice([1.0, 1.0, 0.9, 1.15])), 2)
            continue
        if day <= until:
            states.append(replace(states[-1], since=day, stage=outcome))
        break
    return MadeUpDeal(name, tuple(states))


def another_future(company: MadeUpCompany, known_on: date, seed: int) -> MadeUpCompany:
    """The same company up to the end of a day, and another life of every deal after it."""
    rng = np.random.default_rng(seed)
    deals = []
    for deal in company.deals:
        known = [state for state in deal.states if state.since <= known_on]
        if not known:
            continue
        if known[-1].stage not in ("won", "lost"):
            day = known_on + timedelta(days=1 + int(rng.integers(60)))
            outcome = ("won", "lost")[int(rng.integers(2))]
            known.append(replace(known[-1], since=day, stage=outcome, amount=float(rng.integers(1, 10**6))))
        deals.append(replace(deal, states=tuple(known)))
    fresh = State(known_on + timedelta(days=1), "negotiation", 5e6)
    deals += [
        MadeUpDeal(f"N{n}", (fresh, replace(fresh, since=fresh.since + timedelta(days=9), stage="won")))
        for n in range(20)
    ]
    return MadeUpCompany(deals, company.commits)


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    """In one go: DuckDB takes milliseconds for each row that comes alone."""
    if rows:
        columns = {f"c{n}": list(column) for n, column in enumerate(zip(*rows, strict=True))}
        con.register("made_up", pa.table(columns))
        con.execute(f"insert into revenue.{table} select * from made_up")
        con.unregister("made_up")


def _noon(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day, 12)
