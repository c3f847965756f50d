"""A company in CSV files and the whole pipeline run on it in this process, models included."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console

from orchestration import run as steps
from orchestration.reporter import Reporter
from orchestration.run import RunOptions, open_run
from orchestration.settings import Settings, load_settings
from orchestration.warehouse import published_file


def write_source(root: Path, name: str = "acme", **entities: Sequence[Mapping[str, Any]]) -> None:
    """{root}/{name}/{entity}.csv in entry columns; every row has the columns of the first."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    for entity, rows in entities.items():
        with (folder / f"{entity}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def configure(root: Path, *, currency: str = "USD", people: str = "masked") -> Settings:
    """Every folder in `root` with CSV files is a source; rules lie in {root}/rules."""
    names = sorted(
        path.name
        for path in root.iterdir()
        if path.is_dir() and list(path.glob("*.csv")) and path.name != "rules"
    )
    lines = [
        f"reporting: {{currency: {currency}}}",
        f"publish: {{people: {people}}}",
        "rules: rules",
        "sources:",
        *(f"  - {{name: {name}, kind: files, path: {name}}}" for name in names),
    ]
    (root / "rules").mkdir(exist_ok=True)
    (root / "revops.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_settings(root / "revops.yml")


def publish(settings: Settings, home: Path, as_of: date, **options: Any) -> None:
    """One whole run."""
    quiet = Reporter(Console(file=StringIO()))
    with open_run(settings, home, RunOptions(as_of=as_of, **options), quiet) as run:
        for source in run.sources_to_extract:
            steps.extract_source(run, source)
        steps.build_entry(run, lambda node: None)
        steps.resolve_identities(run)
        steps.build_warehouse(run, lambda node: None)
        steps.write_and_audit(run)
        steps.publish_candidate(run)


def published(home: Path, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows of the published file."""
    with duckdb.connect(str(published_file(home).resolve()), read_only=True) as con:
        return con.execute(query, list(values)).fetchall()
