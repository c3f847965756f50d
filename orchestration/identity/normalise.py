"""Names, domains, addresses and numbers as found, brought to the form in which records are compared.

Every function is pure and returns None where nothing usable is left. Callers run them over distinct values.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from publicsuffixlist import PublicSuffixList

from orchestration.identity.lexicon import rows, words

_HOST = re.compile(r"^(?:[a-z][a-z0-9+.\-]*:)?(?://)?(?:[^/@?#]*@)?([^/:?#\s]+)")
_LABEL = re.compile(r"^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$")
_DOTTED = re.compile(r"\b(?:[a-z]\.\s?){2,}(?:[a-z]\b)?")
_NO_WORD = re.compile(r"[^0-9a-z]+")
_FOLDED = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "\u0131": "i", "þ": "th"}
)
_NOTHING = frozenset({"", "n/a", "na", "none", "null", "unknown", "test", "-", "--", "tbd", "nan", "?"})


def fold(text: str) -> str:
    """Lower case without accents; letters that do not decompose are spelled out."""
    lowered = text.strip().lower().translate(_FOLDED)
    return "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))


@cache
def _suffixes(icann_only: bool) -> PublicSuffixList:
    return PublicSuffixList(only_icann=icann_only)


def registrable_domain(text: str | None, aliases: Mapping[str, str] | None = None) -> str | None:
    """The registrable domain of a URL, host or e-mail domain, in ASCII; None for addresses and bare words."""
    if text is None:
        return None
    found = _HOST.match(text.strip().lower())
    if found is None:
        return None
    host = found.group(1).strip(".")
    try:
        host = host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    labels = host.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(_LABEL.match(part) for part in labels):
        return None
    domain = _suffixes(False).privatesuffix(host)
    if domain is None:
        return None
    return (aliases or {}).get(domain, domain)


def domain_class(domain: str, classes: Mapping[str, str]) -> str:
    """free, platform, corporate or shared_parent; a domain no rule names is corporate.

    A sub-domain under a platform's own suffix (x.wixsite.com) counts as the platform.
    """
    if domain in classes:
        return classes[domain]
    above = _suffixes(True).privatesuffix(domain)
    return classes.get(above, "corporate") if above else "corporate"


@dataclass(frozen=True)
class CompanyName:
    """A company name in parts: `core` without legal form and place, `places` the geography it names."""

    core: str
    places: str
    plain: str = field(compare=False)


def company_name(text: str | None) -> CompanyName | None:
    """Parts of a company name; None when nothing is left to compare."""
    if text is None or text.strip().lower() in _NOTHING:
        return None
    folded = fold(text).replace("&", " and ").replace("+", " and ").replace("'", "").replace("\u2019", "")
    folded = _DOTTED.sub(lambda m: m.group(0).replace(".", "").replace(" ", "") + " ", folded)
    tokens = [t for t in _NO_WORD.sub(" ", folded).split() if t]
    if tokens[:1] == ["the"] and len(tokens) > 1:
        tokens = tokens[1:]
    plain = " ".join(tokens)
    if not plain:
        return CompanyName(fold(text), "", fold(text))
    core = _without_form(tokens)
    named = {row[0]: row[1] for row in rows("qualifiers")}
    places = sorted({named[t] for t in core[1:] if t in named})
    kept = [core[0]] + [t for t in core[1:] if t not in named]
    return CompanyName(" ".join(kept), " ".join(places), plain)


def _without_form(tokens: list[str]) -> list[str]:
    forms = words("legal_forms")
    end = len(tokens)
    while end > 1 and (tokens[end - 1] in forms or (tokens[end - 1] in ("and", "et", "und"))):
        end -= 1
    return tokens[:end]
