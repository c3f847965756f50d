"""Which files of a folder a source reads. A file outside the folder is refused, however it is reached."""

import os
from collections.abc import Iterable
from pathlib import Path

from orchestration.errors import ConfigurationError
from orchestration.settings import nearest

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xlsx": "xlsx",
}


def source_folder(name: str, root: Path, path: Path) -> Path:
    """The folder of files source `name`; ConfigurationError if it does not exist."""
    folder = root / path.expanduser()
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise ConfigurationError(
            f"sources.{name}.path is {folder}, which {what}; correct the path or create it."
        )
    return folder


def file_in(folder: Path, file: str, key: str) -> Path:
    """The file called `file` in the folder; ConfigurationError if missing, outside or of no known type."""
    path = folder / file
    base = os.path.realpath(folder)
    real = os.path.realpath(path)
    if os.path.isabs(file) or os.path.commonpath([base, real]) != base:
        raise ConfigurationError(
            f"{key} is '{file}', which lies outside {folder}; only files inside it are read."
        )
    if not os.path.isfile(real):
        there = sorted(each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file())[
            :1000
        ]
        near = nearest(file, there)
        hint = f"perhaps '{near}' is meant" if near else f"the folder has {_some(there)}"
        raise ConfigurationError(f"{key} is '{file}', which is not in {folder}; {hint}.")
    if path.suffix.casefold() not in FORMATS:
        raise ConfigurationError(f"{key} is '{file}'; files of the types {', '.join(FORMATS)} can be read.")
    return path


def discover(
    name: str, folder: Path, entities: Iterable[str]
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Files named like entities, by entity, and the others with what is wrong with their name."""
    known = list(entities)
    found: dict[str, str] = {}
    unread: list[tuple[str, str]] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "~$")) or not path.is_file():
            continue
        stem, readable = path.stem, path.suffix.casefold() in FORMATS
        if readable and stem in known:
            if stem in found:
                raise ConfigurationError(
                    f"sources.{name}: {folder} has both {found[stem]} and {path.name}; keep one of them."
                )
            found[stem] = path.name
        elif readable:
            near = nearest(stem, known)
            hint = f"perhaps '{near}{path.suffix}' is meant" if near else "it is not read"
            unread.append((path.name, f"not named like an entry entity; {hint}"))
        elif path.name.split(".")[0] in known:
            unread.append(
                (path.name, f"of a type that cannot be read; save it as one of {', '.join(FORMATS)}")
            )
    if not found:
        hint = f"; it has {_some([name for name, _ in unread])}" if unread else ""
        raise ConfigurationError(
            f"sources.{name}: {folder} has no file named like an entry entity, such as accounts.csv{hint}; "
            "rename the files or map them under entities."
        )
    return found, unread


def _some(names: list[str]) -> str:
    if not names:
        return "no files"
    shown = ", ".join(names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"
