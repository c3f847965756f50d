"""What goes wrong, on purpose and on schedule: the same script gives the same bad day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

What = Literal[
    "status",  # answers `status` with `body` and `headers`
    "truncate",  # breaks off in the middle of the body
    "bad_json",  # half the body, whole as HTTP
    "html",  # an error page with status 200
    "reset",  # closes the connection without an answer
    "error_200",  # {"error": …} with status 200
    "no_list",  # status 200, an empty object
    "redirect",  # to `headers["Location"]`
    "expire",  # the token is no longer valid
    "huge",  # an endless body
]


@dataclass(slots=True)
class Fault:
    """Happens to the requests whose path contains `path`, from the nth of them on, `times` times."""

    what: What
    path: str = ""
    nth: int = 1
    times: int = 1
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"message": "on purpose"}'
    seen: int = 0

    def strikes(self, path: str) -> bool:
        """Whether it happens to this request, which is counted."""
        if self.path not in path:
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


@dataclass(slots=True)
class Quirks:
    """How a vendor behaves on a day that is not good but normal, for every request.

    `page_size` clips pages, `duplicates` repeats the last record of a page at the head of the next,
    `unordered` reverses every page, `stuck` answers every page with the first cursor, `lag_seconds` hides
    what changed less long ago, as an index does that is behind.
    """

    page_size: int | None = None
    duplicates: bool = False
    unordered: bool = False
    stuck: bool = False
    lag_seconds: int = 0
