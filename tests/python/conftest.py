"""Paths every test may need."""

from pathlib import Path

import pytest
from pretend import PretendedModels

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the project."""
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The contracts and data beside a checkout; a test that needs them is skipped where they are not."""
    folder = PROJECT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the shared contracts are not here")
    return folder


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> PretendedModels:
    """Pretended models in place of dbt, of identity resolution and of the page, which shows real ones."""
    from orchestration import dashboard, identity, transform

    pretended = PretendedModels()
    monkeypatch.setattr(transform, "build", pretended.build)
    monkeypatch.setattr(identity, "resolve", lambda *arguments, **options: None)
    monkeypatch.setattr(dashboard, "build", lambda con, folder: None)
    return pretended
