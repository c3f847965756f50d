"""Kills of a process that does some work: at a crash point, or when a time is over.

The process is forked, so that it need not import dlt and dbt again. No DuckDB connection may be open then.
"""

import os
import signal
import threading
import time
import traceback
from collections.abc import Callable

KILLED = -signal.SIGKILL


def fork(work: Callable[[], object], **environment: str) -> int:
    """Start `work` in a process of its own and return the id of that; it exits with 0, or 1 on an error."""
    child = os.fork()
    if child:
        return child
    try:
        os.environ.update(environment)
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def wait(child: int) -> int:
    """How the process ended: its exit code, or the negative number of the signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dies_at(point: str, work: Callable[[], object]) -> bool:
    """Whether `work` reached this crash point, and so was killed there."""
    return wait(fork(work, CRASH_AT=point)) == KILLED


def kill_after(seconds: float, work: Callable[[], object]) -> bool:
    """Kill `work` when so much time is over; whether it was still at work."""
    child = fork(work)
    timer = threading.Timer(seconds, _kill, [child])
    timer.start()
    code = wait(child)
    timer.cancel()
    timer.join()
    if code not in (0, KILLED):
        raise AssertionError(f"the work ended with {code} before it was killed")
    return code == KILLED


def seconds_of(work: Callable[[], object]) -> float:
    """How long `work` takes, undisturbed, in a process of its own."""
    started = time.monotonic()
    if code := wait(fork(work)):
        raise AssertionError(f"the work ended with {code}")
    return time.monotonic() - started


def _kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
