"""The tracker of the pretend company as the stand-in of Jira holds it."""

from datetime import datetime

from sandbox.silos import tracker
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


def _at(stand_in: JiraStandIn, moment: datetime) -> None:
    stand_in.clock = lambda: moment
