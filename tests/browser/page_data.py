"""The data a page carries, read from its file without a browser."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

EPOCH = date(2000, 1, 1)


class Cell(NamedTuple):
    """One value of the page: where it stands, and what it says."""

    kpi: str
    variant: str
    grain: str
    period_start: date
    dimension: str
    dimension_value: str
    value: float | None
    n: int | None
    null_reason: str | None


def read(path: Path) -> dict[str, Any]:
    """The JSON inside the page."""
    text = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def cells(data: dict[str, Any]) -> Iterator[Cell]:
    """Every KPI value on the page, decoded the way its script does."""
    for kpi, variants in data["kpis"].items():
        for variant, group in variants.items():
            for grain, dimensions in group["grains"].items():
                for dimension, values in dimensions.items():
                    for dimension_value, series in values.items():
                        for place, cell in _unpacked(series):
                            start = EPOCH + timedelta(days=data["periods"][grain][place][0])
                            yield Cell(kpi, variant, grain, start, dimension, dimension_value, *cell)


def _unpacked(series: dict[str, Any]) -> Iterator[tuple[int, tuple[float | None, int | None, str | None]]]:
    numerators, denominators = series["a"], series["b"]
    listed = [each for each in series.values() if isinstance(each, list)]
    for index in range(max((len(each) for each in listed), default=0)):
        numerator = numerators[index] if numerators else None
        denominator = denominators[index] if denominators else None
        value = numerator / denominator if numerator is not None and denominator else None
        if "v" in series:
            value = series["v"][index]
        n = (series["n"][index] if series["n"] else None) if "n" in series else denominator
        reasons = series.get("r")
        reason = reasons if isinstance(reasons, str) else reasons[index] if reasons else None
        yield series["s"] + index, (value, n, reason if value is None else None)
