// The open pipeline at the end of the period, and what became of deals.

import { data, cube, dateOf, dayOf } from "./data.js";
import { barOption, waterfallFloor, waterfallOption } from "./bars.js";
import { openDetails } from "./drill.js";
import { counted, dayText, money, monthText, periodText, sentence, shortMoney } from "./format.js";
import { narrowed, recordSet } from "./records.js";
import { state } from "./state.js";
import { sums } from "./sums.js";

const STAGES = ["prospecting", "qualified", "proposal", "negotiation"];

const ABOUT_PIPELINE = "Open deals as they stood at the end of that day, from the history of every deal: amount, stage and expected closing day are those of the day, in reporting currency.";

/** The last day of the period that the pipeline is known for. */
export function pipelineDay() {
  const { grain, period } = state();
  return Math.min(data.periods[grain][period][1] - 1, data.as_of);
}

function stageNames(table) {
  const found = new Set(table.column("stage"));
  return [...STAGES.filter((name) => found.has(name)), ...[...found].filter((name) => name !== null && !STAGES.includes(name)).sort()];
}

function openRecordsOn(day, title, ...where) {
  const set = narrowed(recordSet("pipeline", title, [["day", "=", day], ...where]), state().filters);
  openDetails({ title, about: ABOUT_PIPELINE, sets: [set] });
}

/** Amount and number of open deals by stage. */
export const pipelineStages = {
  id: "pipeline-stages",
  title: "Open pipeline by stage",
  span: 5,
  needs: ["revenue.pipeline_daily"],
  about: () => `On ${dayText(pipelineDay())}`,
  filters: () => cube("pipeline_stages")?.filters ?? [],
  open: () => openRecordsOn(pipelineDay(), "Open pipeline"),
  view: () => {
    const table = cube("pipeline_stages");
    const day = pipelineDay();
    const days = table?.column("day") ?? [];
    const stage = table?.column("stage");
    const found = table ? sums(table, (row) => stage[row], (row) => days[row] === day) : new Map();
    if (found.size === 0) {
      return { empty: `No open deals on ${dayText(day)}.` };
    }
    const names = stageNames(table);
    const totals = names.map((name) => found.get(name) ?? { amount: 0, records: 0 });
    const all = totals.reduce((sum, each) => ({ amount: sum.amount + each.amount, records: sum.records + each.records }), { amount: 0, records: 0 });
    const text = (value, index) => `${money(value)}, ${counted(totals[index].records, "deal")}`;
    const pick = (index) => openRecordsOn(day, `Open deals in ${names[index]}`, ["shared_stage", "=", names[index]]);
    return {
      height: 56 + names.length * 44,
      columns: [{ label: "Stage" }, { label: "Amount", kind: "money" }, { label: "Deals", kind: "count" }],
      rows: names.map((name, index) => ({ cells: [sentence(name), totals[index].amount, totals[index].records], pick: () => pick(index) })),
      option: () =>
        barOption({
          names: names.map(sentence),
          series: [{ name: "Amount", values: totals.map((each) => each.amount), colour: "accent" }],
          unit: "currency",
          lying: true,
          text,
          label: (value, index) => `${shortMoney(value)} · ${counted(totals[index].records, "deal")}`,
        }),
      pick,
      summary: `${money(all.amount)} in ${counted(all.records, "deal")}.`,
      note: `${shortMoney(all.amount)} in ${counted(all.records, "deal")}`,
    };
  },
};

/** When open deals are expected to close. */
export const pipelineClose = {
  id: "pipeline-close",
  title: "Open pipeline by expected closing month",
  span: 7,
  needs: ["revenue.pipeline_daily"],
  about: () => `On ${dayText(pipelineDay())}`,
  filters: () => cube("pipeline_close")?.filters ?? [],
  open: () => openRecordsOn(pipelineDay(), "Open pipeline"),
  view: () => {
    const table = cube("pipeline_close");
    const day = pipelineDay();
    const bins = closeBins(day);
    const days = table?.column("day") ?? [];
    const month = table?.column("close_month");
    const found = table ? sums(table, (row) => bins.findIndex((bin) => bin.holds(month[row])), (row) => days[row] === day) : new Map();
    if (found.size === 0) {
      return { empty: `No open deals on ${dayText(day)}.` };
    }
    const totals = bins.map((_, index) => found.get(index) ?? { amount: 0, records: 0 });
    const kept = bins.map((bin, index) => ({ ...bin, total: totals[index] })).filter((bin) => bin.isMonth || bin.total.records);
    const pick = (index) => openRecordsOn(day, `Open deals expected to close: ${kept[index].name}`, ...kept[index].where);
    return {
      height: 232,
      columns: [{ label: "Expected to close" }, { label: "Amount", kind: "money" }, { label: "Deals", kind: "count" }],
      rows: kept.map((bin, index) => ({ cells: [bin.name, bin.total.amount, bin.total.records], pick: () => pick(index) })),
      option: () =>
        barOption({
          names: kept.map((bin) => bin.name),
          series: [{ name: "Amount", values: kept.map((bin) => bin.total.amount), colour: "accent" }],
          colours: kept.map((bin) => (bin.isLate ? "down" : bin.isMonth ? "accent" : "total")),
          unit: "currency",
          text: (value, index) => `${money(value)}, ${counted(kept[index].total.records, "deal")}`,
          label: (value) => (value ? shortMoney(value) : ""),
        }),
      pick,
      summary: kept.map((bin) => `${bin.name}: ${shortMoney(bin.total.amount)}`).join(", "),
    };
  },
};

