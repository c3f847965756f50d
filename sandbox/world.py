"""The world: a company that lives day by day from a fixed first day, and remembers."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from random import Random

from sandbox import (
    companies,
    deals,
    employees,
    marketing,
    planning,
    rules,
    subscriptions,
    support,
)
from sandbox.records import (
    CLOSED_STAGES,
    Campaign,
    Change,
    Contract,
    Deal,
    DealPerson,
    Employee,
    Forecast,
    FunnelStep,
    Invoice,
    Period,
    Person,
    Spend,
    Subscription,
    Survey,
    Task,
    Ticket,
    ToolAnswer,
    Touch,
    Usage,
)

_OFFICE_OPENS = {"Americas": 13, "EMEA": 7, "APAC": 0}  # hour in UTC; offices are open for nine hours


class World:
    """The pretend company, lived from `rules.EPOCH` to the end of the day `until`.

    Same seed, scale and plants: a world lived to a day is the beginning of the same world lived longer.
    `years` stops
    life that many years after the epoch if that is earlier than `until`.
    """

    def __init__(
        self,
        until: date,
        seed: int = 7,
        scale: float = 1.0,
        years: int | None = None,
        plants: rules.Plants | None = None,
    ) -> None:
        if until < rules.EPOCH:
            raise ValueError(f"the world begins on {rules.EPOCH}; it cannot be lived until {until}")
        self.seed = seed
        self.scale = scale
        self.plants = plants or rules.Plants()
        self.start = rules.EPOCH
        self.today = self.start
        self.companies = companies.market(seed, scale)
        self.people: list[Person] = []
        self.employees: list[Employee] = []
        self.campaigns: list[Campaign] = []
        self.spend: list[Spend] = []
        self.touches: list[Touch] = []
        self.funnel: list[FunnelStep] = []
        self.deals: list[Deal] = []
        self.open_deals: list[Deal] = []
        self.deal_people: list[DealPerson] = []
        self.subscriptions: list[Subscription] = []
        self.periods: list[Period] = []
        self.contracts: list[Contract] = []
        self.invoices: list[Invoice] = []
        self.forecasts: list[Forecast] = []
        self.tickets: list[Ticket] = []
        self.surveys: list[Survey] = []
        self.usage: list[Usage] = []
        self.tasks: list[Task] = []
        self.tool_answers: list[ToolAnswer] = []
        self._agenda: defaultdict[date, list[Callable[[], object]]] = defaultdict(list)
        employees.found(self)
        self._live_one_day()
        end = until if years is None else min(until, date(self.start.year + years, 1, 1) - timedelta(days=1))
        self.advance((end - self.today).days)

    @property
    def until(self) -> date:
        """The last day that was lived."""
        return self.today

    def advance(self, days: int) -> None:
        """Live on for a number of days."""
        for _ in range(days):
            self.today += timedelta(days=1)
            self._live_one_day()

    def _live_one_day(self) -> None:
        self._keep_appointments()
        employees.live(self)
        marketing.live(self)
        deals.live(self)
        subscriptions.live(self)
        support.live(self)
        planning.live(self)
        self._keep_appointments()

    def _keep_appointments(self) -> None:
        agenda = self._agenda[self.today]
        while agenda:  # an appointment may make another one for the same day
            agenda.pop(0)()
        del self._agenda[self.today]

    def on(self, day: date, action: Callable[[], object]) -> None:
        """Do something on a day to come, or later today."""
        self._agenda[max(day, self.today)].append(action)

    def day_in(self, days: int) -> date:
        return self.today + timedelta(days=days)

    def is_workday(self) -> bool:
        return self.today.weekday() < 5

    def moment(self, rng: Random, region: str, after: datetime = datetime.min) -> datetime:
        """Some time of today's office hours of a region, later than `after`."""
        opening = datetime.combine(self.today, time(_OFFICE_OPENS[region]))
        return max(opening + timedelta(seconds=rng.randrange(9 * 3600)), after + timedelta(seconds=90))

    def midnight(self) -> datetime:
        return datetime.combine(self.today, time())

    def change(self, deal: Deal, at: datetime, field: str, value: object, by: Employee | None) -> None:
        """Change one field of a deal and keep what it was; nothing happens if it is that already."""
        old = getattr(deal, field)
        if old == value:
            return
        deal.changes.append(Change(at, field, old, value, by))
        setattr(deal, field, value)
        deal.updated_at = max(deal.updated_at, at)
        if field == "stage":
            deal.closed_at = at if value in CLOSED_STAGES else None
