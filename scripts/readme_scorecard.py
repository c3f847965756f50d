"""Draws docs/scorecard.svg, the picture in README.md, from the published file of a run.

Every number in it is read from that file. Usage: .venv/bin/python scripts/readme_scorecard.py [--home data]
"""

import argparse
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from pathlib import Path

import duckdb

from orchestration.contract import PROJECT_ROOT
from orchestration.scorecard import Score, change, format_value, null_reason_text, scorecard
from orchestration.settings import home_folder
from orchestration.warehouse import open_published

MONTHS = 24
ROW, TOP, WIDTH = 34, 92, 860
# x of: title, month, change, line, twelve months, target
COLUMNS = (24, 370, 470, 488, 740, 836)
INK, PALE, LINE, GOOD, BAD = "#1f2933", "#66727f", "#2f6fb0", "#1a7f4b", "#b3391f"


def history(con: duckdb.DuckDBPyConnection, kpi: str, month: date) -> list[float | None]:
    """The default reading of the last complete months, oldest first."""
    rows = con.execute(
        "select value from metrics.kpi_values where kpi = ? and variant = 'default' and grain = 'month'"
        " and dimension = 'all' and period_start <= ? order by period_start desc limit ?",
        [kpi, month, MONTHS],
    ).fetchall()
    return [value for (value,) in reversed(rows)]


def sparkline(values: Sequence[float | None], x: float, y: float, width: float, height: float) -> str:
    """A line through the values; a month without one is a gap."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    step = width / (len(values) - 1)
    path, pen_down = [], False
    for index, value in enumerate(values):
        if value is not None:
            share = (value - low) / (high - low) if high > low else 0.5
            path.append(f"{'L' if pen_down else 'M'}{x + index * step:.1f} {y + height * (1 - share):.1f}")
        pen_down = value is not None
    return f'<path d="{" ".join(path)}" fill="none" stroke="{LINE}" stroke-width="1.6"/>'


def draw(con: duckdb.DuckDBPyConnection) -> str:
    """The picture as SVG."""
    month, scores = scorecard(con)
    if month is None:
        raise SystemExit("The published file holds no KPI values; run `make run` first.")
    height = TOP + ROW * len(scores) + 14
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img"'
        ' font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif" font-size="14">',
        f"<title>Scorecard of the pretend company, {month:%B %Y}</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="10" fill="#ffffff" stroke="#d5dbe1"/>',
        _text(COLUMNS[0], 34, "Scorecard of the pretend company", size=18, weight=600),
        _text(
            COLUMNS[0], 56, "the end of revops run, from data/published/revops.duckdb", colour=PALE, size=12
        ),
        _text(COLUMNS[1], 78, f"{month:%B %Y}", colour=PALE, size=12, end=True),
        _text(COLUMNS[2], 78, "month before", colour=PALE, size=12, end=True),
        _text(COLUMNS[3] + 8, 78, f"last {MONTHS} months", colour=PALE, size=12),
        _text(COLUMNS[4], 78, "12 months", colour=PALE, size=12, end=True),
        _text(COLUMNS[5], 78, "target", colour=PALE, size=12, end=True),
    ]
    for index, score in enumerate(scores):
        lines += _row(score, history(con, score.kpi, month), TOP + ROW * index)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _row(score: Score, values: Sequence[float | None], y: float) -> Iterator[str]:
    base = y + 22
    yield f'<line x1="16" x2="{WIDTH - 16}" y1="{y}" y2="{y}" stroke="#e6eaee"/>'
    yield _text(COLUMNS[0], base, score.title)
    yield _text(
        COLUMNS[1], base, _value(score.month.value, score.month.null_reason, score), weight=600, end=True
    )
    yield _text(COLUMNS[2], base, change(score.month, score.unit), colour=PALE, size=12, end=True)
    yield sparkline(values, COLUMNS[3] + 8, y + 8, 104, ROW - 16)
    yield _text(COLUMNS[4], base, _value(score.year.value, score.year.null_reason, score), end=True)
    if score.goal is not None:
        colour = {"on_target": GOOD, "off_target": BAD}.get(score.goal.status, PALE)
        target = format_value(score.goal.target, score.unit, score.currency)
        yield _text(COLUMNS[5], base, target, colour=colour, end=True)


def _value(value: float | None, null_reason: str | None, score: Score) -> str:
    return null_reason_text(null_reason) if value is None else format_value(value, score.unit, score.currency)


def _text(
    x: float, y: float, text: str, *, colour: str = INK, size: int = 14, weight: int = 400, end: bool = False
) -> str:
    anchor = ' text-anchor="end"' if end else ""
    return (
        f'<text x="{x}" y="{y}" fill="{colour}" font-size="{size}" font-weight="{weight}"{anchor}>'
        f"{escape(text)}</text>"
    )


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=None)
    with open_published(home_folder(parser.parse_args().home)) as con:
        picture = draw(con)
    (PROJECT_ROOT / "docs" / "scorecard.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
