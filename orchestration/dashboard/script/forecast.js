// What was called against what came.

import { data, cube } from "./data.js";
import { nameAxis, plotGrid, theme, tip, valueAxis } from "./charts.js";
import { openDetails, openKpi } from "./drill.js";
import { dayText, isToDate, money, percent, periodText, shortMoney, tick } from "./format.js";
import { reading } from "./reading.js";
import { recordSet } from "./records.js";
import { state } from "./state.js";

const HORIZONS = [
  [0, "Call at the start"],
  [60, "60 days before the end"],
  [30, "30 days before the end"],
  [15, "15 days before the end"],
];
const SHOWN = [0, 30];
const CALLS_SHOWN = 12;
const ABOUT_CALLS = [
  "Actual is the amount of deals won in the period. A call is the last commit submitted before the period began, or before that many days to its end; a later call never replaces an earlier one.",
  "Accuracy = 1 − Σ|actual − call| ÷ Σ actual over the units that called, so that errors of teams do not cancel out.",
];

/** The unit whose calls are shown: the chosen team if it calls, else the company. */
function callingUnit(units) {
  const [team, ...others] = state().filters.team ?? [];
  if (team && others.length === 0 && units.includes(team)) {
    return { unit: team, follows: ["team"], slice: { dimension: "team", values: [team] } };
  }
  return { unit: units.find((unit) => unit.toLowerCase() === "company") ?? null, follows: [], slice: { dimension: "all", values: ["all"] } };
}

function callGrain() {
  return state().grain === "month" ? "month" : "quarter";
}

/** Calls and actual of the latest periods. */
function callsAndActuals() {
  const calls = cube("forecast_calls");
  if (!calls) {
    return null;
  }
  const { unit, slice } = callingUnit([...new Set(calls.column("unit"))]);
  if (!unit) {
    return null;
  }
  const grain = callGrain();
  const amounts = new Map();
  for (const row of calls.rows()) {
    if (row.unit === unit) {
      amounts.set(`${row.period_start} ${row.period_end} ${row.horizon}`, row.amount);
    }
  }
  const known = data.periods[grain].map((span, index) => ({ span, index })).filter(({ span }) => !isToDate(span) && HORIZONS.some(([days]) => amounts.has(`${span[0]} ${span[1]} ${days}`)));
  const rows = known.slice(-CALLS_SHOWN).map(({ span, index }) => ({
    span,
    index,
    name: periodText(grain, span),
    actual: reading("win_rate", "amount_weighted", grain, index, slice).numerator,
    calls: HORIZONS.map(([days]) => amounts.get(`${span[0]} ${span[1]} ${days}`) ?? null),
  }));
  return rows.length ? { unit, grain, rows } : null;
}

/** Won amount against the calls for it. */
export const forecastActual = {
  id: "forecast-actual",
  title: "Forecast against actual",
  span: 7,
  needs: ["revenue.forecasts"],
  about: () => {
    const found = callsAndActuals();
    return `Won amount and commit calls${found ? `, ${found.unit.toLowerCase() === "company" ? "company" : found.unit}` : ""}, by ${callGrain()}`;
  },
  filters: () => (cube("forecast_calls") ? callingUnit([...new Set(cube("forecast_calls").column("unit"))]).follows : []),
  open: () => openKpi("forecast_accuracy"),
  view: () => {
    const found = callsAndActuals();
    if (!found) {
      return { empty: "No commit calls for whole periods." };
    }
    const { rows, unit } = found;
    const pick = (index) => openCalls(rows[index], unit);
    return {
      height: 250,
      columns: [{ label: "Period" }, { label: "Actual", kind: "money" }, ...HORIZONS.map(([, label]) => ({ label, kind: "money" }))],
      rows: rows.map((row, index) => ({ cells: [row.name, row.actual, ...row.calls], pick: () => pick(index) })).reverse(),
      legend: callLines(),
      option: () => callOption(rows),
      pick,
      summary: `${rows.at(-1).name}: actual ${money(rows.at(-1).actual)}, called at the start ${money(rows.at(-1).calls[0])}.`,
    };
  },
};

function openCalls(row, unit) {
  const where = [["period_start", "=", row.span[0]], ["period_end", "=", row.span[1]], ["unit", "=", unit]];
  const wins = [["is_closed", "=", true], ["is_won", "=", true], ["closed_on", ">=", row.span[0]], ["closed_on", "<", row.span[1]], ...(unit.toLowerCase() === "company" ? [] : [["team", "=", unit]])];
  openDetails({ title: `Forecast against actual, ${row.name}, ${unit}`, about: ABOUT_CALLS, sets: [recordSet("forecasts", "Calls in force, by days before the end", where), recordSet("opportunities", "Won deals", wins)] });
}

/** What the chart draws, with names and colours. */
function callLines() {
  const calls = HORIZONS.map(([days, name], place) => ({ days, name, place })).filter(({ days }) => SHOWN.includes(days));
  return [{ name: "Actual", colour: "total" }, ...calls.map(({ name, place }, index) => ({ name, place, mark: "line", colour: `series-${index + 2}` }))];
}

