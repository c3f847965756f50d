"""Asana's API over the records of one workspace: compact records unless fields are asked for, opaque offsets.

A task is listed by project. Moving it to another one does not move its time of change; a deleted one is a 404
and in no list. An offset holds for the list it was given for.
"""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any, ClassVar

from sandbox.vendors.server import Answer, Request, StandIn
from sandbox.vendors.store import Record, Store

PAGE = 100
WORKSPACE = "1100"


def stamp(at: datetime) -> str:
    """A moment as Asana writes it, to the millisecond."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


class Board:
    """The records of a workspace and what people do to them. Every change is stamped by the clock."""

    def __init__(self, stand_in: "AsanaStandIn") -> None:
        self._stand_in = stand_in
        self._made = 120_000

    def records(self, name: str) -> dict[str, Record]:
        """The records of a table by id."""
        return self._stand_in.store.table(name)

    def user(self, name: str, address: str) -> str:
        """A member of the workspace."""
        return self._add("users", {"resource_type": "user", "name": name, "email": address})

    def project(self, name: str, team: str | None = None) -> str:
        """A project."""
        record: Record = {"resource_type": "project", "name": name, "archived": False, "owner": None}
        record["team"] = {"gid": "77", "resource_type": "team", "name": team} if team else None
        return self._add("projects", {**record, **self._stamps(), "due_on": None, "custom_fields": []})

    def task(self, project: str, name: str, **fields: Any) -> str:
        """A task in a project."""
        usual: Record = {"resource_type": "task", "resource_subtype": "default_task", "name": name}
        usual |= {"completed": False, "completed_at": None, "assignee": None, "due_on": None, "tags": []}
        usual |= {**self._stamps(), "custom_fields": [], "_projects": [project]}
        return self._add("tasks", {**usual, **fields})

    def update(self, task: str, **fields: Any) -> None:
        """Change fields of a task."""
        self.records("tasks")[task] |= {**fields, "modified_at": stamp(self._stand_in.clock())}

    def complete(self, task: str) -> None:
        """Done."""
        self.update(task, completed=True, completed_at=stamp(self._stand_in.clock()))

    def reopen(self, task: str) -> None:
        """Not done after all."""
        self.update(task, completed=False, completed_at=None)

    def assign(self, task: str, user: str | None) -> None:
        """Give a task to somebody, or to nobody."""
        shown = (
            {"gid": user, "resource_type": "user", "name": self.records("users")[user]["name"]}
            if user
            else None
        )
        self.update(task, assignee=shown)

    def place(self, task: str, *projects: str) -> None:
        """Put a task into these projects; its time of change stays."""
        self.records("tasks")[task]["_projects"] = list(projects)

    def delete(self, name: str, key: str) -> None:
        """Gone. Tasks of a project that is deleted are in one project less, those of no other go with it."""
        del self.records(name)[key]
        if name != "projects":
            return
        for task in list(self.records("tasks")):
            left = [each for each in self.records("tasks")[task]["_projects"] if each != key]
            self.place(task, *left)
            if not left:
                del self.records("tasks")[task]

    def _stamps(self) -> Record:
        now = stamp(self._stand_in.clock())
        return {"created_at": now, "modified_at": now}

    def _add(self, name: str, record: Record) -> str:
        self._made += 1
        key = str(self._made)
        self.records(name)[key] = {"gid": key, **record}
        return key


class AsanaStandIn(StandIn):
    """One workspace."""

    kind: ClassVar[str] = "asana"
    credentials: ClassVar = {"token": "sandbox-asana-token"}

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.board = Board(self)
        # Lists that the token has no scope for.
        self.hidden: set[str] = set()

    def answer(self, request: Request) -> Answer:
        """As Asana would."""
        if request.headers.get("Authorization") != f"Bearer {self.credentials['token']}":
            return _error(401, "Not Authorized")
        name = request.path.removeprefix("/api/1.0").strip("/")
        if name in self.hidden:
            return _error(403, f"This token lacks the scope {name}:read.")
        if request.get("workspace", WORKSPACE) != WORKSPACE:
            return _error(404, "workspace: Unknown object")
        match name:
            case "workspaces":
                found = [{"gid": WORKSPACE, "resource_type": "workspace", "name": "Company"}]
            case "users" | "projects":
                if not request.get("workspace"):
                    return _error(400, "workspace: Missing input")
                found = list(self.store.table(name).values())
            case "tasks":
                project = request.get("project")
                if not project:
                    return _error(400, "You should specify one of project, tag, section, user_task_list")
                if project not in self.store.table("projects"):
                    return _error(404, "project: Unknown object")
                since = request.get("modified_since")
                moment = (
                    stamp(datetime.fromisoformat(since).astimezone(UTC).replace(tzinfo=None)) if since else ""
                )
                found = [
                    each
                    for each in self.store.table("tasks").values()
                    if project in each["_projects"] and each["modified_at"] >= moment
                ]
            case _:
                return _error(404, "Not Found")
        return self._page(request, found)

    def _page(self, request: Request, found: list[Record]) -> Answer:
        limit = int(request.get("limit") or PAGE)
        if not 1 <= limit <= PAGE:
            return _error(400, "limit: Must be between 1 and 100")
        size = min(limit, self.quirks.page_size or PAGE)
        asked = sorted(
            (name, values) for name, values in request.query.items() if name not in ("offset", "limit")
        )
        mark = hashlib.sha256(repr((request.path, asked)).encode()).hexdigest()[:8]
        begin = 0
        if offset := request.get("offset"):
            told, _, place = base64.urlsafe_b64decode(offset).decode().partition(":")
            if told != mark:
                return _error(400, "offset: Your pagination token has expired.")
            begin = int(place)
        end = begin + size
        page = found[max(0, begin - 1) if self.quirks.duplicates else begin : end]
        if self.quirks.unordered:
            page.reverse()
        following = size if self.quirks.stuck else end
        token = base64.urlsafe_b64encode(f"{mark}:{following}".encode()).decode()
        fields = request.get("opt_fields").split(",") if request.get("opt_fields") else None
        return Answer(
            {
                "data": [_shown(each, fields) for each in page],
                "next_page": {"offset": token, "path": request.path} if end < len(found) else None,
            }
        )


def _shown(record: Record, fields: list[str] | None) -> Record:
    """What was asked for; without that, little more than the name."""
    if fields is None:
        return {name: record[name] for name in ("gid", "resource_type", "name")}
    shown: Record = {"gid": record["gid"]}
    for field in fields:
        name, _, part = field.partition(".")
        value = record.get(name)
        if name.startswith("_") or name not in record:
            continue
        if not part:
            compact = ("gid", "resource_type", "name")
            shown[name] = (
                {each: value[each] for each in compact if each in value} if isinstance(value, dict) else value
            )
        elif isinstance(value, dict):
            shown.setdefault(name, {"gid": value["gid"]})[part] = value.get(part)
        elif isinstance(value, list):
            kept = shown.setdefault(name, [{"gid": each["gid"]} for each in value])
            for target, each in zip(kept, value, strict=True):
                target[part] = each.get(part)
        else:
            shown[name] = value
    return shown


def _error(status: int, message: str) -> Answer:
    return Answer(
        {"errors": [{"message": message, "help": "For more information on API status codes …"}]}, status
    )


def build(store: Store) -> AsanaStandIn:
    """The stand-in over a store."""
    return AsanaStandIn(store)
