// Whether the numbers can be trusted: freshness, reconciliation, findings, matching.

import { data, identityTable, operationsTable } from "./data.js";
import { h } from "./dom.js";
import { barCell, openDetails } from "./drill.js";
import { counted, dayText, listed, plain, sentence } from "./format.js";

const SEVERITIES = { error: "off_target", warning: "at_risk", notice: "no_data" };

/** How many findings of each severity the run has. */
export function findingCounts() {
  const table = operationsTable("quality");
  const counts = { error: 0, warning: 0, notice: 0 };
  for (const severity of table?.column("severity") ?? []) {
    counts[severity] = (counts[severity] ?? 0) + 1;
  }
  return counts;
}

/** Findings in a few words. */
export function findingText() {
  const { error, warning } = findingCounts();
  const parts = [error ? counted(error, "error") : null, warning ? counted(warning, "warning") : null].filter(Boolean);
  return parts.length ? listed(parts) : "no warnings";
}

/** The run that built the file. */
export function runOf() {
  return operationsTable("runs")?.rows([0])[0] ?? null;
}

/** Freshness, reconciliation and findings at a glance. */
export const dataHealth = {
  id: "data-health",
  title: "The data behind this page",
  span: 12,
  about: () => `As of ${dayText(data.as_of)}; does not follow the period`,
  filters: [],
  view: () => ({ nodes: [h("div", { class: "health" }, healthFacts().map(([name, value, note, status]) => h("div", { class: "health-fact", data: { status } }, h("p", { class: "health-name" }, name), h("p", { class: "health-value" }, value), h("p", { class: "health-note" }, note)))), findingList(5)] }),
};

function healthFacts() {
  const freshness = operationsTable("freshness");
  const reconciliation = operationsTable("reconciliation");
  const statuses = reconciliation?.column("status") ?? [];
  const matching = statuses.filter((status) => status === "match").length;
  const systems = new Set(freshness?.column("source_system") ?? []);
  const rows = (freshness?.column("row_count") ?? []).reduce((total, count) => total + (count ?? 0), 0);
  const latest = latestUpdate(freshness);
  const { error, warning, notice } = findingCounts();
  return [
    ["Sources", plain(systems.size), systems.size ? [...systems].join(", ") : "none known", null],
    ["Records read", plain(rows), `${plain(freshness?.size ?? 0)} tables`, null],
    ["Latest change at a source", latest ? latest.slice(0, 10) : "unknown", latest ? `${latest.slice(11)} UTC` : "no source says", null],
    ["Reconciled", statuses.length ? `${matching} of ${statuses.length}` : "unknown", statuses.length ? "tables, in rows and in money" : "nothing was compared", statuses.length && matching === statuses.length ? "on_target" : "at_risk"],
    ["Findings", plain(error + warning), `${counted(error, "error")}, ${counted(warning, "warning")}, ${counted(notice, "notice")}`, error ? "off_target" : warning ? "at_risk" : "on_target"],
  ];
}

function latestUpdate(freshness) {
  const known = (freshness?.has("latest_update_at") ? freshness.column("latest_update_at") : []).filter((value) => value !== null);
  return known.length ? known.reduce((latest, value) => (value > latest ? value : latest)) : null;
}

function findingList(limit) {
  const rows = operationsTable("quality")?.rows() ?? [];
  if (rows.length === 0) {
    return h("p", { class: "block-empty" }, "Nothing was found wrong with the data.");
  }
  return h(
    "ul",
    { class: "findings" },
    rows.slice(0, limit).map((row) => h("li", { data: { severity: row.severity } }, h("span", { class: "status", data: { status: SEVERITIES[row.severity] } }, sentence(row.severity)), h("span", {}, `${row.source_system ?? "all sources"}, ${row.entity}: ${row.message}`), h("span", { class: "faint" }, counted(row.failing_rows ?? 0, "row")))),
    rows.length > limit ? h("li", { class: "faint" }, `and ${plain(rows.length - limit)} more, on the tab Revenue operations`) : null,
  );
}

function listing({ id, title, table, about, empty, columns, span = 12, explained, foot }) {
  return {
    id,
    title,
    span,
    about,
    filters: [],
    open: () => openDetails({ title, about: explained }),
    view: () => {
      const found = table();
      if (!found) {
        return { empty };
      }
      const shown = columns.filter(([name]) => found.has(name));
      return {
        columns: shown.map(([, label, kind]) => ({ label, kind })),
        rows: found.rows().map((row) => ({ cells: shown.map(([name, , , write]) => (write ? write(row[name], row) : row[name])) })),
        foot: found.isComplete ? foot ?? null : h("p", { class: "faint" }, `${plain(found.size)} of ${plain(found.total)} rows`),
      };
    },
  };
}

const severityMark = (severity) => h("span", { class: "status", data: { status: SEVERITIES[severity] } }, sentence(severity));
const matchMark = (status) => h("span", { class: "status", data: { status: status === "match" ? "on_target" : status === "mismatch" ? "off_target" : "no_data" } }, sentence(status));

