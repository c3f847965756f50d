"""How each silo writes the same company and the same person down."""

from sandbox import names
from sandbox.chance import coin
from sandbox.records import Company, Person

_ABBREVIATED = {
    "Analytics": "Analyt.",
    "Instruments": "Instr.",
    "Insurance": "Ins.",
    "Logistics": "Log.",
    "Dynamics": "Dyn.",
}


def missing(silo: str, what: str, key: str, share: float) -> bool:
    """Whether nobody filled this in; the answer never changes."""
    return coin(0, "missing", silo, what, key) < share


def company_name(silo: str, company: Company) -> str:
    """With or without legal form, shouting, abbreviated, or with two letters the wrong way round."""
    way = coin(0, "spelling", silo, company.id)
    form = names.LEGAL_FORM[company.country]
    if silo == "marketing" and company.trade_name is not None:
        return company.trade_name
    if silo == "billing":
        return f"{company.name} {form}" if way < 0.8 else f"{company.name}, {form}".upper()
    if way < 0.35:
        return company.name
    if way < 0.65:
        return f"{company.name} {form}"
    if way < 0.75:
        return company.name.upper()
    if way < 0.82:
        return company.name.lower()
    if way < 0.90:
        first, *rest = company.name.split()
        return " ".join([first, *(_ABBREVIATED.get(word, word) for word in rest)])
    if way < 0.94:
        place = 1 + int(coin(0, "typo", silo, company.id) * (len(company.name) - 3))
        return (
            company.name[:place] + company.name[place + 1] + company.name[place] + company.name[place + 2 :]
        )
    return f"{company.name} {form.rstrip('.')}"


def website(silo: str, company: Company) -> str:
    """The domain, as an address somebody typed."""
    way = coin(0, "website", silo, company.id)
    if way < 0.5:
        return company.domain
    if way < 0.8:
        return f"https://www.{company.domain}/"
    return f"www.{company.domain}" if way < 0.95 else f"HTTP://{company.domain.upper()}/en"


def email(silo: str, person: Person, address: str) -> str:
    """The same address, now and then in capitals or with a stray blank."""
    way = coin(0, "email", silo, person.id)
    if silo == "crm" and way < 0.06:
        return address.title() if way < 0.04 else f"{address} "
    return address


def first_name(silo: str, person: Person) -> str:
    """Some silos keep an initial."""
    return person.first_name[0] + "." if coin(0, "initial", silo, person.id) < 0.05 else person.first_name


def phone(silo: str, number: str | None) -> str | None:
    """Every silo has its own idea of blanks."""
    if number is None:
        return None
    return {"crm": number, "marketing": number.replace(" ", ""), "support": number.replace(" ", "-")}.get(
        silo, number
    )
