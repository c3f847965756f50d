"""Faults 32 and 33: a changed byte, a cut file, a foreign log. `make corruptions` changes 400 bytes."""

import os
import random
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest
from pretend import PretendedModels, run_steps, write_company
from synthetic import publish_generation

from orchestration.errors import RevopsError
from orchestration.publish.versions import current_version, is_sound, versions
from orchestration.warehouse import open_landing, open_memory, open_published, open_reader

AS_OF = date(2026, 3, 31)
CORRUPTIONS = int(os.environ.get("CORRUPTIONS", "40"))


def _flip(path: Path, place: int) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 1 << place % 8]))


def _everything(path: Path) -> list[object]:
    """Every value of every table of a file."""
    with open_memory() as con:
        if path.suffix == ".parquet":
            return con.execute("select * from read_parquet(?)", [str(path)]).fetchall()
        con.execute(f"attach '{path}' as f (read_only)")
        names = con.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        return [
            (schema, name, con.execute(f'select * from f."{schema}"."{name}" order by all').fetchall())
            for schema, name in names
        ]


def test_every_changed_byte_of_a_published_file_is_found(tmp_path: Path) -> None:
    version = publish_generation(tmp_path, 1)
    whole = tmp_path / "whole"
    shutil.copytree(version.folder, whole)
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    chance = random.Random(1)
    for _ in range(CORRUPTIONS):
        name = chance.choice([file for file in files if file.name != "manifest.json"])
        damaged = version.folder / name
        _flip(damaged, chance.randrange(damaged.stat().st_size))
        assert not is_sound(version), name
        version.folder.chmod(0o755)
        damaged.parent.chmod(0o755)
        shutil.copy(whole / name, damaged)
    assert is_sound(version)


def test_a_changed_byte_of_the_raw_log_is_found_or_changes_nothing(
    tmp_path: Path, models: PretendedModels
) -> None:
    run_steps(write_company(tmp_path), tmp_path / "home", as_of=AS_OF)
    path = tmp_path / "home" / "landing.duckdb"
    said = _everything(path)
    whole = path.read_bytes()
    chance = random.Random(2)
    found = 0
    for _ in range(CORRUPTIONS):
        damaged = tmp_path / "damaged.duckdb"
        damaged.write_bytes(whole)
        _flip(damaged, chance.randrange(len(whole)))
        try:
            assert _everything(damaged) == said
        except (duckdb.Error, UnicodeDecodeError):
            found += 1
    assert found, "some of these bytes are in use"


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied"])
def test_a_damaged_current_version_is_replaced_by_the_one_before(
    tmp_path: Path, models: PretendedModels, damage: str
) -> None:
    settings, home = write_company(tmp_path), tmp_path / "home"
    first = run_steps(settings, home, as_of=AS_OF).version
    second = run_steps(settings, home, as_of=AS_OF).version
    assert first is not None and second is not None
    path = second.folder / "revops.duckdb"
    size = path.stat().st_size
    if damage == "flipped":
        _flip(path, size // 2)
    else:
        path.chmod(0o644)
        os.truncate(path, size // 2 if damage == "cut" else 0)

    (tmp_path / "acme" / "accounts.csv").unlink()
    with pytest.raises(RevopsError, match="acme"):
        run_steps(settings, home, as_of=AS_OF)

    current = current_version(home)
    assert current is not None and current.name == first.name, "readers are served although the run failed"
    with open_published(home) as con:
        assert con.execute("select kpi from metrics.kpi_values").fetchall() == [("win_rate",)]
    log = max((home / "logs").glob("*.log")).read_text()
    assert f"{second.name} is damaged" in log


def test_a_damaged_raw_log_is_named_with_the_way_out(tmp_path: Path, models: PretendedModels) -> None:
    settings, home = write_company(tmp_path), tmp_path / "home"
    first = run_steps(settings, home, as_of=AS_OF)
    path = home / "landing.duckdb"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])

    with pytest.raises(RevopsError, match="move it away and run again: everything is read anew"):
        run_steps(settings, home, as_of=AS_OF)
    assert first.version is not None and len(versions(home)) == 1
    path.rename(home / "landing.damaged")
    second = run_steps(settings, home, as_of=AS_OF)

    assert first.report is not None and second.report is not None
    assert second.report.content_hash == first.report.content_hash


def test_a_foreign_log_beside_a_finished_file_is_refused(tmp_path: Path, models: PretendedModels) -> None:
    """DuckDB replays a log of another file in silence: a table appears that nobody published."""
    version = publish_generation(tmp_path, 1)
    foreign = tmp_path / "foreign.duckdb"
    with duckdb.connect(str(foreign), config={"storage_compatibility_version": "v1.2.0"}) as con:
        con.execute("pragma disable_checkpoint_on_shutdown")
        con.execute("create table foreign_table as select 1 as one")
    log = Path(f"{foreign}.wal")
    assert log.exists(), "without a log this proves nothing"
    version.folder.chmod(0o755)
    shutil.copy(log, version.folder / "revops.duckdb.wal")

    for opening in (lambda: open_published(tmp_path), lambda: open_reader(version.folder / "revops.duckdb")):
        with pytest.raises(RevopsError, match="does not belong there"):
            opening()


def test_a_raw_log_that_lost_rows_is_not_taken_for_a_whole_one(
    tmp_path: Path, models: PretendedModels
) -> None:
    """A log cut in the middle loses its last transactions in silence; none is left behind by a run."""
    run_steps(write_company(tmp_path), tmp_path / "home", as_of=AS_OF)

    assert not (tmp_path / "home" / "landing.duckdb.wal").exists()
    with open_landing(tmp_path / "home", read_only=True) as con:
        assert con.execute("select count(*) from raw_acme.accounts").fetchall() == [(1,)]
