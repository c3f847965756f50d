// Bar charts: amounts over names, and the waterfall.

import { nameAxis, plotGrid, seriesColour, theme, tip, valueAxis } from "./charts.js";
import { tick } from "./format.js";

/**
 * Bars as an ECharts option. `series` are {name, values, colour}; several are stacked. `label(value, index)` writes what
 * stands at a bar, `text(value, index)` what the tooltip says. Lying bars suit long names; `room` is for their labels.
 */
export function barOption({ names, series, unit, text, label, lying = false, room = 108, colours = null }) {
  const look = theme();
  const axisOfNames = nameAxis(names, look, { label: lying ? { fontSize: 12, color: look.soft, width: 130, overflow: "truncate" } : {}, axis: lying ? { inverse: true, axisLine: { show: false } } : {} });
  const axisOfValues = valueAxis((value) => tick(value, unit), look, lying ? { show: false } : {});
  return {
    grid: plotGrid({ top: label && !lying ? 22 : 10, right: lying && label ? room : 12 }),
    xAxis: lying ? axisOfValues : axisOfNames,
    yAxis: lying ? axisOfNames : axisOfValues,
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "shadow", shadowStyle: { color: look.grid, opacity: 0.6 } },
      formatter: (points) => {
        const index = (Array.isArray(points) ? points[0] : points).dataIndex;
        return tip(names[index], series.filter((each) => each.values[index] || series.length === 1).map((each, place) => [each.name, text(each.values[index], index), nameOfColour(each, place, index, colours)]));
      },
    },
    series: series.map((each, place) => ({
      name: each.name,
      type: "bar",
      stack: series.length > 1 ? "all" : undefined,
      data: each.values.map((value, index) => ({ value: value ?? "-", itemStyle: { color: look.colour(nameOfColour(each, place, index, colours)), borderRadius: series.length > 1 ? 0 : lying ? [0, 2, 2, 0] : [2, 2, 0, 0] } })),
      barMaxWidth: lying ? 22 : 44,
      barCategoryGap: lying ? "34%" : "28%",
      emphasis: { disabled: true },
      label: label
        ? { show: true, position: lying ? "right" : "top", color: look.soft, fontSize: 11, formatter: (point) => label(each.values[point.dataIndex], point.dataIndex) }
        : { show: false },
      labelLayout: { hideOverlap: true },
    })),
  };
}

function nameOfColour(each, place, index, colours) {
  return colours ? colours[index] : seriesColour(each, place);
}

const STEP_ROOM = 78;

/**
 * A waterfall. `steps` are {name, amount, isTotal}; the totals stand on the axis, which begins at `floor`. `label` writes
 * an amount. Where `width` is too little for the names, the bars lie.
 */
export function waterfallOption({ steps, floor, label, unit, width }) {
  const look = theme();
  const lying = width / steps.length < STEP_ROOM;
  const bars = waterfallBars(steps, floor);
  const colour = (step) => (step.isTotal ? "total" : step.amount < 0 ? "down" : "up");
  const names = nameAxis(steps.map((step) => step.name), look, { label: { interval: 0, hideOverlap: false, fontSize: lying ? 12 : 11 }, axis: lying ? { inverse: true, axisLine: { show: false } } : {} });
  const values = valueAxis((value) => tick(value + floor, unit), look, lying ? { min: 0, show: false } : { min: 0 });
  const common = { type: "bar", stack: "all", emphasis: { disabled: true }, barCategoryGap: "26%", barMaxWidth: lying ? 20 : 72 };
  return {
    grid: plotGrid(lying ? { top: 4, right: 64 } : { top: 22 }),
    xAxis: lying ? values : names,
    yAxis: lying ? names : values,
    tooltip: {
      trigger: "axis",
      axisPointer: { type: "none" },
      formatter: (points) => {
        const step = steps[(Array.isArray(points) ? points[0] : points).dataIndex];
        return tip(step.name, [[step.isTotal ? "Amount" : "Change", label(step, true), colour(step)]]);
      },
    },
    series: [
      { ...common, data: bars.map((bar) => bar.base), itemStyle: { color: "transparent" }, silent: true },
      {
        ...common,
        data: bars.map((bar, index) => ({ value: bar.height, itemStyle: { color: look.colour(colour(steps[index])), borderRadius: 2 } })),
        label: { show: true, position: lying ? "right" : "top", color: look.ink, fontSize: 11, formatter: (point) => label(steps[point.dataIndex], false) },
      },
    ],
  };
}

/** Where each bar begins above the floor, and how high it is. */
export function waterfallBars(steps, floor) {
  let level = 0;
  return steps.map((step) => {
    const before = step.isTotal ? floor : level;
    level = step.isTotal ? step.amount : level + step.amount;
    return { base: Math.min(before, level) - floor, height: Math.abs(level - before) };
  });
}

/** A round number below every level of a waterfall, so that its steps can be seen; zero where they can be anyway. */
export function waterfallFloor(steps) {
  let level = 0;
  const levels = steps.map((step) => {
    level = step.isTotal ? step.amount : level + step.amount;
    return level;
  });
  const low = Math.min(...levels);
  const high = Math.max(...levels);
  if (low <= 0 || high - low > 0.45 * high) {
    return 0;
  }
  const wanted = Math.max(0, low - (high - low) * 0.6);
  const step = 10 ** Math.floor(Math.log10(Math.max(high - low, 1)));
  return Math.floor(wanted / step) * step;
}
