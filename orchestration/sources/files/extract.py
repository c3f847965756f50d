"""Reads the files of one source into the landing file; a file that did not change is not read again."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orchestration.contract import Entity, entry_contract
from orchestration.errors import ConfigurationError, SourceFailed
from orchestration.settings import FileEntity, FilesSource, Settings
from orchestration.sources.batch import Batch, Problem
from orchestration.sources.entities import raw_table, value_options
from orchestration.sources.files.delimited import open_delimited
from orchestration.sources.files.excel import open_excel
from orchestration.sources.files.jsonlines import open_json_lines
from orchestration.sources.files.locate import FORMATS, discover, file_in, source_folder
from orchestration.sources.files.parquet import open_parquet
from orchestration.sources.files.reading import Layout, Opened
from orchestration.sources.landing import Landing, Read
from orchestration.sources.mapping import AllowedList, Converter, Plan, make_plan
from orchestration.sources.values import ValueOptions

# Raise when a rule of reading changes, so that unchanged files are read again.
_READER_VERSION = 1

# The entity under which files that nobody reads are reported.
FOLDER = "(folder)"
_ABSENT = "absent"

_OPEN: dict[str, Callable[[Layout], Opened]] = {
    "csv": open_delimited,
    "tsv": open_delimited,
    "jsonl": open_json_lines,
    "xlsx": open_excel,
    "parquet": open_parquet,
}


@dataclass(frozen=True)
class _File:
    """A file with everything the configuration says about reading it."""

    entity: Entity
    location: str
    layout: Layout
    mapping: FileEntity
    options: Mapping[str, ValueOptions]
    allowed: Mapping[str, tuple[Layout, str]] = field(default_factory=dict)


def check_files(source: FilesSource, settings: Settings) -> list[tuple[str, str]]:
    """Look at every file's header without loading anything; returns (entity, file) pairs.

    Raises ConfigurationError, or SourceFailed for a wrong encoding, for the first file that cannot be read.
    """
    files, _ = _files(source, settings)
    for file in files:
        _plan(file, _open(file.layout))
        _allowed_lists(file)
    return [(file.entity.name, file.location) for file in files]


def extract_files(landing: Landing, source: FilesSource, settings: Settings, *, full_refresh: bool) -> None:
    """Stage every file of the source that changed since its last finished read."""
    files, unread = _files(source, settings)
    for file in files:
        fingerprint = _fingerprint(file, strict=settings.strict)
        last = landing.last_read(file.entity.name)
        if last is not None and last.fingerprint == fingerprint and not full_refresh:
            landing.skip(file.entity.name, file.location)
        else:
            landing.stage(_read(landing, file, fingerprint))
    if source.entities is None:
        _stage_vanished(landing, present={file.entity.name for file in files})
        _report_unread(landing, unread)


# --- what the configuration says ------------------------------------------------------------------


def _files(source: FilesSource, settings: Settings) -> tuple[list[_File], list[tuple[str, str]]]:
    """The files to read, and those that nobody reads with what is wrong with them."""
    folder = source_folder(source.name, settings.root, source.path)
    unread: list[tuple[str, str]] = []
    if source.entities is None:
        found, unread = discover(source.name, folder, entry_contract())
        mappings = {entity: FileEntity(file=file) for entity, file in found.items()}
    else:
        mappings = source.entities
    return [_file(source, settings, folder, name, mapping) for name, mapping in mappings.items()], unread


def _file(source: FilesSource, settings: Settings, folder: Path, name: str, mapping: FileEntity) -> _File:
    key = f"sources.{source.name}.entities.{name}"

    def layout(file: str, file_key: str, **own: str | None) -> Layout:
        path = file_in(folder, file, file_key)
        return Layout(
            path=path,
            shown=(source.path / file).as_posix(),
            kind=FORMATS[path.suffix.casefold()],
            entity=name,
            delimiter=own.get("delimiter") or source.delimiter,
            encoding=own.get("encoding") or source.encoding,
            sheet=own.get("sheet"),
        )

    return _File(
        entity=entry_contract()[name],
        location=mapping.file,
        layout=layout(
            mapping.file,
            f"{key}.file",
            delimiter=mapping.delimiter,
            encoding=mapping.encoding,
            sheet=mapping.sheet,
        ),
        mapping=mapping,
        options=value_options(
            mapping.formats,
            decimal=mapping.decimal or source.decimal or ".",
            timezone=mapping.timezone or source.timezone,
            reporting_timezone=settings.reporting.timezone,
        ),
        allowed={
            column: (layout(listed.file, f"{key}.allowed.{column}.file"), listed.column)
            for column, listed in mapping.allowed.items()
        },
    )


def _fingerprint(file: _File, *, strict: bool) -> str:
    """Changes with the file, with how it is mapped and with the contract it is mapped onto."""
    facts = {
        "reader": _READER_VERSION,
        "file": _sha256(file.layout.path),
        "mapping": file.mapping.model_dump(),
        "layout": [file.layout.delimiter, file.layout.encoding],
        "options": {name: asdict(options) for name, options in file.options.items()},
        "columns": {name: asdict(column) for name, column in file.entity.columns.items()},
        "allowed": {name: _sha256(layout.path) for name, (layout, _) in file.allowed.items()},
        "strict": strict,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


# --- reading --------------------------------------------------------------------------------------


def _read(landing: Landing, file: _File, fingerprint: str) -> Read:
    before = file.layout.path.stat()
    table = raw_table(file.entity)
    opened = _open(file.layout)
    converter = Converter(_plan(file, opened), file.options, _allowed_lists(file))

    def batches() -> Iterator[Batch]:
        is_empty = True
        for rows in opened.rows():
            is_empty = False
            yield converter.convert(rows)
        after = file.layout.path.stat()
        if (before.st_mtime_ns, before.st_size) != (after.st_mtime_ns, after.st_size):
            raise SourceFailed(
                f"{file.layout.shown} changed while it was read; run again when it is complete."
            )
        if is_empty and not landing.live_records(table):
            raise ConfigurationError(
                f"{file.layout.shown} has a header but no rows; fill it, or remove the file or its mapping."
            )

    return Read(
        table=table,
        location=file.location,
        fingerprint=fingerprint,
        batches=batches(),
        closing_problems=converter.closing_problems,
    )


def _open(layout: Layout) -> Opened:
    if not layout.path.stat().st_size:
        raise ConfigurationError(
            f"{layout.shown} is empty; write a header and rows, or remove the file or its mapping."
        )
    return _OPEN[layout.kind](layout)


def _plan(file: _File, opened: Opened) -> Plan:
    mapping = file.mapping
    return make_plan(file.entity, opened.header, mapping.columns, mapping.constants, file.layout.shown)


def _allowed_lists(file: _File) -> dict[str, AllowedList]:
    lists = {}
    for column, (layout, wanted) in file.allowed.items():
        opened = _open(layout)
        names = [name.strip() for name in opened.header]
        if wanted not in names:
            listed = ", ".join(f"'{name}'" for name in names)
            raise ConfigurationError(
                f"{layout.shown} has no column '{wanted}', which lists the values of {column}; "
                f"the columns are {listed}."
            )
        position = names.index(wanted)
        values = {str(row[position] or "").strip() for rows in opened.rows() for row in rows.values}
        lists[column] = AllowedList(frozenset(values - {""}), f"{layout.path.name}, column {wanted}")
    return lists


# --- files that are not there, and files that nobody reads ----------------------------------------


def _stage_vanished(landing: Landing, present: set[str]) -> None:
    """A file that is gone counts as one without rows: its records are deleted if the run allows that much."""
    contract = entry_contract()
    for name in landing.tables_read():
        if name not in contract or name in present:
            continue
        last = landing.last_read(name)
        if last is not None and last.fingerprint != _ABSENT:
            landing.stage(
                Read(raw_table(contract[name]), location=last.location, fingerprint=_ABSENT, batches=())
            )


def _report_unread(landing: Landing, unread: list[tuple[str, str]]) -> None:
    fingerprint = hashlib.sha256(json.dumps(unread).encode()).hexdigest()
    last = landing.last_read(FOLDER)
    if (last is None and unread) or (last is not None and last.fingerprint != fingerprint):
        landing.note(
            FOLDER, fingerprint, [(name, Problem(None, None, "", text, "warning")) for name, text in unread]
        )
