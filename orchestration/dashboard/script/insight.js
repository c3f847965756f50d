// Tables that say where help is needed and what is expected, shown as they are published: nothing is computed here.

import { data, findingTable } from "./data.js";
import { openDetails } from "./drill.js";
import { h, spoken } from "./dom.js";
import { percent, periodText, plain, sentence, short } from "./format.js";
import { definition } from "./reading.js";
import { state } from "./state.js";
import { cellText, heading } from "./tables.js";

/** Kinds that are put into words here. */
const AS_TEXT = new Set(["word", "reasons"]);

/** Columns that lead nowhere on their own. */
const ASIDE = new Set(["account_id", "contract_id", "opportunity_id", "period_end", "as_of", "model_version"]);

/**
 * A table of `metrics`. `columns` are {name: [heading, kind]} in their order; without them every column is shown as it
 * is called. `first` compares two rows; `tone` names the status of a row, "off_target" where help is needed.
 */
function insightBlock({ id, title, table, explained, span = 12, about, columns, first, tone }) {
  return {
    id,
    title,
    span,
    needs: [`metrics.${table}`],
    about: () => [about, periodNote(table)].filter(Boolean).join(" · "),
    filters: [],
    open: () => openDetails({ title, about: explained }),
    view: () => insightView(table, columns, first, tone),
  };
}

function insightView(name, columns, first, tone) {
  const table = findingTable(name);
  if (!table) {
    return { empty: "The table is published and holds no rows." };
  }
  const rows = table.rows(rowsOfPeriod(table));
  const shown = columns ? chosenColumns(table, columns) : everyColumn(table, rows);
  if (first) {
    rows.sort(first);
  }
  return {
    columns: shown.map(({ label, kind }) => ({ label, kind: AS_TEXT.has(kind) ? "text" : kind })),
    rows: rows.map((row) => ({ cells: shown.map(({ name: column, kind }, index) => insightCell(row, column, kind, index === 0 ? tone?.(row) : null)) })),
    foot: table.isComplete ? null : h("p", { class: "faint" }, `The latest ${plain(table.size)} of ${plain(table.total)} rows are on this page.`),
  };
}

function chosenColumns(table, columns) {
  return Object.entries(columns)
    .filter(([name]) => table.has(name))
    .map(([name, [label, kind]]) => ({ name, label, kind }));
}

function everyColumn(table, rows) {
  const known = table.columns.filter((column) => !ASIDE.has(column) && rows.some((row) => row[column] !== null));
  return known.map((name) => ({ name, label: sentence(heading(name)), kind: insightKind(table, name) }));
}

function insightCell(row, column, kind, status) {
  const shown = insightValue(row[column], kind, row);
  if (!status) {
    return shown;
  }
  return h("span", {}, h("span", { class: "status", data: { status }, "aria-hidden": "true" }, "✕\u00a0"), spoken("needs help: "), cellText(shown, kind));
}

function insightValue(value, kind, row) {
  if (value === null || value === undefined) {
    return null;
  }
  switch (kind) {
    case "word":
      return sentence(value);
    case "kpi":
      return definition(row.kpi) ? short(value, definition(row.kpi).unit) : plain(value, 2);
    case "number":
      return plain(value, 2);
    case "reasons":
      return reasonsText(value);
    default:
      return value;
  }
}

/** What moved a chance, a JSON list of features with their effect, as "up: stage, segment; down: age". */
function reasonsText(value) {
  const reasons = JSON.parse(value);
  const named = (sign) => reasons.filter((each) => Math.sign(each.log_odds) === sign).map((each) => each.feature);
  const parts = [["up", named(1)], ["down", named(-1)]].filter(([, features]) => features.length > 0);
  return sentence(parts.map(([way, features]) => `${way}: ${features.join(", ")}`).join("; "));
}

const last = (value) => (value === null || value === undefined ? Infinity : value);

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
  about: "Steps that take longer than they used to, and what waits in them; the worst first",
  explained: "The median days in each step of deals, leads, tickets and tasks, by segment, against the two years before. A bottleneck is slower beyond chance and by at least a quarter.",
  columns: {
    step: ["Step", "word"],
    process: ["Process", "word"],
    segment: ["Segment"],
    days: ["Days now", "number"],
    usual_days: ["Usually", "number"],
    cases: ["Cases", "count"],
    amount_at_risk: ["At risk", "money"],
    reason: ["Why"],
  },
  first: (left, right) => last(left.bottleneck_rank) - last(right.bottleneck_rank) || (right.excess_days ?? 0) - (left.excess_days ?? 0),
  tone: (row) => (row.is_bottleneck ? "off_target" : null),
});

