"""Tables of databases: the same behaviour on SQLite and on a real PostgreSQL server."""

import json
import uuid
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from postgres import postgres_server

from orchestration.errors import ConfigurationError, SourceFailed

FILL = "insert into deals (id, title, stage, amount, changed) values (:id, :title, :stage, :amount, :changed)"


@pytest.fixture(scope="session")
def server():
    with postgres_server() as address:
        yield address


class Database:
    """The database of the company, and its source called shop."""

    def __init__(self, company, address, monkeypatch, timestamp):
        self.company = company
        self.engine = sa.create_engine(address, poolclass=sa.NullPool)
        self.timestamp = timestamp
        monkeypatch.setenv("REVOPS_SHOP_DSN", address)
        self.run(
            "create table deals (id integer, title text, stage text, amount numeric(12, 2), changed "
            + timestamp
            + ")"
        )
        self.map()

    def run(self, *statements, **values):
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement), values)

    def fill(self, *rows):
        with self.engine.begin() as connection:
            names = ("id", "title", "stage", "amount", "changed")
            connection.execute(sa.text(FILL), [dict(zip(names, row, strict=True)) for row in rows])

    def map(self, entity="opportunities", table="deals", timezone=None, **mapping):
        mapping.setdefault("columns", {"source_id": "id", "name": "title"})
        source = {"name": "shop", "kind": "database", "entities": {entity: {"table": table, **mapping}}}
        self.company.configure(source if timezone is None else {**source, "timezone": timezone})

    def extract(self, **options):
        return self.company.extract_one("shop", **options)

    def current(self, entity="opportunities"):
        return self.company.current(entity, "shop")

    def live(self):
        return self.company.live("opportunities", "shop")

    def problems(self):
        return self.company.problems("shop")


@contextmanager
def database_of(request, company, monkeypatch, tmp_path):
    if request.param == "sqlite":
        yield Database(company, f"sqlite:///{tmp_path}/shop.db", monkeypatch, "text")
        return
    server = request.getfixturevalue("server")
    name = f"shop_{uuid.uuid4().hex}"
    with sa.create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text(f"create database {name}"))
    yield Database(company, server.rsplit("/", 1)[0] + f"/{name}", monkeypatch, "timestamptz")


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def database(request, company, monkeypatch, tmp_path):
    with database_of(request, company, monkeypatch, tmp_path) as found:
        yield found


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.postgres)])
def postgres(request, company, monkeypatch, tmp_path):
    with database_of(request, company, monkeypatch, tmp_path) as found:
        yield found


@pytest.fixture(params=["sqlite"])
def sqlite(request, company, monkeypatch, tmp_path):
    with database_of(request, company, monkeypatch, tmp_path) as found:
        yield found


def rows(count, start=0, changed="2026-10-01 08:00:00+00:00"):
    return [(number, f"Deal {number}", "Open", 10, changed) for number in range(start, start + count)]


def test_a_table_is_mapped_like_a_file(database):
    database.fill((1, " One ", "Won", 12.5, "2026-10-01 10:00:00+02:00"), (2, None, "Open", None, None))
    database.map(columns={"source_id": "id", "updated_at": "changed"}, constants={"currency_code": "EUR"})
    result = database.extract()
    assert (result.location, result.rows_read, result.rows_appended) == ("deals", 2, 2)
    first, second = database.current()["1"], database.current()["2"]
    assert (first["stage"], first["amount"], first["currency_code"]) == ("Won", Decimal("12.5"), "EUR")
    assert first["updated_at"] == first["_version_at"] == datetime(2026, 10, 1, 8)
    assert json.loads(first["custom"]) == {"title": "One"}
    assert (second["amount"], second["updated_at"], second["custom"]) == (None, None, None)
    assert (first["_file"], first["_row"]) == ("deals", None)


def test_a_second_read_appends_only_changes_and_tombstones(database):
    database.fill(*rows(20))
    database.extract()
    assert database.extract().rows_appended == 0
    database.run("update deals set stage = 'Won' where id = 3", "delete from deals where id = 4")
    database.fill(*rows(1, start=50))
    result = database.extract()
    assert (result.rows_read, result.rows_appended, result.rows_unchanged, result.rows_deleted) == (
        20,
        2,
        18,
        1,
    )
    assert database.current()["3"]["stage"] == "Won"
    assert database.live() == {str(number) for number in [*range(20), 50]} - {"4"}


