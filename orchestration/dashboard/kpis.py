"""KPI values, their definitions and goals, as series over periods."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from orchestration.dashboard.encoding import Table, date_of, day, number, text
from orchestration.dashboard.published import FILTERS, Published

# The ten KPIs of the overview, in the order of the cards.
HEADLINES = (
    "annual_recurring_revenue",
    "win_rate",
    "sales_cycle_length",
    "pipeline_velocity",
    "forecast_accuracy",
    "customer_acquisition_cost",
    "customer_lifetime_value",
    "customer_churn",
    "renewals",
    "upsells",
)

# Readings that charts of the page show beside the default, and that therefore follow its filters like it.
_CHARTED = {
    ("average_deal_size", "median"),
    ("customer_churn", "revenue_gross"),
    ("renewals", "logo"),
    ("sales_cycle_length", "p25"),
    ("sales_cycle_length", "p75"),
    ("satisfaction", "nps"),
    ("upsells", "price_uplift"),
    ("upsells", "seats_and_tier"),
    ("win_rate", "amount_weighted"),
}
# KPIs that have one reading per step: a chart shows all of them together.
_BY_STEP = {"funnel_conversion", "time_in_stage"}

# Dimensions that some readings exist for.
_READ_BY = ("forecast_unit", "channel")

# What the names of KPI, variant, grain and dimension take per series, which share them.
_KEY_BYTES = 40

# Periods kept per grain, the latest.
_PERIODS = {"month": 36, "quarter": 16, "year": 8, "trailing_12_months": 36, "all_time": 1}
_VALUES_PER_BREAKDOWN = 24
_GOALS = 1500
# From a rank on, a series of a slice has so many of the latest periods; totals have all.
_PERIODS_BY_RANK = ((4, 13), (1, 24), (0, 36))
# What a series is made of; the numbers are as exact as a double, which is more than the page shows.
_LISTED = (
    "period_start",
    "value",
    "cast(numerator as double)",
    "cast(denominator as double)",
    "n",
    "value_low",
    "value_high",
    "null_reason",
)


class _Key(NamedTuple):
    kpi: str
    variant: str
    dimension: str
    value: str
    grain: str


def catalog(published: Published) -> list[dict[str, Any]]:
    """Every definition, the overview's KPIs first."""
    columns = (
        "kpi", "variant", "title", "question", "formula", "clock", "basis", "unit", "direction", "owner",
        "model", "definition_version", "inputs",
    )  # fmt: skip
    rows = published.rows(f"select {', '.join(columns)} from metrics.kpi_catalog order by kpi, variant")
    entries = [dict(zip(columns, row, strict=True)) for row in rows]
    place = {kpi: index for index, kpi in enumerate(HEADLINES)}
    return sorted(
        entries,
        key=lambda entry: (place.get(entry["kpi"], len(place)), entry["kpi"], entry["variant"] != "default"),
    )


def currency(published: Published) -> str | None:
    """The reporting currency; None if no value is an amount."""
    ((found,),) = published.rows("select max(currency_code) from metrics.kpi_values")
    return found if isinstance(found, str) else None


def periods(published: Published) -> dict[str, list[tuple[int | None, int | None]]]:
    """First day and day after the last day of the periods shown, per grain, in order."""
    found: dict[str, list[tuple[int | None, int | None]]] = {}
    for grain, kept in _PERIODS.items():
        rows = published.rows(
            "select distinct period_start, period_end from metrics.kpi_values where grain = ?"
            " order by period_end desc, period_start desc limit ?",
            [grain, kept],
        )
        found[grain] = [(day(start), day(end)) for start, end in reversed(rows)]
    return found


