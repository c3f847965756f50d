"""What every run leaves behind without secrets: a line in runs.jsonl, its log, and its events as JSON."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

_KEEP_LOGS = 50
_SECRETS = (
    re.compile(r"(?P<keep>://[^\s:/@]*:)[^\s@]+(?=@)"),
    re.compile(
        r"(?P<keep>(?i:authorization|proxy-authorization)['\"]?\s*[:=]\s*['\"]?(?i:bearer|basic|token)?\s*)\S+"
    ),
    re.compile(
        r"(?P<keep>(?i:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|hapikey)['\"]?\s*[:=]\s*['\"]?)"
        r"[^\s'\"&;,)}\]]+"
    ),
)

Status = Literal[
    "running", "published", "unchanged", "not_published", "failed", "audit_failed", "source_failed"
]


@dataclass(frozen=True)
class RunRecord:
    """One finished run. Times are ISO 8601 in UTC, `seconds` and the values of `steps` are seconds."""

    run_id: str
    started_at: str
    finished_at: str | None
    status: Status
    exit_code: int
    as_of: str
    message: str = ""
    known_at: str | None = None
    version: str | None = None
    content_hash: str | None = None
    git_commit: str | None = None
    seconds: float = 0.0
    rows_read: int = 0
    rows_appended: int = 0
    tests_passed: int = 0
    tests_warned: int = 0
    tests_failed: int = 0
    steps: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, Any] = field(default_factory=dict)


def append(home: Path, record: RunRecord) -> None:
    """Add a line to {home}/runs.jsonl."""
    with (home / "runs.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(record), sort_keys=True) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read(home: Path) -> list[RunRecord]:
    """Every finished run, oldest first. A line that a full disk cut short is left out."""
    path = home / "runs.jsonl"
    if not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            records.append(RunRecord(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return records


def log_file(home: Path, run_id: str) -> Path:
    """Where the log of a run lies."""
    return home / "logs" / f"{run_id}.log"


def events_file(log: Path) -> Path:
    """Where the events of the run with this log lie, one JSON object per line."""
    return log.with_suffix(".jsonl")


def events(home: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Run id and event of every run whose log is kept, in order. A line cut short is left out."""
    for path in sorted((home / "logs").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            yield path.stem, event


def drop_old_logs(home: Path) -> None:
    """Keep the logs of the last runs only."""
    for path in sorted((home / "logs").glob("*.log"))[:-_KEEP_LOGS]:
        events_file(path).unlink(missing_ok=True)
        path.unlink()


def redact(text: str) -> str:
    """`text` with passwords, tokens and authorization headers replaced by ***."""
    for pattern in _SECRETS:
        text = pattern.sub(r"\g<keep>***", text)
    return text