export const teamSupport = insightBlock({
  id: "team-support",
  title: "Teams that need support",
  table: "team_support",
  about: "Behind their peers or their own past, beyond chance",
  explained: "Each team is compared with like cases of its peers and of its own past, so that a hard segment is not held against it. It needs support where it is behind beyond chance and by a fifth.",
  columns: {
    team: ["Team"],
    department: ["Department", "word"],
    kpi: ["KPI", "word"],
    actual: ["Team", "kpi"],
    peers: ["Peers", "kpi"],
    own_past: ["Own past", "kpi"],
    quota_attainment: ["Quota", "percent"],
    reason: ["Why"],
  },
  first: (left, right) => Number(right.needs_support) - Number(left.needs_support) || left.team.localeCompare(right.team),
  tone: (row) => (row.needs_support ? "off_target" : null),
});

export const handoffs = insightBlock({
  id: "handoffs",
  title: "Hand-offs between departments",
  table: "handoffs",
  about: "How long work waits for the next department",
  explained: "How work passes from one department to the next. Late is what waited longer than the playbook allows; dropped is what nobody took over within that time.",
  columns: {
    from_department: ["From", "word"],
    to_department: ["To", "word"],
    handed_over: ["Handed over", "count"],
    late_share: ["Late", "percent"],
    dropped: ["Dropped", "count"],
    days: ["Days waited", "number"],
    usual_days: ["Usually", "number"],
    amount_waiting: ["Waiting", "money"],
    reason: ["Why"],
  },
  first: (left, right) => Number(right.is_stalled) - Number(left.is_stalled) || (right.late_share ?? 0) - (left.late_share ?? 0),
  tone: (row) => (row.is_stalled ? "off_target" : null),
});

export const conformance = insightBlock({
  id: "conformance",
  title: "Process against playbook",
  table: "process_conformance",
  about: "What differs from the playbook, the most frequent first",
  explained: "Which share of cases follows the playbook, and how the others depart from it.",
  columns: {
    deviation: ["Deviation", "word"],
    playbook: ["Playbook", "word"],
    cases: ["Cases", "count"],
    share: ["Share", "percent"],
    median_days_over: ["Days over", "number"],
    amount: ["Amount", "money"],
  },
  first: (left, right) => left.playbook.localeCompare(right.playbook) || last(left.deviation_rank) - last(right.deviation_rank),
});

export const tools = insightBlock({
  id: "tools",
  title: "Tools in use",
  table: "tool_adoption",
  about: "What is paid for and not used; the dearest first",
  explained: "Answers of employees within twelve months: who uses which tool. Its cost is shared by respondents; what those who do not use it cost is the price of not using it.",
  columns: {
    tool: ["Tool"],
    department: ["Department", "word"],
    purpose: ["For", "word"],
    status: ["Status", "word"],
    adoption: ["Used by", "percent"],
    respondents: ["Answers", "count"],
    monthly_cost_share: ["Cost a month", "money"],
    yearly_cost_unused: ["Unused a year", "money"],
    overlaps_with: ["Overlaps with"],
  },
  first: (left, right) => (right.yearly_cost_unused ?? 0) - (left.yearly_cost_unused ?? 0) || left.tool.localeCompare(right.tool),
  tone: (row) => (row.status === "unused" ? "off_target" : null),
});

export const revenueForecast = insightBlock({
  id: "revenue-forecast",
  title: "Expected revenue",
  table: "revenue_forecast",
  about: "Won amount of the quarter: low, expected, high, and what it is made of",
  explained: "One quarter in ten should end below low, one above high. Expected is what is won so far, what the open pipeline should bring, and what has not been created yet. The method is the model only where it beat the naive forecast on past quarters.",
  columns: {
    unit: ["Unit"],
    period_start: ["Quarter from", "day"],
    low: ["Low", "money"],
    expected: ["Expected", "money"],
    high: ["High", "money"],
    won_so_far: ["Won so far", "money"],
    from_pipeline: ["From pipeline", "money"],
    not_yet_created: ["Not yet created", "money"],
    method: ["Method", "word"],
    needs: ["Missing"],
  },
  first: (left, right) => Number(right.unit === "company") - Number(left.unit === "company") || left.unit.localeCompare(right.unit) || left.period_start - right.period_start,
});

export const forecastRecord = insightBlock({
  id: "forecast-record",
  title: "Expected revenue of past quarters against what came",
  table: "forecast_backtest",
  about: "The company's forecast as it would have been made so many days before the end of the quarter, from what was known then",
  explained: "The forecast is made anew as of past days from what was known on each. Four of five actual amounts should lie between low and high; nearer to the end the range is narrower.",
  columns: {
    period_start: ["Quarter from", "day"],
    horizon_days: ["Days before the end", "count"],
    low: ["Low", "money"],
    forecast: ["Forecast", "money"],
    high: ["High", "money"],
    actual: ["Actual", "money"],
  },
  first: (left, right) => right.period_start - left.period_start || right.horizon_days - left.horizon_days,
  tone: (row) => (row.low !== null && (row.actual < row.low || row.actual > row.high) ? "off_target" : null),
});

