// What is behind a number: its definition, its trend, its slices, its readings, its records.

import { data, isoDay, recordTable } from "./data.js";
import { fitCharts, release } from "./charts.js";
import { h, spoken } from "./dom.js";
import { chart, drawCharts } from "./frame.js";
import { change, counted, full, intervalText, isToDate, periodText, plain, reasonText, sentence, short, words } from "./format.js";
import { filterSummary, shownValue } from "./filters.js";
import { sliceNote } from "./cards.js";
import { drawnLines, lineOption } from "./lines.js";
import { queryOf, recordsBehind } from "./records.js";
import { definition, goal, goalsFor, periodBefore, reading, sliceFor, slicesOf, trend, variantsOf } from "./reading.js";
import { state, update } from "./state.js";
import { statusMark } from "./status.js";
import { csv, heading, kindOf, numberTable, save } from "./tables.js";

const ROWS_AT_ONCE = 25;
const HIDDEN = new Set(["account_id", "shared_stage", "is_closed", "is_qualified", "horizon", "grain", "is_customer", "lead_source", "direction"]);

const dialog = document.getElementById("drill");
let returnTo = null;

/** Open the details of a KPI; `part` is the heading to begin at. */
export function openKpi(kpi, part = null, variant = null) {
  returnTo = document.activeElement;
  dialog.dataset.part = part ?? "";
  update({ show: kpi, variant });
}

/** Open records, or anything, that a chart or table points at: {title, about, sets, nodes}. */
export function openDetails({ title, about, sets = [], nodes = [] }) {
  returnTo = document.activeElement;
  fill(title, [
    h("p", { class: "drill-period" }, filterSummary()),
    about ? h("section", { class: "drill-part" }, h("h3", {}, "What it is"), [about].flat().map((text) => h("p", {}, text))) : null,
    nodes,
    sets.length ? h("section", { class: "drill-part" }, h("h3", { id: "drill-records" }, "Records"), sets.map((each) => recordList(each, { query: queryOf(each) }))) : null,
  ]);
}

/** Follow the state: the details of the KPI it names, or none. */
export function followState(now, before) {
  if (now.show) {
    fillKpi(now);
  } else if (before?.show && dialog.open) {
    dialog.close();
  }
}

/** Wire the dialog once. */
export function prepareDialog() {
  dialog.addEventListener("close", () => {
    release(dialog);
    dialog.replaceChildren();
    if (state().show) {
      update({ show: null, variant: null });
    }
    returnTo?.isConnected && returnTo.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) {
      dialog.close();
    }
  });
}

function fill(title, content) {
  release(dialog);
  dialog.replaceChildren(
    h("header", { class: "drill-head" }, h("h2", { id: "drill-title", tabindex: "-1" }, title), h("button", { type: "button", class: "close", onclick: () => dialog.close() }, h("span", { "aria-hidden": "true" }, "×"), spoken("Close"))),
    h("div", { class: "drill-body" }, content),
  );
  if (!dialog.open) {
    dialog.showModal();
  }
  dialog.querySelector(".drill-body").scrollTop = 0;
  drawCharts(dialog);
  fitCharts();
  dialog.querySelector("#drill-title").focus();
}

function fillKpi({ show: kpi, variant: chosen, grain, period, filters }) {
  const variant = chosen ?? "default";
  const about = definition(kpi, variant);
  const slice = sliceFor(kpi, variant, filters);
  const now = reading(kpi, variant, grain, period, slice);
  fill(about.title, [
    h("p", { class: "drill-question" }, about.question),
    h("p", { class: "drill-period" }, filterSummary(), " ", sliceNote({ ...slice, dimension: "all" })),
    figures(kpi, variant, now, about, slice),
    h("section", { class: "drill-part" }, h("h3", {}, "Definition"), definitionList(about)),
    trendPart(kpi, variant, about, slice),
    readingsPart(kpi, variant, slice),
    slicesPart(kpi, variant, about),
    recordsPart(kpi, variant, now, about, slice),
  ]);
  if (dialog.dataset.part) {
    dialog.querySelector(`#drill-${dialog.dataset.part}`)?.scrollIntoView({ block: "start" });
    dialog.dataset.part = "";
  }
}

