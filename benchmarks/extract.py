"""What it costs to read a vendor's API into the raw log, beside a bare loop over the same pages.

`make extraction`, or .venv/bin/python benchmarks/extract.py [--touches 1000000] [--deals 50000]

A stand-in of Salesforce in a process of its own holds so many tasks and opportunities, as pages of 2,000 that
are ready to be sent. Then, each in a process of its own:
- the floor: requests over one connection and json.loads of every answer, and nothing else;
- the extraction: the same pages through the connector into landing.duckdb, empty before;
- the extraction again, after one record in a hundred changed.

Printed are rows per second of wall time and of CPU time, which counts every thread and hardly depends on what
else the machine does, both as a multiple of the floor's cost, and the largest resident set.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from sandbox import ids
from sandbox.vendors.salesforce import PAGE_SIZE, PREFIXES, SalesforceStandIn, stamp
from sandbox.vendors.server import Answer, Request
from sandbox.vendors.store import Record, Store

PROJECT = Path(__file__).resolve().parents[1]
FIRST_DAY = datetime(2025, 1, 1)
CHANGED_AT = datetime(2026, 6, 30, 12)
ONE_IN = 100
STAGES = ("Prospecting", "Qualified", "Proposal", "Negotiation", "Closed Won", "Closed Lost")
_SINCE = re.compile(r"SystemModstamp >= (\S+)")
_DATA = "/services/data/v62.0"


# --- the stand-in ---------------------------------------------------------------------------------


def task(number: int) -> Record:
    """An activity of a rep with a person, one of many million."""
    at = FIRST_DAY + timedelta(seconds=30 * number)
    return {
        "Id": ids.salesforce(PREFIXES["Task"], str(number)),
        "WhoId": ids.salesforce(PREFIXES["Contact"], str(number % 40_009)),
        "WhatId": ids.salesforce(PREFIXES["Opportunity"], str(number % 50_000)),
        "AccountId": ids.salesforce(PREFIXES["Account"], str(number % 9_973)),
        "OwnerId": ids.salesforce(PREFIXES["User"], str(number % 97)),
        "Subject": f"Call about offer {number % 1_000}",
        "Status": "Completed",
        "Type": "Call",
        "TaskSubtype": "Call",
        "ActivityDate": at.date().isoformat(),
        "Channel__c": "Outbound",
        **_stamps(at),
    }


def opportunity(number: int) -> Record:
    """A deal."""
    at = FIRST_DAY + timedelta(minutes=10 * number)
    stage = STAGES[number % len(STAGES)]
    return {
        "Id": ids.salesforce(PREFIXES["Opportunity"], str(number)),
        "Name": f"Deal {number}",
        "AccountId": ids.salesforce(PREFIXES["Account"], str(number % 9_973)),
        "OwnerId": ids.salesforce(PREFIXES["User"], str(number % 97)),
        "StageName": stage,
        "Amount": 100.25 * (number % 997),
        "CurrencyIsoCode": "USD",
        "Probability": 50.0,
        "ForecastCategoryName": "Commit",
        "CloseDate": (at + timedelta(days=90)).date().isoformat(),
        "IsClosed": stage.startswith("Closed"),
        "IsWon": stage == "Closed Won",
        "LeadSource": "Web",
        "Type": "New Business",
        "Product__c": "Core",
        **_stamps(at),
    }


def _stamps(at: datetime) -> Record:
    return {
        "CreatedDate": stamp(at),
        "LastModifiedDate": stamp(at),
        "SystemModstamp": stamp(at),
        "IsDeleted": False,
    }


class BigOrg(SalesforceStandIn):
    """An org whose answers are ready, so that serving costs next to nothing."""

    def __init__(self, touches: int, deals: int) -> None:
        super().__init__(Store())
        self._sizes = {"Task": touches, "Opportunity": deals}
        self._make = {"Task": task, "Opportunity": opportunity}
        self._pages = {name: self._rendered(name, range(size), name) for name, size in self._sizes.items()}

    def _data(self, request: Request) -> Answer:
        path = request.path.removeprefix(_DATA)
        if path == "/sobjects":
            return Answer({"sobjects": [{"name": name} for name in self._sizes]})
        if path.endswith("/describe"):
            example = self._make[path.split("/")[2]](0)
            return Answer({"fields": [{"name": name, "type": "string"} for name in example]})
        if path.startswith("/query/"):
            name, _, number = path.removeprefix("/query/").rpartition("-")
            return Answer(self._pages[name][int(number)])
        soql = request.get("q")
        name = "Task" if " FROM Task" in soql else "Opportunity"
        if "COUNT()" in soql:
            return Answer({"totalSize": self._sizes[name], "done": True, "records": []})
        since = _SINCE.search(soql)
        if since and since[1] > stamp(FIRST_DAY + timedelta(days=1)):
            name = f"{name}-changed"
        return Answer(self._pages[name][0])

    def change(self) -> None:
        """One record in so many gets a later time of change, and with it another owner."""
        now = {"SystemModstamp": stamp(CHANGED_AT), "OwnerId": ids.salesforce(PREFIXES["User"], "new")}
        for name, size in self._sizes.items():
            changed, called = range(0, size, ONE_IN), f"{name}-changed"
            self._pages[called] = self._rendered(name, changed, called, now)

    def _rendered(self, name: str, numbers: range, called: str, changes: Record | None = None) -> list[bytes]:
        pages = []
        for start in range(0, max(1, len(numbers)), PAGE_SIZE):
            some = numbers[start : start + PAGE_SIZE]
            records = [
                {"attributes": {"type": name}, **self._make[name](number), **(changes or {})}
                for number in some
            ]
            answer: Record = {"totalSize": len(numbers), "done": True, "records": records}
            if start + PAGE_SIZE < len(numbers):
                answer |= {"done": False, "nextRecordsUrl": f"{_DATA}/query/{called}-{len(pages) + 1}"}
            pages.append(json.dumps(answer).encode())
        return pages


# --- in the measured processes --------------------------------------------------------------------


@dataclass(frozen=True)
class Cost:
    """Seconds, rows, and the largest resident set in bytes."""

    wall: float
    cpu: float
    rows: int
    memory: int


def measured(what: str, address: str, home: Path, run: int) -> Cost:
    """Read everything, or what changed, once."""
    # What Python and its packages cost before the first request is not what is measured.
    reading = {"floor": _floor, "extraction": _extraction}[what](address, home, run)
    wall, cpu = time.monotonic(), time.process_time()
    rows = reading()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Cost(time.monotonic() - wall, time.process_time() - cpu, rows, used.ru_maxrss * 1024)


def _floor(address: str, home: Path, run: int) -> Any:
    def read() -> int:
        session = requests.Session()
        session.trust_env = False
        form = {"grant_type": "client_credentials", **BigOrg.credentials}
        token = session.post(f"{address}/services/oauth2/token", data=form).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        rows = 0
        for name in ("Task", "Opportunity"):
            path: str | None = f"{_DATA}/queryAll?q=SELECT Id FROM {name}"
            while path:
                answer = json.loads(session.get(address + path).content)
                rows += len(answer["records"])
                path = answer.get("nextRecordsUrl")
        return rows

    return read


def _extraction(address: str, home: Path, run: int) -> Any:
    import dlt.destinations
    import dlt.pipeline  # noqa: F401

    from orchestration.settings import load_settings
    from orchestration.sources import extract, loading  # noqa: F401
    from orchestration.sources.salesforce import extract as salesforce

    salesforce.TABLES = tuple(table for table in salesforce.TABLES if table.name in ("task", "opportunity"))
    config = home / "revops.yml"
    config.write_text(f"sources: [{{name: crm, kind: salesforce, base_url: '{address}'}}]\n")
    for name, value in BigOrg.credentials.items():
        os.environ[f"REVOPS_CRM_{name}".upper()] = value
    settings = load_settings(config)
    at = CHANGED_AT + timedelta(days=run)

    def read() -> int:
        found = extract(settings.source("crm"), settings, home, home / "work" / str(run), f"run{run}", at)
        return sum(entity.rows_appended for entity in found.entities)

    return read


# --- in the process that measures -----------------------------------------------------------------


def in_process(what: str, address: str, home: Path, run: int) -> Cost:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.extract", "--measure", what, address, str(home), str(run)]
    done = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def line(name: str, cost: Cost, floor: Cost) -> str:
    """A line of the table."""
    return (
        f"{name:<22}{cost.rows:>11,}{cost.wall:>9.1f}{cost.cpu:>9.1f}{cost.rows / cost.wall:>12,.0f}"
        f"{cost.rows / cost.cpu:>12,.0f}{cost.wall / floor.wall:>8.2f}{cost.cpu / floor.cpu:>8.2f}"
        f"{cost.memory / 2**20:>9,.0f}"
    )


def compare(touches: int, deals: int) -> None:
    """Print what reading costs and what its floor costs."""
    serve = [sys.executable, "-m", "benchmarks.extract", "--serve", str(touches), str(deals)]
    server = subprocess.Popen(serve, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdin is not None and server.stdout is not None
        address = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            print(
                f"{'':<22}{'rows':>11}{'wall s':>9}{'CPU s':>9}{'rows/wall s':>12}{'rows/CPU s':>12}"
                f"{'×wall':>8}{'×CPU':>8}{'MB':>9}"
            )
            floor = in_process("floor", address, home, 1)
            print(line("bare loop", floor, floor), flush=True)
            print(line("extraction, first", in_process("extraction", address, home, 1), floor), flush=True)
            server.stdin.write("change\n")
            server.stdin.flush()
            server.stdout.readline()
            second = in_process("extraction", address, home, 2)
            print(line("extraction, 1 % changed", second, floor), flush=True)
    finally:
        server.kill()
        server.wait()


def serve(touches: int, deals: int) -> None:
    """Serve until told otherwise; a line on the standard input changes the share."""
    with BigOrg(touches, deals) as org:
        print(org.base_url, flush=True)
        for _ in sys.stdin:
            org.change()
            print("changed", flush=True)


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--touches", type=int, default=1_000_000)
    parser.add_argument("--deals", type=int, default=50_000)
    parser.add_argument("--serve", type=int, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(*given.serve)
    elif given.measure:
        what, address, home, run = given.measure
        print(json.dumps(asdict(measured(what, address, Path(home), int(run)))))
    else:
        compare(given.touches, given.deals)


if __name__ == "__main__":
    main()
