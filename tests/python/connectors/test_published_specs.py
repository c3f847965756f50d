"""What we ask is what vendors' specifications allow; recorded traffic is read without loss."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from vendor import Vendor

from orchestration.sources.hubspot.records import crm_object, former_value
from orchestration.sources.zendesk.records import ticket, user
from sandbox.vendors.server import Request

# The specification of deals writes their object's id.
ALIASES = {"0-3": "deals"}


class Specs:
    """The operations of all OpenAPI documents of a folder, and what is wrong with a request."""

    def __init__(self, folder: Path) -> None:
        self._operations: list[tuple[str, re.Pattern[str], dict[str, Any], dict[str, Any]]] = []
        for file in sorted(folder.iterdir()):
            # JSON is YAML, too.
            document = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
            for path, operations in document["paths"].items():
                for alias, name in ALIASES.items():
                    path = path.replace(alias, name)
                pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
                for method, operation in operations.items():
                    self._operations.append((method.upper(), pattern, operation, document))

    def mistakes(self, request: Request) -> list[str] | None:
        """What the specification does not allow in a request; None if it knows no such operation."""
        found = [
            (pattern.pattern.count("[^/]+"), number)
            for number, (method, pattern, _, _) in enumerate(self._operations)
            if method == request.method and pattern.fullmatch(request.path)
        ]
        # /companies/scroll is no /companies/{id}.
        return list(self._wrong(request, *self._operations[min(found)[1]][2:])) if found else None

    def _wrong(self, request: Request, operation: dict[str, Any], document: dict[str, Any]) -> Iterator[str]:
        known = {each["name"]: each for each in operation.get("parameters", ()) if each["in"] == "query"}
        yield from (f"unknown parameter {name}" for name in request.query if name not in known)
        for name, values in request.query.items():
            kind = known.get(name, {}).get("schema", {}).get("type")
            if kind == "integer" and not values[-1].isdigit():
                yield f"{name} is no integer"
            if kind == "boolean" and values[-1] not in ("true", "false"):
                yield f"{name} is no boolean"
        if "requestBody" in operation:
            (content,) = operation["requestBody"]["content"].values()
            if request.body is None and not operation["requestBody"].get("required"):
                return
            schema = _strict({**content["schema"], "components": document["components"]})
            yield from (each.message for each in Draft202012Validator(schema).iter_errors(request.body))


def _strict(schema: Any) -> Any:
    """The schema with no property beside those it names."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {name: _strict(value) for name, value in schema.items()}
    if strict.get("type") == "object" and "properties" in strict:
        strict.setdefault("additionalProperties", False)
    return strict


def test_hubspot_s_specification_allows_what_we_ask(shared: Path, hubspot: Vendor) -> None:
    specs, portal = Specs(shared / "data" / "openapi" / "hubspot"), hubspot.api.portal
    company = portal.create("companies", name="Northwind")
    deal = portal.create("deals", dealname="Big", dealstage="s1")
    portal.associate("deals", deal, "companies", company)
    hubspot.sync()
    portal.update("deals", deal, dealstage="s2")
    portal.archive("companies", company)
    hubspot.sync()
    checked = {request.path: specs.mistakes(request) for request in hubspot.api.requests}
    assert {path: wrong for path, wrong in checked.items() if wrong} == {}
    known = {path for path, wrong in checked.items() if wrong is not None}
    for part in ("/search", "/batch/read", "/properties/", "/associations/", "/pipelines/", "/objects/deals"):
        assert any(part in path for path in known), part
    bad = Request("POST", "/crm/v3/objects/contacts/search", {}, {}, {"limit": "200", "filter": []})
    assert specs.mistakes(bad)


def test_intercom_s_specification_allows_what_we_ask(shared: Path, intercom: Vendor) -> None:
    specs, workspace = Specs(shared / "data" / "openapi" / "intercom"), intercom.api.workspace
    asker = workspace.create("contacts", email="ana@northwind.test")
    for number in range(5):
        workspace.create("companies", name=f"Company {number}")
        workspace.ask(asker)
        workspace.ticket(asker)
    intercom.api.quirks.page_size = 2
    intercom.check()
    intercom.sync()
    workspace.update("contacts", asker, name="Ana")
    intercom.sync()
    checked = {request.path: specs.mistakes(request) for request in intercom.api.requests}
    assert [path for path, wrong in checked.items() if wrong != []] == [] and len(checked) == 7
    assert {request.headers["Intercom-Version"] for request in intercom.api.requests} == {"2.14"}
    bad = {"query": {"field": "updated_at", "operator": "after", "value": "1"}, "pagination": {"limit": 2}}
    assert specs.mistakes(Request("POST", "/contacts/search", {}, {}, bad))


