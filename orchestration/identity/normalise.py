"""Names, domains, addresses and numbers as found, brought to the form in which records are compared.

Every function is pure and returns None where nothing usable is left. Callers run them over distinct values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache

from anyascii import anyascii
from publicsuffixlist import PublicSuffixList

from orchestration.identity.lexicon import rows, words

_HOST = re.compile(r"^(?:[a-z][a-z0-9+.\-]*:)?(?://)?(?:[^/@?#]*@)?([^/:?#\s]+)")
_LABEL = re.compile(r"^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$")
_DOTTED = re.compile(r"\b(?:[a-z]\.\s?){2,}(?:[a-z]\b)?")
_NO_WORD = re.compile(r"[^0-9a-z]+")
_SECOND = re.compile(r";.*$")
_ASIDE = re.compile(r"\s*\([^()]*\)?\s*$")
_BETWEEN_FORMS = frozenset({"and", "et", "und", "mit"})
_NOTHING = frozenset(
    {"", "n/a", "na", "none", "null", "unknown", "test", "-", "--", "tbd", "tbc", "nan", "?"}
    | {"self employed", "self-employed", "freelance", "freelancer", "private", "privat", "individual"}
    | {"not provided", "not available", "no company", "student", "retired", "unemployed"}
)


def fold(text: str) -> str:
    """Lower case in Latin letters without accents, whatever the script."""
    return latin(text.strip()).lower()


def latin(text: str) -> str:
    """The same text in ASCII: accents left out, other scripts transliterated."""
    return text if text.isascii() else anyascii(text)


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


@lru_cache(maxsize=2**18)
def company_name(text: str | None) -> CompanyName | None:
    """Parts of a company name; None when nothing is left to compare."""
    if text is None or text.strip().lower() in _NOTHING:
        return None
    if not text.isascii():
        for form in words("foreign_forms"):
            text = text.replace(form, " ")
    tokens = _tokens(_without_seat(text))
    if tokens[:1] == ["the"] and len(tokens) > 1:
        tokens = tokens[1:]
    plain = " ".join(tokens)
    if not plain:
        return CompanyName(fold(text), "", fold(text))
    short = _abbreviations()
    core = [short.get(token, token) for token in _without_form(tokens)]
    named = _qualifiers()
    places = sorted({named[t] for t in core[1:] if t in named})
    kept = [core[0]] + [t for t in core[1:] if t not in named]
    return CompanyName(" ".join(kept), " ".join(places), plain)


def _tokens(text: str) -> list[str]:
    """Words without punctuation; letters that stand alone, with full stops or blanks, are one word."""
    folded = fold(text).replace("&", " and ").replace("+", " and ").replace("'", "")
    folded = _DOTTED.sub(lambda m: m.group(0).replace(".", "").replace(" ", "") + " ", folded)
    tokens: list[str] = []
    letters = False
    for token in _NO_WORD.sub(" ", folded).split():
        alone = len(token) == 1 and token.isalpha()
        if alone and letters:
            tokens[-1] += token
        else:
            tokens.append(token)
        letters = alone
    return tokens


def _without_seat(text: str) -> str:
    """The name without what follows its legal form: a seat, a country, a remark in brackets."""
    text = _ASIDE.sub("", _SECOND.sub("", text)) or text
    parts = text.split(",")
    for number in range(1, len(parts)):
        tokens = _tokens(",".join(parts[:number]))
        if len(tokens) > 1 and tokens[-1] in words("legal_forms"):
            rest = _tokens(" ".join(parts[number:]))
            # "Tanaka Co., Ltd." goes on with its form
            return text if rest and rest[-1] in words("legal_forms") else ",".join(parts[:number])
    return text


def _without_form(tokens: list[str]) -> list[str]:
    forms = words("legal_forms")
    end = len(tokens)
    while end > 1 and (tokens[end - 1] in forms or tokens[end - 1] in _BETWEEN_FORMS):
        end -= 1
    start = 0
    while end - start > 1 and tokens[start] in words("leading_forms"):
        start += 1
    return tokens[start:end]


def shortened(words: Iterable[str]) -> list[str]:
    """Words as they stand in the core of a company name."""
    short = _abbreviations()
    return sorted({short.get(word, word) for word in words})


@cache
def _abbreviations() -> Mapping[str, str]:
    return {each: row[0] for row in rows("abbreviations") for each in row[1].split()}


@cache
def _qualifiers() -> Mapping[str, str]:
    return {row[0]: row[1] for row in rows("qualifiers")}