function figures(kpi, variant, now, about, slice) {
  const { grain, period } = state();
  const before = periodBefore(grain, period);
  const earlier = before < 0 ? null : reading(kpi, variant, grain, before, slice);
  const moved = earlier && change(now.value, earlier.value, about.unit);
  const aims = goalsFor(kpi, variant, grain, period, slice);
  const fact = (name, shown) => h("div", {}, h("dt", {}, name), h("dd", {}, shown));
  return h(
    "dl",
    { class: "figures" },
    fact(isToDate(data.periods[grain][period]) ? "Value to date" : "Value", now.value === null ? reasonText(now.reason) : h("data", { value: now.value, class: "figure-value" }, full(now.value, about.unit))),
    earlier ? fact(periodText(grain, data.periods[grain][before]), [full(earlier.value, about.unit), moved ? ` (${moved.amount > 0 ? "+" : moved.amount < 0 ? "−" : "±"}${moved.text})` : ""]) : null,
    aims.map((aim) => fact(`Target of ${words(aim.owner ?? "nobody")}`, [full(aim.target, about.unit), " ", statusMark(aim.status)])),
    now.numerator !== null && now.denominator !== null ? fact("Numerator ÷ denominator", `${plain(now.numerator, 2)} ÷ ${plain(now.denominator, 2)}`) : null,
    now.n === null ? null : fact("Records (n)", plain(now.n)),
    now.low === null ? null : fact("95 % interval", intervalText(now.low, now.high, about.unit)),
  );
}

