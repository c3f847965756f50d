"""The HubSpot connector against a portal whose records the test makes by hand."""

import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from vendor import Vendor

from orchestration.errors import SourceFailed


def test_what_is_created_changed_archived_and_restored_arrives(hubspot: Vendor) -> None:
    portal = hubspot.api.portal
    first = portal.create("companies", name="Northwind", domain="northwind.test", tier="gold")
    second = portal.create("companies", name="Contoso", country="de")
    assert hubspot.sync()["company"].rows_appended == 2
    assert {row["name"] for row in hubspot.entry("accounts").values()} == {"Northwind", "Contoso"}
    assert hubspot.custom("accounts", first)["tier"] == "gold"
    assert hubspot.entry("accounts")[second]["country_code"] == "DE"

    portal.update("companies", first, name="Northwind Ltd")
    portal.archive("companies", second)
    assert hubspot.sync()["company"].rows_appended == 2
    assert {row["name"] for row in hubspot.entry("accounts").values()} == {"Northwind Ltd"}

    portal.restore("companies", second)
    hubspot.sync()
    assert len(hubspot.entry("accounts")) == 2
    assert hubspot.sync()["company"].rows_appended == 0


def test_a_contact_that_was_merged_is_gone_and_the_other_one_stays(hubspot: Vendor) -> None:
    portal = hubspot.api.portal
    kept = portal.create("contacts", email="ana@northwind.test", lifecyclestage="lead")
    lost = portal.create("contacts", email="ana@gmail.test")
    hubspot.sync()
    portal.merge("contacts", kept, lost)
    hubspot.sync()
    assert set(hubspot.entry("people")) == {kept}


def test_a_purged_record_is_noticed_within_a_week(hubspot: Vendor) -> None:
    portal = hubspot.api.portal
    keys = [portal.create("contacts", email=f"p{number}@a.test") for number in range(20)]
    hubspot.sync()
    portal.purge("contacts", keys[3])
    hubspot.pass_time(days=7)
    hubspot.sync()
    assert set(hubspot.entry("people")) == set(keys) - {keys[3]}


def _pipeline(hubspot: Vendor, **labels: str) -> None:
    stages = [
        {
            "id": key,
            "label": label,
            "displayOrder": number,
            "metadata": {"isClosed": str("Closed" in label).lower(), "probability": "0.5"},
            "archived": False,
        }
        for number, (key, label) in enumerate(labels.items())
    ]
    pipeline = {"id": "default", "object": "deals", "label": "Sales", "archived": False, "stages": stages}
    hubspot.api.store.add("pipelines", [pipeline])


def test_a_deal_has_its_company_its_stage_in_words_and_every_change(hubspot: Vendor) -> None:
    portal = hubspot.api.portal
    _pipeline(hubspot, s1="Qualified", s2="Closed Won")
    hubspot.api.store.add(
        "owners", [{"id": "31", "email": "bo@us.test", "firstName": "Bo", "lastName": "Li", "userId": 7}]
    )
    company = portal.create("companies", name="Northwind")
    contact = portal.create("contacts", email="ana@northwind.test")
    deal = portal.create(
        "deals",
        dealname="Big",
        pipeline="default",
        dealstage="s1",
        dealtype="newbusiness",
        amount="1000.5",
        closedate="2026-12-31T00:00:00Z",
        hubspot_owner_id="31",
    )
    portal.associate("deals", deal, "companies", company)
    portal.associate("deals", deal, "contacts", contact, "Decision Maker")
    hubspot.pass_time(days=2)
    closed = hubspot.now
    portal.update("deals", deal, dealstage="s2", amount="1200", closedate=closed.isoformat() + "Z")
    hubspot.sync()

    row = hubspot.entry("opportunities")[deal]
    assert (row["stage"], row["amount"], row["kind"]) == ("Closed Won", Decimal("1200"), "new_business")
    assert (row["account_source_id"], row["person_source_id"]) == (company, contact)
    assert (row["closed_at"], row["expected_close_on"]) == (closed, closed.date())
    changes = {
        each["field"]: (
            each["old_value"],
            each["new_value"],
            each["changed_at"],
            each["changed_by_source_id"],
        )
        for each in hubspot.entry("opportunity_changes").values()
    }
    assert changes == {
        "stage": ("Qualified", "Closed Won", closed, "31"),
        "amount": ("1000.5", "1200", closed, "31"),
        "expected_close_on": ("2026-12-31", str(closed.date()), closed, "31"),
    }
    assert [each["role"] for each in hubspot.entry("opportunity_people").values()] == ["Decision Maker"]
    assert [(each["name"], each["is_active"]) for each in hubspot.entry("users").values()] == [
        ("Bo Li", True)
    ]


