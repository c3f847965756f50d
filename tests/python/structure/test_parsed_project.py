"""Processes that parse the project at the same time do not read each other's halves."""

from pathlib import Path

import pytest

from orchestration.transform import _settle


@pytest.mark.parametrize(
    ("there", "kept"),
    [
        ([], "mine"),
        (["manifest.json", "parsed.msgpack"], "theirs"),
        (["manifest.json"], "mine"),  # what a process that died left
    ],
)
def test_the_first_whole_parse_is_kept(tmp_path: Path, there: list[str], kept: str) -> None:
    draft, folder = tmp_path / ".a.1", tmp_path / "a"
    draft.mkdir()
    for name in ("manifest.json", "parsed.msgpack"):
        (draft / name).write_text("mine")
    for name in there:
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("theirs")

    _settle(draft, folder, folder / "parsed.msgpack")

    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "manifest.json": kept,
        "parsed.msgpack": kept,
    }
    assert list(tmp_path.iterdir()) == [folder]
