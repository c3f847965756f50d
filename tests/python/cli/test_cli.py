"""The revops command as a user calls it: what it prints, and the exit code and sentence of every failure."""

import csv
import io
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_company import publish_company

from orchestration.publish.versions import versions

CONFIG = "sources:\n  - {name: acme, kind: files, path: acme, entities: {accounts: {file: accounts.csv}}}\n"


@dataclass(frozen=True)
class Outcome:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    publish_company(folder)
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "accounts.csv").write_text("source_id,name\n1,One\n")
    (tmp_path / "revops.yml").write_text(CONFIG)
    return tmp_path / "revops.yml"


def revops(*arguments: str | Path, home: Path | None = None) -> Outcome:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("REVOPS_")}
    if home is not None:
        environment["REVOPS_HOME"] = str(home)
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def fails(outcome: Outcome, code: int, sentence: str) -> None:
    assert outcome.code == code, outcome
    assert sentence in outcome.err
    assert "Traceback" not in outcome.err + outcome.out


# --- reading what is published -----------------------------------------------------------------


def test_a_kpi_is_printed_with_its_unit_and_the_reason_of_a_null(home: Path) -> None:
    outcome = revops("kpi", "win_rate", home=home)

    assert outcome.code == 0
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["2026-03-01", "2026-04-01", "66.7", "%", "2", "3", "3"] in lines
    assert "nothing to measure" in outcome.out


def test_a_kpi_can_be_sliced_limited_in_time_and_read_by_programs(home: Path) -> None:
    outcome = revops(
        "kpi", "win_rate", "--by", "region", "--since", "2026-03-01", "--format", "json", home=home
    )

    rows = json.loads(outcome.out)
    assert [(row["dimension_value"], row["value"], row["numerator"]) for row in rows] == [
        ("North", 0.5, "1.000000"),
        ("South", 1.0, "1.000000"),
    ]
    outcome = revops("kpi", "win_rate", "--until", "2026-02-01", "--format", "csv", home=home)
    assert [row["period_start"] for row in csv.DictReader(io.StringIO(outcome.out))] == [
        "2026-01-01",
        "2026-02-01",
    ]


def test_an_explanation_gives_definition_policy_and_source_records_that_add_up(home: Path) -> None:
    outcome = revops("kpi", "win_rate", "--explain", "--format", "json", home=home)

    explanation = json.loads(outcome.out)
    assert explanation["definition"]["formula"] == "won / (won + lost)"
    assert explanation["policy"] == {"currency": "EUR", "timezone": "UTC", "counts": "closed deals"}
    (value,) = explanation["values"]
    assert (value["period_start"], value["numerator"], value["denominator"]) == (
        "2026-03-01",
        "2.000000",
        "3.000000",
    )
    behind = {records["role"]: records["records"] for records in value["records"]}
    assert [record["source_records"] for record in behind["numerator"]] == [
        [{"source_system": "crm", "source_id": "d1"}],
        [{"source_system": "crm", "source_id": "d2"}],
    ]
    assert len(behind["denominator"]) == 3


def test_an_explanation_of_a_slice_lists_the_records_of_that_slice(home: Path) -> None:
    outcome = revops("kpi", "win_rate", "--by", "region", "--explain", "--format", "csv", home=home)

    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [(row["dimension_value"], row["role"], row["source_id"]) for row in rows] == [
        ("North", "numerator", "d1"),
        ("North", "denominator", "d1"),
        ("North", "denominator", "d3"),
        ("South", "numerator", "d2"),
        ("South", "denominator", "d2"),
    ]


def test_csv_holds_no_cell_that_a_spreadsheet_takes_for_a_formula(home: Path) -> None:
    statement = (
        "select name, amount, '-5' as number, '+49 30' as phone"
        " from revenue.opportunities where source_id = 'd1'"
    )
    outcome = revops("sql", statement, "--format", "csv", home=home)

    (row,) = csv.DictReader(io.StringIO(outcome.out))
    assert row == {"name": "'=HYPERLINK(evil)", "amount": "100.000000", "number": "-5", "phone": "'+49 30"}


