// Which cards and blocks each audience sees, in order.

import { data } from "./data.js";
import { arrFlow, arrWaterfall } from "./revenue.js";
import { forecastActual, forecastPath } from "./forecast.js";
import { funnelBlock, stageTimes } from "./funnel.js";
import { goalsBlock } from "./goals.js";
import { accountHealth, anomalies, attribution, bottlenecks, conformance, dealScores, forecastRecord, handoffs, renewalRisk, revenueForecast, teamSupport, tools } from "./insight.js";
import { sliceBlock, trendBlock } from "./kpi_blocks.js";
import { lossReasons, pipelineClose, pipelineHistory, pipelineStages, pipelineWaterfall } from "./pipeline.js";
import { spendByCategory, spendByChannel } from "./marketing.js";
import { cohortGrid, renewalsDue, ticketsOpened } from "./retention.js";
import { dataHealth, findings, freshness, matching, reconciliation, restatements, runs, silos } from "./trust.js";

const winRate = trendBlock({ id: "win-rate", title: "Win rate", lines: [{ kpi: "win_rate", name: "Win rate" }] });

const cycle = trendBlock({
  id: "cycle",
  title: "Sales cycle",
  about: "Days from opening to closing of won deals: the middle half, and the median",
  lines: [
    { kpi: "sales_cycle_length", name: "Median" },
    { kpi: "sales_cycle_length", variant: "p25", name: "25th percentile" },
    { kpi: "sales_cycle_length", variant: "p75", name: "75th percentile" },
  ],
});

const accuracyByHorizon = trendBlock({
  id: "accuracy",
  title: "Forecast accuracy by horizon",
  span: 5,
  about: "1 − Σ|actual − call| ÷ Σ actual over the units that called",
  height: 250,
  ceiling: 1,
  lines: [
    { kpi: "forecast_accuracy", name: "At the start" },
    { kpi: "forecast_accuracy", variant: "horizon_30", name: "30 days left" },
    { kpi: "forecast_accuracy", variant: "horizon_15", name: "15 days left" },
  ],
});

const churn = trendBlock({
  id: "churn",
  title: "Churn",
  span: 4,
  about: "Customers lost, and recurring revenue lost",
  lines: [
    { kpi: "customer_churn", name: "Customers" },
    { kpi: "customer_churn", variant: "revenue_gross", name: "Revenue" },
  ],
});

const renewals = trendBlock({
  id: "renewals",
  title: "Renewals",
  span: 4,
  about: "Of what fell due, by amount and by contract holder",
  ceiling: 1,
  lines: [
    { kpi: "renewals", name: "Amount" },
    { kpi: "renewals", variant: "logo", name: "Customers" },
  ],
});

const upsells = trendBlock({
  id: "upsells",
  title: "Upsells",
  span: 4,
  about: "Expansion over recurring revenue at the start",
  lines: [
    { kpi: "upsells", name: "All" },
    { kpi: "upsells", variant: "seats_and_tier", name: "Seats and tiers" },
    { kpi: "upsells", variant: "price_uplift", name: "Price" },
  ],
});

const retention = trendBlock({
  id: "retention",
  title: "Revenue retention",
  about: "Recurring revenue of the customers at the start, at the end",
  lines: [
    { kpi: "net_revenue_retention", name: "Net" },
    { kpi: "gross_revenue_retention", name: "Gross" },
  ],
});

const acquisitionCost = trendBlock({
  id: "cac",
  title: "Cost of a new customer",
  about: "Spend of sales and marketing per new customer",
  lines: [
    { kpi: "customer_acquisition_cost", name: "Fully loaded" },
    { kpi: "customer_acquisition_cost", variant: "paid_only", name: "Advertising only" },
  ],
});

const lifetimeValue = trendBlock({ id: "clv", title: "Value of a customer", about: "Expected discounted margin of a customer", lines: [{ kpi: "customer_lifetime_value", name: "Lifetime value" }] });

const velocity = trendBlock({ id: "velocity", title: "Pipeline velocity", lines: [{ kpi: "pipeline_velocity", name: "Per day" }] });

const dealSize = trendBlock({
  id: "deal-size",
  title: "Deal size",
  lines: [
    { kpi: "average_deal_size", name: "Mean" },
    { kpi: "average_deal_size", variant: "median", name: "Median" },
  ],
});

const recurringRevenue = trendBlock({ id: "arr", title: "Annual recurring revenue", lines: [{ kpi: "annual_recurring_revenue", name: "Recurring revenue" }] });

const coverage = trendBlock({
  id: "coverage",
  title: "Pipeline coverage and quota",
  about: "Open amount against what the target still needs, and won amount against the target",
  lines: [
    { kpi: "pipeline_coverage", name: "Coverage" },
    { kpi: "quota_attainment", name: "Quota attained" },
  ],
});

