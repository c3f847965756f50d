"""Which records of a vendor changed between two versions, behind the entities its models make of them."""

import json

import duckdb
import pytest
from vendor import Vendor

from orchestration import restatements
from orchestration.contract import modelled_entities, raw_contract, tables_behind
from orchestration.publish.versions import Version
from orchestration.warehouse import attached, landing_file, open_build


def _last_load(vendor: Vendor) -> str:
    with duckdb.connect(str(landing_file(vendor.home)), read_only=True) as con:
        return con.execute("select max(load_id) from raw_crm._dlt_loads").fetchall()[0][0]


def test_an_edit_a_deletion_and_a_new_record_are_named_as_the_vendor_knows_them(stripe: Vendor) -> None:
    account = stripe.api.account
    edited = account.create("customers", name="Northwind", address={"country": "DE"})
    deleted = account.create("customers", name="Contoso")
    stripe.sync()
    folder = stripe.root / "version"
    folder.mkdir()
    duckdb.connect(str(folder / "revops.duckdb")).close()
    before = Version("v1", folder, {"loads": {"crm": _last_load(stripe)}}, is_current=True)

    account.update("customers", edited, address={"country": "AT"})
    account.delete("customers", deleted)
    added = account.create("customers", name="Fabrikam")
    stripe.sync()

    build = stripe.root / "build.duckdb"
    with open_build(build) as con, attached(con, landing_file(stripe.home), "landing", read_only=True):
        restatements.write(con, before, stripe.settings, None)
        rows = con.execute(
            "select entity, change, changes_of_entity from run.changed_records order by place"
        ).fetchall()

    customers = [json.loads(change) for entity, change, _ in rows if entity == "accounts"]
    assert [(each["source_id"], each["field"], each["old"], each["new"]) for each in customers] == [
        (edited, "address_country", "DE", "AT"),
        (deleted, "is_deleted", "false", "true"),
        (added, "id", None, added),
    ]
    assert {(each["source_system"], each["entity"]) for each in customers} == {("crm", "customer")}


@pytest.mark.parametrize("kind", sorted(modelled_entities()))
def test_the_tables_behind_every_entity_of_a_vendor_are_known(kind: str) -> None:
    behind = tables_behind(kind)
    assert behind.keys() == set(modelled_entities()[kind])
    for entity, tables in behind.items():
        assert tables, f"{kind}__{entity} reads no table"
        for table, key in tables:
            assert key in raw_contract(kind)[table].columns
