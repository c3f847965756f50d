"""The copy in PostgreSQL: equal, replaced at once, and careful with what is not its own."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg
import published_file
import pytest

from orchestration.errors import RevopsError
from orchestration.publish import export_postgres as export_postgres_module
from orchestration.publish.content import table_hash
from orchestration.publish.export_postgres import export_postgres
from orchestration.publish.tables import published_tables
from orchestration.warehouse import open_reader

sys.path.append(str(Path(__file__).parents[1] / "sources"))

from postgres import postgres_server

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as address:
        yield address.replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture
def dsn(server: str, request: pytest.FixtureRequest) -> str:
    """An empty database."""
    name = f"d{abs(hash(request.node.name))}"
    with psycopg.connect(server, autocommit=True) as con:
        con.execute(f"create database {name}")  # type: ignore[call-overload]
    return server.rsplit("/", 1)[0] + f"/{name}"


def export(path: Path, dsn: str) -> dict[str, int]:
    con = open_reader(path)
    try:
        return {f"{each.schema}.{each.name}": each.rows for each in export_postgres(con, dsn)}
    finally:
        con.close()


def test_every_table_arrives_with_its_values_types_and_words(tmp_path: Path, dsn: str) -> None:
    path = published_file.write(tmp_path / "revops.duckdb")
    assert export(path, dsn) == {"revenue.accounts": 9, "metrics.kpi_values": 500}
    duck = open_reader(path)
    columns = "name, is_customer, opened_on, seen_at, silos, cast(evidence as varchar), amount"
    expected = duck.execute(f"select {columns} from revenue.accounts order by name").fetchall()
    duck.close()
    with psycopg.connect(dsn) as con:
        found = con.execute(f'select {columns} from revenue.accounts order by name collate "C"').fetchall()
        assert found == sorted(expected, key=lambda row: (row[0] is None, row[0] or ""))
        kinds = con.execute(
            "select column_name, data_type from information_schema.columns"
            " where table_schema = 'revenue' and table_name = 'accounts' order by ordinal_position"
        ).fetchall()
        assert dict(kinds)["amount"] == "numeric"
        assert dict(kinds)["silos"] == "ARRAY"
        about = con.execute("select obj_description('revenue.accounts'::regclass, 'pg_class')").fetchone()
        assert about == ("Companies, each once.",)


def test_the_copy_has_the_content_hash_of_the_published_table(tmp_path: Path, dsn: str) -> None:
    path = published_file.write(tmp_path / "revops.duckdb")
    export(path, dsn)
    original = open_reader(path)
    back = duckdb.connect()
    with psycopg.connect(dsn) as con:
        for table in published_tables(original, "revops", {}):
            back.execute(f"create schema if not exists {table.schema}")
            kinds = ", ".join(f'"{column}" {kind}' for column, kind in table.columns.items())
            back.execute(f"create table {table.sql_name} ({kinds})")
            rows = con.execute(f"select * from {table.sql_name}").fetchall()  # type: ignore[call-overload]
            back.executemany(
                f"insert into {table.sql_name} values ({', '.join('?' * len(table.columns))})", rows
            )
            assert table_hash(back, table) == table_hash(original, table)
    original.close()


def test_two_exports_at_once_are_refused(tmp_path: Path, dsn: str) -> None:
    path = published_file.write(tmp_path / "revops.duckdb")
    with psycopg.connect(dsn) as other:
        other.execute("select pg_advisory_lock(%s)", [export_postgres_module._LOCK])
        with pytest.raises(RevopsError, match="Another export is writing"):
            export(path, dsn)
    assert export(path, dsn)


def test_readers_see_the_old_tables_or_the_new_ones_never_some_of_each(tmp_path: Path, dsn: str) -> None:
    export(published_file.write(tmp_path / "1.duckdb", 1), dsn)
    seen: list[set[int]] = []
    stop = threading.Event()

    def read() -> None:
        with psycopg.connect(dsn) as con:
            while not stop.is_set():
                rows = con.execute(
                    "select distinct values.generation from metrics.kpi_values as values"
                    " union all select distinct generation from revenue.accounts"
                ).fetchall()
                seen.append({generation for (generation,) in rows})
                again = con.execute("select distinct generation from metrics.kpi_values").fetchall()
                seen.append({*seen[-1], *(generation for (generation,) in again)})
                con.rollback()

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for generation in (2, 3, 4):
        export(published_file.write(tmp_path / f"{generation}.duckdb", generation), dsn)
    stop.set()
    for reader in readers:
        reader.join()
    assert [generations for generations in seen if len(generations) != 1] == []
    assert {1} in seen
    with psycopg.connect(dsn) as con:
        assert con.execute("select distinct generation from revenue.accounts").fetchall() == [(4,)]


def test_who_could_read_before_can_read_after(tmp_path: Path, dsn: str) -> None:
    path = published_file.write(tmp_path / "revops.duckdb")
    export(path, dsn)
    with psycopg.connect(dsn, autocommit=True) as con:
        con.execute("create role analyst")
        con.execute("grant usage on schema metrics to analyst")
        con.execute("grant select on metrics.kpi_values to analyst")
    export(path, dsn)
    with psycopg.connect(dsn) as con:
        con.execute("set role analyst")
        assert con.execute("select count(*) from metrics.kpi_values").fetchone() == (500,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            con.execute("select count(*) from revenue.accounts")


def test_a_schema_that_no_export_made_is_left_alone(tmp_path: Path, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as con:
        con.execute("create schema revenue")
        con.execute("create table revenue.precious as select 1 as one")
    with pytest.raises(RevopsError, match=r"schemas that no export made \(revenue\)"):
        export(published_file.write(tmp_path / "revops.duckdb"), dsn)
    with psycopg.connect(dsn) as con:
        assert con.execute("select one from revenue.precious").fetchone() == (1,)


def test_a_view_on_the_tables_is_not_dropped(tmp_path: Path, dsn: str) -> None:
    export(published_file.write(tmp_path / "1.duckdb", 1), dsn)
    with psycopg.connect(dsn, autocommit=True) as con:
        con.execute("create view public.mine as select generation from revenue.accounts")
    with pytest.raises(RevopsError, match="other objects depend on it"):
        export(published_file.write(tmp_path / "2.duckdb", 2), dsn)
    with psycopg.connect(dsn) as con:
        assert con.execute("select distinct generation from public.mine").fetchall() == [(1,)]


def test_an_unreachable_database_is_one_sentence_without_the_password(tmp_path: Path) -> None:
    path = published_file.write(tmp_path / "revops.duckdb")
    with pytest.raises(RevopsError) as failure:
        export(path, "postgresql://someone:secret@127.0.0.1:1/nowhere")
    assert "secret" not in str(failure.value)
    assert "\n" not in str(failure.value)
