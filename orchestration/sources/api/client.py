"""HTTP as a connector may use it: dlt's REST client over a session that trusts no answer unchecked.

An answer is data when its status says so, it came from the host that was asked, it is complete, no larger
than expected and JSON. Everything else is tried again or ends as one sentence.
"""

import hashlib
import json
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator, SinglePagePaginator
from requests.auth import AuthBase

from orchestration.errors import SourceFailed

Record = dict[str, Any]

# Tests of waiting replace it: no test sleeps.
sleep = time.sleep

_ATTEMPTS = 5
_CONNECT_SECONDS = 10
_READ_SECONDS = 60
_ANSWER_SECONDS = 600
_ANSWER_BYTES = 256 * 2**20
_SAME_REQUEST = 8
_POLL_SECONDS = 3600
_MAX_PAGES = 200_000
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_SHOWN = 300


@dataclass(frozen=True)
class Limits:
    """How often a vendor may be asked, and how long we wait when it says that it was too often.

    `calls` in `seconds` are never exceeded. A wait longer than `longest_wait` ends the read instead.
    """

    calls: int = 50
    seconds: float = 1.0
    longest_wait: float = 300.0


@dataclass(frozen=True)
class Refusal:
    """What an answer that is no data means.

    `wait` is how long the vendor wants us to wait (None: not said). With `permission`, the credentials are
    good and a right is missing.
    """

    reason: str
    retry: bool = False
    wait: float | None = None
    renew: bool = False
    permission: bool = False


class MissingPermission(SourceFailed):
    """The vendor knows us and does not let us read this."""


class NotFound(SourceFailed):
    """The vendor has nothing at this address."""


class RenewableToken(AuthBase):
    """A bearer token that is asked for when it is needed, and again when it is no longer taken."""

    def __init__(self, fetch: Callable[[], str]) -> None:
        self._fetch = fetch
        self._token: str | None = None

    @property
    def secret(self) -> str | None:
        """The token in use."""
        return self._token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is None:
            self._token = self._fetch()
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def renew(self, request: requests.PreparedRequest) -> None:
        """Put a new token into a request whose token was refused."""
        self._token = self._fetch()
        self(request)


def usual_refusal(response: requests.Response) -> Refusal | None:
    """What most vendors mean by a status: None is data, 429 and 5xx are worth another try."""
    status = response.status_code
    if status < 300:
        return None
    if status == 429 or status >= 500:
        return Refusal(f"answered {status}", retry=True, wait=retry_after(response))
    if status == 401:
        return Refusal("does not take the credentials (401)", renew=True)
    if status == 403:
        return Refusal(f"does not allow it (403: {shown(response)})", permission=True)
    if status < 400:
        return Refusal(f"redirects to another address ({status}), which is not followed")
    return Refusal(f"answered {status}: {shown(response)}")


def retry_after(response: requests.Response) -> float | None:
    """The seconds of a Retry-After header: a number, whole or not, or a date."""
    text = response.headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def seconds_until(response: requests.Response, moment: datetime) -> float:
    """How long it is until a moment that an answer names, by the clock of whoever answered."""
    try:
        now = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        now = datetime.now(UTC)
    return max(0.0, (moment - now).total_seconds())


def shown(response: requests.Response) -> str:
    """The beginning of an answer, for people."""
    return " ".join(response.text.split())[:_SHOWN]