def test_bad_rows_are_reported_with_their_id(database):
    database.fill((1, "One", "Won", 1, None), (2, "Two", None, 1, None), (None, "Three", "Won", 1, None))
    result = database.extract()
    assert (result.rows_read, result.rows_rejected) == (3, 2)
    assert database.problems() == [
        (
            "opportunities",
            "deals",
            None,
            "source_id",
            "",
            "empty, but required, in the record with id 'None'",
            "error",
        ),
        (
            "opportunities",
            "deals",
            None,
            "stage",
            "",
            "empty, but required, in the record with id '2'",
            "error",
        ),
    ]


def test_equal_ids_are_settled_and_reported(database):
    database.fill(
        (1, "old", "Open", 1, "2026-10-01 00:00:00+00:00"),
        (1, "new", "Won", 2, "2026-10-02 00:00:00+00:00"),
        (1, "mid", "Open", 3, "2026-10-01 12:00:00+00:00"),
    )
    database.map(columns={"source_id": "id", "name": "title", "updated_at": "changed"})
    assert database.extract().rows_duplicate == 2
    assert database.current()["1"]["name"] == "new"
    assert [problem[5:] for problem in database.problems()] == [
        ("the id occurs again; the latest is kept", "warning")
    ] * 2


def test_an_empty_table_is_an_entity_without_records(database):
    assert database.extract().rows_read == 0
    assert database.current() == {}


def test_a_table_that_lost_its_rows_stops_the_source(database):
    database.fill(*rows(3))
    database.extract()
    database.run("delete from deals")
    with pytest.raises(SourceFailed, match="has no opportunities any more but had 3"):
        database.extract()
    assert database.extract(allow_shrink=True).rows_deleted == 3


# --- reading from a cursor on --------------------------------------------------------------------------


