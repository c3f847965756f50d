"""How good are forecasts and scores, and what does each part of the insight cost? Several pretend companies
are lived, delivered and run in full, each with another seed, and their records are pooled.

python benchmarks/insight.py [--seeds 1 2 3 4 7] [--scale 1.0] [--as-of 2026-11-24] [--homes FOLDER]

With `--homes`, FOLDER/<seed>/home is looked at as it is, and run only where it is missing.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from orchestration import insight
from orchestration.contract import PROJECT_ROOT
from orchestration.insight import lead_scores, renewal_scores, scores
from orchestration.insight.measures import measure
from orchestration.insight.pipeline import read_states
from orchestration.insight.score_tables import past_days
from orchestration.insight.scoring import Foretold, learn
from orchestration.settings import Reporting
from orchestration.warehouse import open_published

_POOLED = (
    "select horizon_days, method, sum(abs(actual - forecast)) as error, sum(actual) as actual,"
    " count(case when low <= actual and actual <= high then 1 end) as inside, count(low) as bounded"
    " from metrics.forecast_backtest where unit = 'company' and actual is not null group by all order by all"
)
# One table of each part of orchestration/insight.
_PARTS = (
    "retention_curves",
    "purchase_values",
    "outcome_curves",
    "attribution",
    "bottlenecks",
    "handoffs",
    "team_comparisons",
    "revenue_forecast",
    "score_records",
)


def main() -> None:
    """Run every company, then print errors by horizon, coverage, records of the scores, and costs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 7])
    parser.add_argument("--scale", default="1.0")
    parser.add_argument("--as-of", default="2026-11-24")
    parser.add_argument("--homes", type=Path)
    said = parser.parse_args()
    as_of = date.fromisoformat(said.as_of)
    forecasts: dict[tuple[int, str], list[float]] = defaultdict(lambda: [0.0] * 4)
    foretold: dict[str, list[Foretold]] = defaultdict(list)
    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for seed in said.seeds:
            home = _run((said.homes or Path(folder)) / str(seed), seed, said.scale, said.as_of)
            with open_published(home) as con:
                for horizon, method, *numbers in con.execute(_POOLED).fetchall():
                    sums = forecasts[horizon, method]
                    forecasts[horizon, method] = [a + b for a, b in zip(sums, numbers, strict=True)]
                _score(con, as_of, foretold)
            copy = Path(folder) / "copy.duckdb"
            shutil.copy(home / "published" / "revops.duckdb", copy)
            _time(copy, as_of, seconds)
    _print_forecasts(forecasts)
    _print_scores(foretold)
    whole = sum(float(np.mean(each)) for each in seconds.values())
    print("\nseconds of each part, mean over companies, and its share of the insight")
    for part, spent in seconds.items():
        print(f"  {part:<18} {np.mean(spent):6.2f} {np.mean(spent) / whole:6.0%}")


def _score(con: duckdb.DuckDBPyConnection, as_of: date, foretold: dict[str, list[Foretold]]) -> None:
    """What the scores foretold of one company on past days."""

    def days_from(table: str, column: str) -> list[date]:
        return past_days(con.execute(f"select min({column}) from revenue.{table}").fetchall()[0][0], as_of)

    states = read_states(con, "UTC")
    days = past_days(date.fromordinal(states.first_day), as_of)
    customer_days = days_from("recurring_revenue_history", "valid_from")
    panels = {
        "deal won": scores.deal_panel(con, states, days, as_of)[0],
        "customer lost": scores.customer_panel(con, customer_days, as_of)[0],
        "contract not renewed": renewal_scores.renewal_panel(
            con, days_from("contracts", "term_starts_on"), as_of
        )[0],
        "lead becomes a deal": lead_scores.lead_panel(con, days_from("leads", "created_on"), as_of)[0],
    }
    for name, panel in panels.items():
        learned = learn(panel)
        if learned.foretold is not None:
            foretold[name].append(learned.foretold)
        print(f"{name:<22} {'shown' if learned.is_shown else f'not shown: needs {learned.needs}'}")


def _time(file: Path, as_of: date, seconds: dict[str, list[float]]) -> None:
    with duckdb.connect(str(file), config={"threads": 1}) as con:
        # tasks are the only thing the insight reads that is not published: counted as none
        con.execute("create schema entry")
        con.execute(
            "create table entry.tasks (department varchar, opened_at timestamp, done_at timestamp,"
            " is_deleted boolean)"
        )
        con.execute("create schema rules")
        for seed in sorted((PROJECT_ROOT / "seeds").glob("*.csv")):
            con.execute(
                f"create table rules.{seed.stem} as select * from read_csv('{seed}', all_varchar = true)"
            )
        for part in _PARTS:
            began = time.process_time()
            insight.write(con, as_of, Reporting(), {part})
            seconds[part].append(time.process_time() - began)


def _print_forecasts(pooled: dict[tuple[int, str], list[float]]) -> None:
    print("\nforecasts of the company: error / what came, by days before the end of the quarter")
    for (horizon, method), (error, came, inside, bounded) in sorted(pooled.items(), reverse=True):
        coverage = f", {inside / bounded:.0%} within low and high" if bounded else ""
        print(f"  {horizon:>4} {method:<18} {error / came:.3f}{coverage}")


def _print_scores(foretold: dict[str, list[Foretold]]) -> None:
    print("\nscores on later days than they were learned from, all companies together")
    for name, found in foretold.items():
        came = np.concatenate([each.came for each in found])
        case = np.concatenate([each.case + 1_000_000 * n for n, each in enumerate(found)])
        model = measure(np.concatenate([each.chances for each in found]), came, case)
        base = measure(np.concatenate([each.base for each in found]), came, case)
        print(
            f"  {name:<22} log-loss {model.log_loss:.4f}, of the base rate {base.log_loss:.4f};"
            f" calibration error {model.calibration_error:.3f}, by chance {model.calibration_noise:.3f};"
            f" area {model.area:.3f}; {len(found)} companies"
        )


def _run(folder: Path, seed: int, scale: str, as_of: str) -> Path:
    home = folder / "home"
    if (home / "published" / "revops.duckdb").exists():
        return home
    folder.mkdir(parents=True)
    config = folder / "revops.yml"
    shutil.copy(PROJECT_ROOT / "revops.yml", config)
    revops = [sys.executable, "-c", "from orchestration.cli import main; main()"]
    lived = ["sandbox", "deliver", "--seed", str(seed), "--scale", scale, "--until", as_of]
    for command in (lived, ["run", "--home", str(home), "--as-of", as_of]):
        subprocess.run(
            [*revops, *command, "--config", str(config)],
            check=True,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        )
    return home


if __name__ == "__main__":
    main()
