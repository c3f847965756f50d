// What is looked at: kept in the URL's fragment, so that a view can be shared, restored and tested.

import { data, isoDay, parseDay } from "./data.js";
import { listed } from "./format.js";

export const FILTERS = Object.keys(data.filters).filter((name) => data.filters[name].length > 0);
export const GRAINS = Object.keys(data.periods).filter((grain) => data.periods[grain].length > 0);
export const THEMES = ["system", "light", "dark"];

/** Audiences, each a tab. */
export const TABS = {
  executive: "Executive",
  marketing: "Marketing",
  sales: "Sales",
  customer_success: "Customer success",
  revenue_operations: "Revenue operations",
  definitions: "Definitions",
};

const listeners = [];
let current = null;

/** The state as it is: tab, grain, period (its index), filters, theme, show (the KPI whose details are open). */
export function state() {
  return current;
}

/** Call `listener(state, before, messages)` on every change. */
export function onChange(listener) {
  listeners.push(listener);
}

/** Change some of the state; the URL follows, and the page follows the URL. */
export function update(changes) {
  // The URL may be ahead of the page: a change of it is told to the page a moment later.
  const { found } = read();
  const next = { ...found, ...changes };
  if (changes.grain && changes.period === undefined) {
    next.period = sameTime(found, changes.grain);
  }
  const fragment = `#${written(next)}`;
  if (fragment === location.hash) {
    return;
  }
  location.hash = fragment;
}

/** Read the URL and keep following it. */
export function start() {
  window.addEventListener("hashchange", follow);
  follow();
}

function follow() {
  const before = current;
  const { found, messages } = read();
  current = found;
  for (const listener of listeners) {
    listener(found, before, messages);
  }
}

function read() {
  const given = new URLSearchParams(location.hash.slice(1) || location.search.slice(1));
  const messages = [];
  const choose = (name, allowed, otherwise) => {
    const value = given.get(name);
    if (value === null || allowed.includes(value)) {
      return value ?? otherwise;
    }
    messages.push(`There is no ${name} “${cut(value)}” on this page; it shows ${otherwise} instead.`);
    return otherwise;
  };
  const grain = choose("grain", GRAINS, GRAINS.includes("quarter") ? "quarter" : GRAINS[0]);
  const found = {
    tab: choose("tab", Object.keys(TABS), "executive"),
    grain,
    period: periodFrom(given.get("period"), grain, messages),
    filters: Object.fromEntries(FILTERS.map((name) => [name, valuesFrom(name, given.getAll(name), messages)])),
    theme: choose("theme", THEMES, "system"),
    show: choose("show", Object.keys(data.kpis), null),
    variant: given.get("variant"),
  };
  if (found.show === null || !(found.variant in data.kpis[found.show])) {
    found.variant = null;
  }
  return { found, messages };
}

function periodFrom(text, grain, messages) {
  const known = data.periods[grain];
  if (text !== null) {
    const day = parseDay(text);
    const index = known.findIndex(([start]) => start === day);
    if (index >= 0) {
      return index;
    }
    messages.push(`There is no period that begins on “${cut(text)}”; the page shows the last complete one.`);
  }
  return lastComplete(grain);
}

function valuesFrom(name, given, messages) {
  const known = given.filter((value) => data.filters[name].includes(value));
  const unknown = given.filter((value) => !data.filters[name].includes(value));
  if (unknown.length) {
    messages.push(`There is no ${name} ${listed(unknown.map((value) => `“${cut(value)}”`))} in this data; it is left out.`);
  }
  return data.filters[name].filter((value) => known.includes(value));
}

function cut(text) {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Index of the last period of a grain that has ended; of the first if none has. */
export function lastComplete(grain) {
  const known = data.periods[grain];
  for (let index = known.length - 1; index > 0; index -= 1) {
    if (known[index][1] <= data.as_of + 1) {
      return index;
    }
  }
  return 0;
}

/** The period of another grain that ends with the present one, or the last that ended before. */
function sameTime({ grain, period }, wanted) {
  if (period === lastComplete(grain) || grain === "all_time") {
    return lastComplete(wanted);
  }
  const end = data.periods[grain][period][1];
  const index = data.periods[wanted].findLastIndex((each) => each[1] <= end);
  return index < 0 ? 0 : index;
}

function written({ tab, grain, period, filters, theme, show, variant }) {
  const fragment = new URLSearchParams();
  fragment.set("tab", tab);
  fragment.set("grain", grain);
  fragment.set("period", isoDay(data.periods[grain][period][0]));
  for (const [name, values] of Object.entries(filters)) {
    values.forEach((value) => fragment.append(name, value));
  }
  if (theme !== "system") {
    fragment.set("theme", theme);
  }
  if (show) {
    fragment.set("show", show);
    if (variant) {
      fragment.set("variant", variant);
    }
  }
  return fragment.toString();
}
