"""In which unit a column is, by its type and name; `meta: {unit: …}` in the model's YAML says otherwise."""

import re

_BY_TYPE = {
    r"(varchar|string|text)": "text",
    r"(varchar|string|text)\[\]|array<string>": "list of texts",
    r"json": "JSON",
    r"bool(ean)?": "yes or no",
    r"date": "day",
    r"timestamp": "moment, UTC",
}
_BY_NAME = {
    r"^(value|numerator|denominator)$": "unit of the KPI",
    r"^(target|actual|old_value|new_value|peers|own_past)$": "unit of the KPI",
    r"_original$|^annual_amount": "money, currency_code",
    r"(^|_)(probability|p_value|share|ratio|credit|csat|modelled|adoption|attainment)$": "share, 0..1",
    r"(^|_)wape$|^(bias|coverage|skill_against_naive)$": "share",
    r"(^|_)(amount|money|cost|revenue|spend|value|quota)(_|$)": "money, reporting currency",
    r"^(low|expected|high|forecast|pinball)$": "money, reporting currency",
    r"^(won_so_far|from_pipeline|not_yet_created)$": "money, reporting currency",
    r"(^|_)days(_|$)": "days",
    r"(^|_)hours(_|$)": "hours",
    r"(^|_)seconds$": "seconds",
    r"^(rate|currency_rate)$": "reporting currency per unit",
    r"_rate$": "share, 0..1",
    r"^score$": "points",
    r"weight$": "log2 odds",
    r"(^|_)(position|sequence|order|part|rank)$": "order",
    r"^exit_code$": "code",
    r"^n$|^quantity$|_count$|^count|^at_risk$": "count",
    r"(^|_)(rows|deals|tests|accounts|customers|people|touches|users|records|entities)(_|$)": "count",
    r"(^|_)(cases|quarters|moves|events|forecasts)(_|$)": "count",
    r"^(ended|handed_over|taken_over|taken_by_others|dropped|late|respondents|departments)$": "count",
    r"_per_week$": "count per week",
}


def unit_of(column: str, kind: str, said: str | None = None) -> str | None:
    """The unit of a column of type `kind`; None where neither its YAML (`said`) nor its name says."""
    if said:
        return said
    for pattern, unit in _BY_TYPE.items():
        if re.fullmatch(pattern, kind, re.IGNORECASE):
            return unit
    # The ends of an interval have the unit of what they enclose.
    name = re.sub(r"_(low|high)$", "", column)
    return next((unit for pattern, unit in _BY_NAME.items() if re.search(pattern, name)), None)
