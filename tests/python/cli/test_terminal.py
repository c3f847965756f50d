"""KPIs on a terminal of 80 columns, with and without colour."""

import io
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from orchestration.terminal import Goal, print_kpi, sparkline

COLUMNS = (
    "kpi", "variant", "grain", "period_start", "period_end", "dimension", "dimension_value", "value", "unit",
    "currency_code", "numerator", "denominator", "n", "value_low", "value_high", "null_reason",
)  # fmt: skip


def row(month: int, value: float | None, low: float | None = None, high: float | None = None) -> Any:
    days = (date(2026, month, 1), date(2026, month + 1, 1))
    reason = "no_denominator" if value is None else None
    measured = (value, "ratio", None, 1, 2, 2, low, high, reason)
    return ("win_rate", "default", "month", *days, "all", "all", *measured)


def printed(width: int, colour: bool = False, **goals: Goal) -> str:
    file = io.StringIO()
    system = "standard" if colour else None
    console = Console(file=file, width=width, highlight=False, force_terminal=colour, color_system=system)
    rows = [row(1, 0.25, 0.1, 0.4), row(2, None), row(3, 0.5, -0.0, 1.0)]
    places = {(date(2026, int(month[1:]), 1), "all"): goal for month, goal in goals.items()}
    print_kpi(console, COLUMNS, rows, places)
    return file.getvalue()


@pytest.mark.parametrize(
    ("values", "line"),
    [([1, 2, 3], "▁▅█"), ([0, None, 7], "▁ █"), ([5, 5], "▁▁"), ([None, 1], ""), ([], "")],
)
def test_a_sparkline_goes_from_the_lowest_to_the_highest_and_has_gaps(
    values: list[float | None], line: str
) -> None:
    assert sparkline(values) == line


def test_a_terminal_without_unicode_gets_a_line_it_can_show() -> None:
    assert sparkline([0, 7], "ascii").isascii()


def test_eighty_columns_are_enough_and_nothing_is_cut() -> None:
    text = printed(80, m1=Goal(0.3, "off_target"), m3=Goal(0.3, "on_target"))
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    lines = text.splitlines()
    january = next(line for line in lines if "2026-01-01" in line)
    assert all(text in january for text in ("25.0 %", "30.0 %", "✗ off"))
    assert any("2026-02-01" in line and "nothing to measure" in line for line in lines)
    assert any("0.0 % to 100.0 %" in line and "✓ on" in line for line in lines)
    assert "-0.0" not in text
    assert "▁ █" in text


def test_a_wide_terminal_shows_what_the_value_is_made_of() -> None:
    assert "denominator" in printed(120)
    assert "denominator" not in printed(80)


def test_the_status_of_a_goal_has_a_word_and_on_terminals_a_colour() -> None:
    assert "\x1b[31m✗ off" in printed(80, colour=True, m1=Goal(0.3, "off_target"))
    assert "\x1b" not in printed(80, m1=Goal(0.3, "off_target"))
