"""The Asana connector against a workspace made by hand, the pretend company, and the specification."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from vendor import Vendor

from orchestration.errors import SourceFailed
from sandbox.silos import tracker, tracker_objects
from sandbox.vendors.server import Request
from sandbox.world import World


def test_a_task_from_its_opening_to_done_and_back(asana: Vendor) -> None:
    board = asana.api.board
    ana = board.user("Ana", "ana@company.test")
    website = board.project("Website", team="Marketing")
    own = [
        {
            "gid": "9",
            "name": "Budget",
            "resource_subtype": "number",
            "number_value": 12.5,
            "display_value": "12.50",
        },
        {
            "gid": "8",
            "name": "Area",
            "resource_subtype": "enum",
            "number_value": None,
            "display_value": "EMEA",
        },
        {
            "gid": "7",
            "name": "Empty",
            "resource_subtype": "text",
            "number_value": None,
            "display_value": None,
        },
    ]
    opened = asana.now
    key = board.task(
        website, "New prices", due_on="2026-11-20", custom_fields=own, tags=[{"gid": "5", "name": "Q4"}]
    )
    board.assign(key, ana)
    asana.pass_time(hours=2)
    board.complete(key)
    done = asana.now
    asana.sync()

    row = asana.entry("tasks")[key]
    assert (row["name"], row["project"], row["team"]) == ("New prices", "Website", "Marketing")
    assert (row["assignee_source_id"], row["due_on"]) == (ana, date(2026, 11, 20))
    assert (row["opened_at"], row["done_at"], row["status"]) == (opened, done, "completed")
    custom = asana.custom("tasks", key)
    assert (custom["custom_field_9"], custom["custom_field_8"], custom["tags"]) == (12.5, "EMEA", ["Q4"])
    assert "custom_field_7" not in custom
    assert asana.entry("users")[ana]["email"] == "ana@company.test"

    board.reopen(key)
    asana.sync()
    assert (asana.entry("tasks")[key]["done_at"], asana.entry("tasks")[key]["status"]) == (None, "open")


def test_a_task_that_is_moved_changes_its_project_though_its_time_of_change_stays(asana: Vendor) -> None:
    board = asana.api.board
    first, second = board.project("First"), board.project("Second")
    key = board.task(first, "Task")
    asana.pass_time(days=3)
    asana.sync()
    board.place(key, second)
    asana.sync()
    assert asana.entry("tasks")[key]["project"] == "Second"
    board.place(key, second, first)
    asana.sync()
    assert {key: row["project"] for key, row in asana.entry("tasks").items()} == {key: "First"}


def test_deleted_tasks_and_projects_are_gone_and_the_others_stay(asana: Vendor) -> None:
    board = asana.api.board
    projects = [board.project(f"P{number}") for number in range(3)]
    tasks = [board.task(projects[number % 3], f"T{number}") for number in range(9)]
    board.place(tasks[0], *projects)
    asana.pass_time(days=3)
    asana.sync()
    board.delete("tasks", tasks[1])
    asana.sync()
    assert set(asana.entry("tasks")) == {tasks[0], *tasks[2:]}
    board.delete("projects", projects[0])
    asana.sync(allow_shrink=True)
    assert set(asana.entry("tasks")) == {tasks[number] for number in (0, 2, 4, 5, 7, 8)}
    assert asana.entry("tasks")[tasks[0]]["project"] == "P1"


def test_a_change_costs_what_changed_and_one_walk_of_ids(asana: Vendor) -> None:
    board = asana.api.board
    project = board.project("Website")
    keys = [board.task(project, f"Task {number}") for number in range(220)]
    asana.pass_time(days=2)
    keys.append(board.task(project, "Later"))
    asana.sync()
    asana.pass_time(days=2)
    board.update(keys[7], name="Changed")
    asana.api.requests.clear()
    assert asana.sync()["task"].rows_appended == 1
    asked = [request for request in asana.api.requests if request.path.endswith("/tasks")]
    assert [bool(request.get("opt_fields")) for request in asked] == [False, False, False, True]
    assert set(asana.entry("tasks")) == set(keys)


def test_a_project_that_goes_while_it_is_read_takes_nothing_else_along(asana: Vendor) -> None:
    board = asana.api.board
    projects = [board.project(f"P{number}") for number in range(2)]
    kept = board.task(projects[1], "Kept")
    board.task(projects[0], "Gone")
    answer = asana.api.answer

    def deleting(request: Request) -> Any:
        found = answer(request)
        if request.path.endswith("/projects") and projects[0] in board.records("projects"):
            board.delete("projects", projects[0])
        return found

    asana.api.answer = deleting
    asana.sync()
    assert set(asana.entry("tasks")) == {kept}


def test_a_missing_scope_is_named_and_a_wrong_token_told(
    asana: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    asana.api.board.project("Website")
    assert len(asana.check()) == 4
    asana.api.hidden = {"tasks", "users"}
    with pytest.raises(SourceFailed, match="lacks users:read, tasks:read; grant it"):
        asana.check()
    with pytest.raises(SourceFailed, match="403"):
        asana.sync()
    monkeypatch.setenv("REVOPS_CRM_TOKEN", "wrong")
    with pytest.raises(SourceFailed, match="does not take the credentials"):
        asana.check()


def test_the_pretend_company_s_tasks_all_arrive(asana: Vendor) -> None:
    world = World(date(2024, 9, 30), seed=3, scale=0.1)
    asana.now = datetime(2024, 10, 1, 6)
    tracker_objects.asana(world, asana.api)
    asana.sync()
    users = {key: row["email"] for key, row in asana.entry("users").items()}
    found = sorted(
        (
            row["name"],
            row["opened_at"],
            row["project"],
            row["due_on"],
            row["done_at"],
            users.get(row["assignee_source_id"]),
        )
        for row in asana.entry("tasks").values()
    )
    held = tracker.tasks_kept(world)
    assert len(held) > 50
    assert [str(row) for row in found] == [
        str(row)
        for row in sorted(
            (
                task.name,
                milliseconds(task.opened_at),
                task.project,
                task.due_on,
                milliseconds(task.done_at) if task.done_at else None,
                task.assignee.email if task.assignee else None,
            )
            for task in held
        )
    ]


def milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


@pytest.mark.slow
def test_asana_s_specification_allows_what_we_ask(shared: Path, asana: Vendor) -> None:
    document = yaml.load((shared / "data/openapi/asana/asana_oas.yaml").read_text("utf-8"), yaml.CSafeLoader)
    board = asana.api.board
    project = board.project("Website")
    keys = [board.task(project, f"Task {number}") for number in range(3)]
    asana.api.quirks.page_size = 2
    asana.check()
    asana.sync()
    board.delete("tasks", keys[0])
    asana.sync()
    wrong = {request.path: list(mistakes(document, request)) for request in asana.api.requests}
    assert {path: said for path, said in wrong.items() if said} == {}
    asked = {name for request in asana.api.requests for name in request.query}
    assert {"offset", "modified_since", "opt_fields", "project", "workspace", "limit"} <= asked
    bad = Request(
        "GET",
        "/tasks",
        {"modified_since": ["yesterday"], "opt_fields": ["name,shoe_size"], "x": ["1"]},
        {},
        None,
    )
    assert len(list(mistakes(document, bad))) == 3


def mistakes(document: dict[str, Any], request: Request) -> Iterator[str]:
    """What the specification does not allow in a request."""
    operations = document["paths"].get(request.path)
    if operations is None or request.method.lower() not in operations:
        yield f"{request.method} {request.path} is unknown"
        return
    declared = [*operations.get("parameters", ()), *operations[request.method.lower()].get("parameters", ())]
    named = (
        each if "name" in each else document["components"]["parameters"][each["$ref"].split("/")[-1]]
        for each in declared
    )
    schemas = {each["name"]: each["schema"] for each in named if each["in"] == "query"}
    for name, (value,) in request.query.items():
        schema = schemas.get(name)
        if schema is None:
            yield f"unknown parameter {name}"
        elif schema["type"] == "integer" and not schema["minimum"] <= int(value) <= schema["maximum"]:
            yield f"{name} is {value}"
        elif schema["type"] == "array" and (extra := set(value.split(",")) - set(schema["items"]["enum"])):
            yield f"{name} has {sorted(extra)}"
        elif schema.get("format") == "date-time":
            try:
                datetime.fromisoformat(value)
            except ValueError:
                yield f"{name} is {value}"