/** Overdue, the month of the day and the five after it, later, no day. */
function closeBins(day) {
  const date = dateOf(day);
  const monthAt = (offset) => dayOf(date.getUTCFullYear(), date.getUTCMonth() + offset);
  const months = Array.from({ length: 6 }, (_, offset) => [monthAt(offset), monthAt(offset + 1)]);
  const later = monthAt(6);
  return [
    { name: "Overdue", isLate: true, holds: (month) => month !== null && month < months[0][0], where: [["expected_close_on", "<", months[0][0]]] },
    ...months.map(([start, end]) => ({ name: monthText(start), isMonth: true, holds: (month) => month === start, where: [["expected_close_on", ">=", start], ["expected_close_on", "<", end]] })),
    { name: "Later", holds: (month) => month !== null && month >= later, where: [["expected_close_on", ">=", later]] },
    { name: "No day", holds: (month) => month === null, where: [["expected_close_on", "=", null]] },
  ];
}

/** The pipeline at the end of each month, by stage. */
export const pipelineHistory = {
  id: "pipeline-history",
  title: "Open pipeline over time",
  span: 6,
  needs: ["revenue.pipeline_daily"],
  about: "Amount at the end of each month, by stage",
  filters: () => cube("pipeline_stages")?.filters ?? [],
  open: () => openDetails({ title: "Open pipeline over time", about: ABOUT_PIPELINE }),
  view: () => {
    const table = cube("pipeline_stages");
    if (!table) {
      return { empty: "No open deals." };
    }
    const day = table.column("day");
    const stage = table.column("stage");
    const shown = [...new Set(day)].sort((left, right) => left - right).slice(-24);
    const found = sums(table, (row) => `${day[row]} ${stage[row]}`);
    const series = stageNames(table).map((name, index) => ({ name: sentence(name), stage: name, colour: `ramp-${index + 1}`, values: shown.map((each) => found.get(`${each} ${name}`)?.amount ?? 0) }));
    const pick = (index, place) => openRecordsOn(shown[index], `Open deals in ${series[place].stage}, ${dayText(shown[index])}`, ["shared_stage", "=", series[place].stage]);
    return {
      height: 240,
      columns: [{ label: "Day" }, ...series.map((each) => ({ label: each.name, kind: "money" }))],
      rows: shown.map((each, index) => ({ cells: [dayText(each), ...series.map((one) => one.values[index])], picks: [null, ...series.map((_, place) => () => pick(index, place))] })).reverse(),
      legend: series,
      option: () => barOption({ names: shown.map(monthText), series, unit: "currency", text: money }),
      pick,
      summary: `${shown.length} month ends to ${dayText(shown.at(-1))}.`,
    };
  },
};

/** Why deals were lost in the period. */
export const lossReasons = {
  id: "loss-reasons",
  title: "Why deals were lost",
  span: 6,
  needs: ["revenue.opportunities"],
  about: "Deals lost in the period, by the reason given",
  filters: () => cube("losses")?.filters ?? [],
  open: () => openDetails({ title: "Why deals were lost", about: "Deals closed as lost in the period, by the reason the owner gave; deals without a reason are unknown." }),
  view: () => {
    const table = cube("losses");
    const { grain, period, filters } = state();
    const [start, end] = data.periods[grain][period];
    const month = table?.column("month") ?? [];
    const reason = table?.column("reason");
    const found = table ? [...sums(table, (row) => reason[row], (row) => month[row] >= start && month[row] < end)] : [];
    if (found.length === 0) {
      return { empty: "No deals lost in this period." };
    }
    const shown = found.sort(([one, left], [other, right]) => right.records - left.records || one.localeCompare(other)).slice(0, 8);
    const pick = (index) => {
      const set = recordSet("opportunities", `Lost: ${sentence(shown[index][0])}`, [["is_closed", "=", true], ["is_won", "=", false], ["closed_on", ">=", start], ["closed_on", "<", end], ["loss_reason", "in", [shown[index][0]]]]);
      openDetails({ title: `Deals lost: ${sentence(shown[index][0]).toLowerCase()}`, sets: [narrowed(set, filters)] });
    };
    return {
      height: 40 + shown.length * 30,
      columns: [{ label: "Reason" }, { label: "Deals", kind: "count" }, { label: "Amount", kind: "money" }],
      rows: shown.map(([name, total], index) => ({ cells: [sentence(name), total.records, total.amount], pick: () => pick(index) })),
      option: () =>
        barOption({
          names: shown.map(([name]) => sentence(name)),
          series: [{ name: "Deals", values: shown.map(([, total]) => total.records), colour: "total" }],
          unit: "count",
          lying: true,
          text: (value, index) => `${counted(value, "deal")}, ${money(shown[index][1].amount)}`,
          label: (value, index) => `${value} · ${shortMoney(shown[index][1].amount)}`,
        }),
      pick,
      summary: shown.map(([name, total]) => `${sentence(name)} ${total.records}`).join(", "),
    };
  },
};

