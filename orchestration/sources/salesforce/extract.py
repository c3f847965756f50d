"""Reads objects of a Salesforce org: every field the API user may see, deleted records included."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar

import requests
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

from orchestration.sources.api.client import (
    Client,
    Limits,
    MissingPermission,
    Record,
    Refusal,
    RenewableToken,
    shown,
    usual_refusal,
)
from orchestration.sources.api.connector import Connector, Table, Window
from orchestration.sources.salesforce.tables import TABLES, SObject
from orchestration.vendor_settings import ObjectEntity, Salesforce

# A request line may have 16,384 bytes; what a query may take of it.
_QUERY_BYTES = 12_000
_IDS_AT_ONCE = 300
# An address is there as its parts, too; files are not read.
_UNREAD_TYPES = {"address", "location", "base64"}


class SalesforceConnector(Connector[Salesforce]):
    """One org, with the right of one API user."""

    credentials: ClassVar = {
        "client_id": "consumer key of the connected app",
        "client_secret": "consumer secret of the connected app",
    }

    def connect(self) -> Client:
        """The client; it signs in with its first request."""
        client = Client(
            self.source.name,
            self.base_url,
            limits=Limits(calls=25, seconds=1.0),
            secrets=self.secrets,
            refusal=_refusal,
        )
        client.authenticate(RenewableToken(self._sign_in))
        self._data = f"/services/data/v{self.source.api_version}"
        self._described: dict[str, dict[str, str]] = {}
        self._listed: set[str] | None = None
        return client

    def tables(self) -> Sequence[SObject]:
        """The standard objects that models read."""
        return TABLES

    def object_table(self, entity: str, mapping: ObjectEntity) -> tuple[Table, ObjectEntity]:
        """Any object of the org, a custom one mostly."""
        fields = self._fields(mapping.object)
        usual = {
            "source_id": "Id",
            "created_at": "CreatedDate",
            "updated_at": "SystemModstamp",
            "is_deleted": "IsDeleted",
        }
        columns = {column: field for column, field in usual.items() if field in fields} | mapping.columns
        table = SObject(
            name=entity,
            path=mapping.object,
            key="source_id",
            cursor="updated_at" if columns.get("updated_at") == "SystemModstamp" else None,
            deleted="is_deleted" if "is_deleted" in columns else None,
            permission=f"Read on {mapping.object}",
        )
        return table, mapping.model_copy(update={"columns": columns})

    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Records whose time of change lies in the window, deleted ones and merged ones, too."""
        if isinstance(table, SObject) and table.optional and table.path not in self._objects():
            return
        fields = list(self._fields(table.path))
        where = self._changed(table, window)
        first, *others = _portions(fields)
        for page in self._query(f"SELECT {','.join(first)} FROM {table.path}{where}"):
            yield self._widened(table.path, page, others) if others else page

    def live_rows(self, table: Table, window: Window) -> int | None:
        """How many records there are that are not in the bin."""
        if not table.complete or table.cursor is None:
            return None
        if isinstance(table, SObject) and table.optional and table.path not in self._objects():
            return None
        created = ""
        if "CreatedDate" in self._fields(table.path):
            created = f" WHERE CreatedDate <= {_moment(window.until)}"
        query = {"q": f"SELECT COUNT() FROM {table.path}{created}"}
        return int(self.client.get(f"{self._data}/query", query, expect="totalSize")["totalSize"])

    def probe(self, table: Table) -> None:
        """Read one id."""
        if isinstance(table, SObject) and table.optional and table.path not in self._objects():
            return
        if table.path not in self._objects():
            raise MissingPermission(f"{table.path} cannot be seen.")
        query = {"q": f"SELECT Id FROM {table.path} LIMIT 1"}
        self.client.get(f"{self._data}/queryAll", query, expect="records")

    def _sign_in(self) -> str:
        answer = self.client.sign_in(
            "/services/oauth2/token", {"grant_type": "client_credentials", **self.secrets}
        )
        self.client.move_to(str(answer.get("instance_url") or self.base_url))
        return str(answer["access_token"])

    def _objects(self) -> set[str]:
        """Names of the objects that this user may see."""
        if self._listed is None:
            answer = self.client.get(f"{self._data}/sobjects", expect="sobjects")
            self._listed = {each["name"] for each in answer["sobjects"]}
        return self._listed

    def _fields(self, name: str) -> dict[str, str]:
        """Field → type, described in every run: admins add and remove fields."""
        if name not in self._described:
            if name not in self._objects():
                raise MissingPermission(
                    f"Source '{self.source.name}' may not see the object {name}; grant Read on {name} to the"
                    " API user."
                )
            answer = self.client.get(f"{self._data}/sobjects/{name}/describe", expect="fields")
            self._described[name] = {
                field["name"]: field["type"]
                for field in answer["fields"]
                if field["type"] not in _UNREAD_TYPES
            }
        return self._described[name]

    def _changed(self, table: Table, window: Window) -> str:
        """The condition that selects the window."""
        fields = self._fields(table.path)
        wanted = {"created_date": "CreatedDate"}.get(table.cursor or "", "SystemModstamp")
        field = next((name for name in (wanted, "LastModifiedDate", "CreatedDate") if name in fields), None)
        if field is None:
            return ""
        since = f"{field} >= {_moment(window.since)} AND " if window.since else ""
        return f" WHERE {since}{field} <= {_moment(window.until)}"

    def _widened(self, name: str, page: list[Record], portions: list[list[str]]) -> list[Record]:
        """The records of a page with the fields that did not fit into its query."""
        by_id = {record["Id"]: record for record in page}
        ids = list(by_id)
        for fields in portions:
            for start in range(0, len(ids), _IDS_AT_ONCE):
                listed = ",".join(f"'{each}'" for each in ids[start : start + _IDS_AT_ONCE])
                query = f"SELECT {','.join(['Id', *fields])} FROM {name} WHERE Id IN ({listed})"
                for more in self._query(query):
                    for record in more:
                        by_id[record["Id"]] |= record
        return page

    def _query(self, soql: str) -> Iterator[list[Record]]:
        for page in self.client.pages(
            f"{self._data}/queryAll",
            {"q": soql},
            items="records",
            paginator=JSONLinkPaginator(next_url_path="nextRecordsUrl"),
        ):
            for record in page:
                record.pop("attributes", None)
            yield page


