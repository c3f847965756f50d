// Which records stand behind a number: one description serves to filter the rows on the page and to write the query that
// lists them all.

import { data, dateOf, dayOf, isoDay, recordTable } from "./data.js";
import { sentence } from "./format.js";

const BY_DEAL = { segment: "segment", region: "region", team: "team", product: "product", owner: "owner", lead_source: "lead_source", direction: "direction", kind: "kind" };
const BY_ACCOUNT = { segment: "segment", region: "region" };
const BY_MOVEMENT = { ...BY_ACCOUNT, product: "product", plan: "plan" };

/** The columns that tell the slices of a record table apart. */
const SLICES = {
  opportunities: BY_DEAL,
  pipeline: { segment: "segment", region: "region", team: "team", product: "product" },
  movements: BY_MOVEMENT,
  customers: BY_ACCOUNT,
  recurring: BY_ACCOUNT,
  contracts: BY_ACCOUNT,
  tickets: BY_ACCOUNT,
  forecasts: { forecast_unit: "unit", team: "unit" },
};

/**
 * A set of records: the table, the conditions, and `counts` if there must be as many as the KPI's n.
 * `title` says what they are.
 */
function set(table, title, where, counts = false) {
  return { table, title, where, counts };
}

const within = (column, [start, end]) => [[column, ">=", start], [column, "<", end]];
const closedIn = (span) => [["is_closed", "=", true], ...within("closed_on", span)];
const won = ["is_won", "=", true];
const withCycle = ["opened_on", "<=", { column: "closed_on" }];
const lastDay = ([, end]) => Math.min(end - 1, data.as_of);

function yearBefore([start, end], grain) {
  const last = dateOf(end);
  return grain === "all_time" ? [start, end] : [dayOf(last.getUTCFullYear() - 1, last.getUTCMonth(), last.getUTCDate()), end];
}

const DEALS = {
  closed: (span) => [set("opportunities", "Deals closed in the period", closedIn(span), true)],
  cycles: (span) => [set("opportunities", "Won deals with both days", [...closedIn(span), won, withCycle], true)],
  opened: (span) => [set("opportunities", "Deals opened in the period", within("opened_on", span), true)],
};

const horizon = (days) => (span) => [
  set("forecasts", "Calls in force", [["horizon", "=", days], ["period_start", ">=", span[0]], ["period_end", "<=", span[1]]], true),
];

const expansions = (title, ...where) => (span) => [set("movements", title, [["movement", "=", "expansion"], ...within("occurred_on", span), ...where], where.length === 0)];

const customersOf = (span, grain) => [
  set("customers", "Customers lost", [["grain", "=", grain], ["period_start", "=", span[0]], ["is_customer_at_end", "=", false]]),
  set("customers", "Customers at the start", [["grain", "=", grain], ["period_start", "=", span[0]]], true),
];

const holders = (span) => set("recurring", "Customers at the end of the period", [["valid_from", "<=", lastDay(span)], ["valid_to", ">", lastDay(span)], ["is_customer", "=", true]]);

const due = (span) => [
  set("contracts", "Contracts due and decided", [...within("due_on", [span[0], Math.min(span[1], data.as_of + 1)]), ["outcome", "in", ["renewed", "not renewed"]]], true),
  set("contracts", "Due, not yet decided", [...within("due_on", [span[0], Math.min(span[1], data.as_of + 1)]), ["outcome", "=", "undecided"]]),
];

const qualifiedOpen = (span) => set("pipeline", "Open and qualified at the end of the period", [["day", "=", lastDay(span)], ["is_qualified", "=", true]], true);

const acquisition = (span) => [
  set("movements", "New customers", [["movement", "=", "new"], ...within("occurred_on", span)]),
  set("spend", "Spend of sales and marketing", [["department", "in", ["sales", "marketing", "unknown"]], ...within("month", span)]),
];

