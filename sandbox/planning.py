"""What the company does to itself: forecasts, salaries, tools, tasks."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox import deals, employees, marketing, rules
from sandbox.chance import stream
from sandbox.records import Deal, Employee, Forecast, Task, ToolAnswer

if TYPE_CHECKING:
    from sandbox.world import World

_HALF_A_YEAR = 182
_PAYROLL_CURRENCY = {"Americas": "USD", "EMEA": "EUR", "APAC": "USD"}


def live(world: "World") -> None:
    """Payroll on the first, forecasts on Mondays, tasks when there is work, a tool survey each quarter."""
    if world.today.day == 1:
        _pay_people_and_tools(world)
        _pay_commissions(world)
        if world.today.month % 3 == 1:
            _pay_agency(world)
    if world.today.weekday() == 0:
        _call_forecasts(world)
    if world.is_workday():
        _plan_work(world)
    if world.today.month % 3 == 2 and world.today.day == 10:
        _ask_about_tools(world)


def month_start(day: date, months: int = 0) -> date:
    """The first of the month so many months away."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def quarter_start(day: date, quarters: int = 0) -> date:
    """The first of the quarter so many quarters away."""
    return month_start(day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1), 3 * quarters)


def _pay_people_and_tools(world: "World") -> None:
    last = month_start(world.today, 1) - timedelta(days=1)
    payroll: dict[tuple[str, str], int] = {}
    for employee in world.employees:
        if employee.ended_on is None:
            key = (employee.department, employee.region)
            bonus = 1.6 if employee.role != "member" else 1.0
            payroll[key] = payroll.get(key, 0) + round(rules.SALARY_PER_MONTH[employee.department] * bonus)
    for (department, region), amount in payroll.items():
        marketing.spend(world, department, "salaries", Decimal(amount), _PAYROLL_CURRENCY[region], last)
    for tool in rules.TOOLS:
        # The first department on the list pays.
        cost = Decimal(round(tool.monthly_cost * max(1.0, world.scale)))
        marketing.spend(world, tool.departments[0], "tools", cost, "USD", last)


def _pay_agency(world: "World") -> None:
    """A retainer for the quarter, paid in advance."""
    last = quarter_start(world.today, 1) - timedelta(days=1)
    marketing.spend(world, "marketing", "agency", Decimal(round(15000 * world.scale)), "USD", last)


def _pay_commissions(world: "World") -> None:
    """For what was won last month."""
    first = month_start(world.today, -1)
    won = [
        d
        for d in world.deals
        if d.stage == "won" and d.closed_at and first <= d.closed_at.date() < world.today
    ]
    for department in ("sales", "customer_success"):
        mine = [d for d in won if d.owner is not None and d.owner.department == department]
        total = sum((deals.in_dollars(d, first) for d in mine), Decimal(0))
        amount = (total * Decimal(str(rules.COMMISSION))).quantize(Decimal("0.01"))
        marketing.spend(world, department, "commissions", amount)


# --- forecasts ------------------------------------------------------------------------------------


def _call_forecasts(world: "World") -> None:
    """Managers call this and the next month and quarter of their team, the chief the company's quarters."""
    today = world.today
    months = [(month_start(today, n), month_start(today, n + 1)) for n in (0, 1)]
    quarters = [(quarter_start(today, n), quarter_start(today, n + 1)) for n in (0, 1)]
    chief = world.employees[0]
    owners = {team: employees.manager_of(world, team) for team in rules.FORECAST_TEAMS}
    teams: dict[str, list[Deal]] = {team: [] for team in owners}
    for deal in world.deals:
        if deal.owner is not None and deal.owner.team in teams and deal.deleted_at is None:
            teams[deal.owner.team].append(deal)
    for start, end in months + quarters:
        total = Decimal(0)
        for team, manager in owners.items():
            call = _expected(world, teams[team], start, end)
            total += call
            _submit(world, manager, team, start, end, call)
        if (start, end) in quarters:
            _submit(world, chief, "company", start, end, total)


def _expected(world: "World", owned: list[Deal], start: date, end: date) -> Decimal:
    """Won so far, the open deals as the CRM weighs them, and a habit of selling as much as lately."""
    today, lived = world.today, (world.today - world.start).days
    so_far = pipeline = lately = Decimal(0)
    for deal in owned:
        if deal.stage == "won" and deal.closed_at is not None:
            if start <= deal.closed_at.date() < end:
                so_far += deals.in_dollars(deal, today)
            if (today - deal.closed_at.date()).days <= _HALF_A_YEAR:
                lately += deals.in_dollars(deal, today)
        elif deal.is_open and start <= deal.expected_close_on < end:
            pipeline += deals.in_dollars(deal, today) * Decimal(str(rules.WEIGHTS[deal.stage]))
    usual = lately / min(_HALF_A_YEAR, lived + 30) * (end - max(start, today)).days
    return so_far + pipeline / 2 + usual / 2


