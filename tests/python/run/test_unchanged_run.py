"""A run that finds nothing new builds nothing: the published version stands."""

from datetime import date
from pathlib import Path

import pytest
from pretend import PretendedModels, quiet_reporter, take_steps, write_company

from orchestration import runlog
from orchestration.publish.versions import rollback, versions
from orchestration.run import Run, RunOptions, is_unchanged, open_run
from orchestration.settings import load_settings

pytestmark = pytest.mark.slow

DAY = date(2026, 3, 31)


def _run(root: Path, **options: object) -> Run:
    settings = load_settings(root / "revops.yml")
    wanted = {"as_of": DAY, **options}
    with open_run(settings, root / "home", RunOptions(**wanted), quiet_reporter()) as run:  # type: ignore[arg-type]
        if not is_unchanged(run):
            take_steps(run)
    return run


@pytest.fixture
def company(tmp_path: Path, models: PretendedModels) -> Path:
    write_company(tmp_path)
    assert _run(tmp_path).version is not None
    return tmp_path


def test_the_same_run_again_builds_nothing_and_leaves_the_version(
    company: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration import transform

    def never(*arguments: object, **options: object) -> None:
        raise AssertionError("a model ran")

    monkeypatch.setattr(transform, "build", never)
    again = _run(company)

    assert again.unchanged and again.version is None
    assert len(versions(company / "home")) == 1
    assert [record.status for record in runlog.read(company / "home")] == ["published", "unchanged"]
    assert list((company / "home" / "work").iterdir()) == []


def test_whatever_a_version_comes_from_makes_a_new_one(company: Path) -> None:
    accounts = company / "acme" / "accounts.csv"
    accounts.write_text("id,name\n1,acme customer\n2,another\n", encoding="utf-8")
    assert _run(company).version is not None, "a new record"

    accounts.write_text("id,name\n1,acme customer\n2,another\n2,twice\n", encoding="utf-8")
    assert _run(company).version is not None, "a record given twice"

    (company / "rules").mkdir()
    (company / "rules" / "targets.csv").write_text(
        "kpi,variant,dimension,dimension_value,grain,period_start,target,owner\n", encoding="utf-8"
    )
    config = company / "revops.yml"
    config.write_text(config.read_text() + "rules: rules\n", encoding="utf-8")
    assert _run(company).version is not None, "a rule"

    config.write_text(config.read_text().replace("false", "true"), encoding="utf-8")
    assert _run(company).version is not None, "a setting"

    assert _run(company, as_of=date(2026, 4, 1)).version is not None, "another day"
    assert _run(company, as_of=date(2026, 4, 1), full_refresh=True).version is not None, "asked for"
    assert _run(company, as_of=date(2026, 4, 1)).unchanged


def test_after_a_rollback_the_newer_state_is_published_again(company: Path) -> None:
    (company / "acme" / "accounts.csv").write_text("id,name\n1,renamed\n", encoding="utf-8")
    newer = _run(company).version
    assert newer is not None
    rollback(company / "home")

    assert _run(company).version is not None
    assert _run(company).unchanged


def test_a_source_that_fails_is_not_taken_for_unchanged(company: Path) -> None:
    (company / "acme" / "accounts.csv").unlink()

    with pytest.raises(Exception, match="acme"):
        _run(company)
    assert runlog.read(company / "home")[-1].status == "source_failed"
