"""Killed at any point of a load, the next run ends where an undisturbed one would have."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]

RUN = """
import sys
from datetime import datetime
from pathlib import Path
from orchestration.settings import load_settings
from orchestration.sources import extract
root, run = Path(sys.argv[1]), sys.argv[2]
settings = load_settings(root / "revops.yml")
home = root / "home"
extract(settings.sources[0], settings, home, home / "work" / run, run, datetime(2026, 11, 1, int(run)))
"""


def run(root, hour, crash_at=None):
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    if crash_at:
        environment["CRASH_AT"] = crash_at
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(root), str(hour)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == (-signal.SIGKILL if crash_at else 0), done.stderr


def write(company, stage):
    company.write_rows(
        "opportunities.csv", ["source_id", "stage"], [[f"d{number}", stage] for number in range(500)]
    )
    company.write_rows("accounts.csv", ["source_id", "name"], [[f"a{number}", stage] for number in range(50)])


def state(company):
    """What counts: content of the finished versions, without what differs from load to load."""
    deals = [
        (row["source_id"], row["stage"], row["_content_hash"]) for row in company.versions("opportunities")
    ]
    accounts = [(row["source_id"], row["name"], row["_content_hash"]) for row in company.versions("accounts")]
    return deals, accounts, company.column("opportunities", "stage")


@pytest.mark.slow
@pytest.mark.parametrize("point", ["after_extract", "after_normalize", "marker", "after_load"])
def test_a_killed_load_followed_by_a_run_equals_an_undisturbed_run(company, tmp_path_factory, point):
    undisturbed = type(company)(tmp_path_factory.mktemp("undisturbed"))
    for each, crashes in ((undisturbed, False), (company, True)):
        write(each, "Open")
        run(each.root, 1)
        write(each, "Won")
        if crashes:
            run(each.root, 2, crash_at=point)
        run(each.root, 3)
    assert state(company) == state(undisturbed)
    assert set(company.column("opportunities", "stage").values()) == {"Won"}


@pytest.mark.slow
def test_rows_of_a_killed_first_load_never_count_and_are_removed(company):
    write(company, "Open")
    run(company.root, 1, crash_at="marker")
    left = company.query("select count(*) as n from raw_acme.opportunities")[0]["n"]
    assert left == 500, "the kill must hit after the data was committed, or it proves nothing"
    assert company.versions("opportunities") == []
    run(company.root, 2)
    assert company.query("select count(*) as n from raw_acme.opportunities")[0]["n"] == 500
    assert len(company.versions("opportunities")) == 500
    assert company.query("select count(*) as n from raw_acme._reads")[0]["n"] == 2


@pytest.mark.slow
def test_three_kills_in_a_row_leave_no_trace(company):
    write(company, "Open")
    for hour, point in enumerate(["marker", "after_extract", "marker"], start=1):
        run(company.root, hour, crash_at=point)
    run(company.root, 4)
    assert len(company.versions("opportunities")) == 500
    assert len(company.versions("accounts")) == 50
    assert not (company.home / "landing.duckdb.wal").exists()
