"""What a whole run costs, step by step, against its SQL alone.

`make bench`, or .venv/bin/python benchmarks/run.py [--scales 1 10] [--repeats 3] [--work FOLDER]

For each scale the pretend company delivers its exports once. Then, `repeats` times in turn, each in a process
of its own:
- a whole `revops run` from an empty home folder, with CPU and wall seconds of each step;
- the SQL of that run alone: every model and every test as dbt compiles it, one after the other on one DuckDB
  connection, on a copy of that run's build, whose tables they replace, with as many threads as dbt gets.

Printed are medians. CPU seconds are user and system time of the process and its children: they count every
thread and hardly depend on what else the machine does; wall seconds do. "dbt" is SQL, tests and its own work
for each of them. "Dagster, imports, rest" is what the process spends outside the steps: the interpreter,
imports, dbt's parsed manifest, the Dagster job and its event log. The first run of a version of the code also
parses the dbt project; one run before the timed ones takes that away.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
LAST_DAY = date(2026, 6, 30)
THREADS = 2
# dbt writes the name of the database into what it compiles: the copy is used under the name of the original.
BUILD, FINISHED = "build.duckdb", "finished.duckdb"
DBT_STEPS = ("entry", "warehouse")
ROWS = ("extract", "dbt", "identity", "audit", "publish", "Dagster, imports, rest", "whole run")


@dataclass(frozen=True)
class Cost:
    """Seconds; memory is the largest resident set in bytes, 0 where it is not measured."""

    wall: float
    cpu: float
    memory: int = 0


# --- in the measured process ----------------------------------------------------------------------


def measured_run(config: Path, home: Path, keep: Path | None) -> dict[str, Cost]:
    """One whole run; the cost of each step. `keep` is a folder for its finished build and its inputs."""
    from rich.console import Console

    from orchestration.job import execute
    from orchestration.reporter import Reporter
    from orchestration.run import RunOptions, open_run
    from orchestration.settings import load_settings

    costs: dict[str, Cost] = {}

    class Meter(Reporter):
        @contextmanager
        def step(self, name: str) -> Iterator[None]:
            if name == "audit" and keep is not None:
                shutil.copy(run.build_file, keep / FINISHED)
            with measuring(costs, name):
                yield

    settings = load_settings(config)
    with open_run(settings, home, RunOptions(as_of=LAST_DAY), Meter(Console(quiet=True))) as run:
        execute(run)
    if keep is not None:
        (keep / "inputs.json").write_text(json.dumps(run.inputs))
    return costs


def measured_sql(statements: Path, build: Path, landing: Path) -> dict[str, Cost]:
    """The models and then the tests of a run on one connection."""
    import duckdb

    work: dict[str, list[str]] = json.loads(statements.read_text())
    costs: dict[str, Cost] = {}
    con = duckdb.connect(str(build), config={"threads": THREADS})
    con.execute("set TimeZone = 'UTC'")
    con.execute("attach '" + str(landing).replace("'", "''") + "' as landing (read_only)")
    for kind in ("models", "tests"):
        with measuring(costs, kind):
            for statement in work[kind]:
                con.execute(statement).fetchall()
    con.close()
    return costs


@contextmanager
def measuring(costs: dict[str, Cost], name: str) -> Iterator[None]:
    """Add what the block costs to `costs`."""
    wall, cpu = time.monotonic(), _cpu()
    try:
        yield
    finally:
        before = costs.get(name, Cost(0, 0))
        costs[name] = Cost(before.wall + time.monotonic() - wall, before.cpu + _cpu() - cpu)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


# --- in the process that measures -----------------------------------------------------------------


def in_process(*arguments: str | Path) -> tuple[Cost, dict[str, Cost]]:
    """Run this script in a process of its own; its whole cost and what it measured itself."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, __file__, *map(str, arguments)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(
            f"{' '.join(map(str, arguments))} ended with exit code {os.waitstatus_to_exitcode(status)}."
        )
    whole = Cost(time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)
    return whole, {name: Cost(**cost) for name, cost in json.loads(said.splitlines()[-1]).items()}


def delivered(folder: Path, scale: float) -> Path:
    """Let the pretend company deliver; the path of the configuration beside its exports."""
    folder.mkdir(parents=True)
    config = folder / "revops.yml"
    shutil.copy(PROJECT / "revops.yml", config)
    revops = Path(sys.executable).with_name("revops")
    command = [revops, "sandbox", "deliver", "--config", config, "--until", LAST_DAY.isoformat()]
    subprocess.run([*command, "--scale", str(scale)], check=True, stdout=subprocess.DEVNULL)
    return config


def compiled(folder: Path, config: Path) -> Path:
    """The statements of models and tests as dbt compiles them for the run whose inputs lie in `folder`."""
    from orchestration.settings import load_settings
    from orchestration.transform import document

    inputs = json.loads((folder / "inputs.json").read_text())
    compiled_in = folder / "compiled"
    compiled_in.mkdir()
    settings = load_settings(config)
    nodes = document(compiled_in, settings=settings, as_of=LAST_DAY, inputs=inputs)["nodes"]
    models = {name: node for name, node in nodes.items() if node["resource_type"] == "model"}
    tests = [node["compiled_code"] for node in nodes.values() if node["resource_type"] == "test"]
    statements = {
        "models": [
            f"create or replace {model['config']['materialized']} {model['relation_name']}"
            f" as {model['compiled_code']}"
            for model in _after_what_they_read(models)
        ],
        "tests": [f"select count(*) from ({test}) as failing" for test in tests],
    }
    path = folder / "statements.json"
    path.write_text(json.dumps(statements))
    return path


