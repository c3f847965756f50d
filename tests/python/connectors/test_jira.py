"""The Jira connector against a site whose records the test makes by hand, and the pretend company's."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from vendor import Vendor

from orchestration.errors import SourceFailed
from sandbox.silos import tracker, tracker_objects
from sandbox.vendors.server import Request
from sandbox.world import World


def test_an_issue_from_its_opening_to_done_and_back(jira: Vendor) -> None:
    site = jira.api.site
    ana = site.user("Ana", "ana@company.test")
    opened = jira.now
    key = site.issue(
        "Website", "New prices", duedate="2026-11-20", customfield_10020={"id": "7", "value": "marketing"}
    )
    site.assign(key, ana)
    jira.pass_time(hours=2)
    site.move(key, "In Progress")
    jira.pass_time(hours=2)
    site.move(key, "Done")
    done = jira.now
    jira.pass_time(hours=1)
    site.update(key, summary="Newer prices")
    jira.sync()

    row = jira.entry("tasks")[key]
    assert (row["name"], row["project"], row["status"]) == ("Newer prices", "Website", "Done")
    assert (row["assignee_source_id"], row["due_on"]) == (ana, date(2026, 11, 20))
    assert (row["opened_at"], row["done_at"]) == (opened, done)
    assert jira.custom("tasks", key)["customfield_10020"] == "marketing"
    user = jira.entry("users")[ana]
    assert (user["name"], user["email"], user["is_active"]) == ("Ana", "ana@company.test", True)

    site.move(key, "In Progress")
    jira.sync()
    assert jira.entry("tasks")[key]["done_at"] is None


def test_a_status_that_is_renamed_is_the_same_status(jira: Vendor) -> None:
    site = jira.api.site
    key = site.issue("Website", "Prices")
    jira.pass_time(hours=1)
    site.move(key, "Done")
    done = jira.now
    site.records("issues")[key]["fields"]["status"]["name"] = "Finished"
    jira.sync()
    row = jira.entry("tasks")[key]
    assert (row["status"], row["done_at"]) == ("Finished", done)


def test_a_project_without_history_is_done_when_it_was_resolved(jira: Vendor) -> None:
    site = jira.api.site
    key = site.issue("Imported", "Old")
    jira.pass_time(hours=1)
    site.move(key, "Done")
    site.records("history").clear()
    jira.sync()
    assert jira.entry("tasks")[key]["done_at"] == jira.now - timedelta(hours=1)


def test_a_deleted_issue_is_missed_and_the_others_stay(jira: Vendor) -> None:
    site = jira.api.site
    keys = [site.issue("Website", f"Task {number}") for number in range(4)]
    jira.sync()
    site.delete(keys[1])
    assert jira.sync()["issue"].rows_deleted == 1
    assert set(jira.entry("tasks")) == {keys[0], *keys[2:]}


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata"])
def test_no_change_is_missed_when_clocks_go_back(jira: Vendor, zone: str) -> None:
    """In Berlin the hour from 00:00 UTC on 25 October 2026 has the same local times as the one before."""
    jira.api.zone = zone
    site = jira.api.site
    jira.now = datetime(2026, 10, 24, 21, 0)
    keys = [site.issue("Website", f"Task {number}") for number in range(6)]
    for number in range(6):
        jira.sync()
        jira.pass_time(minutes=7)
        site.update(keys[number], summary=f"Changed {number}")
    jira.sync()
    names = {key: row["name"] for key, row in jira.entry("tasks").items()}
    assert names == {key: f"Changed {number}" for number, key in enumerate(keys)}


def test_what_the_index_shows_late_arrives_late(jira: Vendor) -> None:
    site = jira.api.site
    first = site.issue("Website", "First")
    jira.api.quirks.lag_seconds = 11 * 3600
    jira.pass_time(hours=12)
    second = site.issue("Website", "Second")
    site.update(first, summary="Changed")
    jira.sync()
    assert set(jira.entry("tasks")) == {first}
    jira.pass_time(hours=11)
    jira.sync()
    assert {key: row["name"] for key, row in jira.entry("tasks").items()} == {
        first: "Changed",
        second: "Second",
    }


def test_a_change_costs_what_changed(jira: Vendor) -> None:
    site = jira.api.site
    keys = [site.issue("Website", f"Task {number}") for number in range(120)]
    jira.pass_time(hours=30)
    last = site.issue("Website", "Last")
    jira.sync()
    jira.pass_time(hours=30)
    site.update(keys[3], summary="Changed")
    jira.api.requests.clear()
    assert jira.sync()["issue"].rows_appended == 1
    bodies = [request.body for request in jira.api.requests if request.path.endswith("/search/jql")]
    full = [body for body in bodies if body["fields"] != ["id"]]
    assert len(full) == 1, "120 issues did not change"
    assert len(jira.entry("tasks")) == 121 and last in jira.entry("tasks")


def test_a_missing_right_is_named_though_jira_only_hides(
    jira: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = jira.api.site.issue("Website", "Task")
    jira.check()
    jira.api.lacks = {"USER_PICKER", "BROWSE_PROJECTS"}
    with pytest.raises(
        SourceFailed, match="lacks Browse users and groups, Browse projects, in every project"
    ):
        jira.check()
    jira.api.lacks = set()
    jira.sync()
    monkeypatch.setenv("REVOPS_CRM_API_TOKEN", "wrong")
    with pytest.raises(SourceFailed, match="does not take the credentials"):
        jira.sync()
    assert set(jira.entry("tasks")) == {key}, "what strangers may see is not what there is"


def test_a_project_that_is_hidden_all_at_once_stops_the_source(jira: Vendor) -> None:
    site = jira.api.site
    kept = site.issue("Website", "Kept")
    others = [site.issue("Events", f"Task {number}") for number in range(9)]
    jira.sync()
    jira.api.hidden = {"Events"}
    with pytest.raises(SourceFailed, match="lacks 9 of the 10"):
        jira.sync()
    assert set(jira.entry("tasks")) == {kept, *others}


def test_fields_of_any_kind_arrive(jira: Vendor) -> None:
    who = jira.api.site.user("Bo")
    key = jira.api.site.issue(
        "Website",
        "Task",
        labels=["a", "b"],
        customfield_1=3.5,
        customfield_2=[{"value": "x"}, {"value": "y"}],
        customfield_3={"accountId": who, "displayName": "Bo"},
        customfield_4=None,
        priority={"id": "3", "name": "High"},
        description={"type": "doc", "content": []},
    )
    jira.sync()
    custom = jira.custom("tasks", key)
    assert custom["labels"] == ["a", "b"] and custom["customfield_2"] == ["x", "y"]
    assert Decimal(str(custom["customfield_1"])) == Decimal("3.5")
    assert custom["customfield_3_account_id"] == who
    assert custom["priority"] == "High"
    assert not {"customfield_4", "description", "lastViewed", "comment"} & custom.keys()


def test_the_stand_in_refuses_what_jira_refuses(jira: Vendor) -> None:
    jira.api.site.issue("Website", "A")
    jira.api.site.issue("Website", "B")

    def ask(**body: object) -> int:
        headers = {"Authorization": "Basic " + "cmVhZGVyQGV4YW1wbGUuY29tOnNhbmRib3gtamlyYS10b2tlbg=="}
        return int(jira.api.answer(Request("POST", "/rest/api/3/search/jql", {}, headers, body)).status)

    bounded = 'updated >= "2020-01-01 00:00"'
    assert (ask(jql="ORDER BY created"), ask(jql=bounded)) == (400, 200)
    assert ask(jql=bounded, nextPageToken="MDAwMDAwMDA6MQ==") == 400


def test_the_pretend_company_s_tasks_all_arrive(jira: Vendor) -> None:
    world = World(date(2024, 9, 30), seed=3, scale=0.1)
    jira.now = datetime(2024, 10, 1, 6)
    tracker_objects.jira(world, jira.api)
    jira.sync()
    tasks = {row["name"] + str(row["opened_at"]): row for row in jira.entry("tasks").values()}
    users = {key: row["email"] for key, row in jira.entry("users").items()}
    held = tracker.tasks_kept(world)
    assert len(tasks) == len(held) > 50
    for task in held:
        row = tasks[task.name + str(milliseconds(task.opened_at))]
        expected = (task.project, task.due_on, task.assignee.email if task.assignee else None)
        assert (row["project"], row["due_on"], users.get(row["assignee_source_id"])) == expected
        assert row["done_at"] == (milliseconds(task.done_at) if task.done_at else None)


def milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