def test_sql_prints_a_table_and_a_list_as_json(home: Path) -> None:
    outcome = revops("sql", "select kpi, inputs, null as nothing from metrics.kpi_catalog", home=home)
    assert outcome.out.splitlines()[1].split() == ["win_rate", '["opportunities"]']

    outcome = revops("sql", "select [1, 2] as list, date '2026-03-31' as day", "--format", "json", home=home)
    assert json.loads(outcome.out) == [{"list": [1, 2], "day": "2026-03-31"}]


def test_status_and_history_say_what_is_published(home: Path) -> None:
    status = revops("status", home=home)
    history = revops("history", home=home)

    (version,) = versions(home)
    assert version.name in status.out and "as of 2026-03-31" in status.out
    assert "crm" in status.out and "2026-03-31 01:02:03" in status.out
    assert history.out.splitlines()[1].split()[:3] == ["*", version.name, "2026-03-31"]


def test_rollback_takes_readers_back(tmp_path: Path) -> None:
    publish_company(tmp_path, "2026-03-30")
    publish_company(tmp_path, "2026-03-31")

    outcome = revops("rollback", home=tmp_path)

    assert outcome.code == 0 and "as of 2026-03-30" in outcome.out
    seen = revops("sql", "select distinct as_of from metrics.kpi_values", "--format", "csv", home=tmp_path)
    assert seen.out.split() == ["as_of", "2026-03-30"]
    fails(revops("rollback", home=tmp_path), 2, "no version before")
    fails(revops("rollback", "20200101", home=tmp_path), 2, "no published version 20200101")


def test_reading_commands_start_quickly(home: Path) -> None:
    seconds = []
    for _ in range(3):
        started = time.monotonic()
        assert revops("kpi", "win_rate", home=home).code == 0
        seconds.append(time.monotonic() - started)

    # A generous bound: what it guards against is an import of dbt or Dagster, which takes five seconds.
    assert min(seconds) < 3
    imported = subprocess.run(
        [
            sys.executable,
            "-c",
            "import orchestration.cli, sys; print([m for m in ('dbt', 'dagster', 'dlt') if m in"
            " sys.modules])",
        ],
        capture_output=True,
        text=True,
    )
    assert imported.stdout == "[]\n"


# --- failures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["kpi", "winrate"], "There is no KPI called 'winrate'; did you mean win_rate?"),
        (
            ["kpi", "win_rate", "--variant", "defualt"],
            "no variant of win_rate called 'defualt'; did you mean default?",
        ),
        (
            ["kpi", "win_rate", "--by", "regoin"],
            "no dimension of win_rate called 'regoin'; did you mean region?",
        ),
        (["kpi", "win_rate", "--grain", "week"], "no grain called 'week'"),
        (["kpi", "win_rate", "--since", "yesterday"], "'yesterday' is not like 2026-03-31"),
        (["kpi", "win_rate", "--format", "xml"], "xml"),
        (["kpi", "win_rate", "--frobnicate"], "No such option: --frobnicate"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["sql", "select nothing from nowhere"], "nowhere"),
        (["sql", "delete from metrics.kpi_values"], "read-only mode"),
        (["sql", "select * from read_csv('/etc/passwd')"], "disabled"),
        (["sql", "attach 'other.duckdb' as other"], "disabled"),
    ],
)
def test_a_mistake_in_a_command_is_named_and_exits_with_2(
    home: Path, arguments: list[str], sentence: str
) -> None:
    fails(revops(*arguments, home=home), 2, sentence)


