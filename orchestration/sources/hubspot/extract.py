"""HubSpot: objects by keyset search, archived ones by a walk, histories, associations, marketing."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import requests
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from orchestration.errors import SourceFailed
from orchestration.sources.api.client import (
    Client,
    Limits,
    Record,
    Refusal,
    RenewableToken,
    usual_refusal,
)
from orchestration.sources.api.connector import Connector, Table, Window, batches
from orchestration.sources.hubspot.records import (
    association,
    crm_object,
    former_value,
    merge,
    merged_ids,
    moment,
    stage,
    submission,
)
from orchestration.sources.hubspot.tables import (
    ASSOCIATED,
    HISTORY,
    MERGED,
    OBJECT_OF,
    ONE,
    TABLES,
    changed_property,
)
from orchestration.vendor_settings import Hubspot

_PAGE = 100
_PAGE_WITH_HISTORY = 50
_SEARCH_PAGE = 200
_ASSOCIATIONS_PAGE = 1000
# An archived object is gone from the archive after 90 days; one that left it earlier was restored.
_ARCHIVED_FOR = timedelta(days=90)
# How often all ids are compared, since an object that was purged leaves no trace in any feed.
_CENSUS_EVERY = timedelta(days=7)
_OTHERS = Limits(calls=100, seconds=10.0)
_SEARCH = Limits(calls=4, seconds=1.0)


def refusal(response: requests.Response) -> Refusal | None:
    """A daily limit is over for today; a limit per second rarely says how long it lasts."""
    if response.status_code == 429:
        try:
            policy = str(json.loads(response.content).get("policyName", ""))
        except (ValueError, AttributeError):
            policy = ""
        if policy == "DAILY" or response.headers.get("X-HubSpot-RateLimit-Daily-Remaining") == "0":
            return Refusal("has no calls left today (429)")
        usual = usual_refusal(response)
        if usual is not None and usual.wait is None:
            interval = response.headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
            return Refusal(
                "answered 429", retry=True, wait=int(interval) / 1000 if interval.isdigit() else 10.0
            )
        return usual
    if response.status_code == 530:
        return Refusal("does not take the credentials (530: the token is malformed)", renew=True)
    return usual_refusal(response)


class HubspotConnector(Connector[Hubspot]):
    """A portal, read with the token of a private app or with that of an OAuth app that renews it."""

    credentials: ClassVar[Mapping[str, str]] = {"access_token": "the token of a private app"}

    def connect(self) -> Client:
        """Searches have a limit of their own, and so a client of their own."""
        token = RenewableToken(lambda: self.secrets["access_token"])
        self._searches = self._client(_SEARCH, token)
        self._properties: dict[str, list[str]] = {}
        self._states: dict[str, str] = {}
        return self._client(_OTHERS, token)

    def _client(self, limits: Limits, token: RenewableToken) -> Client:
        return Client(
            self.source.name,
            self.base_url,
            limits=limits,
            auth=token,
            secrets=self.secrets,
            refusal=refusal,
        )

    def close(self) -> None:
        """Close both clients."""
        self._searches.close()
        super().close()

    def tables(self) -> Sequence[Table]:
        """Every table of `tables.py`."""
        return TABLES

    def state(self, table: Table) -> str | None:
        """For an object: which ids were archived, and when all ids were last compared."""
        return self._states.get(table.name)

    def pages(self, table: Table, window: Window) -> Iterator[list[Record]]:
        """Records changed in the window; tables without a time of change come whole."""
        if table.name in OBJECT_OF:
            return self._objects(OBJECT_OF[table.name], window)
        read: Callable[[Window], Iterator[list[Record]]] = getattr(self, f"_{table.name}")
        return read(window)

    # --- objects ----------------------------------------------------------------------------------

    def _objects(self, name: str, window: Window) -> Iterator[list[Record]]:
        before = json.loads(window.state or "{}")
        pages = self._listed(name) if window.since is None else self._searched(name, window.since)
        for page in pages:
            yield [_as_row(each) for each in page]
        archived: list[str] = []
        for page in self._listed(name, archived=True):
            archived += [each["id"] for each in page]
            yield [_as_row(each) for each in page]
        # What left the archive was restored, or purged: then nobody has it any more.
        restored = sorted(set(before.get("archived", ())) - set(archived))
        for ids in batches(restored, _PAGE):
            yield [_as_row(each) for each in self._read(name, ids)]
        compared = before.get("compared") if window.since else None
        if compared is None or self._census_is_due(window):
            compared = window.until.isoformat()
        self._states[ONE[name]] = json.dumps({"archived": sorted(archived), "compared": compared})

    def _census_is_due(self, window: Window) -> bool:
        compared = json.loads(window.state or "{}").get("compared")
        return compared is None or window.until - datetime.fromisoformat(compared) >= _CENSUS_EVERY

    def census(self, table: Table, window: Window) -> Iterator[list[Record]] | None:
        """Once a week, the ids of all objects, archived or not."""
        if table.name not in OBJECT_OF or not self._census_is_due(window):
            return None
        return self._ids(OBJECT_OF[table.name])

    def _ids(self, name: str) -> Iterator[list[Record]]:
        for archived in (False, True):
            for page in self._walk(name, {}, archived=archived):
                yield [{"id": each["id"]} for each in page]

    def _walk(
        self, name: str, params: Mapping[str, Any], *, archived: bool = False
    ) -> Iterator[list[Record]]:
        """Every object of a kind, as the list gives it."""
        asked = {"limit": _PAGE, "archived": str(archived).lower(), **params}
        return self._paged(f"/crm/v3/objects/{name}", asked)

    def _paged(self, path: str, params: Mapping[str, Any]) -> Iterator[list[Record]]:
        return self.client.pages(
            path,
            params,
            items="results",
            paginator=JSONResponseCursorPaginator(cursor_path="paging.next.after", cursor_param="after"),
        )

    def _listed(self, name: str, *, archived: bool = False) -> Iterator[list[Record]]:
        """Every object with all its properties, which are too many for the address of a list."""
        for page in self._walk(name, {}, archived=archived):
            yield self._read(name, [each["id"] for each in page], archived=archived)

    def _read(
        self, name: str, ids: Sequence[str], *, archived: bool = False, history: Sequence[str] = ()
    ) -> list[Record]:
        """These objects; one that was deleted meanwhile is left out by HubSpot."""
        if not ids:
            return []
        path = f"/crm/v3/objects/{name}/batch/read?archived={str(archived).lower()}"
        body = {
            "inputs": [{"id": each} for each in ids],
            "properties": [] if history else self._names(name),
            "propertiesWithHistory": list(history),
        }
        return self._results(path, self.client.post(path, body))

    def _names(self, name: str) -> list[str]:
        """Every property of an object as it is today, the company's own included."""
        if name not in self._properties:
            path = f"/crm/v3/properties/{name}"
            found = self._results(path, self.client.get(path))
            self._properties[name] = sorted(str(each["name"]) for each in found)
        return self._properties[name]

    def _searched(
        self, name: str, since: datetime, properties: Sequence[str] | None = None
    ) -> Iterator[list[Record]]:
        """Objects changed at or after `since`, by keyset: a search ends at its 10,000th result."""
        wanted = self._names(name) if properties is None else properties
        changed = changed_property(name)
        wanted = sorted({*wanted, changed})
        start, known = _milliseconds(since), set[str]()
        while True:
            page, more = self._search(name, [(changed, "GTE", start)], changed, wanted)
            yield [each for each in page if each["id"] not in known]
            if not more:
                return
            latest = _milliseconds_of(page[-1]["properties"][changed])
            if latest > start:
                known = {e["id"] for e in page if _milliseconds_of(e["properties"][changed]) == latest}
                start = latest
                continue
            # More objects of one moment than a page holds: those by their ids, then what came later.
            yield from self._by_id(name, [(changed, "EQ", start)], wanted)
            start, known = start + 1, set()

    def _by_id(
        self, name: str, conditions: Sequence[tuple[str, str, object]], properties: Sequence[str]
    ) -> Iterator[list[Record]]:
        """Every object that meets the conditions, in the order of ids."""
        last, more = 0, True
        while more:
            page, more = self._search(
                name, [*conditions, ("hs_object_id", "GT", last)], "hs_object_id", properties
            )
            yield page
            last = max([last, *(int(each["id"]) for each in page)])

    def _search(
        self,
        name: str,
        conditions: Sequence[tuple[str, str, object]],
        order: str,
        properties: Sequence[str],
    ) -> tuple[list[Record], bool]:
        """The first page of a search, and whether there is more."""
        filters = [
            {"propertyName": field, "operator": operator}
            | ({} if operator == "HAS_PROPERTY" else {"value": str(value)})
            for field, operator, value in conditions
        ]
        path = f"/crm/v3/objects/{name}/search"
        body = {
            "filterGroups": [{"filters": filters}],
            "sorts": [order],
            "properties": list(properties),
            "limit": _SEARCH_PAGE,
            "after": "0",
        }
        answer = self._searches.post(path, body)
        return self._results(path, answer), bool(answer.get("paging", {}).get("next"))

    def _results(self, path: str, answer: Any) -> list[Record]:
        found = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise SourceFailed(
                f"Source '{self.source.name}': {path} answered 200 without a list under 'results'; nothing of"
                " this read counts."
            )
        return found

    # --- what hangs on objects --------------------------------------------------------------------

    def _merge(self, window: Window) -> Iterator[list[Record]]:
        for name in MERGED:
            condition = [("hs_merged_object_ids", "HAS_PROPERTY", None)]
            for page in self._by_id(name, condition, ["hs_merged_object_ids"]):
                yield [
                    merge(name, lost, each["id"])
                    for each in page
                    for lost in merged_ids(each["properties"].get("hs_merged_object_ids"))
                ]

    def _association(self, window: Window) -> Iterator[list[Record]]:
        """All of them each time: an association changes neither of its ends."""
        for name, others in ASSOCIATED.items():
            ids = (each["id"] for page in self._walk(name, {}) for each in page)
            for some in batches(ids, _ASSOCIATIONS_PAGE):
                for other in others:
                    yield list(self._associated(name, some, other))

    def _associated(self, name: str, ids: Iterable[str], other: str) -> Iterator[Record]:
        path = f"/crm/v4/associations/{name}/{other}/batch/read"
        inputs: list[Record] = [{"id": each} for each in ids]
        while inputs:
            results = self._results(path, self.client.post(path, {"inputs": inputs}))
            inputs = []
            for each in results:
                own = str(each["from"]["id"])
                for to in each["to"]:
                    labels = sorted({str(t["label"]) for t in to["associationTypes"] if t.get("label")})
                    yield association(name, own, other, str(to["toObjectId"]), ", ".join(labels) or None)
                if after := each.get("paging", {}).get("next", {}).get("after"):
                    inputs.append({"id": own, "after": after})

    def _property_history(self, window: Window) -> Iterator[list[Record]]:
        for name, properties in HISTORY.items():
            for ids in batches(self._changed_ids(name, window.since), _PAGE_WITH_HISTORY):
                yield [
                    former_value(name, each["id"], property_, version)
                    for each in self._read(name, ids, history=properties)
                    for property_, versions in each.get("propertiesWithHistory", {}).items()
                    for version in versions
                ]

    def _changed_ids(self, name: str, since: datetime | None) -> Iterator[str]:
        pages = self._walk(name, {}) if since is None else self._searched(name, since, ())
        for page in pages:
            yield from (each["id"] for each in page)

    # --- who and how ------------------------------------------------------------------------------

    def _owner(self, window: Window) -> Iterator[list[Record]]:
        for archived in ("false", "true"):
            for page in self._paged("/crm/v3/owners", {"limit": _PAGE, "archived": archived}):
                yield [each | {"team": _primary_team(each)} for each in page]

    def _pipeline_stage(self, window: Window) -> Iterator[list[Record]]:
        for name in ("deals", "tickets"):
            for page in self.client.pages(f"/crm/v3/pipelines/{name}", items="results"):
                yield [stage(name, pipeline, each) for pipeline in page for each in pipeline["stages"]]

    # --- marketing --------------------------------------------------------------------------------

    def _campaign(self, window: Window) -> Iterator[list[Record]]:
        properties = (
            "hs_name,hs_start_date,hs_end_date,hs_budget_items_sum_amount,hs_currency_code,hs_campaign_status"
        )
        for page in self._paged("/marketing/v3/campaigns", {"limit": _PAGE, "properties": properties}):
            yield [
                {
                    **each["properties"],
                    "id": each["id"],
                    "createdAt": each["createdAt"],
                    "updatedAt": each["updatedAt"],
                }
                for each in page
            ]

    def _email_campaign(self, window: Window) -> Iterator[list[Record]]:
        """The sends of marketing e-mails, which events refer to."""
        listed = self._paged_v1("/email/public/v1/campaigns/by-id", {"limit": 500}, items="campaigns")
        for page in listed:
            yield [self.client.get(f"/email/public/v1/campaigns/{each['id']}") for each in page]

    def _email_event(self, window: Window) -> Iterator[list[Record]]:
        params: dict[str, Any] = {"limit": 1000}
        if window.since is not None:
            params["startTimestamp"] = _milliseconds(window.since)
        for page in self._paged_v1("/email/public/v1/events", params, items="events"):
            yield [each | {"created": moment(each.get("created"))} for each in page]

    def _form_submission(self, window: Window) -> Iterator[list[Record]]:
        """Newest first, so that a form is read until what was read before begins."""
        start = "" if window.since is None else window.since.replace(tzinfo=UTC).isoformat()
        for forms in self._paged("/marketing/v3/forms", {"limit": _PAGE}):
            for form in forms:
                path = f"/form-integrations/v1/submissions/forms/{form['id']}"
                for page in self._paged(path, {"limit": 50}):
                    yield [submission(form, each) for each in page]
                    if page and all(str(moment(each.get("submittedAt"))) < start for each in page):
                        break

    def _list(self, window: Window) -> Iterator[list[Record]]:
        offset = 0
        while True:
            answer = self.client.post("/crm/v3/lists/search", {"offset": offset, "count": 500, "query": ""})
            found = answer.get("lists") if isinstance(answer, dict) else None
            if not isinstance(found, list):
                raise SourceFailed(
                    f"Source '{self.source.name}': /crm/v3/lists/search answered 200 without a list under"
                    " 'lists'; nothing of this read counts."
                )
            yield [each | {"id": each["listId"]} for each in found]
            offset += len(found)
            if not found or not answer.get("hasMore"):
                return

    def _paged_v1(self, path: str, params: Mapping[str, Any], *, items: str) -> Iterator[list[Record]]:
        """Version 1 pages by an offset that it makes up."""
        asked = dict(params)
        while True:
            answer = self.client.get(path, asked)
            found = answer.get(items) if isinstance(answer, dict) else None
            if not isinstance(found, list):
                raise SourceFailed(
                    f"Source '{self.source.name}': {path} answered 200 without a list under '{items}';"
                    " nothing of this read counts."
                )
            yield found
            if not answer.get("hasMore"):
                return
            asked["offset"] = answer["offset"]


def _as_row(each: Record) -> Record:
    # Archiving and restoring move no date: of two versions of one time the later one is right.
    return crm_object(
        str(each["id"]),
        each["properties"],
        archived=bool(each.get("archived")),
        created_at=each.get("createdAt"),
        updated_at=each.get("updatedAt"),
    )


def _primary_team(owner: Record) -> object:
    teams = owner.get("teams") or []
    return next((team["name"] for team in teams if team.get("primary")), None)


def _milliseconds(at: datetime) -> int:
    return int((at.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _milliseconds_of(text: str) -> int:
    return _milliseconds(datetime.fromisoformat(text).astimezone(UTC))