def _submit(world: "World", by: Employee, unit: str, start: date, end: date, call: Decimal) -> None:
    rng = stream(world.seed, "forecast", unit, start, end, world.today)
    bias = stream(world.seed, "optimism", by.id).uniform(0.9, 1.25)
    commit = float(call) * bias * rng.lognormvariate(0.0, 0.12)
    at = datetime.combine(world.today, time(8, rng.randrange(60)))
    for category, factor in (("commit", 1.0), ("best_case", 1.3)):
        amount = Decimal(round(commit * factor / 100) * 100)
        number = len(world.forecasts) + 1
        world.forecasts.append(Forecast(f"FC{number:06d}", at, by, unit, start, end, category, amount))


# --- tasks and tools ------------------------------------------------------------------------------


def _plan_work(world: "World") -> None:
    for campaign in world.campaigns:
        if campaign.starts_on == world.today:
            for name in ("Brief the agency", "Build the landing page", "Report the result"):
                _task(world, campaign.name, name, "marketing", "Demand Generation", 30)
    for subscription in world.subscriptions[-40 * max(1, round(world.scale)) :]:
        if subscription.starts_on == world.today and subscription.state == "active":
            for name in ("Kick-off", "Data import", "Training"):
                _task(
                    world,
                    "Onboarding",
                    name,
                    "customer_success",
                    "",
                    14,
                    subscription.company.success_manager,
                )
                world.tasks[-1].company = subscription.company
    for deal in world.open_deals:
        moved_today = bool(deal.changes) and deal.changes[-1].at.date() == world.today
        if deal.kind == "new_business" and deal.stage == "negotiation" and moved_today:
            _task(world, "Deal desk", "Check the contract", "revenue_operations", "Revenue Operations", 5)
            world.tasks[-1].deal = deal


def _task(
    world: "World",
    project: str,
    name: str,
    department: str,
    team: str,
    days: int,
    assignee: Employee | None = None,
) -> None:
    number = len(world.tasks) + 1
    rng = stream(world.seed, "task", number)
    if assignee is None and rng.random() < 0.95:
        people = employees.members(world, team) or [employees.manager_of(world, team)]
        assignee = rng.choice(people)
    at = world.moment(rng, "EMEA")
    task = Task(
        id=f"W{number:06d}",
        project=project,
        name=name,
        department=department,
        team=team or (assignee.team if assignee else ""),
        assignee=assignee,
        company=None,
        deal=None,
        status="To do",
        opened_at=at,
        due_on=world.day_in(days),
        updated_at=at,
    )
    world.tasks.append(task)
    if rng.random() < 0.93:
        begun = at + timedelta(days=days * rng.uniform(0.1, 0.5))
        done = at + timedelta(days=days * rng.lognormvariate(-0.2, 0.5) + 0.5 * days)
        world.on(begun.date(), lambda: _progress(task, "In progress", begun))
        world.on(done.date(), lambda: _progress(task, "Done", done))


def _progress(task: Task, status: str, at: datetime) -> None:
    task.status, task.updated_at = status, at
    task.done_at = at if status == "Done" else None


def _ask_about_tools(world: "World") -> None:
    """Everybody says which tools they use; some do not answer."""
    for employee in [e for e in world.employees if e.ended_on is None]:
        rng = stream(world.seed, "tools", employee.id, world.today)
        if rng.random() < 0.15:
            continue
        for tool in rules.TOOLS:
            if employee.department not in tool.departments:
                continue
            unused = tool.name == rules.UNUSED_TOOL and rules.planted(world.plants.unused_tool, world.today)
            uses = 0.0 if unused else max(0.0, rng.gauss(tool.uses, tool.uses / 3))
            last = world.day_in(-rng.randrange(1, 8)) if uses >= 1 else None
            world.tool_answers.append(
                ToolAnswer(
                    id=f"A{len(world.tool_answers) + 1:06d}",
                    tool=tool.name,
                    department=employee.department,
                    employee=employee,
                    last_used_on=last,
                    uses_per_week=Decimal(str(round(uses, 1))),
                    monthly_cost=Decimal(tool.monthly_cost),
                    answered_on=world.today,
                )
            )
