"""Ids as each vendor forms them, from the world's own."""

import hashlib

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _number(*key: str) -> int:
    return int.from_bytes(hashlib.sha256("|".join(key).encode()).digest()[:10], "big")


def _base62(number: int, length: int) -> str:
    letters = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        letters += _DIGITS[digit]
    return letters


def salesforce(prefix: str, key: str) -> str:
    """18 letters and digits; the first three say what it is, e.g. 001 an account."""
    return prefix + _base62(_number(prefix, key), 12) + "AAA"


def hubspot(kind: str, key: str) -> str:
    """A number of eleven digits."""
    return str(10**10 + _number("hubspot", kind, key) % (9 * 10**10))


def zendesk(kind: str, key: str) -> str:
    """A number of twelve digits."""
    return str(10**11 + _number("zendesk", kind, key) % (9 * 10**11))


def stripe(prefix: str, key: str) -> str:
    """A prefix that says what it is, and fourteen letters, e.g. cus_N3vK7…"""
    return f"{prefix}_{_base62(_number('stripe', prefix, key), 14)}"
