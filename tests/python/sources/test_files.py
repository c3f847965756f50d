"""Files of every format, mapped and unmapped, read into the log."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import openpyxl
import pytest

from orchestration.errors import SourceFailed


def write_excel(path, rows, title="Sheet1", more_sheets=()):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for name in more_sheets:
        book.create_sheet(name)
    book.save(path)


# --- files named like entities --------------------------------------------------------------------


def test_every_file_named_like_an_entity_is_read(company):
    company.write("accounts.csv", "source_id,name\na1,Acme\n")
    company.write("users.tsv", "source_id\tname\nu1\tAnn\n")
    company.write("people.jsonl", '{"source_id": "p1", "email": "a@b.co"}\n')
    company.write("tasks.ndjson", '{"source_id": "t1", "name": "call"}\n')
    write_excel(company.folder / "campaigns.xlsx", [["source_id", "name"], ["c1", "Spring"]])
    duckdb.connect().execute(
        f"copy (select 'd1' as source_id, 'Open' as stage) to '{company.folder}/opportunities.parquet'"
    )
    company.write("notes.txt", "nothing for us")
    found = {each.entity: each.rows_appended for each in company.extract().entities}
    assert found == dict.fromkeys(["accounts", "campaigns", "opportunities", "people", "tasks", "users"], 1)
    assert company.problems() == []


def test_a_file_that_nobody_reads_is_reported_with_the_name_that_may_be_meant(company):
    company.write("accounts.csv", "source_id,name\na1,Acme\n")
    company.write("oportunities.csv", "source_id,stage\nd1,Open\n")
    company.write("people.xls", "old format")
    company.extract()
    assert [problem[1:] for problem in company.problems()] == [
        (
            "oportunities.csv",
            None,
            None,
            "",
            "not named like an entry entity; perhaps 'opportunities.csv' is meant",
            "warning",
        ),
        (
            "people.xls",
            None,
            None,
            "",
            "of a type that cannot be read; save it as one of .csv, .tsv, .parquet, .jsonl, .ndjson, .xlsx",
            "warning",
        ),
    ]
    company.extract()
    assert len(company.query("select * from raw_acme._reads where entity = '(folder)'")) == 1
    (company.folder / "people.xls").unlink()
    (company.folder / "oportunities.csv").unlink()
    company.extract()
    latest = company.last_read("(folder)")["run_id"]
    assert company.query("select * from raw_acme._problems where run_id = ?", latest) == []


# --- mapping -----------------------------------------------------------------------------------------


def test_columns_are_mapped_by_configuration_by_name_by_constant_and_the_rest_is_kept(company):
    company.write(
        "deals.csv",
        "Deal ID,Stage,NAME,Wert,Region,Notes,Rating\n"
        "17,Won,Big one,12.50,EMEA,  call back ,\n"
        "18,Open,,,,,5\n",
    )
    company.map(
        "opportunities",
        "deals.csv",
        columns={"source_id": "Deal ID", "amount": "wert"},
        constants={"currency_code": "EUR", "kind": "New_Business", "probability": 0.5},
    )
    company.extract()
    current = company.current("opportunities")
    assert (current["17"]["stage"], current["17"]["name"], current["17"]["amount"]) == (
        "Won",
        "Big one",
        Decimal("12.5"),
    )
    assert current["18"]["amount"] is None and current["18"]["name"] is None
    assert {row["currency_code"] for row in current.values()} == {"EUR"}
    assert {row["kind"] for row in current.values()} == {"new_business"}
    assert {row["probability"] for row in current.values()} == {0.5}
    assert current["17"]["custom"] == '{"Notes":"call back","Region":"EMEA"}'
    assert current["18"]["custom"] == '{"Rating":"5"}'
    assert (current["17"]["_file"], current["17"]["_row"], current["18"]["_row"]) == ("deals.csv", 2, 3)


def test_one_file_column_may_fill_several_entry_columns(company):
    company.write("team.csv", "sales_agent\nAnn\n")
    company.map("users", "team.csv", columns={"source_id": "sales_agent", "name": "sales_agent"})
    company.extract()
    assert company.column("users", "name") == {"Ann": "Ann"}
    assert company.custom("users") == {"Ann": None}


def test_a_column_named_like_a_mapped_entry_column_goes_to_custom(company):
    company.write("deals.csv", "source_id,stage,stage_label\n1,3,Won\n")
    company.map("opportunities", "deals.csv", columns={"stage": "stage_label"})
    company.extract()
    assert company.column("opportunities", "stage") == {"1": "Won"}
    assert company.custom("opportunities") == {"1": {"stage": "3"}}


def test_a_column_that_a_constant_fills_goes_to_custom(company):
    company.write("deals.csv", "source_id,stage,currency_code\n1,Won,USD\n")
    company.map("opportunities", "deals.csv", constants={"currency_code": "EUR"})
    company.extract()
    assert company.column("opportunities", "currency_code") == {"1": "EUR"}
    assert company.custom("opportunities") == {"1": {"currency_code": "USD"}}


def test_a_custom_column_of_the_file_is_kept_and_joined_by_unmapped_columns(company):
    company.write(
        "deals.csv", 'source_id,stage,custom,z\n1,Won,"{""b"": 1, ""z"": 0}",9\n2,Won,,\n3,Won,{},\n'
    )
    company.map("opportunities", "deals.csv")
    company.extract()
    assert company.column("opportunities", "custom") == {"1": '{"b":1,"z":"9"}', "2": None, "3": None}


def test_columns_without_a_name_are_kept_by_position(company):
    company.write("deals.csv", ",source_id,stage,\n0,d1,Open,x\n")
    company.map("opportunities", "deals.csv")
    company.extract()
    assert company.custom("opportunities") == {"d1": {"column_1": "0", "column_4": "x"}}


def test_hostile_names_and_values_are_only_text(company):
    evil = "x'); drop table raw_acme.opportunities; --"
    company.write_rows("deals.csv", ["source_id", "stage", f'"{evil}'], [[evil, evil, evil]])
    company.map("opportunities", "deals.csv")
    company.extract()
    assert company.column("opportunities", "stage") == {evil: evil}
    assert company.custom("opportunities") == {evil: {f'"{evil}': evil}}
    company.map("opportunities", "deals.csv", columns={"name": "stage"})
    company.extract()
    assert company.live("opportunities") == {evil}


def test_formats_decimals_and_time_zones_of_the_entity_go_before_those_of_the_source(company):
    company.write("a.csv", "source_id;stage;amount;opened_at\n1;Won;1.234,5;01.07.2026 10:00\n")
    company.write("b.csv", "source_id;invoiced;amount\n1;2026-07-01 10:00;5,5\n")
    company.configure(
        {
            "name": "acme",
            "kind": "files",
            "path": "exports",
            "decimal": ",",
            "timezone": "America/New_York",
            "entities": {
                "opportunities": {
                    "file": "a.csv",
                    "timezone": "Europe/Berlin",
                    "formats": {"opened_at": "%d.%m.%Y %H:%M"},
                },
                "invoices": {
                    "file": "b.csv",
                    "columns": {"issued_at": "invoiced", "account_source_id": "source_id"},
                },
            },
        }
    )
    company.extract()
    (deal,) = company.current("opportunities").values()
    (invoice,) = company.current("invoices").values()
    assert (deal["amount"], deal["opened_at"]) == (Decimal("1234.5"), datetime(2026, 7, 1, 8))
    assert (invoice["amount"], invoice["issued_at"]) == (Decimal("5.5"), datetime(2026, 7, 1, 14))


def test_the_same_file_is_read_again_when_its_mapping_changes(company):
    company.write("deals.csv", "source_id,stage,v\n1,Won,5\n")
    company.map("opportunities", "deals.csv")
    company.extract()
    company.map("opportunities", "deals.csv", columns={"amount": "v"})
    assert company.extract_one().skipped is False
    assert company.column("opportunities", "amount") == {"1": Decimal(5)}
    company.configure(
        {**company.settings.sources[0].model_dump(mode="json")}, reporting={"timezone": "Asia/Tokyo"}
    )
    assert company.extract_one().skipped is False


# --- delimited text ----------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_line_decides_the_delimiter(company, delimiter):
    lines = [["source_id", "stage", "name"], ["d1", "Won", "a"], ["d2", "Open", "b"]]
    company.write("opportunities.csv", "\n".join(delimiter.join(line) for line in lines))
    company.extract()
    assert company.column("opportunities", "name") == {"d1": "a", "d2": "b"}


def test_a_comma_in_the_header_outweighs_everything_in_the_rows(company):
    company.write("opportunities.csv", "source_id,stage\n1;2,Won\n")
    company.extract()
    assert company.live("opportunities") == {"1;2"}


def test_the_configured_delimiter_is_used_even_if_the_header_suggests_another(company):
    company.write("deals.csv", "source_id;a,b;stage\n1;x,y;Won\n")
    company.map("opportunities", "deals.csv", delimiter=";")
    company.extract()
    assert company.custom("opportunities") == {"1": {"a,b": "x,y"}}


@pytest.mark.parametrize(
    ("encoding", "configured"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-8-sig", "utf-8"),
        ("latin-1", "latin-1"),
        ("utf-16", "utf-16"),
    ],
)
def test_encodings_with_and_without_a_byte_order_mark(company, encoding, configured):
    company.write("deals.csv", "source_id,stage\n1,Gewährt\n", encoding=encoding)
    company.map("opportunities", "deals.csv", **({"encoding": configured} if configured else {}))
    company.extract()
    assert company.column("opportunities", "stage") == {"1": "Gewährt"}


def test_quotes_hold_delimiters_quotes_and_new_lines_and_rows_keep_their_line_numbers(company):
    company.write(
        "opportunities.csv", 'source_id,stage,name\r\n1,Won,"a,""b""\r\nc"\r\n\r\n2,Open,x\r\n3,,y\r\n'
    )
    company.extract()
    assert company.column("opportunities", "name") == {"1": 'a,"b"\r\nc', "2": "x"}
    assert company.column("opportunities", "_row") == {"1": 2, "2": 5}
    assert company.problems() == [
        ("opportunities", "opportunities.csv", 6, "stage", "", "empty, but required", "error"),
    ]


def test_bad_rows_are_reported_where_they_start_and_the_good_ones_load(company):
    company.write(
        "opportunities.csv",
        "source_id,stage,amount,opened_at,expected_close_on,kind,is_deleted,probability\n"
        "ok,Won,1,2026-01-01,2026-01-01,renewal,no,0.5\n"
        "short,Won\n"
        "long,Won,1,,,,,,\n"
        "amount,Won,abc,,,,,\n"
        "opened,Won,1,01/02/2026,,,,\n"
        "close,Won,1,,soon,,,\n"
        "kind,Won,1,,,upsell,,\n"
        "flag,Won,1,,,,perhaps,\n"
        "ratio,Won,1,,,,,12%\n"
        ",Won,1,,,,,\n"
        "stage,,1,,,,,\n"
        'quote,"Won"x,1,,,,,\n'
        "nul,W\0n,1,,,,,\n"
        "two,Won,abc,,never,,,\n"
        "last,Open,2,,,,,\n",
    )
    result = company.extract_one()
    assert company.live("opportunities") == {"ok", "last"}
    assert (result.rows_read, result.rows_rejected) == (15, 13)
    found = [(row, column, value, problem) for _, _, row, column, value, problem, _ in company.problems()]
    assert found == [
        (3, None, "", "the row has 2 fields, the header 8"),
        (4, None, "", "the row has 9 fields, the header 8"),
        (5, "amount", "abc", "not an amount"),
        (
            6,
            "opened_at",
            "01/02/2026",
            "not a timestamp (write it like 2026-01-31, or give its format under formats)",
        ),
        (
            7,
            "expected_close_on",
            "soon",
            "not a date (write it like 2026-01-31, or give its format under formats)",
        ),
        (8, "kind", "upsell", "not one of new_business, expansion, renewal"),
        (9, "is_deleted", "perhaps", "not true or false"),
        (10, "probability", "12%", "not a number"),
        (11, "source_id", "", "empty, but required"),
        (12, "stage", "", "empty, but required"),
        (13, None, "", "text follows a closing quote"),
        (14, "stage", "W\\0n", "not text (it contains a NUL character)"),
        (15, "amount", "abc", "not an amount"),
        (
            15,
            "expected_close_on",
            "never",
            "not a date (write it like 2026-01-31, or give its format under formats)",
        ),
    ]
    assert {severity for *_, severity in company.problems()} == {"error"}


def test_personal_data_is_not_repeated_in_problems(company):
    company.write_rows(
        "people.csv", ["source_id", "email", "phone"], [["p1", "a\0b@c.co", ""], ["p2", "x@y.co", ""]]
    )
    company.extract()
    assert company.problems() == [
        ("people", "people.csv", 2, "email", "", "not text (it contains a NUL character)", "error")
    ]


def test_a_value_that_is_too_long_rejects_its_row_only(company):
    company.write_rows(
        "opportunities.csv", ["source_id", "stage", "n"], [["1", "Won", "x" * 1_000_001], ["2", "Won", "y"]]
    )
    company.extract()
    assert company.live("opportunities") == {"2"}
    ((_, _, row, column, value, problem, _),) = company.problems()
    assert (row, column, value, problem) == (2, "n", "", "longer than 1,000,000 characters")


def test_empty_lines_and_rows_of_empty_fields_are_no_records(company):
    company.write("opportunities.csv", "source_id,stage\n1,Won\n\n,\n   \n2,Won\n,\n")
    assert company.extract_one().rows_read == 2


# --- json lines ------------------------------------------------------------------------------------------


def test_json_lines_keep_types_nesting_and_missing_names(company):
    lines = [
        {"source_id": 17, "stage": "Won", "amount": 12.10, "tags": ["a", {"b": 1}], "is_deleted": False},
        {"source_id": "18", "stage": "Open", "amount": "7", "extra": {"y": None, "x": 1.5}, "probability": 1},
    ]
    company.write("opportunities.jsonl", "\n".join(json.dumps(line) for line in lines) + "\n\n")
    company.extract()
    assert company.column("opportunities", "amount") == {"17": Decimal("12.1"), "18": Decimal(7)}
    assert company.column("opportunities", "is_deleted") == {"17": False, "18": None}
    assert company.custom("opportunities") == {
        "17": {"tags": ["a", {"b": 1}]},
        "18": {"extra": {"x": "1.5", "y": None}},
    }


def test_bad_json_lines_are_rejected_one_by_one(company):
    company.write(
        "opportunities.jsonl",
        '{"source_id": "1", "stage": "Won"}\n{"source_id": "2"\n[1]\n{"source_id": "4", "stage": NaN}\n'
        '{"source_id": "5", "stage": "\\ud800"}\n{"source_id": "6", "stage": "Open", "amount": 1e400}\n',
    )
    company.extract()
    assert company.live("opportunities") == {"1"}
    assert [(row, column, problem) for _, _, row, column, _, problem, _ in company.problems()] == [
        (2, None, "the line is not valid JSON"),
        (3, None, "the line is not a JSON object"),
        (4, None, "the line is not valid JSON"),
        (5, "stage", "not text (it contains half of a surrogate pair)"),
        (6, "amount", "not an amount with at most 14 digits before the point"),
    ]


# --- Excel --------------------------------------------------------------------------------------------


def test_excel_numbers_dates_and_booleans_are_taken_as_they_are(company):
    rows = [
        ["source_id", "stage", "amount", "opened_at", "expected_close_on", "is_deleted", "Score", None],
        [5.0, 7, 12.5, datetime(2026, 7, 1), date(2026, 8, 1), True, 3.0, None],
        ["007", "Won", None, datetime(2026, 7, 1, 10, 30), datetime(2026, 8, 1, 10, 30), False, "x"],
        [None, None, None, None, None, None, None, None],
        [8, "#N/A", None, None, None, None, None],
    ]
    write_excel(company.folder / "opportunities.xlsx", rows)
    company.configure(
        {"name": "acme", "kind": "files", "path": "exports"}, reporting={"timezone": "America/New_York"}
    )
    company.extract()
    first, second = company.current("opportunities")["5"], company.current("opportunities")["007"]
    assert (first["stage"], first["amount"], first["is_deleted"]) == ("7", Decimal("12.5"), True)
    assert (first["opened_at"], first["expected_close_on"]) == (datetime(2026, 7, 1, 4), date(2026, 8, 1))
    assert (second["opened_at"], second["expected_close_on"]) == (
        datetime(2026, 7, 1, 10, 30),
        date(2026, 8, 1),
    )
    assert company.custom("opportunities") == {"5": {"Score": 3}, "007": {"Score": "x"}}
    assert [(row, problem) for _, _, row, _, _, problem, _ in company.problems()] == [
        (5, "a cell holds the Excel error #N/A")
    ]


def test_values_beside_the_excel_table_are_reported(company):
    write_excel(
        company.folder / "opportunities.xlsx", [["source_id", "stage"], [1, "Won", "note"], [2, "Won"]]
    )
    company.extract()
    assert company.live("opportunities") == {"2"}
    assert company.problems()[0][5] == "the row has values right of the header's 2 columns"


def test_the_sheet_is_the_only_one_the_one_named_like_the_entity_or_the_configured_one(company):
    write_excel(
        company.folder / "book.xlsx", [["source_id", "stage"], ["1", "Won"]], "Opportunities", ["Notes"]
    )
    company.map("opportunities", "book.xlsx")
    company.extract()
    assert company.live("opportunities") == {"1"}
    write_excel(company.folder / "book.xlsx", [["source_id", "stage"], ["1", "Lost"]], "Deals", ["Notes"])
    company.map("opportunities", "book.xlsx", sheet="Deals")
    company.extract()
    assert company.column("opportunities", "stage") == {"1": "Lost"}


# --- Parquet ------------------------------------------------------------------------------------------


def test_parquet_types_are_taken_as_they_are(company):
    company.folder.joinpath("opportunities.parquet").unlink(missing_ok=True)
    con = duckdb.connect()
    con.execute("set TimeZone = 'Asia/Tokyo'")
    con.execute(
        "copy (select 5::bigint as source_id, 'Won' as stage, 12.345678::decimal(20, 6) as amount,"
        " timestamptz '2026-07-01 10:00:00+02:00' as opened_at,"
        " timestamp '2026-07-01 10:00:00.5' as closed_at,"
        " date '2026-08-01' as expected_close_on, true as is_deleted, 0.25::double as probability,"
        " [1, 2] as numbers, {'a': 1.5::decimal(3, 1)} as record, null::integer as nothing"
        " union all select 6, 'Open', null, timestamptz '1969-12-31 23:59:59.25+00', null, null,"
        " null, 'nan'::double,"
        f" [], null, 3) to '{company.folder}/opportunities.parquet'"
    )
    company.extract()
    first, second = company.current("opportunities")["5"], company.current("opportunities")["6"]
    assert first["amount"] == Decimal("12.3457")
    assert (first["opened_at"], first["closed_at"]) == (
        datetime(2026, 7, 1, 8),
        datetime(2026, 7, 1, 10, 0, 0, 500000),
    )
    assert (first["expected_close_on"], first["is_deleted"], first["probability"]) == (
        date(2026, 8, 1),
        True,
        0.25,
    )
    assert second["opened_at"] == datetime(1969, 12, 31, 23, 59, 59, 250000)
    assert second["probability"] is None
    assert company.custom("opportunities") == {
        "5": {"numbers": [1, 2], "record": {"a": "1.5"}},
        "6": {"nothing": 3, "numbers": []},
    }


# --- reference lists ------------------------------------------------------------------------------------


def test_values_a_reference_list_does_not_have_are_counted_and_load(company):
    company.write("products.csv", "product,price\nGTX Pro,1\n GTX Basic ,2\n")
    company.write(
        "deals.csv",
        "source_id,stage,product\n1,Won,GTXPro\n2,Won,GTX Basic\n3,Won,GTXPro\n4,Won,\n5,Won,Zeppelin\n",
    )
    company.map(
        "opportunities", "deals.csv", allowed={"product": {"file": "products.csv", "column": "product"}}
    )
    assert company.extract_one().rows_appended == 5
    assert company.problems() == [
        (
            "opportunities",
            "deals.csv",
            2,
            "product",
            "GTXPro",
            "not listed in products.csv, column product (2 rows); the nearest listed value is 'GTX Pro'",
            "warning",
        ),
        (
            "opportunities",
            "deals.csv",
            6,
            "product",
            "Zeppelin",
            "not listed in products.csv, column product (1 row)",
            "warning",
        ),
    ]
    company.write("products.csv", "product,price\nGTX Pro,1\nGTX Basic,2\nGTXPro,1\nZeppelin,9\n")
    assert company.extract_one().skipped is False
    assert company.query("select * from raw_acme._problems where run_id = 'run2'") == []


def test_warnings_do_not_stop_a_strict_run(company):
    company.write("products.csv", "product\nGTX Pro\n")
    company.write("deals.csv", "source_id,stage,product\n1,Won,GTXPro\n")
    company.map(
        "opportunities", "deals.csv", allowed={"product": {"file": "products.csv", "column": "product"}}
    )
    company.configure(company.settings.sources[0].model_dump(mode="json"), strict=True)
    assert company.extract_one().rows_appended == 1


def test_a_file_that_changes_while_it_is_read_is_not_believed(company):
    path = company.write_rows(
        "opportunities.csv", ["source_id", "stage"], [[number, "Won"] for number in range(30_000)]
    )

    def append(entity, rows):
        if rows == 20_000:
            path.open("a").write("x,Won\n")

    with pytest.raises(
        SourceFailed, match=r"exports/opportunities\.csv changed while it was read; run again"
    ):
        company.extract(progress=append)


def test_checking_a_source_names_what_would_be_read_and_loads_nothing(company):
    company.write("accounts.csv", "source_id,name\na1,Acme\n")
    company.write("users.csv", "source_id,name\nu1,Ann\n")
    assert company.check() == [("accounts", "accounts.csv"), ("users", "users.csv")]
    assert not company.home.exists()


def test_an_aware_extraction_time_is_stored_in_utc(company, monkeypatch):
    company.write("accounts.csv", "source_id,name\na1,Acme\n")
    moment = datetime(2026, 11, 1, 7, tzinfo=UTC).astimezone()
    monkeypatch.setattr(type(company), "extracted_at", moment)
    company.extract()
    assert company.column("accounts", "_extracted_at") == {"a1": datetime(2026, 11, 1, 7)}
