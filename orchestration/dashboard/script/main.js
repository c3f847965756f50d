// Draws the page and follows the state.

import { data, dateOf, goals } from "./data.js";
import { AUDIENCES } from "./audiences.js";
import { cards, standing } from "./cards.js";
import { fitCharts, release } from "./charts.js";
import { definitionsPage } from "./definitions.js";
import { h, spoken, svg } from "./dom.js";
import { followState, openKpi, prepareDialog } from "./drill.js";
import { closeMenusOf, drawFilters, filterSummary } from "./filters.js";
import { counted, dayText } from "./format.js";
import { drawCharts, frame } from "./frame.js";
import { hasKpi } from "./reading.js";
import { onChange, start, state, TABS, THEMES, update } from "./state.js";
import { findingCounts, findingText, runOf } from "./trust.js";

const page = document.getElementById("page");
const filters = document.getElementById("filters");
const messagesPlace = document.getElementById("messages");
const DAY_LENGTH = 86_400_000;

function show(now, before, messages) {
  applyTheme(now.theme);
  const isSamePage = before && before.tab === now.tab && before.theme === now.theme && before.grain === now.grain && before.period === now.period && JSON.stringify(before.filters) === JSON.stringify(now.filters);
  messagesPlace.replaceChildren(...messages.map((message) => h("p", { class: "notice" }, message)));
  if (!isSamePage) {
    drawMasthead(now);
    drawTabs(now.tab);
    drawFilters(filters);
    drawPage(now);
    if (before && before.tab !== now.tab) {
      scrollTo({ top: 0 });
    }
  }
  followState(now, before);
}

function applyTheme(theme) {
  if (theme === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
}

function drawMasthead({ theme }) {
  const { error, warning } = findingCounts();
  const age = Math.floor((Date.now() - dateOf(data.as_of).getTime()) / DAY_LENGTH) - 1;
  document.getElementById("as-of").replaceChildren(
    h("span", { class: "as-of-day" }, "Data through ", h("time", { datetime: dateOf(data.as_of).toISOString().slice(0, 10) }, dayText(data.as_of))),
    age > 0 ? h("span", { class: "as-of-age" }, `${counted(age, "day")} old`) : "",
    h("button", { type: "button", class: "as-of-findings", data: { status: error ? "off_target" : warning ? "at_risk" : "on_target" }, onclick: () => update({ tab: "revenue_operations" }) }, findingText(), spoken(" about the data: details")),
  );
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  document.getElementById("masthead-tools").replaceChildren(
    h("button", { type: "button", class: "tool", title: `Colours: ${theme}`, data: { control: "theme" }, onclick: () => update({ theme: next }) }, themeIcon(theme), spoken(`Colours: ${theme}; change to ${next}`)),
    h("button", { type: "button", class: "tool", title: "Print", onclick: () => print() }, printIcon(), spoken("Print")),
  );
}

function themeIcon(theme) {
  const shapes = {
    system: [svg("circle", { cx: 8, cy: 8, r: 5.5 }), svg("path", { d: "M8 2.5a5.5 5.5 0 0 1 0 11z", class: "filled" })],
    light: [svg("circle", { cx: 8, cy: 8, r: 3.2 }), svg("path", { d: "M8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8L13 13M3 13l1.2-1.2M11.8 4.2L13 3" })],
    dark: [svg("path", { d: "M13 9.8A5.6 5.6 0 0 1 6.2 3a5.6 5.6 0 1 0 6.8 6.8z" })],
  };
  return svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, shapes[theme]);
}

function printIcon() {
  return svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: "M4.5 6V2h7v4M4.5 12H2.5V6h11v6h-2M4.5 9.5h7V14h-7z" }));
}

function drawTabs(tab) {
  const bar = document.getElementById("tabs");
  const focused = document.activeElement?.dataset?.tab;
  bar.replaceChildren(...Object.entries(TABS).map(([name, title]) => h("button", { type: "button", data: { tab: name }, "aria-current": name === tab ? "page" : null, onclick: () => update({ tab: name }) }, title)));
  if (focused) {
    bar.querySelector(`[data-tab="${focused}"]`)?.focus();
  }
}

function drawPage({ tab }) {
  release(page);
  document.title = `${TABS[tab]} · Revenue scorecard`;
  page.dataset.tab = tab;
  const title = h("h1", { class: "spoken" }, `${TABS[tab]}: ${filterSummary()}`);
  const printed = h("p", { class: "printed" }, `${TABS[tab]} · ${filterSummary()} · data through ${dayText(data.as_of)}`);
  if (tab === "definitions") {
    page.replaceChildren(title, printed, ...definitionsPage().filter(Boolean));
    return;
  }
  const audience = AUDIENCES[tab];
  const kpis = audience.kpis.filter((kpi) => hasKpi(kpi));
  const context = { state: state() };
  page.replaceChildren(
    title,
    printed,
    h("h2", { class: "spoken" }, "Key numbers"),
    ...(goals.length ? [standing(kpis)] : []),
    cards(kpis, openKpi),
    h("h2", { class: "spoken" }, "Charts and tables"),
    h("div", { class: "blocks" }, audience.blocks.map((block) => frame(block, context))),
  );
  drawCharts(page);
}

function drawColophon() {
  const run = runOf();
  const parts = [
    run?.run_id ? `Run ${run.run_id}` : null,
    run?.version ? `version ${run.version}` : null,
    run?.git_commit ? `commit ${String(run.git_commit).slice(0, 12)}` : null,
    data.currency ? `amounts in ${data.currency}` : null,
    counted(data.catalog.length, "definition"),
  ];
  document.getElementById("colophon").replaceChildren(h("p", {}, parts.filter(Boolean).join(" · ")), h("p", {}, "Everything on this page is in this file; it asks no server for anything."));
}

function followPaper() {
  addEventListener("beforeprint", () => {
    document.documentElement.classList.add("is-printing");
    fitCharts();
  });
  addEventListener("afterprint", () => {
    document.documentElement.classList.remove("is-printing");
    fitCharts();
  });
}

function followScreen() {
  let waiting = null;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(fitCharts, 80);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(page));
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    page.focus();
  });
}

prepareDialog();
closeMenusOf(filters);
followPaper();
followScreen();
drawColophon();
onChange(show);
start();
document.documentElement.dataset.ready = "true";