def _moment(moment: datetime) -> str:
    """A time as SOQL writes it."""
    return moment.isoformat(timespec="milliseconds") + "Z"


def _portions(fields: Sequence[str]) -> list[list[str]]:
    """The fields in as many queries as it takes; ids of the second ones take their room, too."""
    room = _QUERY_BYTES - _IDS_AT_ONCE * 27
    if sum(len(name) + 3 for name in fields) <= _QUERY_BYTES:
        return [list(fields)]
    portions: list[list[str]] = [["Id"]]
    used = 0
    for name in (each for each in fields if each != "Id"):
        if used + len(name) + 3 > room:
            portions.append([])
            used = 0
        portions[-1].append(name)
        used += len(name) + 3
    return portions


def _refusal(response: requests.Response) -> Refusal | None:
    if response.status_code < 400:
        return usual_refusal(response)
    body = response.text
    if "REQUEST_LIMIT_EXCEEDED" in body:
        if "TotalRequests" in body:
            return Refusal("has used up its calls of the day (REQUEST_LIMIT_EXCEEDED)")
        return Refusal("is asked too often (REQUEST_LIMIT_EXCEEDED)", retry=True)
    if "INVALID_SESSION_ID" in body:
        return Refusal("does not take the token (INVALID_SESSION_ID)", renew=True)
    if response.status_code == 400 and "invalid_client" in body:
        return Refusal("does not take the credentials (invalid_client)")
    if response.status_code == 403 or "INSUFFICIENT_ACCESS" in body or "INVALID_TYPE" in body:
        return Refusal(f"does not allow it ({shown(response)})", permission=True)
    return usual_refusal(response)
