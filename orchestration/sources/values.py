"""How a value found at a source becomes a value of an entry column. Nothing is guessed.

A parsed value is its canonical text, so that the same content always has the same hash: timestamps
`2026-01-31 09:30:00.000000` (UTC), dates `2026-01-31`, booleans `true`/`false`, money with four decimals.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from orchestration.contract import Column

MAX_CHARACTERS = 1_000_000

Parse = Callable[[object], str | None]


@dataclass(frozen=True)
class ValueOptions:
    """How one column is written at its source.

    `timezone` is the zone of naive timestamps (None: UTC) and of days; `reporting_timezone` is that of days
    where `timezone` is None. `format` is a strptime format that text dates and timestamps must follow.
    """

    decimal: str = "."
    timezone: str | None = None
    reporting_timezone: str = "UTC"
    format: str | None = None


def parser(column: Column, options: ValueOptions) -> Parse:
    """A function from a value as found to its canonical text, None where empty.

    It raises ValueError with words that complete the sentence "<value> is …".
    """
    parse = _PARSERS[column.type](options)
    if column.one_of:
        parse = _one_of(column, parse)
    return parse


def clean(value: object) -> object:
    """The value with surrounding blanks trimmed, None where nothing is left."""
    if isinstance(value, str):
        return _checked(value.strip()) or None
    if isinstance(value, bytes):
        try:
            return clean(value.decode("utf-8"))
        except UnicodeDecodeError:
            raise ValueError("not text (bytes that are not UTF-8)") from None
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def trimmed_texts(values: Sequence[object], *, required: bool) -> list[str | None] | None:
    """`clean` of a whole column of text at once, or None where a value needs a closer look."""
    try:
        texts = [value.strip() for value in values]  # type: ignore[attr-defined]
        together = "".join(texts)
        together.encode()
    except (AttributeError, TypeError, UnicodeEncodeError):
        return None
    if "\0" in together or (required and "" in texts) or max(map(len, texts), default=0) > MAX_CHARACTERS:
        return None
    return [text or None for text in texts]


def as_json(value: object) -> str:
    """Canonical JSON text of a value of any type a source may hold: sorted keys, no spaces."""
    try:
        text = json.dumps(
            value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain
        )
    except (RecursionError, TypeError, ValueError):
        raise ValueError("not valid JSON (nested too deeply, not a number, or keys of mixed types)") from None
    return _checked(text)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    return _text_of(value)


def _checked(text: str) -> str:
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"longer than {MAX_CHARACTERS:,} characters")
    if "\0" in text:
        raise ValueError("not text (it contains a NUL character)")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("not text (it contains half of a surrogate pair)") from None
    return text


def _one_of(column: Column, parse: Parse) -> Parse:
    listed = {value.casefold(): value for value in column.one_of}

    def parse_listed(value: object) -> str | None:
        text = parse(value)
        if text is None:
            return None
        try:
            return listed[text.casefold()]
        except KeyError:
            raise ValueError(f"not one of {', '.join(column.one_of)}") from None

    return parse_listed


# --- text and json --------------------------------------------------------------------------------


def _text(options: ValueOptions) -> Parse:
    def parse(value: object) -> str | None:
        value = clean(value)
        return None if value is None else _checked(_text_of(value))

    return parse


def _text_of(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Spreadsheets and JSON writers turn the id 5 into 5.0.
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict | list | tuple):
        return as_json(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _json(options: ValueOptions) -> Parse:
    def parse(value: object) -> str | None:
        value = clean(value)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                value = json.loads(value, parse_constant=_refuse_constant)
            except (ValueError, RecursionError):
                raise ValueError("not valid JSON") from None
        if not isinstance(value, dict):
            raise ValueError('not a JSON object such as {"crm": "17"}')
        return as_json(value)

    return parse


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


# --- numbers --------------------------------------------------------------------------------------

_PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_COMMA_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}([. \u00a0\u202f]\d{3})+)(,\d*)?|[+-]?,\d+", re.ASCII)
_MONEY_STEP = Decimal("0.0001")
_MONEY_LIMIT = Decimal(10) ** 14


def _decimal_of(value: object, options: ValueOptions, wanted: str) -> Decimal:
    if isinstance(value, bool):
        raise ValueError(f"not {wanted}")
    if isinstance(value, int | Decimal):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    if not isinstance(value, str):
        raise ValueError(f"not {wanted}")
    if options.decimal == ",":
        if not _COMMA_NUMBER.fullmatch(value):
            raise ValueError(f"not {wanted} written with a decimal comma")
        value = re.sub(r"[. \u00a0\u202f]", "", value).replace(",", ".")
    elif not _PLAIN_NUMBER.fullmatch(value):
        hint = " (for a decimal comma set decimal: ',')" if "," in value else ""
        raise ValueError(f"not {wanted}{hint}")
    return Decimal(value)


def _integer(options: ValueOptions) -> Parse:
    def parse(value: object) -> str | None:
        value = clean(value)
        if value is None:
            return None
        number = _decimal_of(value, options, "a whole number")
        if not number.is_finite() or number != number.to_integral_value():
            raise ValueError("not a whole number")
        if not -(2**63) <= number < 2**63:
            raise ValueError("too large for a whole number (64 bits)")
        return str(int(number))

    return parse


def _money(options: ValueOptions) -> Parse:
    def parse(value: object) -> str | None:
        value = clean(value)
        if value is None:
            return None
        number = _decimal_of(value, options, "an amount")
        try:
            rounded = number.quantize(_MONEY_STEP, rounding=ROUND_HALF_UP)
        except InvalidOperation:
            raise ValueError("not an amount with at most 14 digits before the point") from None
        if not rounded.is_finite() or abs(rounded) >= _MONEY_LIMIT:
            raise ValueError("not an amount with at most 14 digits before the point")
        return str(abs(rounded) if rounded == 0 else rounded)

    return parse


_FLOAT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def _ratio(options: ValueOptions) -> Parse:
    def parse(value: object) -> str | None:
        value = clean(value)
        if value is None:
            return None
        if isinstance(value, str) and options.decimal == "." and _FLOAT.fullmatch(value):
            number = float(value)
        else:
            number = float(_decimal_of(value, options, "a number"))
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        return repr(number + 0.0)

    return parse


_TRUE = frozenset({"true", "yes", "y", "t", "1"})
_FALSE = frozenset({"false", "no", "n", "f", "0"})


def _boolean(options: ValueOptions) -> Parse:
    def parse(value: object) -> str | None:
        value = clean(value)
        if value is None:
            return None
        word = _text_of(value).casefold()
        if word in _TRUE:
            return "true"
        if word in _FALSE:
            return "false"
        raise ValueError("not true or false")

    return parse


# --- time -----------------------------------------------------------------------------------------

_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?) ?(Z|z|UTC|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME_DIRECTIVE = re.compile(r"%[HIMSfpTXcs]")


def _moment(value: object, options: ValueOptions, wanted: str) -> datetime | date:
    """The value as a day, or as a datetime that is naive where its source wrote no offset."""
    if isinstance(value, datetime | date):
        return value
    if not isinstance(value, str):
        raise ValueError(f"not {wanted}")
    if options.format is not None:
        try:
            found = datetime.strptime(value, options.format)
        except ValueError:
            raise ValueError(f"not {wanted} in the format {options.format}") from None
        return found if _TIME_DIRECTIVE.search(options.format) else found.date()
    try:
        if _DAY.fullmatch(value):
            return date.fromisoformat(value)
        if match := _MOMENT.fullmatch(value):
            day, clock, offset = match.groups()
            offset = "+00:00" if offset in ("Z", "z", "UTC") else offset or ""
            return datetime.fromisoformat(f"{day}T{clock.replace(',', '.')}{offset}")
    except ValueError:
        raise ValueError(f"not {wanted} (no such day or time)") from None
    raise ValueError(f"not {wanted} (write it like 2026-01-31, or give its format under formats)")


def _zones(options: ValueOptions) -> tuple[tzinfo, tzinfo]:
    """The zone of naive timestamps and the zone in which a bare day begins."""
    naive: tzinfo = ZoneInfo(options.timezone) if options.timezone else UTC
    return naive, naive if options.timezone else ZoneInfo(options.reporting_timezone)


def _timestamp(options: ValueOptions) -> Parse:
    zone, day_zone = _zones(options)

    def parse(value: object) -> str | None:
        value = clean(value)
        if value is None:
            return None
        found = _moment(value, options, "a timestamp")
        if not isinstance(found, datetime):
            found = datetime.combine(found, time(), day_zone)
        elif found.tzinfo is None:
            # A time that a clock change skips or repeats is read with the offset before the change.
            found = found.replace(tzinfo=zone)
        try:
            moment = found.astimezone(UTC)
        except OverflowError:
            raise ValueError("not a timestamp between the years 1 and 9999") from None
        return moment.replace(tzinfo=None).isoformat(" ", "microseconds")

    return parse


def _date(options: ValueOptions) -> Parse:
    _, day_zone = _zones(options)

    def parse(value: object) -> str | None:
        value = clean(value)
        if value is None:
            return None
        found = _moment(value, options, "a date")
        if isinstance(found, datetime):
            if found.tzinfo is not None:
                try:
                    found = found.astimezone(day_zone)
                except OverflowError:
                    raise ValueError("not a date between the years 1 and 9999") from None
            found = found.date()
        return found.isoformat()

    return parse


_PARSERS: dict[str, Callable[[ValueOptions], Parse]] = {
    "text": _text,
    "json": _json,
    "integer": _integer,
    "money": _money,
    "ratio": _ratio,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "date": _date,
}


def sql_type(word: str) -> str:
    """The DuckDB type of a contract type."""
    return _SQL_TYPES[word]


_SQL_TYPES: dict[str, str] = {
    "text": "varchar",
    "json": "varchar",
    "integer": "bigint",
    "money": "decimal(18, 4)",
    "ratio": "double",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "date": "date",
}
