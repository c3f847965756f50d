// From lead to customer, and how long deals wait on the way.

import { barOption } from "./bars.js";
import { openKpi } from "./drill.js";
import { h, spoken } from "./dom.js";
import { counted, intervalText, percent, plain, reasonText, sentence, short } from "./format.js";
import { shownValue } from "./filters.js";
import { reading, sliceFor, slicesOf, variantsOf } from "./reading.js";
import { FILTERS, state } from "./state.js";

const FUNNEL_KPI = "funnel_conversion";
const STAGE_KPI = "time_in_stage";
const STAGE_ORDER = ["prospecting", "qualified", "proposal", "negotiation"];
const SHORT_NAMES = { mql: "MQL", sql: "SQL" };

const stageName = (name) => SHORT_NAMES[name] ?? sentence(name);

/** The steps of the funnel in order: {variant, from, to}. */
function funnelSteps() {
  const steps = variantsOf(FUNNEL_KPI)
    .filter((variant) => variant.includes("_to_"))
    .map((variant) => ({ variant, from: variant.split("_to_")[0], to: variant.split("_to_")[1] }));
  const ordered = [];
  let next = steps.find((step) => !steps.some((other) => other.to === step.from));
  while (next && !ordered.includes(next)) {
    ordered.push(next);
    next = steps.find((step) => step.from === next.to);
  }
  return ordered;
}

/** People who entered each stage in the period, and which share of them moved on since. */
export const funnelBlock = {
  id: "funnel",
  title: "From lead to customer",
  span: 6,
  about: "People who entered a stage in the period, and the share of them that moved on since",
  filters: () => [sliceFor(FUNNEL_KPI, "default", state().filters).dimension],
  open: () => openKpi(FUNNEL_KPI),
  view: () => {
    const { grain, period, filters } = state();
    const steps = funnelSteps().map((step) => ({ ...step, now: reading(FUNNEL_KPI, step.variant, grain, period, sliceFor(FUNNEL_KPI, step.variant, filters)) }));
    if (steps.length === 0 || steps.every((step) => !step.now.denominator)) {
      return { empty: steps.length ? reasonText(steps[0].now.reason) : "Not in this file: metrics.funnel_conversion." };
    }
    const entered = steps.map((step) => step.now.denominator ?? 0);
    const pick = (index) => openKpi(FUNNEL_KPI, null, steps[index].variant);
    const moved = (step) => (step.now.value === null ? reasonText(step.now.reason) : `${percent(step.now.value, 0)} reach ${stageName(step.to)}`);
    return {
      height: 40 + steps.length * 40,
      columns: [{ label: "Stage" }, { label: "Entered", kind: "count" }, { label: "Moved on", kind: "count" }, { label: "Share", kind: "given" }, { label: "95 % interval", kind: "given" }],
      rows: steps.map((step, index) => ({
        cells: [stageName(step.from), entered[index], step.now.numerator, step.now.value === null ? reasonText(step.now.reason) : `${percent(step.now.value)} to ${stageName(step.to)}`, intervalText(step.now.low, step.now.high, "ratio")],
        pick: () => pick(index),
      })),
      option: () =>
        barOption({
          names: steps.map((step) => stageName(step.from)),
          series: [{ name: "Entered", values: entered, colour: "accent" }],
          unit: "count",
          lying: true,
          room: 150,
          text: (value, index) => `${counted(value, "person", "people")}, ${moved(steps[index])}`,
          label: (value, index) => `${plain(value)} · ${moved(steps[index])}`,
        }),
      pick,
      summary: steps.map((step) => `${stageName(step.from)}: ${plain(step.now.denominator)}, ${moved(step)}`).join("; "),
    };
  },
};

/** Median days in each stage, for every segment: published medians, none joined. */
export const stageTimes = {
  id: "stage-times",
  title: "Where deals wait",
  span: 6,
  about: () => `Median days in a stage, stays that began in the period, by ${stageDimension()}`,
  filters: () => FILTERS.filter((name) => name === stageDimension() && state().filters[name].length),
  open: () => openKpi(STAGE_KPI),
  view: () => {
    const { grain, period } = state();
    const stages = variantsOf(STAGE_KPI)
      .filter((variant) => variant !== "default")
      .sort((left, right) => STAGE_ORDER.indexOf(left) - STAGE_ORDER.indexOf(right));
    const dimension = stageDimension();
    const names = [...new Set(stages.flatMap((stage) => slicesOf(STAGE_KPI, stage, grain)[dimension] ?? []))];
    const chosen = state().filters[dimension];
    const shown = chosen?.length ? names.filter((name) => chosen.includes(name)) : names;
    const columns = [{ name: "All", slice: undefined }, ...shown.map((name) => ({ name: shownValue(name), slice: { dimension, values: [name] } }))];
    const rows = stages.map((stage) => ({ stage, cells: columns.map((column) => reading(STAGE_KPI, stage, grain, period, column.slice)) }));
    const known = rows.flatMap((row) => row.cells.map((each) => each.value)).filter((value) => value !== null);
    if (known.length === 0) {
      return { empty: stages.length ? "No stay in a stage began in this period." : "Not in this file: metrics.time_in_stage." };
    }
    return { nodes: [stageTable(rows, columns, Math.max(...known))] };
  },
};

/** Teams if teams are chosen, else regions if regions are, else segments. */
function stageDimension() {
  const { filters } = state();
  return ["segment", "region", "team", "product"].find((name) => filters[name]?.length) ?? "segment";
}

function stageTable(rows, columns, most) {
  return h(
    "div",
    { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Median days in each stage" },
    h(
      "table",
      { class: "heat" },
      h("caption", { class: "spoken" }, "Median days in each stage"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Stage"), columns.map((column) => h("th", { scope: "col" }, column.name)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, sentence(row.stage)), row.cells.map((each, index) => stageCell(row.stage, columns[index], each, most))))),
    ),
  );
}

function stageCell(stage, column, each, most) {
  const label = `${sentence(stage)}, ${column.name}: ${each.value === null ? reasonText(each.reason) : `${short(each.value, "days")}, n ${plain(each.n)}`}`;
  const heat = each.value === null ? 0 : 5 + (each.value / most) * 48;
  return h(
    "td",
    { class: "heat-cell is-warm", style: { "--heat": `${heat.toFixed(0)}%` } },
    h("button", { type: "button", title: label, onclick: () => openKpi(STAGE_KPI, null, stage) }, spoken(`${sentence(stage)}, ${column.name}, days: `), each.value === null ? "–" : plain(each.value, each.value < 10 ? 1 : 0), h("small", {}, ` n ${plain(each.n ?? 0)}`)),
  );
}
