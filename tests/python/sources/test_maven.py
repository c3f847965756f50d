"""The public Maven CRM data set: 8,800 opportunities, mapped by configuration alone."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

DATA = Path(__file__).parents[4] / "shared" / "data" / "maven_crm"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the shared data is not here")


@pytest.fixture
def maven(company):
    company.configure(
        {
            "name": "maven",
            "kind": "files",
            "path": str(DATA),
            "entities": {
                "opportunities": {
                    "file": "sales_pipeline.csv",
                    "columns": {
                        "source_id": "opportunity_id",
                        "stage": "deal_stage",
                        "owner_source_id": "sales_agent",
                        "account_source_id": "account",
                        "opened_at": "engage_date",
                        "closed_at": "close_date",
                        "amount": "close_value",
                    },
                    "formats": {"opened_at": "%m/%d/%Y", "closed_at": "%m/%d/%Y"},
                    "allowed": {"product": {"file": "products.csv", "column": "product"}},
                },
                "accounts": {
                    "file": "accounts.csv",
                    "columns": {
                        "source_id": "account",
                        "name": "account",
                        "industry": "sector",
                        "annual_revenue": "revenue",
                        "employee_count": "employees",
                        "parent_source_id": "subsidiary_of",
                    },
                },
                "users": {
                    "file": "sales_teams.csv",
                    "columns": {
                        "source_id": "sales_agent",
                        "name": "sales_agent",
                        "team": "manager",
                        "region": "regional_office",
                    },
                    "constants": {"department": "sales"},
                },
            },
        },
        reporting={"timezone": "America/New_York"},
    )
    return company


def test_the_public_figures_come_out(maven):
    results = {each.entity: each for each in maven.extract("maven").entities}
    assert {name: result.rows_appended for name, result in results.items()} == {
        "opportunities": 8800,
        "accounts": 85,
        "users": 35,
    }
    assert not any(result.rows_rejected or result.rows_duplicate for result in results.values())
    deals = list(maven.current("opportunities", "maven").values())
    assert Counter(deal["stage"] for deal in deals) == {
        "Won": 4238,
        "Lost": 2473,
        "Engaging": 1589,
        "Prospecting": 500,
    }
    assert sum(deal["amount"] for deal in deals if deal["stage"] == "Won") == Decimal(10_005_534)
    assert '"amount": "10005534.0000"' in maven.last_read("opportunities", "maven")["money_at_source"]
    assert sum(deal["account_source_id"] is None for deal in deals) == 1425
    opened = [deal["opened_at"] for deal in deals if deal["opened_at"]]
    closed = [deal["closed_at"] for deal in deals if deal["closed_at"]]
    # Days of a reader in New York begin at 04:00 or 05:00 UTC.
    assert (min(opened).isoformat(), max(opened).isoformat()) == (
        "2016-10-20T04:00:00",
        "2017-12-27T05:00:00",
    )
    assert (min(closed).isoformat(), max(closed).isoformat()) == (
        "2017-03-01T05:00:00",
        "2017-12-31T05:00:00",
    )


def test_the_misspelt_product_is_named_once_with_its_count(maven):
    maven.extract("maven")
    assert maven.problems("maven") == [
        (
            "opportunities",
            "sales_pipeline.csv",
            3,
            "product",
            "GTXPro",
            "not listed in products.csv, column product (1,480 rows); the nearest listed value is 'GTX Pro'",
            "warning",
        ),
    ]
