"""Our own people: teams, managers, who joins and who leaves."""

from random import Random
from typing import TYPE_CHECKING

from sandbox import names, rules
from sandbox.chance import stream
from sandbox.companies import plain
from sandbox.records import Company, Deal, Employee

if TYPE_CHECKING:
    from sandbox.world import World

OUR_DOMAIN = "tessellate.example"


def found(world: "World") -> None:
    """The company on its first day: one manager per team, reps in proportion to the scale."""
    chief = _hire(world, "Executive", "sales", "Americas", "chief revenue officer", None)
    for team, (department, region, people) in rules.TEAMS.items():
        manager = _hire(world, team, department, region, "manager", chief)
        for _ in range(max(1, round(people * max(1.0, world.scale)))):
            _hire(world, team, department, region, "member", manager)


def live(world: "World") -> None:
    """Members leave at a steady rate; a successor starts a month later and inherits nothing but the team."""
    for employee in [e for e in world.employees if e.ended_on is None and e.role == "member"]:
        if employee.rng.random() < rules.per_day(rules.LEAVERS_PER_YEAR):
            _leave(world, employee)


def _leave(world: "World", employee: Employee) -> None:
    employee.ended_on = world.today
    team, department, region, manager = employee.team, employee.department, employee.region, employee.manager
    world.on(world.day_in(30), lambda: _hire(world, team, department, region, "member", manager))
    for deal in [d for d in world.deals if d.owner is employee and d.is_open]:
        at = world.moment(deal.rng, region, after=deal.updated_at)
        world.change(deal, at, "owner", _member(world, team, deal.rng), manager)
    for company in world.companies:
        if company.success_manager is employee:
            company.success_manager = _member(world, team, company.rng)


def _hire(
    world: "World", team: str, department: str, region: str, role: str, manager: Employee | None
) -> Employee:
    number = len(world.employees) + 1
    rng = stream(world.seed, "employee", number)
    first, last = rng.choice(names.GIVEN), rng.choice(names.FAMILY)
    employee = Employee(
        id=f"E{number:04d}",
        name=f"{first} {last}",
        email=f"{plain(first)}.{plain(last)}{number}@{OUR_DOMAIN}".lower(),
        department=department,
        team=team,
        role=role,
        region=region,
        manager=manager,
        skill=rng.uniform(0.94, 1.06),
        started_on=world.today,
        rng=rng,
    )
    world.employees.append(employee)
    return employee


def members(world: "World", team: str) -> list[Employee]:
    """Who works in a team today, managers left out."""
    return [e for e in world.employees if e.team == team and e.ended_on is None and e.role == "member"]


def _member(world: "World", team: str, rng: Random) -> Employee:
    people = members(world, team)
    return rng.choice(people) if people else manager_of(world, team)


def manager_of(world: "World", team: str) -> Employee:
    """The manager of a team; managers stay."""
    return next(e for e in world.employees if e.team == team and e.role == "manager")


def seller_for(world: "World", company: Company, rng: Random) -> Employee:
    """Territory: by region, and by size where the region is big enough to be split."""
    if company.region == "APAC":
        return _member(world, "APAC", rng)
    size = "Enterprise" if company.segment == "Enterprise" else "Velocity"
    return _member(world, f"{company.region} {size}", rng)


def success_manager_for(world: "World", company: Company, rng: Random) -> Employee:
    """EMEA is looked after in the east, everyone else in the west."""
    return _member(world, f"Customer Success {'East' if company.region == 'EMEA' else 'West'}", rng)


def developer(world: "World", rng: Random) -> Employee:
    """Whoever in business development answers leads and writes to strangers."""
    return _member(world, "Business Development", rng)


def is_struggling(world: "World", deal: Deal) -> bool:
    """Whether the planted trouble of one team touches this deal today."""
    owner = deal.owner
    return (
        owner is not None
        and owner.team == rules.STRUGGLING_TEAM
        and rules.planted(world.plants.struggling_team, world.today)
    )