/** Findings of the run, all of them. */
export const findings = listing({
  id: "findings",
  title: "Findings",
  table: () => operationsTable("quality"),
  about: "What is wrong with the data, and where; an error stops a publication",
  empty: "Nothing was found wrong with the data.",
  explained: "Checks of the run that found something: stages without a rule, currencies without a rate, deals without a day, spellings that differ.",
  columns: [["severity", "Severity", "text", severityMark], ["source_system", "Source"], ["entity", "Entity"], ["failing_rows", "Rows", "count"], ["message", "What"]],
});

/** How fresh each table of each source is. */
export const freshness = listing({
  id: "freshness",
  title: "Freshness",
  span: 6,
  table: () => operationsTable("freshness"),
  about: "The latest change each source reports, in UTC",
  empty: "No source was read.",
  explained: "Per source and entity: records, how many are deleted at the source, the latest change it reports, and when it was last read.",
  columns: [["source_system", "Source"], ["entity", "Entity", "text", (value) => sentence(value)], ["row_count", "Records", "count"], ["latest_update_at", "Latest change"], ["last_read_at", "Last read"]],
});

/** Whether rows and money arrive. */
export const reconciliation = listing({
  id: "reconciliation",
  title: "Reconciliation",
  span: 6,
  table: () => operationsTable("reconciliation"),
  about: "Rows and money at the source, landed, unified",
  empty: "Nothing was reconciled.",
  explained: "Rows and sums of money at the source are compared with what was landed and with what stands in the unified tables; all must be equal.",
  columns: [["source_system", "Source"], ["entity", "Entity", "text", (value) => sentence(value)], ["rows_at_source", "At source", "count"], ["landed_rows", "Landed", "count"], ["unified_rows", "Unified", "count"], ["status", "Status", "text", matchMark]],
});

/** Past values that a later run changed. */
export const restatements = listing({
  id: "restatements",
  title: "Restated numbers",
  table: () => operationsTable("restatements"),
  about: "Values of closed periods that a later run computed differently",
  empty: "No published number of a closed period has changed.",
  explained: "A published number of a closed period that a later run computes differently is recorded with its old and new value.",
  columns: [["restated_at", "When"], ["kpi", "KPI", "text", (value) => sentence(value)], ["variant", "Reading"], ["period_start", "Period", "day"], ["dimension_value", "Slice"], ["old_value", "Old", "number"], ["new_value", "New", "number"]],
});

// The page is written by a run that has not ended yet.
const runStatus = (value) => (value === "running" ? "Wrote this page" : sentence(value ?? ""));
const whenOver = (value, row) => (row.status === "running" ? "–" : value);

/** The runs of this home folder. */
export const runs = listing({
  id: "runs",
  title: "Runs",
  table: () => operationsTable("runs"),
  about: "What built this file, and what came before",
  empty: "No run is recorded.",
  explained: "Every finished or failed run: what it read, how its tests went, what it published.",
  columns: [["run_id", "Run"], ["started_at", "Started"], ["status", "Status", "text", runStatus], ["as_of", "As of", "day"], ["rows_read", "Rows read", "count"], ["tests_passed", "Tests passed", "count", whenOver], ["tests_warned", "warned", "count", whenOver], ["tests_failed", "failed", "count", whenOver], ["version", "Version"]],
});

/** In how many systems each company is known. */
export const silos = {
  id: "silos",
  title: "In which systems companies are known",
  span: 6,
  needs: ["revenue.accounts"],
  about: "Companies by the systems that know them; does not follow the period",
  filters: [],
  open: () => openDetails({ title: "In which systems companies are known", about: "One company is one account, however many systems hold a record of it. The fewer systems know a customer, the more silos stand between the teams." }),
  view: () => {
    const found = identityTable("silos");
    if (!found) {
      return { empty: "No accounts." };
    }
    const rows = found.rows();
    const most = Math.max(...rows.map((row) => row.accounts));
    return {
      columns: [{ label: "Known in" }, { label: "Systems", kind: "count" }, { label: "Companies", kind: "given" }, { label: "Customers", kind: "count" }],
      rows: rows.map((row) => ({ cells: [row.known_in || "none", row.systems, barCell(row.accounts, most, plain(row.accounts)), row.customers] })),
    };
  },
};

/** How records were recognised as the same company. */
export const matching = {
  id: "matching",
  title: "How records became companies",
  span: 6,
  needs: ["identity.account_members"],
  about: () => `${counted(data.identity.review_queue ?? 0, "pair")} wait for a decision`,
  filters: [],
  open: () => openDetails({ title: "How records became companies", about: "Deterministic: an exact key decided. Probabilistic: the weight of the evidence decided. Single: the only record of its company." }),
  view: () => {
    const found = identityTable("methods");
    if (!found) {
      return { empty: "No accounts." };
    }
    const rows = found.rows();
    const most = Math.max(...rows.map((row) => row.records));
    return {
      columns: [{ label: "Source" }, { label: "Method" }, { label: "Records", kind: "given" }, { label: "Companies", kind: "count" }],
      rows: rows.map((row) => ({ cells: [row.source_system, sentence(row.match_method), barCell(row.records, most, plain(row.records)), row.accounts] })),
    };
  },
};