@pytest.fixture
def statements():
    sent = []

    def note(connection, cursor, statement, parameters, context, executemany):
        if "deals" in statement and statement.lower().startswith("select") and "pg_" not in statement:
            sent.append((statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


def windows(statements):
    return [statement for statement, _ in statements if "WHERE" in statement]


def test_with_a_cursor_only_recent_rows_are_read_again(database, statements):
    database.fill(*rows(20), *rows(2, start=50, changed="2026-10-31 08:00:00+00:00"))
    database.map(cursor="changed")
    database.extract()
    assert not windows(statements)
    database.fill(
        (60, "New", "Open", 7, "2026-10-31 09:00:00+00:00"),
        (61, "Late", "Open", 8, "2026-10-31 07:30:00+00:00"),
    )
    database.run("update deals set stage = 'Won', changed = '2026-10-31 09:00:00+00:00' where id = 3")
    database.run("delete from deals where id = 4")
    result = database.extract()
    assert len(windows(statements)) == 1
    assert (result.rows_read, result.rows_appended, result.rows_deleted) == (23, 3, 1)
    assert result.rows_unchanged == 20
    assert database.current()["3"]["stage"] == "Won"
    assert {"60", "61"} <= database.live() and "4" not in database.live()
    read = database.company.last_read("opportunities", "shop")
    assert read["rows_at_source"] == 23
    assert json.loads(read["money_at_source"])["amount"] == "225.0000"


def test_a_change_that_was_committed_late_arrives_without_reading_the_table_whole(database, statements):
    database.fill(*rows(20), (50, "Latest", "Open", 1, "2026-10-31 08:00:00+00:00"))
    database.map(cursor="changed")
    database.extract()
    statements.clear()
    database.run("update deals set stage = 'Won', changed = '2026-10-31 07:30:00+00:00' where id = 3")
    assert database.extract().rows_appended == 1
    assert database.current()["3"]["stage"] == "Won"
    assert len(statements) == 2, "one for the rows since the cursor, one for the census"


def test_a_row_that_comes_in_behind_the_lag_makes_the_table_be_read_whole(database):
    database.fill(*rows(20, changed="2026-10-31 08:00:00+00:00"))
    database.map(cursor="changed")
    database.extract()
    database.fill((60, "Backdated", "Open", 7, "2026-01-01 00:00:00+00:00"))
    assert database.extract().rows_appended == 1
    assert "60" in database.live()


def test_an_amount_that_changed_without_a_new_cursor_makes_the_table_be_read_whole(database):
    database.fill((1, "One", "Won", 5, "2026-01-01 00:00:00+00:00"), *rows(3, start=10))
    database.map(cursor="changed")
    database.extract()
    database.run("update deals set amount = 6 where id = 1")
    database.extract()
    assert database.current()["1"]["amount"] == Decimal(6)


def test_rows_without_a_cursor_value_are_read_every_time(database):
    database.fill(*rows(3), (9, "None", "Open", 1, None))
    database.map(cursor="changed")
    database.extract()
    database.run("update deals set stage = 'Won' where id = 9")
    database.extract()
    assert database.current()["9"]["stage"] == "Won"


def test_a_cursor_in_the_future_does_not_hide_later_rows(database):
    database.fill(*rows(3), (9, "Future", "Open", 1, "2099-01-01 00:00:00+00:00"))
    database.map(cursor="changed")
    database.extract()
    now = database.company.extracted_at.isoformat(" ")
    database.run(f"update deals set stage = 'Won', changed = '{now}+00:00' where id = 1")
    database.extract()
    assert database.current()["1"]["stage"] == "Won"


def test_after_a_rejected_row_the_table_is_read_whole_until_it_is_clean(database, statements):
    database.fill(*rows(3), (9, "Bad", None, 1, "2026-01-01 00:00:00+00:00"))
    database.map(cursor="changed")
    database.extract()
    database.run("update deals set stage = 'Won' where id = 9")
    database.extract()
    assert database.current()["9"]["stage"] == "Won"
    assert not windows(statements)
    database.extract()
    assert len(windows(statements)) == 1


def test_a_full_refresh_and_a_changed_mapping_read_the_table_whole(database, statements):
    database.fill(*rows(3))
    database.map(cursor="changed")
    database.extract()
    database.extract(full_refresh=True)
    database.map(cursor="changed", columns={"source_id": "id"})
    assert database.extract().rows_appended == 3
    assert not windows(statements)


def test_a_window_without_rows_leaves_the_cursor_where_it_was(database, statements):
    database.fill(*rows(3))
    database.map(cursor="changed")
    for _ in range(3):
        database.extract()
    cursors = {
        row["cursor_value"] for row in database.company.query("select cursor_value from raw_shop._reads")
    }
    assert len(cursors) == 1 and None not in cursors


def test_numbers_and_days_can_be_cursors(database):
    database.run("create table spends (id integer, day date, amount numeric(12, 2))")
    for number in range(1, 4):
        database.run(f"insert into spends values ({number}, '2026-10-0{number}', 5)")
    for cursor in ("id", "day"):
        database.map("spend", "spends", cursor=cursor, columns={"source_id": "id", "spent_on": "day"})
        database.extract()
        database.run(f"insert into spends values ({10 + len(cursor)}, '2026-10-03', 7)")
        assert database.extract().rows_appended == 1
    assert database.current("spend")["13"]["spent_on"] == date(2026, 10, 3)


# --- mistakes ------------------------------------------------------------------------------------------


def refused(database, *parts, error=ConfigurationError):
    with pytest.raises(error) as checked:
        database.company.check("shop")
    with pytest.raises(error) as failure:
        database.extract()
    assert str(checked.value) == str(failure.value)
    for part in parts:
        assert part in str(failure.value)
    assert "\n" not in str(failure.value)


def test_checking_names_the_tables(database):
    assert database.company.check("shop") == [("opportunities", "deals")]


def test_a_table_that_is_not_there(database):
    database.map(table="deal")
    refused(
        database,
        "sources.shop.entities.opportunities.table is 'deal', which source 'shop' does not have; ",
        "perhaps 'deals'",
    )


def test_a_column_that_is_not_there(database):
    database.map(columns={"source_id": "id", "stage": "stag"})
    refused(
        database,
        "Table deals has no column 'stag', to which stage is mapped; perhaps 'stage' is meant; ",
        "the columns are",
    )


def test_a_cursor_that_is_not_there(database):
    database.map(cursor="changed_at")
    refused(
        database,
        "sources.shop.entities.opportunities.cursor is 'changed_at', which deals does not have; ",
        "perhaps 'changed'",
    )


def test_no_address(database, monkeypatch):
    monkeypatch.delenv("REVOPS_SHOP_DSN")
    refused(database, "Source 'shop' has no database address; set REVOPS_SHOP_DSN to a SQLAlchemy URL")


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("not an address", ["its address is not a SQLAlchemy URL"]),
        ("oracle+nothing://h/d", ["the driver of its address is not available"]),
        ("mysql+pymysql://u:hunter2@h/d", ["the driver of its address is not available"]),
        ("sqlite:////nowhere/shop.db", ["its database file /nowhere/shop.db does not exist"]),
    ],
)
def test_an_address_that_cannot_be_used(sqlite, monkeypatch, address, parts):
    monkeypatch.setenv("REVOPS_SHOP_DSN", address)
    refused(sqlite, "Source 'shop'", *parts)


def test_a_server_that_does_not_answer_is_named_without_its_password(sqlite, monkeypatch):
    monkeypatch.setenv("REVOPS_SHOP_DSN", "postgresql://revops:hunter2@127.0.0.1:1/shop?connect_timeout=2")
    with pytest.raises(SourceFailed) as failure:
        sqlite.extract()
    assert "Source 'shop' cannot be read" in str(failure.value)
    assert "REVOPS_SHOP_DSN" in str(failure.value)
    assert "hunter2" not in str(failure.value)


