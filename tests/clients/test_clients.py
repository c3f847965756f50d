"""The recipes of docs/bi.md work as written, each in an environment of its own. Run by `make clients`."""

import re
import subprocess
from pathlib import Path

import pytest
from company import Company

from orchestration.contract import PROJECT_ROOT

BLOCK = re.compile(r"^\*\*([^*\n]+)\*\*(?:(?!^\*\*).)*?```python\n(.+?)```", re.MULTILINE | re.DOTALL)
RECIPES = dict(BLOCK.findall((PROJECT_ROOT / "docs" / "bi.md").read_text(encoding="utf-8")))
# Recipe, packages of its environment, and a word that stands in what it prints.
ENVIRONMENTS = [
    ("DuckDB in Python", ["duckdb==1.2.2"], "period_start"),
    ("DuckDB in Python", ["duckdb==1.3.2"], "period_start"),
    ("DuckDB in Python", ["duckdb==1.4.4"], "period_start"),
    ("pandas", ["pandas", "pyarrow"], "Enterprise"),
    ("Polars", ["polars"], "period_start"),
    (
        "SQLAlchemy, and tools built on it such as Superset",
        ["duckdb==1.4.4", "duckdb-engine", "sqlalchemy"],
        "",
    ),
]


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which data/published leads to what is published."""
    made = tmp_path_factory.mktemp("clients")
    given: Path | None = request.config.getoption("--published")
    (made / "data").mkdir()
    if given is None:
        company: Company = request.getfixturevalue("company")
        given = company.published
    (made / "data" / "published").symlink_to(given.resolve().parent)
    return made


@pytest.mark.parametrize(
    ("recipe", "packages", "word"), ENVIRONMENTS, ids=[packages[0] for _, packages, _ in ENVIRONMENTS]
)
def test_a_recipe_works_as_written(recipe: str, packages: list[str], word: str, folder: Path) -> None:
    uv = PROJECT_ROOT / "scripts" / "uv.sh"
    environment = [argument for package in packages for argument in ("--with", package)]
    command = [
        uv,
        "run",
        "--quiet",
        "--no-project",
        "--isolated",
        *environment,
        "python",
        "-c",
        RECIPES[recipe],
    ]
    outcome = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.strip()
    assert word in outcome.stdout
