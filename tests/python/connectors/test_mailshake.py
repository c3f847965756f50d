"""The Mailshake connector against a team made by hand, and against the pretend company's."""

import base64
import json
import os
import shutil
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest
from vendor import Vendor

from orchestration.errors import SourceFailed
from orchestration.sources.mailshake.tables import TABLES
from sandbox.silos import engagement
from sandbox.vendors.faults import Fault, What
from sandbox.vendors.mailshake import stamp
from sandbox.world import World

CLIENT = Path(__file__).with_name("mailshake_client.mjs")


@pytest.fixture(scope="module")
def world() -> World:
    """A company that has written to people for a while."""
    return World(date(2024, 9, 30), seed=3, scale=0.15)


def test_a_recipient_from_the_first_e_mail_to_the_closed_lead(mailshake: Vendor) -> None:
    team = mailshake.api.team
    seller = team.member("lucy@team.test", "Lucy Doe", teamName="North", isTeamAdmin=True)
    campaign = team.campaign("Spring", team.sender("lucy@team.test", "Lucy"))
    person = team.recipient(
        campaign, "ana@northwind.test", "Ana Lima", Company="Northwind", Title="CFO", pet="cat"
    )
    started = mailshake.now
    sent = team.send(person, "Lucy@team.test")
    mailshake.pass_time(hours=1)
    team.open(sent)
    team.open(sent)
    team.click(sent, "https://team.test/prices")
    answered = mailshake.now
    team.reply(sent)
    team.reply(sent, "delay-notification")
    lead = team.lead(person, seller)
    mailshake.pass_time(hours=1)
    closed = mailshake.now
    team.settle(lead, "closed")
    by_hand = team.send(person, "lucy@team.test", by_hand=True)
    mailshake.sync()

    row = mailshake.entry("people")[person]
    assert (row["email"], row["full_name"], row["kind"]) == ("ana@northwind.test", "Ana Lima", "lead")
    assert (row["company_name"], row["title"], row["owner_source_id"]) == ("Northwind", "CFO", seller)
    assert mailshake.custom("people", person)["fields_pet"] == "cat"
    touches = mailshake.entry("touches")
    assert sorted(row["kind"] for row in touches.values()) == [
        "email_clicked",
        "email_opened",
        "email_replied",
        "email_sent",
        "email_sent",
    ]
    assert {row["campaign_source_id"] for row in touches.values()} == {campaign}
    assert {row["person_source_id"] for row in touches.values()} == {person}
    first, last = touches[f"sent_message:{sent}"], touches[f"sent_message:{by_hand}"]
    assert (first["occurred_at"], first["is_human"], first["actor_source_id"]) == (started, False, seller)
    assert (last["is_human"], last["direction"], last["channel"]) == (True, "outbound", "outbound")
    stages = {row["stage"]: row["entered_at"] for row in mailshake.entry("funnel_events").values()}
    assert stages == {"open": answered, "closed": closed}
    user = mailshake.entry("users")[seller]
    assert (user["name"], user["team"], user["role"], user["is_active"]) == (
        "Lucy Doe",
        "North",
        "admin",
        True,
    )
    assert mailshake.entry("campaigns")[campaign]["starts_on"] == started.date()


def test_bounces_and_requests_to_unsubscribe_are_among_the_replies(mailshake: Vendor) -> None:
    team = mailshake.api.team
    sent = team.send(team.recipient(team.campaign("C"), "a@b.test", "A B"), "x@team.test")
    keys = {kind: team.reply(sent, kind) for kind in ("bounce", "unsubscribe", "out-of-office", "reply")}
    mailshake.sync()
    touches = mailshake.entry("touches")
    found = {kind: touches[f"reply:{key}"] for kind, key in keys.items()}
    assert {kind: row["kind"] for kind, row in found.items()} == {
        "bounce": "bounce",
        "unsubscribe": "unsubscribe",
        "out-of-office": "out_of_office",
        "reply": "email_replied",
    }
    assert {kind for kind, row in found.items() if row["is_human"]} == {"unsubscribe", "reply"}


def test_what_is_deleted_goes_with_all_that_belonged_to_it(mailshake: Vendor) -> None:
    team = mailshake.api.team
    campaigns = [team.campaign(f"C{number}") for number in range(3)]
    people = [team.recipient(campaign, f"p{campaign}@b.test", "A B") for campaign in campaigns]
    sent = [team.send(person, "x@team.test") for person in people]
    team.update("campaigns", campaigns[1], isArchived=True)
    mailshake.sync()
    team.delete("campaigns", campaigns[0])
    results = mailshake.sync()
    assert (results["campaign"].rows_deleted, results["sent_message"].rows_deleted) == (1, 1)
    assert set(mailshake.entry("campaigns")) == set(campaigns[1:])
    assert set(mailshake.entry("people")) == set(people[1:])
    assert set(mailshake.entry("touches")) == {f"sent_message:{key}" for key in sent[1:]}


def test_a_campaign_that_goes_while_it_is_read_takes_nothing_else_along(mailshake: Vendor) -> None:
    team = mailshake.api.team
    campaigns = [team.campaign(f"C{number}") for number in range(3)]
    kept = [team.recipient(campaign, "p@b.test", "A B") for campaign in campaigns[1:]]
    team.recipient(campaigns[0], "p@b.test", "A B")
    list_of = mailshake.api._list

    def deleting(table: str, body: dict[str, object]) -> object:
        answer = list_of(table, body)
        if table == "campaigns":
            team.records("campaigns").pop(campaigns[0], None)
        return answer

    mailshake.api._list = deleting
    mailshake.sync()
    assert set(mailshake.entry("people")) == set(kept)