def test_an_association_that_ends_is_gone_though_neither_record_changed(hubspot: Vendor) -> None:
    portal = hubspot.api.portal
    deal = portal.create("deals", dealname="Big")
    others = [portal.create("contacts", email=f"p{number}@a.test") for number in range(12)]
    for other in others:
        portal.associate("deals", deal, "contacts", other)
    hubspot.sync()
    portal.dissociate("deals", deal, "contacts", others[0])
    hubspot.sync()
    assert {row["person_source_id"] for row in hubspot.entry("opportunity_people").values()} == set(
        others[1:]
    )


def test_the_life_cycle_of_a_contact_becomes_its_funnel(hubspot: Vendor) -> None:
    portal = hubspot.api.portal
    contact = portal.create("contacts", email="ana@a.test", lifecyclestage="subscriber")
    hubspot.sync()
    hubspot.pass_time(days=1)
    portal.update("contacts", contact, lifecyclestage="lead")
    hubspot.sync()
    hubspot.pass_time(days=1)
    portal.update(
        "contacts", contact, lifecyclestage="customer", hs_lifecyclestage_lead_date="2026-11-02T00:00:00Z"
    )
    hubspot.sync()
    entered = sorted((row["entered_at"], row["stage"]) for row in hubspot.entry("funnel_events").values())
    assert [stage for _, stage in entered] == ["subscriber", "lead", "customer"]
    assert hubspot.entry("people")[contact]["kind"] == "lead"


