"""The Intercom connector against a workspace whose records the test makes by hand."""

import time
from datetime import timedelta

import pytest
from vendor import Vendor

from orchestration.errors import SourceFailed
from sandbox.vendors.faults import Fault


def test_a_conversation_from_its_first_message_to_its_rating(intercom: Vendor) -> None:
    workspace = intercom.api.workspace
    team = workspace.create("teams", name="Support")
    admin = workspace.create("admins", name="Bo", email="bo@example.com", team_ids=[int(team)])
    company = workspace.create("companies", name="Northwind", website="https://northwind.test", size=40)
    asker = workspace.create(
        "contacts",
        email="ana@northwind.test",
        companies={"data": [{"id": company}]},
        custom_attributes={"seat_type": "full"},
    )
    opened = intercom.now
    asked = workspace.ask(
        asker, admin_assignee_id=int(admin), team_assignee_id=int(team), priority="priority"
    )
    intercom.pass_time(minutes=30)
    workspace.reply(asked)
    intercom.pass_time(hours=1)
    workspace.close(asked)
    intercom.pass_time(hours=1)
    workspace.reopen(asked)
    workspace.close(asked)
    closed = intercom.now
    workspace.rate(asked, 4, "Thanks")
    workspace.ask(asker, source={"delivered_as": "campaigns_initiated"})
    intercom.sync()

    (row,) = intercom.entry("tickets").values()
    assert (row["source_id"], row["account_source_id"], row["person_source_id"]) == (
        f"conversation:{asked}",
        company,
        asker,
    )
    assert (row["opened_at"], row["first_replied_at"]) == (opened, opened + timedelta(minutes=30))
    assert (row["solved_at"], row["reopened_count"], row["csat"]) == (closed, 1, 0.75)
    assert (row["team"], row["assignee_source_id"], row["priority"]) == ("Support", admin, "high")
    (answer,) = intercom.entry("surveys").values()
    assert (answer["score"], answer["comment"], answer["answered_at"]) == (0.75, "Thanks", closed)
    assert intercom.entry("accounts")[company]["employee_count"] == 40
    person = intercom.entry("people")[asker]
    assert (person["kind"], person["company_name"]) == ("end_user", "Northwind")
    assert intercom.custom("people", asker)["custom_attributes_seat_type"] == "full"
    assert intercom.entry("users")[admin]["team"] == "Support"


def test_a_ticket_is_answered_resolved_and_opened_again(intercom: Vendor) -> None:
    workspace = intercom.api.workspace
    ticket = workspace.ticket(workspace.create("contacts", email="a@b.test"))
    intercom.pass_time(minutes=10)
    workspace.answer_ticket(ticket)
    replied = intercom.now
    workspace.move(ticket, "resolved")
    intercom.sync()
    row = intercom.entry("tickets")[f"ticket:{ticket}"]
    assert (row["first_replied_at"], row["solved_at"], row["reopened_count"]) == (replied, replied, 0)
    workspace.move(ticket, "in_progress")
    intercom.sync()
    row = intercom.entry("tickets")[f"ticket:{ticket}"]
    assert (row["status"], row["solved_at"], row["reopened_count"]) == ("in_progress", None, 1)


def test_deleted_and_merged_contacts_are_gone_within_a_day(intercom: Vendor) -> None:
    workspace = intercom.api.workspace
    user, lead, other = (workspace.create("contacts", name=each, role="lead") for each in "abc")
    asked = workspace.ask(lead)
    intercom.sync()
    workspace.merge(user, lead)
    workspace.delete("contacts", other)
    intercom.pass_time(days=7)
    intercom.sync(allow_shrink=True)
    assert set(intercom.entry("people")) == {user}
    assert intercom.entry("tickets")[f"conversation:{asked}"]["person_source_id"] == user


def test_a_contact_that_changed_today_is_found_though_contacts_are_compared_by_the_day(
    intercom: Vendor,
) -> None:
    workspace = intercom.api.workspace
    key = workspace.create("contacts", name="Before")
    intercom.sync()
    workspace.update("contacts", key, name="After")
    intercom.sync()
    assert intercom.entry("people")[key]["full_name"] == "After"


def test_a_scroll_whose_answer_was_lost_begins_anew_and_waits_for_another_one(intercom: Vendor) -> None:
    workspace = intercom.api.workspace
    made = {workspace.create("companies", name=f"C{number}") for number in range(40)}
    intercom.api.quirks.page_size = 3
    # The answer breaks off after the scroll has moved on.
    intercom.api.faults.append(Fault("truncate", "/companies/scroll", nth=4))
    intercom.sync()
    assert set(intercom.entry("accounts")) == made
    assert 61.0 in intercom.waits, "the first scroll had to end"
    intercom.api.quirks.stuck = True
    with pytest.raises(SourceFailed, match="its scroll does not move"):
        intercom.sync()


def test_records_on_two_pages_and_unordered_pages_are_one_record_each(intercom: Vendor) -> None:
    workspace = intercom.api.workspace
    made = {workspace.create("contacts", name=f"P{number}") for number in range(12)}
    quirks = intercom.api.quirks
    quirks.page_size, quirks.duplicates, quirks.unordered = 5, True, True
    intercom.sync()
    assert set(intercom.entry("people")) == made
    quirks.stuck = True
    intercom.pass_time(days=1)
    with pytest.raises(SourceFailed, match="gave the same page twice"):
        intercom.sync()


def test_a_limit_is_waited_for_until_the_second_it_says(intercom: Vendor) -> None:
    headers = {"X-RateLimit-Reset": str(int(time.time()) + 20)}
    intercom.api.faults.append(Fault("status", "/contacts", status=429, headers=headers))
    intercom.sync()
    assert any(10 < wait <= 20 for wait in intercom.waits)


def test_missing_rights_are_named_and_tickets_may_be_left_out(intercom: Vendor) -> None:
    assert len(intercom.check()) == 6
    intercom.api.hidden |= {"/tickets", "/conversations"}
    with pytest.raises(SourceFailed, match="lacks Read conversations, Read tickets; grant it"):
        intercom.check()
    with pytest.raises(SourceFailed, match="403"):
        intercom.sync()
    intercom.api.hidden = {"/tickets"}
    intercom.configure(tickets=False)
    assert len(intercom.check()) == 5
    intercom.sync()