const BUCKETS = ["opening", "created", "reopened", "increased", "decreased", "won", "lost", "deleted", "closing"];

/** How the open pipeline got from the start of the period to its end. */
export const pipelineWaterfall = {
  id: "pipeline-waterfall",
  title: "Open pipeline, opening to closing",
  span: 6,
  needs: ["metrics.pipeline_waterfall"],
  about: () => `Amount of open deals, ${periodText(state().grain, data.periods[state().grain][state().period])}`,
  filters: [],
  open: () => openDetails({ title: "Open pipeline, opening to closing", about: "Opening + created + reopened + increased − decreased − won − lost − deleted = closing, from the history of every deal." }),
  view: () => {
    const steps = pipelineSteps();
    if (!steps) {
      return { empty: "No open deals in this period." };
    }
    const floor = waterfallFloor(steps);
    const label = (step, isLong) => `${step.isTotal || step.amount <= 0 ? "" : "+"}${isLong ? `${money(step.amount)}, ${counted(step.deals, "deal")}` : shortMoney(step.amount)}`;
    const pick = (index) => openBucket(steps[index]);
    return {
      height: 250,
      columns: [{ label: "Step" }, { label: "Amount", kind: "money" }, { label: "Deals", kind: "count" }],
      rows: steps.map((step, index) => ({ cells: [step.name, step.amount, step.deals], pick: () => pick(index) })),
      option: (width) => waterfallOption({ steps, floor, unit: "currency", label, width }),
      pick,
      summary: `Opening ${shortMoney(steps[0].amount)}, closing ${shortMoney(steps.at(-1).amount)}.`,
      note: floor > 0 ? `axis begins at ${shortMoney(floor)}` : null,
    };
  },
};

/** The waterfall of the months of the period as one: first opening, sums of the movements, last closing. */
function pipelineSteps() {
  const table = cube("pipeline_waterfall");
  const { grain, period } = state();
  const [start, end] = data.periods[grain][period];
  const rows = (table?.rows() ?? []).filter((row) => row.period_start >= start && row.period_start < end);
  if (rows.length === 0) {
    return null;
  }
  const starts = rows.map((row) => row.period_start);
  const first = Math.min(...starts);
  const last = Math.max(...starts);
  return BUCKETS.map((bucket) => {
    const isTotal = bucket === "opening" || bucket === "closing";
    const found = rows.filter((row) => row.bucket === bucket && (!isTotal || row.period_start === (bucket === "opening" ? first : last)));
    const sum = (name) => found.reduce((total, row) => total + row[name], 0);
    return { name: sentence(bucket), bucket, amount: sum("amount"), deals: sum("deals"), isTotal, day: bucket === "opening" ? start - 1 : pipelineDay() };
  }).filter((step) => step.isTotal || step.amount !== 0);
}

function openBucket(step) {
  const { grain, period } = state();
  const [start, end] = data.periods[grain][period];
  const closed = [["is_closed", "=", true], ["closed_on", ">=", start], ["closed_on", "<", end]];
  const sets = {
    created: [recordSet("opportunities", "Deals opened in the period", [["opened_on", ">=", start], ["opened_on", "<", end]])],
    won: [recordSet("opportunities", "Deals won in the period", [...closed, ["is_won", "=", true]])],
    lost: [recordSet("opportunities", "Deals lost in the period", [...closed, ["is_won", "=", false]])],
  }[step.bucket] ?? [recordSet("pipeline", `Open deals on ${dayText(step.day)}`, [["day", "=", step.day]])];
  openDetails({ title: `Open pipeline: ${step.name.toLowerCase()} ${money(step.amount)}`, about: ABOUT_PIPELINE, sets });
}
