// Tables that say where help is needed and what is expected, shown as they are published: nothing is computed here.

import { data, findingTable } from "./data.js";
import { openDetails } from "./drill.js";
import { h } from "./dom.js";
import { periodText, plain, sentence } from "./format.js";
import { state } from "./state.js";
import { heading } from "./tables.js";

/** Columns that lead nowhere on their own. */
const ASIDE = new Set(["account_id", "opportunity_id", "period_end", "as_of", "model_version"]);

function insightBlock({ id, title, table, explained, span = 12, about }) {
  return {
    id,
    title,
    span,
    needs: [`metrics.${table}`],
    about: () => [about, periodNote(table)].filter(Boolean).join(" · "),
    filters: [],
    open: () => openDetails({ title, about: explained }),
    view: () => insightView(table),
  };
}

function insightView(name) {
  const table = findingTable(name);
  if (!table) {
    return { empty: "The table is published and holds no rows." };
  }
  const rows = table.rows(rowsOfPeriod(table));
  const columns = table.columns.filter((column) => !ASIDE.has(column) && rows.some((row) => row[column] !== null));
  return {
    columns: columns.map((column) => ({ label: sentence(heading(column)), kind: insightKind(table, column) })),
    rows: rows.map((row) => ({ cells: columns.map((column) => row[column]) })),
    foot: table.isComplete ? null : h("p", { class: "faint" }, `The latest ${plain(table.size)} of ${plain(table.total)} rows are on this page.`),
  };
}

/** The rows of the period looked at; the latest ones where it has none. */
function rowsOfPeriod(table) {
  if (!table.has("period_start") || table.type("period_start") !== "date") {
    return null;
  }
  const [start, end] = chosenPeriod();
  const inside = table.select([["period_start", ">=", start], ["period_start", "<", end]]);
  const latest = Math.max(...table.column("period_start").filter((value) => value !== null));
  return inside.length ? inside : table.select([["period_start", "=", latest]]);
}

function chosenPeriod() {
  const { grain, period } = state();
  return data.periods[grain][period];
}

function periodNote(name) {
  const table = findingTable(name);
  if (!table?.has("period_start")) {
    return "does not follow the period";
  }
  const [start, end] = chosenPeriod();
  const isInside = table.select([["period_start", ">=", start], ["period_start", "<", end]]).length > 0;
  return isInside ? periodText(state().grain, [start, end]) : "latest period known, not the one chosen";
}

function insightKind(table, column) {
  const type = table.type(column);
  if (type === "date") {
    return "day";
  }
  if (type === "boolean") {
    return "yes";
  }
  if (type === "text") {
    return "text";
  }
  if (/amount|cost|^low$|^expected$|^high$|won_so_far|from_pipeline|not_yet_created/.test(column)) {
    return "money";
  }
  return /probability|share|rate$/.test(column) ? "percent" : "number";
}

export const bottlenecks = insightBlock({
  id: "bottlenecks",
  title: "Bottlenecks",
  table: "bottlenecks",
  about: "Where work waits longest, and what it costs",
  explained: "Excess waiting per process, step and segment, weighed by the amount at risk.",
});

export const teamSupport = insightBlock({
  id: "team-support",
  title: "Teams that need support",
  table: "team_support",
  about: "Behind target, peers or their own past",
  explained: "Where a team falls behind its targets, its peers and its own past, and on which KPI.",
});

export const handoffs = insightBlock({
  id: "handoffs",
  title: "Hand-offs between departments",
  table: "handoffs",
  span: 6,
  explained: "How work passes from one department to the next, and where it waits.",
});

export const conformance = insightBlock({
  id: "conformance",
  title: "Process against playbook",
  table: "process_conformance",
  span: 6,
  explained: "Which share of deals follows the playbook, and how the others depart from it.",
});

export const tools = insightBlock({
  id: "tools",
  title: "Tools in use",
  table: "tool_adoption",
  explained: "Which tools a department has, which are used, which overlap, and what each costs.",
});

export const revenueForecast = insightBlock({
  id: "revenue-forecast",
  title: "Expected revenue",
  table: "revenue_forecast",
  about: "Low, expected and high; what is won, in the pipeline, not yet created",
  explained: "Low is exceeded in nine cases of ten, high in one of ten. Expected is what is won so far, what the open pipeline should bring, and what has not been created yet.",
});

export const dealScores = insightBlock({
  id: "scores",
  title: "Open deals by chance of winning",
  table: "opportunity_scores",
  about: "Chance of the model beside the plain base rate",
  explained: "The chance that a deal is won, with the reasons, beside the rate deals of its kind have without a model.",
});

export const accountHealth = insightBlock({
  id: "account-health",
  title: "Account health",
  table: "account_health",
  explained: "How each customer stands on the as-of day.",
});

export const attribution = insightBlock({
  id: "attribution",
  title: "Which channels won deals, by model",
  table: "attribution",
  about: "Won amount credited to each channel; look at the spread over the models, none of them is the truth",
  explained: "Every won deal has one credit, shared among the touches before it by each model's rule.",
});
