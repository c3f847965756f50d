// Goals across departments, and which of them pull against each other.

import { data, goals } from "./data.js";
import { h } from "./dom.js";
import { openDetails, openKpi } from "./drill.js";
import { counted, isToDate, listed, periodText, sentence, short, words } from "./format.js";
import { shownValue } from "./filters.js";
import { definition } from "./reading.js";
import { state } from "./state.js";
import { statusMark } from "./status.js";

const ABOUT_GOALS = [
  "Targets come from targets.csv; each is met, at risk or missed by the value of its KPI in the same period and slice.",
  "Two goals pull against each other when working for one makes the other harder to reach, or when two departments hold different targets for the same number.",
];
const ORDER = ["off_target", "at_risk", "on_target", "no_data"];

/** Goals whose period holds the last day of the one looked at. */
function goalsNow() {
  const { grain, period } = state();
  const last = Math.min(data.periods[grain][period][1] - 1, data.as_of);
  return goals
    .filter((goal) => goal.period_start <= last && (goal.period_end ?? Infinity) > last)
    .sort((left, right) => ORDER.indexOf(left.status) - ORDER.indexOf(right.status) || (left.owner ?? "").localeCompare(right.owner ?? "") || left.kpi.localeCompare(right.kpi) || String(left.dimension_value).localeCompare(String(right.dimension_value)));
}

/** Goals of every department in the period. */
export const goalsBlock = {
  id: "goals",
  title: "Goals across departments",
  span: 5,
  needs: ["metrics.goals"],
  about: () => {
    const { grain, period } = state();
    return `${counted(goalsNow().length, "goal")} of ${periodText(grain, data.periods[grain][period])}, the missed ones first`;
  },
  filters: [],
  open: () => openDetails({ title: "Goals across departments", about: ABOUT_GOALS }),
  view: () => {
    const found = goalsNow();
    if (found.length === 0) {
      return { empty: "No goals for this period." };
    }
    return {
      columns: [{ label: "Goal" }, { label: "Actual", kind: "given" }, { label: "Target", kind: "given" }],
      rows: found.map((goal) => ({ cells: goalCells(goal), pick: () => openGoal(goal), below: goalNote(goal) })),
    };
  },
};

function goalCells(goal) {
  const about = definition(goal.kpi, goal.variant ?? "default");
  const slice = goal.dimension_value === "all" ? "" : `, ${shownValue(goal.dimension_value)}`;
  const running = goal.period_end && isToDate([goal.period_start, goal.period_end]) ? " to date" : "";
  return [`${about?.title ?? sentence(goal.kpi)}${slice}`, short(goal.actual ?? null, about?.unit) + running, short(goal.target ?? null, about?.unit)];
}

function goalNote(goal) {
  const conflicts = goal.conflicts_with ? goal.conflicts_with.split(", ").map(words) : [];
  return [statusMark(goal.status), ` · ${sentence(goal.owner ?? "nobody")}`, conflicts.length ? h("span", { class: "conflict" }, ` · pulls against ${listed(conflicts)}`) : null];
}

function openGoal(goal) {
  if (goal.dimension_value === "all" && data.kpis[goal.kpi]) {
    openKpi(goal.kpi);
    return;
  }
  const about = definition(goal.kpi);
  openDetails({ title: `${about?.title ?? sentence(goal.kpi)}, ${shownValue(goal.dimension_value)}`, about: [about?.question ?? "", about?.formula ?? "", ...ABOUT_GOALS] });
}
