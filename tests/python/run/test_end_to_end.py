"""The pretend company from its silos' files to published KPIs, by the command a user runs."""

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from orchestration.contract import PROJECT_ROOT
from orchestration.explain import explain
from orchestration.kpi import GRAINS, KpiQuery
from orchestration.publish.versions import current_version
from orchestration.scorecard import KPIS, scorecard
from orchestration.warehouse import identifier, open_published, tables
from sandbox.delivery import deliver
from sandbox.world import World

pytestmark = pytest.mark.slow

AS_OF = date(2025, 6, 30)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the default configuration, a small company's files, and one published run in `home`."""
    root = tmp_path_factory.mktemp("company")
    text = (PROJECT_ROOT / "revops.yml").read_text(encoding="utf-8")
    (root / "revops.yml").write_text(text, encoding="utf-8")
    deliver(World(AS_OF, seed=7, scale=0.1), root / "data" / "sandbox")
    outcome = _run(root)
    assert outcome.returncode == 0, outcome.stderr
    (root / "output.txt").write_text(outcome.stdout)
    return root


def _run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "orchestration.cli", "run", "--config", str(root / "revops.yml")]
    return subprocess.run(
        [*command, "--home", str(root / "home"), "--as-of", AS_OF.isoformat(), *arguments],
        capture_output=True,
        text=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("REVOPS_")},
    )


def test_the_ten_kpis_of_the_mission_are_on_the_scorecard(company: Path) -> None:
    with open_published(company / "home") as con:
        month, scores = scorecard(con)

    assert month == date(2025, 6, 1)
    assert [score.kpi for score in scores] == list(KPIS)
    output = (company / "output.txt").read_text()
    assert "June 2025" in output
    assert [score.title for score in scores if score.title not in output] == []
    assert str(company / "home" / "published" / "revops.duckdb") in output


def test_the_records_of_every_explanation_add_up_to_the_published_number(company: Path) -> None:
    """The record queries are a second way to every numerator and denominator of every grain and slice."""
    wrong = []
    compared = 0
    with open_published(company / "home") as con:
        slices = con.execute(
            "select distinct kpi, variant, grain, dimension from metrics.kpi_values order by all"
        ).fetchall()
        for kpi, variant, grain, dimension in slices:
            for value, sets in explain(con, KpiQuery(kpi, variant, grain, dimension), {}).values:
                for records in sets:
                    compared += records.difference is not None and bool(records.rows)
                    if records.difference:
                        place = (kpi, variant, grain, value["dimension_value"], records.role)
                        wrong.append((*place, records.difference))

    assert wrong == []
    assert compared > 1000


def test_every_kpi_has_records_behind_it(company: Path) -> None:
    with open_published(company / "home") as con:
        kpis = [kpi for (kpi,) in con.execute("select distinct kpi from metrics.kpi_catalog").fetchall()]
        listed = {kpi: _lists_records(con, kpi) for kpi in kpis if kpi in KPIS}

    assert listed == dict.fromkeys(KPIS, True)


def _lists_records(con, kpi: str) -> bool:
    explanations = [explain(con, KpiQuery(kpi, grain=grain), {}) for grain in GRAINS]
    return any(records.rows for each in explanations for _, sets in each.values for records in sets)


def test_no_published_table_holds_an_address_of_a_person(company: Path) -> None:
    address = re.compile(r"[\w.+-]+@[\w-]+\.\w")
    found = []
    with open_published(company / "home") as con:
        for schema in ("revenue", "metrics", "identity", "operations"):
            for table, columns in tables(con, "revops", schema).items():
                for column in columns:
                    text = f"cast({identifier(column)} as varchar)"
                    rows = con.execute(
                        f"select distinct {text} from {schema}.{identifier(table)} where {text} like"
                        " '%_@_%._%'"
                    ).fetchall()
                    # The ids of employees in the tracker are their addresses; employees are not masked.
                    if table != "users" and any(address.search(row[0].replace("***@", "")) for row in rows):
                        found.append((schema, table, column))

    assert found == []


def test_the_same_files_and_day_give_the_same_content_in_a_second_run(company: Path) -> None:
    first = current_version(company / "home")
    # Without being asked to, a run over what has not changed publishes nothing new.
    outcome = _run(company, "--full-refresh")
    second = current_version(company / "home")

    assert outcome.returncode == 0, outcome.stderr
    assert first is not None and second is not None and first.name != second.name
    different = [
        name
        for name, about in first.manifest["tables"].items()
        if second.manifest["tables"][name]["content_hash"] != about["content_hash"]
    ]
    assert different == []
