"""Published versions: immutable folders, and the one link that says which of them readers see."""

import json
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.errors import AuditFailed, ConfigurationError
from orchestration.publish.content import file_sha256
from orchestration.settings import crash_point, nearest
from orchestration.warehouse import refuse_leftover_log

KEEP_VERSIONS = 5
KEEP_AT_LEAST = timedelta(hours=1)

_DATABASE_FILE = "revops.duckdb"
_MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class Version:
    """One published version and what its manifest says about it."""

    name: str
    folder: Path
    manifest: Mapping[str, Any]
    is_current: bool


def versions(home: Path) -> list[Version]:
    """Every complete published version, newest first."""
    current_name = _current_name(home)
    found = []
    for folder in sorted(_versions_folder(home).glob("*/"), reverse=True):
        manifest = folder / _MANIFEST_FILE
        if manifest.is_file():
            document = json.loads(manifest.read_text(encoding="utf-8"))
            found.append(Version(folder.name, folder, document, folder.name == current_name))
    return found


def current_version(home: Path) -> Version | None:
    """The version readers see, or None before the first publication."""
    return next((version for version in versions(home) if version.is_current), None)


def is_sound(version: Version) -> bool:
    """Whether every file of a version is what its manifest says."""
    return all(
        (path := version.folder / name).is_file()
        and path.stat().st_size == about["bytes"]
        and file_sha256(path) == about["sha256"]
        for name, about in version.manifest["files"].items()
    )


def heal(home: Path) -> tuple[Version | None, str | None]:
    """The version readers see, None if there is no sound one, and a sentence if it was damaged.

    Instead of a damaged one they see the newest sound one from now on.
    """
    current = current_version(home)
    if current is None or is_sound(current):
        return current, None
    damaged = f"The published version {current.name} is damaged"
    for version in versions(home):
        if not version.is_current and is_sound(version):
            _point_current_at(home, version.name)
            _link_contents(home, version.folder)
            return current_version(home), f"{damaged}; readers see {version.name} instead."
    return None, f"{damaged} and no older one is whole; this run replaces it."


def publish(home: Path, folder: Path, manifest: Mapping[str, Any]) -> Version:
    """Turn a candidate folder into the current version.

    `manifest` is completed with the version's name and the sha256 of every file. Whenever the process dies,
    readers see the old version or the new one, never a part.
    """
    refuse_leftover_log(folder / _DATABASE_FILE)
    files = {
        str(path.relative_to(folder)): {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    digest = str(files[_DATABASE_FILE]["sha256"])
    published_at = datetime.now(UTC)
    # Milliseconds keep the names of versions published in one second apart and in order.
    time_part = published_at.strftime("%Y%m%dT%H%M%S") + f"{published_at.microsecond // 1000:03d}Z"
    name = f"{time_part}-{digest[:12]}"
    document = {"version": name, "published_at": published_at.isoformat(), **manifest, "files": files}
    (folder / _MANIFEST_FILE).write_text(
        json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    _make_immutable(folder)

    crash_point("before_rename")
    target = _versions_folder(home) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    _sync(target.parent)
    crash_point("after_rename")
    _point_current_at(home, name)
    crash_point("after_symlink")
    _link_contents(home, target)
    crash_point("before_retention")
    _drop_old(home)
    return Version(name, target, document, is_current=True)


def rollback(home: Path, name: str | None = None) -> Version:
    """Make an older version current: the one named, else the one published before the current one."""
    existing = versions(home)
    target = _named(home, existing, name) if name else _before_current(home, existing)
    if not is_sound(target):
        raise AuditFailed(
            f"Version {target.name} is damaged: its files are not those of its manifest; choose another one"
            " of `revops history`."
        )
    refuse_leftover_log(target.folder / _DATABASE_FILE)
    _point_current_at(home, target.name)
    _link_contents(home, target.folder)
    return Version(target.name, target.folder, target.manifest, is_current=True)


def remove_all_but_current(home: Path) -> None:
    """Remove every version but the one readers see, however young; there is no going back after that."""
    for version in versions(home):
        if not version.is_current:
            _remove(version.folder)


def _named(home: Path, existing: list[Version], name: str) -> Version:
    for version in existing:
        if version.name == name:
            return version
    near = nearest(name, [version.name for version in existing])
    hint = f"did you mean {near}?" if near else "`revops history` lists those there are."
    raise ConfigurationError(f"There is no published version {name} in {home}; {hint}")


def _before_current(home: Path, existing: list[Version]) -> Version:
    current_name = _current_name(home)
    if current_name is None:
        raise ConfigurationError(f"Nothing is published in {home} yet; run `revops run` first.")
    for version in existing:
        if version.name < current_name:
            return version
    raise ConfigurationError(f"There is no version before {current_name} in {home}; nothing was changed.")


def _drop_old(home: Path) -> None:
    cut = datetime.now(UTC) - KEEP_AT_LEAST
    for version in versions(home)[KEEP_VERSIONS:]:
        if not version.is_current and datetime.fromisoformat(version.manifest["published_at"]) < cut:
            _remove(version.folder)
    # A folder without a manifest is what a removal that died halfway left.
    for folder in _versions_folder(home).glob("*/"):
        if not (folder / _MANIFEST_FILE).is_file():
            _remove(folder)


def _remove(folder: Path) -> None:
    # The manifest goes first: without it the folder is no version any more.
    folder.chmod(folder.stat().st_mode | stat.S_IWUSR)
    (folder / _MANIFEST_FILE).unlink(missing_ok=True)
    shutil.rmtree(folder)


def _make_immutable(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            path.chmod(path.stat().st_mode & 0o444)
        _sync(path)
    _sync(folder)


def _point_current_at(home: Path, name: str) -> None:
    _replace_link(home / "published" / "current", Path("versions") / name)


def _link_contents(home: Path, folder: Path) -> None:
    """published/revops.duckdb, published/parquet and the like lead through `current`, so one rename moves
    them all.
    """
    for path in folder.iterdir():
        link = home / "published" / path.name
        if not link.is_symlink():
            _replace_link(link, Path("current") / path.name)


def _replace_link(link: Path, target: Path) -> None:
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, link)
    _sync(link.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _current_name(home: Path) -> str | None:
    try:
        return Path(os.readlink(home / "published" / "current")).name
    except FileNotFoundError:
        return None


def _versions_folder(home: Path) -> Path:
    return home / "published" / "versions"
