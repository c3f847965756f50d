"""What the business edits: the CSVs of seeds/, overridden by those of the rules folder of revops.yml.

Every value stays text; models cast it. A file of the rules folder replaces the seed of the same name whole.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import duckdb

from orchestration.contract import PROJECT_ROOT
from orchestration.errors import ConfigurationError
from orchestration.settings import nearest

SEEDS = PROJECT_ROOT / "seeds"

_BOOLEANS = {"true", "false", "t", "f", "yes", "no", "y", "n", "1", "0"}
_SHARED_STAGES = ("prospecting", "qualified", "proposal", "negotiation", "won", "lost")


def _is_boolean(text: str) -> bool:
    return text.lower() in _BOOLEANS


def _is_integer(text: str) -> bool:
    return text.lstrip("+-").isdigit()


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _is_rate(text: str) -> bool:
    return _is_number(text) and 0 < Decimal(text) < 10**8


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_currency(text: str) -> bool:
    return len(text) == 3 and text.isalpha()


# (rules file, column) -> what a value must be, and whether it may be empty
_CHECKS: dict[tuple[str, str], tuple[Callable[[str], bool], str, bool]] = {
    ("stage_mapping", "source_system"): (bool, "a source name", False),
    ("stage_mapping", "stage"): (bool, "a stage word of the source", False),
    ("stage_mapping", "shared_stage"): (
        lambda t: t.lower() in _SHARED_STAGES,
        f"one of {', '.join(_SHARED_STAGES)}",
        False,
    ),
    ("stage_mapping", "stage_order"): (_is_integer, "a whole number", True),
    ("stage_mapping", "is_closed"): (_is_boolean, "true or false", False),
    ("stage_mapping", "is_won"): (_is_boolean, "true or false", False),
    ("exchange_rates", "from_currency"): (_is_currency, "a three-letter currency code", False),
    ("exchange_rates", "to_currency"): (_is_currency, "a three-letter currency code", False),
    ("exchange_rates", "valid_from"): (_is_date, "a date (YYYY-MM-DD)", False),
    ("exchange_rates", "rate"): (_is_rate, "a number above 0", False),
    ("exchange_rates", "kind"): (lambda t: t.lower() in ("spot", "plan"), "spot or plan", False),
    ("targets", "kpi"): (bool, "the name of a KPI", False),
    ("targets", "period_start"): (_is_date, "a date (YYYY-MM-DD)", False),
    ("targets", "target"): (_is_number, "a number", False),
    ("metric_policy", "policy"): (bool, "the name of a policy", False),
    ("metric_policy", "setting"): (bool, "the name of a setting", False),
}


def merge(rules: Path | None, into: Path) -> Path:
    """Copy the seeds to `into`, each replaced by the file of the same name in `rules`, and check every one.

    Raises ConfigurationError naming the file, the line and the column of the first mistake.
    """
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    seeds = {path.name: path for path in sorted(SEEDS.glob("*.csv"))}
    overrides = {path.name: path for path in sorted(rules.glob("*.csv"))} if rules and rules.is_dir() else {}
    for name in overrides:
        if name not in seeds:
            guess = nearest(name, seeds)
            hint = f" Did you mean {guess}?" if guess else ""
            raise ConfigurationError(
                f"{overrides[name]}: there is no rules file of this name.{hint} Known: {', '.join(seeds)}."
            )
    for name, seed in seeds.items():
        columns, _ = _read(seed)
        path = overrides.get(name, seed)
        found, rows = _read(path)
        missing = [column for column in columns if column not in found]
        unknown = [column for column in found if column not in columns]
        if missing or unknown:
            wrong = f"has no column {missing[0]}" if missing else f"has an unknown column {unknown[0]}"
            raise ConfigurationError(f"{path} {wrong}; its columns must be {','.join(columns)}.")
        for line, row in rows:
            _check(path, seed.stem, line, row)
        with (into / name).open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([row[column] for column in columns] for _, row in rows)
    return into


def load(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Load the merged rules into schema `rules`, one table per file, every column text, empty cells null."""
    con.execute("create schema if not exists rules")
    for path in sorted(folder.glob("*.csv")):
        columns, _ = _read(path)
        types = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
        con.execute(
            f'create or replace table rules."{path.stem}" as'
            " select * from read_csv(?, header=true, auto_detect=false,"
            f" delim=',', quote='\"', escape='\"', new_line='\\n', nullstr='', columns={{{types}}})",
            [str(path)],
        )


def _read(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Header and rows (line number, values by column) of a rules file; blanks around values are trimmed."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as failure:
        raise ConfigurationError(
            f"{path} is not UTF-8 (byte {failure.start}); save it as UTF-8."
        ) from failure
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [column.strip() for column in next(reader, [])]
    if not header:
        raise ConfigurationError(f"{path} is empty; it needs at least its header line.")
    rows = []
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(header):
            raise ConfigurationError(
                f"{path}, line {reader.line_num}: {len(cells)} values where the header has"
                f" {len(header)} columns."
            )
        rows.append(
            (reader.line_num, {column: cell.strip() for column, cell in zip(header, cells, strict=True)})
        )
    return header, rows


def _check(path: Path, rule: str, line: int, row: dict[str, str]) -> None:
    for column, value in row.items():
        check = _CHECKS.get((rule, column))
        if check is None:
            continue
        is_valid, expected, may_be_empty = check
        if (not value and not may_be_empty) or (value and not is_valid(value)):
            raise ConfigurationError(f"{path}, line {line}, column {column}: '{value}' is not {expected}.")
