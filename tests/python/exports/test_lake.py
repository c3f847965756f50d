"""A lake that several machines share: versions are whole, writers lose nothing, what was erased is gone."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import published_file
import pytest

from orchestration.errors import ConfigurationError
from orchestration.publish import lake
from orchestration.settings import Warehouse
from orchestration.warehouse import open_memory

sys.path.append(str(Path(__file__).parents[1] / "sources"))

from postgres import postgres_server

pytestmark = pytest.mark.postgres

WRITES = 3
WRITER = """
import sys
from datetime import date
from pathlib import Path
from orchestration.publish import lake
from orchestration.settings import Warehouse

name, folder, *files = sys.argv[1:]
for number, file in enumerate(files):
    lake.publish(Warehouse(kind="ducklake", folder=folder), Path(file), f"{name}-{number}", date(2026, 1, 31))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as address:
        yield address.replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture
def warehouse(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Warehouse:
    """An empty lake whose catalog is a database of its own."""
    name = f"d{abs(hash(request.node.name))}"
    with psycopg.connect(server, autocommit=True) as con:
        con.execute(f"create database {name}")  # type: ignore[call-overload]
    monkeypatch.setenv("REVOPS_WAREHOUSE_DSN", server.rsplit("/", 1)[0] + f"/{name}")
    return Warehouse(kind="ducklake", folder=tmp_path / "lake")


def start_writer(name: str, warehouse: Warehouse, files: list[Path]) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, name, str(warehouse.folder), *map(str, files)]
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_two_writers_lose_nothing_and_readers_see_whole_versions(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    files = [published_file.write(tmp_path / f"{number}.duckdb", number) for number in range(2 * WRITES)]
    lake.publish(warehouse, files[0], "first", published_file.DAY)
    writers = [start_writer(name, warehouse, files[place::2]) for place, name in enumerate(("one", "other"))]
    seen: list[set[int]] = []
    done = threading.Event()

    def read() -> None:
        with lake.opened(warehouse) as con:
            while not done.is_set():
                con.execute("begin")
                for table in ("lake.metrics.kpi_values", "lake.revenue.accounts"):
                    rows = con.execute(f"select distinct generation from {table}").fetchall()
                    seen.append({*(seen.pop() if table.endswith("accounts") else ()), *(g for (g,) in rows)})
                con.execute("commit")

    reader = threading.Thread(target=read)
    reader.start()
    failures = [writer.communicate(timeout=300)[1] for writer in writers]
    done.set()
    reader.join()
    assert [writer.returncode for writer in writers] == [0, 0], failures
    assert seen and [generations for generations in seen if len(generations) != 1] == []
    with lake.opened(warehouse) as con:
        runs = con.execute("select run_id from lake.operations.lake_versions order by run_id").fetchall()
        last = con.execute("select distinct generation from lake.metrics.kpi_values").fetchall()
    expected = ["first", *(f"{name}-{number}" for name in ("one", "other") for number in range(WRITES))]
    assert [run for (run,) in runs] == expected
    assert last in ([(2 * WRITES - 2,)], [(2 * WRITES - 1,)])


def test_values_and_types_are_those_of_the_published_file(tmp_path: Path, warehouse: Warehouse) -> None:
    file = published_file.write(tmp_path / "1.duckdb")
    lake.publish(warehouse, file, "first", published_file.DAY)
    with lake.opened(warehouse) as con:
        con.execute(f"attach '{file}' as file (read_only)")
        for table in ("metrics.kpi_values", "revenue.accounts"):
            kinds = [con.execute(f"describe {side}.{table}").fetchall() for side in ("lake", "file")]
            assert [row[:2] for row in kinds[0]] == [row[:2] for row in kinds[1]]
            ((missing,),) = con.execute(
                f"select count(*) from (from file.{table} except all from lake.{table})"
            ).fetchall()
            assert missing == 0


def test_after_an_erasure_no_older_version_and_none_of_its_files_is_left(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    for number in (1, 2):
        file = published_file.write(tmp_path / f"{number}.duckdb", number)
        lake.publish(warehouse, file, str(number), published_file.DAY)
    lake.forget_history(warehouse)
    assert warehouse.folder is not None
    with open_memory() as con:
        generations = con.execute(
            "select distinct generation from read_parquet(?, union_by_name = true)"
            " where generation is not null",
            [f"{warehouse.folder}/**/*.parquet"],
        ).fetchall()
    assert generations == [(2,)]
    with lake.opened(warehouse) as con:
        assert con.execute("select count(*) from ducklake_snapshots('lake')").fetchall() == [(1,)]


def test_without_a_lake_nothing_is_done_and_without_an_address_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REVOPS_WAREHOUSE_DSN", raising=False)
    lake.publish(Warehouse(), tmp_path / "nothing.duckdb", "run", published_file.DAY)
    with pytest.raises(ConfigurationError, match="set REVOPS_WAREHOUSE_DSN"):
        lake.publish(
            Warehouse(kind="ducklake", folder=tmp_path),
            tmp_path / "nothing.duckdb",
            "run",
            published_file.DAY,
        )
