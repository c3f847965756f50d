"""In which unit a column is, by its type and name; `meta: {unit: …}` in the model's YAML says otherwise."""

import re

_BY_TYPE = (
    (re.compile(r"^VARCHAR\[\]$"), "list of texts"),
    (re.compile(r"^VARCHAR$"), "text"),
    (re.compile(r"^JSON$"), "JSON"),
    (re.compile(r"^BOOLEAN$"), "yes or no"),
    (re.compile(r"^DATE$"), "day"),
    (re.compile(r"^TIMESTAMP$"), "moment, UTC"),
)
_BY_NAME = (
    (re.compile(r"^(value|value_low|value_high|numerator|denominator|target|actual|old_value|new_value)$"),
     "unit of the KPI"),
    (re.compile(r"_original$|^annual_amount"), "money, currency_code"),
    (re.compile(r"(^|_)(amount|money|cost|revenue|spend|value|expected|low|high)(_|$)|won_so_far|from_pipeline|not_yet_created"),
     "money, reporting currency"),
    (re.compile(r"(^|_)(days)(_|$)"), "days"),
    (re.compile(r"^hours$|_hours$"), "hours"),
    (re.compile(r"^seconds$|_seconds$"), "seconds"),
    (re.compile(r"(^|_)(probability|share|ratio|credit|csat)$"), "share, 0..1"),
    (re.compile(r"^(rate|currency_rate)$"), "reporting currency per unit"),
    (re.compile(r"_rate$"), "share, 0..1"),
    (re.compile(r"^score$"), "points"),
    (re.compile(r"weight$"), "log2 odds"),
    (re.compile(r"^(position|sequence|stage_order|part|rank)$"), "order"),
    (re.compile(r"^exit_code$"), "code"),
    (re.compile(r"^n$|^quantity$|_count$|^count|rows|deals|tests_|accounts|customers|people|touches|users|records"), "count"),
)  # fmt: skip


def unit_of(column: str, kind: str, said: str | None = None) -> str | None:
    """The unit of a column of DuckDB type `kind`; None where neither its YAML nor its name says."""
    if said:
        return said
    for pattern, unit in _BY_TYPE:
        if pattern.match(kind):
            return unit
    return next((unit for pattern, unit in _BY_NAME if pattern.search(column)), None)
