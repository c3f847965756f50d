"""Which compared pairs are joined, which are kept apart whatever they score, and which a person should look
at.
"""

from __future__ import annotations

import json

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]

from orchestration.identity import clusters
from orchestration.identity.model import Model
from orchestration.identity.policy import Entity
from orchestration.identity.records import linked_keys

# Bits, evidence and prior together: odds of 2^bits to one.
JOIN = 3.0
REVIEW = 0.0
MARGIN = 2.0
# One system rarely holds a company twice; where it is the only system, duplicates are what is asked for.
WITHIN_SYSTEM = 3.0
# 998 of 1,000 ids that a system keeps of another are right, before anything is compared.
LINK = 9.0

_PLACE_AGREES = ("same street", "similar street, same town", "same postal code")
_TOWN_AGREES = ("same town", "similar town")
# Half a name in common: colleagues and families have as much.
_HALF_A_NAME = ("same given name", "same family name")
_SAME_MAILBOX = ("same address", "same local part, same employer", "similar address")
_NAME_AGREES = (
    "same name",
    "swapped",
    "same family name, initial",
    "similar spelling",
    "same given name, no family name",
    "similar given name, no family name",
)


def links(con: duckdb.DuckDBPyConnection, kind: Entity) -> None:
    """Temp tables `links` (x, y): records that name each other's id; `named` also with ids nobody has."""
    rows = con.execute(f"select no, linked_ids from {kind}_records where linked_ids is not null").fetchall()
    found = [(no, *key) for no, text in rows for key in linked_keys(text)]
    columns = list(zip(*found, strict=True)) or [(), (), ()]
    batch = pa.table(
        {
            "no": pa.array(columns[0], pa.int32()),
            "source_system": pa.array(columns[1], pa.string()),
            "source_id": pa.array(columns[2], pa.string()),
        }
    )
    con.register("identity_batch", batch)
    con.execute("create or replace temp table named as select distinct * from identity_batch")
    con.unregister("identity_batch")
    con.execute(
        "create or replace temp table links as select distinct least(named.no, target.no) as x,"
        f" greatest(named.no, target.no) as y from named inner join {kind}_records as target"
        " using (source_system, source_id) where named.no <> target.no"
    )


def decide(con: duckdb.DuckDBPyConnection, kind: Entity, model: Model) -> None:
    """Temp table `decided`: every pair that is joined or worth a look, with its rule, rank and bits."""
    rules = _account_rules(model) if kind == "account" else _person_rules(model)
    con.execute(
        "create or replace temp table decided as"
        " with judged as ("
        " select scored.*, links.x is not null as is_linked, l.source_system = r.source_system as"
        " same_system,"
        f" {rules.facts},"
        " bits - case when l.source_system = r.source_system and systems > 1 then"
        f" {WITHIN_SYSTEM} else 0 end as sure"
        " from scored"
        f" inner join {kind}_records as l on scored.a = l.no inner join {kind}_records as r on scored.b ="
        f" r.no"
        " left join links on scored.a = links.x and scored.b = links.y"
        f" cross join (select count(distinct source_system) as systems from {kind}_records)),"
        f" ruled as (select *, {rules.rule} as rule, {rules.veto} as veto from judged)"
        " select * from ("
        "  select *, case rule when 'tax_id' then 1 when 'linked_ids' then 2 when 'domain_and_name' then 3"
        " when 'email' then 3"
        "   when 'domain_and_similar_name' then 4 when 'probabilistic' then 5 else 9 end as rank from ruled)"
        f" where rank < 9 or sure >= {REVIEW} or is_linked"
    )


class _Rules:
    def __init__(self, facts: str, rule: str, veto: str) -> None:
        self.facts, self.rule, self.veto = facts, rule, veto


