"""The same CRM as the objects of a Salesforce org, for the stand-in: what its API would show."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sandbox import ids, rules
from sandbox.formats import Table
from sandbox.records import Change, Deal, Employee, Touch
from sandbox.silos import crm
from sandbox.vendors.salesforce import stamp
from sandbox.vendors.store import Record, Store
from sandbox.world import World

_TYPE_WORDS = {"new_business": "New Business", "expansion": "Existing Business", "renewal": "Renewal"}
_FIELD_NAMES = {
    "stage": "StageName",
    "amount": "Amount",
    "recurring_amount": "ARR__c",
    "expected_close_on": "CloseDate",
    "owner": "Owner",
}
_PERSON_FIELDS = ("FirstName", "LastName", "Email", "Phone", "Title", "LeadSource", "OwnerId")


def org(world: World) -> Store:
    """Every object of the org on the morning after the world's last day."""
    known = crm.people_known(world)
    deals = crm.delivered_deals(world)
    delivered = {deal.id for deal in deals}
    store = Store()
    for name, records in {
        "Account": _accounts(world),
        "Lead": _people(world, known, "lead"),
        "Contact": _people(world, known, "contact"),
        "LeadHistory": _lead_history(world, known),
        "User": _users(world),
        "UserRole": _roles(world),
        "Opportunity": _opportunities(world, deals),
        "OpportunityHistory": _saves(deals),
        "OpportunityFieldHistory": _field_history(deals),
        "OpportunityContactRole": _contact_roles(world, delivered),
        "Task": _activities(world, delivered, meetings=False),
        "Event": _activities(world, delivered, meetings=True),
        "Contract": _plain(crm.contracts(world)),
        "Forecast_Submission__c": _forecasts(world),
    }.items():
        written_once = name.endswith("History")
        store.add(name, records if written_once else map(_stamped, records), key="Id")
    return store


def _stamped(record: Record) -> Record:
    """Every record says when it was made and changed."""
    record.setdefault("LastModifiedDate", record["CreatedDate"])
    record.setdefault("SystemModstamp", record["LastModifiedDate"])
    return record


def _plain(content: Table) -> Iterator[Record]:
    """The rows of an export as records: JSON's own types, and Salesforce's way to write a moment."""
    for row in content.rows:
        yield {name: _value(value) for name, value in zip(content.columns, row, strict=True)}


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and len(value) == 24 and value[10:11] == "T" and value.endswith("Z"):
        return value[:-1] + "+0000"
    return value


def _forecasts(world: World) -> Iterator[Record]:
    for record in _plain(crm.forecasts(world)):
        yield record | {"CreatedDate": record["SubmittedAt"]}


def _accounts(world: World) -> Iterator[Record]:
    masters = {
        crm.duplicate_id(company): crm.account_id(company)
        for company in world.companies
        if company.known_from is not None
    }
    for record in _plain(crm.accounts(world)):
        yield record | {"MasterRecordId": masters.get(record["Id"]) if record["IsDeleted"] else None}


def _people(world: World, known: dict[str, datetime], kind: str) -> Iterator[Record]:
    statuses = {
        crm.lead_id(step.person): crm.FUNNEL_WORDS[step.stage]
        for step in sorted(world.funnel, key=lambda step: step.at)
        if step.system == "crm"
    }
    for row in _plain(crm.people(world, known)):
        if row["RecordType"] != kind:
            continue
        record = {field: row[field] for field in ("Id", *_PERSON_FIELDS)}
        if kind == "contact":
            record |= {name: row[name] for name in ("MailingCity", "MailingPostalCode", "MailingCountryCode")}
            record["AccountId"] = row["AccountId"]
        else:
            record |= {name: row[f"Mailing{name}"] for name in ("City", "PostalCode", "CountryCode")}
            record |= {
                "Company": row["Company"],
                "Status": statuses.get(row["Id"]),
                "IsConverted": row["ConvertedDate"] is not None,
                "ConvertedDate": row["ConvertedDate"][:10] if row["ConvertedDate"] else None,
                "ConvertedAccountId": row["ConvertedAccountId"],
                "ConvertedOpportunityId": row["ConvertedOpportunityId"],
            }
        record |= {name: row[name] for name in ("CreatedDate", "LastModifiedDate", "IsDeleted")}
        yield record | {"HasOptedOutOfEmail": row["HasOptedOutOfEmail"]}


def _lead_history(world: World, known: dict[str, datetime]) -> Iterator[Record]:
    before: dict[str, str] = {}
    for step in sorted(world.funnel, key=lambda step: step.at):
        if step.system == "crm" and step.person.id in known:
            lead, word = crm.lead_id(step.person), crm.FUNNEL_WORDS[step.stage]
            yield _change(ids.salesforce("a0L", step.id), step.at, "Status", before.get(lead), word) | {
                "LeadId": lead
            }
            before[lead] = word
    for person in world.people:
        if person.id in known and person.is_contact_from is not None:
            key = ids.salesforce("a0L", f"{person.id} converted")
            yield _change(key, person.is_contact_from, "leadConverted", None, None) | {
                "LeadId": crm.lead_id(person)
            }


def _change(key: str, at: datetime, field: str, old: Any, new: Any, by: str | None = None) -> Record:
    return {
        "Id": key,
        "Field": field,
        "OldValue": old,
        "NewValue": new,
        "CreatedById": by,
        "CreatedDate": stamp(at),
        "IsDeleted": False,
    }


def _role_id(role: str) -> str:
    return ids.salesforce("00E", role)


def _roles(world: World) -> Iterator[Record]:
    for role in sorted({employee.role for employee in world.employees}):
        yield {
            "Id": _role_id(role),
            "Name": role,
            "CreatedDate": _value(datetime.combine(rules.EPOCH, time())),
        }


