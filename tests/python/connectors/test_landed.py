"""Schemas that a service landed: the same records as through the vendor's API, whatever their shape."""

import csv
from collections.abc import Iterator, Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from landed import Warehouse, write_duckdb
from vendor import Vendor

from orchestration.errors import ConfigurationError, SourceFailed

SYNCED = {"_fivetran_synced": "2026-11-01 05:00:00"}
EXTRACTED = {"_airbyte_raw_id": "r", "_airbyte_extracted_at": "2026-11-01 05:00:00", "_airbyte_meta": {}}


def load_csvs(path: Path, schema: str, folder: Path, prefix: str = "") -> dict[str, list[dict[str, str]]]:
    """Every file of a folder as a table; returns the rows."""
    found = {}
    with closing(duckdb.connect(str(path))) as con:
        con.execute(f'create schema "{schema}"')
        for file in sorted(folder.glob("*_data.csv")):
            name = file.name.removesuffix("_data.csv").removeprefix(prefix)
            con.execute(f'create table "{schema}"."{name}" as from read_csv(?, header = true)', [str(file)])
            with file.open(newline="") as lines:
                found[name] = list(csv.DictReader(lines))
    return found


def test_fivetran_s_tables_of_hubspot_build(shared: Path, tmp_path: Path) -> None:
    rows = load_csvs(tmp_path / "w.duckdb", "hubspot", shared / "data" / "fivetran_shaped" / "hubspot")
    warehouse = Warehouse(tmp_path, "hubspot", by="fivetran", path="w.duckdb")
    warehouse.sync()
    assert [problem for problem in warehouse.problems() if problem[2] != "the id occurs again"] == []

    live = [row for row in rows["company"] if row["is_deleted"].lower() != "true"]
    accounts = warehouse.entry("accounts")
    assert set(accounts) == {row["id"] for row in live}
    assert {row["name"] for row in accounts.values()} == {row["property_name"] or None for row in live}
    assert sum(row["annual_revenue"] or 0 for row in accounts.values()) == sum(
        int(row["property_annualrevenue"] or 0) for row in live
    )
    assert any("hs_all-funky-a9384-syntax" in row["custom"] for row in accounts.values() if row["custom"])

    merged = {row["vid_to_merge"] for row in rows["contact_merge_audit"]}
    for row in rows["contact"]:
        merged |= set(filter(None, row["property_hs_merged_object_ids"].split(";")))
    kept = {
        row["id"]
        for row in rows["contact"]
        if row["_fivetran_deleted"].lower() != "true" and row["id"] not in merged
    }
    assert set(warehouse.entry("people")) == kept

    gone = {row["merged_deal_id"] for row in rows["merged_deal"]}
    deals = {row["deal_id"] for row in rows["deal"] if row["is_deleted"].lower() != "true"}
    assert set(warehouse.entry("opportunities")) == deals - gone
    assert set(warehouse.entry("users")) == {row["owner_id"] for row in rows["owner"]}
    assert set(warehouse.entry("tickets")) == {
        row["id"]
        for row in rows["ticket"]
        if row["is_deleted"].lower() != "true" and row["property_createdate"]
    }
    kinds = {"SENT", "OPEN", "CLICK", "BOUNCE", "SPAMREPORT", "FORWARD", "STATUSCHANGE"}
    events = {f"email_event:{row['id']}" for row in rows["email_event"] if row["type"] in kinds}
    assert events <= set(warehouse.entry("touches"))


def test_fivetran_s_tables_of_zendesk_build(shared: Path, tmp_path: Path) -> None:
    rows = load_csvs(tmp_path / "w.duckdb", "zendesk", shared / "data" / "fivetran_shaped" / "zendesk")
    warehouse = Warehouse(tmp_path, "zendesk", by="fivetran", path="w.duckdb")
    warehouse.sync()
    assert warehouse.problems() == []
    tickets = warehouse.entry("tickets", deleted=True)
    assert {key: (row["status"], row["is_deleted"]) for key, row in tickets.items()} == {
        row["id"]: (row["status"], row["status"] == "deleted") for row in rows["ticket"]
    }
    assert {key: row["name"] for key, row in warehouse.entry("accounts").items()} == {
        row["id"]: row["name"] for row in rows["organization"]
    }
    team = {"agent", "admin"}
    assert set(warehouse.entry("users")) == {row["id"] for row in rows["user"] if row["role"] in team}
    assert set(warehouse.entry("people", deleted=True)) == {
        row["id"] for row in rows["user"] if row["role"] not in team
    }


