"""The CRM, shaped like Salesforce's own exports: CSV, 18-character ids, custom fields in `__c`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sandbox import ids, rules, spelling
from sandbox.chance import coin
from sandbox.formats import Table, instant, table, write_csv
from sandbox.records import Change, Company, Contract, Deal, Employee, FunnelStep, Person
from sandbox.world import World

BIN_DAYS = 15  # deleted records stay in the bin, flagged; then they are gone

STAGE_WORDS = {
    "prospecting": "Discovery",
    "qualified": "Qualification",
    "proposal": "Proposal",
    "negotiation": "Negotiation",
    "won": "Closed Won",
    "lost": "Closed Lost",
}
# Renewals use one word of the others for something else, and two words of their own.
RENEWAL_WORDS = {
    **STAGE_WORDS,
    "qualified": "Discovery",
    "negotiation": "Verbal Agreement",
    "lost": "Churned",
}
FUNNEL_WORDS = {
    "lead": "Open",
    "sql": "Working - Qualified",
    "opportunity": "Converted",
    "customer": "Customer",
}
FORECAST_WORDS = {
    "prospecting": "Pipeline",
    "qualified": "Pipeline",
    "proposal": "Best Case",
    "negotiation": "Commit",
    "won": "Closed",
    "lost": "Omitted",
}
_FIELDS = {
    "stage": "stage",
    "amount": "amount",
    "recurring_amount": "recurring_amount",
    "expected_close_on": "expected_close_on",
    "owner": "owner_source_id",
}


def account_id(company: Company) -> str:
    """The account; a company the CRM does not know has none."""
    return ids.salesforce("001", company.id)


def duplicate_id(company: Company) -> str:
    """A second account of the same company, entered by somebody who did not look."""
    return ids.salesforce("001", company.id + "again")


def lead_id(person: Person) -> str:
    return ids.salesforce("00Q", person.id)


def contact_id(person: Person) -> str:
    return ids.salesforce("003", person.id)


def user_id(employee: Employee | None) -> str | None:
    return None if employee is None else ids.salesforce("005", employee.id)


def opportunity_id(deal: Deal) -> str:
    return ids.salesforce("006", deal.id)


def stage_word(deal: Deal, stage: str) -> str:
    return (RENEWAL_WORDS if deal.kind == "renewal" else STAGE_WORDS)[stage]


def is_duplicated(world: World, company: Company) -> datetime | None:
    """When the second account was entered, if it was."""
    if company.known_from is None or coin(0, "duplicate", company.id) >= 0.02:
        return None
    at = company.known_from + timedelta(days=20 + 200 * coin(0, "duplicate day", company.id))
    return at if at.date() <= world.until else None


def merged_at(world: World, company: Company) -> datetime | None:
    """When the second account was merged away, if it was."""
    entered = is_duplicated(world, company)
    if entered is None or coin(0, "merged", company.id) < 0.5:
        return None
    at = entered + timedelta(days=30)
    return at if at.date() <= world.until else None


def people_known(world: World) -> dict[str, datetime]:
    """Since when the CRM has a record of each person: first qualification by marketing, work of sales, or a
    deal.
    """
    known: dict[str, datetime] = {}
    for step in world.funnel:
        if step.system == "crm" or step.stage == "mql":
            known.setdefault(step.person.id, step.at)
    for touch in world.touches:
        if touch.system == "crm" and touch.person is not None:
            known[touch.person.id] = min(known.get(touch.person.id, datetime.max), touch.at)
    for person in world.people:
        if person.is_contact_from is not None:
            known[person.id] = min(known.get(person.id, datetime.max), person.is_contact_from)
    return known


def delivered_deals(world: World) -> list[Deal]:
    """All deals but those the bin was emptied of."""
    return [
        d for d in world.deals if d.deleted_at is None or (world.until - d.deleted_at.date()).days <= BIN_DAYS
    ]


@dataclass(frozen=True)
class _Row:
    """One account or person as the CRM holds it."""

    id: str
    subject: Any
    created_at: datetime
    updated_at: datetime
    is_deleted: bool
    kind: str = ""


def export(world: World, folder: Path) -> None:
    """Write every file of the CRM."""
    known = people_known(world)
    deals = delivered_deals(world)
    for name, content in {
        "Account": _with_one_row_twice(accounts(world)),
        "People": people(world, known),
        "User": users(world),
        "Opportunity": _with_a_stale_version(opportunities(deals), deals),
        "OpportunityFieldHistory": _history(deals),
        "OpportunityContactRole": roles(world, {d.id for d in deals}),
        "ForecastSubmission": forecasts(world),
        "Contract": contracts(world),
        "Activity": activities(world, {d.id for d in deals}),
        "LifecycleHistory": _lifecycle(world, known),
    }.items():
        write_csv(folder / f"{name}.csv", content)


def _account_rows(world: World) -> Iterator[_Row]:
    for company in world.companies:
        if company.known_from is None:
            continue
        seen = [company.known_from]
        if company.parent is not None and company.parent.known_from is not None:
            seen.append(company.parent.known_from)
        if company.first_started_on is not None:
            seen.append(datetime.combine(company.first_started_on, datetime.min.time()) + timedelta(hours=10))
        yield _Row(account_id(company), company, company.known_from, max(seen), False)
        entered, merged = is_duplicated(world, company), merged_at(world, company)
        if entered is not None:
            yield _Row(
                duplicate_id(company), company, entered, merged or entered, merged is not None, "again"
            )


def accounts(world: World) -> Table:
    def name(row: _Row) -> str:
        return spelling.company_name("crm again" if row.kind else "crm", row.subject)

    def parent(row: _Row) -> str | None:
        up = row.subject.parent
        return account_id(up) if up is not None and up.known_from is not None else None

    return table(
        {
            "Id": lambda r: r.id,
            "Name": name,
            "Website": lambda r: spelling.website("crm", r.subject),
            "BillingStreet": lambda r: r.subject.street,
            "BillingCity": lambda r: r.subject.city,
            "BillingState": lambda r: r.subject.state,
            "BillingPostalCode": lambda r: r.subject.postal_code,
            "BillingCountryCode": lambda r: r.subject.country,
            "Sales_Region__c": lambda r: r.subject.region,
            "Industry": lambda r: r.subject.industry,
            "Segment__c": lambda r: r.subject.recorded_segment,
            "NumberOfEmployees": lambda r: r.subject.headcount,
            "AnnualRevenue": lambda r: r.subject.headcount * 150000,
            "CurrencyIsoCode": lambda r: r.subject.currency,
            "Phone": lambda r: spelling.phone("crm", r.subject.phone),
            "Tax_Id__c": lambda r: r.subject.tax_id,
            "ParentId": parent,
            "OwnerId": lambda r: user_id(r.subject.success_manager),
            "CreatedDate": lambda r: instant(r.created_at),
            "LastModifiedDate": lambda r: instant(r.updated_at),
            "IsDeleted": lambda r: r.is_deleted,
            "Rating": lambda r: ("Hot", "Warm", "Cold")[int(coin(0, "rating", r.id) * 3)],
        },
        list(_account_rows(world)),
    )


def _with_one_row_twice(content: Table) -> Table:
    """The export job stumbled."""
    if content.rows:
        content.rows.append(content.rows[len(content.rows) // 2])
    return content


def _people_rows(world: World, known: dict[str, datetime]) -> Iterator[_Row]:
    for person in world.people:
        since = known.get(person.id)
        if since is None:
            continue
        contact_from = person.is_contact_from
        yield _Row(lead_id(person), person, since, contact_from or since, False, "lead")
        if contact_from is not None:
            changed = max([contact_from, *(job.since for job in _noticed_jobs(person))])
            yield _Row(contact_id(person), person, contact_from, changed, False, "contact")
    for test, at in tryout_leads(world):
        gone = at + timedelta(days=9)
        deleted = gone.date() <= world.until
        yield _Row(test, None, at, gone if deleted else at, deleted, "lead")


def tryout_leads(world: World) -> list[tuple[str, datetime]]:
    """Somebody tried the form out, now and then; the leads were deleted soon after."""
    known = [c for c in world.companies if c.known_from is not None and coin(0, "test lead", c.id) < 0.015]
    return [(ids.salesforce("00Q", c.id + "test"), c.known_from) for c in known if c.known_from]


def _noticed_jobs(person: Person) -> list[Any]:
    """Sales hears of most job changes of a contact and edits the record."""
    return [j for n, j in enumerate(person.jobs) if n == 0 or coin(0, "noticed", person.id, n) < 0.7]


def people(world: World, known: dict[str, datetime]) -> Table:
    def job(row: _Row) -> Any:
        return (
            (person_job(row.subject) if row.kind == "contact" else row.subject.jobs[0])
            if row.subject
            else None
        )

    def of(read: Any) -> Any:
        return lambda row: None if row.subject is None else read(row)

    def account(row: _Row) -> str | None:
        return account_id(job(row).company) if row.kind == "contact" else None

    def converted(read: Any) -> Any:
        return lambda r: (
            read(r.subject) if r.kind == "lead" and r.subject and r.subject.is_contact_from else None
        )

    return table(
        {
            "Id": lambda r: r.id,
            "RecordType": lambda r: r.kind,
            "FirstName": lambda r: spelling.first_name("crm", r.subject) if r.subject else "Test",
            "LastName": lambda r: r.subject.last_name if r.subject else "Test",
            "Email": lambda r: (
                spelling.email("crm", r.subject, job(r).email) if r.subject else f"test@{r.id.lower()}.test"
            ),
            "Phone": of(lambda r: spelling.phone("crm", r.subject.phone)),
            "Title": of(lambda r: r.subject.title),
            "MailingCity": of(lambda r: job(r).company.city),
            "MailingPostalCode": of(lambda r: job(r).company.postal_code),
            "MailingCountryCode": of(lambda r: job(r).company.country),
            "Company": of(
                lambda r: spelling.company_name("crm lead", job(r).company) if r.kind == "lead" else None
            ),
            "AccountId": of(account),
            "OwnerId": lambda r: None,
            "LeadSource": of(lambda r: SOURCE_WORDS[r.subject.source]),
            "ConvertedDate": converted(lambda p: instant(p.is_contact_from)),
            "ConvertedAccountId": converted(lambda p: account_id(p.jobs[0].company)),
            "ConvertedOpportunityId": converted(
                lambda p: ids.salesforce("006", p.deal_id) if p.deal_id else None
            ),
            "CreatedDate": lambda r: instant(r.created_at),
            "LastModifiedDate": lambda r: instant(r.updated_at),
            "IsDeleted": lambda r: r.is_deleted,
            "HasOptedOutOfEmail": lambda r: False,
        },
        list(_people_rows(world, known)),
    )


def person_job(person: Person) -> Any:
    """The employment the contact record shows."""
    return _noticed_jobs(person)[-1]


SOURCE_WORDS = {
    "paid_search": "Google Ads",
    "paid_social": "LinkedIn",
    "display": "Display",
    "webinar": "Webinar",
    "event": "Trade Show",
    "email": "Email",
    "organic": "Web",
    "referral": "Referral",
    "content": "Content",
    "partner": "Partner",
    "outbound": "Outbound",
}


def users(world: World) -> Table:
    def started(e: Employee) -> datetime:
        return datetime.combine(e.started_on, datetime.min.time()) + timedelta(hours=8)

    def changed(e: Employee) -> datetime:
        return (
            started(e)
            if e.ended_on is None
            else datetime.combine(e.ended_on, datetime.min.time()) + timedelta(hours=17)
        )

    return table(
        {
            "Id": user_id,
            "Name": lambda e: e.name,
            "Email": lambda e: e.email,
            "Department": lambda e: e.department,
            "Team__c": lambda e: e.team,
            "UserRole": lambda e: e.role,
            "Region__c": lambda e: e.region,
            "ManagerId": lambda e: user_id(e.manager),
            "IsActive": lambda e: e.ended_on is None,
            "HireDate": lambda e: e.started_on,
            "EndDate": lambda e: e.ended_on,
            "CreatedDate": lambda e: instant(started(e)),
            "LastModifiedDate": lambda e: instant(changed(e)),
        },
        world.employees,
    )


def opportunities(deals: list[Deal]) -> Table:
    def person(deal: Deal) -> str | None:
        return None if deal.person is None else contact_id(deal.person)

    return table(
        {
            "Id": opportunity_id,
            "Name": lambda d: d.name,
            "AccountId": lambda d: account_id(d.company) if d.account_recorded else None,
            "ContactId": person,
            "OwnerId": lambda d: user_id(d.owner),
            "Type": lambda d: d.kind,
            "Product__c": lambda d: d.product,
            "StageName": lambda d: stage_word(d, d.stage),
            "Amount": lambda d: d.amount,
            "ARR__c": lambda d: d.recurring_amount,
            "CurrencyIsoCode": lambda d: d.currency,
            "Probability": lambda d: {"won": "1", "lost": "0"}.get(d.stage) or str(rules.WEIGHTS[d.stage]),
            "ForecastCategoryName": lambda d: FORECAST_WORDS[d.stage],
            "CloseDate": lambda d: d.expected_close_on,
            "Closed_At__c": lambda d: instant(d.closed_at),
            "Loss_Reason__c": lambda d: d.loss_reason,
            "LeadSource": lambda d: SOURCE_WORDS[d.source] if d.source else None,
            "Direction__c": lambda d: d.direction,
            "CreatedDate": lambda d: instant(d.opened_at),
            "LastModifiedDate": lambda d: instant(d.updated_at),
            "IsDeleted": lambda d: d.deleted_at is not None,
            "Seats__c": lambda d: d.seats,
        },
        deals,
    )


def _with_a_stale_version(content: Table, deals: list[Deal]) -> Table:
    """One record comes twice: the second row is how it was before its last change. The newer one holds."""
    changed = [n for n, d in enumerate(deals) if d.changes and d.changes[-1].field == "stage" and d.closed_at]
    if changed:
        number = changed[len(changed) // 2]
        deal, row = deals[number], dict(zip(content.columns, content.rows[number], strict=True))
        row["StageName"] = stage_word(deal, str(deal.changes[-1].old))
        row["Closed_At__c"] = None
        row["LastModifiedDate"] = row["CreatedDate"]
        content.rows.append(tuple(row.values()))
    return content


def _history(deals: list[Deal]) -> Table:
    def words(deal: Deal, field: str, value: object) -> object:
        if field == "stage":
            return stage_word(deal, str(value))
        if field == "owner":
            assert value is None or isinstance(value, Employee)
            return user_id(value)
        return value

    changes: list[tuple[Deal, int, Change]] = [(d, n, c) for d in deals for n, c in enumerate(d.changes)]
    content = table(
        {
            "Id": lambda r: ids.salesforce("017", f"{r[0].id}:{r[1]}"),
            "OpportunityId": lambda r: opportunity_id(r[0]),
            "Field": lambda r: _FIELDS[r[2].field],
            "OldValue": lambda r: words(r[0], r[2].field, r[2].old),
            "NewValue": lambda r: words(r[0], r[2].field, r[2].new),
            "CreatedById": lambda r: user_id(r[2].by),
            "CreatedDate": lambda r: instant(r[2].at),
        },
        changes,
    )
    for deal in deals:
        if deal.deleted_at is not None:
            row = (
                ids.salesforce("017", f"{deal.id}:deleted"),
                opportunity_id(deal),
                "is_deleted",
                "false",
                "true",
            )
            content.rows.append((*row, None, instant(deal.deleted_at)))
    return content


def roles(world: World, delivered: set[str]) -> Table:
    return table(
        {
            "Id": lambda r: ids.salesforce("00K", r.id),
            "OpportunityId": lambda r: opportunity_id(r.deal),
            "ContactId": lambda r: contact_id(r.person),
            "Role": lambda r: r.role,
            "CreatedDate": lambda r: instant(r.created_at),
        },
        [r for r in world.deal_people if r.deal.id in delivered],
    )


def forecasts(world: World) -> Table:
    return table(
        {
            "Id": lambda f: ids.salesforce("a0F", f.id),
            "SubmittedAt": lambda f: instant(f.submitted_at),
            "SubmittedById": lambda f: user_id(f.by),
            "Unit": lambda f: f.unit,
            "PeriodStart": lambda f: f.period_start,
            "PeriodEnd": lambda f: f.period_end,
            "Category": lambda f: f.category,
            "Amount": lambda f: f.amount,
            "CurrencyIsoCode": lambda f: "USD",
        },
        world.forecasts,
    )


def contract_id(contract: Contract) -> str:
    return ids.salesforce("800", contract.id)


def contracts(world: World) -> Table:
    return table(
        {
            "Id": contract_id,
            "AccountId": lambda c: account_id(c.company),
            "SubscriptionId__c": lambda c: ids.stripe("sub", c.subscription.id),
            "CustomerSignedDate": lambda c: instant(c.signed_at),
            "StartDate": lambda c: c.starts_on,
            "Due_Date__c": lambda c: c.ends_on,
            "Annual_Value__c": lambda c: c.annual_amount,
            "CurrencyIsoCode": lambda c: c.currency,
            "Auto_Renew__c": lambda c: c.auto_renews,
            "RenewedContractId": lambda c: contract_id(c.renews) if c.renews else None,
            "Status": lambda c: c.status,
            "CreatedDate": lambda c: instant(c.created_at),
            "LastModifiedDate": lambda c: instant(c.updated_at),
        },
        world.contracts,
    )


def activities(world: World, delivered: set[str]) -> Table:
    def who(touch: Any) -> str | None:
        person = touch.person
        if person is None:
            return None
        return contact_id(person) if person.is_contact_from is not None else lead_id(person)

    return table(
        {
            "Id": lambda t: ids.salesforce("00T", t.id),
            "ActivityDateTime": lambda t: instant(t.at),
            "WhoId": who,
            "AccountId": lambda t: account_id(t.company) if t.company else None,
            "WhatId": lambda t: opportunity_id(t.deal) if t.deal and t.deal.id in delivered else None,
            "OwnerId": lambda t: user_id(t.actor),
            "Channel__c": lambda t: SOURCE_WORDS[t.channel],
            "Type": lambda t: t.kind,
            "Direction__c": lambda t: t.direction,
            "Is_Human__c": lambda t: t.is_human,
            "CreatedDate": lambda t: instant(t.at),
        },
        [t for t in world.touches if t.system == "crm"],
    )


def _lifecycle(world: World, known: dict[str, datetime]) -> Table:
    def person(step: FunnelStep) -> str:
        return lead_id(step.person)

    return table(
        {
            "Id": lambda s: ids.salesforce("a0L", s.id),
            "LeadId": person,
            "Status": lambda s: FUNNEL_WORDS[s.stage],
            "EnteredAt": lambda s: instant(s.at),
        },
        [s for s in world.funnel if s.system == "crm" and s.person.id in known],
    )