function callOption(rows) {
  const look = theme();
  const [actual, ...calls] = callLines();
  return {
    grid: plotGrid(),
    xAxis: nameAxis(rows.map((row) => row.name), look),
    yAxis: valueAxis((value) => tick(value, "currency"), look),
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "shadow", shadowStyle: { color: look.grid, opacity: 0.6 } },
      formatter: (points) => {
        const row = rows[points[0].dataIndex];
        const error = row.actual && row.calls[0] !== null ? percent((row.calls[0] - row.actual) / row.actual, 0) : null;
        return tip(row.name, [
          ["Actual", money(row.actual), actual.colour],
          ...calls.map((call) => [call.name, money(row.calls[call.place]), call.colour]),
          ...(error ? [["Start call off by", error, null]] : []),
        ]);
      },
    },
    series: [
      { name: actual.name, type: "bar", data: rows.map((row) => row.actual ?? "-"), itemStyle: { color: look.colour(actual.colour), borderRadius: [2, 2, 0, 0] }, barMaxWidth: 34, emphasis: { disabled: true } },
      ...calls.map((call, index) => ({
        name: call.name,
        type: "line",
        data: rows.map((row) => row.calls[call.place] ?? "-"),
        symbol: index ? "diamond" : "circle",
        symbolSize: 8,
        showSymbol: true,
        lineStyle: { width: 1.75, color: look.colour(call.colour), type: index ? [5, 4] : "solid" },
        itemStyle: { color: look.colour(call.colour), borderColor: look.surface, borderWidth: 1.5 },
        emphasis: { disabled: true },
      })),
    ],
  };
}

/** How the calls for a period moved as it came nearer. */
export const forecastPath = {
  id: "forecast-path",
  title: "How the current call moved",
  span: 6,
  needs: ["revenue.forecasts"],
  about: () => {
    const found = callPath();
    return found ? `${found.unit}, ${found.name}: commit and best case by day of submission` : "Commit and best case by day of submission";
  },
  filters: () => (cube("forecast_path") ? callingUnit([...new Set(cube("forecast_path").column("unit"))]).follows : []),
  open: () => openDetails({ title: "How the current call moved", about: ABOUT_CALLS }),
  view: () => {
    const found = callPath();
    if (!found) {
      return { empty: "No calls for a period that is still running." };
    }
    const { days, commit, best, name } = found;
    return {
      height: 230,
      columns: [{ label: "Submitted" }, { label: "Commit", kind: "money" }, { label: "Best case", kind: "money" }],
      rows: days.map((day, index) => ({ cells: [dayText(day), commit[index], best[index]] })).reverse(),
      legend: PATH_LINES,
      option: () => pathOption(days, [commit, best]),
      summary: `${name}: last commit ${shortMoney(commit.findLast((value) => value !== null) ?? null)}.`,
    };
  },
};

/** The calls for the running period, of the grain looked at. */
function callPath() {
  const path = cube("forecast_path");
  if (!path) {
    return null;
  }
  const { unit } = callingUnit([...new Set(path.column("unit"))]);
  const grain = callGrain();
  const span = data.periods[grain].at(-1);
  const rows = path.rows().filter((row) => row.unit === unit && row.period_start === span[0] && row.period_end === span[1]);
  if (rows.length === 0) {
    return null;
  }
  const days = [...new Set(rows.map((row) => row.submitted_on))].sort((left, right) => left - right);
  const of = (category) => days.map((day) => rows.findLast((row) => row.category === category && row.submitted_on === day)?.amount ?? null);
  return { unit: unit.toLowerCase() === "company" ? "Company" : unit, name: periodText(grain, span), days, commit: of("commit"), best: of("best_case") };
}

const PATH_LINES = [
  { name: "Commit", mark: "line", colour: "series-1" },
  { name: "Best case", mark: "line", colour: "series-2" },
];

function pathOption(days, amounts) {
  const look = theme();
  const names = days.map(dayText);
  return {
    grid: plotGrid(),
    xAxis: nameAxis(names, look),
    yAxis: valueAxis((value) => tick(value, "currency"), look),
    tooltip: { trigger: "axis", formatter: ([{ dataIndex }]) => tip(names[dataIndex], PATH_LINES.map((line, place) => [line.name, money(amounts[place][dataIndex]), line.colour])) },
    series: PATH_LINES.map((line, place) => ({
      name: line.name,
      type: "line",
      step: "end",
      data: amounts[place].map((value) => value ?? "-"),
      connectNulls: true,
      symbol: "circle",
      symbolSize: 4,
      showSymbol: true,
      lineStyle: { width: 2, color: look.colour(line.colour), type: place ? [5, 4] : "solid" },
      itemStyle: { color: look.colour(line.colour) },
      emphasis: { disabled: true },
    })),
  };
}