def test_fivetran_s_tables_of_salesforce_build(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "fivetran_shaped" / "salesforce"
    rows = load_csvs(tmp_path / "w.duckdb", "salesforce", folder, prefix="sf_")
    warehouse = Warehouse(tmp_path, "salesforce", by="fivetran", path="w.duckdb")
    warehouse.sync()
    assert warehouse.problems() == []
    live = {row["id"]: row for row in rows["opportunity"] if row["is_deleted"] != "true"}
    deals = warehouse.entry("opportunities")
    assert {key: row["stage"] for key, row in deals.items()} == {
        key: row["stage_name"] for key, row in live.items()
    }
    assert sum(row["amount"] or 0 for row in deals.values()) == sum(
        Decimal(row["amount"] or 0) for row in live.values()
    )
    assert set(warehouse.entry("accounts")) == {
        row["id"] for row in rows["account"] if row["is_deleted"] != "true"
    }
    assert {key: row["name"] for key, row in warehouse.entry("users").items()} == {
        row["id"]: row["name"]
        for row in rows["user"]
        if (row["_fivetran_deleted"], row["_fivetran_active"]) == ("false", "true")
    }
    people = rows["contact"] + rows["lead"]
    assert set(warehouse.entry("people")) == {row["id"] for row in people if row["is_deleted"] != "true"}


def test_versions_of_deals_in_history_mode_become_their_changes(tmp_path: Path) -> None:
    versions = [("Open", 100, "2026-01-01"), ("Open", 120, "2026-01-05"), ("Won", 120, "2026-02-01")]
    rows = [
        {
            "id": "006A",
            "name": "Big",
            "stage_name": stage,
            "amount": amount,
            "is_deleted": False,
            "_fivetran_start": f"{start} 00:00:00",
            "_fivetran_active": number == len(versions) - 1,
        }
        for number, (stage, amount, start) in enumerate(versions)
    ]
    write_duckdb(tmp_path / "w.duckdb", "salesforce", {"opportunity": rows})
    warehouse = Warehouse(tmp_path, "salesforce", by="fivetran", path="w.duckdb")
    warehouse.sync()
    assert warehouse.entry("opportunities")["006A"]["stage"] == "Won"
    changes = warehouse.entry("opportunity_changes").values()
    assert sorted((str(row["changed_at"])[:10], row["field"], row["new_value"]) for row in changes) == [
        ("2026-01-05", "amount", "120.0000"),
        ("2026-02-01", "stage", "Won"),
    ]


def test_fivetran_s_tables_of_stripe_build(shared: Path, tmp_path: Path) -> None:
    rows = load_csvs(tmp_path / "w.duckdb", "stripe", shared / "data" / "fivetran_shaped" / "stripe")
    warehouse = Warehouse(tmp_path, "stripe", by="fivetran", path="w.duckdb")
    warehouse.sync()
    assert warehouse.problems() == []
    assert {key: row["name"] for key, row in warehouse.entry("accounts").items()} == {
        row["id"]: row["name"] or None for row in rows["customer"] if row["is_deleted"].lower() != "true"
    }
    assert {key: row["amount"] for key, row in warehouse.entry("invoices").items()} == {
        row["id"]: Decimal(row["total"]) / 100 for row in rows["invoice"]
    }
    subscriptions = {row["id"]: row for row in rows["subscription"]}
    plans = {row["id"]: row for row in rows["plan"]}
    # In the sample items begin after their subscriptions ended, so the rows are compared before the model.
    seen = warehouse.query("select * from landing.raw_crm.subscription_snapshot")
    found = {row["item"]: row for row in seen}
    billed = [row for row in rows["subscription_item"] if row["subscription_id"] in subscriptions]
    assert set(found) == {row["id"] for row in billed} and billed
    for row in billed:
        item, plan = found[row["id"]], plans[row["plan_id"]]
        assert item["amount"] == Decimal(plan["amount"]) * int(row["quantity"]) / 100
        assert (item["interval"], item["currency"]) == (plan["interval"], plan["currency"].upper())
        assert item["customer"] == subscriptions[row["subscription_id"]]["customer_id"]


def test_subscriptions_of_airbyte_keep_every_version_it_appended(tmp_path: Path) -> None:
    def version(quantity: int, at: str) -> dict[str, Any]:
        price = {"id": "p1", "unit_amount": 1000, "currency": "eur", "product": "prod_1"}
        price["recurring"] = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
        item = {"id": "si_1", "created": 1767225600, "quantity": quantity, "price": price}
        return {
            "id": "sub_1",
            "customer": "cus_1",
            "status": "active",
            "created": 1767225600,
            "start_date": 1767225600,
            "items": {"data": [item]},
            "_airbyte_raw_id": at,
            "_airbyte_extracted_at": f"{at} 05:00:00",
        }

    rows = [version(2, "2026-02-01"), version(5, "2026-03-01")]
    customer = {"id": "cus_1", "name": "Northwind", "created": 1767225600, "currency": "eur"}
    write_duckdb(tmp_path / "w.duckdb", "stripe", {"subscriptions": rows, "customers": [customer]})
    warehouse = Warehouse(tmp_path, "stripe", by="airbyte", path="w.duckdb")
    warehouse.sync()
    periods = sorted(warehouse.entry("subscription_periods").values(), key=lambda row: row["starts_on"])
    assert [(str(row["starts_on"]), row["amount"]) for row in periods] == [
        ("2026-01-01", Decimal(20)),
        ("2026-03-01", Decimal(50)),
    ]
    assert warehouse.entry("accounts")["cus_1"]["currency_code"] == "EUR"


# --- one portal, three ways ------------------------------------------------------------------------


def fivetran_of(vendor: Vendor) -> dict[str, list[dict[str, Any]]]:
    """The records of the stand-in as Fivetran lands them."""
    portal, store = vendor.api.portal, vendor.api.store
    tables: dict[str, list[dict[str, Any]]] = {}
    for name, one in {"companies": "company", "contacts": "contact", "deals": "deal"}.items():
        key = "deal_id" if one == "deal" else "id"
        beside = {
            "pipeline": "deal_pipeline_id",
            "dealstage": "deal_pipeline_stage_id",
            "hubspot_owner_id": "owner_id",
        }
        for record in portal.records(name).values():
            row = {key: int(record["id"]), "_fivetran_deleted": record["archived"], **SYNCED}
            for field, value in record["properties"].items():
                known = beside.get(field) if one == "deal" else None
                row[known or f"property_{field}"] = value or None
            tables.setdefault(one, []).append(row)
            for field, versions in record["history"].items():
                for version in versions:
                    tables.setdefault(f"{one}_property_history", []).append(
                        {
                            f"{one}_id": int(record["id"]),
                            "name": field,
                            "value": version["value"],
                            "timestamp": version["timestamp"].removesuffix("Z"),
                            "source": version["sourceType"],
                            **SYNCED,
                        }
                    )
    for pair in portal.pairs():
        other = "company" if pair["to"][0] == "companies" else "contact"
        row = {"deal_id": int(pair["from"][1]), f"{other}_id": int(pair["to"][1]), "type_id": 5, **SYNCED}
        tables.setdefault(f"deal_{other}", []).append(row)
    for pipeline in store.table("pipelines").values():
        tables["deal_pipeline_stage"] = [
            {
                "stage_id": stage["id"],
                "pipeline_id": pipeline["id"],
                "label": stage["label"],
                "display_order": stage["displayOrder"],
                "is_closed": stage["metadata"]["isClosed"] == "true",
                "_fivetran_deleted": False,
                **SYNCED,
            }
            for stage in pipeline["stages"]
        ]
    tables["owner"] = [
        {
            "owner_id": int(each["id"]),
            "email": each["email"],
            "first_name": each["firstName"],
            "last_name": each["lastName"],
        }
        for each in store.table("owners").values()
    ]
    return tables


def airbyte_of(vendor: Vendor) -> dict[str, list[dict[str, Any]]]:
    """The records of the stand-in as Airbyte lands them."""
    portal, store = vendor.api.portal, vendor.api.store
    tables: dict[str, list[dict[str, Any]]] = {}
    for name in ("companies", "contacts", "deals"):
        for record in portal.records(name).values():
            row = {each: record[each] for each in ("id", "createdAt", "updatedAt", "archived", "properties")}
            for other in ("companies", "contacts"):
                ends = [
                    p["to"][1]
                    for p in portal.pairs()
                    if p["from"] == [name, record["id"]] and p["to"][0] == other
                ]
                row[other] = ends
            tables.setdefault(name, []).append(row | EXTRACTED)
            for field, versions in record["history"].items():
                for version in versions if name != "companies" else ():
                    key = "dealId" if name == "deals" else "vid"
                    tables.setdefault(f"{name}_property_history", []).append(
                        {key: record["id"], "property": field, **version, **EXTRACTED}
                    )
    tables["deal_pipelines"] = [
        {
            "pipelineId": each["id"],
            "label": each["label"],
            "stages": [{**stage, "stageId": stage["id"]} for stage in each["stages"]],
            **EXTRACTED,
        }
        for each in store.table("pipelines").values()
    ]
    tables["owners"] = [{**each, "archived": False, **EXTRACTED} for each in store.table("owners").values()]
    return tables


@pytest.fixture
def portal(hubspot: Vendor) -> Iterator[Vendor]:
    """A portal with what makes the shapes differ: archived and cleared values, own fields, history."""
    made, store = hubspot.api.portal, hubspot.api.store
    stages = [
        {
            "id": key,
            "label": label,
            "displayOrder": place,
            "metadata": {"isClosed": closed},
            "archived": False,
        }
        for place, (key, label, closed) in enumerate((("s1", "Open", "false"), ("s2", "Won", "true")))
    ]
    store.add(
        "pipelines", [{"id": "p1", "object": "deals", "label": "Sales", "archived": False, "stages": stages}]
    )
    store.add(
        "owners", [{"id": "31", "email": "bo@us.test", "firstName": "Bo", "lastName": "Li", "userId": 7}]
    )
    companies = [made.create("companies", name=f"C{n}", domain=f"c{n}.test", tier="gold") for n in range(3)]
    contacts = [
        made.create("contacts", email=f"p{n}@c{n}.test", firstname="P", lifecyclestage="lead")
        for n in range(3)
    ]
    for number in range(3):
        deal = made.create(
            "deals",
            dealname=f"D{number}",
            pipeline="p1",
            dealstage="s1",
            amount=str(100 + number),
            hubspot_owner_id="31",
        )
        made.associate("deals", deal, "companies", companies[number])
        made.associate("deals", deal, "contacts", contacts[number])
        hubspot.pass_time(days=2)
        made.update("deals", deal, dealstage="s2", amount=str(90 + number), closedate="2026-11-20T10:00:00Z")
    made.update("contacts", contacts[0], city="Kiel")
    made.update("contacts", contacts[0], city="", lifecyclestage="customer")
    made.archive("companies", companies[2])
    made.archive("contacts", contacts[2])
    yield hubspot


ENTITIES = (
    "accounts",
    "people",
    "users",
    "opportunities",
    "opportunity_changes",
    "opportunity_people",
    "funnel_events",
)
# The services do not keep who changed a property.
UNKNOWN_TO_SERVICES = {"opportunity_changes": {"changed_by_source_id"}}


def _comparable(rows: Mapping[str, Mapping[str, Any]], entity: str) -> list[dict[str, Any]]:
    left_out = {"custom", "created_at", "updated_at", "source_id"} | UNKNOWN_TO_SERVICES.get(entity, set())
    kept = [{name: value for name, value in row.items() if name not in left_out} for row in rows.values()]
    return sorted(kept, key=str)


@pytest.mark.parametrize("by", ["fivetran", "airbyte"])
def test_a_landed_portal_gives_the_same_records_as_its_api(portal: Vendor, tmp_path: Path, by: str) -> None:
    portal.sync()
    tables = fivetran_of(portal) if by == "fivetran" else airbyte_of(portal)
    write_duckdb(tmp_path / "other.duckdb", "crm", tables)
    warehouse = Warehouse(tmp_path / by, "hubspot", by=by, schema="crm", path="../other.duckdb")
    warehouse.sync()
    for entity in ENTITIES:
        assert _comparable(warehouse.entry(entity), entity) == _comparable(portal.entry(entity), entity), (
            entity
        )
    own = {row["name"]: row["custom"] for row in warehouse.entry("accounts").values()}
    assert all('"tier":"gold"' in custom for custom in own.values())


def test_what_did_not_change_is_not_read_again(portal: Vendor, tmp_path: Path) -> None:
    tables = fivetran_of(portal)
    write_duckdb(tmp_path / "other.duckdb", "hubspot", tables)
    warehouse = Warehouse(tmp_path / "w", "hubspot", by="fivetran", path="../other.duckdb")
    assert warehouse.sync()["deal"].rows_appended == 3
    assert all(result.skipped for result in warehouse.sync().values())
    for row in tables["deal"]:
        row["_fivetran_synced"] = "2026-11-02 05:00:00"
    tables["deal"][0]["property_dealname"] = "Renamed"
    write_duckdb(tmp_path / "other.duckdb", "hubspot", {"deal": tables["deal"]})
    again = warehouse.sync()
    assert (again["deal"].rows_appended, again["contact"].skipped) == (1, True)
    assert warehouse.sync(full_refresh=True)["contact"].rows_unchanged == 3


def test_history_mode_keeps_the_last_version_and_sees_the_delete(tmp_path: Path) -> None:
    """In history mode a record has a row per version, and the last one of a deleted record is not active."""
    never = "9999-12-31 23:59:59"
    versions = [
        ("1", "Old", "2026-01-01", "2026-02-01", False),
        ("1", "New", "2026-02-01", never, True),
        ("2", "Gone", "2026-01-01", "2026-03-01", False),
    ]
    rows = [
        {
            "id": key,
            "property_name": name,
            "_fivetran_start": start,
            "_fivetran_end": end,
            "_fivetran_active": active,
        }
        for key, name, start, end, active in versions
    ]
    write_duckdb(tmp_path / "w.duckdb", "hubspot", {"company": rows})
    warehouse = Warehouse(tmp_path, "hubspot", by="fivetran", path="w.duckdb")
    warehouse.sync()
    assert {row["name"] for row in warehouse.entry("accounts").values()} == {"New"}
    assert warehouse.entry("accounts", deleted=True)["2"]["is_deleted"]


def test_appended_versions_of_airbyte_count_once_and_its_deletes_are_seen(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "name": "Old", "_airbyte_extracted_at": "2026-11-01 05:00:00", "_ab_cdc_deleted_at": None},
        {"id": 1, "name": "New", "_airbyte_extracted_at": "2026-11-02 05:00:00", "_ab_cdc_deleted_at": None},
        {"id": 2, "name": "Gone", "_airbyte_extracted_at": "2026-11-01 05:00:00", "_ab_cdc_deleted_at": None},
        {
            "id": 2,
            "name": "Gone",
            "_airbyte_extracted_at": "2026-11-03 05:00:00",
            "_ab_cdc_deleted_at": "2026-11-03",
        },
    ]
    write_duckdb(tmp_path / "w.duckdb", "zendesk", {"organizations": rows})
    warehouse = Warehouse(tmp_path, "zendesk", by="airbyte", path="w.duckdb")
    warehouse.sync()
    assert {row["name"] for row in warehouse.entry("accounts").values()} == {"New"}


