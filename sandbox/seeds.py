"""The rules the pretend business edits, as seed files: how its words map, what it aims at, who is in which
team.

They depend on the rules of the world only, not on a seed, a scale or a day.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from sandbox import currency, rules
from sandbox.formats import Table, write_csv
from sandbox.silos import crm, marketing

_ORDER = {stage: number for number, stage in enumerate(rules.STAGES, start=1)}
FUNNEL = ("subscriber", "lead", "mql", "sql", "opportunity", "customer")
# The public CRM sales data set of Maven Analytics, which people try first on a warehouse of deals.
_PUBLIC_EXAMPLE = "maven"
_PUBLIC_EXAMPLE_WORDS = {"prospecting": "Prospecting", "qualified": "Engaging", "won": "Won", "lost": "Lost"}
_PAID = ("paid_search", "paid_social", "display", "event", "webinar")


def write_seeds(folder: Path) -> None:
    """Write the seven files."""
    for name, content in {
        "stage_mapping": _stage_mapping(),
        "funnel_mapping": _funnel_mapping(),
        "channel_mapping": _channel_mapping(),
        "targets": targets(),
        "exchange_rates": _exchange_rates(),
        "playbook": _playbook(),
        "team_roster": _team_roster(),
    }.items():
        write_csv(folder / f"{name}.csv", content, line_end="\n")


def _table(columns: str, rows: Iterable[tuple[object, ...]]) -> Table:
    return Table(tuple(columns.split(",")), list(rows))


def _stage_mapping() -> Table:
    def rule(kind: str, stage: str, word: str) -> tuple[object, ...]:
        return ("crm", kind, word, stage, _ORDER[stage], stage in ("won", "lost"), stage == "won")

    rows = [rule("", stage, word) for stage, word in crm.STAGE_WORDS.items()]
    rows += [rule("renewal", s, word) for s, word in crm.RENEWAL_WORDS.items() if s != "prospecting"]
    rows += [
        (_PUBLIC_EXAMPLE, "", word, stage, _ORDER[stage], stage in ("won", "lost"), stage == "won")
        for stage, word in _PUBLIC_EXAMPLE_WORDS.items()
    ]
    return _table("source_system,kind,stage,shared_stage,stage_order,is_closed,is_won", rows)


def _funnel_mapping() -> Table:
    words = [("marketing", s, w) for s, w in marketing.FUNNEL_WORDS.items()]
    words += [("crm", s, w) for s, w in crm.FUNNEL_WORDS.items()]
    rows = [(system, word, stage, FUNNEL.index(stage) + 1) for system, stage, word in words]
    return _table("source_system,stage,shared_stage,stage_order", rows)


def _channel_mapping() -> Table:
    rows = [("marketing", w, c, c in _PAID) for c, w in marketing.CHANNEL_WORDS.items()]
    rows += [("crm", w, c, c in _PAID) for c, w in crm.SOURCE_WORDS.items()]
    return _table("source_system,channel,shared_channel,is_paid", rows)


def _exchange_rates() -> Table:
    rows = [(r.from_currency, r.to_currency, r.valid_from, r.rate, r.kind) for r in currency.rates()]
    return _table("from_currency,to_currency,valid_from,rate,kind", rows)


_QUOTA = {
    "Americas Enterprise": 700000,
    "Americas Velocity": 350000,
    "EMEA Enterprise": 400000,
    "EMEA Velocity": 250000,
    "APAC": 250000,
    "Customer Success West": 900000,
    "Customer Success East": 500000,
}
_GOALS = (  # kpi, dimension, value, grain, target, owner
    ("win_rate", "all", "all", "quarter", "0.25", "sales"),
    ("win_rate", "segment", "SMB", "quarter", "0.27", "sales"),
    ("sales_cycle_length", "all", "all", "quarter", "55", "sales"),
    ("sales_cycle_length", "all", "all", "quarter", "40", "marketing"),  # two owners, two targets
    ("customer_churn", "all", "all", "quarter", "0.04", "customer_success"),
    ("renewals", "all", "all", "quarter", "0.90", "customer_success"),
    ("upsells", "all", "all", "quarter", "0.04", "customer_success"),
    ("forecast_accuracy", "all", "all", "quarter", "0.75", "revenue_operations"),
    ("customer_acquisition_cost", "all", "all", "quarter", "30000", "marketing"),
    ("lead_response_time", "all", "all", "month", "0.5", "sales"),
)


def targets() -> Table:
    """What the business aims at, by quarter and month."""
    quarters = [date(year, month, 1) for year in range(2024, 2029) for month in (1, 4, 7, 10)]
    rows: list[tuple[object, ...]] = []
    for start in quarters:
        growth = 1 + 0.2 * (start.year - 2024)
        for team, quota in _QUOTA.items():
            owner = rules.TEAMS[team][0]
            rows.append(
                ("quota_attainment", "default", "team", team, "quarter", start, round(quota * growth), owner)
            )
        total = round(sum(_QUOTA.values()) * growth)
        rows.append(("quota_attainment", "default", "all", "all", "quarter", start, total, "sales"))
    for kpi, dimension, value, grain, target, owner in _GOALS:
        starts = (
            quarters
            if grain == "quarter"
            else [date(q.year, q.month + n, 1) for q in quarters for n in range(3)]
        )
        rows += [(kpi, "default", dimension, value, grain, start, target, owner) for start in starts]
    return _table("kpi,variant,dimension,dimension_value,grain,period_start,target,owner", rows)


def _playbook() -> Table:
    """Documented moves between states of a case, each with the days it may take and the department that
    makes it.
    """
    moves = {
        "inbound": (
            ("lead", "mql", 14, "marketing"),
            ("mql", "first_response", 1, "sales"),
            ("first_response", "sql", 10, "sales"),
            ("sql", "opportunity", 5, "sales"),
            ("opportunity", "qualified", 20, "sales"),
            ("qualified", "proposal", 30, "sales"),
            ("proposal", "negotiation", 30, "sales"),
            ("negotiation", "won", 30, "sales"),
            ("opportunity", "lost", "", "sales"),
            ("qualified", "lost", "", "sales"),
            ("proposal", "lost", "", "sales"),
            ("negotiation", "lost", "", "sales"),
            ("won", "onboarding", 14, "customer_success"),
        ),
        "outbound": (
            ("lead", "first_touch", 1, "sales"),
            ("first_touch", "sql", 30, "sales"),
            ("sql", "opportunity", 5, "sales"),
            ("opportunity", "qualified", 20, "sales"),
            ("qualified", "proposal", 30, "sales"),
            ("proposal", "negotiation", 30, "sales"),
            ("negotiation", "won", 30, "sales"),
            ("opportunity", "lost", "", "sales"),
            ("qualified", "lost", "", "sales"),
            ("proposal", "lost", "", "sales"),
            ("negotiation", "lost", "", "sales"),
            ("won", "onboarding", 14, "customer_success"),
        ),
    }
    rows = [(name, *move) for name, steps in moves.items() for move in steps]
    return _table("playbook,from_state,to_state,max_days,department", rows)


def _team_roster() -> Table:
    rows = [(team, department, region) for team, (department, region, _) in rules.TEAMS.items()]
    return _table("team,department,region", rows)
