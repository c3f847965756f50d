"""Faults 1 to 7: a run killed anywhere, run again, publishes what an undisturbed run would have; readers see
the old version or the new one. `make kills` kills 500 times.
"""

import os
import random
import shutil
from datetime import date
from pathlib import Path

import pytest
from killing import dies_at, kill_after, seconds_of
from pretend import PretendedModels, run_steps

from orchestration.publish.versions import current_version, versions
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import open_landing, open_published

AS_OF = date(2026, 3, 31)
KILLS = int(os.environ.get("KILLS", "25"))
KILLS_IN_A_ROW = 5
POINTS = (
    "after_extract", "after_normalize", "marker", "after_load", "before_dbt", "mid_dbt", "before_audit",
    "after_audit", "before_rename", "after_rename", "after_symlink", "before_retention",
)  # fmt: skip


@pytest.fixture
def company(tmp_path: Path, models: PretendedModels) -> Settings:
    """A company with one published version, and changes at its source that are not read yet."""
    (tmp_path / "acme").mkdir()
    (tmp_path / "revops.yml").write_text("sources: [{name: acme, kind: files, path: acme}]\n")
    settings = load_settings(tmp_path / "revops.yml")
    _accounts(tmp_path, "before", 40)
    run_steps(settings, tmp_path / "home", as_of=AS_OF)
    _accounts(tmp_path, "after", 45)
    return settings


def _accounts(root: Path, name: str, number: int) -> None:
    rows = "".join(f"a{i},{name} {i}\n" for i in range(number))
    (root / "acme" / "accounts.csv").write_text(f"source_id,name\n{rows}")


def _run(settings: Settings, home: str = "home") -> None:
    run_steps(settings, settings.root / home, as_of=AS_OF)


def _said(settings: Settings, home: str) -> tuple[str, list[tuple]]:
    """Content hash of what is published, and every version of every record that counts."""
    folder = settings.root / home
    version = current_version(folder)
    assert version is not None
    with open_landing(folder, read_only=True) as con:
        log = con.execute(
            "select source_id, name, _is_deleted from raw_acme.accounts where _dlt_load_id in"
            " (select load_id from raw_acme._dlt_loads where status = 0) order by all"
        ).fetchall()
    return version.manifest["content_hash"], log


def _copies(settings: Settings, *names: str) -> None:
    for name in names:
        shutil.copytree(settings.root / "home", settings.root / name, symlinks=True)


def _readers_are_served(home: Path) -> None:
    with open_published(home) as con:
        assert con.execute("select count(*) from metrics.kpi_values").fetchall() == [(1,)]


def test_a_run_killed_at_any_point_is_made_good_by_the_next(company: Settings) -> None:
    _copies(company, "undisturbed", *POINTS)
    _run(company, "undisturbed")
    expected = _said(company, "undisturbed")

    for point in POINTS:
        assert dies_at(point, lambda: _run(company, point)), f"no run comes by {point}"  # noqa: B023
        _readers_are_served(company.root / point)
        _run(company, point)
        assert _said(company, point) == expected, point
        assert list((company.root / point / "work").iterdir()) == []
        assert not list((company.root / point).rglob("*.wal"))


def test_random_kills_several_in_a_row_leave_no_trace(company: Settings) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    _copies(company, "undisturbed", "timed")
    _run(company, "undisturbed")
    expected = _said(company, "undisturbed")
    whole = seconds_of(lambda: _run(company, "timed"))
    killed = homes = 0
    while killed < KILLS:
        homes += 1
        home = f"killed {homes}"
        _copies(company, home)
        for _ in range(min(KILLS_IN_A_ROW, KILLS - killed)):
            killed += kill_after(chance.uniform(0, whole), lambda: _run(company, home))  # noqa: B023
            _readers_are_served(company.root / home)
        _run(company, home)
        assert _said(company, home) == expected, f"seed {seed}, home {homes}"
        shutil.rmtree(company.root / home)


def test_what_is_deleted_by_hand_is_made_again(company: Settings) -> None:
    """Faults 6 and 7: the work folder and landing.duckdb."""
    _copies(company, "undisturbed")
    _run(company, "undisturbed")
    home = company.root / "home"
    shutil.rmtree(home / "work")
    (home / "landing.duckdb").unlink()

    _run(company)

    assert _said(company, "home")[0] == _said(company, "undisturbed")[0]
    assert len(versions(home)) == 2
