"""The cursor of a table: the value from which on rows are read again."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

# Rows that were written before the last read but committed after it lie at most this far behind it.
LAG = timedelta(hours=1)
DAY_LAG = timedelta(days=1)

CursorValue = datetime | date | int | Decimal | str


class Cursor:
    """Follows the highest cursor value of a read, no later than the read itself.

    A row stamped in the future would otherwise hide all later rows until then.
    """

    def __init__(self, extracted_at: datetime, timezone: str | None) -> None:
        """`extracted_at` is naive UTC; `timezone` is that of naive timestamps in the table (None: UTC)."""
        self._now = extracted_at.replace(tzinfo=UTC)
        self._zone = ZoneInfo(timezone) if timezone else UTC
        self._highest: CursorValue | None = None

    def see(self, values: Iterable[object]) -> None:
        """Take note of cursor values; empty ones are read every time and do not count."""
        found = [_comparable(value) for value in values if value is not None]
        if self._highest is not None:
            found.append(self._highest)
        if found:
            self._highest = max(found)

    def stored(self) -> str | None:
        """The value to record with the read, None if the table had none."""
        value = self._highest
        if value is None:
            return None
        if isinstance(value, datetime):
            now = self._now if value.tzinfo else self._now.astimezone(self._zone).replace(tzinfo=None)
            return json.dumps(["timestamp", min(value, now).isoformat()])
        if isinstance(value, date):
            return json.dumps(["date", min(value, self._now.astimezone(self._zone).date()).isoformat()])
        if isinstance(value, str):
            return json.dumps(["text", self._no_later_than_now(value)])
        return json.dumps(["number", str(value)])

    def _no_later_than_now(self, text: str) -> str:
        moment = _moment(text)
        if moment is None:
            return text
        now = self._now if moment.tzinfo else self._now.astimezone(self._zone).replace(tzinfo=None)
        return text if moment <= now else _like(text, now)


def lower_bound(stored: str) -> CursorValue:
    """Where the next read begins: the stored value less the lag."""
    kind, text = json.loads(stored)
    if kind == "timestamp":
        return datetime.fromisoformat(text) - LAG
    if kind == "date":
        return date.fromisoformat(text) - DAY_LAG
    if kind == "number":
        number = Decimal(text)
        return int(number) if number == number.to_integral_value() else number
    moment = _moment(text)
    return text if moment is None else _like(text, moment - LAG)


def _comparable(value: object) -> CursorValue:
    if isinstance(value, datetime | date | int | Decimal | str):
        return value
    return Decimal(repr(value)) if isinstance(value, float) else str(value)


def _moment(text: str) -> datetime | None:
    """A timestamp that a database without such a type keeps as text."""
    try:
        return datetime.fromisoformat(text) if len(text) >= len("2026-01-31 09:30") else None
    except ValueError:
        return None


def _like(text: str, moment: datetime) -> str:
    """The moment as text that sorts among texts written like `text`."""
    written = moment.replace(microsecond=0).isoformat(sep="T" if "T" in text else " ")
    return written.replace("+00:00", "Z") if text.endswith("Z") else written
