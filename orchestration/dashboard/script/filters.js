// The bar below the tabs: which period, which slice.

import { data } from "./data.js";
import { h, spoken } from "./dom.js";
import { dayText, isToDate, periodText, plain, sentence } from "./format.js";
import { FILTERS, GRAINS, lastComplete, state, update } from "./state.js";

const GRAIN_NAMES = {
  month: "Month",
  quarter: "Quarter",
  year: "Year",
  trailing_12_months: "12 months",
  all_time: "All time",
};

/** Draw the bar anew, keeping the keyboard where it is. */
export function drawFilters(bar) {
  const focused = document.activeElement?.dataset?.control;
  const open = [...bar.querySelectorAll("details[open]")].map((each) => each.dataset.filter);
  bar.replaceChildren(grainPicker(), periodPicker(), ...FILTERS.map((name) => filterPicker(name, open.includes(name))), clearButton());
  if (focused) {
    bar.querySelector(`[data-control="${CSS.escape(focused)}"]`)?.focus();
  }
}

/** Close a menu on Escape or a click elsewhere. */
export function closeMenusOf(bar) {
  document.addEventListener("click", (event) => {
    for (const menu of bar.querySelectorAll("details[open]")) {
      if (!menu.contains(event.target)) {
        menu.open = false;
      }
    }
  });
  bar.addEventListener("keydown", (event) => {
    const menu = event.target.closest("details[open]");
    if (event.key === "Escape" && menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

function grainPicker() {
  const { grain } = state();
  return h(
    "fieldset",
    { class: "grains" },
    h("legend", { class: "spoken" }, "Length of the period"),
    GRAINS.map((each) =>
      h(
        "label",
        {},
        h("input", {
          type: "radio",
          name: "grain",
          value: each,
          checked: each === grain,
          data: { control: `grain-${each}` },
          onchange: () => update({ grain: each }),
        }),
        h("span", {}, GRAIN_NAMES[each]),
      ),
    ),
  );
}

function periodPicker() {
  const { grain, period } = state();
  const known = data.periods[grain];
  const step = (to, name, sign) =>
    h(
      "button",
      { type: "button", class: "step", disabled: to < 0 || to >= known.length, data: { control: name }, onclick: () => update({ period: to }) },
      h("span", { "aria-hidden": "true" }, sign),
      spoken(name),
    );
  return h(
    "div",
    { class: "period" },
    step(period - 1, "Earlier period", "‹"),
    h("label", { class: "spoken", for: "period" }, "Period"),
    h(
      "select",
      { id: "period", data: { control: "period" }, onchange: (event) => update({ period: Number(event.target.value) }) },
      known
        .map((each, index) => h("option", { value: index, selected: index === period }, periodText(grain, each) + (isToDate(each) ? " to date" : "")))
        .reverse(),
    ),
    step(period + 1, "Later period", "›"),
  );
}

function filterPicker(name, isOpen) {
  const chosen = state().filters[name];
  const label = chosen.length === 0 ? "All" : chosen.length === 1 ? shownValue(chosen[0]) : `${chosen.length} chosen`;
  const box = (value) =>
    h(
      "label",
      { class: "choice" },
      h("input", {
        type: "checkbox",
        checked: chosen.includes(value),
        data: { control: `${name}-${value}` },
        onchange: (event) => choose(name, value, event.target.checked),
      }),
      h("span", {}, shownValue(value)),
    );
  return h(
    "details",
    { class: "filter", open: isOpen, data: { filter: name, active: chosen.length > 0 } },
    h("summary", { data: { control: name } }, h("span", { class: "filter-name" }, sentence(name)), h("span", { class: "filter-value" }, label)),
    h(
      "div",
      { class: "menu", role: "group", "aria-label": sentence(name) },
      data.filters[name].map(box),
      h("button", { type: "button", class: "quiet", disabled: chosen.length === 0, onclick: () => chooseNone(name) }, "All"),
    ),
  );
}

function choose(name, value, isChosen) {
  const { filters } = state();
  const kept = filters[name].filter((each) => each !== value);
  update({ filters: { ...filters, [name]: isChosen ? data.filters[name].filter((each) => each === value || kept.includes(each)) : kept } });
}

function chooseNone(name) {
  update({ filters: { ...state().filters, [name]: [] } });
}

function clearButton() {
  const { filters, grain, period } = state();
  const isPlain = Object.values(filters).every((values) => values.length === 0) && period === lastComplete(grain);
  return h(
    "button",
    {
      type: "button",
      class: "quiet clear",
      disabled: isPlain,
      data: { control: "clear" },
      onclick: () => update({ period: lastComplete(grain), filters: Object.fromEntries(FILTERS.map((name) => [name, []])) }),
    },
    "Reset",
  );
}

/** A slice value as read; a silent source is named as such. */
export function shownValue(value) {
  return value === "unknown" ? "Unknown" : value;
}

/** The period and slice in one line, for print and for titles. */
export function filterSummary() {
  const { grain, period, filters } = state();
  const chosen = data.periods[grain][period];
  const span = `${dayText(chosen[0])} to ${dayText(Math.min(chosen[1] - 1, data.as_of))}`;
  const slices = FILTERS.filter((name) => filters[name].length).map((name) => `${sentence(name)}: ${filters[name].map(shownValue).join(", ")}`);
  return [`${periodText(grain, chosen)} (${span})`, ...(slices.length ? slices : ["all segments, regions, teams and products"])].join(" · ");
}

/** What a number of filters means for the reader. */
export function filterCount() {
  return plain(Object.values(state().filters).filter((values) => values.length).length);
}