const responseTime = trendBlock({ id: "response", title: "Answer to new leads", about: "Median days until a person reaches out", lines: [{ kpi: "lead_response_time", name: "Days" }] });

const content = trendBlock({
  id: "satisfaction",
  title: "Satisfaction",
  about: "Answers in the top boxes, and net promoter score",
  lines: [
    { kpi: "satisfaction", name: "Content" },
    { kpi: "satisfaction", variant: "nps", name: "Net promoter score" },
  ],
});

const replies = trendBlock({ id: "first-reply", title: "First reply to a ticket", lines: [{ kpi: "first_reply_time", name: "Days" }] });

const teams = sliceBlock({
  id: "teams",
  title: "Teams",
  about: "In the period, by the team of the owner at closing",
  dimension: "team",
  kpis: [{ kpi: "win_rate", n: "Closed" }, { kpi: "quota_attainment" }, { kpi: "sales_cycle_length" }, { kpi: "average_deal_size" }, { kpi: "pipeline_velocity" }, { kpi: "pipeline_coverage" }],
});

const owners = sliceBlock({
  id: "owners",
  title: "Owners",
  about: "In the period; a rate of few deals says little",
  dimension: "owner",
  kpis: [{ kpi: "win_rate", n: "Closed" }, { kpi: "sales_cycle_length" }, { kpi: "average_deal_size" }, { kpi: "pipeline_velocity" }],
  sortBy: 3,
});

const leadSources = sliceBlock({
  id: "lead-sources",
  title: "Lead sources",
  about: "What became of deals, by where they came from, in the period",
  dimension: "lead_source",
  kpis: [{ kpi: "win_rate", n: "Closed" }, { kpi: "sales_cycle_length" }, { kpi: "average_deal_size" }, { kpi: "pipeline_velocity" }, { kpi: "pipeline_created" }],
  sortBy: 3,
});

const channels = sliceBlock({
  id: "channels",
  title: "Cost of a new customer by channel",
  about: "Spend on the channel per customer credited to it, and what came back, in the period",
  dimension: "channel",
  kpis: [{ kpi: "customer_acquisition_cost", variant: "by_attributed_channel", n: "Customers" }, { kpi: "marketing_return" }],
});

const segments = sliceBlock({
  id: "segments",
  title: "Segments",
  about: "In the period",
  dimension: "segment",
  kpis: [{ kpi: "annual_recurring_revenue" }, { kpi: "customer_churn", n: "Customers" }, { kpi: "net_revenue_retention" }, { kpi: "renewals" }, { kpi: "upsells" }, { kpi: "customer_lifetime_value" }],
});

/** Tab → KPIs of its cards and blocks below them. */
export const AUDIENCES = {
  executive: {
    kpis: data.headlines,
    blocks: [arrWaterfall, goalsBlock, pipelineClose, pipelineStages, forecastActual, accuracyByHorizon, winRate, cycle, churn, renewals, upsells, funnelBlock, stageTimes, acquisitionCost, lifetimeValue, revenueForecast, bottlenecks, teamSupport, dataHealth],
  },
  marketing: {
    kpis: ["customer_acquisition_cost", "pipeline_created", "lead_response_time", "funnel_conversion", "marketing_return", "cac_payback", "ltv_to_cac", "magic_number"],
    blocks: [funnelBlock, acquisitionCost, channels, leadSources, spendByCategory, spendByChannel, responseTime, winRate, attribution],
  },
  sales: {
    kpis: ["win_rate", "sales_cycle_length", "pipeline_velocity", "forecast_accuracy", "average_deal_size", "quota_attainment", "pipeline_coverage", "slip_rate", "time_in_stage", "pipeline_created"],
    blocks: [pipelineClose, pipelineStages, forecastActual, accuracyByHorizon, pipelineWaterfall, stageTimes, teams, winRate, cycle, coverage, velocity, pipelineHistory, forecastPath, lossReasons, dealSize, owners, revenueForecast, forecastRecord, dealScores, bottlenecks, teamSupport],
  },
  customer_success: {
    kpis: ["customer_churn", "renewals", "upsells", "net_revenue_retention", "gross_revenue_retention", "customer_lifetime_value", "annual_recurring_revenue", "satisfaction", "first_reply_time", "time_to_first_value"],
    blocks: [arrFlow, retention, churn, renewals, upsells, renewalsDue, content, segments, cohortGrid, ticketsOpened, replies, recurringRevenue, lifetimeValue, accountHealth, renewalRisk],
  },
  revenue_operations: {
    kpis: ["silo_index", "forecast_accuracy", "slip_rate", "lead_response_time", "pipeline_coverage", "quota_attainment"],
    blocks: [dataHealth, { ...goalsBlock, span: 12 }, findings, reconciliation, freshness, silos, matching, anomalies, bottlenecks, handoffs, conformance, tools, teamSupport, restatements, runs],
  },
};
