"""Small build files and candidates to publish, without sources and dbt."""

from datetime import date
from pathlib import Path
from typing import Any

from orchestration.publish.candidate import write_candidate
from orchestration.publish.versions import Version, publish
from orchestration.warehouse import open_build

MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.revops.people": {
            "resource_type": "model",
            "schema": "revenue",
            "name": "people",
            "alias": "people",
            "description": "Everyone known, once.",
            "config": {"meta": {"grain": ["person_id"]}},
            "columns": {
                "person_id": {"description": "Key of the person."},
                "email": {"description": "E-mail address.", "config": {"meta": {"pii": True}}},
                "full_name": {"description": "Name.", "config": {"meta": {"pii": True}}},
                "title": {"description": "Job title."},
            },
        },
    },
    "sources": {},
}


def write_build(path: Path, generation: int = 1, rows: int = 50) -> None:
    """A build in which every row of metrics.kpi_values and revenue.people says `generation`."""
    with open_build(path) as con:
        for schema in ("revenue", "metrics", "identity", "operations", "entry", "run"):
            con.execute(f"create schema {schema}")
        con.execute(
            "create table metrics.kpi_values as"
            " select 'win_rate' as kpi, cast(i as integer) as n, cast(? as bigint) as generation"
            " from range(?) as series(i) order by hash(i)",
            [generation, rows],
        )
        con.execute(
            "create table revenue.people as select 'per_' || i as person_id,"
            " case when i % 10 = 9 then 'nobody' else 'person' || i || '@example.com' end as email,"
            " 'Person ' || i as full_name, 'Buyer' as title, cast(? as bigint) as generation"
            " from range(?) as series(i) order by hash(i)",
            [generation, rows],
        )
        con.execute(
            "create table identity.person_members (source_system varchar, source_id varchar, evidence json)"
        )
        con.execute(
            "insert into identity.person_members values ('crm', '1',"
            """ '[{"rule": "email", "value": "person1@example.com", "a": "crm:1"},"""
            """  {"rule": "name", "value_a": "Per\\"son", "value_b": 5, "weight": 2.5}]')"""
        )
        con.execute(
            "create table operations.runs as select ? as run_id, ? as as_of",
            [f"run-{generation}", date.today()],
        )
        con.execute(
            "create table operations.reconciliation as"
            " select ? as run_id, 'crm' as source_system, 'people' as entity, 'match' as status",
            [f"run-{generation}"],
        )
        con.execute("create table entry.people as select 'secret' as email")
        con.execute("create table run.problems (severity varchar)")


def publish_generation(home: Path, generation: int, rows: int = 50) -> Version:
    """Build, write and publish one more version; returns it."""
    work = home / "work" / str(generation)
    write_build(work / "build.duckdb", generation, rows)
    write_candidate(work / "build.duckdb", work / "candidate", MANIFEST, "masked")
    return publish(home, work / "candidate", {"run_id": f"run-{generation}", "as_of": "2026-03-31"})
