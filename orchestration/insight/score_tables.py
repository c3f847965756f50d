"""What the scores of deals, customers, contracts and leads have in common: how past days are looked at, and
how a chance is published with its reasons and its record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from orchestration.insight.logistic import chances
from orchestration.insight.panel import Panel
from orchestration.insight.scoring import Learned

VERSION = "logistic 2"
BASE_RATE = "base rate"
AT_RISK, WATCH = 0.15, 0.05

# Of every chance.
WHY_COLUMNS = {"model_version": "varchar", "reasons": "varchar", "null_reason": "varchar", "needs": "varchar"}
RECORD_COLUMNS = {
    "model": "varchar",
    "method": "varchar",
    "is_shown": "boolean",
    "cases": "bigint",
    "positives": "bigint",
    "log_loss": "double",
    "brier": "double",
    "calibration_error": "double",
    "calibration_noise": "double",
    "area_under_curve": "double",
    "lift_of_top_tenth": "double",
    "refused_features": "varchar",
    "needs": "varchar",
}


def shown(learned: Learned, panel: Panel) -> Iterator[tuple[float | None, tuple[str | None, ...]]]:
    """For every row its chance, and the columns that say why."""
    if learned.model is None:
        for _ in panel.day:
            yield None, (None, "[]", "insufficient_history", learned.needs)
    elif not learned.is_shown:
        for _ in panel.day:
            yield rounded(learned.base_rate), (BASE_RATE, "[]", None, learned.needs)
    else:
        known = panel.without(learned.refused)
        found, reasons = chances(learned.model.odds(known)), learned.model.reasons(known)
        for chance, why in zip(found, reasons, strict=True):
            said = [{"feature": name, "log_odds": effect} for name, effect in why]
            yield round(float(chance), 6), (VERSION, json.dumps(said), None, None)


def records(model: str, learned: Learned) -> Iterator[tuple[object, ...]]:
    """How good the model, the base rate and the source were on later days."""
    refused = ", ".join(learned.refused) or None
    if not learned.measures:
        yield (model, "model", False, *(None,) * 8, refused, learned.needs)
    for method, found in learned.measures.items():
        numbers = (
            found.log_loss,
            found.brier,
            found.calibration_error,
            found.calibration_noise,
            found.area,
            found.lift,
        )
        is_shown = learned.is_shown == (method == "model") and method != "source"
        about = (refused, learned.needs) if method == "model" else (None, None)
        yield (model, method, is_shown, found.cases, found.positives, *map(rounded, numbers), *about)


def risk_status(risk: float | None, learned: Learned) -> str | None:
    """How a chance to lose something is called; the base rate says nothing about a single case."""
    if risk is None or not learned.is_shown:
        return None
    return "at risk" if risk > AT_RISK else "watch" if risk > WATCH else "good"


def past_days(first: date | None, as_of: date) -> list[date]:
    """The ends of months from 30 days after the first day on, and the as-of day."""
    return [*(_month_ends(first + timedelta(days=30), as_of) if first and first < as_of else []), as_of]


def column(rows: Sequence[Sequence[Any]], position: int) -> np.ndarray:
    """Numbers of a column; what is unknown is nan."""
    return np.array([np.nan if row[position] is None else float(row[position]) for row in rows], float)


def texts(rows: Sequence[Sequence[Any]], position: int) -> np.ndarray:
    """Words of a column."""
    return np.array([row[position] for row in rows], dtype=object)


def ordinals(rows: Sequence[Sequence[Any]], position: int) -> np.ndarray:
    """Days of a column."""
    return np.array([row[position].toordinal() for row in rows], int)


def cases(rows: Sequence[Sequence[Any]], position: int) -> np.ndarray:
    """A number for each id of a column."""
    codes = {name: code for code, name in enumerate(sorted({row[position] for row in rows}))}
    return np.array([codes[row[position]] for row in rows], int)


def _month_ends(first: date, before: date) -> Iterator[date]:
    month = first.replace(day=1)
    while True:
        month = (month + timedelta(days=32)).replace(day=1)
        end = month - timedelta(days=1)
        if end >= before:
            return
        if end >= first:
            yield end


def rounded(number: float | None) -> float | None:
    """To the six places that are published."""
    return None if number is None else round(float(number), 6)
