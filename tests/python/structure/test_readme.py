"""What README.md shows is what the project does."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

BLOCK = re.compile(
    r"(?:^`(?P<file>[\w/.]+)`\n\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@pytest.fixture(scope="module")
def readme(project: Path) -> str:
    return (project / "README.md").read_text(encoding="utf-8")


def _example(readme: str) -> tuple[dict[str, str], list[str]]:
    """The files of the example with one's own data, and its commands."""
    section = readme.split("## Your own data in ten minutes")[1].split("\n## ")[0]
    blocks = list(BLOCK.finditer(section))
    files = {block["file"]: block["text"] for block in blocks if block["file"]}
    commands = [line for block in blocks if block["language"] == "sh" for line in block["text"].splitlines()]
    return files, commands


def test_the_table_of_kpis_is_the_one_of_their_definitions(
    readme: str, manifest: Mapping[str, Any], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(project / "scripts")
    from readme_kpis import kpi_table, with_table

    assert readme == with_table(readme, kpi_table(manifest["nodes"])), "run scripts/readme_kpis.py"


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md"])
def test_every_link_of_a_document_leads_somewhere(name: str, project: Path) -> None:
    text = (project / name).read_text(encoding="utf-8")
    links = {target.split("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text)}
    assert [
        link for link in links if link and not link.startswith("http") and not (project / link).exists()
    ] == []


def test_every_command_of_the_readme_exists(readme: str) -> None:
    from typer.main import get_command

    from orchestration.cli import app

    command = get_command(app)
    for line in re.findall(r"\brevops ((?:[a-z]+)(?: [a-z]+)?)", readme):
        words = line.split()
        assert words[0] in command.commands or words[0] in ("warehouse", "run"), f"revops {line}"  # type: ignore[attr-defined]


def test_every_target_of_make_that_is_told_exists(project: Path) -> None:
    makefile = (project / "Makefile").read_text()
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"(?:^|`)make ([a-z]+)", (project / name).read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{name}: make {target}"


@pytest.mark.slow
def test_the_example_with_ones_own_data_works_as_written(readme: str, tmp_path: Path) -> None:
    files, commands = _example(readme)
    assert (
        set(files) >= {"shop/deals.csv", "shop/revops.yml", "shop/rules/stage_mapping.csv"}
        and len(commands) == 3
    )
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REVOPS_")}

    def revops(*arguments: str) -> str:
        command = [sys.executable, "-m", "orchestration.cli", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    for command in commands:
        name, *arguments = shlex.split(command)
        assert name == "revops"
        revops(*arguments)
    home = ["--home", "shop/data", "--format", "json"]
    (won,) = json.loads(revops("kpi", "win_rate", "--grain", "quarter", *home))
    assert (won["numerator"], won["denominator"]) == ("2.000000", "3.000000")
    (amount,) = json.loads(
        revops("sql", "select sum(amount) as won from revenue.opportunities where is_won", *home)
    )
    assert amount["won"] == "15700.500000"
    (missing,) = json.loads(revops("kpi", "customer_churn", "--grain", "all_time", *home))
    assert missing["null_reason"] == "missing_input:subscription_periods"
