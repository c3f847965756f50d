"""How records of one thing come to differ: the kinds of error, each at a rate that is drawn per corpus."""

from dataclasses import dataclass, fields
from random import Random


@dataclass(frozen=True)
class Rates:
    """Share of records (or, where it says so, of companies or people) each error befalls."""

    form_left_out: float
    form_changed: float
    shouted: float
    abbreviated: float
    misspelt: float
    website_missing: float
    website_free_mail: float
    website_platform: float
    phone_missing: float
    address_missing: float
    street_missing: float
    switchboard: float
    name_copied: float  # companies that bear another company's name
    renamed: float  # companies with an older name in some records
    second_domain: float  # companies
    moved: float  # records with an older address
    other_line: float  # records with another number of the same company or person
    other_country: float  # records that name the country of an office elsewhere
    subsidiary: float  # companies
    linked: float  # records outside the CRM that carry the CRM's id
    linked_wrong: float  # of those
    tax_id_known: float
    duplicated: float  # records entered a second time in their system
    private_mail: float  # people who also use a free-mail address
    role_mailbox: float
    mail_missing: float
    mail_misspelt: float
    nickname: float
    initial: float
    swapped: float
    last_name_missing: float
    job_changed: float  # people


_RANGES = {
    "form_left_out": (0.2, 0.4), "form_changed": (0.05, 0.15), "shouted": (0.03, 0.12),
    "abbreviated": (0.03, 0.08), "misspelt": (0.02, 0.05), "website_missing": (0.15, 0.3),
    "website_free_mail": (0.005, 0.02), "website_platform": (0.01, 0.03), "phone_missing": (0.35, 0.6),
    "address_missing": (0.1, 0.25), "street_missing": (0.2, 0.4), "switchboard": (0.1, 0.3),
    "name_copied": (0.01, 0.03), "renamed": (0.005, 0.02), "second_domain": (0.01, 0.04),
    "moved": (0.01, 0.04), "other_line": (0.1, 0.3), "other_country": (0.005, 0.03),
    "subsidiary": (0.03, 0.07), "linked": (0.3, 0.4),
    "linked_wrong": (0.001, 0.003),
    "tax_id_known": (0.3, 0.5), "duplicated": (0.005, 0.03), "private_mail": (0.08, 0.16),
    "role_mailbox": (0.01, 0.03), "mail_missing": (0.02, 0.06), "mail_misspelt": (0.005, 0.015),
    "nickname": (0.15, 0.4), "initial": (0.02, 0.05), "swapped": (0.003, 0.012),
    "last_name_missing": (0.01, 0.03), "job_changed": (0.02, 0.05),
}  # fmt: skip


def draw(rng: Random) -> Rates:
    """The rates of one corpus."""
    return Rates(**{each.name: rng.uniform(*_RANGES[each.name]) for each in fields(Rates)})


def misspell(rng: Random, text: str) -> str:
    """One slip of the keyboard, never on the first letter."""
    if len(text) < 4:
        return text
    place = rng.randrange(1, len(text) - 1)
    way = rng.random()
    if way < 0.35:
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if way < 0.65:
        return text[:place] + text[place + 1 :]
    letter = rng.choice("abcdefghijklmnoprstuvwy")
    return text[:place] + letter + text[place + (1 if way < 0.85 else 0) :]
