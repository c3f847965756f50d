"""A vendor's API over HTTP on loopback: the server, and what all stand-ins share."""

import json
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from sandbox.vendors.faults import Fault, Quirks
from sandbox.vendors.store import Store

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Now, as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. `body` is the parsed JSON or form, `query` has every value of every parameter, `url` is
    the path with them as they were written.
    """

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any
    url: str = ""

    def get(self, name: str, default: str = "") -> str:
        """The last value of a parameter of the URL."""
        return self.query.get(name, [default])[-1]


@dataclass(slots=True)
class Answer:
    """What is answered: JSON, or bytes as they are."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class StandIn(ABC):
    """One vendor's API. A subclass answers requests; `credentials` are those it accepts, `settings` the keys
    that a source of it needs in revops.yml.

    Tests set `clock`, append to `faults`, change `quirks`, and look at `requests`.
    """

    kind: ClassVar[str]
    credentials: ClassVar[Mapping[str, str]]
    settings: ClassVar[Mapping[str, str]] = {}

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock: Clock = system_clock
        self.faults: list[Fault] = []
        self.quirks = Quirks()
        self.requests: list[Request] = []
        self._server: ThreadingHTTPServer | None = None
        # One request at a time: tables may change between requests, never within one.
        self.lock = threading.RLock()

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """What the vendor would answer on a good day."""

    def expire_tokens(self) -> None:
        """Forget every token that was given out; a vendor without tokens has none to forget."""
        return

    @property
    def base_url(self) -> str:
        """Where it listens."""
        assert self._server is not None, "start it first"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self, port: int = 0) -> "StandIn":
        """Listen on a port of this machine, a free one if it is 0."""
        self._server = _Server(("127.0.0.1", port), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> "StandIn":
        return self.start()

    def __exit__(self, *failure: object) -> None:
        self.stop()

    def struck(self, request: Request) -> Fault | None:
        """The fault that happens to this request, if one does."""
        struck = [fault for fault in self.faults if fault.strikes(request.path)]
        return struck[0] if struck else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Tests open and close many connections at once.
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def _handler(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1
        timeout = 60

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing is logged."""

        def date_time_string(self, timestamp: float | None = None) -> str:
            """The vendor's clock, which every answer names."""
            return format_datetime(stand_in.clock().replace(tzinfo=UTC), usegmt=True)

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            request = Request(
                method=self.command,
                path=parts.path,
                query=parse_qs(parts.query, keep_blank_values=True),
                headers=dict(self.headers.items()),
                body=self._body(),
                url=self.path,
            )
            with stand_in.lock:
                stand_in.requests.append(request)
                fault = stand_in.struck(request)
                if fault is not None and fault.what == "expire":
                    stand_in.expire_tokens()
                    fault = None
                answer = _struck_answer(fault) if fault else None
                if answer is None:
                    answer = stand_in.answer(request)
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            self._send(answer, body, fault)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

        def _body(self) -> Any:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if not raw:
                return None
            if "json" in (self.headers.get("Content-Type") or ""):
                return json.loads(raw)
            return {name: values[-1] for name, values in parse_qs(raw.decode()).items()}

        def _send(self, answer: Answer, body: bytes, fault: Fault | None) -> None:
            what = fault.what if fault else None
            if what == "reset":
                # Linger 0: the client sees a reset, not an end.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self.close_connection = True
                return
            if what == "bad_json":
                body = body[: max(1, len(body) // 2)]
            self.send_response(answer.status)
            headers = {"Content-Type": "application/json;charset=UTF-8", **answer.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            if what == "huge":
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                while True:
                    self.wfile.write(b"100000\r\n" + b" " * 2**20 + b"\r\n")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if what == "truncate":
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
                return
            self.wfile.write(body)

    return Handler


def _struck_answer(fault: Fault) -> Answer | None:
    """The answer in place of the vendor's, None where only its way is disturbed."""
    match fault.what:
        case "status" | "redirect":
            status = 302 if fault.what == "redirect" else fault.status
            return Answer(fault.body.encode(), status, dict(fault.headers))
        case "html":
            return Answer(b"<html><body>Sorry!</body></html>", 200, {"Content-Type": "text/html"})
        case "error_200":
            return Answer({"error": "on purpose"})
        case "no_list":
            return Answer({})
        case _:
            return None