def _account_rules(model: Model) -> _Rules:
    def name(level: str) -> str:
        return f"name_and_domain = {model.number('name_and_domain', level)}"

    def apart(level: str) -> str:
        return f"({name(level)} or name_alone = {model.number('name_alone', level)})"

    place = ", ".join(str(model.number("place", level)) for level in _PLACE_AGREES)
    other_tax = f"tax_id = {model.number('tax_id', 'different')}"
    same_phone = f"phone = {model.number('phone', 'same number')}"
    somewhere = ", ".join(str(model.number("place", level)) for level in (*_PLACE_AGREES, *_TOWN_AGREES))
    veto = (
        f"case when {other_tax} then 'different tax ids'"
        f" when {apart('another place in the name')} then 'another place in the name'"
        f" when {apart('a division of the other')} then 'a division of the other'"
        f" when ({name('other domain, equal name')} or {name('other domain, similar name')}"
        f" or {name('near domain, similar name')} and not same_label)"
        f" and not ({same_phone} or place in ({place})) then 'two domains, nothing but the name in common'"
        f" when name_alone = {model.number('name_alone', 'similar name')}"
        f" and not ({same_phone} or place in ({somewhere})) then 'nothing but a similar name in common'"
        f" when {name('same domain, another name')} and not ({same_phone} or place in ({place}))"
        " then 'another name on the same domain' end"
    )
    rule = (
        f"case when tax_id = {model.number('tax_id', 'same')} then 'tax_id'"
        f" when {other_tax} then null"
        f" when is_linked and evidence + {LINK} >= {JOIN} then 'linked_ids'"
        f" when {name('same domain, similar name')} and (same_name or not same_system)"
        " then case when same_name then 'domain_and_name' else 'domain_and_similar_name' end"
        f" when sure >= {JOIN} and ({veto}) is null then 'probabilistic' end"
    )
    return _Rules(
        "l.name = r.name and l.places = r.places as same_name, l.label = r.label as same_label", rule, veto
    )


def _person_rules(model: Model) -> _Rules:
    def mail(level: str) -> str:
        return f"mail = {model.number('mail', level)}"

    names = ", ".join(str(model.number("name", level)) for level in _NAME_AGREES)
    half = ", ".join(str(model.number("name", level)) for level in _HALF_A_NAME)
    mailbox = ", ".join(str(model.number("mail", level)) for level in _SAME_MAILBOX)
    same_phone = f"phone = {model.number('phone', 'same number')}"
    same_birth = (
        f"born_on = {model.number('born_on', 'same day')}"
        f" or national_id = {model.number('national_id', 'same')}"
    )
    same_name = f"name = {model.number('name', 'same name')}"
    other_name = f"name = {model.number('name', 'another name')}"
    veto = (
        f"case when {mail('numbered address')} then 'addresses that differ by a number'"
        f" when {mail('another address at the same employer')}"
        f" and not (({same_phone} or {same_birth}) and name in ({names}))"
        " then 'two addresses at one employer'"
        f" when {mail('same address')} and is_shared and not {same_name} then 'a shared mailbox'"
        f" when {other_name} and not ({same_birth}) then 'another name'"
        f" when name in ({half}) and not (mail in ({mailbox}) or {same_birth})"
        " then 'nothing but half the name in common' end"
    )
    rule = (
        f"case when is_linked and evidence + {LINK} >= {JOIN} then 'linked_ids'"
        f" when {mail('same address')} and ({same_name} or not is_shared and not {other_name}) then 'email'"
        f" when sure >= {JOIN} and ({veto}) is null then 'probabilistic' end"
    )
    shared = (
        "l.email in (select email from person_records where email is not null group by email"
        " having count(distinct left(first_name, 1) || left(last_name, 1)) > 3) as is_shared"
    )
    return _Rules(shared, rule, veto)


# Groups that are joined whatever their size: block caps do not apply to what needs no comparison.
_STARS: dict[Entity, tuple[tuple[str, int, tuple[str, ...]], ...]] = {
    "account": (
        ("tax_id", clusters.TAX_ID, ("tax_id",)),
        ("domain_and_name", clusters.EXACT, ("domain", "name", "places")),
    ),
    "person": (("email", clusters.EXACT, ("email", "full_name")),),
}