def _after_what_they_read(models: dict[str, Any]) -> list[Any]:
    from graphlib import TopologicalSorter

    graph = {
        name: [each for each in model["depends_on"]["nodes"] if each in models]
        for name, model in models.items()
    }
    return [models[name] for name in TopologicalSorter(graph).static_order()]


def grouped(whole: Cost, steps: dict[str, Cost]) -> dict[str, Cost]:
    """The steps of a run under the names of the table; what no step accounts for is the rest."""

    def total(names: list[str]) -> Cost:
        return Cost(sum(steps[name].wall for name in names), sum(steps[name].cpu for name in names))

    groups = {
        "extract": total([name for name in steps if name.startswith("extract ")]),
        "dbt": total([name for name in DBT_STEPS if name in steps]),
        **{name: total([name]) for name in ("identity", "audit", "publish")},
    }
    known = Cost(sum(each.wall for each in groups.values()), sum(each.cpu for each in groups.values()))
    groups["Dagster, imports, rest"] = Cost(whole.wall - known.wall, whole.cpu - known.cpu)
    groups["whole run"] = whole
    return groups


def middle(costs: list[Cost]) -> Cost:
    """The median of each number."""
    return Cost(
        median(cost.wall for cost in costs),
        median(cost.cpu for cost in costs),
        int(median(cost.memory for cost in costs)),
    )


def benchmark(scale: float, repeats: int, work: Path) -> None:
    """Measure one scale and print its table."""
    folder = work / f"scale_{scale:g}"
    config = delivered(folder, scale)
    raw = sum(path.stat().st_size for path in (folder / "data").rglob("*") if path.is_file())
    first = folder / "first"
    in_process("run", "--config", config, "--home", first, "--keep", folder)
    statements = compiled(folder, config)

    runs: list[dict[str, Cost]] = []
    alone: list[dict[str, Cost]] = []
    for number in range(repeats):
        home = folder / f"home_{number}"
        runs.append(grouped(*in_process("run", "--config", config, "--home", home)))
        shutil.copy(folder / FINISHED, folder / BUILD)
        whole, parts = in_process(
            "sql",
            "--statements",
            statements,
            "--build",
            folder / BUILD,
            "--landing",
            first / "landing.duckdb",
        )
        alone.append({**parts, "process": whole})
        if number < repeats - 1:
            shutil.rmtree(home)
    published = home / "published" / "revops.duckdb"
    print_table(scale, repeats, raw, published.resolve().stat().st_size, runs, alone)


def print_table(
    scale: float,
    repeats: int,
    raw: int,
    published: int,
    runs: list[dict[str, Cost]],
    alone: list[dict[str, Cost]],
) -> None:
    """Medians over the repeats, and how they relate."""
    costs = {name: middle([run[name] for run in runs]) for name in ROWS}
    sql = {name: middle([each[name] for each in alone]) for name in alone[0]}
    both = Cost(sql["models"].wall + sql["tests"].wall, sql["models"].cpu + sql["tests"].cpu)
    whole = costs["whole run"]
    sizes = f"{raw / 1e6:.1f} MB of exports, {published / 1e6:.1f} MB published"
    print(f"\nscale {scale:g}: {sizes}, medians of {repeats}")
    print(f"{'':26}{'wall s':>9}{'CPU s':>9}{'CPU share':>11}{'CPU / SQL':>11}")
    alone_rows = {"SQL alone: models": sql["models"], "SQL alone: tests": sql["tests"], "SQL alone": both}
    for name, cost in (costs | alone_rows).items():
        share, ratio = cost.cpu / whole.cpu, cost.cpu / both.cpu
        print(f"{name:26}{cost.wall:9.2f}{cost.cpu:9.2f}{share:10.0%} {ratio:10.1f}x")
    peaks = f"{whole.memory / 1e6:.0f} MB of a run, {sql['process'].memory / 1e6:.0f} MB of its SQL alone"
    print(f"peak memory: {peaks}", flush=True)


def main() -> None:
    """Measure, or be measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scales", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--work", type=Path, default=PROJECT / "target" / "bench", help="emptied first; removed afterwards"
    )
    commands = parser.add_subparsers(dest="command")
    run = commands.add_parser("run")
    run.add_argument("--config", type=Path, required=True)
    run.add_argument("--home", type=Path, required=True)
    run.add_argument("--keep", type=Path, default=None)
    sql = commands.add_parser("sql")
    for name in ("--statements", "--build", "--landing"):
        sql.add_argument(name, type=Path, required=True)
    given = parser.parse_args()
    if given.command == "run":
        costs = measured_run(given.config, given.home, given.keep)
    elif given.command == "sql":
        costs = measured_sql(given.statements, given.build, given.landing)
    else:
        work = given.work.absolute()
        shutil.rmtree(work, ignore_errors=True)
        for scale in given.scales:
            benchmark(scale, given.repeats, work)
        shutil.rmtree(work)
        return
    print(json.dumps({name: asdict(cost) for name, cost in costs.items()}))


if __name__ == "__main__":
    main()
