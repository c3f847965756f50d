"""What each silo misses, repeats and contradicts, of a company of three silos worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from kpi_warehouse import build

ACME = {"name": "Acme", "website_domain": "acme.com"}
ANN = {"email": "ann@acme.com", "full_name": "Ann Lee"}
DEAL = {"stage": "Fresh", "currency_code": "USD", "opened_at": "2026-01-05"}
PLAN = {"subscription_id": "s", "starts_on": "2026-01-01", "amount": 10, "currency_code": "USD"}

# Acme is a customer: crm has it twice, once in another country, billing once, desk only a deleted record.
# Zenith has deals and nothing else. Ann works for Acme; billing has another title of hers.
COMPANY = {
    "crm.accounts": [
        {**ACME, "source_id": "1", "country_code": "DE", "updated_at": "2026-03-02"},
        {**ACME, "source_id": "2", "country_code": "FR", "updated_at": "2026-03-01"},
        {"source_id": "3", "name": "Zenith", "website_domain": "zenith.io"},
    ],
    "crm.people": [{**ANN, "source_id": "p1", "title": "CFO", "account_source_id": "1"}],
    "crm.opportunities": [
        {**DEAL, "source_id": "o1", "account_source_id": "1", "person_source_id": "p1", "amount": 100},
        {**DEAL, "source_id": "o2", "account_source_id": "3", "amount": 30},
        {
            **DEAL,
            "source_id": "o3",
            "account_source_id": "3",
            "amount": 500,
            "stage": "Defeat",
            "closed_at": "2026-02-05",
        },
    ],
    "billing.accounts": [{**ACME, "source_id": "4", "country_code": "DE"}],
    "billing.people": [{**ANN, "source_id": "p2", "title": "Buyer", "account_source_id": "4"}],
    "billing.subscription_periods": [
        {**PLAN, "source_id": "s1", "account_source_id": "4", "interval": "month"}
    ],
    "desk.accounts": [{**ACME, "source_id": "5", "is_deleted": "true"}],
    "desk.tickets": [{"source_id": "t1", "opened_at": "2026-02-01"}],
}


@pytest.mark.slow
def test_silos_are_told_what_they_miss_repeat_and_contradict(tmp_path: Path) -> None:
    warehouse = build(tmp_path, COMPANY, date(2026, 3, 31))
    found = {
        (silo, entity, finding): (entities, records, amount)
        for silo, entity, finding, entities, records, amount in warehouse.rows(
            "select source_system, entity, finding, entities, records, pipeline_amount"
            " from operations.silo_gaps"
        )
    }
    acme, both = (1, 1, Decimal(100)), (2, 2, Decimal(130))
    assert found == {
        ("crm", "accounts", "known"): (2, 3, Decimal(130)),
        ("crm", "accounts", "should_know"): both,
        ("crm", "accounts", "duplicated"): acme,
        ("crm", "accounts", "conflicting_country_code"): acme,
        ("crm", "people", "known"): acme,
        ("crm", "people", "should_know"): acme,
        ("billing", "accounts", "known"): acme,
        ("billing", "accounts", "should_know"): acme,
        ("billing", "people", "known"): acme,
        ("billing", "people", "should_know"): acme,
        ("billing", "people", "conflicting_title"): acme,
        ("desk", "accounts", "should_know"): acme,
        ("desk", "accounts", "missing"): acme,
    }
