"""What the world is made of. Times are naive UTC; money is in major units of the record's currency.

Every record is born once and dated; what can change later carries `updated_at`, and deals keep every change.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from random import Random

OPEN_STAGES = ("prospecting", "qualified", "proposal", "negotiation")
CLOSED_STAGES = ("won", "lost")


@dataclass(slots=True)
class Company:
    """A company of the market. Silos know it from `known_from` on; before, it is nobody's record."""

    id: str
    name: str
    trade_name: str | None  # what some people call it
    domain: str
    segment: str
    recorded_segment: str | None  # what the CRM says
    region: str
    country: str
    state: str | None
    city: str
    street: str
    postal_code: str
    phone: str
    tax_id: str | None
    industry: str | None
    headcount: int
    currency: str
    parent: "Company | None"
    enters_on: date  # the market
    interest: float  # multiplies inquiries
    mood: float  # below 1: content; multiplies churn, divides usage
    rng: Random
    known_from: datetime | None = None
    people: "list[Person]" = field(default_factory=list)
    subscriptions: "list[Subscription]" = field(default_factory=list)
    open_deals: int = 0
    quiet_until: date = date.min
    success_manager: "Employee | None" = None
    first_started_on: date | None = None
    left_on: date | None = None  # since when it has had no subscription at work


@dataclass(slots=True)
class Job:
    """Where a person works and since when."""

    company: Company
    email: str
    since: datetime


@dataclass(slots=True)
class Person:
    id: str
    first_name: str
    last_name: str
    title: str
    phone: str | None
    source: str  # channel of the first contact
    created_at: datetime
    jobs: list[Job]
    rng: Random
    free_mail: bool
    is_contact_from: datetime | None = None  # the lead was converted
    deal_id: str | None = None
    owner: "Employee | None" = None

    @property
    def company(self) -> Company:
        return self.jobs[-1].company

    @property
    def email(self) -> str:
        return self.jobs[-1].email


@dataclass(slots=True)
class Employee:
    id: str
    name: str
    email: str
    department: str
    team: str
    role: str
    region: str
    manager: "Employee | None"
    skill: float  # multiplies the chance to advance a deal
    started_on: date
    rng: Random
    ended_on: date | None = None


@dataclass(slots=True)
class Campaign:
    """`lift` is causal: it multiplies the inquiries of the companies it reaches by 1 + lift while it runs."""

    id: str
    name: str
    channel: str
    kind: str
    starts_on: date
    ends_on: date
    budget: Decimal
    currency: str
    daily_spend: Decimal
    lift: float
    reach: float
    reached: frozenset[str] = frozenset()


@dataclass(slots=True)
class Spend:
    id: str
    spent_on: date
    spent_until: date | None
    department: str
    category: str
    channel: str | None
    campaign_id: str | None
    amount: Decimal
    currency: str
    created_at: datetime


@dataclass(slots=True)
class Touch:
    id: str
    at: datetime
    person: Person | None
    company: Company | None
    deal: "Deal | None"
    campaign_id: str | None
    channel: str
    kind: str
    direction: str
    actor: Employee | None
    is_human: bool
    email: str | None
    system: str  # marketing | crm


@dataclass(slots=True)
class FunnelStep:
    id: str
    person: Person
    stage: str
    at: datetime
    system: str


@dataclass(slots=True)
class Change:
    """One change of one field of a deal. Values are the world's own objects."""

    at: datetime
    field: str
    old: object
    new: object
    by: Employee | None


@dataclass(slots=True)
class Deal:
    id: str
    kind: str
    name: str
    company: Company
    account_recorded: bool  # False: nobody filled in the account
    person: Person | None
    owner: Employee | None
    product: str
    plan: str
    seats: int
    stage: str
    amount: Decimal | None
    recurring_amount: Decimal | None
    currency: str
    expected_close_on: date
    direction: str
    source: str | None
    opened_at: datetime
    rng: Random
    closed_at: datetime | None = None
    loss_reason: str | None = None
    deleted_at: datetime | None = None
    updated_at: datetime = datetime.min
    changes: list[Change] = field(default_factory=list)
    next_move_on: date = date.max
    planned: tuple[date, str] | None = (
        None  # a renewal or expansion whose outcome is settled: (day, won | lost)
    )
    was_won: bool = False
    contract: "Contract | None" = None
    subscription: "Subscription | None" = None
    intent: str | None = None  # what an expansion changes: seats | tier | cross_sell

    @property
    def is_open(self) -> bool:
        return self.stage in OPEN_STAGES and self.deleted_at is None


@dataclass(slots=True)
class DealPerson:
    id: str
    deal: Deal
    person: Person
    role: str
    created_at: datetime


@dataclass(slots=True)
class Period:
    """A stretch of time in which nothing about a subscription item changes: [starts_on, ends_on)."""

    id: str
    subscription_id: str
    company: Company
    product: str
    plan: str
    kind: str
    status: str
    quantity: int
    amount: Decimal  # per interval, all units, before discount
    currency: str
    interval: str
    interval_count: int
    discount_percent: Decimal | None
    discount_amount: Decimal | None
    discount_ends_on: date | None
    starts_on: date
    ends_on: date | None
    reason: str | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


@dataclass(slots=True)
class Subscription:
    """`state`: scheduled, active, past_due, unpaid, paused, ending (an end is set), ended."""

    id: str
    company: Company
    currency: str
    interval: str
    starts_on: date
    rng: Random
    state: str = "scheduled"
    items: dict[str, Period] = field(default_factory=dict)  # the running period of each product
    contract: "Contract | None" = None
    expansion_open: bool = False


@dataclass(slots=True)
class Contract:
    id: str
    company: Company
    subscription: Subscription
    signed_at: datetime
    starts_on: date
    ends_on: date | None
    annual_amount: Decimal
    currency: str
    auto_renews: bool
    renews: "Contract | None"
    status: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Invoice:
    id: str
    company: Company
    subscription_id: str
    issued_at: datetime
    due_on: date
    amount: Decimal
    tax: Decimal
    currency: str
    status: str
    updated_at: datetime
    paid_at: datetime | None = None


@dataclass(slots=True)
class Forecast:
    id: str
    submitted_at: datetime
    by: Employee
    unit: str
    period_start: date
    period_end: date
    category: str
    amount: Decimal


@dataclass(slots=True)
class Ticket:
    id: str
    company: Company
    person: Person | None
    assignee: Employee | None
    priority: str
    subject: str
    status: str
    opened_at: datetime
    updated_at: datetime
    first_replied_at: datetime | None = None
    solved_at: datetime | None = None
    reopened: int = 0
    csat: Decimal | None = None


@dataclass(slots=True)
class Survey:
    id: str
    company: Company
    person: Person | None
    kind: str
    answered_at: datetime
    score: Decimal
    comment: str | None


@dataclass(slots=True)
class Usage:
    id: str
    company: Company
    used_on: date
    feature: str
    active_people: int
    events: int


@dataclass(slots=True)
class Task:
    id: str
    project: str
    name: str
    department: str
    team: str
    assignee: Employee | None
    company: Company | None
    deal: Deal | None
    status: str
    opened_at: datetime
    due_on: date
    updated_at: datetime
    done_at: datetime | None = None


@dataclass(slots=True)
class ToolAnswer:
    id: str
    tool: str
    department: str
    employee: Employee
    last_used_on: date | None
    uses_per_week: Decimal
    monthly_cost: Decimal
    answered_on: date
