// What is spent, and on what.

import { data, cube, dateOf, dayOf } from "./data.js";
import { barOption } from "./bars.js";
import { openDetails } from "./drill.js";
import { money, monthText, sentence, shortMoney } from "./format.js";
import { recordSet } from "./records.js";
import { state } from "./state.js";
import { sums } from "./sums.js";

const ABOUT_SPEND = "Every cost the sources report, spread evenly over the days it covers, in reporting currency. Spend is shared between segments and teams, so it follows the period only.";

/** Spend by month and category, of one department or of those that win customers. */
export const spendByCategory = {
  id: "spend-category",
  title: "Spend of sales and marketing",
  span: 6,
  needs: ["revenue.spend_daily"],
  about: "By month and category",
  filters: [],
  open: () => openDetails({ title: "Spend of sales and marketing", about: ABOUT_SPEND }),
  view: () => {
    const table = cube("spend");
    if (!table) {
      return { empty: "No source gives spend." };
    }
    const month = table.column("month");
    const category = table.column("category").map((value) => value ?? "unknown");
    const department = table.column("department");
    const months = [...new Set(month)].sort((left, right) => left - right).slice(-24);
    const found = sums(table, (row) => `${month[row]} ${category[row]}`, (row) => ["sales", "marketing", null].includes(department[row]));
    const size = (name) => months.reduce((total, each) => total + (found.get(`${each} ${name}`)?.amount ?? 0), 0);
    const names = [...new Set(category)].filter((name) => size(name) !== 0).sort((left, right) => size(right) - size(left));
    const series = names.slice(0, 6).map((name) => ({ name: sentence(name), category: name, values: months.map((each) => found.get(`${each} ${name}`)?.amount ?? 0) }));
    const pick = (index, place) => openSpend(months[index], series[place].category);
    return {
      height: 250,
      columns: [{ label: "Month" }, ...series.map((each) => ({ label: each.name, kind: "money" }))],
      rows: months.map((each, index) => ({ cells: [monthText(each), ...series.map((one) => one.values[index])], picks: [null, ...series.map((_, place) => () => pick(index, place))] })).reverse(),
      legend: series,
      option: () => barOption({ names: months.map(monthText), series, unit: "currency", text: money }),
      pick,
      summary: `${months.length} months to ${monthText(months.at(-1))}.`,
    };
  },
};

function openSpend(month, category) {
  const set = recordSet("spend", "Spend records", [["month", "=", month], ["category", "in", [category]], ["department", "in", ["sales", "marketing", "unknown"]]]);
  openDetails({ title: `Spend on ${category.replaceAll("_", " ")}, ${monthText(month)}`, about: ABOUT_SPEND, sets: [set] });
}

/** Spend by channel in the period. */
export const spendByChannel = {
  id: "spend-channel",
  title: "Spend by channel",
  span: 6,
  needs: ["revenue.spend_daily"],
  about: "Spend that names a channel, in the period",
  filters: [],
  open: () => openDetails({ title: "Spend by channel", about: ABOUT_SPEND }),
  view: () => {
    const table = cube("spend");
    const { grain, period } = state();
    const [start, end] = data.periods[grain][period];
    const month = table?.column("month") ?? [];
    const channel = table?.column("channel");
    const found = table ? [...sums(table, (row) => channel[row], (row) => channel[row] !== null && month[row] >= start && month[row] < end)] : [];
    if (found.length === 0) {
      return { empty: "No spend with a channel in this period." };
    }
    const shown = found.sort(([, left], [, right]) => right.amount - left.amount).slice(0, 10);
    const pick = (index) => {
      const set = recordSet("spend", `Spend on ${sentence(shown[index][0])}`, [["channel", "=", shown[index][0]], ["month", ">=", start], ["month", "<", Math.min(end, dayAfterMonth())]]);
      openDetails({ title: `Spend on ${sentence(shown[index][0]).toLowerCase()}`, about: ABOUT_SPEND, sets: [set] });
    };
    return {
      height: 40 + shown.length * 34,
      columns: [{ label: "Channel" }, { label: "Amount", kind: "money" }],
      rows: shown.map(([name, total], index) => ({ cells: [sentence(name), total.amount], pick: () => pick(index) })),
      option: () => barOption({ names: shown.map(([name]) => sentence(name)), series: [{ name: "Amount", values: shown.map(([, total]) => total.amount), colour: "accent" }], unit: "currency", lying: true, text: money, label: (value) => shortMoney(value) }),
      pick,
      summary: shown.map(([name, total]) => `${sentence(name)} ${shortMoney(total.amount)}`).join(", "),
    };
  },
};

function dayAfterMonth() {
  const date = dateOf(data.as_of);
  return dayOf(date.getUTCFullYear(), date.getUTCMonth() + 1);
}
