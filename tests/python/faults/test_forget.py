"""Fault 45: `revops forget` takes a person out of two sources, whatever else names them, and nobody else."""

import json
import shutil
import sqlite3
import stat
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import pytest
from killing import dies_at
from pretend import PretendedModels, quiet_reporter, run_steps

from orchestration.erasure.forget import Erasure, forget
from orchestration.erasure.proof import count_bytes
from orchestration.errors import ConfigurationError, RevopsError
from orchestration.publish.versions import versions
from orchestration.run import Run, RunOptions, open_run
from orchestration.settings import Settings, load_settings
from orchestration.sources.suppression import Suppression
from orchestration.warehouse import open_build, open_landing, open_memory, open_published

AS_OF = date(2026, 3, 31)
JANE = "Jane.Doe@Example.com"
CONFIG = """
sources:
  - {name: crm, kind: files, path: crm}
  - {name: desk, kind: files, path: desk}
publish: {people: full, audiences: [{name: team, people: full}]}
"""
FILES = {
    "crm/people.csv": """source_id,email,full_name,phone,custom
p1,Jane.Doe@Example.com,Jane Doe,+49 30 1234567,"{""assistant"": ""bob@example.com""}"
p2,bob@example.com,Bob Roe,,"{""referred_by"": ""jane.doe@example.com""}"
p3,mary-jane.doe@example.com,Mary-Jane Doe,,
""",
    "crm/touches.csv": """source_id,person_source_id,email,kind,occurred_at
t1,p1,jane.doe@example.com,email,2026-01-05
t2,p2,bob@example.com,email,2026-01-06
t3,p1,,call,2026-01-07
""",
    "crm/funnel_events.csv": """source_id,person_source_id,stage,entered_at
f1,p1,lead,2026-01-01
f2,p2,lead,2026-01-02
""",
    "crm/users.csv": """source_id,name,email,team
u1,Jane Doe,jane.doe@example.com,East
u2,Ann Other,ann@example.com,East
""",
    "crm/tasks.csv": """source_id,name,assignee_source_id
k1,Call mailto:JANE.DOE@example.com.,jane.doe@example.com
k2,Call Bob,bob@example.com
""",
    # The same woman under another address, as identity knows; info@ is shared with somebody else.
    "desk/people.csv": """source_id,email,full_name
d1,jane@private.example,Jane Doe
d2,info@example.com,Front Desk
d3,jane%40private.example,Url
""",
    "desk/tickets.csv": """source_id,person_source_id,account_source_id,opened_at
z1,d1,a1,2026-02-01
z2,d2,a1,2026-02-02
""",
}


class PeopleModels(PretendedModels):
    """Publishes the people, touches and members of the raw log as it is."""

    def _write(self, build_file: Path, as_of: date) -> None:
        super()._write(build_file, as_of)
        home = build_file.parents[2]
        with open_build(build_file) as con:
            con.execute(f"attach '{home / 'landing.duckdb'}' as landing (read_only)")
            for table, target in (
                ("raw_crm.people", "revenue.people"),
                ("raw_crm.touches", "revenue.touches"),
                ("raw_crm.users", "revenue.users"),
                ("raw_desk.people", "revenue.desk_people"),
            ):
                con.execute(f"create table {target} as select * from landing.{table}")
            con.execute(
                "create table identity.person_members as"
                " select 'crm' as source_system, source_id, case when source_id = 'p1' then 'per_jane'"
                "  else 'per_' || source_id end as person_id from revenue.people"
                " union select 'desk', source_id, case when source_id = 'd1' then 'per_jane'"
                "  else 'per_' || source_id end from revenue.desk_people"
            )
            con.execute(
                "create table operations.kpi_restatements as"
                " select ['jane.doe@example.com'] as people,"
                ' \'{"old": "jane.doe@example.com"}\' as cause where false'
            )


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretended models, which publish the raw log."""
    _pretend(monkeypatch)


def _pretend(monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestration import dashboard, identity, transform

    monkeypatch.setattr(transform, "build", PeopleModels().build)
    monkeypatch.setattr(identity, "resolve", lambda *arguments, **options: None)
    monkeypatch.setattr(dashboard, "build", _page)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with two published versions, and a home folder with logs that name the person."""
    root = tmp_path_factory.mktemp("before")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    (root / "revops.yml").write_text(CONFIG)
    settings = load_settings(root / "revops.yml")
    home = root / "home"
    with pytest.MonkeyPatch.context() as monkeypatch:
        _pretend(monkeypatch)
        run_steps(settings, home, as_of=AS_OF)
        changed = FILES["crm/people.csv"].replace("+49 30 1234567", "+49 30 7654321")
        (root / "crm/people.csv").write_text(changed)
        run_steps(settings, home, as_of=AS_OF)
    (home / "logs" / "old.log").write_text("rejected: JANE.DOE@example.com, mary-jane.doe@example.com\n")
    (home / "dagster").mkdir()
    with closing(sqlite3.connect(home / "dagster" / "events.db")) as con:
        con.execute("create table event_logs (id integer, event text)")
        con.execute("insert into event_logs values (1, 'failed on jane.doe@example.com'), (2, 'fine')")
        con.commit()
    return root