/** KPI → variant, or * for the others → record sets of a period. */
const BEHIND = {
  win_rate: {
    "*": DEALS.closed,
    created_cohort: DEALS.opened,
    matured_cohort: DEALS.opened,
    including_open: (span) => [
      set("opportunities", "Deals closed in the period", closedIn(span)),
      set("pipeline", "Open at the end of the period", [["day", "=", lastDay(span)]]),
    ],
  },
  sales_cycle_length: {
    "*": DEALS.cycles,
    lost: (span) => [set("opportunities", "Lost deals with both days", [...closedIn(span), ["is_won", "=", false], withCycle], true)],
    mean_all_closed: (span) => [set("opportunities", "Closed deals with both days", [...closedIn(span), withCycle], true)],
    kaplan_meier_median: (span) => [set("opportunities", "Deals opened in the period", within("opened_on", span))],
  },
  average_deal_size: {
    "*": (span) => [set("opportunities", "Won deals, new business and expansion", [...closedIn(span), won, ["kind", "in", ["new_business", "expansion", "unknown"]], ["amount", "known", null]], true)],
  },
  pipeline_velocity: {
    "*": (span, grain) => [qualifiedOpen(span), set("opportunities", "Deals closed in the twelve months that end with the period", closedIn(yearBefore(span, grain)))],
  },
  forecast_accuracy: { "*": horizon(0), horizon_15: horizon(15), horizon_30: horizon(30), horizon_60: horizon(60), horizon_90: horizon(90) },
  customer_acquisition_cost: { "*": acquisition },
  cac_payback: { "*": acquisition },
  ltv_to_cac: { "*": acquisition },
  marketing_return: { "*": (span) => [set("spend", "Marketing spend", [["department", "=", "marketing"], ...within("month", span)])] },
  customer_lifetime_value: { "*": (span) => [holders(span)] },
  customer_churn: { "*": customersOf },
  net_revenue_retention: { "*": customersOf, monthly_flow: (span) => [set("movements", "Movements of the period", within("occurred_on", span), true)] },
  gross_revenue_retention: { "*": customersOf, monthly_flow: (span) => [set("movements", "Movements of the period", within("occurred_on", span), true)] },
  renewals: { "*": due },
  upsells: {
    "*": expansions("Expansions"),
    seats_and_tier: expansions("More seats and higher tiers", ["reason", "in", ["seats", "tier"]]),
    cross_sell: expansions("Cross-sales", ["reason", "=", "cross_sell"]),
    price_uplift: expansions("Price uplifts", ["reason", "=", "price_uplift"]),
    contractual_escalator: expansions("Contractual escalators", ["reason", "=", "contractual_escalator"]),
  },
  annual_recurring_revenue: { "*": (span) => [holders(span), set("movements", "Movements of the period", within("occurred_on", span))] },
  monthly_recurring_revenue: { "*": (span) => [holders(span)] },
  pipeline_created: { "*": DEALS.opened },
  pipeline_coverage: { "*": (span) => [set("pipeline", "Open at the end of the period", [["day", "=", lastDay(span)]])] },
  quota_attainment: { "*": (span) => [set("opportunities", "Won deals", [...closedIn(span), won])] },
  first_reply_time: { "*": (span) => [set("tickets", "Tickets opened in the period", within("opened_on", span))] },
  time_to_first_value: { "*": (span) => [set("movements", "New customers", [["movement", "=", "new"], ...within("occurred_on", span)])] },
  magic_number: { "*": (span) => [set("movements", "Movements of the period", within("occurred_on", span)), acquisition(span)[1]] },
};

/** The record sets behind a KPI in a period and slice; none where the page has no such records. */
export function recordsBehind(kpi, variant, grain, period, slice) {
  const sets = BEHIND[kpi]?.[variant] ?? BEHIND[kpi]?.["*"];
  if (!sets) {
    return [];
  }
  return sets(data.periods[grain][period], grain)
    .map((each) => sliced(each, slice))
    .filter(Boolean);
}

/** A set of records narrowed to several filters; those its table does not know are left aside. */
export function narrowed(each, filters) {
  const known = SLICES[each.table] ?? {};
  const where = Object.entries(filters).filter(([name, values]) => values.length && name in known).map(([name, values]) => [known[name], "in", values]);
  return { ...each, where: [...each.where, ...where] };
}

function sliced(each, slice) {
  if (!recordTable(each.table)) {
    return null;
  }
  if (slice.dimension === "all") {
    return each;
  }
  const column = SLICES[each.table]?.[slice.dimension];
  return column ? { ...each, where: [...each.where, [column, "in", slice.values]] } : { ...each, title: `${each.title}, all of them`, counts: false };
}

/** A set of records described by hand. */
export const recordSet = set;

/** The query on the published file that lists all records of a set. */
export function queryOf({ table, where }) {
  const from = recordTable(table);
  const source = QUERIES[table] ?? { from: from.source, names: {} };
  const conditions = where.map(([name, operator, value]) => condition(source.names[name] ?? name, operator, value, from.type(name)));
  return `select ${source.select ?? "*"} from ${source.from}${conditions.length ? ` where ${conditions.join(" and ")}` : ""}`;
}

/** How the columns of the page are called in the published tables, where they differ. */
const QUERIES = {
  opportunities: { from: "revenue.opportunities", names: { owner: "owner_name" } },
  pipeline: {
    from: "revenue.pipeline_daily as pipeline join revenue.opportunities as deals using (opportunity_id)",
    select: "pipeline.*, deals.source_system, deals.source_id",
    names: { day: "pipeline.day", shared_stage: "pipeline.shared_stage", is_qualified: "pipeline.is_qualified", expected_close_on: "pipeline.expected_close_on", segment: "deals.segment", region: "deals.region", team: "deals.team", product: "deals.product" },
  },
  contracts: { from: "revenue.contracts", names: { due_on: "term_ends_on" } },
  recurring: {
    from: "revenue.recurring_revenue_history as history left join revenue.accounts as accounts on history.account_id = accounts.account_id",
    select: "history.*, accounts.name",
    names: { is_customer: "history.is_customer", segment: "accounts.segment", region: "accounts.region" },
  },
};

function condition(name, operator, value, type) {
  if (operator === "known") {
    return `${name} is not null`;
  }
  if (operator === "in") {
    return `coalesce(${name}, 'unknown') in (${value.map((each) => literal(each, type)).join(", ")})`;
  }
  return `${name} ${operator} ${literal(value, type)}`;
}

function literal(value, type) {
  if (value?.column) {
    return value.column;
  }
  if (type === "date") {
    return `date '${isoDay(value)}'`;
  }
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
}

/** Which KPIs have records on the page. */
export function hasRecords(kpi) {
  return kpi in BEHIND;
}

/** What a table of records is about, for people. */
export function tableTitle(table) {
  return recordTable(table)?.title ?? sentence(table);
}