def series(
    published: Published,
    shown: Mapping[str, list[tuple[int | None, int | None]]],
    filters: Mapping[str, list[str]],
    room: int,
) -> tuple[dict[str, Any], int]:
    """KPI → variant → grain → dimension → value → series, and how many series did not fit into `room` bytes.

    A series holds `s` the place of its first period, `v` value, `a` numerator, `b` denominator, `n`, `low`
    and `high` the interval (`l` and `h`: in thousandths), `r` the null reason; what the page can take from
    another of these is left out. The most used series come first.
    """
    place = {
        grain: {start: index for index, (start, _) in enumerate(known)} for grain, known in shown.items()
    }
    additive = _additive(published)
    kept: dict[str, Any] = {}
    left_out = 0
    found = sorted(_series(published, place, filters), key=lambda each: (_rank(each[0]), each[0]))
    for key, encoded in found:
        name = text(key.value) or ""
        size = len(json.dumps(encoded, separators=(",", ":"))) + len(json.dumps(name)) + _KEY_BYTES
        if size > room:
            left_out += 1
            continue
        room -= size
        variants = kept.setdefault(key.kpi, {})
        readings = variants.setdefault(
            key.variant, {"additive": additive.get((key.kpi, key.variant), []), "grains": {}}
        )
        readings["grains"].setdefault(key.grain, {}).setdefault(key.dimension, {}).setdefault(name, encoded)
    return kept, left_out


def goals(published: Published) -> Table | None:
    """Targets with their status, as metrics.goals states them, the latest first."""
    if not published.has("metrics.goals", "period_start", "kpi", "dimension_value", "target", "status"):
        return None
    wanted = (
        "kpi", "variant", "grain", "period_start", "period_end", "dimension", "dimension_value", "target",
        "actual", "status", "owner", "conflicts_with",
    )  # fmt: skip
    columns = [column for column in wanted if column in published.columns["metrics.goals"]]
    listed = ", ".join(columns)
    rows = published.rows(
        f"select {listed} from metrics.goals order by period_start desc, {listed} limit {_GOALS}"
    )
    return Table(columns, rows, published.count("metrics.goals")) if rows else None


def _rank(key: _Key) -> int:
    """What must be on the page at any scale comes first."""
    total, by_filter = key.dimension == "all", key.dimension in FILTERS
    charted = (key.kpi, key.variant) in _CHARTED or key.kpi in _BY_STEP
    monthly = key.grain in ("month", "trailing_12_months")
    if key.variant == "default" and (total or by_filter):
        return 0 if key.kpi in HEADLINES else 1
    if total:
        return 2
    if by_filter and charted:
        return 3
    if key.variant == "default" or key.dimension in _READ_BY:
        return 5 if monthly else 4
    return 7 if monthly else 6


def _series(
    published: Published, place: Mapping[str, Mapping[int | None, int]], filters: Mapping[str, list[str]]
) -> Iterator[tuple[_Key, dict[str, Any]]]:
    """Every series worth a place on the page, encoded."""
    fewest = _PERIODS_BY_RANK[0][1]
    since = {
        grain: date_of(sorted(start for start in known if start is not None)[-fewest:][0])
        for grain, known in place.items()
        if known
    }
    rows = published.rows(
        f"""
        with shown as (
            select dimension, dimension_value,
                row_number() over (
                    partition by dimension order by max(n) desc nulls last, dimension_value
                ) as place
            from metrics.kpi_values group by dimension, dimension_value
        ),
        latest as (
            select unnest($grains) as grain, unnest($starts) as since
        )
        select kpi, variant, dimension, dimension_value, grain, {", ".join(_LISTED)}
        from metrics.kpi_values
        inner join shown using (dimension, dimension_value)
        inner join latest using (grain)
        where (dimension = 'all' or dimension in {FILTERS} or period_start >= latest.since)
            and shown.place <= case when dimension in {FILTERS} then 60 else {_VALUES_PER_BREAKDOWN} end
            -- further readings of further dimensions are a click too far; `revops kpi` has them
            and (variant = 'default' or dimension in ('all', 'forecast_unit', 'channel') or
                (dimension in {FILTERS} and grain <> 'month'))
        order by kpi, variant, dimension, dimension_value, grain, period_start
        """,
        {"grains": list(since), "starts": list(since.values())},
    )
    for found, group in groupby(rows, key=itemgetter(*range(len(_Key._fields)))):
        key = _Key(*found)
        if key.dimension in filters and key.value not in filters[key.dimension]:
            continue
        starts, *columns = list(zip(*group, strict=True))[len(_Key._fields) :]
        places = [place[key.grain].get(day(start)) for start in starts]
        kept = next(number for rank, number in _PERIODS_BY_RANK if _rank(key) >= rank)
        oldest = 0 if key.dimension == "all" else len(place[key.grain]) - kept
        if oldest > 0:
            places = [index if index is not None and index >= oldest else None for index in places]
        encoded = _encoded(places, columns)
        if encoded:
            yield key, encoded


