"""Reads a Jira Cloud site: issues changed since the last read, their change log, and who works there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from dlt.sources.helpers.rest_client.paginators import BasePaginator, JSONResponseCursorPaginator
from requests import Request, Response
from requests.auth import HTTPBasicAuth

from orchestration.sources.api.client import (
    Client,
    Limits,
    MissingPermission,
    Record,
    Refusal,
    usual_refusal,
)
from orchestration.sources.api.connector import Connector, Table, Window
from orchestration.sources.jira.tables import LEFT_OUT, LOGGED, RIGHTS, TABLES
from orchestration.vendor_settings import Jira

_PAGE = 100
# With nothing but ids, a page may be this large.
_ID_PAGE = 5000
_LOGGED_ISSUES = 1000
# A search must be bounded; nothing is older.
_BEGINNING = datetime(1970, 1, 2)


class ReceivedPaginator(BasePaginator):
    """The next page begins after what came, which may be less than asked for; an empty one is the last."""

    def __init__(self) -> None:
        super().__init__()
        self._start = 0

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Go on by as many as came."""
        self._start += len(data or ())
        self._has_next_page = bool(data)

    def update_request(self, request: Request) -> None:
        """Ask for what comes after."""
        request.params = {**(request.params or {}), "startAt": self._start}


class JiraConnector(Connector[Jira]):
    """One site, read by a user with an API token."""

    credentials: ClassVar[Mapping[str, str]] = {
        "email": "e-mail address of the user the token belongs to",
        "api_token": "an API token of that user",
    }

    def connect(self) -> Client:
        """The client; `_zone` is asked for with the first search."""
        self._zone: ZoneInfo | None = None
        self._seen: list[str] = []
        return Client(
            self.source.name,
            self.base_url,
            limits=Limits(calls=10, seconds=1.0),
            auth=HTTPBasicAuth(self.secrets["email"], self.secrets["api_token"]),
            secrets=self.secrets,
            refusal=refusal,
        )

    def tables(self) -> Sequence[Table]:
        """Every table of `tables.py`."""
        return TABLES

    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Users whole; issues that changed in the window, and the change log of the same."""
        match table.name:
            case "user":
                yield from self._users()
            case "issue":
                for page in self._search(window, ["*all", *(f"-{name}" for name in LEFT_OUT)], _PAGE):
                    self._seen += [each["id"] for each in page]
                    yield page
            case _:
                for ids in self._ids(window):
                    for first in range(0, len(ids), _LOGGED_ISSUES):
                        yield from self._logged(ids[first : first + _LOGGED_ISSUES])

    def rows(self, table: Table, record: Record) -> Iterable[Record]:
        """An issue with its fields beside its id; a row per field that a change of an issue changed."""
        if table.name == "issue":
            return (issue(record),)
        return changes(record) if table.name == "change" else (record,)

    def census(self, table: Table, window: Window) -> Iterator[list[Record]] | None:
        """The ids of all issues: Jira says of none that it was deleted."""
        return self._census(window) if table.name == "issue" else None

    def _census(self, window: Window) -> Iterator[list[Record]]:
        for ids in self._ids(Window(None, window.until)):
            yield [{"id": each} for each in ids]
        # What was just read is there, even if the index does not list it yet.
        yield [{"id": each} for each in self._seen]

    def probe(self, table: Table) -> None:
        """Ask for the right: without it Jira does not refuse, it shows less."""
        right = RIGHTS[table.name]
        answer = self.client.get("/rest/api/3/mypermissions", {"permissions": right}, expect="permissions")
        if not answer["permissions"].get(right, {}).get("havePermission"):
            raise MissingPermission(f"Source '{self.source.name}' lacks {table.permission}.")

    def _users(self) -> Iterator[list[Record]]:
        """All accounts but those of apps and of customers of a service desk."""
        pages = self.client.pages(
            "/rest/api/3/users/search", {"maxResults": _PAGE}, items="", paginator=ReceivedPaginator()
        )
        for page in pages:
            yield [
                {name: value for name, value in each.items() if name not in ("self", "avatarUrls")}
                for each in page
                if each.get("accountType", "atlassian") == "atlassian"
            ]

    def _ids(self, window: Window) -> Iterator[list[str]]:
        for page in self._search(window, ["id"], _ID_PAGE):
            yield [each["id"] for each in page]

    def _search(self, window: Window, fields: list[str], size: int) -> Iterator[list[Record]]:
        # In the order of creation, which no change alters.
        jql = f'updated >= "{self._local(window.since or _BEGINNING)}" ORDER BY created ASC, id ASC'
        return self.client.pages(
            "/rest/api/3/search/jql",
            items="issues",
            body={"jql": jql, "fields": fields, "maxResults": size},
            paginator=JSONResponseCursorPaginator(
                cursor_path="nextPageToken", cursor_body_path="nextPageToken"
            ),
        )

    def _logged(self, issues: Sequence[str]) -> Iterator[list[Record]]:
        pages = self.client.pages(
            "/rest/api/3/changelog/bulkfetch",
            items="issueChangeLogs",
            body={"issueIdsOrKeys": list(issues), "fieldIds": list(LOGGED), "maxResults": 1000},
            paginator=JSONResponseCursorPaginator(
                cursor_path="nextPageToken", cursor_body_path="nextPageToken"
            ),
        )
        for page in pages:
            yield [
                {**history, "issueId": log["issueId"]}
                for log in page
                for history in log.get("changeHistories") or ()
            ]

    def _local(self, at: datetime) -> str:
        """A moment as a search understands it: to the minute, in the time zone of who asks."""
        if self._zone is None:
            me = self.client.get("/rest/api/3/myself", expect="timeZone")
            self._zone = ZoneInfo(me["timeZone"])
        return f"{at.replace(tzinfo=UTC).astimezone(self._zone):%Y-%m-%d %H:%M}"


def refusal(response: Response) -> Refusal | None:
    """As usual, but an anonymous answer is none: Jira shows strangers what is public, with status 200."""
    if "FAILED" in response.headers.get("X-Seraph-LoginReason", ""):
        return Refusal("does not take the credentials")
    return usual_refusal(response)


def issue(record: Record) -> Record:
    """An issue whose fields are columns: people by their account, choices by their name."""
    row: Record = {"id": record["id"], "key": record.get("key")}
    for name, value in (record.get("fields") or {}).items():
        if name == "status" and isinstance(value, dict):
            row |= {"status_id": value.get("id"), "status_name": value.get("name")}
            row["status_category"] = (value.get("statusCategory") or {}).get("key")
        elif name == "project" and isinstance(value, dict):
            row |= {"project_key": value.get("key"), "project_name": value.get("name")}
        elif isinstance(value, dict) and "accountId" in value:
            row |= {f"{name}_account_id": value["accountId"], f"{name}_name": value.get("displayName")}
        elif value not in (None, []):
            row[name] = [_plain(each) for each in value] if isinstance(value, list) else _plain(value)
    return row


def _plain(value: Any) -> Any:
    """What a choice, a version, a link to another issue and the like are called."""
    if isinstance(value, dict):
        for name in ("value", "name", "displayName", "key"):
            if isinstance(value.get(name), str):
                return value[name]
    return value


def changes(record: Record) -> Iterator[Record]:
    """A row per field of a change."""
    for number, item in enumerate(record.get("items") or ()):
        yield {
            "id": f"{record['id']}:{number}",
            "issue_id": record["issueId"],
            "created": _moment(record["created"]),
            "author_account_id": (record.get("author") or {}).get("accountId"),
            "field": item.get("fieldId") or item.get("field"),
            "from_value": item.get("from"),
            "from_string": item.get("fromString"),
            "to_value": item.get("to"),
            "to_string": item.get("toString"),
        }


def _moment(value: Any) -> Any:
    """Bulk change logs give milliseconds since 1970, single ones a text."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / 1000, UTC).replace(tzinfo=None)
    return value
