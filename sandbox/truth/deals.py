"""Deals as they stood at the end of a day, told from their own changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from sandbox.records import CLOSED_STAGES, Deal, Employee
from sandbox.truth.calendar import Clock, Rates
from sandbox.world import World

UNKNOWN = "unknown"


@dataclass(frozen=True)
class DealState:
    """One deal at the end of the as-of day; `amount` in the reporting currency, None where nobody filled it
    in.
    """

    deal: Deal
    stage: str
    amount: Fraction | None
    owner: Employee | None
    opened_on: date
    closed_on: date | None
    segment: str

    @property
    def is_open(self) -> bool:
        return self.closed_on is None


def deal_states(world: World, as_of: date, clock: Clock) -> Iterator[DealState]:
    """Every deal that exists at the end of the day and was not deleted, whenever that happened."""
    rates = Rates()
    cutoff = clock.end_of(as_of)
    for deal in world.deals:
        if deal.deleted_at is None and deal.opened_at < cutoff:
            stage, amount, owner, closed_at = _rewound(deal, cutoff)
            closed_on = clock.day(closed_at) if closed_at else None
            worth = (
                None if amount is None else Fraction(amount) * rates.spot(deal.currency, closed_on or as_of)
            )
            segment = deal.company.recorded_segment if deal.account_recorded else None
            opened_on = clock.day(deal.opened_at)
            yield DealState(deal, stage, worth, owner, opened_on, closed_on, segment or UNKNOWN)


def _rewound(deal: Deal, cutoff: datetime) -> tuple[str, Decimal | None, Employee | None, datetime | None]:
    """Stage, amount, owner and close as they were just before `cutoff`."""
    stage, amount, owner = deal.stage, deal.amount, deal.owner
    for change in reversed(deal.changes):
        if change.at < cutoff:
            break
        if change.field == "stage":
            stage = str(change.old)
        elif change.field == "amount":
            assert change.old is None or isinstance(change.old, Decimal)
            amount = change.old
        elif change.field == "owner":
            assert change.old is None or isinstance(change.old, Employee)
            owner = change.old
    if stage not in CLOSED_STAGES:
        return stage, amount, owner, None
    closed_at = max(c.at for c in deal.changes if c.field == "stage" and c.at < cutoff)
    return stage, amount, owner, closed_at
