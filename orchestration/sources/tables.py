"""The shape of the raw log: what a raw table has, what is recorded of each read and of each problem."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestration.sources.values import sql_type
from orchestration.warehouse import identifier

VERSION_COLUMNS = {
    "_version_at": "timestamp",
    "_content_hash": "text",
    "_is_deleted": "boolean",
    "_extracted_at": "timestamp",
    "_file": "text",
    "_row": "integer",
}
LOAD_COLUMNS = {"_dlt_load_id": "text", "_dlt_id": "text"}
READ_COLUMNS = {
    "run_id": "text",
    "entity": "text",
    "location": "text",
    "fingerprint": "text",
    "read_at": "timestamp",
    "rows_at_source": "integer",
    "rows_rejected": "integer",
    "rows_duplicate": "integer",
    "rows_appended": "integer",
    "rows_unchanged": "integer",
    "rows_deleted": "integer",
    "rows_kept": "integer",
    "money_at_source": "json",
    "money_kept": "json",
    "cursor_value": "text",
}
PROBLEM_COLUMNS = {
    "run_id": "text",
    "entity": "text",
    "location": "text",
    "row_number": "integer",
    "column_name": "text",
    "value": "text",
    "problem": "text",
    "severity": "text",
}


@dataclass(frozen=True)
class RawTable:
    """A raw table: its columns with their types in the contract's words, and which of them play a part.

    `key` identifies a record, `updated_at` is the source's own time of change, `deleted` its own flag.
    What erasing a person needs: `is_person`, a record is a person; `personal`, columns that are emptied in
    rows about one; `person_links`, columns with the key of a record of one of these tables;
    `needs_person`, a row says nothing without that person and goes with them.
    """

    name: str
    columns: Mapping[str, str]
    key: str = "source_id"
    updated_at: str | None = "updated_at"
    deleted: str | None = "is_deleted"
    is_person: bool = False
    personal: frozenset[str] = frozenset()
    person_links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needs_person: bool = False

    @property
    def money(self) -> list[str]:
        """The columns that hold amounts."""
        return [name for name, word in self.columns.items() if word == "money"]


def definition(columns: Mapping[str, str]) -> str:
    """Column definitions for CREATE TABLE."""
    return ", ".join(f"{identifier(name)} {sql_type(word)}" for name, word in columns.items())


def null(word: str) -> str:
    """A typed null."""
    return f"cast(null as {sql_type(word)})"
