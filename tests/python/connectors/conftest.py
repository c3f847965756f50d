"""Vendors for the tests of connectors."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from vendor import Vendor

from orchestration.sources.salesforce import extract, tables

FEW_OBJECTS = (
    "Account",
    "Opportunity",
    "OpportunityHistory",
    "OpportunityFieldHistory",
    "OpportunityContactRole",
    "Task",
)


@pytest.fixture
def salesforce(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Vendor]:
    """An org with few objects: what a test asks of one table holds for all, and costs less."""
    few = [table for table in tables.TABLES if table.path in FEW_OBJECTS]
    monkeypatch.setattr(extract, "TABLES", few)
    vendor = Vendor("salesforce", tmp_path, monkeypatch, quick=request.module.__name__ != "test_salesforce")
    for name in FEW_OBJECTS:
        vendor.api.store.table(name)
    yield vendor
    vendor.close()


def _vendor(kind: str, *, quick: bool) -> Any:
    """The fixture of a vendor, under the name of its kind."""

    @pytest.fixture(name=kind)
    def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
        vendor = Vendor(kind, tmp_path, monkeypatch, quick=quick)
        yield vendor
        vendor.close()

    return vendor


stripe = _vendor("stripe", quick=False)
hubspot = _vendor("hubspot", quick=False)
zendesk = _vendor("zendesk", quick=False)
google_ads = _vendor("google_ads", quick=True)
meta_ads = _vendor("meta_ads", quick=True)
linkedin_ads = _vendor("linkedin_ads", quick=True)
chargebee = _vendor("chargebee", quick=True)
mailshake = _vendor("mailshake", quick=True)
jira = _vendor("jira", quick=True)
intercom = _vendor("intercom", quick=True)
asana = _vendor("asana", quick=True)