@pytest.mark.parametrize("nested", [False, True], ids=["error at the top", "error in an object"])
def test_a_quota_that_is_used_up_is_waited_for_as_the_message_says(mailshake: Vendor, nested: bool) -> None:
    team = mailshake.api.team
    person = team.recipient(team.campaign("C"), "a@b.test", "A B")
    sent = {team.send(person, "x@team.test") for _ in range(60)}
    mailshake.api.units, mailshake.api.nested_errors = 30, nested
    mailshake.pass_time(minutes=20)
    mailshake.sync()
    assert set(mailshake.entry("touches")) == {f"sent_message:{key}" for key in sent}
    # Started 20 minutes past: the quota of an hour is there again when the next begins.
    assert max(mailshake.waits) == timedelta(minutes=40).total_seconds()


def test_the_text_of_e_mails_is_nowhere(mailshake: Vendor) -> None:
    team = mailshake.api.team
    sent = team.send(team.recipient(team.campaign("C"), "a@b.test", "Zacharias B"), "x@team.test")
    team.reply(sent, text="my salary is 4711")
    mailshake.sync()
    assert b"4711" not in (mailshake.home / "landing.duckdb").read_bytes()


def test_a_key_that_is_wrong_or_may_not_read_something_is_told(
    mailshake: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailshake.api.team.campaign("C")
    assert len(mailshake.check()) == len(TABLES)
    mailshake.api.hidden = {"leads", "recipients"}
    with pytest.raises(SourceFailed, match="lacks recipients of campaigns, leads of the whole team"):
        mailshake.check()
    mailshake.api.hidden = set()
    monkeypatch.setenv("REVOPS_CRM_API_KEY", "wrong")
    with pytest.raises(SourceFailed, match="does not take the credentials"):
        mailshake.check()


def test_an_error_that_is_answered_with_200_is_no_empty_list(mailshake: Vendor) -> None:
    key = mailshake.api.team.campaign("C")
    mailshake.sync()
    faults: tuple[What, ...] = ("error_200", "no_list")
    for what in faults:
        mailshake.api.faults = [Fault(what, "/campaigns/list", times=99)]
        with pytest.raises(SourceFailed):
            mailshake.sync()
    mailshake.api.faults = []
    assert set(mailshake.entry("campaigns")) == {key}


def test_the_pretend_company_s_e_mails_all_arrive(mailshake: Vendor, world: World) -> None:
    mailshake.api.store.tables = engagement.team(world).tables
    mailshake.sync()
    written = engagement.outreach(world)
    assert len(written) > 100
    happened = sorted(
        (row["occurred_at"], row["kind"], row["email"]) for row in mailshake.entry("touches").values()
    )
    # Mailshake counts milliseconds; people are known by the address they had when first written to.
    first: dict[str, str] = {}
    for touch in written:
        assert touch.person is not None
        first.setdefault(touch.person.id, touch.email or "")
    expected = sorted(
        (
            touch.at.replace(microsecond=touch.at.microsecond // 1000 * 1000),
            touch.kind,
            first[touch.person.id],
        )
        for touch in written
        if touch.person is not None
    )
    assert happened == expected
    assert len(mailshake.entry("people")) == len(first)
    users = mailshake.entry("users")
    sent = [row for row in mailshake.entry("touches").values() if row["kind"] == "email_sent"]
    assert {users[row["actor_source_id"]]["email"] for row in sent} == {
        touch.actor.email for touch in written if touch.actor and touch.kind == "email_sent"
    }


def test_the_vendor_s_own_client_sees_what_the_stand_in_holds(
    mailshake: Vendor, world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An independent witness: mailshake-node, as published, pages the stand-in as it pages Mailshake."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("node is not installed")
    folder = tmp_path_factory.mktemp("mailshake-node")
    (folder / "package.json").write_text(json.dumps({"dependencies": {"mailshake-node": "2.0.0"}}))
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--omit-lockfile-registry-resolved=true"]
    installed = subprocess.run(
        [npm, "install", *options], cwd=folder, capture_output=True, text=True, timeout=120
    )
    if installed.returncode:
        pytest.skip(f"mailshake-node cannot be installed: {installed.stderr[-200:]}")
    mailshake.api.store.tables = engagement.team(world).tables
    team = mailshake.api.team
    team.open(next(iter(team.records("sent"))))
    team.click(next(iter(team.records("sent"))), "https://team.test")
    key = mailshake.api.credentials["api_key"]
    command = [node, str(CLIENT), str(folder), f"{mailshake.api.base_url}/2017-04-01", key]
    said = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, "NO_PROXY": "*"}
    )
    assert said.returncode == 0, said.stderr
    found = json.loads(said.stdout)
    held = {name: set(table) for name, table in mailshake.api.store.tables.items()}
    assert {name: set(keys) for name, keys in found.items()} == held
    assert {name: len(keys) for name, keys in found.items()} == {
        name: len(keys) for name, keys in held.items()
    }
    # It signs in with the key alone, without the colon that basic authentication has.
    (sent,) = {request.headers.get("authorization") for request in mailshake.api.requests}
    assert sent == f"Basic {base64.b64encode(key.encode()).decode()}"


def test_moments_are_written_to_the_millisecond(mailshake: Vendor) -> None:
    assert stamp(mailshake.now + timedelta(microseconds=7999)) == "2026-11-01T06:00:00.007Z"