def test_more_changes_than_a_search_ever_gives_all_arrive(
    hubspot: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search ends at its 10,000th result; here at its 400th, with 450 records of one moment among 1,000."""
    monkeypatch.setattr("sandbox.vendors.hubspot.SEARCH_CEILING", 400)
    portal = hubspot.api.portal
    hubspot.sync()
    keys = [portal.create("contacts", email=f"a{number}@a.test") for number in range(450)]
    for number in range(550):
        hubspot.now = hubspot.now.replace(microsecond=(number + 1) * 1000)
        keys.append(portal.create("contacts", email=f"b{number}@a.test"))
    assert hubspot.sync()["contact"].rows_appended == 1000
    assert set(hubspot.entry("people")) == set(keys)


def test_an_incremental_read_asks_for_little_when_little_changed(hubspot: Vendor) -> None:
    portal = hubspot.api.portal
    keys = [portal.create("contacts", email=f"a{n}@a.test", lifecyclestage="lead") for n in range(500)]
    hubspot.sync()
    hubspot.pass_time(hours=5)
    hubspot.sync()
    hubspot.paths()
    portal.update("contacts", keys[0], city="Bonn")
    hubspot.sync()
    asked = hubspot.paths()
    assert asked.count("/crm/v3/objects/contacts/search") <= 3
    assert asked.count("/crm/v3/objects/contacts/batch/read") <= 1


def test_what_happened_to_marketing_mails_and_forms_becomes_touches(hubspot: Vendor) -> None:
    portal, store = hubspot.api.portal, hubspot.api.store
    contact = portal.create("contacts", email="ana@a.test")
    at = datetime(2026, 10, 31, 12, 30)
    milliseconds = int((at - datetime(1970, 1, 1)).total_seconds() * 1000)
    store.add("email_campaigns", [{"id": "77", "name": "November", "type": "BATCH_EMAIL"}])
    events = {"e1": "SENT", "e2": "DELIVERED", "e3": "OPEN", "e4": "CLICK"}
    store.add(
        "email_events",
        [
            {
                "id": key,
                "type": kind,
                "recipient": "Ana@a.test",
                "created": milliseconds,
                "emailCampaignId": 77,
            }
            for key, kind in events.items()
        ],
    )
    store.add("forms", [{"id": "f1", "name": "Demo"}])
    store.add(
        "form_submissions",
        [
            {
                "id": "s1",
                "form": "f1",
                "submittedAt": milliseconds,
                "values": [{"name": "email", "value": "ana@a.test"}, {"name": "size", "value": "40"}],
                "pageUrl": "https://us.test/demo",
            }
        ],
    )
    hubspot.sync()
    touches = hubspot.entry("touches")
    assert {row["kind"] for row in touches.values()} == {
        "email_sent",
        "email_opened",
        "email_clicked",
        "form_fill",
    }
    assert {row["person_source_id"] for row in touches.values()} == {contact}
    assert {row["occurred_at"] for row in touches.values()} == {at}
    (submission,) = hubspot.query("select answers from landing.raw_crm.form_submission")
    assert json.loads(submission["answers"]) == {"email": "ana@a.test", "size": "40"}
    assert {row["name"] for row in hubspot.entry("campaigns").values()} == {"November"}


def test_a_meeting_touches_everybody_who_was_there(hubspot: Vendor) -> None:
    portal = hubspot.api.portal
    people = [portal.create("contacts", email=f"p{number}@a.test") for number in range(2)]
    company = portal.create("companies", name="Northwind")
    meeting = portal.create(
        "meetings", hs_meeting_start_time="2026-11-05T09:00:00Z", hs_meeting_outcome="COMPLETED"
    )
    portal.create("meetings", hs_meeting_start_time="2026-11-06T09:00:00Z", hs_meeting_outcome="NO_SHOW")
    for person in people:
        portal.associate("meetings", meeting, "contacts", person)
    portal.associate("meetings", meeting, "companies", company)
    hubspot.sync()
    touches = hubspot.entry("touches").values()
    assert {row["person_source_id"] for row in touches} == set(people)
    assert {row["account_source_id"] for row in touches} == {company}


def test_a_ticket_says_when_it_was_answered_and_solved(hubspot: Vendor) -> None:
    ticket = hubspot.api.portal.create(
        "tickets",
        subject="Help",
        createdate="2026-11-01T08:00:00Z",
        first_agent_reply_date="2026-11-01T08:30:00Z",
        closed_date="2026-11-02T08:00:00Z",
        hs_ticket_priority="HIGH",
        hs_pipeline="0",
        hs_pipeline_stage="4",
    )
    hubspot.sync()
    row = hubspot.entry("tickets")[ticket]
    assert (row["opened_at"].hour, row["first_replied_at"].minute) == (8, 30)
    assert row["solved_at"].date() == date(2026, 11, 2)
    assert (row["priority"], row["status"]) == ("high", "4")


def test_a_missing_scope_is_named_and_fails_loudly(hubspot: Vendor) -> None:
    hubspot.api.hidden = {"/crm/v3/objects/deals"}
    with pytest.raises(SourceFailed, match=r"crm\.objects\.deals\.read"):
        hubspot.check()
    with pytest.raises(SourceFailed, match="403"):
        hubspot.sync()
    hubspot.api.hidden = set()
    assert ("contact", "/crm/v3/objects/contacts") in hubspot.check()


def test_a_spent_daily_limit_ends_the_read_instead_of_waiting(hubspot: Vendor) -> None:
    hubspot.api.daily_calls = 5
    with pytest.raises(SourceFailed, match="no calls left today"):
        hubspot.sync()
    assert not [wait for wait in hubspot.waits if wait > 60]