def _copy(before: Path, root: Path) -> Settings:
    shutil.copytree(before, root, symlinks=True, dirs_exist_ok=True)
    return load_settings(root / "revops.yml")


@pytest.fixture
def company(before: Path, tmp_path: Path) -> Settings:
    """The company, to be changed by one test."""
    return _copy(before, tmp_path)


@pytest.fixture(scope="module")
def erased(before: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Erasure]:
    """The home folder of the company after the erasure, to be looked at only."""
    settings = _copy(before, tmp_path_factory.mktemp("erased"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        _pretend(monkeypatch)
        return settings.root / "home", _forget(settings)


def _page(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    addresses = con.execute("select email from revenue.people order by all").fetchall()
    (folder / "dashboard.html").write_text(f"<p>{addresses}</p>")


def _rebuild(run: Run) -> None:
    from orchestration import run as steps

    steps.build_entry(run, lambda node: None)
    steps.resolve_identities(run)
    steps.build_warehouse(run, lambda node: None)
    steps.write_and_audit(run)
    steps.publish_candidate(run)


def _forget(settings: Settings, address: str = JANE) -> Erasure:
    options = RunOptions(extract=False, as_of=AS_OF)
    with open_run(settings, settings.root / "home", options, quiet_reporter()) as run:
        return forget(run, address, _rebuild)


def _rows(home: Path, query: str) -> list[tuple]:
    with open_landing(home, read_only=True) as con:
        return con.execute(query).fetchall()


def _everywhere(home: Path, text: str) -> list[str]:
    """Every place in the home folder that holds a text, as a value of a table or as bytes."""
    found = []
    for path in home.rglob("*"):
        if not path.is_file() or path.is_symlink():
            continue
        if count_bytes(path, {text.lower()}, {f"mary-{text.lower()}"}):
            found.append(f"{path.relative_to(home)}: bytes")
        if path.suffix not in (".duckdb", ".parquet"):
            continue
        with open_memory() as con:
            if path.suffix == ".parquet":
                tables = [f"read_parquet('{path}')"]
            else:
                con.execute(f"attach '{path}' as f (read_only)")
                tables = [
                    f'f."{schema}"."{name}"'
                    for schema, name in con.execute(
                        "select schema_name, table_name from duckdb_tables() where database_name = 'f'"
                    ).fetchall()
                ]
            for table in tables:
                rows = con.execute(f"select cast(t as varchar) from {table} as t").fetchall()
                found += [
                    f"{path.relative_to(home)}: {table}"
                    for (row,) in rows
                    if text.lower() in row.lower().replace(f"mary-{text.lower()}", "")
                ]
    return found


def test_nothing_of_the_person_is_left_and_nothing_comes_back(company: Settings) -> None:
    home = company.root / "home"
    assert _everywhere(home, JANE), "the scan must find the person before it can miss them"
    assert _everywhere(home, "+49 30 1234567"), "an older version of the record has the old number"

    erasure = _forget(company)

    for value in (JANE, "jane@private.example", "+49 30 1234567", "+49 30 7654321"):
        assert _everywhere(home, value) == [], value
    assert len(versions(home)) == 1 and erasure.versions_removed == 2
    # The sources have the person still: a new, a changed and a full reading must not bring her back.
    assert any(path.endswith("crm/people.csv") for path in erasure.at_sources)
    run_steps(company, home, as_of=AS_OF, full_refresh=True)
    (company.root / "crm/people.csv").write_text(
        FILES["crm/people.csv"] + f"p9,{JANE},Jane Again,,\np4,new@example.com,New,,\n"
    )
    (company.root / "crm/touches.csv").write_text(FILES["crm/touches.csv"] + "t9,p1,,call,2026-01-09\n")
    run_steps(company, home, as_of=AS_OF)
    for value in (JANE, "jane@private.example", "+49 30 1234567", "Jane Again"):
        assert _everywhere(home, value) == [], value
    people = _rows(home, "select distinct source_id from raw_crm.people order by all")
    assert people == [("p2",), ("p3",), ("p4",)]
    touches = "select source_id, person_source_id from raw_crm.touches where source_id in ('t1', 't9')"
    assert set(_rows(home, touches)) == {("t1", None), ("t9", None)}


def test_others_and_the_facts_of_the_business_stay(erased: tuple[Path, Erasure]) -> None:
    home, _ = erased
    assert _rows(home, "select distinct source_id, email from raw_crm.people order by all") == [
        ("p2", "bob@example.com"),
        ("p3", "mary-jane.doe@example.com"),
    ]
    (custom,) = _rows(home, "select distinct custom from raw_crm.people where source_id = 'p2'")[0]
    assert json.loads(custom)["referred_by"].startswith("erased-")
    assert _rows(
        home, "select distinct source_id, person_source_id, email from raw_crm.touches order by 1"
    ) == [
        ("t1", None, None),
        ("t2", "p2", "bob@example.com"),
        ("t3", None, None),
    ]
    assert _rows(home, "select source_id from raw_crm.funnel_events") == [("f2",)]
    assert _rows(home, "select source_id, name, email, team from raw_crm.users order by 1") == [
        ("u1", None, None, "East"),
        ("u2", "Ann Other", "ann@example.com", "East"),
    ]
    assert _rows(home, "select source_id, person_source_id from raw_desk.tickets order by 1") == [
        ("z1", None),
        ("z2", "d2"),
    ]
    assert _rows(home, "select source_id from raw_desk.people order by 1") == [("d2",), ("d3",)]
    ((task, assignee),) = _rows(
        home, "select name, assignee_source_id from raw_crm.tasks where source_id = 'k1'"
    )
    assert task == f"Call mailto:{assignee}." and assignee.startswith("erased-")
    assert "mary-jane.doe@example.com" in (home / "logs" / "old.log").read_text()
    with closing(sqlite3.connect(home / "dagster" / "events.db")) as con:
        events = [event for (event,) in con.execute("select event from event_logs order by id")]
    assert events[0].startswith("failed on erased-") and events[1] == "fine"


def test_the_proof_names_files_and_counts_and_holds_no_address(erased: tuple[Path, Erasure]) -> None:
    home, erasure = erased
    text = erasure.proof.read_text()
    document = json.loads(text)
    assert "example" not in text and "Jane" not in text and "p1" not in text
    assert document["person"] == Suppression(home).hash_of(JANE.lower())
    assert document["rows_erased"]["raw_crm.people"] == 3
    assert {"landing.duckdb", "runs.jsonl"} <= {each["file"] for each in document["files"]}
    landing = next(each for each in document["files"] if each["file"] == "landing.duckdb")
    assert landing["columns"] > 100 and landing["found"] == 0
    folder = home / "erasures"
    assert stat.S_IMODE((folder / "key").stat().st_mode) == 0o600
    assert not (folder / "pending.json").exists()
    assert "example" not in (folder / "suppressed.csv").read_text()


def test_readers_see_a_new_version_without_the_person(erased: tuple[Path, Erasure], before: Path) -> None:
    home, _ = erased
    with open_published(home) as con:
        people = con.execute("select distinct source_id from revenue.people order by 1").fetchall()
    assert people == [("p2",), ("p3",)]
    assert {each.name for each in versions(home)}.isdisjoint(each.name for each in versions(before / "home"))
    page = (home / "published" / "dashboard.html").read_text().lower()
    assert "jane" not in page.replace("mary-jane", "")


@pytest.mark.parametrize(
    "point", ["after_suppression", "after_landing", "before_audit", "after_rename", "after_rebuild"]
)
def test_an_erasure_that_was_killed_is_finished_by_asking_again(company: Settings, point: str) -> None:
    assert dies_at(point, lambda: _forget(company))

    _forget(company)

    for value in (JANE, "jane@private.example", "+49 30 7654321"):
        assert _everywhere(company.root / "home", value) == [], value


def test_a_lost_key_stops_the_next_run_instead_of_letting_people_back(company: Settings) -> None:
    _forget(company)
    (company.root / "home" / "erasures" / "key").unlink()

    with pytest.raises(RevopsError, match="restore the key"):
        run_steps(company, company.root / "home", as_of=AS_OF)


def test_somebody_unknown_is_suppressed_all_the_same(company: Settings) -> None:
    erasure = _forget(company, "future@example.com")
    (company.root / "crm/people.csv").write_text(FILES["crm/people.csv"] + "p8,Future@example.com,F,,\n")
    run_steps(company, company.root / "home", as_of=AS_OF)

    assert not erasure.rows
    assert _everywhere(company.root / "home", "future@example.com") == []
    with pytest.raises(ConfigurationError, match="one e-mail address"):
        _forget(company, "Jane Doe")
