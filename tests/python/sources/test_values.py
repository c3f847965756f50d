"""How single values are read. Canonical texts are worked out by hand."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.contract import Column
from orchestration.sources.values import MAX_CHARACTERS, ValueOptions, parser


def read(kind, value, one_of=(), **options):
    return parser(Column("x", kind, one_of=one_of), ValueOptions(**options))(value)


def refusal(kind, value, one_of=(), **options):
    with pytest.raises(ValueError) as failure:
        read(kind, value, one_of, **options)
    return str(failure.value)


@pytest.mark.parametrize(
    "kind", ["text", "timestamp", "date", "boolean", "integer", "money", "ratio", "json"]
)
@pytest.mark.parametrize("blank", ["", "  ", "\t\n", None, "\u00a0", float("nan")])
def test_blank_is_null_in_every_type(kind, blank):
    assert read(kind, blank) is None


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ("  Acme  ", "Acme"),
        ("1e5", "1e5"),
        ("007", "007"),
        ("line one\nline two", "line one\nline two"),
        ("TRUE", "TRUE"),
        (5.0, "5"),
        (5.25, "5.25"),
        (7, "7"),
        (True, "true"),
        (Decimal("12.500"), "12.5"),
        (Decimal("100"), "100"),
        (date(2026, 1, 31), "2026-01-31"),
        ({"b": 1, "a": [2]}, '{"a":[2],"b":1}'),
        ("😀 שלום", "😀 שלום"),
    ],
)
def test_text_stays_as_it_is_and_numbers_of_spreadsheets_become_plain_text(found, kept):
    assert read("text", found) == kept


@pytest.mark.parametrize(
    ("found", "utc"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01 10:00:00.000000"),
        ("2026-03-01 10:00:00+02:00", "2026-03-01 08:00:00.000000"),
        ("2026-03-01T10:00:00.123456789Z", "2026-03-01 10:00:00.123456"),
        ("2026-03-01T10:00:00,5Z", "2026-03-01 10:00:00.500000"),
        ("2026-03-01 10:00", "2026-03-01 10:00:00.000000"),
        ("2026-03-01 10:00:00 UTC", "2026-03-01 10:00:00.000000"),
        ("2026-03-01 10:00:00+0530", "2026-03-01 04:30:00.000000"),
        ("2026-03-01 10:00:00.5-08", "2026-03-01 18:00:00.500000"),
        ("2026-03-01", "2026-03-01 00:00:00.000000"),
        (datetime(2026, 3, 1, 10, tzinfo=timezone(timedelta(hours=1))), "2026-03-01 09:00:00.000000"),
        (datetime(2026, 3, 1, 10), "2026-03-01 10:00:00.000000"),
    ],
)
def test_timestamps_become_utc(found, utc):
    assert read("timestamp", found) == utc


def test_naive_timestamps_are_in_the_zone_of_the_source():
    assert read("timestamp", "2026-07-01 10:00:00", timezone="Europe/Berlin") == "2026-07-01 08:00:00.000000"
    assert (
        read("timestamp", "2026-07-01 10:00:00", reporting_timezone="Europe/Berlin")
        == "2026-07-01 10:00:00.000000"
    )


def test_a_bare_day_in_a_timestamp_begins_at_midnight_of_the_source_else_of_the_reader():
    assert (
        read("timestamp", "2026-07-01", reporting_timezone="America/New_York") == "2026-07-01 04:00:00.000000"
    )
    assert (
        read("timestamp", "2026-07-01", timezone="Europe/Berlin", reporting_timezone="America/New_York")
        == "2026-06-30 22:00:00.000000"
    )
    assert (
        read("timestamp", "07/01/2026", format="%m/%d/%Y", reporting_timezone="America/New_York")
        == "2026-07-01 04:00:00.000000"
    )


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        # Berlin jumps from 02:00 to 03:00 on 2026-03-29 and repeats 02:00-03:00 on 2026-10-25.
        ("2026-03-29 02:30:00", "2026-03-29 01:30:00.000000"),
        ("2026-10-25 02:30:00", "2026-10-25 00:30:00.000000"),
    ],
)
def test_clock_changes_are_read_with_the_offset_before_the_change(local, utc):
    assert read("timestamp", local, timezone="Europe/Berlin") == utc


@pytest.mark.parametrize(
    "wrong",
    [
        "yesterday",
        "01/02/2026",
        "2026-02-30",
        "2026-13-01",
        "2026-1-5",
        "20260105",
        "2026-W01-1",
        "2026-01-01T25:00:00Z",
        "infinity",
        "epoch",
        "1767225600",
        1767225600,
        "2026-01-01 10:00:00 CET",
    ],
)
@pytest.mark.parametrize("kind", ["timestamp", "date"])
def test_what_is_no_iso_time_is_refused_without_a_format(kind, wrong):
    assert refusal(kind, wrong).startswith("not a ")


def test_a_format_is_followed_to_the_letter():
    assert read("date", "3/1/2017", format="%m/%d/%Y") == "2017-03-01"
    assert read("timestamp", "1 Feb 2026 3:05 PM", format="%d %b %Y %I:%M %p") == "2026-02-01 15:05:00.000000"
    assert (
        read("timestamp", "01.02.2026 10:00 +0200", format="%d.%m.%Y %H:%M %z")
        == "2026-02-01 08:00:00.000000"
    )
    assert "in the format %m/%d/%Y" in refusal("date", "2017-03-01", format="%m/%d/%Y")
    assert "in the format %m/%d/%Y" in refusal("date", "13/01/2017", format="%m/%d/%Y")


def test_a_native_date_needs_no_format():
    assert read("date", date(2017, 3, 1), format="%m/%d/%Y") == "2017-03-01"


def test_a_moment_in_a_date_column_is_its_day_for_the_reader():
    assert read("date", "2026-03-01T23:30:00Z", reporting_timezone="Europe/Berlin") == "2026-03-02"
    assert read("date", "2026-03-01T23:30:00Z", timezone="America/New_York") == "2026-03-01"
    assert read("date", "2026-03-01 00:00:00", reporting_timezone="America/New_York") == "2026-03-01"


@pytest.mark.parametrize("word", ["true", "YES", "y", "T", "1", 1, 1.0, True])
def test_words_for_true(word):
    assert read("boolean", word) == "true"


@pytest.mark.parametrize("word", ["false", "No", "N", "f", "0", 0, 0.0, False])
def test_words_for_false(word):
    assert read("boolean", word) == "false"


@pytest.mark.parametrize("word", ["maybe", "2", "on", -1])
def test_other_words_are_not_boolean(word):
    assert refusal("boolean", word) == "not true or false"


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ("5", "5"),
        ("+5", "5"),
        ("-12", "-12"),
        ("5.0", "5"),
        ("5.", "5"),
        ("007", "7"),
        (5.0, "5"),
        ("-0", "0"),
        ("9223372036854775807", "9223372036854775807"),
        (Decimal("3.00"), "3"),
    ],
)
def test_integers(found, kept):
    assert read("integer", found) == kept


@pytest.mark.parametrize(
    "wrong", ["5.5", "1e5", "1,000", "abc", "٣", "--5", "9223372036854775808", 5.5, True, "1_000"]
)
def test_what_is_no_integer_is_refused(wrong):
    assert "whole number" in refusal("integer", wrong)


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ("1054", "1054.0000"),
        ("-3.14159", "-3.1416"),
        ("0.00005", "0.0001"),
        ("-0.00005", "-0.0001"),
        ("0.00004", "0.0000"),
        ("-0.00004", "0.0000"),
        (".5", "0.5000"),
        ("99999999999999.9999", "99999999999999.9999"),
        (1e5, "100000.0000"),
        (0.1, "0.1000"),
        (Decimal("1E+5"), "100000.0000"),
    ],
)
def test_money_is_rounded_half_up_to_four_places(found, kept):
    assert read("money", found) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        "1e5",
        "$5",
        "5 €",
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "1,000.50",
        "100000000000000",
        "99999999999999.99995",
        float("inf"),
        Decimal("Infinity"),
        Decimal("NaN"),
        "9" * 400,
        "1 000",
        True,
        "１２",
    ],
)
def test_what_is_no_amount_is_refused(wrong):
    assert refusal("money", wrong).startswith("not an amount")


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ("1.234.567,89", "1234567.8900"),
        ("1 234,5", "1234.5000"),
        ("1\u00a0234,5", "1234.5000"),
        ("-5,5", "-5.5000"),
        ("1234", "1234.0000"),
        (",5", "0.5000"),
        ("12.345", "12345.0000"),
        (1.5, "1.5000"),
    ],
)
def test_a_decimal_comma_makes_points_and_spaces_thousands(found, kept):
    assert read("money", found, decimal=",") == kept


@pytest.mark.parametrize("wrong", ["1.5", "1.23,4", "1,2,3", "1234.567,8"])
def test_a_decimal_comma_refuses_what_could_be_a_decimal_point(wrong):
    assert "decimal comma" in refusal("money", wrong, decimal=",")


def test_a_comma_in_a_number_hints_at_the_setting():
    assert "decimal: ','" in refusal("money", "12,5")


@pytest.mark.parametrize(
    ("found", "kept"), [("0.63", "0.63"), ("1e-3", "0.001"), (1, "1.0"), ("-0", "0.0"), ("10", "10.0")]
)
def test_ratios_are_floats(found, kept):
    assert read("ratio", found) == kept


@pytest.mark.parametrize("wrong", ["63%", "nan", "inf", "1e999", float("inf"), "abc", True])
def test_ratios_are_finite_numbers(wrong):
    assert refusal("ratio", wrong).startswith("not a")


def test_json_is_an_object_with_sorted_keys():
    assert read("json", '{"b": 1, "a": {"d": null, "c": "é"}}') == '{"a":{"c":"é","d":null},"b":1}'
    assert read("json", {"stripe": "cus_1"}) == '{"stripe":"cus_1"}'


@pytest.mark.parametrize("wrong", ["[1]", "5", '"x"', "{", "{'a': 1}", '{"a": NaN}', "[" * 100_000])
def test_what_is_no_json_object_is_refused(wrong):
    assert "JSON" in refusal("json", wrong)


def test_listed_values_are_compared_without_case_and_stored_as_listed():
    assert read("text", " New_Business ", one_of=("new_business", "renewal")) == "new_business"
    assert refusal("text", "upsell", one_of=("new_business", "renewal")) == "not one of new_business, renewal"


@pytest.mark.parametrize("kind", ["text", "json", "money", "date"])
def test_nul_halves_of_surrogates_and_endless_texts_are_refused_in_every_type(kind):
    assert "NUL" in refusal(kind, "a\0b")
    assert "surrogate" in refusal(kind, "a\ud800b")
    assert "longer than 1,000,000 characters" in refusal(kind, "x" * (MAX_CHARACTERS + 1))


def test_the_longest_text_is_kept():
    assert read("text", "x" * MAX_CHARACTERS) == "x" * MAX_CHARACTERS


@given(st.decimals(min_value=-(10**13), max_value=10**13, places=4, allow_nan=False, allow_infinity=False))
def test_every_amount_of_four_places_survives(amount):
    assert Decimal(read("money", str(amount))) == amount


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)))
def test_every_moment_survives_with_its_offset(moment):
    offset = moment.utcoffset()
    assert offset is not None
    if offset.microseconds or offset.seconds % 60:
        return
    utc = (moment.replace(tzinfo=None) - offset).isoformat(" ", "microseconds")
    assert read("timestamp", moment.isoformat()) == utc


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=50))
def test_text_is_only_trimmed(text):
    assert read("text", text) == (text.strip() or None)
