"""The tracker: one workbook with the teams' tasks, the tool survey, the cost sheet of finance and a list of
members.
"""

from datetime import datetime, timedelta
from pathlib import Path

from sandbox.chance import coin
from sandbox.formats import table, write_workbook
from sandbox.records import Employee, Task
from sandbox.silos import marketing
from sandbox.world import World


def member_id(employee: Employee | None) -> str | None:
    """Members are known by their address."""
    return None if employee is None else employee.email


def tasks_kept(world: World) -> list[Task]:
    """One task in a hundred is thrown away some weeks later: the row is gone."""
    return [
        task
        for task in world.tasks
        if coin(0, "thrown away", task.id) >= 0.01 or (world.until - task.opened_at.date()).days < 20
    ]


def export(world: World, folder: Path) -> None:
    """Write the workbook."""
    tasks = table(
        {
            "Key": lambda t: f"REV-{int(t.id[1:])}",
            "Project": lambda t: t.project,
            "Summary": lambda t: t.name,
            "Department": lambda t: t.department,
            "Team": lambda t: t.team,
            "Assignee": lambda t: member_id(t.assignee),
            "Customer": lambda t: t.company.name if t.company else None,
            "Status": lambda t: t.status,
            "Created": lambda t: t.opened_at,
            "Due": lambda t: t.due_on,
            "Done": lambda t: t.done_at,
            "Updated": lambda t: t.updated_at,
        },
        tasks_kept(world),
    )
    tools = table(
        {
            "Answer": lambda a: a.id,
            "Tool": lambda a: a.tool,
            "Department": lambda a: a.department,
            "Who": lambda a: member_id(a.employee),
            "Last used": lambda a: a.last_used_on,
            "Uses per week": lambda a: a.uses_per_week,
            "Cost per month": lambda a: a.monthly_cost,
            "Answered on": lambda a: a.answered_on,
        },
        world.tool_answers,
    )
    costs = table(
        {
            "No": lambda s: s.id,
            "From": lambda s: s.spent_on,
            "To": lambda s: s.spent_until,
            "Department": lambda s: s.department,
            "Category": lambda s: s.category,
            "Amount": lambda s: s.amount,
            "Currency": lambda s: s.currency,
            "Booked": lambda s: s.created_at,
        },
        [s for s in world.spend if s.category not in marketing.CATEGORIES],
    )
    members = table(
        {
            "E-mail": lambda e: e.email,
            "Name": lambda e: e.name,
            "Department": lambda e: e.department,
            "Team": lambda e: e.team,
            "Joined": lambda e: datetime.combine(e.started_on, datetime.min.time()) + timedelta(hours=9),
        },
        world.employees,
    )
    write_workbook(
        folder / "tracker.xlsx", {"Tasks": tasks, "Tools": tools, "Costs": costs, "Members": members}
    )