# What version 2 of Chargebee's API has beside version 1, whose specification is the one that is published.
VERSION_2_ONLY = {
    "unknown parameter include_deleted",
    "unknown parameter sort_by[asc]",
    "unknown parameter updated_at[after]",
    "unknown parameter occurred_at[after]",
    "unknown parameter event_type[in]",
}


def test_chargebee_s_specification_allows_what_we_ask(shared: Path, chargebee: Vendor) -> None:
    specs, site = Specs(shared / "data" / "openapi" / "chargebee"), chargebee.api.site
    site.create("customers", company="Northwind")
    site.create("coupons", "TEN", discount_percentage=10.0)
    chargebee.api.quirks.page_size = 1
    for _ in range(2):
        site.subscribe("c1", site.item("core-usd", 1000), coupons=[{"coupon_id": "TEN"}])
        chargebee.sync()
    checked: dict[str, set[str]] = {}
    for request in chargebee.api.requests:
        of_version_1 = replace(request, path=request.path.removeprefix("/api/v2"))
        if (mistakes := specs.mistakes(of_version_1)) is not None:
            checked.setdefault(of_version_1.path, set()).update(mistakes)
    assert checked.keys() == {"/customers", "/subscriptions", "/invoices", "/events", "/coupons"}
    assert set().union(*checked.values()) <= VERSION_2_ONLY
    assert any(request.get("offset") for request in chargebee.api.requests)
    assert specs.mistakes(Request("GET", "/customers", {"limit": ["many"], "page": ["2"]}, {}, None)) == [
        "unknown parameter page",
        "limit is no integer",
    ]


def test_recorded_objects_of_hubspot_are_read_without_loss(shared: Path) -> None:
    file = shared / "data" / "recorded" / "hubspot" / "snapshots__capture__stdout.json"
    seen = 0
    for stream, record in json.loads(file.read_text(encoding="utf-8")):
        if "properties" not in record or "archived" not in record:
            continue
        seen += 1
        row = crm_object(
            str(record["id"]),
            record["properties"],
            archived=record["archived"],
            created_at=record["createdAt"],
            updated_at=record.get("updatedAt"),
        )
        kept = {row.get(name, row.get(f"property_{name}")) for name in record["properties"]}
        assert kept >= {value for value in record["properties"].values() if value is not None}, stream
        for name, versions in (record.get("propertiesWithHistory") or {}).items():
            if versions == "redacted":
                continue
            values = [former_value(stream, str(record["id"]), name, version)["value"] for version in versions]
            assert values == [version["value"] for version in versions]
    assert seen >= 4


def exchanges(shared: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Path and answer of every recorded exchange of Zendesk that answered with JSON."""
    for file in sorted((shared / "data" / "recorded" / "zendesk").glob("*.json")):
        for each in json.loads(file.read_text(encoding="utf-8"))["http_interactions"]:
            body = each["response"]["body"]
            raw = (
                base64.b64decode(body["base64_string"])
                if "base64_string" in body
                else body["string"].encode()
            )
            if raw[:2] == b"\x1f\x8b":
                raw = gzip.decompress(raw)
            if raw.strip()[:1] == b"{":
                yield each["request"]["uri"].split("zendesk.com")[-1], json.loads(raw)


def test_recorded_exports_of_zendesk_are_read_without_loss(shared: Path) -> None:
    tickets = deleted = people = 0
    for path, answer in exchanges(shared):
        if "/incremental/" not in path:
            continue
        for each in answer.get("tickets", ()):
            row = ticket(dict(each), None)
            tickets += 1
            deleted += row["isDeleted"]
            assert (row["id"], row["status"], row["subject"]) == (each["id"], each["status"], each["subject"])
            assert row["isDeleted"] == (each["status"] == "deleted")
            assert row["generatedAt"] >= each["updated_at"].replace("Z", "+00:00")[:16]
        for each in answer.get("users", ()):
            row = user(dict(each))
            people += 1
            assert (row["id"], row["email"], row["role"]) == (each["id"], each["email"], each["role"])
            assert row["isDeleted"] != each["active"]
    assert (tickets > 1000, deleted > 500, people > 1000) == (True, True, True)


def test_recorded_pages_of_zendesk_end_as_we_expect(shared: Path) -> None:
    """A cursor export says when it ends; a list has a cursor on its last page, too."""
    cursors = lists = 0
    for path, answer in exchanges(shared):
        if "/incremental/" in path and "cursor.json" in path:
            cursors += 1
            assert isinstance(answer["end_of_stream"], bool)
            assert answer["after_cursor"]
        elif "page" in path and "meta" in answer:
            lists += 1
            assert isinstance(answer["meta"]["has_more"], bool)
    if not cursors or not lists:
        pytest.fail("no recorded page was looked at")
