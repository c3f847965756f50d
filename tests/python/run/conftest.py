import pytest
from pretend import PretendedModels


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> PretendedModels:
    """Pretended models in place of dbt and of identity resolution."""
    from orchestration import identity, transform

    pretended = PretendedModels()
    monkeypatch.setattr(transform, "build", pretended.build)
    monkeypatch.setattr(identity, "resolve", lambda *arguments, **options: None)
    return pretended
