// A KPI under the page's filters: the published row of one slice, or the sum of numerators over the sum of denominators
// of several. Never a mean of ratios, and nothing else is computed here.

import { data, goals } from "./data.js";
import { FILTERS } from "./state.js";

const ALL = { dimension: "all", values: ["all"] };

/** Ratios that are read as a multiple rather than as a share. */
const MULTIPLES = new Set(["ltv_to_cac", "magic_number", "marketing_return", "pipeline_coverage"]);

const definitions = new Map(
  data.catalog.map((entry) => [`${entry.kpi} ${entry.variant}`, entry.unit === "ratio" && MULTIPLES.has(entry.kpi) ? { ...entry, unit: "multiple" } : entry]),
);

/** Definition of a KPI and variant. */
export function definition(kpi, variant = "default") {
  return definitions.get(`${kpi} ${variant}`) ?? null;
}

/** Variants of a KPI that the page has values of, the default first. */
export function variantsOf(kpi) {
  return data.catalog.filter((entry) => entry.kpi === kpi && data.kpis[kpi]?.[entry.variant]).map((entry) => entry.variant);
}

export function hasKpi(kpi, variant = "default") {
  return Boolean(data.kpis[kpi]?.[variant]);
}

/** The dimensions a KPI is published by, and their values on the page, at a grain. */
export function slicesOf(kpi, variant, grain) {
  const slices = data.kpis[kpi]?.[variant]?.grains[grain] ?? {};
  return Object.fromEntries(Object.entries(slices).filter(([dimension]) => dimension !== "all").map(([dimension, values]) => [dimension, Object.keys(values)]));
}

/**
 * Which slice of a KPI the filters ask for. The published table has one dimension at a time, so a KPI follows the first
 * filter that it is published by; `ignored` are the filters it does not follow.
 */
export function sliceFor(kpi, variant, filters) {
  const active = FILTERS.filter((name) => filters[name].length > 0);
  const published = data.kpis[kpi]?.[variant]?.grains ?? {};
  const followed = active.find((name) => Object.values(published).some((slices) => name in slices));
  const slice = followed ? { dimension: followed, values: filters[followed] } : ALL;
  return { ...slice, ignored: active.filter((name) => name !== followed) };
}

/** The reading of one period: value, low, high, numerator, denominator, n, reason. */
export function reading(kpi, variant, grain, period, slice = ALL) {
  const group = data.kpis[kpi]?.[variant];
  const series = group?.grains[grain]?.[slice.dimension];
  if (!group) {
    return empty("not_published");
  }
  if (!series) {
    return missingInput(group) ?? onlyNow(group, grain, slice) ?? empty(group.grains[grain] ? "not_on_page" : "not_at_grain");
  }
  const cells = slice.values.map((value) => cell(series[value], period));
  if (cells.length === 1) {
    return cells[0] ?? empty("not_on_page");
  }
  if (!group.additive.includes(slice.dimension)) {
    return empty("not_additive");
  }
  return joined(cells.filter(Boolean));
}

/** Readings of every period of a grain, in order. */
export function trend(kpi, variant, grain, slice = ALL) {
  return data.periods[grain].map((_, period) => reading(kpi, variant, grain, period, slice));
}

/** Index of the period that ends where this one begins, or -1. */
export function periodBefore(grain, period) {
  const known = data.periods[grain];
  return known.findIndex(([, end]) => end === known[period][0]);
}

/** The goals for a KPI in a period and slice, that of the KPI's owner first. */
export function goalsFor(kpi, variant, grain, period, slice = ALL) {
  if (slice.values.length !== 1) {
    return [];
  }
  const [begin] = data.periods[grain][period];
  const owner = definition(kpi, variant)?.owner;
  return goals
    .filter(
      (each) =>
        each.kpi === kpi &&
        (each.variant ?? "default") === variant &&
        (each.grain ?? grain) === grain &&
        each.period_start === begin &&
        (each.dimension ?? slice.dimension) === slice.dimension &&
        each.dimension_value === slice.values[0],
    )
    .sort((left, right) => (right.owner === owner) - (left.owner === owner));
}

/** The goal that a card shows. */
export function goal(kpi, variant, grain, period, slice = ALL) {
  return goalsFor(kpi, variant, grain, period, slice)[0] ?? null;
}

function cell(series, period) {
  const index = series ? period - series.s : -1;
  const numerator = at(series?.a, index);
  const denominator = at(series?.b, index);
  const value = series && "v" in series ? at(series.v, index) : quotient(numerator, denominator);
  const n = series && "n" in series ? at(series.n, index) : denominator;
  const reason = typeof series?.r === "string" ? series.r : at(series?.r, index);
  if (numerator === null && denominator === null && value === null && n === null && reason === null) {
    return null;
  }
  return { value, numerator, denominator, n, low: bound(series, index, "low", "l"), high: bound(series, index, "high", "h"), reason: value === null ? reason : null };
}

function bound(series, index, name, inThousandths) {
  const thousandths = at(series[inThousandths], index);
  return thousandths === null ? at(series[name], index) : thousandths / 1000;
}

function at(values, index) {
  return values && index >= 0 && index < values.length ? values[index] : null;
}

function quotient(numerator, denominator) {
  return numerator === null || !denominator ? null : numerator / denominator;
}

function joined(cells) {
  if (cells.length === 0) {
    return empty("no_denominator");
  }
  const sum = (name) => cells.reduce((total, each) => total + (each[name] ?? 0), 0);
  const isStock = cells.every((each) => each.denominator === null);
  const numerator = sum("numerator");
  const denominator = isStock ? null : sum("denominator");
  const value = isStock ? numerator : quotient(numerator, denominator);
  return { value, numerator, denominator, n: sum("n"), low: null, high: null, reason: value === null ? "no_denominator" : null };
}

function empty(reason) {
  return { value: null, numerator: null, denominator: null, n: null, low: null, high: null, reason };
}

/** A KPI that is known for the as-of day alone, whatever the period. */
function onlyNow(group, grain, slice) {
  const isOnlyNow = grain !== "all_time" && Object.keys(group.grains).every((each) => each === "all_time");
  const found = isOnlyNow ? slice.values.map((value) => cell(group.grains.all_time[slice.dimension]?.[value], 0)).filter(Boolean) : [];
  return found.length === 1 ? { ...found[0], isNow: true } : null;
}

/** A KPI whose input no source gives has one row that says so. */
function missingInput(group) {
  for (const slices of Object.values(group.grains)) {
    const reason = slices.all?.all?.r;
    const first = Array.isArray(reason) ? reason[0] : reason;
    if (first?.startsWith("missing_input:")) {
      return empty(first);
    }
  }
  return null;
}
