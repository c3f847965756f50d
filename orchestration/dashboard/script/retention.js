// Customers kept, and contracts that fall due.

import { data, cube, dateOf, dayOf } from "./data.js";
import { barOption } from "./bars.js";
import { openDetails } from "./drill.js";
import { h, spoken } from "./dom.js";
import { counted, dayText, money, monthText, percent, periodText, plain, shortMoney } from "./format.js";
import { narrowed, recordSet } from "./records.js";
import { state } from "./state.js";
import { sums } from "./sums.js";

const ABOUT_COHORTS = "Customers by the quarter in which they first became one. A cell says which share of them is still a customer at the end of a later quarter, and hovering it what their recurring revenue is worth against the end of their first quarter.";

/** Customers kept by quarter of their start. */
export const cohortGrid = {
  id: "cohorts",
  title: "Customers kept, by quarter of their start",
  span: 12,
  needs: ["revenue.recurring_revenue_history"],
  about: "Share still a customer at the end of each quarter since; does not follow the period",
  filters: () => cube("cohorts")?.filters ?? [],
  open: () => openDetails({ title: "Customers kept, by quarter of their start", about: ABOUT_COHORTS }),
  view: () => {
    const grid = cohortRows();
    return grid ? { nodes: [cohortTable(grid)] } : { empty: "No customers with recurring revenue yet." };
  },
};

function cohortRows() {
  const table = cube("cohorts");
  if (!table) {
    return null;
  }
  const cohort = table.column("cohort");
  const quarter = table.column("quarter");
  const found = sums(table, (row) => `${cohort[row]} ${quarter[row]}`);
  const starts = [...new Set(cohort)].sort((left, right) => left - right);
  const rows = starts.map((start) => ({ start, cells: starts.filter((end) => end >= start).map((end) => ({ end, ...(found.get(`${start} ${end}`) ?? { customers: 0, members: 0, amount: 0 }) })) })).filter((row) => row.cells[0].members > 0);
  return rows.length ? rows : null;
}

