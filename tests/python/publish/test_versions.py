"""Versions are immutable, complete, and swapped by one rename."""

import json
import os
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from synthetic import publish_generation

from orchestration.errors import AuditFailed, ConfigurationError, RevopsError
from orchestration.publish import versions as versions_module
from orchestration.publish.content import file_sha256
from orchestration.publish.versions import KEEP_VERSIONS, current_version, rollback, versions
from orchestration.warehouse import open_published


def _generation(home: Path) -> int:
    with open_published(home) as con:
        ((generation,),) = con.execute("select distinct generation from metrics.kpi_values").fetchall()
    return generation


def test_a_published_version_is_reached_through_one_link_and_cannot_be_written(tmp_path: Path) -> None:
    version = publish_generation(tmp_path, 1)

    assert os.readlink(tmp_path / "published/current") == f"versions/{version.name}"
    assert (tmp_path / "published/revops.duckdb").resolve() == version.folder / "revops.duckdb"
    assert (tmp_path / "published/parquet/revenue/people.parquet").resolve().is_file()
    files = [path for path in version.folder.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o444}
    assert _generation(tmp_path) == 1


def test_the_manifest_names_every_file_with_its_sha256(tmp_path: Path) -> None:
    version = publish_generation(tmp_path, 1)
    manifest = json.loads((version.folder / "manifest.json").read_text())

    files = {str(p.relative_to(version.folder)) for p in version.folder.rglob("*") if p.is_file()}
    assert set(manifest["files"]) == files - {"manifest.json"}
    for name, about in manifest["files"].items():
        assert about["sha256"] == file_sha256(version.folder / name)
    assert manifest["version"] == version.name
    assert version.name.endswith(manifest["files"]["revops.duckdb"]["sha256"][:12])


def test_rollback_goes_to_the_version_before_and_takes_less_than_a_second(tmp_path: Path) -> None:
    for generation in (1, 2, 3):
        publish_generation(tmp_path, generation)

    started = time.monotonic()
    version = rollback(tmp_path)
    seconds = time.monotonic() - started

    assert version.manifest["run_id"] == "run-2"
    assert _generation(tmp_path) == 2
    assert seconds < 1
    rollback(tmp_path)
    assert _generation(tmp_path) == 1
    with pytest.raises(ConfigurationError, match="no version before"):
        rollback(tmp_path)
    newest = versions(tmp_path)[0]
    rollback(tmp_path, newest.name)
    assert _generation(tmp_path) == 3


def test_rollback_to_an_unknown_version_names_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Nothing is published"):
        rollback(tmp_path)
    publish_generation(tmp_path, 1)
    with pytest.raises(ConfigurationError, match="no published version 2020"):
        rollback(tmp_path, "2020")


def test_rollback_refuses_a_damaged_version(tmp_path: Path) -> None:
    damaged = publish_generation(tmp_path, 1)
    publish_generation(tmp_path, 2)
    path = damaged.folder / "revops.duckdb"
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    with pytest.raises(AuditFailed, match="damaged"):
        rollback(tmp_path)

    assert _generation(tmp_path) == 2


def test_retention_keeps_five_versions_and_none_that_is_younger_than_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for generation in range(1, 8):
        publish_generation(tmp_path, generation)
    assert len(versions(tmp_path)) == 7

    class InTwoHours(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(hours=2)

    monkeypatch.setattr(versions_module, "datetime", InTwoHours)
    rollback(tmp_path, versions(tmp_path)[-1].name)
    versions_module._drop_old(tmp_path)

    kept = [version.manifest["run_id"] for version in versions(tmp_path)]
    assert kept == ["run-7", "run-6", "run-5", "run-4", "run-3", "run-1"]
    assert len(kept) == KEEP_VERSIONS + 1
    assert _generation(tmp_path) == 1


def test_a_version_without_manifest_is_none_and_is_cleared(tmp_path: Path) -> None:
    first = publish_generation(tmp_path, 1)
    (first.folder / "manifest.json").unlink()

    publish_generation(tmp_path, 2)

    assert [version.manifest["run_id"] for version in versions(tmp_path)] == ["run-2"]
    assert not first.folder.exists()


def test_a_reader_keeps_its_version_while_the_next_is_published(tmp_path: Path) -> None:
    publish_generation(tmp_path, 1)
    with open_published(tmp_path) as con:
        publish_generation(tmp_path, 2)
        assert con.execute("select distinct generation from metrics.kpi_values").fetchall() == [(1,)]


def test_a_write_ahead_log_beside_a_file_is_refused(tmp_path: Path) -> None:
    version = publish_generation(tmp_path, 1)
    (version.folder / "revops.duckdb.wal").write_bytes(b"foreign")

    with pytest.raises(RevopsError, match="does not belong there"):
        open_published(tmp_path)
    with pytest.raises(RevopsError, match="does not belong there"):
        publish_generation_beside_log(tmp_path)
    assert current_version(tmp_path).manifest["run_id"] == "run-1"


def publish_generation_beside_log(home: Path) -> None:
    from synthetic import MANIFEST, write_build

    from orchestration.publish.candidate import write_candidate

    write_build(home / "work/2/build.duckdb", 2)
    write_candidate(home / "work/2/build.duckdb", home / "work/2/candidate", MANIFEST, "masked")
    (home / "work/2/candidate/revops.duckdb.wal").write_bytes(b"foreign")
    versions_module.publish(home, home / "work/2/candidate", {})


def test_version_names_sort_by_time(tmp_path: Path) -> None:
    names = [publish_generation(tmp_path, generation).name for generation in range(1, 4)]

    assert names == sorted(names)
    assert names[0].startswith(datetime.now(UTC).strftime("%Y"))
