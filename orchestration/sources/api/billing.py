"""How billing systems write amounts, in the smallest unit of a currency, and times, in seconds since 1970."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

# Amounts are in the smallest unit of a currency: mostly a hundredth, in these a whole, in those a thousandth.
_WHOLE = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THOUSANDTHS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])


def moment(seconds: int | None) -> datetime | None:
    """A time in seconds since 1970 as naive UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def major_units(amount: Any, currency: str | None) -> Decimal | None:
    """An amount of smallest units in the currency's own: 1234 is 12.34 dollars, 1,234 yen, 1.234 dinars."""
    if amount is None:
        return None
    code = (currency or "").upper()
    exponent = 0 if code in _WHOLE else 3 if code in _THOUSANDTHS else 2
    return Decimal(str(amount)).scaleb(-exponent)
