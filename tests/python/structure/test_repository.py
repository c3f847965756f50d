"""What must not lie in the repository, and what its locks and settings must say."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

SECRETS = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{30,}\b",
    "Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{10,}",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\.",
    "HubSpot token": r"\bpat-(na|eu)\d-[0-9a-f-]{30,}",
}
# A path of one machine, and the host of one registry, in what is meant to run on any.
MACHINE = r"(?<![\w./~-])/(home|root|Users|work|mnt|opt)/\w|[A-Z]:\\\\?Users"
LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")


@pytest.fixture(scope="module")
def texts(project: Path) -> dict[str, str]:
    """Every text file of the repository by its path, whether committed yet or not."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    found = {}
    for name in listed:
        if (project / name).is_file():
            try:
                found[name] = (project / name).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return found


@pytest.fixture(scope="module")
def requirements(project: Path) -> dict[str, str]:
    """Each pinned requirement of the lock, with its hashes."""
    lock = (project / "requirements.lock").read_text().replace("\\\n", " ")
    lines = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    return dict(line.split("==", 1) for line in lines)


@pytest.mark.parametrize("kind", SECRETS)
def test_no_file_holds_a_secret(texts: dict[str, str], kind: str) -> None:
    pattern = re.compile(SECRETS[kind])
    assert [name for name, text in texts.items() if pattern.search(text)] == []


def test_no_file_depends_on_one_machine(texts: dict[str, str]) -> None:
    pattern = re.compile(MACHINE)
    found = [
        f"{name}: {match[0]}"
        for name, text in texts.items()
        if name != "LICENSE"
        for match in pattern.finditer(text)
    ]
    assert found == []


def test_nothing_is_left_to_do_in_the_code(texts: dict[str, str]) -> None:
    code = {
        name: text for name, text in texts.items() if name.endswith((".py", ".sql", ".yml", ".sh", ".toml"))
    }
    own = "tests/python/structure/test_repository.py"
    assert [name for name, text in code.items() if name != own and LEFT_OVER.search(text)] == []


def test_no_module_is_a_drawer_for_odds_and_ends(texts: dict[str, str]) -> None:
    names = {Path(name).stem for name in texts if name.endswith((".py", ".sql"))}
    assert names.isdisjoint({"utils", "util", "misc", "helpers", "common", "temp", "old", "final"})
    assert [name for name in names if re.match(r"(dim|fct|tmp)_", name)] == []


def test_every_locked_requirement_has_a_version_and_a_hash(requirements: dict[str, str]) -> None:
    assert len(requirements) > 100
    for name, rest in requirements.items():
        assert "--hash=sha256:" in rest, name


@pytest.mark.parametrize("lock", ["requirements.lock", "scripts/bootstrap.lock"])
def test_a_lock_names_no_host(project: Path, lock: str) -> None:
    assert not re.search(r"https?://|--(extra-)?index-url|@ ", (project / lock).read_text())


def test_dbt_stays_below_the_version_that_downloads_while_it_installs(requirements: dict[str, str]) -> None:
    major, minor = (int(part) for part in requirements["dbt-core"].split(".")[:2])
    assert (major, minor) < (1, 12)


def test_every_dependency_is_in_the_lock(requirements: dict[str, str], project: Path) -> None:
    settings = tomllib.loads((project / "pyproject.toml").read_text())
    extras = settings["project"].get("optional-dependencies", {}).values()
    wanted = [*settings["project"]["dependencies"], *settings["dependency-groups"]["dev"]]
    wanted += [requirement for extra in extras for requirement in extra]
    names = {re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-") for requirement in wanted}
    assert names <= {re.split(r"\[", name)[0] for name in requirements}


def test_every_imported_package_is_a_declared_dependency(texts: dict[str, str], project: Path) -> None:
    declared = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    optional = [each for extra in declared.get("optional-dependencies", {}).values() for each in extra]
    wanted = [*declared["dependencies"], *optional]
    names = {re.split(r"[\[<>=!~; ]", each)[0].lower().replace("_", "-") for each in wanted}
    distributions = packages_distributions()
    undeclared = set()
    for path, text in texts.items():
        if re.match(r"(orchestration|sandbox)/.*\.py$", path):
            for node in ast.walk(ast.parse(text)):
                modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.level == 0:
                    modules = [node.module or ""]
                for module in {module.split(".")[0] for module in modules}:
                    own = module in ("orchestration", "sandbox") or module in sys.stdlib_module_names
                    if not own and not names & {each.lower() for each in distributions.get(module, [module])}:
                        undeclared.add(f"{path} imports {module}")
    assert undeclared == set()


def test_telemetry_of_every_tool_is_switched_off(project: Path) -> None:
    def settings(path: str) -> Any:
        return yaml.safe_load((project / path).read_text())

    assert settings("dbt_project.yml")["flags"]["send_anonymous_usage_stats"] is False
    assert settings("orchestration/dagster.yaml")["telemetry"]["enabled"] is False
    dlt = tomllib.loads((project / ".dlt" / "config.toml").read_text())
    assert dlt["runtime"]["dlthub_telemetry"] is False


def test_actions_of_ci_are_pinned_by_commit_and_may_only_read(project: Path) -> None:
    for path in (project / ".github" / "workflows").glob("*.yml"):
        text = path.read_text()
        assert yaml.safe_load(text)["permissions"] == {"contents": "read"}
        for action in re.findall(r"uses:\s*(\S+)", text):
            assert re.search(r"@[0-9a-f]{40}$", action), action


def test_one_module_reads_the_environment_and_one_opens_databases(texts: dict[str, str]) -> None:
    package = {name: text for name, text in texts.items() if re.match(r"orchestration/.*\.py$", name)}
    readers = [name for name, text in package.items() if re.search(r"os\.environ\.get\(|os\.getenv\(", text)]
    assert set(readers) <= {"orchestration/settings.py", "orchestration/transform.py"}
    openers = [name for name, text in package.items() if "duckdb.connect(" in text]
    assert openers == ["orchestration/warehouse.py"]


def test_the_ten_places_a_reader_looks_first_are_there(project: Path) -> None:
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "DECISIONS.md",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "revops.yml",
    ):
        assert (project / name).stat().st_size > 0, name
    assert "Apache License" in (project / "LICENSE").read_text()
