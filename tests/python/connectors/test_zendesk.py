"""The Zendesk connector against an account whose records the test makes by hand."""

from datetime import timedelta

import pytest
from vendor import Vendor

from orchestration.errors import SourceFailed


def test_a_ticket_from_its_opening_to_its_rating(zendesk: Vendor) -> None:
    account = zendesk.api.account
    support = account.create("groups", name="Support")
    company = account.create("organizations", name="Northwind", domain_names=["northwind.test", "nw.test"])
    asker = account.create("users", name="Ana", email="ana@northwind.test", organization_id=int(company))
    agent = account.create("users", name="Bo", role="agent", default_group_id=int(support))
    opened = zendesk.now
    ticket = account.create(
        "tickets",
        requester_id=int(asker),
        organization_id=int(company),
        assignee_id=int(agent),
        group_id=int(support),
        priority="high",
        custom_fields=[{"id": 360, "value": "billing"}, {"id": 361, "value": None}],
    )
    zendesk.pass_time(minutes=42)
    account.reply(ticket)
    zendesk.pass_time(hours=3)
    account.solve(ticket)
    zendesk.pass_time(hours=1)
    account.reopen(ticket)
    zendesk.pass_time(hours=1)
    account.solve(ticket)
    solved = zendesk.now
    account.rate(ticket, "good", "Thanks")
    zendesk.pass_time(minutes=5)
    zendesk.sync()

    row = zendesk.entry("tickets")[ticket]
    assert (row["account_source_id"], row["person_source_id"]) == (company, asker)
    assert (row["assignee_source_id"], row["team"], row["priority"]) == (agent, "Support", "high")
    assert (row["opened_at"], row["first_replied_at"]) == (opened, opened + timedelta(minutes=42))
    assert (row["solved_at"], row["reopened_count"], row["csat"]) == (solved, 1, 1.0)
    assert zendesk.custom("tickets", ticket)["custom_field_360"] == "billing"
    assert "custom_field_361" not in zendesk.custom("tickets", ticket)
    assert zendesk.entry("accounts")[company]["website_domain"] == "northwind.test"
    assert set(zendesk.entry("people")) == {asker}
    assert {key: row["team"] for key, row in zendesk.entry("users").items()} == {agent: "Support"}
    (answer,) = zendesk.entry("surveys").values()
    assert (answer["score"], answer["kind"], answer["account_source_id"]) == (1.0, "csat", company)


def test_deleted_and_restored_tickets_users_and_organizations(zendesk: Vendor) -> None:
    account = zendesk.api.account
    tickets = [account.create("tickets", subject=f"Question {number}") for number in range(3)]
    people = [account.create("users", name=f"P{number}") for number in range(2)]
    companies = [account.create("organizations", name=f"C{number}") for number in range(2)]
    zendesk.pass_time(minutes=5)
    zendesk.sync()
    assert set(zendesk.entry("tickets")) == set(tickets)

    account.delete("tickets", tickets[0])
    account.delete("users", people[0])
    account.delete("organizations", companies[0])
    zendesk.pass_time(minutes=5)
    zendesk.sync()
    assert set(zendesk.entry("tickets")) == set(tickets[1:])
    assert set(zendesk.entry("people")) == {people[1]}
    assert set(zendesk.entry("accounts")) == {companies[1]}

    account.restore(tickets[0])
    zendesk.pass_time(minutes=5)
    zendesk.sync()
    assert set(zendesk.entry("tickets")) == set(tickets)


def test_a_change_that_moves_no_date_of_change_arrives(zendesk: Vendor) -> None:
    account = zendesk.api.account
    ticket = account.create("tickets", priority="low")
    zendesk.pass_time(minutes=5)
    zendesk.sync()
    account.update("tickets", ticket, silently=True, priority="urgent")
    zendesk.pass_time(minutes=5)
    zendesk.sync()
    assert zendesk.entry("tickets")[ticket]["priority"] == "urgent"


def test_more_organizations_of_one_second_than_a_page_holds_all_arrive(
    zendesk: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By time, the export would give the same page for ever."""
    monkeypatch.setattr("sandbox.vendors.zendesk.EXPORT_PAGE", 10)
    account = zendesk.api.account
    keys = [account.create("organizations", name=f"C{number}") for number in range(25)]
    zendesk.pass_time(minutes=5)
    zendesk.sync()
    assert set(zendesk.entry("accounts")) == set(keys)


def test_an_export_goes_on_where_it_ended_and_keeps_to_ten_calls_a_minute(
    zendesk: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.vendors.zendesk.EXPORT_PAGE", 10)
    account = zendesk.api.account
    keys = []
    for number in range(300):
        keys.append(account.create("tickets", subject=f"Q{number}"))
        zendesk.pass_time(seconds=2)
    zendesk.pass_time(minutes=5)
    zendesk.sync()
    assert set(zendesk.entry("tickets")) == set(keys)
    assert sum(zendesk.waits) > 60

    account.reply(keys[7])
    zendesk.pass_time(minutes=5)
    zendesk.paths()
    assert zendesk.sync()["ticket"].rows_appended == 1
    asked = zendesk.paths()
    assert asked.count("/api/v2/incremental/tickets/cursor") == 1
    assert asked.count("/api/v2/tickets/show_many") == 1


def test_a_rating_that_is_changed_later_is_read_again(zendesk: Vendor) -> None:
    account = zendesk.api.account
    ticket = account.create("tickets", subject="Q")
    rating = account.rate(ticket, "bad")
    zendesk.pass_time(minutes=5)
    zendesk.sync()
    zendesk.pass_time(days=10)
    account.update("satisfaction_ratings", rating, score="good")
    zendesk.sync()
    assert zendesk.entry("surveys")[rating]["score"] == 1.0


def test_a_missing_right_is_named(zendesk: Vendor) -> None:
    zendesk.api.hidden = {"/incremental/"}
    with pytest.raises(SourceFailed, match="tickets:read, and export"):
        zendesk.check()
    with pytest.raises(SourceFailed, match="403"):
        zendesk.sync()
