// Blocks drawn from metrics.kpi_values alone: a KPI and its readings over time, and over the values of a dimension.

import { data } from "./data.js";
import { h } from "./dom.js";
import { full, isToDate, periodText, plain, reasonText, sentence, short, words } from "./format.js";
import { barCell, openKpi } from "./drill.js";
import { shownValue } from "./filters.js";
import { drawnLines, lineOption } from "./lines.js";
import { definition, goal, hasKpi, reading, sliceFor, slicesOf, trend } from "./reading.js";
import { FILTERS, state, update } from "./state.js";

const PERIODS_SHOWN = 24;

/** The grain a chart over time uses: all time has one period only, so it falls back to quarters. */
export function trendGrain() {
  const { grain } = state();
  return grain === "all_time" ? "quarter" : grain;
}

/** The latest periods of the trend's grain: names, index of the first, place of the one looked at (-1 if none). */
export function trendPeriods() {
  const grain = trendGrain();
  const known = data.periods[grain];
  const first = Math.max(0, known.length - PERIODS_SHOWN);
  const marked = grain === state().grain ? state().period - first : -1;
  const shown = known.slice(first);
  const names = shown.map((each) => periodText(grain, each) + (isToDate(each) ? " to date" : ""));
  const running = shown.findIndex(isToDate);
  return { grain, first, names, marked, running: running < 0 ? names.length : running };
}

/**
 * A block with one or more readings over time. `lines` are {kpi, variant, name}; the first one's KPI has its target and
 * its definition behind the block.
 */
export function trendBlock({ id, title, about, lines, span = 6, height = 230, ceiling }) {
  const kpi = lines[0].kpi;
  const known = () => lines.filter((line) => hasKpi(line.kpi, line.variant ?? "default"));
  return {
    id,
    title,
    span,
    about: () => about ?? definition(kpi)?.question ?? "",
    filters: () => [sliceFor(kpi, lines[0].variant ?? "default", state().filters).dimension],
    open: () => openKpi(kpi, null, null),
    view: () => (known().length ? trendView(known(), height, ceiling) : { empty: `Not in this file: ${words(kpi)}.` }),
  };
}

function trendView(lines, height, ceiling) {
  const { grain, first, names, marked, running } = trendPeriods();
  const { filters } = state();
  const unit = definition(lines[0].kpi, lines[0].variant ?? "default").unit;
  const measured = lines.map((line) => {
    const variant = line.variant ?? "default";
    const slice = sliceFor(line.kpi, variant, filters);
    return { ...line, variant, slice, readings: trend(line.kpi, variant, grain, slice).slice(first) };
  });
  if (measured.every((line) => line.readings.every((each) => each.value === null))) {
    return { empty: reasonText(measured[0].readings.at(-1)?.reason) };
  }
  const targets = names.map((_, index) => goal(measured[0].kpi, measured[0].variant, grain, first + index, measured[0].slice)?.target ?? null);
  const hasBand = measured.length === 1;
  const series = [
    ...measured.map((line) => ({
      name: line.name,
      values: line.readings.map((each) => each.value),
      low: hasBand ? line.readings.map((each) => each.low) : null,
      high: hasBand ? line.readings.map((each) => each.high) : null,
    })),
    { name: "Target", values: targets, dashed: true },
  ];
  const look = (line, index) => openAt(line, grain, first + index);
  const hasTarget = targets.some((value) => value !== null);
  return {
    height,
    columns: [{ label: "Period" }, ...measured.map((line) => ({ label: line.name, kind: "given" })), ...(hasTarget ? [{ label: "Target", kind: "given" }] : [])],
    rows: names
      .map((name, index) => ({
        cells: [name, ...measured.map((line) => valueCell(line.readings[index], unit)), ...(hasTarget ? [full(targets[index], unit)] : [])],
        picks: [null, ...measured.map((line) => () => look(line, index))],
      }))
      .reverse(),
    legend: drawnLines(series).map((each) => ({ mark: "line", ...each })),
    option: () => lineOption({ names, series, unit, marked, ceiling, running }),
    pick: (index, place) => look(measured[Math.min(place, measured.length - 1)], index),
    summary: measured.map((line) => trendSummary(line, names, unit)).join(" "),
    note: grain === state().grain ? null : "by quarter",
  };
}

function valueCell(each, unit) {
  return each.value === null ? reasonText(each.reason) : full(each.value, unit);
}

function trendSummary(line, names, unit) {
  const last = line.readings.findLastIndex((each) => each.value !== null);
  const first = line.readings.findIndex((each) => each.value !== null);
  if (last < 0) {
    return `${line.name}: no value.`;
  }
  return `${line.name}: ${short(line.readings[first].value, unit)} in ${names[first]}, ${short(line.readings[last].value, unit)} in ${names[last]}.`;
}

function openAt(line, grain, period) {
  if (grain !== state().grain || period !== state().period) {
    update({ grain, period, show: line.kpi, variant: line.variant === "default" ? null : line.variant });
    return;
  }
  openKpi(line.kpi, null, line.variant === "default" ? null : line.variant);
}

/** A block that shows several KPIs side by side over the values of a dimension, in the period looked at. */
export function sliceBlock({ id, title, about, dimension, kpis, span = 12, sortBy = 0 }) {
  return {
    id,
    title,
    span,
    about,
    filters: () => (FILTERS.includes(dimension) && state().filters[dimension].length ? [dimension] : []),
    open: () => openKpi(kpis[0].kpi),
    view: () => sliceView(dimension, kpis.filter((each) => hasKpi(each.kpi, each.variant)), sortBy),
  };
}

function sliceView(dimension, kpis, sortBy) {
  const { grain, period, filters } = state();
  const chosen = filters[dimension] ?? [];
  const names = [...new Set(kpis.flatMap(({ kpi, variant = "default" }) => slicesOf(kpi, variant, grain)[dimension] ?? []))].filter((name) => chosen.length === 0 || chosen.includes(name));
  const rows = names
    .map((name) => ({ name, readings: kpis.map(({ kpi, variant = "default" }) => reading(kpi, variant, grain, period, { dimension, values: [name] })) }))
    .filter((row) => row.readings.some((each) => each.value !== null || each.n > 0));
  if (rows.length === 0) {
    return { empty: "Nothing in this period." };
  }
  rows.sort((left, right) => (right.readings[sortBy].value ?? -Infinity) - (left.readings[sortBy].value ?? -Infinity) || left.name.localeCompare(right.name));
  const most = kpis.map((_, index) => Math.max(...rows.map((row) => row.readings[index].value ?? 0)));
  const abouts = kpis.map(({ kpi, variant = "default" }) => definition(kpi, variant));
  return {
    columns: [{ label: words(dimension).replace(/^./, (letter) => letter.toUpperCase()) }, ...kpis.flatMap(({ name, n }, index) => [{ label: name ?? abouts[index].title, kind: "given" }, ...(n ? [{ label: n, kind: "count" }] : [])])],
    rows: rows.map((row) => ({
      cells: [
        dimension === "channel" ? sentence(shownValue(row.name)) : shownValue(row.name),
        ...row.readings.flatMap((each, index) => [
          each.value === null ? h("span", { class: "faint" }, each.reason === "not_on_page" ? "–" : reasonText(each.reason)) : barCell(each.value, most[index], short(each.value, abouts[index].unit)),
          ...(kpis[index].n ? [each.n] : []),
        ]),
      ],
      pick: FILTERS.includes(dimension) && chosen.length !== 1 ? () => update({ filters: { ...filters, [dimension]: [row.name] } }) : null,
    })),
    summary: `${plain(rows.length)} rows.`,
  };
}

