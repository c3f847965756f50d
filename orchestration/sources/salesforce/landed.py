"""Salesforce as Fivetran and Airbyte land it: objects and fields under their own names."""

from collections.abc import Iterator

from orchestration.contract import raw_contract
from orchestration.sources.landed.tables import Fields, LandedTable, Record, as_it_is
from orchestration.sources.salesforce.tables import TABLES


def _saves(fields: Fields, gone: bool) -> Iterator[Record]:
    """A version of a deal that Fivetran kept in history mode, as the save that made it."""
    started = fields.get("_fivetran_start")
    if started is not None and "opportunity_id" not in fields:
        kept = ("stage_name", "amount", "close_date", "probability", "forecast_category")
        yield {
            "id": f"{fields['id']}:{started}",
            "opportunity_id": fields["id"],
            "created_date": started,
            "created_by_id": fields.get("last_modified_by_id"),
            **{name: fields.get(name) for name in kept},
        }


def _history(fields: Fields, gone: bool) -> Iterator[Record]:
    """The object of that name, or, where Fivetran calls its history mode so, versions of deals."""
    if "opportunity_id" in fields:
        yield {name: value for name, value in fields.items() if not name.startswith("_fivetran")}
    else:
        yield from _saves(fields, gone)


def _tables() -> Iterator[LandedTable]:
    declared = raw_contract("salesforce")
    for table in TABLES:
        flag = "is_deleted" if "is_deleted" in declared[table.name].columns else None
        versioned = table.name == "opportunity_history"
        yield LandedTable(
            raw=table.name,
            records=_history if versioned else as_it_is(flag),
            fivetran=table.name,
            airbyte="" if versioned else table.path.lower(),
            versions=versioned,
        )
    yield LandedTable(raw="opportunity_history", records=as_it_is(None), airbyte="opportunityhistory")
    yield LandedTable(raw="opportunity_history", records=_saves, fivetran="opportunity", versions=True)


LANDED = tuple(_tables())
