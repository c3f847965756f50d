"""Who is who: the company or person behind every record that is delivered."""

from dataclasses import dataclass

from sandbox.silos import billing, crm, marketing, support
from sandbox.world import World


@dataclass(frozen=True)
class Members:
    """The world's id of each record, by (source system, source id). Tests nobody stands behind are their
    own.
    """

    companies: dict[tuple[str, str], str]
    people: dict[tuple[str, str], str]


def members(world: World) -> Members:
    """Every account and every person record the silos deliver, deleted ones included."""
    companies: dict[tuple[str, str], str] = {}
    people: dict[tuple[str, str], str] = {}
    for company in world.companies:
        if company.known_from is not None:
            companies["crm", crm.account_id(company)] = company.id
            companies["marketing", marketing.company_id(company)] = company.id
            if crm.is_duplicated(world, company) is not None:
                companies["crm", crm.duplicate_id(company)] = company.id
    for company, _ in support.organizations(world).values():
        companies["support", support.organization_id(company)] = company.id
    for company, _ in support.strays(world):
        companies["support", support.stray_id(company)] = company.id
    for company, _ in billing.customers(world).values():
        companies["billing", billing.customer_id(company)] = company.id
    for company, _ in billing.tryout_customers(world):
        test = billing.tryout_customer_id(company)
        companies["billing", test] = f"test {test}"
    known = crm.people_known(world)
    for person in world.people:
        if person.id in known:
            people["crm", crm.lead_id(person)] = person.id
            if person.is_contact_from is not None:
                people["crm", crm.contact_id(person)] = person.id
    for test, _ in crm.tryout_leads(world):
        people["crm", test] = f"test {test}"
    for person in marketing.people(world):
        people["marketing", marketing.contact_id(person)] = person.id
    for person, _, _ in support.end_users(world).values():
        people["support", support.end_user_id(person)] = person.id
    return Members(companies, people)
