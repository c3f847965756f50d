"""Who must not come back: keyed hashes of erased people, and the filter that every record read passes.

The list holds no address. Its key lies beside it; without the key neither can be used.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestration.errors import ConfigurationError
from orchestration.sources.batch import Batch, Problem
from orchestration.sources.tables import RawTable

_TOKEN = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+(?:@|%40)[\w.-]+\w", re.IGNORECASE)
_BEFORE_AN_ADDRESS = re.compile(r"[!#$&'*/=?^`{|}]")
_WHOLE = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def erasures_folder(home: Path) -> Path:
    """The key, the list and the proofs of all erasures."""
    return home / "erasures"


def address_of(text: str) -> str:
    """An address as it is compared; ConfigurationError if the text is none."""
    address = text.strip().lower()
    if not _WHOLE.fullmatch(address):
        raise ConfigurationError(
            "What is to be forgotten must be one e-mail address, such as jane@example.com."
        )
    return address


class Suppression:
    """The people who were erased from one home folder."""

    def __init__(self, home: Path) -> None:
        """Raises ConfigurationError when there is a list but not its key."""
        folder = erasures_folder(home)
        self._key_file, self._list = folder / "key", folder / "suppressed.csv"
        self._hashes: set[str] = set()
        self._records: Counter[str] = Counter()
        self._key = b""
        if self._list.exists():
            if not self._key_file.exists():
                raise ConfigurationError(
                    f"{self._list} cannot be used without {self._key_file}; restore the key, or people who"
                    " were erased would come back."
                )
            self._key = bytes.fromhex(self._key_file.read_text(encoding="ascii"))
            for line in self._list.read_text(encoding="ascii").splitlines():
                digest, _, table = line.split(",")
                self._hashes.add(digest)
                self._records[table] += bool(table)

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def add(self, addresses: Sequence[str], records: Sequence[tuple[str, str, str]]) -> None:
        """Put addresses and records (source, table, id) on the list; on return they are on the disk."""
        if not self._key:
            self._key_file.parent.mkdir(parents=True, exist_ok=True)
            self._key = secrets.token_bytes(32)
            _write_private(self._key_file, self._key.hex())
        found = {self.hash_of(address): "" for address in addresses}
        found |= {self._record(*record): ".".join(record[:2]) for record in records}
        fresh = {digest: table for digest, table in found.items() if digest not in self._hashes}
        if not fresh:
            return
        today = datetime.now(UTC).date().isoformat()
        with self._list.open("a", encoding="ascii") as file:
            file.writelines(f"{digest},{today},{table}\n" for digest, table in fresh.items())
            file.flush()
            os.fsync(file.fileno())
        self._hashes.update(fresh)
        self._records.update(table for table in fresh.values() if table)

    def erased_records(self, source: str, table: str) -> int:
        """How many records of a raw table were erased; the source may have them still."""
        return self._records[f"{source}.{table}"]

    def hash_of(self, address: str) -> str:
        """The keyed hash that stands for an address."""
        return self._hash("address", address)

    def pseudonym(self, address: str) -> str:
        """What stands in place of an address where something must: the same wherever the address stood."""
        return f"erased-{self.hash_of(address)[:12]}"

    def without_addresses(self, text: str) -> str:
        """The text with every suppressed address in it replaced by its pseudonym."""
        if "@" not in text and "%40" not in text:
            return text
        return _TOKEN.sub(lambda match: self._replaced(match[0]), text)

    def is_suppressed(self, text: str | None) -> bool:
        """Whether the text is a suppressed address and nothing else."""
        return text is not None and "@" in text and self.hash_of(text.strip().lower()) in self._hashes

    def filter(self, source: str, table: RawTable, batch: Batch) -> Batch:
        """The batch without what it says about erased people.

        Their own records are left out, records that say nothing without them too; in what remains their link
        and the personal columns are empty and their addresses are replaced.
        """
        columns = {name: list(values) for name, values in batch.columns.items() if name in table.columns}
        goes_with_person = table.is_person or table.needs_person
        gone: dict[int, str | None] = {}
        for row in range(batch.accepted):
            record = {name: values[row] for name, values in columns.items()}
            if self._is_about(source, table, record):
                if goes_with_person:
                    gone[row] = record.get(table.key)
                    continue
                for name in table.personal & columns.keys():
                    columns[name][row] = None
                for name in self._links_to_erased(source, table, record):
                    columns[name][row] = None
            for values in columns.values():
                text = values[row]
                if text is not None:
                    values[row] = self.without_addresses(text)
        # A census names keys only: it must find these gone as well.
        self.add([], [(source, table.name, key) for key in gone.values() if key is not None])
        kept = [row for row in range(batch.accepted) if row not in gone]
        return replace(
            batch,
            columns={name: [values[row] for row in kept] for name, values in columns.items()},
            row_numbers=[batch.row_numbers[row] for row in kept],
            rejected_keys=[
                key if key is None else self.without_addresses(key) for key in batch.rejected_keys
            ],
        )

    def without_problem_values(self, problem: Problem) -> Problem:
        """A problem without suppressed addresses in its words."""
        return replace(
            problem,
            value=self.without_addresses(problem.value),
            problem=self.without_addresses(problem.problem),
        )

    def has_record(self, source: str, table: str, key: str | None) -> bool:
        """Whether this record of a table was erased."""
        return bool(self._hashes) and key is not None and self._record(source, table, key) in self._hashes

    def _is_about(self, source: str, table: RawTable, record: dict[str, str | None]) -> bool:
        if self.has_record(source, table.name, record.get(table.key)):
            return True
        if self._links_to_erased(source, table, record):
            return True
        telling = {table.key, *table.person_links, *table.personal}
        return any(self.is_suppressed(record.get(name)) for name in telling)

    def _links_to_erased(self, source: str, table: RawTable, record: Mapping[str, str | None]) -> list[str]:
        return [
            name
            for name, people in table.person_links.items()
            if any(self.has_record(source, each, record.get(name)) for each in people)
        ]

    def _replaced(self, token: str) -> str:
        for start in _starts(token):
            address = token[start:].lower().replace("%40", "@")
            if self.hash_of(address) in self._hashes:
                return token[:start] + self.pseudonym(address)
        return token

    def _record(self, source: str, table: str, key: str) -> str:
        return self._hash("record", source, table, key)

    def _hash(self, *parts: str) -> str:
        return hmac.new(self._key, "\x1f".join(parts).encode(), hashlib.sha256).hexdigest()


def _starts(token: str) -> Iterator[int]:
    """Where an address may begin in a token such as `mail=jane@example.com`."""
    yield 0
    local = re.split("@|%40", token, maxsplit=1, flags=re.IGNORECASE)[0]
    for match in _BEFORE_AN_ADDRESS.finditer(local):
        yield match.end()


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