function cohortTable(rows) {
  const width = Math.max(...rows.map((row) => row.cells.length));
  return h(
    "div",
    { class: "table-frame", tabindex: "0", role: "region", "aria-label": "Customers kept, by quarter of their start" },
    h(
      "table",
      { class: "heat" },
      h("caption", { class: "spoken" }, "Share of customers kept, by quarter of their start and quarters since"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Started"), h("th", { scope: "col", data: { align: "end" } }, "Customers"), Array.from({ length: width }, (_, age) => h("th", { scope: "col", data: { align: "end" } }, age === 0 ? "Q+0" : `+${age}`)))),
      h(
        "tbody",
        {},
        rows.map((row) => h("tr", {}, h("th", { scope: "row" }, quarterName(row.start)), h("td", { data: { align: "end" } }, plain(row.cells[0].members)), row.cells.map((cell) => cohortCell(row, cell)))),
      ),
    ),
  );
}

function cohortCell(row, cell) {
  const base = row.cells[0];
  const kept = cell.customers / base.members;
  const worth = base.amount > 0 ? cell.amount / base.amount : null;
  const title = `${quarterName(row.start)}, end of ${quarterName(cell.end)}: ${cell.customers} of ${base.members} customers kept${worth === null ? "" : `, recurring revenue ${percent(worth, 0)} of the first quarter's`}`;
  return h(
    "td",
    { class: "heat-cell", style: { "--heat": `${Math.round(6 + kept * 46)}%` } },
    h("button", { type: "button", title, onclick: () => openCohort(row, cell, title) }, spoken(`${quarterName(row.start)} at the end of ${quarterName(cell.end)}: `), percent(kept, 0)),
  );
}

function openCohort(row, cell, title) {
  const day = Math.min(nextQuarter(cell.end) - 1, data.as_of);
  const set = recordSet("recurring", "Customers of the cohort kept", [["customer_since", ">=", row.start], ["customer_since", "<", nextQuarter(row.start)], ["valid_from", "<=", day], ["valid_to", ">", day]]);
  openDetails({ title: `Customers who started in ${quarterName(row.start)}, at the end of ${quarterName(cell.end)}`, about: [`${title}.`, ABOUT_COHORTS], sets: [narrowed(set, state().filters)] });
}

function nextQuarter(start) {
  const date = dateOf(start);
  return dayOf(date.getUTCFullYear(), date.getUTCMonth() + 3);
}

function quarterName(start) {
  return periodText("quarter", [start, nextQuarter(start)]);
}

/** Recurring revenue that falls due in the coming months. */
export const renewalsDue = {
  id: "renewals-due",
  title: "Renewals that fall due",
  span: 6,
  needs: ["revenue.contracts"],
  about: () => `Recurring amount due in the twelve months after ${dayText(data.as_of)}; does not follow the period`,
  filters: () => cube("renewals_due")?.filters ?? [],
  open: () => openDetails({ title: "Renewals that fall due", about: "Contracts in force whose term ends in the coming twelve months, by the month of the day they fall due." }),
  view: () => {
    const table = cube("renewals_due");
    if (!table) {
      return { empty: "No contract falls due in the coming twelve months." };
    }
    const month = table.column("month");
    const way = table.column("way");
    const months = [...new Set(month)].sort((left, right) => left - right);
    const ways = [...new Set(way)].sort();
    const found = sums(table, (row) => `${month[row]} ${way[row]}`);
    const series = ways.map((name, index) => ({ name: name.charAt(0).toUpperCase() + name.slice(1), values: months.map((each) => found.get(`${each} ${name}`)?.amount ?? 0), colour: index ? "total" : "series-2" }));
    const records = months.map((each) => ways.reduce((total, name) => total + (found.get(`${each} ${name}`)?.records ?? 0), 0));
    const pick = (index) => openDue(months[index]);
    return {
      height: 230,
      columns: [{ label: "Due" }, ...series.map((each) => ({ label: each.name, kind: "money" })), { label: "Contracts", kind: "count" }],
      rows: months.map((each, index) => ({ cells: [monthText(each), ...series.map((one) => one.values[index]), records[index]], pick: () => pick(index) })),
      legend: series,
      option: () => barOption({ names: months.map(monthText), series, unit: "currency", text: money }),
      pick,
      summary: `${counted(records.reduce((total, each) => total + each, 0), "contract")}.`,
      note: shortMoney(series.flatMap((each) => each.values).reduce((total, each) => total + each, 0)),
    };
  },
};

function openDue(month) {
  const date = dateOf(month);
  const set = recordSet("contracts", "Contracts due", [["due_on", ">", data.as_of], ["due_on", ">=", month], ["due_on", "<", dayOf(date.getUTCFullYear(), date.getUTCMonth() + 1)], ["outcome", "=", "not yet due"]]);
  openDetails({ title: `Renewals due in ${monthText(month)}`, sets: [narrowed(set, state().filters)] });
}

/** Tickets opened, by priority. */
export const ticketsOpened = {
  id: "tickets",
  title: "Tickets opened",
  span: 6,
  needs: ["revenue.tickets"],
  about: "By month and priority",
  filters: () => cube("tickets")?.filters ?? [],
  open: () => openDetails({ title: "Tickets opened", about: "Support tickets by the month they were opened in." }),
  view: () => {
    const table = cube("tickets");
    if (!table) {
      return { empty: "No tickets." };
    }
    const month = table.column("month");
    const priority = table.column("priority").map((value) => value ?? "no priority");
    const months = [...new Set(month)].sort((left, right) => left - right).slice(-24);
    const order = ["low", "normal", "medium", "high", "urgent"];
    const priorities = [...new Set(priority)].sort((left, right) => order.indexOf(left) - order.indexOf(right) || left.localeCompare(right));
    const found = sums(table, (row) => `${month[row]} ${priority[row]}`);
    const series = priorities.map((name, index) => ({ name: name.charAt(0).toUpperCase() + name.slice(1), values: months.map((each) => found.get(`${each} ${name}`)?.records ?? 0), colour: `ramp-${Math.min(index + 1, 4)}` }));
    const pick = (index) => openTickets(months[index]);
    return {
      height: 230,
      columns: [{ label: "Month" }, ...series.map((each) => ({ label: each.name, kind: "count" }))],
      rows: months.map((each, index) => ({ cells: [monthText(each), ...series.map((one) => one.values[index])], pick: () => pick(index) })).reverse(),
      legend: series,
      option: () => barOption({ names: months.map(monthText), series, unit: "count", text: (value) => plain(value) }),
      pick,
      summary: `${months.length} months to ${monthText(months.at(-1))}.`,
    };
  },
};

function openTickets(month) {
  const date = dateOf(month);
  const set = recordSet("tickets", "Tickets opened", [["opened_on", ">=", month], ["opened_on", "<", dayOf(date.getUTCFullYear(), date.getUTCMonth() + 1)]]);
  openDetails({ title: `Tickets opened in ${monthText(month)}`, sets: [narrowed(set, state().filters)] });
}
