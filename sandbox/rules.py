"""Every rule the pretend company lives by: rates, prices, habits and planted troubles.

Rates called `*_PER_YEAR` are hazards: the chance of one event on one day is rate / 365. Durations are
medians in days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

EPOCH = date(2024, 1, 1)

# --- the market -----------------------------------------------------------------------------------
COMPANIES = 700  # at scale 1, known to us or not
FOUNDING_SHARE = 0.55  # there on the first day; the others are founded one by one over the next years
FOUNDING_YEARS = 4
SEGMENTS = {"SMB": 0.55, "Mid-Market": 0.30, "Enterprise": 0.15}
HEADCOUNT = {"SMB": (8, 190), "Mid-Market": (200, 1500), "Enterprise": (1600, 20000)}
REGIONS = {"Americas": 0.50, "EMEA": 0.35, "APAC": 0.15}
COUNTRIES = {
    "Americas": {"US": 0.80, "CA": 0.12, "BR": 0.08},
    "EMEA": {"DE": 0.32, "GB": 0.30, "FR": 0.18, "NL": 0.12, "ES": 0.08},
    "APAC": {"AU": 0.50, "SG": 0.25, "JP": 0.25},
}
CURRENCIES = {
    "DE": "EUR",
    "FR": "EUR",
    "NL": "EUR",
    "ES": "EUR",
    "GB": "GBP",
}  # everyone else pays in dollars
INDUSTRIES = {
    "Software": 0.3,
    "Manufacturing": 0.2,
    "Financial Services": 0.15,
    "Healthcare": 0.15,
    "Retail": 0.2,
}
SUBSIDIARY_SHARE = 0.07
SEGMENT_MISSING_SHARE = 0.02  # the CRM never learned it
FREE_MAIL_SHARE = 0.07
JOB_CHANGES_PER_YEAR = 0.05

# --- marketing and prospecting --------------------------------------------------------------------
INQUIRIES_PER_YEAR = {"SMB": 3.3, "Mid-Market": 3.1, "Enterprise": 2.8}
OUTBOUND_PER_YEAR = {"SMB": 0.5, "Mid-Market": 1.4, "Enterprise": 2.0}
NEW_PERSON_SHARE = 0.25
CHANNELS = {  # where an inquiry comes from when no campaign caused it
    "paid_search": 0.26,
    "organic": 0.30,
    "paid_social": 0.12,
    "referral": 0.12,
    "content": 0.12,
    "partner": 0.08,
}
MQL_SHARE = 0.62
SQL_SHARE = 0.60
DEAL_SHARE = 0.85
RESPONSE_DAYS = 0.25  # marketing hands over, sales answers
NEVER_ANSWERED_SHARE = 0.07
SLOW_RESPONSE_LOSS = 0.08  # of the chance to qualify, per day of waiting, at most half of it
OUTBOUND_REPLY_SHARE = 0.22
NEWSLETTER_SHARE = 0.18  # of the people we know, each month

# --- deals ----------------------------------------------------------------------------------------
STAGES = ("prospecting", "qualified", "proposal", "negotiation", "won", "lost")
DWELL_DAYS = {"prospecting": 10.0, "qualified": 16.0, "proposal": 14.0, "negotiation": 11.0}
DWELL_FACTOR = {"SMB": 0.6, "Mid-Market": 1.0, "Enterprise": 1.7}
ADVANCE = {
    "prospecting": 0.62,
    "qualified": 0.69,
    "proposal": 0.73,
    "negotiation": 0.83,
}  # else the deal is lost
SKIP_SHARE = 0.05
BACKWARD_SHARE = 0.04
REOPEN_SHARE = 0.04  # of lost deals, some weeks later
WON_IN_ERROR_SHARE = 0.015  # reopened after a day or two, won again soon after
MIDNIGHT_SHARE = 0.03  # closed by a job at 23:59 or at 00:00
REASSIGNED_PER_YEAR = 0.10
NO_ACCOUNT_SHARE = 0.012
NO_OWNER_SHARE = 0.012
NO_CHARGE_SHARE = 0.006  # won for an amount of zero
LATE_CORRECTION_SHARE = 0.03  # of won deals: the amount is put right weeks after the close
DELETED_PER_MONTH = 1.0
LOSS_REASONS = {"price": 0.3, "no_decision": 0.3, "competitor": 0.2, "timing": 0.15, "missing_feature": 0.05}
EXPANSION_WIN_SHARE = 0.62
WEIGHTS = {
    "prospecting": 0.10,
    "qualified": 0.25,
    "proposal": 0.50,
    "negotiation": 0.75,
}  # what the CRM believes

# --- subscriptions --------------------------------------------------------------------------------
PLANS = {"Starter": 20, "Growth": 35, "Scale": 55}  # dollars per seat and month
PRICE_FACTOR = {"USD": 1.0, "EUR": 0.92, "GBP": 0.80}
SEATS = {"SMB": (4, 30), "Mid-Market": (30, 160), "Enterprise": (150, 700)}
FIRST_PLAN = {
    "SMB": {"Starter": 0.6, "Growth": 0.35, "Scale": 0.05},
    "Mid-Market": {"Starter": 0.15, "Growth": 0.6, "Scale": 0.25},
    "Enterprise": {"Growth": 0.35, "Scale": 0.65},
}
INSIGHTS_PER_SEAT = 9
YEARLY_SHARE = {"SMB": 0.25, "Mid-Market": 0.75, "Enterprise": 1.0}
YEARLY_REBATE = 0.9
TWO_YEAR_SHARE = {"SMB": 0.0, "Mid-Market": 0.1, "Enterprise": 0.3}
ESCALATOR = 0.04  # of the second year of a two-year term
TRIAL_SHARE = 0.3  # of the small monthly customers
UNCONVERTED_TRIALS_PER_YEAR = 0.03  # per small company that is no customer
METERED_SHARE = 0.15
ONE_OFF_SHARE = 0.4
DISCOUNT_SHARE = 0.2
FREE_MONTHS_SHARE = 0.03

VOLUNTARY_CHURN_PER_YEAR = {"SMB": 0.20, "Mid-Market": 0.12, "Enterprise": 0.06}  # month to month only
BREAK_OFF_PER_YEAR = 0.015  # inside a fixed term
PAYMENT_FAILURES_PER_YEAR = {"SMB": 0.16, "Mid-Market": 0.06, "Enterprise": 0.02}
RECOVERED_SHARE = 0.6
PAID_AFTER_ALL_SHARE = 0.25
PAUSES_PER_YEAR = {"SMB": 0.20, "Mid-Market": 0.10, "Enterprise": 0.0}
OPEN_PAUSE_SHARE = 0.3
RETURN_FROM_PAUSE_SHARE = 0.85
SEATS_UP_PER_YEAR = 0.50  # month to month; a fixed term grows by an expansion deal
SEATS_DOWN_PER_YEAR = 0.20
TIER_UP_PER_YEAR = 0.14
CROSS_SELL_PER_YEAR = 0.12
REBALANCE_PER_YEAR = 0.5  # customers with two subscriptions move seats between them, on one day
EXPANSION_DEALS_PER_YEAR = {"SMB": 0.3, "Mid-Market": 0.55, "Enterprise": 0.8}
COMEBACKS_PER_YEAR = 0.25  # per customer that left
REASON_MISSING_SHARE = 0.15  # a cancellation that left no row behind

RENEWAL_NOTICE_DAYS = 120
RENEWAL_OUTCOME = {
    "SMB": {"early": 0.14, "on_time": 0.40, "late": 0.16, "too_late": 0.03, "lapsed": 0.19, "silent": 0.08},
    "Mid-Market": {
        "early": 0.20,
        "on_time": 0.46,
        "late": 0.16,
        "too_late": 0.02,
        "lapsed": 0.11,
        "silent": 0.05,
    },
    "Enterprise": {
        "early": 0.28,
        "on_time": 0.48,
        "late": 0.15,
        "too_late": 0.01,
        "lapsed": 0.06,
        "silent": 0.02,
    },
}
GRACE_DAYS = 90
UPLIFT_SHARE = 0.5
RESIZED_AT_RENEWAL_SHARE = 0.25
SPLIT_RENEWAL_SHARE = 0.05

# --- service, people, money -----------------------------------------------------------------------
TICKETS_PER_YEAR = {"SMB": 3.0, "Mid-Market": 7.0, "Enterprise": 14.0}
CSAT_SHARE = 0.35
NPS_SHARE = 0.22
LEAVERS_PER_YEAR = 0.10
SALARY_PER_MONTH = {"marketing": 6500, "sales": 8000, "customer_success": 6000, "revenue_operations": 7000}
COMMISSION = 0.05

TEAMS = {  # team: (department, region, people at scale 1)
    "Americas Enterprise": ("sales", "Americas", 4),
    "Americas Velocity": ("sales", "Americas", 5),
    "EMEA Enterprise": ("sales", "EMEA", 3),
    "EMEA Velocity": ("sales", "EMEA", 4),
    "APAC": ("sales", "APAC", 3),
    "Business Development": ("sales", "Americas", 4),
    "Customer Success West": ("customer_success", "Americas", 4),
    "Customer Success East": ("customer_success", "EMEA", 3),
    "Support": ("customer_success", "EMEA", 4),
    "Demand Generation": ("marketing", "Americas", 3),
    "Content & Events": ("marketing", "EMEA", 2),
    "Revenue Operations": ("revenue_operations", "Americas", 2),
}
FORECAST_TEAMS = tuple(TEAMS)[:5] + tuple(TEAMS)[6:8]


@dataclass(frozen=True)
class Tool:
    """What a department pays for; `uses` is the mean number of uses per person and week."""

    name: str
    departments: tuple[str, ...]
    monthly_cost: int
    uses: float


TOOLS = (
    Tool("Northstar CRM", ("sales", "customer_success", "revenue_operations"), 4200, 14.0),
    Tool("Beacon Marketing Hub", ("marketing", "revenue_operations"), 2600, 11.0),
    Tool("Harbor Desk", ("customer_success",), 1400, 12.0),
    Tool("Cadence", ("sales",), 1800, 6.0),
    Tool("SequencePro", ("sales",), 1900, 4.0),  # does what Cadence does; the planted tool nobody opens
    Tool("Slidewright", ("marketing", "sales"), 600, 2.0),
    Tool("Pulse Survey", ("customer_success",), 450, 1.5),
)
UNUSED_TOOL = "SequencePro"


@dataclass(frozen=True)
class Plants:
    """Troubles hidden on purpose, each with the day it begins; None switches one off."""

    bottleneck: date | None = date(2026, 4, 1)  # Enterprise deals get stuck in `proposal`
    unused_tool: date | None = EPOCH
    stalled_handoff: date | None = date(2026, 1, 1)  # EMEA answers marketing's leads days late
    struggling_team: date | None = date(2026, 1, 1)  # EMEA Velocity

    @staticmethod
    def none() -> "Plants":
        """A company without planted troubles."""
        return Plants(None, None, None, None)


BOTTLENECK_SEGMENT, BOTTLENECK_STAGE, BOTTLENECK_FACTOR = "Enterprise", "proposal", 3.0
STALLED_REGION, STALLED_RESPONSE_DAYS = "EMEA", 5.0
STRUGGLING_TEAM, STRUGGLING_FACTOR = "EMEA Velocity", 0.72  # on every chance to advance


def planted(start: date | None, today: date) -> bool:
    """Whether a planted trouble is at work today."""
    return start is not None and today >= start


def per_day(rate_per_year: float) -> float:
    """The chance of an event on one day."""
    return rate_per_year / 365


def of(table: Mapping[str, float], key: str) -> float:
    """A rate by key, 0 where the rule has none."""
    return table.get(key, 0.0)
