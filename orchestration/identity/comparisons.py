"""What is compared of two records, level by level, in Splink's words; `training` adds the weights.

Evidence that depends on other evidence is one comparison: a domain is made of the name, an address at work of
the employer. Counted separately it would count twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.identity.policy import Entity


@dataclass(frozen=True)
class Level:
    """One outcome. `frequency` is the column whose rarity adjusts the weight; `m` and `u` are fixed
    by hand where no label can teach them.
    """

    name: str
    condition: str
    frequency: str | None = None
    m: float | None = None
    u: float | None = None
    u_floor: float = 0.0
    is_null: bool = False


@dataclass(frozen=True)
class Comparison:
    """The levels of one comparison, first match first, and the columns it shows in an explanation.

    `may_differ`: one company has two numbers or two towns now and then, however clean the labels.
    """

    name: str
    shows: tuple[str, ...]
    levels: tuple[Level, ...]
    may_differ: bool = False


def _null(*columns: str) -> Level:
    missing = [" and ".join(f'"{c}_{side}" is null' for c in columns) for side in ("l", "r")]
    return Level("not known", f"({missing[0]}) or ({missing[1]})", is_null=True)


_SIMILAR = (
    '(jaro_winkler_similarity("name_l", "name_r") >= 0.94'
    ' or "squeezed_l" = "squeezed_r" or "words_l" = "words_r"'
    ' or (length("name_l") >= 4 and length("name_r") >= 4'
    ' and (starts_with("name_l", "name_r" || \' \') or starts_with("name_r", "name_l" || \' \'))'
    ' and not "is_division_l" and not "is_division_r"))'
)
# Order, blanks, and one slip of the keyboard, two in a long name; never in a number.
_SLIP = (
    '("squeezed_l" = "squeezed_r" or "words_l" = "words_r"'
    ' or (damerau_levenshtein("squeezed_l", "squeezed_r")'
    ' <= case when least(length("squeezed_l"), length("squeezed_r")) >= 16 then 2'
    ' when least(length("squeezed_l"), length("squeezed_r")) >= 8 then 1 else 0 end'
    " and regexp_replace(\"name_l\", '[^0-9]', '', 'g') = regexp_replace(\"name_r\", '[^0-9]', '', 'g')))"
)
_DIVISION = (
    '(starts_with("name_l", "name_r" || \' \') and "is_division_l")'
    ' or (starts_with("name_r", "name_l" || \' \') and "is_division_r")'
)
_NEAR_DOMAIN = '("label_l" = "label_r" or jaro_winkler_similarity("domain_l", "domain_r") >= 0.9)'
_BOTH_DOMAINS = '"domain_l" is not null and "domain_r" is not null'

_APART = (
    Level("another place in the name", f'"places_l" <> "places_r" and {_SIMILAR}', m=0.001),
    Level("a division of the other", _DIVISION, m=0.001),
)

# What a pair can show depends on what both have: with two domains a name is judged beside them, else alone.
NAME_AND_DOMAIN = Comparison(
    "name_and_domain",
    ("name", "places", "domain"),
    (
        Level("not known", f'"name_l" is null or "name_r" is null or not ({_BOTH_DOMAINS})', is_null=True),
        *_APART,
        Level("same domain, similar name", f'"domain_l" = "domain_r" and {_SIMILAR}'),
        Level("same domain, another name", '"domain_l" = "domain_r"'),
        Level("near domain, similar name", f"{_NEAR_DOMAIN} and {_SIMILAR}"),
        Level("other domain, equal name", '"name_l" = "name_r"'),
        Level("other domain, similar name", _SIMILAR),
        Level("other domain, another name", "ELSE"),
    ),
)

NAME_ALONE = Comparison(
    "name_alone",
    ("name", "places"),
    (
        Level("not known", f'"name_l" is null or "name_r" is null or ({_BOTH_DOMAINS})', is_null=True),
        *_APART,
        Level("equal name", '"name_l" = "name_r"', frequency="name"),
        Level("a slip in the name", _SLIP),
        Level("similar name", _SIMILAR),
        Level("another name", "ELSE"),
    ),
)

PLACE = Comparison(
    "place",
    ("street", "postal_code", "city", "country"),
    (
        Level(
            "not known",
            '("street_l" is null and "postal_code_l" is null and "city_l" is null and "country_l" is null)'
            ' or ("street_r" is null and "postal_code_r" is null and "city_r" is null and "country_r" is'
            " null)",
            is_null=True,
        ),
        Level("same street", '"street_l" = "street_r"', frequency="street", u_floor=1e-6),
        Level(
            "similar street, same town",
            'jaro_winkler_similarity("street_l", "street_r") >= 0.9'
            ' and ("city_l" = "city_r" or "postal_code_l" = "postal_code_r")',
        ),
        Level("same postal code", '"postal_code_l" = "postal_code_r"', frequency="postal_code", u_floor=1e-6),
        Level("same town", '"city_l" = "city_r"', frequency="city", u_floor=1e-6),
        Level("similar town", 'levenshtein("city_l", "city_r") <= 2 and length("city_l") >= 5'),
        Level("other country", '"country_l" <> "country_r"'),
        Level("other town", '"city_l" is not null and "city_r" is not null'),
        Level("same country", '"country_l" = "country_r"', frequency="country"),
        Level("not comparable", "ELSE", m=0.5, u=0.5),
    ),
    may_differ=True,
)

PHONE = Comparison(
    "phone",
    ("phone",),
    (
        _null("phone"),
        Level("same number", '"phone_l" = "phone_r"', frequency="phone", u_floor=1e-6),
        Level("another number", "ELSE"),
    ),
    may_differ=True,
)

TAX = Comparison(
    "tax_id",
    ("tax_id",),
    (
        _null("tax_id"),
        Level("same", '"tax_id_l" = "tax_id_r"', m=0.995, u=1e-6),
        Level("different", "ELSE", m=0.005, u=0.999999),
    ),
)

_LAST_KNOWN = '"last_name_l" is not null and "last_name_r" is not null'
NAME = Comparison(
    "name",
    ("first_name", "last_name"),
    (
        _null("first_name", "last_name"),
        Level("same name", '"full_name_l" = "full_name_r"', frequency="full_name"),
        Level("swapped", '"first_name_l" = "last_name_r" and "last_name_l" = "first_name_r"'),
        Level(
            "same family name, initial",
            '"last_name_l" = "last_name_r" and ((("first_name_l" is null) <> ("first_name_r" is null))'
            ' or (starts_with("given_l", left("given_r", 1))'
            ' and least(length("first_name_l"), length("first_name_r")) = 1))',
            frequency="last_name",
        ),
        Level(
            "similar spelling",
            '(jaro_winkler_similarity("given_l", "given_r") >= 0.85'
            ' and jaro_winkler_similarity("last_name_l", "last_name_r") >= 0.88)'
            ' or (jaro_winkler_similarity("first_name_l", "last_name_r") >= 0.88'
            ' and jaro_winkler_similarity("last_name_l", "first_name_r") >= 0.88)',
        ),
        Level("same family name", '"last_name_l" = "last_name_r"', frequency="last_name"),
        Level(
            "same given name, no family name",
            f'"given_l" = "given_r" and not ({_LAST_KNOWN})',
            frequency="given",
        ),
        Level(
            "similar given name, no family name",
            f'jaro_winkler_similarity("given_l", "given_r") >= 0.85 and not ({_LAST_KNOWN})',
        ),
        Level("same given name", '"given_l" = "given_r"', frequency="given"),
        Level("another name", "ELSE"),
    ),
)

_BOTH_MAILS = '"email_l" is not null and "email_r" is not null'
MAIL = Comparison(
    "mail",
    ("email", "company"),
    (
        _null("email"),
        Level("same address", '"email_l" = "email_r"', m=0.7),
        Level(
            "numbered address",
            '"mail_domain_l" = "mail_domain_r" and "local_stem_l" = "local_stem_r" and "local_l" <>'
            ' "local_r"',
            m=0.001,
        ),
        Level("same local part, same employer", '"local_l" = "local_r" and "company_l" = "company_r"'),
        Level(
            "similar address",
            '("mail_domain_l" = "mail_domain_r" and damerau_levenshtein("local_l", "local_r") <= 2'
            ' and length("local_l") >= 5 and left("local_l", 1) = left("local_r", 1)'
            " and regexp_replace(\"local_l\", '[^0-9]', '', 'g')"
            " = regexp_replace(\"local_r\", '[^0-9]', '', 'g'))"
            ' or ("local_l" = "local_r" and damerau_levenshtein("mail_domain_l", "mail_domain_r") <= 2'
            ' and length("mail_domain_l") >= 8)',
        ),
        Level("another address at the same employer", '"work_l" = "work_r"'),
        Level("same employer", '"company_l" = "company_r"', frequency="company"),
        Level("same employer by name", '"firm_l" = "firm_r"'),
        # a local part made of the name alone says no more than the name
        Level("same local part", '"local_l" = "local_r" and "local_l" <> "local_stem_l"'),
        Level("another employer", '"company_l" is not null and "company_r" is not null'),
        Level("another address", "ELSE"),
    ),
)

EMPLOYER = Comparison(
    "employer",
    ("company",),
    (
        Level("not known", f'"company_l" is null or "company_r" is null or ({_BOTH_MAILS})', is_null=True),
        Level("same employer", '"company_l" = "company_r"', frequency="company"),
        Level("same employer by name", '"firm_l" = "firm_r" or "work_l" = "work_r"'),
        Level("another employer", "ELSE"),
    ),
)

BORN_ON = Comparison(
    "born_on",
    ("born_on",),
    (
        _null("born_on"),
        Level("same day", '"born_on_l" = "born_on_r"', m=0.85, u=0.0001),
        Level(
            "one slip",
            'damerau_levenshtein("born_on_l", "born_on_r") <= 2'
            ' or (length("born_on_l") = 8 and length("born_on_r") = 8'
            ' and left("born_on_l", 4) = left("born_on_r", 4)'
            ' and (right("born_on_l", 2) = right("born_on_r", 2)'
            ' or substring("born_on_l", 5, 2) = substring("born_on_r", 5, 2)))',
            m=0.1,
            u=0.005,
        ),
        Level("another day", "ELSE", m=0.05, u=0.9949),
    ),
)

NATIONAL_ID = Comparison(
    "national_id",
    ("national_id",),
    (
        _null("national_id"),
        Level("same", '"national_id_l" = "national_id_r"', m=0.9, u=1e-6),
        Level("one slip", 'damerau_levenshtein("national_id_l", "national_id_r") <= 1', m=0.07, u=1e-5),
        Level("different", "ELSE", m=0.03, u=0.99998),
    ),
)

COMPARISONS: dict[Entity, tuple[Comparison, ...]] = {
    "account": (NAME_AND_DOMAIN, NAME_ALONE, PLACE, PHONE, TAX),
    "person": (NAME, MAIL, EMPLOYER, PHONE, PLACE, BORN_ON, NATIONAL_ID),
}
