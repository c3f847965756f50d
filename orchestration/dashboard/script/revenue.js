// Recurring revenue: how it got from the opening of the period to its end.

import { data, cube } from "./data.js";
import { barOption, waterfallFloor, waterfallOption } from "./bars.js";
import { isToDate, money, monthText, periodText, sentence, shortMoney } from "./format.js";
import { openDetails, openKpi } from "./drill.js";
import { trendPeriods } from "./kpi_blocks.js";
import { narrowed, recordSet } from "./records.js";
import { sums } from "./sums.js";
import { state } from "./state.js";

const MOVEMENTS = ["new", "expansion", "reactivation", "contraction", "churn", "currency"];

const ABOUT_MOVEMENTS =
  "Opening and closing are the sums of all movements up to that day; the bars between are the movements of the period. Opening + movements = closing.";

/** Opening, movements, closing. */
export const arrWaterfall = {
  id: "arr-waterfall",
  title: "Recurring revenue, opening to closing",
  span: 7,
  needs: ["metrics.arr_movements"],
  about: () => `Annual, ${periodText(state().grain, data.periods[state().grain][state().period])}`,
  filters: () => cube("arr_movements")?.filters ?? [],
  open: () => openKpi("annual_recurring_revenue"),
  view: () => {
    const steps = arrSteps();
    if (!steps) {
      return { empty: "No recurring revenue yet." };
    }
    const floor = waterfallFloor(steps);
    const pick = (index) => openMovements(steps[index]);
    return {
      height: 268,
      columns: [{ label: "Step" }, { label: "Amount", kind: "money" }, { label: "Movements", kind: "count" }],
      rows: steps.map((step, index) => ({ cells: [step.name, step.amount, step.isTotal ? null : step.records], pick: () => pick(index) })),
      option: (width) => waterfallOption({ steps, floor, unit: "currency", label: stepText, width }),
      pick,
      summary: `Opening ${shortMoney(steps[0].amount)}, closing ${shortMoney(steps.at(-1).amount)}.`,
      note: floor > 0 ? `axis begins at ${shortMoney(floor)}` : null,
    };
  },
};

function stepText(step, isLong) {
  const text = isLong ? money(step.amount) : shortMoney(step.amount);
  return step.isTotal || step.amount <= 0 ? text.replace("-", "−") : `+${text}`;
}

/** The steps of the waterfall in the period and slice looked at, or null. */
export function arrSteps() {
  const movements = cube("arr_movements");
  if (!movements) {
    return null;
  }
  const { grain, period } = state();
  const [start, end] = data.periods[grain][period];
  const month = movements.column("month");
  const kind = movements.column("movement");
  const before = sums(movements, () => "opening", (row) => month[row] === null || month[row] < start);
  const inside = sums(movements, (row) => kind[row], (row) => month[row] !== null && month[row] >= start && month[row] < end);
  const opening = before.get("opening")?.amount ?? 0;
  const steps = MOVEMENTS.filter((name) => name !== "currency" || inside.has(name)).map((name) => ({
    name: sentence(name),
    movement: name,
    amount: inside.get(name)?.amount ?? 0,
    records: inside.get(name)?.records ?? 0,
  }));
  const closing = steps.reduce((total, step) => total + step.amount, opening);
  return [{ name: "Opening", amount: opening, isTotal: true, day: start - 1 }, ...steps, { name: "Closing", amount: closing, isTotal: true, day: Math.min(end - 1, data.as_of) }];
}

function openMovements(step) {
  const { grain, period, filters } = state();
  const [start, end] = data.periods[grain][period];
  const set = step.isTotal
    ? recordSet("recurring", "Customers with recurring revenue", [["valid_from", "<=", step.day], ["valid_to", ">", step.day], ["is_customer", "=", true]])
    : recordSet("movements", `${step.name} movements`, [["movement", "=", step.movement], ["occurred_on", ">=", start], ["occurred_on", "<", end]]);
  openDetails({ title: `Recurring revenue: ${step.name.toLowerCase()} ${money(step.amount)}`, about: ABOUT_MOVEMENTS, sets: [narrowed(set, filters)] });
}

/** Recurring revenue gained and lost, period by period. */
export const arrFlow = {
  id: "arr-flow",
  title: "Recurring revenue won and lost",
  span: 6,
  needs: ["metrics.arr_movements"],
  about: "Movements by period; exchange rates left aside",
  filters: () => cube("arr_movements")?.filters ?? [],
  open: () => openDetails({ title: "Recurring revenue won and lost", about: ABOUT_MOVEMENTS }),
  view: () => {
    const movements = cube("arr_movements");
    if (!movements) {
      return { empty: "No recurring revenue yet." };
    }
    const { grain, first, names } = flowPeriods();
    const spans = data.periods[grain].slice(first);
    const month = movements.column("month");
    const kind = movements.column("movement");
    const place = (row) => spans.findIndex(([start, end]) => month[row] >= start && month[row] < end);
    const found = sums(movements, (row) => `${place(row)} ${kind[row]}`, (row) => month[row] !== null && place(row) >= 0);
    const shown = ["new", "expansion", "reactivation", "contraction", "churn"].map((name, index) => ({
      name: sentence(name),
      movement: name,
      values: spans.map((_, period) => found.get(`${period} ${name}`)?.amount ?? 0),
      colour: ["up", "up-soft", "up-softer", "down-soft", "down"][index],
    }));
    const pick = (index, series) => openFlow(names[index], spans[index], shown[series]);
    return {
      height: 240,
      columns: [{ label: "Period" }, ...shown.map((each) => ({ label: each.name, kind: "money" }))],
      rows: names.map((name, index) => ({ cells: [name, ...shown.map((each) => each.values[index])], picks: [null, ...shown.map((_, series) => () => pick(index, series))] })).reverse(),
      legend: shown,
      option: () => barOption({ names, series: shown, unit: "currency", text: money }),
      pick,
      summary: `${names.length} periods to ${names.at(-1)}.`,
      note: grain === state().grain ? null : `by ${grain}`,
    };
  },
};

/** A trailing year overlaps with its neighbours, so flows are shown by month there. */
function flowPeriods() {
  if (state().grain !== "trailing_12_months") {
    return trendPeriods();
  }
  const first = Math.max(0, data.periods.month.length - 24);
  const names = data.periods.month.slice(first).map((each) => monthText(each[0]) + (isToDate(each) ? " to date" : ""));
  return { grain: "month", first, names };
}

function openFlow(name, [start, end], { movement, name: title }) {
  const set = recordSet("movements", `${title} movements`, [["movement", "=", movement], ["occurred_on", ">=", start], ["occurred_on", "<", end]]);
  openDetails({ title: `${title}, ${name}`, about: ABOUT_MOVEMENTS, sets: [narrowed(set, state().filters)] });
}
