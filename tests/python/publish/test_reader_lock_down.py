"""SQL on the published file reaches nothing but the published file."""

import threading
import time
from pathlib import Path

import duckdb
import pytest
from synthetic import publish_generation

from orchestration.warehouse import open_published


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    publish_generation(folder, 1)
    (folder / "outside.csv").write_text("secret\n1\n")
    return folder


ESCAPES = {
    "read a csv": "select * from read_csv('{home}/outside.csv')",
    "scan a path": "select * from '{home}/outside.csv'",
    "read a text": "select * from read_text('{home}/outside.csv')",
    "read a blob": "select * from read_blob('/etc/passwd')",
    "list files": "select * from glob('{home}/*')",
    "copy out": "copy (select 1) to '{home}/stolen.csv'",
    "export everything": "export database '{home}/stolen'",
    "attach a file": "attach '{home}/other.duckdb' as other",
    "attach memory and write": "attach ':memory:' as other; create table other.main.t as select 1",
    "install": "install httpfs",
    "load": "load '{home}/evil.duckdb_extension'",
    "read the web": "select * from read_csv('http://127.0.0.1:9/x.csv')",
    "open the gate": "set enable_external_access = true",
    "unlock": "set lock_configuration = false",
    "more memory": "set memory_limit = '100GB'",
    "write": "create table metrics.mine as select 1",
    "delete": "delete from metrics.kpi_values",
    "python variable": "select * from secret_variable",
}


@pytest.mark.parametrize("escape", ESCAPES)
def test_escape_is_refused(home: Path, escape: str) -> None:
    secret_variable = {"a": [1]}
    with open_published(home) as con, pytest.raises(duckdb.Error):
        for statement in ESCAPES[escape].format(home=home).split(";"):
            con.execute(statement).fetchall()
    assert secret_variable
    assert not (home / "stolen.csv").exists() and not (home / "stolen").exists()


def test_a_runaway_query_can_be_interrupted(home: Path) -> None:
    with open_published(home) as con:
        timer = threading.Timer(0.5, con.interrupt)
        timer.start()
        started = time.monotonic()
        with pytest.raises(duckdb.InterruptException):
            con.execute(
                "select count(*) from range(1000000) as a, range(1000000) as b where a.range % 7 = b.range"
                " % 5"
            )
        assert time.monotonic() - started < 5


def test_the_published_file_still_answers(home: Path) -> None:
    with open_published(home) as con:
        assert con.execute("select count(*) from metrics.kpi_values").fetchall() == [(50,)]
