"""Numbers that break with their own history: named, held back with `strict`, published with a reason."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from pretend import PretendedModels, run_steps, write_company

from orchestration.errors import AuditFailed
from orchestration.publish import unusual
from orchestration.publish.versions import current_version
from orchestration.warehouse import open_build

AS_OF = date(2026, 3, 31)


def _found(tmp_path: Path, values: list[float]) -> list[str]:
    """What is said of a win rate with these values, a month each, the last one March 2026."""
    path = tmp_path / "revops.duckdb"
    path.unlink(missing_ok=True)
    with open_build(path) as con:
        con.execute("create schema metrics")
        con.execute(
            "create table metrics.kpi_values (kpi varchar, variant varchar, grain varchar, dimension varchar,"
            " period_start date, period_end date, value double, as_of date)"
        )
        month = date(2026, 3, 1)
        for value in reversed(values):
            end = (month + timedelta(days=31)).replace(day=1)
            con.execute(
                "insert into metrics.kpi_values values ('win_rate', 'default', 'month', 'all', ?, ?, ?, ?)",
                [month, end, value, AS_OF],
            )
            month = (month - timedelta(days=1)).replace(day=1)
        return unusual.find(con, {}, None)


YEAR = [0.30, 0.31, 0.29, 0.30, 0.32, 0.30, 0.28, 0.30, 0.31, 0.29, 0.30, 0.30]


@pytest.mark.parametrize(
    ("values", "is_unusual"),
    [
        ([*YEAR, 0.05], True),
        ([*YEAR, 0.60], True),
        ([*YEAR, 0.34], False),  # beyond six deviations of nothing, yet a small change
        ([0.1, 0.6, 0.2, 0.5, 0.1, 0.6, 0.2, 0.5, 0.1, 0.6, 0.2, 0.5, 0.05], False),  # it always jumps
        ([0.06, *YEAR[1:], 0.05], False),  # the same month a year ago was like it
        ([0.3, 0.3, 0.3, 0.01], False),  # too short a history to know
    ],
)
def test_a_month_is_unusual_by_spread_by_size_and_by_season(
    tmp_path: Path, values: list[float], is_unusual: bool
) -> None:
    found = _found(tmp_path, values)

    assert bool(found) == is_unusual
    if found:
        assert found == [f"win_rate of March 2026 is {values[-1]:,.4g} after a year around 0.3."]


def test_a_table_that_lost_half_its_rows_is_named(tmp_path: Path) -> None:
    before = {"tables": {"revenue.touches": {"rows": 1000}, "revenue.users": {"rows": 20}}}
    with open_build(tmp_path / "revops.duckdb") as con:
        assert unusual.find(con, {"revenue.touches": 600, "revenue.users": 1}, before) == []
        assert unusual.find(con, {"revenue.touches": 400, "revenue.users": 20}, before) == [
            "revenue.touches has 400 rows and had 1,000 in the version before."
        ]


def test_strict_holds_it_back_until_somebody_says_why(
    tmp_path: Path, models: PretendedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unusual, "find", lambda *arguments: ["win_rate is strange."])
    home = tmp_path / "home"
    easy = run_steps(write_company(tmp_path), home, as_of=AS_OF)
    strict = write_company(tmp_path, strict=True)

    with pytest.raises(AuditFailed, match=r"win_rate is strange\. Look whether"):
        run_steps(strict, home, as_of=AS_OF)
    accepted = run_steps(strict, home, as_of=AS_OF, accept="a fair in March")

    assert "win_rate is strange" in easy.log_file.read_text()
    assert accepted.version is not None
    current = current_version(home)
    assert current is not None
    assert current.manifest["unusual"] == {"found": ["win_rate is strange."], "accepted": "a fair in March"}
