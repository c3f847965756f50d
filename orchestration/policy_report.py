"""Comparisons of policies, printed for reading or for machines."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, TextIO

from rich.console import Console

from orchestration.exports import Format, print_rows
from orchestration.policy_builds import Comparison, Line
from orchestration.scorecard import format_value


def print_comparisons(comparisons: Sequence[Comparison], output_format: Format, file: TextIO) -> None:
    """One block per slice for reading; JSON with everything; CSV with one row per line of each block."""
    if output_format is Format.JSON:
        documents = [asdict(each) | {"difference": each.difference} for each in comparisons]
        json.dump(documents, file, default=_json_value, indent=1, ensure_ascii=False)
        file.write("\n")
    elif output_format is Format.CSV:
        print_rows(
            ("period_start", "dimension_value", "setting", "ours", "theirs", "difference", "periods_changed"),
            [
                (
                    *(each.value["period_start"], each.value["dimension_value"], line.setting),
                    *(line.ours, line.theirs, line.difference, line.periods_changed),
                )
                for each in comparisons
                for line in each.lines
            ],
            output_format,
            file,
        )
    else:
        _print_for_reading(comparisons, file)


def _print_for_reading(comparisons: Sequence[Comparison], file: TextIO) -> None:
    console = Console(file=file, highlight=False, soft_wrap=True, markup=False)
    if not comparisons:
        console.print("No period in this range has a value.")
    for each in comparisons:
        value = each.value
        where = "" if value["dimension"] == "all" else f", {value['dimension']} {value['dimension_value']}"
        console.print(
            f"{value['kpi']}, {value['variant']}, {value['period_start']} to {value['period_end']}{where}"
        )
        for name, amount in (
            ("ours", each.ours),
            (each.policy, each.theirs),
            ("difference", each.difference),
        ):
            console.print(f"  {name:12}{_shown(amount, value)}")
        if not each.lines:
            console.print(f"  {each.policy} is documented to count as we do.")
        for line in each.lines:
            _print_line(console, line, value)


def _print_line(console: Console, line: Line, value: dict[str, Any]) -> None:
    change = f"{line.setting}: {line.ours or 'none'} → {line.theirs or 'none'}"
    console.print(f"\n  {_shown(line.difference, value):>24}  {change}")
    console.print(f"  {'':24}  {line.about}")
    for period in line.periods:
        about = ", ".join(
            word for word in (period.account, period.product, period.plan, period.kind, period.status) if word
        )
        console.print(
            f"  {'':24}  {period.source_system}:{period.source_id}  {about}:"
            f" {period.ours:,.2f} → {period.theirs:,.2f} a year"
        )
    if line.periods_changed > len(line.periods):
        console.print(f"  {'':24}  and {line.periods_changed - len(line.periods):,} more periods")


def _shown(amount: Decimal | None, value: dict[str, Any]) -> str:
    if amount is None:
        return "no value"
    if value["unit"].startswith("currency"):
        # To the cent: rounded to thousands, lines would no longer add up to what is above them.
        return f"{amount:,.2f} {value['currency_code']}"
    return format_value(float(amount), value["unit"], value["currency_code"] or "")


def _json_value(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
