"""The Pipedrive connector against a company whose records the test makes by hand."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from vendor import Vendor

from orchestration.errors import ConfigurationError, SourceFailed
from sandbox.vendors.faults import Fault

DAY = {"days": 1}


@pytest.fixture
def pipedrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    vendor = Vendor("pipedrive", tmp_path, monkeypatch, quick=True)
    company = vendor.api.company
    for name in ("Lead In", "Offer"):
        company.create("stages", name=name, pipeline_id=1, deal_probability=40)
    company.create("users", name="Rita", email="rita@example.com")
    yield vendor
    vendor.close()


def test_a_deal_from_its_first_stage_to_its_end(pipedrive: Vendor) -> None:
    company = pipedrive.api.company
    organization = company.create(
        "organizations",
        name="Northwind",
        website="northwind.test",
        address={"value": "Pikk 1, Tallinn", "route": "Pikk", "street_number": "1", "country": "EE"},
    )
    emails = [
        {"value": "old@northwind.test", "primary": False},
        {"value": "ana@northwind.test", "primary": True},
    ]
    person = company.create("persons", name="Ana Tamm", org_id=organization, emails=emails, phones=[])
    opened = pipedrive.now
    deal = company.create(
        "deals", title="Big", org_id=organization, person_id=person, stage_id=1, value=1000.5, owner_id=1
    )
    pipedrive.pass_time(hours=2)
    company.update("deals", deal, stage_id=2, value=1200, expected_close_date="2026-12-01")
    pipedrive.pass_time(hours=2)
    company.close(deal, "lost", "Price")
    pipedrive.pass_time(hours=2)
    company.reopen(deal)
    pipedrive.pass_time(hours=2)
    company.close(deal, "won")
    won = pipedrive.now
    pipedrive.sync()

    row = pipedrive.entry("opportunities")[str(deal)]
    assert (row["stage"], row["amount"], row["currency_code"]) == ("Won", Decimal(1200), "EUR")
    assert (row["account_source_id"], row["person_source_id"], row["owner_source_id"]) == ("1", "1", "1")
    assert (row["opened_at"], row["closed_at"], row["probability"]) == (opened, won, 1.0)
    assert pipedrive.entry("people")["1"]["email"] == "ana@northwind.test"
    account = pipedrive.entry("accounts")["1"]
    assert (account["street_address"], account["country_code"]) == ("Pikk 1", "EE")
    changes = sorted(
        (each["changed_at"], each["field"], each["old_value"], each["new_value"])
        for each in pipedrive.entry("opportunity_changes").values()
        if each["field"] == "stage"
    )
    assert [each[1:] for each in changes] == [
        ("stage", "Lead In", "Offer"),
        ("stage", "Offer", "Lost"),
        ("stage", "Lost", "Offer"),
        ("stage", "Offer", "Won"),
    ]
    assert changes[0][0] == opened + timedelta(hours=2)
    others = {each["field"]: each for each in pipedrive.entry("opportunity_changes").values()}
    assert (others["amount"]["old_value"], others["amount"]["new_value"]) == ("1000.5", "1200")
    assert others["expected_close_on"]["new_value"] == "2026-12-01"


def test_fields_of_the_company_s_own_arrive_under_their_names_and_in_words(pipedrive: Vendor) -> None:
    company = pipedrive.api.company
    tier = company.field("organizations", "Customer tier", "enum", ["Gold", "Tin"])
    fee = company.field("organizations", "Fee", "monetary")
    first, second = (company.field("organizations", "Region") for _ in range(2))
    clash = company.field("organizations", "ID")
    own = {tier: 1, fee: {"value": 12.5, "currency": "EUR"}, first: "North", second: "EMEA", clash: "X-1"}
    key = str(company.create("organizations", name="Northwind", custom_fields=own))
    pipedrive.sync()
    custom = pipedrive.custom("accounts", key)
    assert (custom["customer_tier"], custom["fee"], custom["fee_currency"]) == ("Gold", 12.5, "EUR")
    assert (custom[f"region_{first[:8]}"], custom[f"region_{second[:8]}"]) == ("North", "EMEA")
    assert custom[f"id_{clash[:8]}"] == "X-1"

    # Renaming moves no date of any record.
    company.records("fields")[tier]["field_name"] = "Tier"
    company.records("fields")[tier]["options"][0]["label"] = "Platinum"
    pipedrive.pass_time(hours=3)
    pipedrive.sync()
    custom = pipedrive.custom("accounts", key)
    assert custom["tier"] == "Platinum" and "customer_tier" not in custom


def test_deleted_restored_archived_and_purged_deals(pipedrive: Vendor) -> None:
    company = pipedrive.api.company
    deals = [company.create("deals", title=f"D{number}", stage_id=1) for number in range(6)]
    pipedrive.sync()
    company.delete("deals", deals[0])
    company.close(deals[1], "won")
    company.archive(deals[1])
    company.archive(deals[2])
    pipedrive.sync()
    live = set(map(str, deals)) - {str(deals[0]), str(deals[2])}
    assert set(pipedrive.entry("opportunities")) == live, "won deals stay, archived or not"

    company.restore("deals", deals[0])
    pipedrive.sync()
    assert str(deals[0]) in pipedrive.entry("opportunities")

    company.purge("deals", deals[3])
    company.delete("deals", deals[4])
    pipedrive.pass_time(days=31)
    pipedrive.sync(allow_shrink=True)
    assert set(pipedrive.entry("opportunities")) == {str(deals[number]) for number in (0, 1, 5)}


def test_merged_people_and_organizations_are_gone_within_a_day_and_their_deals_moved(
    pipedrive: Vendor,
) -> None:
    company = pipedrive.api.company
    people = [company.create("persons", name=f"P{number}", emails=[]) for number in range(3)]
    deal = company.create("deals", person_id=people[0], stage_id=1)
    pipedrive.sync()
    pipedrive.pass_time(hours=5)
    company.merge("persons", people[1], people[0])
    pipedrive.sync(allow_shrink=True)
    assert str(people[0]) in pipedrive.entry("people"), "no list tells"
    pipedrive.pass_time(**DAY)
    pipedrive.sync(allow_shrink=True)
    assert set(pipedrive.entry("people")) == {str(people[1]), str(people[2])}
    assert pipedrive.entry("opportunities")[str(deal)]["person_source_id"] == str(people[1])


def test_only_done_activities_with_somebody_are_touches(pipedrive: Vendor) -> None:
    company = pipedrive.api.company
    call = company.create(
        "activities", type="call", done=True, due_date="2026-10-30", due_time="14:30", person_id=1
    )
    company.create("activities", type="call", done=False, due_date="2026-12-30")
    company.create("activities", type="task", done=True, due_date="2026-10-30")
    pipedrive.sync()
    (row,) = pipedrive.entry("touches").values()
    assert (row["source_id"], row["kind"], str(row["occurred_at"])) == (
        str(call),
        "call",
        "2026-10-30 14:30:00",
    )


def test_a_change_costs_pages_in_proportion(pipedrive: Vendor) -> None:
    company = pipedrive.api.company
    deals = [company.create("deals", stage_id=1) for _ in range(40)]
    pipedrive.pass_time(hours=3)
    company.create("deals", stage_id=1)
    pipedrive.api.quirks.page_size = 5
    pipedrive.sync()
    pipedrive.pass_time(hours=3)
    company.update("deals", deals[7], value=5)
    pipedrive.paths()
    assert pipedrive.sync()["deal"].rows_appended == 1
    asked = pipedrive.paths()
    assert asked.count("/api/v2/deals") <= 4 and asked.count(f"/api/v1/deals/{deals[7]}/flow") == 1
    assert sum("/flow" in path for path in asked) <= 2, "of 41 deals"


def test_records_on_two_pages_and_unordered_pages_are_one_record_each(pipedrive: Vendor) -> None:
    company = pipedrive.api.company
    made = {str(company.create("persons", name=f"P{number}", emails=[])) for number in range(12)}
    quirks = pipedrive.api.quirks
    quirks.page_size, quirks.duplicates, quirks.unordered = 5, True, True
    pipedrive.sync()
    assert set(pipedrive.entry("people")) == made
    quirks.stuck = True
    pipedrive.pass_time(**DAY)
    with pytest.raises(SourceFailed, match="gave the same page twice"):
        pipedrive.sync()


def test_the_budget_of_the_day_ends_the_read_and_a_burst_is_waited_for(pipedrive: Vendor) -> None:
    burst = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}
    pipedrive.api.faults.append(Fault("status", "/deals", status=429, headers=burst))
    pipedrive.sync()
    assert 2.0 in pipedrive.waits
    pipedrive.api.daily_tokens = 0
    with pytest.raises(SourceFailed, match="no tokens left today"):
        pipedrive.sync()


def test_a_wrong_token_and_missing_scopes_are_told_apart(
    pipedrive: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipedrive.api.company.create("deals", stage_id=1)
    assert len(pipedrive.check()) == 7
    pipedrive.api.hidden |= {"/activities", "/flow"}
    with pytest.raises(SourceFailed, match="lacks recents:read, activities:read; grant it"):
        pipedrive.check()
    with pytest.raises(SourceFailed, match="403"):
        pipedrive.sync()
    monkeypatch.setenv("REVOPS_CRM_API_TOKEN", "wrong")
    with pytest.raises(SourceFailed, match="does not take the credentials"):
        pipedrive.check()
    monkeypatch.delenv("REVOPS_CRM_API_TOKEN")
    with pytest.raises(ConfigurationError, match=r"set REVOPS_CRM_API_TOKEN \(the API token"):
        pipedrive.check()


def test_the_history_may_be_left_out_and_a_landed_schema_is_refused(pipedrive: Vendor) -> None:
    deal = pipedrive.api.company.create("deals", stage_id=1)
    pipedrive.api.company.update("deals", deal, stage_id=2)
    pipedrive.configure(deal_history=False)
    pipedrive.sync()
    assert not any("/flow" in path for path in pipedrive.paths())
    pipedrive.configure(landed={"by": "fivetran", "schema": "pipedrive", "path": "warehouse.duckdb"})
    with pytest.raises(ConfigurationError, match="how fivetran lands pipedrive is not known here"):
        pipedrive.check()
