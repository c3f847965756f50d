// The KPI cards: value, change, target, trend, how sure the number is.

import { data } from "./data.js";
import { h, spoken } from "./dom.js";
import { change, counted, dayText, intervalText, isToDate, listed, periodText, plain, reasonText, short, words } from "./format.js";
import { shownValue } from "./filters.js";
import { definition, goal, hasKpi, periodBefore, reading, sliceFor, trend } from "./reading.js";
import { sparkline } from "./sparkline.js";
import { state } from "./state.js";
import { statusMark } from "./status.js";

const SPARK_PERIODS = 24;

/** The cards of the KPIs that the file has; `open(kpi, part)` shows the details behind one. */
export function cards(kpis, open) {
  return h("div", { class: "cards", data: { count: kpis.filter((kpi) => hasKpi(kpi)).length } }, kpis.filter((kpi) => hasKpi(kpi)).map((kpi) => card(kpi, open)));
}

function card(kpi, open) {
  const { grain, period, filters } = state();
  const about = definition(kpi);
  const slice = sliceFor(kpi, "default", filters);
  const now = reading(kpi, "default", grain, period, slice);
  const aim = goal(kpi, "default", grain, period, slice);
  return h(
    "article",
    { class: "card", data: { kpi, status: aim?.status } },
    h("h3", {}, h("button", { type: "button", class: "card-open", onclick: () => open(kpi) }, about.title, spoken(": definition, trend, slices and records"))),
    valueLine(now, about),
    changeLine(now, kpi, about, slice),
    trendLine(kpi, slice),
    targetLine(aim, about),
    h("p", { class: "card-foot" }, sureness(now, about, kpi, open), sliceNote(slice)),
  );
}

function valueLine(now, about) {
  if (now.value === null) {
    return h("p", { class: "card-value is-empty", data: { reason: now.reason } }, reasonText(now.reason));
  }
  return h("p", { class: "card-value" }, h("data", { value: now.value }, withSmallUnit(short(now.value, about.unit))));
}

/** The words behind a number stand smaller than the number. */
function withSmallUnit(text) {
  const [number, ...unit] = text.split(" ");
  return unit.length ? [number, h("small", {}, ` ${unit.join(" ")}`)] : [text];
}

function changeLine(now, kpi, about, slice) {
  const { grain, period } = state();
  const before = periodBefore(grain, period);
  const line = (...parts) => h("p", { class: "card-change" }, ...parts);
  if (now.isNow) {
    return line(`on ${dayText(data.as_of)}`);
  }
  if (before < 0) {
    return line(grain === "all_time" ? "No period before" : "First period");
  }
  const earlier = reading(kpi, "default", grain, before, slice);
  const moved = change(now.value, earlier.value, about.unit);
  const since = `vs ${periodText(grain, data.periods[grain][before]).replace("Year to", "year to")}`;
  if (!moved) {
    return line(earlier.value === null ? `No value ${since.slice(3)}` : since);
  }
  const isFlat = Math.abs(moved.amount) < 1e-9;
  const isBetter = (about.direction === "down") === moved.amount < 0;
  const tone = isFlat || !about.direction ? "flat" : isBetter ? "better" : "worse";
  const sign = isFlat ? "=" : moved.amount > 0 ? "▲" : "▼";
  return line(
    h("span", { class: "delta", data: { tone } }, h("span", { "aria-hidden": "true" }, `${sign} `), spoken(isFlat ? "unchanged, " : moved.amount > 0 ? "up " : "down "), moved.text, spoken(tone === "flat" ? "" : `, ${tone}`)),
    ` ${since}`,
    isToDate(data.periods[grain][period]) ? " in full" : "",
  );
}

function trendLine(kpi, slice) {
  const { grain, period } = state();
  const shown = grain === "all_time" ? "quarter" : grain;
  const count = data.periods[shown].length;
  const first = Math.max(0, count - SPARK_PERIODS);
  const values = trend(kpi, "default", shown, slice).slice(first).map((each) => each.value);
  const targets = data.periods[shown].map((_, index) => goal(kpi, "default", shown, index, slice)?.target ?? null).slice(first);
  return sparkline(values, targets, (shown === grain ? period : count - 1) - first);
}

function targetLine(aim, about) {
  if (!aim || aim.target === null) {
    return h("p", { class: "card-target is-empty" }, "No target");
  }
  return h("p", { class: "card-target" }, statusMark(aim.status), h("span", {}, `target ${short(aim.target, about.unit)}`));
}

function sureness(now, about, kpi, open) {
  if (now.n === null) {
    return null;
  }
  const interval = now.low === null ? null : h("span", { class: "interval" }, spoken("95 percent interval "), intervalText(now.low, now.high, about.unit));
  return [
    h("button", { type: "button", class: "card-n", onclick: () => open(kpi, "records") }, `n ${plain(now.n)}`, spoken(` records behind ${about.title}`)),
    interval,
  ];
}

/** Which slice a number stands for, and which filters it does not follow. */
export function sliceNote(slice) {
  const parts = [];
  if (slice.dimension !== "all") {
    parts.push(h("span", { class: "slice" }, slice.values.map(shownValue).join(" + ")));
  }
  if (slice.ignored.length) {
    parts.push(h("span", { class: "not-followed" }, `not by ${listed(slice.ignored.map(words))}`));
  }
  return parts;
}

/** How the goals of a period stand, in one line: three on target, one off … */
export function standing(kpis) {
  const { grain, period, filters } = state();
  const counts = new Map();
  for (const kpi of kpis.filter((each) => hasKpi(each))) {
    const status = goal(kpi, "default", grain, period, sliceFor(kpi, "default", filters))?.status ?? "no_target";
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  const order = ["on_target", "at_risk", "off_target", "no_data", "no_target"].filter((status) => counts.has(status));
  return h(
    "p",
    { class: "standing" },
    order.map((status) =>
      h("span", { class: "standing-part" }, status === "no_target" ? h("span", { class: "status", data: { status } }, "No target") : statusMark(status), h("b", {}, plain(counts.get(status)))),
    ),
    spoken(`of ${counted(kpis.length, "KPI")}`),
  );
}
