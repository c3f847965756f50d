"""What changed in raw between two versions, field by field, without personal values."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from small_business import configure, write_source

from orchestration import restatements
from orchestration.publish import versions
from orchestration.settings import Settings
from orchestration.sources import extract
from orchestration.warehouse import attached, landing_file, open_build

PEOPLE = [
    {
        "source_id": "p1",
        "kind": "contact",
        "full_name": "Ada Doe",
        "title": "Buyer",
        "email": "ada@x.example",
    },
    {"source_id": "p2", "kind": "lead", "full_name": "Bob Roe", "title": "Clerk", "email": "bob@x.example"},
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    write_source(tmp_path, people=PEOPLE)
    return configure(tmp_path)


def _extract(settings: Settings, at: datetime) -> str:
    """Load what lies in the folder; returns the load id."""
    home = settings.root / "home"
    extract(
        settings.sources[0],
        settings,
        home,
        settings.root / "work",
        f"run-{at:%d}",
        at,
        full_refresh=False,
        allow_shrink=True,
        progress=lambda entity, rows: None,
    )
    with duckdb.connect(str(landing_file(home))) as con:
        return con.execute("select max(load_id) from raw_acme._dlt_loads").fetchall()[0][0]


def _publish(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, load: str, known_at: str | None = None
) -> None:
    """A published version that used `load`, with nothing in it."""
    folder = settings.root / "version"
    folder.mkdir(exist_ok=True)
    duckdb.connect(str(folder / "revops.duckdb")).close()
    manifest = {"loads": {"acme": load}, "known_at": known_at}
    version = versions.Version("v1", folder, manifest, is_current=True)
    monkeypatch.setattr(versions, "current_version", lambda home: version)


def _changes(settings: Settings, known_at: datetime | None = None) -> list[dict[str, Any]]:
    home = settings.root / "home"
    path = settings.root / "build.duckdb"
    path.unlink(missing_ok=True)
    with open_build(path) as con, attached(con, landing_file(home), "landing", read_only=True):
        restatements.write(con, versions.current_version(home), settings, known_at)
        return [
            json.loads(change)
            for (change,) in con.execute(
                "select change from run.changed_records order by entity, place"
            ).fetchall()
        ]


def test_edits_come_before_deletions_and_new_records(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _extract(settings, datetime(2026, 3, 1))
    new = {"source_id": "p3", "kind": "lead", "full_name": "Cyd Poe", "title": "", "email": ""}
    write_source(settings.root, people=[PEOPLE[0] | {"title": "Head of Buying"}, new])
    _extract(settings, datetime(2026, 3, 2))
    _publish(settings, monkeypatch, first)

    assert [(each["source_id"], each["field"], each["old"], each["new"]) for each in _changes(settings)] == [
        ("p1", "title", "Buyer", "Head of Buying"),
        ("p2", "is_deleted", "false", "true"),
        ("p3", "source_id", None, "p3"),
    ]


def test_personal_values_are_left_out(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _extract(settings, datetime(2026, 3, 1))
    write_source(
        settings.root, people=[PEOPLE[0] | {"email": "ada.doe@x.example", "full_name": "A"}, PEOPLE[1]]
    )
    _extract(settings, datetime(2026, 3, 2))
    _publish(settings, monkeypatch, first)

    assert [(each["field"], each["old"], each["new"]) for each in _changes(settings)] == [
        ("email", None, None),
        ("full_name", None, None),
    ]


def test_nothing_new_is_no_change(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    load = _extract(settings, datetime(2026, 3, 1))
    _publish(settings, monkeypatch, load)

    assert _changes(settings) == []


def test_a_rebuild_of_what_was_known_goes_back_over_later_edits(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _extract(settings, datetime(2026, 3, 1))
    write_source(settings.root, people=[PEOPLE[0] | {"title": "Head of Buying"}, PEOPLE[1]])
    second = _extract(settings, datetime(2026, 3, 2))
    _publish(settings, monkeypatch, second)

    (change,) = _changes(settings, known_at=datetime(2026, 3, 1, 12))
    assert (change["field"], change["old"], change["new"]) == ("title", "Head of Buying", "Buyer")

    _publish(settings, monkeypatch, second, known_at="2026-03-01T12:00:00")
    (change,) = _changes(settings)
    assert (change["field"], change["old"], change["new"]) == ("title", "Buyer", "Head of Buying")


def test_no_more_than_twenty_changes_of_an_entity_are_kept(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _extract(settings, datetime(2026, 3, 1))
    write_source(
        settings.root, people=[*PEOPLE, *({**PEOPLE[0], "source_id": f"q{n:02}"} for n in range(30))]
    )
    _extract(settings, datetime(2026, 3, 2))
    _publish(settings, monkeypatch, first)

    assert [each["source_id"] for each in _changes(settings)] == [f"q{n:02}" for n in range(20)]


def test_before_the_first_version_nothing_has_changed(settings: Settings) -> None:
    _extract(settings, datetime(2026, 3, 1))

    assert _changes(settings) == []
