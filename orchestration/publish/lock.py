"""One writer per home folder, whoever starts it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.errors import LockHeld

# `holder` takes the lock for an instant to see whether it is free; a run that starts just then tries again.
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.05


@contextmanager
def single_writer(home: Path) -> Iterator[None]:
    """Hold {home}/run.lock. The kernel frees it when the process ends, however it ends.

    Raises LockHeld with the holder's process id if another process has it.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = _lock_file(home)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not any(_taken(descriptor, fcntl.LOCK_EX, attempt) for attempt in range(_ATTEMPTS)):
            raise LockHeld(
                f"Another run (process {_written_pid(descriptor)}) holds {path}; wait until it is done and"
                " try again."
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)


def holder(home: Path) -> str | None:
    """The process id of the run that holds the lock at this moment, or None."""
    path = _lock_file(home)
    if not path.exists():
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return None if _taken(descriptor, fcntl.LOCK_SH) else _written_pid(descriptor)
    finally:
        os.close(descriptor)


def _lock_file(home: Path) -> Path:
    return home / "run.lock"


def _taken(descriptor: int, kind: int, attempt: int = 0) -> bool:
    if attempt:
        time.sleep(_PAUSE_SECONDS)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _written_pid(descriptor: int) -> str:
    return os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
