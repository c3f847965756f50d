"""Vendors for the tests of connectors."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from vendor import Vendor


@pytest.fixture
def salesforce(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("salesforce", tmp_path, monkeypatch)
    for name in ("User", "Account", "Contact", "Lead", "Opportunity", "OpportunityHistory"):
        vendor.api.store.table(name)
    for name in ("OpportunityContactRole", "Task", "Event"):
        vendor.api.store.table(name)
    yield vendor
    vendor.close()
