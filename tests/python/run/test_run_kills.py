"""A run killed at any step, run again, gives what it would have given."""

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from pretend import PretendedModels, run_steps, write_company

from orchestration.publish.versions import versions

SCRIPT = """
import sys
from datetime import date
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from pretend import PretendedModels, run_steps, write_company
from orchestration import dashboard, identity, transform
transform.build = PretendedModels().build
identity.resolve = lambda *arguments, **options: None
dashboard.build = lambda con, folder: None
root = Path(sys.argv[1])
run_steps(write_company(root), root / "home", as_of=date(2026, 3, 31))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "point", ["after_extract", "before_dbt", "before_audit", "after_audit", "before_rename", "after_rename"]
)
def test_a_run_killed_at_any_step_is_made_good_by_the_next(
    tmp_path: Path, models: PretendedModels, point: str
) -> None:
    reference = run_steps(
        write_company(tmp_path / "whole"), tmp_path / "whole" / "home", as_of=date(2026, 3, 31)
    )

    killed = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "killed"), str(Path(__file__).parent)],
        env={"CRASH_AT": point, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -9, killed.stderr
    run = run_steps(write_company(tmp_path / "killed"), tmp_path / "killed" / "home", as_of=date(2026, 3, 31))

    assert reference.report is not None and run.report is not None
    assert run.report.hashes == reference.report.hashes
    assert len(versions(tmp_path / "killed" / "home")) == (2 if point == "after_rename" else 1)
    assert list((tmp_path / "killed" / "home" / "work").iterdir()) == []