def joined(con: duckdb.DuckDBPyConnection, kind: Entity) -> None:
    """Temp tables `nodes`, records and references numbered independently of when they came, and `joins`, the
    edges between them in the order in which they are trusted.
    """
    con.execute(
        "create or replace temp table nodes as select cast(row_number() over (order by tie, source_system,"
        " source_id) - 1"
        " as integer) as node, * from ("
        f" select no, tie, source_system, source_id from {kind}_records union all"
        " select null, hash(source_system, source_id), source_system, source_id from dangling)"
    )
    stars = []
    for rule, rank, columns in _STARS[kind]:
        complete = " and ".join(f"{c} is not null" for c in columns)
        stars.append(
            f"select '{rule}' as rule, {rank} as rank, cast(null as double) as bits, node as y,"
            f" first_value(node) over (partition by {', '.join(columns)} order by node) as x"
            f" from nodes inner join {kind}_records using (no) where {complete}"
        )
    # Records that name one id which nobody has are one thing, too; facts may have that id.
    missing = (
        f"named inner join nodes as l on named.no = l.no anti join {kind}_records as known"
        " on named.source_system = known.source_system and named.source_id = known.source_id"
    )
    named = (
        f"select 'linked_ids' as rule, {clusters.LINKED} as rank, cast(null as double) as bits, y,"
        f" coalesce(r.node, x) as x"
        " from (select l.node as y, named.source_system, named.source_id, first_value(l.node) over"
        f" (partition by named.source_system, named.source_id order by l.node) as x from {missing}) as namers"
        " left join nodes as r on namers.source_system = r.source_system and namers.source_id = r.source_id"
    )
    domain_only = (
        f"select 'domain' as rule, {clusters.SIMILAR} as rank, cast(null as double) as bits, y, x from ("
        " select l.node as y, r.node as x,"
        " row_number() over (partition by l.node order by r.node) as choice"
        " from (select node, source_system, domain from nodes inner join account_records using (no,"
        " source_system, source_id)"
        " where name is null and domain is not null) as l"
        " inner join (select node, source_system, domain from nodes inner join account_records using (no,"
        " source_system, source_id)) as r"
        " on l.domain = r.domain and l.node <> r.node and l.source_system <> r.source_system) where choice"
        " = 1"
    )
    # Equal names and nothing else to tell them apart by, in the only system there is, unless several
    # companies evidently bear the name.
    name_only = (
        f"select 'equal_name' as rule, {clusters.EXACT} as rank, cast(null as double) as bits, node as y,"
        " first_value(node) over (partition by name, places, country order by node) as x"
        " from nodes inner join account_records using (no, tie, source_system, source_id)"
        " inner join rarities using (no) where name is not null"
        " and coalesce(domain, tax_id, phone, street, postal_code, city) is null"
        " and tf_name * (select count(*) from account_records) < 1"
        " and (select count(distinct source_system) from account_records) = 1"
    )
    extra = [named, *([domain_only, name_only] if kind == "account" else []), *stars]
    con.execute(
        "create or replace temp table joins as select x as a, y as b, rule, rank, bits from ("
        " select *, row_number() over (partition by x, y order by rank, bits desc) as choice from ("
        "  select least(x, y) as x, greatest(x, y) as y, rule, rank, bits from ("
        f"   {' union all '.join(extra)} union all"
        "   select decided.rule, decided.rank, decided.sure, l.node, r.node from decided"
        "   inner join nodes as l on decided.a = l.no inner join nodes as r on decided.b = r.no where"
        " decided.rank < 9)"
        "  where x <> y)) where choice = 1 order by rank, bits desc, a, b"
    )


def evidence_values(text: str) -> list[dict[str, object]]:
    """Evidence as stored, read back."""
    found = json.loads(text)
    return found if isinstance(found, list) else []
