import pytest
from pretend import PretendedModels


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> PretendedModels:
    """Pretended models in place of dbt, of identity resolution and of the page, which shows real ones."""
    from orchestration import dashboard, identity, transform

    pretended = PretendedModels()
    monkeypatch.setattr(transform, "build", pretended.build)
    monkeypatch.setattr(identity, "resolve", lambda *arguments, **options: None)
    monkeypatch.setattr(dashboard, "build", lambda con, folder: None)
    return pretended