def _users(world: World) -> Iterator[Record]:
    for record in _plain(crm.users(world)):
        role = record.pop("UserRole")
        yield record | {
            "Department": record["Department"].replace("_", " ").title(),
            "UserRoleId": _role_id(role),
            "Hire_Date__c": record.pop("HireDate"),
            "End_Date__c": record.pop("EndDate"),
        }


def _opportunities(world: World, deals: list[Deal]) -> Iterator[Record]:
    for deal, record in zip(deals, _plain(crm.opportunities(deals)), strict=True):
        del record["Closed_At__c"]
        yield record | {
            "Type": _TYPE_WORDS[deal.kind],
            "Probability": _percent(deal.stage),
            "IsClosed": deal.stage in ("won", "lost"),
            "IsWon": deal.stage == "won",
            "SystemModstamp": stamp(deal.deleted_at) if deal.deleted_at else record["LastModifiedDate"],
        }


def _percent(stage: str) -> float:
    return {"won": 100.0, "lost": 0.0}.get(stage, 100 * float(rules.WEIGHTS.get(stage, 0)))


def _saves(deals: Iterable[Deal]) -> Iterator[Record]:
    """A row per save: what it was created with, then once per moment in which something changed."""
    for deal in deals:
        changes = sorted(deal.changes, key=lambda change: change.at)
        state: dict[str, Any] = {
            "stage": deal.stage,
            "amount": deal.amount,
            "expected_close_on": deal.expected_close_on,
        }
        for change in reversed(changes):
            state[change.field] = change.old
        yield _save(deal, deal.opened_at, 0, state, None)
        for number, change in enumerate(changes, start=1):
            state[change.field] = change.new
            is_last_of_moment = number == len(changes) or changes[number].at != change.at
            if is_last_of_moment:
                yield _save(deal, change.at, number, state, change)


def _save(deal: Deal, at: datetime, number: int, state: dict[str, Any], change: Change | None) -> Record:
    stage = str(state["stage"])
    return {
        "Id": ids.salesforce("008", f"{deal.id}:{number}"),
        "OpportunityId": crm.opportunity_id(deal),
        "StageName": crm.stage_word(deal, stage),
        "Amount": _value(state["amount"]),
        "Probability": _percent(stage),
        "ForecastCategory": crm.FORECAST_WORDS[stage],
        "CloseDate": _value(state["expected_close_on"]),
        "CreatedById": crm.user_id(change.by) if change else None,
        "CreatedDate": stamp(at),
        "IsDeleted": deal.deleted_at is not None,
    }


def _field_history(deals: Iterable[Deal]) -> Iterator[Record]:
    """Tracked fields; a change of owner is written twice, with the ids and with the names."""
    for deal in deals:
        for number, change in enumerate(deal.changes):
            key, by = f"{deal.id}:{number}", crm.user_id(change.by)
            field, link = _FIELD_NAMES[change.field], {"OpportunityId": crm.opportunity_id(deal)}
            row = _change(ids.salesforce("017", key), change.at, field, None, None, by) | link
            if change.field == "owner":
                old, new = (_employee(value) for value in (change.old, change.new))
                yield row | {"OldValue": crm.user_id(old), "NewValue": crm.user_id(new)}
                names = {"OldValue": old and old.name, "NewValue": new and new.name}
                yield row | names | {"Id": ids.salesforce("017", f"{key} names")}
            elif change.field == "stage":
                old_word, new_word = (crm.stage_word(deal, str(value)) for value in (change.old, change.new))
                yield row | {"OldValue": old_word, "NewValue": new_word}
            else:
                yield row | {"OldValue": _value(change.old), "NewValue": _value(change.new)}


def _employee(value: object) -> Employee | None:
    assert value is None or isinstance(value, Employee)
    return value


def _contact_roles(world: World, delivered: set[str]) -> Iterator[Record]:
    main = {deal.id: deal.person for deal in world.deals}
    people = [each for each in world.deal_people if each.deal.id in delivered]
    for each, record in zip(people, _plain(crm.roles(world, delivered)), strict=True):
        yield record | {"IsPrimary": main[each.deal.id] is each.person, "IsDeleted": False}


def _activities(world: World, delivered: set[str], *, meetings: bool) -> Iterator[Record]:
    touches = [touch for touch in world.touches if touch.system == "crm"]
    for touch, row in zip(touches, _plain(crm.activities(world, delivered)), strict=True):
        if (touch.kind == "meeting") != meetings:
            continue
        record = {name: row[name] for name in ("WhoId", "WhatId", "AccountId", "OwnerId", "CreatedDate")}
        record |= {name: row[name] for name in ("Channel__c", "Direction__c")} | {"IsDeleted": False}
        if meetings:
            key = ids.salesforce("00U", touch.id)
            yield {"Id": key, **record, "Type": "Meeting", "StartDateTime": row["ActivityDateTime"]}
        else:
            yield {"Id": row["Id"], **record, **_task(touch), "CompletedDateTime": row["ActivityDateTime"]}


def _task(touch: Touch) -> Record:
    """A call or an e-mail; one that an automation sent is a list e-mail."""
    email = touch.kind in ("email_sent", "email_replied")
    assert touch.is_human or touch.kind == "email_sent", f"no task stands for {touch.kind} by an automation"
    subtype = ("Email" if touch.is_human else "ListEmail") if email else "Call"
    spoken = touch.kind in ("call", "email_replied")
    return {
        "Type": "Email" if email else "Call",
        "TaskSubtype": subtype,
        "CallType": touch.direction.title() if spoken else None,
        "Status": "Completed",
        "IsClosed": True,
    }
