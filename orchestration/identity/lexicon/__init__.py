"""Word lists of the normalisers, one word or one row a line; lines that start with # are remarks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def words(name: str) -> frozenset[str]:
    """The words of one list."""
    return frozenset(row[0] for row in rows(name))


@cache
def rows(name: str) -> tuple[tuple[str, ...], ...]:
    """The rows of one list, split at tabs."""
    text = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    return tuple(
        tuple(part.strip() for part in line.split("\t"))
        for line in text.splitlines()
        if line.strip() and not line.startswith("#")
    )
