"""Vendors for the tests of connectors."""

from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture
def stripe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("stripe", tmp_path, monkeypatch)
    yield vendor
    vendor.close()


@pytest.fixture
def hubspot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("hubspot", tmp_path, monkeypatch)
    yield vendor
    vendor.close()


@pytest.fixture
def zendesk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("zendesk", tmp_path, monkeypatch)
    yield vendor
    vendor.close()


@pytest.fixture
def google_ads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("google_ads", tmp_path, monkeypatch, quick=True)
    yield vendor
    vendor.close()


@pytest.fixture
def meta_ads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("meta_ads", tmp_path, monkeypatch, quick=True)
    yield vendor
    vendor.close()


@pytest.fixture
def linkedin_ads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("linkedin_ads", tmp_path, monkeypatch, quick=True)
    yield vendor
    vendor.close()


@pytest.fixture
def chargebee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("chargebee", tmp_path, monkeypatch, quick=True)
    yield vendor
    vendor.close()


@pytest.fixture
def mailshake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("mailshake", tmp_path, monkeypatch, quick=True)
    yield vendor
    vendor.close()


@pytest.fixture
def jira(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("jira", tmp_path, monkeypatch, quick=True)
    yield vendor
    vendor.close()


@pytest.fixture
def intercom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("intercom", tmp_path, monkeypatch, quick=True)
    yield vendor
    vendor.close()
