"""What a run says while it works: a live line on a terminal, timestamped lines elsewhere, everything in its
log file, and for programs an event per step and table in JSON lines beside it.
"""

import json
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from orchestration.runlog import events_file, redact


class Reporter:
    """Tells the user and the log file of one run what is going on. Secrets are replaced in both."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._log: Path | None = None
        self._status: Status | None = None

    def log_to(self, path: Path) -> None:
        """Also write every line to `path` from now on."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._log = path

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show `name` while the block runs, then how long it took."""
        started = time.monotonic()
        self._write_log(f"{name} ...")
        try:
            if self._console.is_terminal:
                with self._console.status(f"{escape(name)} …") as self._status:
                    yield
            else:
                yield
        except BaseException:
            self._line(f"{name}: failed after {time.monotonic() - started:.1f} s", "red")
            raise
        finally:
            self._status = None
        self._line(f"{name}: {time.monotonic() - started:.1f} s")

    def detail(self, text: str) -> None:
        """What the current step is doing; on a terminal it replaces the detail before."""
        self._write_log(text)
        if self._status is not None:
            self._status.update(escape(redact(text)))

    def line(self, text: str) -> None:
        """A line that stays."""
        self._line(text)

    def warning(self, text: str) -> None:
        """A line about something that is not as it should be."""
        self.event("warning", message=text)
        self._line(f"warning: {text}", "yellow")

    def event(self, event: str, **about: object) -> None:
        """A line of JSON in the log for programs: what happened, when, and `about` it."""
        if self._log is not None:
            line = json.dumps({"time": _now(), "event": event, **about}, default=str)
            self._append(events_file(self._log), redact(line))

    def exception(self, failure: BaseException) -> None:
        """Put a traceback into the log file, and there only."""
        self._write_log("".join(traceback.format_exception(failure)))

    def _line(self, text: str, style: str = "") -> None:
        self._write_log(text)
        text = redact(text)
        if self._console.is_terminal:
            self._console.print(escape(text), style=style, highlight=False)
        else:
            self._console.print(f"{_now()} {escape(text)}", highlight=False, soft_wrap=True)

    def _write_log(self, text: str) -> None:
        if self._log is not None:
            self._append(self._log, f"{_now()} {redact(text)}")

    def _append(self, path: Path, line: str) -> None:
        # A log that cannot be written, on a full disk say, must not hide what it would have said.
        with suppress(OSError), path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