def test_a_table_that_shrinks_suddenly_is_refused(tmp_path: Path) -> None:
    rows = [{"id": number, "name": f"C{number}", **SYNCED} for number in range(40)]
    write_duckdb(tmp_path / "w.duckdb", "zendesk", {"organization": rows})
    warehouse = Warehouse(tmp_path, "zendesk", by="fivetran", path="w.duckdb")
    warehouse.sync()
    write_duckdb(tmp_path / "w.duckdb", "zendesk", {"organization": rows[:20]})
    with pytest.raises(SourceFailed, match="lacks 20 of the 40 organization"):
        warehouse.sync()
    assert warehouse.sync(allow_shrink=True)["organization"].rows_deleted == 20


def test_a_schema_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_duckdb(tmp_path / "w.duckdb", "sales", {"whatever": [{"id": 1}]})
    with pytest.raises(ConfigurationError, match="no tables in a schema 'hubspot'"):
        Warehouse(tmp_path, "hubspot", by="fivetran", path="w.duckdb").check()
    with pytest.raises(ConfigurationError, match="none of the tables that airbyte lands of hubspot"):
        Warehouse(tmp_path, "hubspot", by="airbyte", path="w.duckdb", schema="sales").check()
    with pytest.raises(ConfigurationError, match=r"nowhere\.duckdb does not exist"):
        Warehouse(tmp_path, "hubspot", by="airbyte", path="nowhere.duckdb").check()