def _encoded(places: list[int | None], columns: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """`columns` are value, numerator, denominator, n, interval and null reason; `places` lie in order."""
    shown = [index for index in places if index is not None]
    if not shown:
        return {}
    first, width = shown[0], shown[-1] - shown[0] + 1
    values, numerators, denominators, counts, lows, highs, reasons = (
        _placed(column, places, first, width) for column in columns
    )
    encoded: dict[str, Any] = {"s": first, "a": _numbers(numerators), "b": _numbers(denominators)}
    if not _is_quotient(values, numerators, denominators):
        encoded["v"] = _numbers(values)
    if counts != encoded["b"]:
        encoded["n"] = counts
    known = [each for each in (*lows, *highs) if each is not None]
    if known and min(known) > -0.001 and max(known) <= 1.001:
        encoded["l"], encoded["h"] = _thousandths(lows), _thousandths(highs)
    elif known:
        encoded["low"], encoded["high"] = _numbers(lows, 4), _numbers(highs, 4)
    if any(reasons):
        encoded["r"] = reasons[0] if len(set(reasons)) == 1 else reasons
    for name in ("a", "b", "n"):
        if name in encoded and not any(each is not None for each in encoded[name]):
            encoded[name] = None
    return encoded


def _placed(column: Sequence[Any], places: list[int | None], first: int, width: int) -> list[Any]:
    if len(column) == width and None not in places:
        return list(column)
    filled: list[Any] = [None] * width
    for index, value in zip(places, column, strict=True):
        if index is not None:
            filled[index - first] = value
    return filled


def _thousandths(values: list[Any]) -> list[int | None]:
    return [None if value is None else round(value * 1000) for value in values]


def _numbers(values: list[Any], digits: int = 9) -> list[Any]:
    return [number(value, digits) for value in values]


def _is_quotient(values: list[Any], numerators: list[Any], denominators: list[Any]) -> bool:
    """Whether every value is its numerator ÷ denominator, as far as anyone can see on the page."""
    for value, numerator, denominator in zip(values, numerators, denominators, strict=True):
        if not denominator or numerator is None:
            if value is not None:
                return False
        elif value is None or abs(value - numerator / denominator) > 1e-7 * abs(value):
            return False
    return True


def _additive(published: Published) -> dict[tuple[str, str], list[str]]:
    """Dimensions over whose values numerators and denominators sum to those of the total, in every period.

    Only over these may the page join slices. A median has no numerator; a product of averages or a floored
    value has one that does not sum.
    """
    rows = published.rows(
        """
        with slices as (
            select kpi, variant, dimension, grain, period_start,
                sum(numerator) as numerator, sum(denominator) as denominator,
                count(*) filter (where value is not null and numerator is null) as without_numerator
            from metrics.kpi_values
            where dimension <> 'all'
            group by kpi, variant, dimension, grain, period_start
        ),
        totals as (
            select kpi, variant, grain, period_start, numerator, denominator, value
            from metrics.kpi_values where dimension = 'all'
        )
        select kpi, variant, dimension
        from slices
        inner join totals using (kpi, variant, grain, period_start)
        group by kpi, variant, dimension
        having sum(without_numerator) = 0
            and count(totals.numerator) filter (where totals.value is not null) = count(totals.value)
            and bool_and(
                abs(coalesce(slices.numerator, 0) - coalesce(totals.numerator, 0))
                <= 0.0001 + abs(coalesce(totals.numerator, 0)) * 0.000000001
                and abs(coalesce(slices.denominator, 0) - coalesce(totals.denominator, 0))
                <= 0.0001 + abs(coalesce(totals.denominator, 0)) * 0.000000001
            )
        order by kpi, variant, dimension
        """
    )
    found: dict[tuple[str, str], list[str]] = {}
    for kpi, variant, dimension in rows:
        found.setdefault((kpi, variant), []).append(dimension)
    return found