def test_the_address_may_stand_in_dlt_secrets(sqlite, monkeypatch, tmp_path):
    import os
    import subprocess
    import sys
    from pathlib import Path

    folder = tmp_path / "project" / ".dlt"
    folder.mkdir(parents=True)
    (folder / "secrets.toml").write_text('[sources.shop]\ndsn = "sqlite:///elsewhere.db"\n')
    environment = {key: value for key, value in os.environ.items() if key != "REVOPS_SHOP_DSN"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[3])
    script = "from orchestration.settings import database_dsn; print(database_dsn('shop'))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "sqlite:///elsewhere.db"


# --- PostgreSQL only -------------------------------------------------------------------------------------


def test_types_of_postgres_are_taken_as_they_are(postgres):
    postgres.run(
        'create schema "Sales"',
        'create table "Sales"."Big Deals" ("Deal ID" uuid, phase text, amount numeric, opened timestamptz,'
        " closed timestamp, due date, gone boolean, odds double precision, tags text[], extra jsonb,"
        " raw bytea, span interval)",
        """insert into "Sales"."Big Deals" values ('6f1f9d3e-52f1-4c4e-8a37-0f1c1c2d3e4f', 'Won', 12.34567,
        '2026-07-01 10:00+02', '2026-07-01 10:00', '2026-08-01', true, 0.25, '{a,b}',
        '{"z": [1.5]}', 'hi', '1 day')""",
    )
    postgres.map(
        table="Sales.Big Deals",
        timezone="Europe/Berlin",
        columns={
            "source_id": "Deal ID",
            "stage": "phase",
            "opened_at": "opened",
            "closed_at": "closed",
            "expected_close_on": "due",
            "is_deleted": "gone",
            "probability": "odds",
        },
    )
    postgres.extract()
    deal = postgres.current()["6f1f9d3e-52f1-4c4e-8a37-0f1c1c2d3e4f"]
    assert deal["amount"] == Decimal("12.3457")
    assert deal["opened_at"] == deal["closed_at"] == datetime(2026, 7, 1, 8)
    assert (deal["expected_close_on"], deal["is_deleted"], deal["probability"]) == (
        date(2026, 8, 1),
        True,
        0.25,
    )
    assert json.loads(deal["custom"]) == {
        "extra": {"z": [1.5]},
        "raw": "hi",
        "span": "1 day, 0:00:00",
        "tags": ["a", "b"],
    }


def test_a_number_that_is_none_rejects_its_row(postgres):
    postgres.fill(*rows(2))
    postgres.run("insert into deals values (9, 'NaN', 'Open', 'NaN', null)")
    assert postgres.extract().rows_rejected == 1
    assert "9" not in postgres.live()


def test_missing_rights_are_named(postgres, monkeypatch):
    postgres.fill(*rows(2))
    postgres.run(f"drop role if exists reader_{id(postgres)}", f"create role reader_{id(postgres)} login")
    address = postgres.engine.url.set(username=f"reader_{id(postgres)}")
    monkeypatch.setenv("REVOPS_SHOP_DSN", address.render_as_string(hide_password=False))
    refused(postgres, "permission denied for table deals", "the rights of its user", error=SourceFailed)


def test_all_tables_are_read_as_of_one_moment(postgres):
    postgres.run("create table team (id text)", "insert into team values ('u1')")
    postgres.fill(*rows(3))
    mapping = {
        "name": "shop",
        "kind": "database",
        "entities": {
            "opportunities": {"table": "deals", "columns": {"source_id": "id"}},
            "users": {"table": "team", "columns": {"source_id": "id"}},
        },
    }
    postgres.company.configure(mapping)

    def write_meanwhile(entity, count):
        if entity == "opportunities":
            postgres.run("insert into team values ('u2')")

    postgres.company.extract("shop", progress=write_meanwhile)
    assert postgres.company.live("users", "shop") == {"u1"}


def test_the_source_cannot_be_written_to(postgres):
    from orchestration.sources.database.connection import connect

    with pytest.raises(SourceFailed, match="read-only transaction"), connect("shop") as connection:
        connection.execute(sa.text("insert into deals (id) values (1)"))


def test_a_big_table_is_streamed(postgres):
    postgres.run(
        "insert into deals select g, 'Deal ' || g, 'Open', g % 100, now() from generate_series(1, 50000) as g"
    )
    seen = []
    result = postgres.extract(progress=lambda entity, count: seen.append(count))
    assert result.rows_appended == 50_000
    assert seen == [20_000, 40_000, 50_000]
