"""The tracker of the pretend company as the stand-ins of Jira and Asana hold it."""

from datetime import datetime

from sandbox.records import Task
from sandbox.silos import tracker
from sandbox.vendors.asana import AsanaStandIn
from sandbox.vendors.jira import JiraStandIn
from sandbox.world import World

_STATUSES = {"To do": "To Do", "In progress": "In Progress", "Done": "Done"}


def jira(world: World, stand_in: JiraStandIn) -> None:
    """Fill a site: every task an issue, opened, assigned and moved when it was."""
    site, clock = stand_in.site, stand_in.clock
    members = {each.email: site.user(each.name, each.email) for each in world.employees}
    for task in tracker.tasks_kept(world):
        _at(stand_in, task.opened_at)
        key = site.issue(task.project, task.name, duedate=task.due_on.isoformat())
        if task.assignee is not None:
            site.assign(key, members[task.assignee.email])
        if task.status != "To do":
            _at(stand_in, task.done_at or task.updated_at)
            site.move(key, _STATUSES[task.status])
    stand_in.clock = clock


def asana(world: World, stand_in: AsanaStandIn) -> None:
    """Fill a workspace: a project per project, a task per task."""
    board, clock = stand_in.board, stand_in.clock
    members = {each.email: board.user(each.name, each.email) for each in world.employees}
    projects: dict[str, str] = {}
    for task in tracker.tasks_kept(world):
        _at(stand_in, task.opened_at)
        if task.project not in projects:
            projects[task.project] = board.project(task.project)
        key = board.task(projects[task.project], task.name, **_fields(task, members))
        if task.done_at is not None:
            _at(stand_in, task.done_at)
            board.complete(key)
    stand_in.clock = clock


def _at(stand_in: JiraStandIn | AsanaStandIn, moment: datetime) -> None:
    stand_in.clock = lambda: moment


def _fields(task: Task, members: dict[str, str]) -> dict[str, object]:
    who = {"gid": members[task.assignee.email], "resource_type": "user"} if task.assignee else None
    return {"assignee": who, "due_on": task.due_on.isoformat()}