export const anomalies = insightBlock({
  id: "anomalies",
  title: "What broke with its history",
  table: "kpi_anomalies",
  about: "KPIs of the last complete month, in total and by slice, that are further from their own history than chance allows",
  explained: "The change against the three months before, compared with such changes of up to three years and with that of the same month a year ago. One in twenty of what stands here is expected to be chance.",
  columns: {
    kpi: ["KPI", "word"],
    dimension: ["By", "word"],
    dimension_value: ["Slice"],
    value: ["Value", "kpi"],
    expected: ["Expected", "kpi"],
    deviation: ["Deviations", "number"],
  },
  first: (left, right) => right.deviation - left.deviation,
  tone: () => "off_target",
});

export const renewalRisk = insightBlock({
  id: "renewal-risk",
  title: "Contracts that fall due",
  table: "renewal_risk",
  about: "The most revenue at risk first, with what moved the risk up or down",
  explained: "The chance that a contract that falls due within 180 days has no successor 90 days after its due day. It comes from a model only where that beat the rate of all contracts on later days than it learned from.",
  columns: {
    account: ["Account"],
    due_on: ["Due", "day"],
    status: ["Status", "word"],
    risk: ["Risk", "percent"],
    baseline_risk: ["All contracts", "percent"],
    amount_at_risk: ["At risk", "money"],
    recurring_amount: ["Recurring", "money"],
    reasons: ["What moved the risk", "reasons"],
    needs: ["Missing"],
  },
  first: (left, right) => (right.amount_at_risk ?? -1) - (left.amount_at_risk ?? -1) || right.recurring_amount - left.recurring_amount,
  tone: (row) => (row.status === "at risk" ? "off_target" : null),
});

export const dealScores = insightBlock({
  id: "scores",
  title: "Open deals by chance of winning",
  table: "opportunity_scores",
  about: "The likeliest first, with what moved the chance up or down",
  explained: "The chance that a deal is won within 180 days. It comes from a model only where that beat the rate of all deals on later days than it learned from; the source's own probability stands beside it.",
  columns: {
    opportunity: ["Deal"],
    source_id: ["Record"],
    win_probability: ["Chance", "percent"],
    baseline_probability: ["All deals", "percent"],
    source_probability: ["By the source", "percent"],
    reasons: ["What moved it", "reasons"],
    needs: ["Missing"],
  },
  first: (left, right) => (right.win_probability ?? -1) - (left.win_probability ?? -1),
});

export const accountHealth = insightBlock({
  id: "account-health",
  title: "Account health",
  table: "account_health",
  about: "The most revenue at risk first, with what moved the risk up or down",
  explained: "The chance of each customer to be one 180 days from the as-of day, and its recurring revenue times the risk that it is not. It comes from a model only where that beat the rate of all customers on later days than it learned from.",
  columns: {
    account: ["Account"],
    status: ["Status", "word"],
    health: ["Chance to stay", "percent"],
    baseline_health: ["All customers", "percent"],
    amount_at_risk: ["At risk", "money"],
    recurring_amount: ["Recurring", "money"],
    next_renewal_on: ["Next renewal", "day"],
    reasons: ["What moved the risk", "reasons"],
    needs: ["Missing"],
  },
  first: (left, right) => (right.amount_at_risk ?? -1) - (left.amount_at_risk ?? -1),
  tone: (row) => (row.status === "at risk" ? "off_target" : null),
});

/** Which channel gets how much of the won deals, a column per model: the spread says how far to trust any of them. */
export const attribution = {
  id: "attribution",
  title: "Which channels won deals, by model",
  span: 12,
  needs: ["metrics.attribution_by_channel"],
  about: "Share of the won deals credited to each channel; look at the spread over the models, none of them is the truth · does not follow the period",
  filters: [],
  open: () => openDetails({ title: "Which channels won deals, by model", about: "Every won deal has one credit, shared among the touches before it by each model's rule. No model knows what would have happened without a touch." }),
  view: () => {
    const found = findingTable("attribution");
    if (!found) {
      return { empty: "No won deal has a touch before it." };
    }
    const shares = new Map(found.rows().map((row) => [`${row.channel} ${row.model}`, row]));
    const models = [...new Set(found.column("model"))];
    const spread = (channel) => models.map((model) => shares.get(`${channel} ${model}`)?.share ?? 0);
    const channels = [...new Set(found.column("channel"))].sort((left, right) => Math.max(...spread(right)) - Math.max(...spread(left)) || left.localeCompare(right));
    return {
      columns: [{ label: "Channel" }, { label: "Lowest to highest", kind: "given" }, ...models.map((model) => ({ label: sentence(model), kind: "percent" }))],
      rows: channels.map((channel) => {
        const all = spread(channel);
        return { cells: [sentence(channel), `${percent(Math.min(...all), 0)} to ${percent(Math.max(...all), 0)}`, ...all] };
      }),
    };
  },
};
