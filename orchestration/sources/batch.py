"""What a source hands to the landing file: records in columns, and what was wrong with the others."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """Something wrong at the source. `value` is empty for personal data, `row_number` counts from 1."""

    row_number: int | None
    column_name: str | None
    value: str
    problem: str
    severity: Severity = "error"


@dataclass
class Batch:
    """Accepted records by column, as canonical text, with the rejected ones beside them.

    Columns that are left out are null. `rejected_keys` has one entry per rejected record: its id if that
    could be read, so that a record with a bad value is not taken for a deleted one.
    """

    columns: dict[str, Sequence[str | None]]
    row_numbers: Sequence[int | None]
    problems: list[Problem] = field(default_factory=list)
    rejected_keys: list[str | None] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return len(self.row_numbers)
