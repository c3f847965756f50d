"""Cases of a few rows each, in one company so that they share a build; the segment keeps them apart."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import md5
from typing import Any, TypeVar

from kpi_warehouse import Entities, Kpi, Row, Warehouse

Test = TypeVar("Test", bound=Callable[..., None])

AS_OF = date(2026, 6, 30)
EARLIER = date(2026, 3, 31)

# GBP has spot rates only. EUR has plan rates for the fiscal years 2025 and 2026, and spot rates that differ
# from them.
EXCHANGE_RATES = """
from_currency,to_currency,valid_from,rate,kind
GBP,USD,2024-01-01,1.2,spot
GBP,USD,2026-03-01,1.3,spot
GBP,USD,2026-06-30,1.5,spot
GBP,USD,2026-07-01,9,spot
EUR,USD,2024-01-01,1.0,spot
EUR,USD,2026-02-15,1.4,spot
EUR,USD,2025-01-01,1.1,plan
EUR,USD,2026-01-01,1.2,plan
EUR,GBP,2024-01-01,0.5,spot
"""


@dataclass(frozen=True)
class Group:
    """Cases that share a configuration, and with it a build."""

    reporting: Mapping[str, object] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=lambda: {"exchange_rates": EXCHANGE_RATES})


SHARED = Group()
# Midnight in New York is 05:00 UTC in winter, 04:00 from 8 March to 1 November 2026; the fiscal year begins
# in April.
NEW_YORK = Group(
    reporting={"timezone": "America/New_York", "fiscal_year_start_month": 4, "currency": "GBP"},
    rules={
        "exchange_rates": (
            "from_currency,to_currency,valid_from,rate,kind\n"
            "USD,GBP,2024-01-01,0.5,spot\n"
            "USD,GBP,2026-06-01,0.75,spot\n"
            "USD,GBP,2026-04-01,0.8,plan\n"
        ),
        "metric_policy": "policy,setting,value\ncustomer_lifetime_value,gross_margin,0.5\n",
    },
)


def rows(group: Group = SHARED, **entities: Iterable[Row]) -> Callable[[Test], Test]:
    """Give a test the rows it needs. Its accounts are in a segment of the test's own name.

    Ids are the case's own: they are prefixed with the name of the test wherever they stand. Without
    `accounts` there is one; rows that name no account are that one's.
    """

    def remember(test: Test) -> Test:
        test.case = (group, {entity: list(given) for entity, given in entities.items()})  # type: ignore[attr-defined]
        return test

    return remember


@dataclass(frozen=True)
class Case:
    """What a test asks: KPIs of its own segment, movements and deals of its own accounts."""

    name: str
    warehouse: Warehouse
    later_builds: Callable[[date], Warehouse]

    def kpi(
        self,
        name: str,
        variant: str = "default",
        grain: str = "all_time",
        start: str | None = None,
        dimension: str = "segment",
        dimension_value: str | None = None,
    ) -> Kpi:
        """The one row of a KPI of this case's segment, or of the slice asked for."""
        return self.warehouse.kpi(name, variant, grain, start, dimension, dimension_value or self.name)

    def movements(self) -> list[tuple[str, str, str | None, float]]:
        """Day, movement, reason and amount of every movement of the case's accounts, in order."""
        found = self.warehouse.rows(
            "select strftime(occurred_on, '%Y-%m-%d'), movement, reason, cast(amount as double)"
            " from metrics.arr_movements join revenue.accounts using (account_id)"
            " where accounts.segment = ? order by occurred_on, movement, amount",
            self.name,
        )
        return [(day, movement, reason, amount) for day, movement, reason, amount in found]

    def deals(self, columns: str) -> list[tuple[Any, ...]]:
        """Columns of every deal of the case in revenue.opportunities, by source id."""
        return self.warehouse.rows(
            f"select {columns} from revenue.opportunities where starts_with(source_id, ?) order by source_id",
            f"{self.name}.",
        )

    def as_of(self, day: date) -> "Case":
        """The same case as it stood at the end of another day."""
        return Case(self.name, self.later_builds(day), self.later_builds)


def deal(stage: str, closed: str | None = None, opened: str | None = None, **more: object) -> Row:
    """A deal in a stage of STAGE_MAPPING."""
    return {"stage": stage, "closed_at": closed, "opened_at": opened, **more}


def won(closed: str, opened: str | None = None, **more: object) -> Row:
    """A won deal."""
    return deal("Victory", closed, opened, **more)


def lost(closed: str, opened: str | None = None, **more: object) -> Row:
    """A lost deal."""
    return deal("Defeat", closed, opened, **more)


def change(opportunity: str, at: str, field_name: str, old: object, new: object) -> Row:
    """A line of the field history of a deal."""
    return {
        "opportunity_source_id": opportunity,
        "changed_at": at,
        "field": field_name,
        "old_value": old,
        "new_value": new,
    }


def worth(amount: float | str, starts: str, ends: str | None = None, **more: object) -> Row:
    """A subscription worth so much a year, from a day on, up to the day before `ends`."""
    return {"amount": amount, "starts_on": starts, "ends_on": ends, **more}


def company_of(tests: Mapping[str, Entities]) -> Entities:
    """All cases in one company."""
    together: dict[str, list[Row]] = defaultdict(list)
    for name, entities in tests.items():
        given = {"accounts": [{}]} | {entity: list(entity_rows) for entity, entity_rows in entities.items()}
        for entity, entity_rows in given.items():
            if entity.rpartition(".")[2] == "accounts":
                # the first account of one source is the first of another
                for number, account in enumerate(entity_rows):
                    words = md5(f"{name}{number}".encode()).hexdigest()
                    unlike = {"source_id": "account", "segment": name, "name": words}
                    own = unlike | {"website_domain": f"{words}.example"} | dict(account)
                    together[entity].append(_own(name, own))
                continue
            for number, row in enumerate(entity_rows):
                defaults: dict[str, object] = {"source_id": f"{entity}-{number}"}
                if entity in ("opportunities", "subscription_periods", "contracts"):
                    defaults["account_source_id"] = "account"
                if entity == "subscription_periods":
                    defaults |= {"subscription_id": "subscription", "interval": "year"}
                together[entity].append(_own(name, defaults | dict(row)))
    return together


def _own(name: str, row: Row) -> Row:
    """The row with its ids, and those it refers to, made the case's own."""
    ids = {"old_value", "new_value"} if row.get("field") == "owner_source_id" else set()
    return {
        column: f"{name}.{value}" if value is not None and (_is_id(column) or column in ids) else value
        for column, value in row.items()
    }


def _is_id(column: str) -> bool:
    return column in ("source_id", "subscription_id") or column.endswith("_source_id")
