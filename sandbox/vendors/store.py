"""What a vendor's database holds: tables of records by id, in the vendor's own words."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class Store:
    """Tables of records. A record is what the API shows of it; what it hides begins with an underscore."""

    def __init__(self, tables: dict[str, dict[str, Record]] | None = None) -> None:
        self.tables = tables or {}

    def table(self, name: str) -> dict[str, Record]:
        """The records of a table by id."""
        return self.tables.setdefault(name, {})

    def add(self, name: str, records: Iterable[Record], key: str = "id") -> None:
        """Put records into a table, in place of those with the same id."""
        table = self.table(name)
        for record in records:
            table[record[key]] = record

    def save(self, folder: Path) -> list[Path]:
        """Write one file of JSON lines per table; equal stores give equal bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.jsonl"):
            old.unlink()
        files = []
        for name, table in sorted(self.tables.items()):
            file = folder / f"{name}.jsonl"
            with file.open("w", encoding="utf-8", newline="\n") as lines:
                for key, record in table.items():
                    lines.write(json.dumps([key, record], ensure_ascii=False) + "\n")
            files.append(file)
        return files

    @classmethod
    def load(cls, folder: Path) -> "Store":
        """The store that was saved into a folder; raises OSError if there is none."""
        files = sorted(folder.glob("*.jsonl"))
        if not files:
            raise FileNotFoundError(f"nothing was delivered to {folder}; run `revops sandbox deliver` first")
        return cls({file.stem: dict(map(json.loads, file.read_text("utf-8").splitlines())) for file in files})
