// The catalog: every KPI and reading, with its value now.

import { data } from "./data.js";
import { h, spoken } from "./dom.js";
import { definitionList, openKpi } from "./drill.js";
import { counted, plain, reasonText, sentence, short } from "./format.js";
import { definition, hasKpi, reading, sliceFor, variantsOf } from "./reading.js";
import { state } from "./state.js";

/** All definitions, with a box to search them. */
export function definitionsPage() {
  const kpis = [...new Set(data.catalog.map((entry) => entry.kpi))];
  const entries = kpis.map((kpi) => ({ kpi, node: entryOf(kpi), text: searchText(kpi) }));
  const count = h("p", { class: "faint", role: "status" }, counted(kpis.length, "KPI"));
  const search = h("input", {
    type: "search",
    id: "search",
    autocomplete: "off",
    oninput: (event) => {
      const wanted = event.target.value.trim().toLowerCase();
      const shown = entries.filter((entry) => {
        entry.node.hidden = !entry.text.includes(wanted);
        return !entry.node.hidden;
      });
      count.textContent = counted(shown.length, "KPI");
    },
  });
  return [
    h("div", { class: "search" }, h("label", { for: "search" }, "Search definitions"), search, count),
    h("div", { class: "entries" }, entries.map((entry) => entry.node)),
    data.series_left_out ? h("p", { class: "faint" }, `${plain(data.series_left_out)} series of further readings and slices had no room on this page; `, h("code", {}, "revops kpi NAME --by DIMENSION"), " has them.") : null,
  ];
}

function searchText(kpi) {
  return data.catalog
    .filter((entry) => entry.kpi === kpi)
    .map((entry) => [entry.kpi, entry.title, entry.question, entry.formula, entry.owner, entry.variant].join(" "))
    .join(" ")
    .toLowerCase();
}

function entryOf(kpi) {
  const about = definition(kpi) ?? data.catalog.find((entry) => entry.kpi === kpi);
  return h(
    "article",
    { class: "entry", data: { entry: kpi } },
    h("header", {}, h("h3", {}, about.title), h("p", { class: "entry-name" }, h("code", {}, kpi), " · ", sentence(about.owner ?? "nobody"))),
    h("p", { class: "entry-question" }, about.question),
    definitionList(about),
    hasKpi(kpi) ? readings(kpi) : null,
  );
}

function readings(kpi) {
  const { grain, period, filters } = state();
  return h(
    "ul",
    { class: "entry-readings" },
    variantsOf(kpi).map((variant) => {
      const about = definition(kpi, variant);
      const now = reading(kpi, variant, grain, period, sliceFor(kpi, variant, filters));
      return h(
        "li",
        {},
        h("button", { type: "button", class: "link", onclick: () => openKpi(kpi, null, variant === "default" ? null : variant) }, about.title, spoken(": details")),
        h("span", { class: now.value === null ? "faint" : "figure" }, now.value === null ? reasonText(now.reason) : short(now.value, about.unit)),
      );
    }),
  );
}
