"""Reads Asana: every workspace of the token, project by project."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from orchestration.sources.api.client import Client, Limits, NotFound, Record
from orchestration.sources.api.connector import Connector, Table, Window
from orchestration.sources.asana.tables import FIELDS, TABLES
from orchestration.vendor_settings import Asana

_PAGE = 100


class AsanaConnector(Connector[Asana]):
    """Everything one token reaches."""

    credentials: ClassVar[Mapping[str, str]] = {"token": "personal access token or that of a service account"}

    def connect(self) -> Client:
        """The client; the token goes along in a header. The least plan allows 150 calls a minute."""
        self._projects: list[str] | None = None
        self._placed: set[str] | None = None
        self._seen: set[str] = set()
        return Client(
            self.source.name,
            self.base_url,
            limits=Limits(calls=150, seconds=60.0),
            headers={"Authorization": f"Bearer {self.secrets['token']}"},
            secrets=self.secrets,
        )

    def tables(self) -> Sequence[Table]:
        """Every table of `tables.py`."""
        return TABLES

    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Tasks that changed in the window; everything else whole."""
        match table.name:
            case "membership":
                return self._memberships()
            case "task":
                return self._tasks(window)
            case _:
                return self._of_workspaces(table)

    def rows(self, table: Table, record: Record) -> Iterable[Record]:
        """People and teams by id and name, the company's own fields by their id."""
        return (record,) if table.name == "membership" else (opened(record),)

    def census(self, table: Table, window: Window) -> Iterator[list[Record]] | None:
        """The ids of all tasks that are in a project: of a deleted one Asana says nothing."""
        return self._census() if table.name == "task" else None

    def probe(self, table: Table) -> None:
        """One record of a list; of tasks, those of the first project."""
        for workspace in self._workspaces():
            params: Record = {"workspace": workspace}
            if table.path == "/tasks":
                projects = next(self._listed("/projects", {**params, "limit": 1}), [])
                if not projects:
                    continue
                params = {"project": projects[0]["gid"]}
            next(self._listed(table.path, {**params, "limit": 1}), None)
            return

    def _workspaces(self) -> list[str]:
        return [each["gid"] for page in self._listed("/workspaces", {}) for each in page]

    def _of_workspaces(self, table: Table) -> Iterator[list[Record]]:
        wanted = {"opt_fields": ",".join(FIELDS[table.name])}
        for workspace in self._workspaces():
            yield from self._listed(table.path, {"workspace": workspace, **wanted})

    def _of_projects(self, params: Record) -> Iterator[tuple[str, list[Record]]]:
        """Pages of tasks of every project; one that is gone since it was listed has none."""
        if self._projects is None:
            self._projects = [
                each["gid"]
                for workspace in self._workspaces()
                for page in self._listed("/projects", {"workspace": workspace})
                for each in page
            ]
        for project in self._projects:
            try:
                for page in self._listed("/tasks", {"project": project, **params}):
                    yield project, page
            except NotFound:
                continue

    def _memberships(self) -> Iterator[list[Record]]:
        placed: set[str] = set()
        for project, page in self._of_projects({}):
            placed.update(each["gid"] for each in page)
            yield [
                {"id": f"{each['gid']}/{project}", "task_gid": each["gid"], "project_gid": project}
                for each in page
            ]
        self._placed = placed

    def _tasks(self, window: Window) -> Iterator[list[Record]]:
        params: dict[str, Any] = {"opt_fields": ",".join(FIELDS["task"])}
        if window.since is not None:
            params["modified_since"] = _written(window.since)
        for _, page in self._of_projects(params):
            self._seen.update(each["gid"] for each in page)
            yield page

    def _census(self) -> Iterator[list[Record]]:
        if self._placed is None:
            for _ in self._memberships():
                pass
        # What was created since the projects were walked was read all the same.
        yield [{"gid": each} for each in sorted((self._placed or set()) | self._seen)]

    def _listed(self, path: str, params: Record) -> Iterator[list[Record]]:
        return self.client.pages(
            path,
            {"limit": _PAGE, **params},
            items="data",
            paginator=JSONResponseCursorPaginator(cursor_path="next_page.offset", cursor_param="offset"),
        )


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def opened(record: Record) -> Record:
    """A record without objects inside: who and what by id and name, own fields as custom_field_<id>."""
    row: Record = {}
    for name, value in record.items():
        if name == "custom_fields":
            row |= {f"custom_field_{each['gid']}": _own(each) for each in value or ()}
        elif isinstance(value, dict):
            row |= {f"{name}_{part}": value[part] for part in ("gid", "name") if part in value}
        elif isinstance(value, list):
            row[name] = [each.get("name", each) if isinstance(each, dict) else each for each in value]
        elif name != "resource_type":
            row[name] = value
    return {name: value for name, value in row.items() if value not in (None, [], "")}


def _own(field: Record) -> Any:
    """The value of a field of the company's own: a number as one, everything else as it is shown."""
    if field.get("number_value") is not None:
        return field["number_value"]
    return field.get("display_value")