@pytest.mark.parametrize("command", [["kpi", "win_rate"], ["sql", "select 1"]])
def test_reading_before_the_first_publication_says_what_to_do(tmp_path: Path, command: list[str]) -> None:
    fails(
        revops(*command, home=tmp_path), 2, f"Nothing is published in {tmp_path} yet; run `revops run` first."
    )
    assert "Nothing is published" in revops("status", home=tmp_path).out


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sources: []\nstrcit: true\n", "unknown key 'strcit'"),
        ("sources:\n  - {name: acme, kind: fils, path: x}\n", "fils"),
        ("reporting: {timezone: Mars/Olympus}\n", "Mars/Olympus"),
        ("sources: [\n", "not valid YAML"),
    ],
)
def test_a_mistake_in_the_configuration_exits_with_2(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "revops.yml").write_text(text)

    fails(revops("run", "--config", tmp_path / "revops.yml", home=tmp_path / "home"), 2, sentence)
    assert not (tmp_path / "home").exists()


def test_a_missing_configuration_file_exits_with_2(tmp_path: Path) -> None:
    fails(revops("run", "--config", tmp_path / "none.yml", home=tmp_path), 2, "does not exist")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--source", "acne"], "has no source 'acne'"),
        (["--as-of", "31.03.2026"], "'31.03.2026' is not like 2026-03-31"),
        (["--known-at", "noon"], "'noon' is not like 2026-03-31T12:00:00Z"),
    ],
)
def test_a_mistake_in_the_options_of_a_run_exits_with_2(
    config: Path, arguments: list[str], sentence: str
) -> None:
    fails(revops("run", "--config", config, *arguments, home=config.parent / "home"), 2, sentence)


def test_a_second_run_exits_with_4_and_names_the_first(config: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from orchestration.publish.lock import single_writer\n"
        "with single_writer(Path(sys.argv[1])): print('held', flush=True); time.sleep(120)"
    )
    home = config.parent / "home"
    other = subprocess.Popen([sys.executable, "-c", script, str(home)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "held\n"

    refused = revops("run", "--config", config, home=home)
    status = revops("status", home=home)
    rollback = revops("rollback", home=home)
    other.kill()
    other.wait()

    fails(refused, 4, f"Another run (process {other.pid}) holds")
    fails(rollback, 4, f"process {other.pid}")
    assert f"A run is under way (process {other.pid})" in status.out


def test_sources_are_listed_and_checked(config: Path) -> None:
    listed = revops("sources", "--config", config, home=config.parent / "home")
    checked = revops("sources", "check", "--config", config)

    assert listed.out.splitlines()[1].split()[:3] == ["acme", "files", "accounts"]
    assert checked.code == 0 and "acme: 1 tables can be read" in checked.out
    (config.parent / "acme" / "accounts.csv").unlink()
    broken = revops("sources", "check", "acme", "--config", config)
    assert broken.code in (2, 3) and "accounts.csv" in broken.out
    fails(revops("sources", "check", "acne", "--config", config), 2, "has no source 'acne'")


@pytest.mark.slow
def test_a_failing_source_exits_with_3_and_a_second_source_is_kept(config: Path) -> None:
    config.write_text(
        CONFIG + "  - {name: zeta, kind: files, path: zeta, entities: {accounts: {file: accounts.csv}}}\n"
    )
    (config.parent / "zeta").mkdir()
    (config.parent / "zeta" / "accounts.csv").write_text("source_id,name\n" + "x" * 10 + "\n")
    (config.parent / "acme" / "accounts.csv").write_text("source_id,name\n1,One\n2,Two\n")
    home = config.parent / "home"

    outcome = revops("run", "--config", config, home=home)

    assert outcome.code == 3, outcome
    assert "zeta" in outcome.err and "what the other sources gave is loaded and kept" in outcome.err
    assert "Traceback" not in outcome.err
    listed = revops("sources", "--config", config, home=home)
    assert [line.split()[-2] for line in listed.out.splitlines() if line.startswith("acme")] == ["2"]


def test_the_pretend_company_is_delivered_beside_the_configuration(config: Path) -> None:
    outcome = revops(
        "sandbox", "deliver", "--config", config, "--until", "2024-03-31", "--seed", "11", "--scale", "0.02"
    )

    assert outcome.code == 0, outcome
    assert (config.parent / "data" / "sandbox" / "crm" / "Opportunity.csv").is_file()
    assert str(config.parent / "data" / "sandbox") in outcome.out
