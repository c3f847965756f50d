// The frame every block of the page has: what it shows, which filters it follows, chart or table, definition.

import { isPublished } from "./data.js";
import { draw, legend } from "./charts.js";
import { h, spoken } from "./dom.js";
import { listed, words } from "./format.js";
import { shownValue } from "./filters.js";
import { numberTable } from "./tables.js";
import { FILTERS, state } from "./state.js";

const views = new Map();

/**
 * A block: {id, title, span, needs, filters, period, about, open, view}.
 *
 * `needs` are the published tables without which there is nothing to show. `filters` are the filters it follows (a
 * list, or a function). `about` is what it shows, in a line. `open` opens its definition. `view(context)` gives
 * {columns, rows, option, pick, summary, height} for a chart with its table, or {nodes} for anything else, or {empty}
 * with the reason in words.
 */
export function frame(block, context) {
  const missing = (block.needs ?? []).filter((name) => !isPublished(name));
  const section = h("section", { class: "block", id: `block-${block.id}`, data: { block: block.id, span: block.span ?? 6 }, "aria-labelledby": `title-${block.id}` });
  if (missing.length) {
    section.classList.add("is-missing");
    section.append(heading3(block), h("p", { class: "block-empty" }, `Not in this file: ${listed(missing)}.`));
    return section;
  }
  const view = block.view(context);
  section.append(head(block, view, context, section));
  if (view.empty) {
    section.classList.add("is-empty");
    section.append(h("p", { class: "block-empty" }, view.empty));
  } else {
    section.append(body(block, view));
  }
  return section;
}

/** Draw the charts of a part of the page; they need their place in the document for it. */
export function drawCharts(root) {
  for (const element of root.querySelectorAll(".chart")) {
    element.drawChart?.();
  }
}

function heading3(block) {
  return h("h3", { id: `title-${block.id}` }, block.title);
}

function head(block, view, context, section) {
  const about = typeof block.about === "function" ? block.about(context) : block.about;
  const notes = [about, filterNote(block), view.note].filter(Boolean);
  return h(
    "header",
    { class: "block-head" },
    heading3(block),
    h(
      "div",
      { class: "block-tools" },
      view.option && !view.empty ? viewSwitch(block, view, section) : null,
      block.open ? h("button", { type: "button", class: "quiet", onclick: () => block.open(context) }, "Definition", spoken(` of ${block.title}`)) : null,
    ),
    h("p", { class: "block-about" }, notes.map((note, index) => [index ? " · " : "", note])),
  );
}

/** Says which of the chosen filters the block does not follow. */
function filterNote(block) {
  const follows = typeof block.filters === "function" ? block.filters() : block.filters ?? [];
  const { filters } = state();
  const active = FILTERS.filter((name) => filters[name].length);
  const ignored = active.filter((name) => !follows.includes(name));
  const followed = active.filter((name) => follows.includes(name));
  if (active.length === 0) {
    return null;
  }
  return [
    followed.length ? h("span", { class: "slice" }, followed.flatMap((name) => filters[name]).map(shownValue).join(" + ")) : null,
    followed.length && ignored.length ? " " : null,
    ignored.length ? h("span", { class: "not-followed" }, `does not follow ${listed(ignored.map(words))}`) : null,
  ].filter(Boolean);
}

function viewSwitch(block, view, section) {
  const isTable = () => views.get(block.id) === "table";
  const button = h("button", { type: "button", class: "quiet", "aria-pressed": String(isTable()), onclick: () => toggle() }, "Table", spoken(` of ${block.title}`));
  const toggle = () => {
    views.set(block.id, isTable() ? "chart" : "table");
    button.setAttribute("aria-pressed", String(isTable()));
    section.querySelector(".block-body").replaceWith(body(block, view));
    drawCharts(section);
  };
  return button;
}

function body(block, view) {
  if (view.nodes) {
    return h("div", { class: "block-body" }, view.nodes);
  }
  if (!view.option || views.get(block.id) === "table") {
    return h("div", { class: "block-body" }, numberTable(block.title, view.columns, view.rows), view.foot ?? null);
  }
  return h("div", { class: "block-body" }, chart(`${block.title}. ${view.summary ?? ""}`, view), view.foot ?? null);
}

/** A chart in its place, below what its colours mean; it is drawn by `drawCharts` once it has a width. */
export function chart(label, view) {
  const element = h("div", { class: "chart", role: "img", "aria-label": label, data: { pickable: Boolean(view.pick) }, style: { "--height": `${view.height ?? 260}px` } });
  element.drawChart = () => draw(element, view.option, view.pick);
  return h("div", { class: "figure-frame" }, view.legend ? legend(view.legend) : null, element);
}