/** A definition as the catalog has it. */
export function definitionList(about) {
  const lines = [
    ["Formula", about.formula],
    ["Clock", about.clock],
    ["Basis", about.basis],
    ["Unit", words(about.unit === "multiple" ? "ratio" : about.unit)],
    ["Better", { up: "higher", down: "lower" }[about.direction] ?? about.direction],
    ["Owner", sentence(about.owner ?? "nobody")],
    ["Version", about.definition_version],
    ["Computed in", h("code", {}, about.model)],
    ["Needs", (about.inputs ?? []).map(words).join(", ")],
  ];
  return h("dl", { class: "definition" }, lines.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function trendPart(kpi, variant, about, slice) {
  const { grain, period } = state();
  const shown = grain === "all_time" ? "quarter" : grain;
  const values = trend(kpi, variant, shown, slice);
  if (values.every((each) => each.value === null)) {
    return null;
  }
  const names = data.periods[shown].map((each) => periodText(shown, each));
  const targets = data.periods[shown].map((_, index) => goal(kpi, variant, shown, index, slice)?.target ?? null);
  const series = [
    { name: about.title, values: values.map((each) => each.value), low: values.map((each) => each.low), high: values.map((each) => each.high), colour: "accent" },
    { name: "Target", values: targets, dashed: true },
  ];
  const running = data.periods[shown].findIndex(isToDate);
  const option = () => lineOption({ names, series, unit: about.unit, marked: shown === grain ? period : -1, running: running < 0 ? names.length : running });
  const rows = values.map((each, index) => ({
    cells: [names[index], each.value === null ? reasonText(each.reason) : full(each.value, about.unit), full(targets[index], about.unit), each.n, intervalText(each.low, each.high, about.unit)],
  }));
  const columns = [{ label: "Period" }, { label: about.title, kind: "given" }, { label: "Target", kind: "given" }, { label: "n", kind: "count" }, { label: "95 % interval", kind: "given" }];
  return h(
    "section",
    { class: "drill-part" },
    h("h3", {}, "Over time"),
    chart(`${about.title} over time; the table below has the values.`, { option, height: 220, legend: drawnLines(series).map((each) => ({ mark: "line", ...each })) }),
    h("details", {}, h("summary", {}, "As a table"), numberTable(`${about.title} over time`, columns, rows.reverse())),
  );
}

function readingsPart(kpi, variant, slice) {
  const variants = variantsOf(kpi);
  if (variants.length < 2) {
    return null;
  }
  const { grain, period } = state();
  const rows = variants.map((each) => {
    const about = definition(kpi, each);
    const now = reading(kpi, each, grain, period, slice);
    return {
      tone: each === variant ? "chosen" : null,
      cells: [about.title, now.value === null ? reasonText(now.reason) : full(now.value, about.unit), now.n, about.formula],
      pick: each === variant ? null : () => update({ show: kpi, variant: each === "default" ? null : each }),
    };
  });
  const columns = [{ label: "Reading" }, { label: "Value", kind: "given" }, { label: "n", kind: "count" }, { label: "Formula" }];
  return h("section", { class: "drill-part" }, h("h3", {}, "Other readings of it"), numberTable("Readings side by side", columns, rows));
}

function slicesPart(kpi, variant, about) {
  const { grain, period } = state();
  const slices = Object.entries(slicesOf(kpi, variant, grain));
  if (slices.length === 0) {
    return null;
  }
  return h(
    "section",
    { class: "drill-part" },
    h("h3", {}, "By slice"),
    slices.map(([dimension, values], index) => h("details", { open: index === 0 }, h("summary", {}, sentence(dimension), " ", h("span", { class: "faint" }, plain(values.length))), sliceTable(kpi, variant, about, dimension, values, grain, period))),
  );
}

/** A KPI over the values of a dimension, as a table with bars. */
export function sliceTable(kpi, variant, about, dimension, values, grain, period) {
  const readings = values.map((value) => [value, reading(kpi, variant, grain, period, { dimension, values: [value] })]);
  const known = readings.filter(([, each]) => each.n || each.value !== null);
  const most = Math.max(...known.map(([, each]) => Math.abs(each.value ?? 0)), 0);
  const rows = known
    .sort(([, left], [, right]) => (right.value ?? -Infinity) - (left.value ?? -Infinity))
    .map(([value, each]) => ({
      cells: [shownValue(value), each.value === null ? reasonText(each.reason) : barCell(each.value, most, short(each.value, about.unit)), each.n, intervalText(each.low, each.high, about.unit)],
    }));
  const columns = [{ label: sentence(dimension) }, { label: about.title, kind: "given" }, { label: "n", kind: "count" }, { label: "95 % interval", kind: "given" }];
  return rows.length ? numberTable(`${about.title} by ${words(dimension)}`, columns, rows) : h("p", { class: "block-empty" }, "Nothing in this period.");
}

/** A number with a bar as long as its share of the largest. */
export function barCell(value, most, text) {
  const width = most > 0 ? Math.max(0, (value / most) * 100) : 0;
  return h("span", { class: "bar-cell" }, h("span", { class: "bar", "aria-hidden": "true" }, h("i", { style: { width: `${width.toFixed(1)}%` } })), h("span", {}, text));
}

function recordsPart(kpi, variant, now, about, slice) {
  const { grain, period } = state();
  const sets = recordsBehind(kpi, variant, grain, period, slice);
  const command = commandFor(kpi, variant, grain, period, slice);
  return h(
    "section",
    { class: "drill-part" },
    h("h3", { id: "drill-records" }, "Records"),
    sets.length ? sets.map((each) => recordList(each, { count: each.counts ? now.n : null })) : h("p", { class: "block-empty" }, "This page carries no records of it; the command lists them."),
    h("p", { class: "command" }, "All of them, with numerator and denominator: ", h("code", {}, command)),
  );
}

function commandFor(kpi, variant, grain, period, slice) {
  const [start, end] = data.periods[grain][period];
  const parts = ["revops kpi", kpi];
  if (variant !== "default") {
    parts.push("--variant", variant);
  }
  parts.push("--grain", grain, "--since", isoDay(start), "--until", isoDay(end));
  if (slice.dimension !== "all") {
    parts.push("--by", slice.dimension);
  }
  return `${parts.join(" ")} --explain --format csv`;
}

/** Records of a set: how many there are, the first of them, and all on the page as a file. */
export function recordList(each, { count = null, query = null } = {}) {
  const table = recordTable(each.table);
  const found = table.select(each.where);
  const total = table.isComplete ? found.length : Math.max(count ?? 0, found.length);
  const isCut = !table.isComplete && (count === null || count > found.length);
  const columns = table.columns.filter((name) => !HIDDEN.has(name));
  const place = h("div", {});
  const show = (number) => {
    const rows = table.rows(found.slice(0, number)).map((row) => ({ cells: columns.map((name) => row[name]) }));
    const labels = columns.map((name) => ({ label: sentence(heading(name)), kind: kindOf(table, name) }));
    place.replaceChildren(
      numberTable(each.title, labels, rows),
      number < found.length ? h("button", { type: "button", class: "quiet", onclick: () => show(number + 100) }, `Show ${plain(Math.min(100, found.length - number))} more`) : "",
    );
  };
  if (found.length) {
    show(ROWS_AT_ONCE);
  }
  const shownCount = isCut ? `${plain(found.length)} of ${count === null ? "more" : plain(total)} on this page` : counted(found.length, "record");
  return h(
    "div",
    { class: "record-set", data: { records: found.length, total, table: each.table } },
    h(
      "div",
      { class: "record-head" },
      h("h4", {}, each.title, " ", h("span", { class: "faint" }, shownCount)),
      found.length ? h("button", { type: "button", class: "quiet", onclick: () => saveRecords(each, table, found, columns) }, "CSV", spoken(` of ${each.title}`)) : null,
    ),
    found.length ? place : h("p", { class: "block-empty" }, table.isComplete ? "None in this period." : "None of them on this page, which keeps the latest only."),
    query ? h("p", { class: "command" }, "All of them: ", h("code", {}, `revops sql "${query}"`)) : null,
  );
}

function saveRecords(each, table, found, columns) {
  const rows = table.rows(found).map((row) => columns.map((name) => (table.type(name) === "date" && row[name] !== null ? isoDay(row[name]) : row[name])));
  save(`${each.title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.csv`, csv(columns, rows));
}
