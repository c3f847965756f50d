"""Which records are the same company, the same person, and why."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestration.identity.resolution import ResolveReport


def resolve(
    build_file: Path,
    *,
    as_of: date,
    rules: Path,
    previous: Path | None = None,
    memory: Path | None = None,
    largest_merge: float = 0.005,
) -> ResolveReport:
    """Write schema `identity` of `build_file`; see `resolution.resolve`, which is only loaded when it is
    needed.
    """
    from orchestration.identity import resolution

    return resolution.resolve(
        build_file, as_of=as_of, rules=rules, previous=previous, memory=memory, largest_merge=largest_merge
    )


__all__ = ["resolve"]
