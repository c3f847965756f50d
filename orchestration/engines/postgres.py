"""PostgreSQL as the engine of the models: a database of one home's own, for working tables only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orchestration.engines import Table
from orchestration.errors import LockHeld, RevopsError
from orchestration.warehouse import (
    attached,
    identifier,
    literal,
    load_extension,
    open_build,
    open_memory,
    raw_tables,
    tables,
)

# Any number, as long as every run takes the same one.
_LOCK = 7_310_580
_ALIAS = "warehouse"
# Names of types and functions that the models use and PostgreSQL spells otherwise or does not have.
_PREPARE = """
    do $$ begin
        if to_regtype('public.double') is null then create domain public.double as double precision; end if;
        if to_regtype('public.string') is null then create domain public.string as text; end if;
    end $$;
    create table if not exists public.revops_build (file text);
    create extension if not exists fuzzystrmatch with schema public;
    create or replace function public.try_cast_text(value text, wanted text) returns text
    language plpgsql immutable as $$
    begin
        execute format('select cast(cast($1 as %s) as text)', wanted) into value using value;
        return value;
    exception when others then
        return null;
    end $$;
"""


@contextmanager
def opened(dsn: str) -> Iterator[Postgres]:
    """The database `dsn` names, held for this run alone.

    Raises LockHeld while another run works in it, RevopsError when it cannot be used.
    """
    try:
        address = {name: str(value) for name, value in conninfo_to_dict(dsn).items() if value is not None}
        with psycopg.connect(make_conninfo(**address), autocommit=True) as con:
            if con.execute("select pg_try_advisory_lock(%s)", [_LOCK]).fetchone() != (True,):
                raise LockHeld(
                    "Another run works in the database of REVOPS_WAREHOUSE_DSN; try again when it is done."
                )
            _refuse_other_order(con)
            con.execute(_PREPARE)
            yield Postgres(address, con)
    except psycopg.Error as failure:
        raise RevopsError(f"The warehouse database refuses: {' '.join(str(failure).split())}") from failure


class Postgres:
    """A database whose schemas are those of the build file, and raw_<source> those of landing.duckdb."""

    def __init__(self, address: Mapping[str, str], con: psycopg.Connection) -> None:
        self._address = address
        self._con = con

    @property
    def environment(self) -> Mapping[str, str]:
        """What profiles.yml reads."""
        return {
            "REVOPS_ENGINE": "postgres",
            "REVOPS_POSTGRES_HOST": self._address.get("host", "localhost"),
            "REVOPS_POSTGRES_PORT": self._address.get("port", "5432"),
            "REVOPS_POSTGRES_USER": self._address.get("user", ""),
            "REVOPS_POSTGRES_PASSWORD": self._address.get("password", ""),
            "REVOPS_POSTGRES_DATABASE": self._address.get("dbname", self._address.get("user", "")),
        }

    def give_raw(self, landing: Path) -> None:
        """Raw tables of all sources, so that the models see what landing.duckdb holds now."""
        if landing.exists():
            with open_memory() as con, attached(con, landing, "given", read_only=True), self._attached(con):
                _copy(con, raw_tables(con, "given"))

    def give(self, build_file: Path, schemas: Sequence[str]) -> None:
        """Replace these schemas by those of the build file, as far as it has them.

        Schema `run` begins a build. Raises RevopsError where another run has begun one since.
        """
        if "run" in schemas:
            self._con.execute("truncate public.revops_build")
            self._con.execute("insert into public.revops_build values (%s)", [str(build_file)])
        elif self._con.execute("select file from public.revops_build").fetchone() != (str(build_file),):
            raise RevopsError(
                "Another run has worked in the database of REVOPS_WAREHOUSE_DSN meanwhile; run again, and"
                " give each home folder a database of its own."
            )
        with open_memory() as con, attached(con, build_file, "given", read_only=True), self._attached(con):
            _copy(con, {schema: sorted(tables(con, "given", schema)) for schema in schemas})

    def take(self, build_file: Path, tables: Sequence[Table]) -> None:
        """Copy tables the models made into the build file."""
        with open_build(build_file) as con, self._attached(con):
            for table in tables:
                name = f"{identifier(table.schema)}.{identifier(table.name)}"
                columns = ", ".join(f"{identifier(column)} {kind}" for column, kind in table.columns.items())
                con.execute(f"create schema if not exists {identifier(table.schema)}")
                con.execute(f"create or replace table {name} ({columns})")
                con.execute(f"insert into {name} by name select * from {_ALIAS}.{name}")

    @contextmanager
    def _attached(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        load_extension(con, "postgres_scanner")
        con.execute(f"attach {literal(make_conninfo(**self._address))} as {_ALIAS} (type postgres)")
        try:
            yield
        finally:
            con.execute(f"detach {_ALIAS}")


def _copy(con: duckdb.DuckDBPyConnection, wanted: Mapping[str, Sequence[str]]) -> None:
    for schema in wanted:
        # What models of an earlier run made of the old tables goes with them and is built anew.
        dropped = f"drop schema if exists {identifier(schema)} cascade; create schema {identifier(schema)}"
        con.execute("call postgres_execute(?, ?)", [_ALIAS, dropped])
    con.execute("call pg_clear_cache()")
    for schema, names in wanted.items():
        for table in names:
            name = f"{identifier(schema)}.{identifier(table)}"
            con.execute(f"create table {_ALIAS}.{name} as from given.{name}")


def _refuse_other_order(con: psycopg.Connection) -> None:
    """Texts are ordered by their bytes everywhere else; a language's order gives other minima and paths."""
    if con.execute("select 'a' < 'B'").fetchone() == (True,):
        raise RevopsError(
            "The warehouse database orders texts as a language does; make one by `create database … template"
            " template0 locale 'C' encoding 'UTF8'`."
        )