def error_in(response: requests.Response) -> Record:
    """The object under `error` of an answer that is no data, empty if there is none."""
    try:
        error = json.loads(response.content)["error"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {}


class _Unusable(Exception):
    """An answer that arrived and is no JSON, or did not arrive whole."""


class GuardedSession(requests.Session):
    """Sends requests to the hosts it was made for, waits and tries again as the vendor wants it."""

    def __init__(
        self,
        source: str,
        base_url: str,
        limits: Limits,
        refusal: Callable[[requests.Response], Refusal | None],
        scrolls: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._source = source
        self._origins = {_origin(base_url)}
        self._limits = limits
        self._refusal = refusal
        self._scrolls = scrolls
        self._sent: deque[float] = deque()
        self._asked: Counter[bytes] = Counter()
        self.token: RenewableToken | None = None
        self.secrets: set[str] = set()
        self.requests_sent = 0
        self.may_repeat = False
        # No credentials from a .netrc, and no proxy in front of this machine.
        self.trust_env = urlsplit(base_url).hostname not in _LOOPBACK

    def allow(self, url: str) -> None:
        """Also send to the host of this URL."""
        self._origins.add(_origin(url))

    def rebuild_auth(self, prepared_request: Any, response: Any) -> None:
        """Redirects are not followed, so there is nothing to authenticate again."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """An answer that is data and JSON; raises SourceFailed with one sentence otherwise."""
        self._refuse_other_hosts(request)
        self._refuse_loops(request)
        renewed = False
        for attempt in range(1, _ATTEMPTS + 1):
            self._pace()
            try:
                response = self._receive(request, options)
                refusal = self._refusal(response)
                if refusal is None:
                    _parse(response)
                    return response
            except _Unusable as failure:
                refusal = Refusal(str(failure), retry=True)
            except (requests.Timeout, requests.ConnectionError) as failure:
                refusal = Refusal(f"cannot be reached ({type(failure).__name__})", retry=True)
            if refusal.renew and self.token is not None and not renewed:
                renewed = True
                self.token.renew(request)
                continue
            if not refusal.retry or attempt == _ATTEMPTS:
                raise self._failure(request, refusal, attempt)
            self._wait(request, refusal, attempt)
        raise self._failure(request, Refusal("does not take a new token"), _ATTEMPTS)

    def _receive(self, request: requests.PreparedRequest, options: Mapping[str, Any]) -> requests.Response:
        chosen = {**options, "stream": True, "allow_redirects": False}
        chosen["timeout"] = (_CONNECT_SECONDS, _READ_SECONDS)
        self.requests_sent += 1
        response = super().send(request, **chosen)
        body, deadline = bytearray(), time.monotonic() + _ANSWER_SECONDS
        try:
            for part in response.iter_content(2**16):
                body += part
                if len(body) > _ANSWER_BYTES:
                    raise SourceFailed(
                        f"{self._where(request)} gave more than {_ANSWER_BYTES // 2**20} MB in one answer;"
                        " ask for smaller pages."
                    )
                if time.monotonic() > deadline:
                    raise _Unusable("is too slow")
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            raise _Unusable("broke off in the middle of an answer") from None
        finally:
            response.close()
        response._content = bytes(body)
        return response

    def _pace(self) -> None:
        """Never more calls in a stretch of time than the limits say."""
        now = time.monotonic()
        while self._sent and self._sent[0] <= now - self._limits.seconds:
            self._sent.popleft()
        if len(self._sent) >= self._limits.calls:
            sleep(self._sent[0] + self._limits.seconds - now)
            self._sent.popleft()
        self._sent.append(time.monotonic())

    def _wait(self, request: requests.PreparedRequest, refusal: Refusal, attempt: int) -> None:
        seconds = refusal.wait if refusal.wait is not None else 2 ** (attempt - 1) * random.uniform(0.5, 1.0)
        if seconds > self._limits.longest_wait:
            raise SourceFailed(
                f"{self._where(request)} {refusal.reason} and wants {seconds:,.0f} seconds of rest;"
                " run again later."
            )
        sleep(seconds)

    def _failure(self, request: requests.PreparedRequest, refusal: Refusal, attempts: int) -> SourceFailed:
        often = f" {attempts} times in a row" if attempts > 1 else ""
        sentence = self.without_secrets(f"{self._where(request)} {refusal.reason}{often}")
        if refusal.permission:
            return MissingPermission(f"{sentence}.")
        if refusal.reason.startswith("answered 404"):
            return NotFound(f"{sentence}.")
        advice = "try again later" if refusal.retry else f"look with `revops sources check {self._source}`"
        return SourceFailed(f"{sentence}; {advice}.")

    def without_secrets(self, text: str) -> str:
        """The text with every credential of this source replaced."""
        secrets = {*self.secrets, *([self.token.secret] if self.token and self.token.secret else [])}
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    def _where(self, request: requests.PreparedRequest) -> str:
        parts = urlsplit(request.url or "")
        return f"Source '{self._source}': {request.method} {parts.scheme}://{parts.netloc}{parts.path}"

    def _refuse_other_hosts(self, request: requests.PreparedRequest) -> None:
        if _origin(request.url or "") not in self._origins:
            raise SourceFailed(
                f"{self._where(request)} is another host than the source's own, where no credentials are"
                " sent; check base_url."
            )

    def _refuse_loops(self, request: requests.PreparedRequest) -> None:
        if urlsplit(request.url or "").path in self._scrolls:
            return
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        key = hashlib.sha256(f"{request.method} {request.url} ".encode() + body).digest()
        self._asked[key] += not self.may_repeat
        if self._asked[key] > _SAME_REQUEST:
            raise SourceFailed(
                f"{self._where(request)} was asked the same {_SAME_REQUEST} times; its pages lead in a"
                " circle."
            )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _parse(response: requests.Response) -> None:
    """Parse the body once; whoever asks for its JSON gets the same object."""
    if response.status_code == 204 or not response.content:
        parsed: Any = {}
    else:
        try:
            parsed = json.loads(response.content, parse_constant=_refuse_constant, parse_float=_number)
        except (ValueError, RecursionError):
            kind = response.headers.get("Content-Type", "no content type")
            raise _Unusable(f"gave no JSON ({kind})") from None
    response.json = lambda **options: parsed  # type: ignore[method-assign]


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _number(text: str) -> float | Decimal:
    # A float keeps fifteen digits; an amount may have more.
    return float(text) if len(text) <= 16 else Decimal(text)


class Client:
    """One vendor's API for the length of one read."""

    def __init__(
        self,
        source: str,
        base_url: str,
        *,
        limits: Limits = Limits(),
        headers: Mapping[str, str] | None = None,
        auth: AuthBase | None = None,
        secrets: Mapping[str, str] | None = None,
        refusal: Callable[[requests.Response], Refusal | None] = usual_refusal,
        scrolls: Collection[str] = (),
    ) -> None:
        """`refusal` reads the vendor's own ways to say no; `secrets` never appear in a sentence. `scrolls`
        are paths where the same request gives the next page each time; their reader notices what repeats.
        """
        self.session = GuardedSession(source, base_url, limits, refusal, scrolls)
        self.session.secrets |= {secret for secret in (secrets or {}).values() if secret}
        self.session.headers["Accept"] = "application/json"
        self.session.headers["User-Agent"] = "revops-warehouse"
        self._source = source
        self.authenticate(auth)
        self._rest = RESTClient(base_url, headers=dict(headers or {}), session=self.session)

    def authenticate(self, auth: AuthBase | None) -> None:
        """Send these credentials from now on."""
        self.session.auth = auth
        self.session.token = auth if isinstance(auth, RenewableToken) else None

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    def sign_in(self, path: str, form: Mapping[str, str]) -> Any:
        """The JSON answer to a form that asks for a token; sent without one."""
        answer = self._rest.post(path, data=dict(form), auth=_unsigned).json()
        if not isinstance(answer, dict) or "access_token" not in answer:
            raise self._failure(path, "answered 200 without 'access_token'")
        return answer

    def move_to(self, base_url: str) -> None:
        """Send everything to this address from now on, where signing in told us to."""
        self.session.allow(base_url)
        self._rest.base_url = base_url

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, expect: str | None = None) -> Any:
        """The JSON at a path, relative to base_url or a whole URL; SourceFailed if it lacks `expect`."""
        answer = self._rest.get(path, params=dict(params or {})).json()
        if expect is not None and not (isinstance(answer, dict) and expect in answer):
            raise self._failure(path, f"answered 200 without '{expect}'")
        return answer

    def post(self, path: str, body: Any = None, *, form: Mapping[str, str] | None = None) -> Any:
        """The JSON answer to a JSON body, or to a form."""
        return self._rest.post(path, json=body, data=dict(form) if form else None).json()

    def poll(
        self, path: str, params: Mapping[str, Any], *, is_done: Callable[[Record], bool], expect: str
    ) -> Record:
        """The JSON at a path once it is done, asked for again and again for at most an hour."""
        waited, wait = 0.0, 1.0
        self.session.may_repeat = True
        try:
            while not is_done(answer := self.get(path, params, expect=expect)):
                if waited > _POLL_SECONDS:
                    raise self._failure(path, f"was not done after {_POLL_SECONDS // 60} minutes")
                sleep(wait)
                waited, wait = waited + wait, min(2 * wait, 30.0)
        finally:
            self.session.may_repeat = False
        return dict(answer)

    def pages(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        items: str,
        paginator: BasePaginator | None = None,
        body: Any = None,
        empty_with: str | None = None,
    ) -> Iterator[list[Record]]:
        """Pages of records, which lie under the dotted path `items` of an answer ("" if it is the list).

        With `body` it is a POST. An empty list may be left out of an answer that has `empty_with`. Raises
        SourceFailed for an answer without a list, for a page that repeats the one before, and for one that
        leads back to itself.
        """
        before: tuple[str, bytes] | None = None
        pages = self._rest.paginate(
            path,
            method="GET" if body is None else "POST",
            params=dict(params or {}),
            json=body,
            paginator=paginator or SinglePagePaginator(),
            data_selector=items or "$",
            # Refusals are the session's affair.
            hooks={"response": []},
        )
        for number, page in enumerate(pages, start=1):
            answer = page.response.json()
            records = _list_at(answer, items)
            if records is None and isinstance(answer, dict) and empty_with in answer:
                records = []
            if records is None:
                place = f"under '{items}'" if items else "in its answer"
                raise self._failure(path, f"answered 200 without a list {place}")
            asked = page.response.request
            this = (f"{asked.url} {asked.body!r}", hashlib.sha256(page.response.content).digest())
            if records and before is not None and (this[0] == before[0] or this[1] == before[1]):
                raise self._failure(path, "gave the same page twice; its cursor does not move")
            if number > _MAX_PAGES:
                raise self._failure(path, f"has more than {_MAX_PAGES:,} pages")
            before = this
            yield records

    def _failure(self, path: str, reason: str) -> SourceFailed:
        return SourceFailed(
            f"Source '{self._source}': {urlsplit(path).path} {reason}; nothing of this read counts."
        )


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _list_at(answer: Any, items: str) -> list[Record] | None:
    for name in items.split(".") if items else ():
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer if isinstance(answer, list) else None
