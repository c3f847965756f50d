"""Readers in other processes while versions are published, die halfway, or hold the lock."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from synthetic import publish_generation

from orchestration.errors import LockHeld
from orchestration.publish.lock import holder, single_writer
from orchestration.publish.versions import current_version, versions
from orchestration.warehouse import open_published

FOLDER = Path(__file__).parent

# Reads the database file and a Parquet file of the current version until told to stop; prints reads and
# failures.
READER = """
import sys
from pathlib import Path
from orchestration.warehouse import open_memory, open_published
home, stop = Path(sys.argv[1]), Path(sys.argv[2])
reads = failed = torn = older = 0
last = 0
memory = open_memory()
while not stop.exists():
    try:
        with open_published(home) as con:
            for _ in range(5):
                seen = con.execute(
                    "select min(k.generation), max(k.generation), min(p.generation), max(p.generation)"
                    " from metrics.kpi_values as k, revenue.people as p"
                ).fetchall()[0]
                reads += 1
                torn += len(set(seen)) != 1
                older += seen[0] < last
                last = max(last, seen[0])
        parquet = (home / "published/parquet/revenue/people.parquet").resolve()
        query = "select min(generation), max(generation) from read_parquet(?)"
        seen = memory.execute(query, [str(parquet)]).fetchall()[0]
        reads += 1
        torn += seen[0] != seen[1]
        older += seen[0] < last
        last = max(last, seen[0])
    except Exception as failure:
        failed += 1
        print(failure, file=sys.stderr)
print(reads, failed, torn, older)
"""


def test_ten_publishes_under_three_readers_fail_tear_or_age_no_read(tmp_path: Path) -> None:
    publish_generation(tmp_path, 1)
    stop = tmp_path / "stop"
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(tmp_path), str(stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for generation in range(2, 12):
        publish_generation(tmp_path, generation)
        time.sleep(0.6)
    time.sleep(4)
    stop.touch()
    results = [reader.communicate(timeout=60) for reader in readers]

    counts = [tuple(map(int, out.split())) for out, _ in results]
    reads = sum(count[0] for count in counts)
    assert [count[1:] for count in counts] == [(0, 0, 0)] * 3, results
    assert reads >= 2000


PUBLISHER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from synthetic import publish_generation
publish_generation(Path(sys.argv[1]), 2)
"""


@pytest.mark.parametrize(
    ("point", "seen"),
    [("before_rename", 1), ("after_rename", 1), ("after_symlink", 2), ("before_retention", 2)],
)
def test_a_kill_while_publishing_leaves_the_old_or_the_new_version(
    tmp_path: Path, point: str, seen: int
) -> None:
    publish_generation(tmp_path, 1)

    killed = subprocess.run(
        [sys.executable, "-c", PUBLISHER, str(tmp_path), str(FOLDER)],
        env={"CRASH_AT": point, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )

    assert killed.returncode == -9, killed.stderr
    with open_published(tmp_path) as con:
        assert con.execute("select distinct generation from metrics.kpi_values").fetchall() == [(seen,)]
    publish_generation(tmp_path, 3)
    current = current_version(tmp_path)
    assert current is not None and current.manifest["run_id"] == "run-3"
    assert (tmp_path / "published/parquet/revenue/people.parquet").exists()


def test_the_first_publish_may_die_too(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", PUBLISHER, str(tmp_path), str(FOLDER)],
        env={"CRASH_AT": "after_symlink", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
    )
    assert killed.returncode == -9
    publish_generation(tmp_path, 3)

    assert len(versions(tmp_path)) == 2
    with open_published(tmp_path) as con:
        assert con.execute("select distinct generation from metrics.kpi_values").fetchall() == [(3,)]


HOLDER = """
import sys, time
from pathlib import Path
from orchestration.publish.lock import single_writer
with single_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_refused_with_the_holders_process_id_and_the_lock_dies_with_it(
    tmp_path: Path,
) -> None:
    other = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "held\n"

    assert holder(tmp_path) == str(other.pid)
    with pytest.raises(LockHeld, match=f"process {other.pid}"), single_writer(tmp_path):
        pass
    other.kill()
    other.wait()
    started = time.monotonic()
    with single_writer(tmp_path):
        assert time.monotonic() - started < 1
    assert holder(tmp_path) is None


FULL_DISK = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from synthetic import MANIFEST, write_build, write_candidate
home = Path(sys.argv[1])
write_build(home / "work/2/build.duckdb", 2, 200_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
from orchestration.run import _is_full_disk
try:
    write_candidate(home / "work/2/build.duckdb", home / "work/2/candidate", MANIFEST, "full")
except Exception as failure:
    print("full disk" if _is_full_disk(failure) else repr(failure))
"""


def test_a_disk_that_fills_up_while_writing_is_recognised_and_harms_no_reader(tmp_path: Path) -> None:
    publish_generation(tmp_path, 1)

    outcome = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), str(FOLDER)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )

    assert outcome.stdout == "full disk\n", outcome.stderr
    with open_published(tmp_path) as con:
        assert con.execute("select distinct generation from metrics.kpi_values").fetchall() == [(1,)]


@pytest.mark.slow
def test_a_published_file_opens_in_duckdb_1_2(tmp_path: Path) -> None:
    version = publish_generation(tmp_path / "home", 1)
    installer = shutil.which("uv") or shutil.which("pip")
    assert installer is not None, "uv or pip is needed to install DuckDB 1.2.2"
    command = [installer, *(["pip"] if installer.endswith("uv") else []), "install", "--quiet"]
    subprocess.run([*command, "--target", str(tmp_path / "old"), "duckdb==1.2.2"], check=True)
    script = (
        "import duckdb, sys; con = duckdb.connect(sys.argv[1], read_only=True);"
        "print(duckdb.__version__, con.execute('select count(*) from revenue.people').fetchall())"
    )

    seen = subprocess.run(
        [sys.executable, "-c", script, str(version.folder / "revops.duckdb")],
        env={"PYTHONPATH": str(tmp_path / "old")},
        capture_output=True,
        text=True,
    )

    assert seen.stdout == "1.2.2 [(50,)]\n", seen.stderr
