// Line charts over periods.

import { nameAxis, plotGrid, seriesColour, theme, tip, valueAxis } from "./charts.js";
import { short, tick } from "./format.js";

/**
 * A line chart as an ECharts option. `series` are {name, values, low, high, dashed, open}; `marked` is the index of the
 * period looked at, `open` the first of those that still run: their marks are hollow. Axes begin at zero unless values lie below it.
 */
export function lineOption({ names, series, unit, marked, ceiling, running = names.length }) {
  const look = theme();
  const shown = drawnLines(series);
  return {
    grid: plotGrid(),
    xAxis: nameAxis(names, look, { axis: { boundaryGap: false, axisPointer: { show: true, type: "line", lineStyle: { color: look.faint, width: 1 } } } }),
    yAxis: valueAxis((value) => tick(value, unit), look, ceiling === undefined ? {} : { max: ceiling, interval: ceiling / 4 }),
    tooltip: { trigger: "axis", formatter: (points) => tooltipOf(points, names, shown, unit) },
    series: shown.flatMap((each, index) => [...bandSeries(each, index, look), lineSeries(each, index, { marked, running }, look)]),
  };
}

/** The series that have a value at all. */
export function drawnLines(series) {
  return series.filter((each) => each.values.some((value) => value !== null));
}

function tooltipOf(points, names, series, unit) {
  const index = (Array.isArray(points) ? points[0] : points).dataIndex;
  return tip(names[index], series.map((each, place) => [each.name, short(each.values[index], unit), seriesColour(each, place)]));
}

function lineSeries(each, index, { marked, running }, look) {
  const colour = look.colour(seriesColour(each, index));
  const isAlone = (place) => (each.values[place - 1] ?? null) === null && (each.values[place + 1] ?? null) === null;
  return {
    name: each.name,
    type: "line",
    data: each.values.map((value, place) => ({ value: value ?? "-", symbolSize: each.dashed ? 0 : place === marked ? 9 : place >= running ? 7 : isAlone(place) ? 5 : 4, itemStyle: place >= running ? { color: look.surface, borderColor: colour, borderWidth: 1.5 } : undefined })),
    symbol: "circle",
    showSymbol: true,
    lineStyle: { width: each.dashed ? 1.25 : 2, type: each.dashed ? [4, 4] : "solid", color: colour },
    itemStyle: { color: colour, borderColor: look.surface, borderWidth: 1 },
    emphasis: { disabled: true },
    z: each.dashed ? 2 : 3,
  };
}

/** The interval around a line, drawn as a band that stands on its lower end. */
function bandSeries(each, index, look) {
  if (!each.low?.some((value) => value !== null)) {
    return [];
  }
  const common = { type: "line", stack: `band ${each.name}`, symbol: "none", lineStyle: { opacity: 0 }, emphasis: { disabled: true }, silent: true, z: 1, tooltip: { show: false } };
  const heights = each.low.map((low, place) => (low === null || each.high[place] === null ? "-" : each.high[place] - low));
  return [
    { ...common, name: `${each.name} low`, data: each.low.map((value) => value ?? "-") },
    { ...common, name: `${each.name} interval`, data: heights, areaStyle: { color: look.colour(seriesColour(each, index)), opacity: 0.13 } },
  ];
}
