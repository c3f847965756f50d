// ECharts with the page's own look: colours from the style sheet, text through the page's formats, nothing animated.

import { h } from "./dom.js";

const echartsLibrary = globalThis.echarts;
const live = new Map();

/** Colours of the current theme by their name in the style sheet, and the type face. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const known = new Map();
  const colour = (name) => {
    if (!known.has(name)) {
      known.set(name, style.getPropertyValue(`--${name}`).trim());
    }
    return known.get(name);
  };
  return {
    colour,
    ink: colour("ink"),
    soft: colour("ink-2"),
    faint: colour("ink-3"),
    line: colour("line"),
    grid: colour("grid"),
    surface: colour("surface"),
    font: style.getPropertyValue("font-family"),
  };
}

/** The name of the colour of a series: its own, or that of its place. */
export function seriesColour(series, place) {
  return series.dashed ? "ink-3" : series.colour ?? `series-${(place % 6) + 1}`;
}

/** What the colours of a chart stand for; nothing where there is one series only. */
export function legend(series) {
  if (series.length < 2) {
    return null;
  }
  return h(
    "ul",
    { class: "legend" },
    series.map((each, place) => h("li", { data: { mark: each.dashed ? "dashes" : each.mark ?? "block" } }, h("i", { style: { "--mark": `var(--${seriesColour(each, place)})` } }), each.name)),
  );
}

/**
 * Draw a chart into `element`: `option(width)` describes it, `pick(dataIndex, seriesIndex)` answers a click on a mark.
 * It is drawn anew whenever its width changes.
 */
export function draw(element, option, pick) {
  let drawn = live.get(element);
  if (!drawn) {
    drawn = { chart: echartsLibrary.init(element, null, { renderer: "svg" }) };
    live.set(element, drawn);
  }
  drawn.option = option;
  drawn.chart.off("click");
  if (pick) {
    drawn.chart.on("click", "series", (event) => pick(event.dataIndex, event.seriesIndex));
  }
  drawn.chart.setOption(complete(option(element.clientWidth)), { notMerge: true });
}

/** Forget the charts below `root`. */
export function release(root) {
  for (const [element, { chart }] of live) {
    if (root.contains(element)) {
      chart.dispose();
      live.delete(element);
    }
  }
}

/** Fit every chart to the width it has now. */
export function fitCharts() {
  for (const [element, { chart, option }] of live) {
    const { clientWidth: width, clientHeight: height } = element;
    if (width > 0 && (width !== chart.getWidth() || height !== chart.getHeight())) {
      chart.resize({ width, height });
      chart.setOption(complete(option(width)), { notMerge: true });
    }
  }
}

function complete(option) {
  const look = theme();
  return {
    animation: false,
    aria: { enabled: false },
    textStyle: { fontFamily: look.font, color: look.soft },
    ...option,
    tooltip: option.tooltip && { ...tooltipLook(look), ...option.tooltip },
  };
}

function tooltipLook(look) {
  return {
    confine: true,
    backgroundColor: look.surface,
    borderColor: look.line,
    borderWidth: 1,
    padding: [8, 10],
    textStyle: { color: look.ink, fontSize: 12, fontFamily: look.font },
    extraCssText: "box-shadow: 0 4px 16px rgb(0 0 0 / 12%); border-radius: 6px;",
    transitionDuration: 0,
  };
}

/** The content of a tooltip: a heading, then a line per [name, value, name of the colour]. */
export function tip(heading, lines) {
  return h(
    "div",
    { class: "tip" },
    h("p", {}, heading),
    h(
      "dl",
      {},
      lines.map(([name, value, colour]) => [
        h("dt", {}, colour ? h("i", { style: { background: `var(--${colour})` } }) : null, name),
        h("dd", {}, value),
      ]),
    ),
  );
}

/** An axis of named things. */
export function nameAxis(names, look, given = {}) {
  return {
    type: "category",
    data: names,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: look.line } },
    axisLabel: { color: look.faint, fontSize: 11, hideOverlap: true, ...given.label },
    ...given.axis,
  };
}

/** An axis of numbers from zero. */
export function valueAxis(format, look, given = {}) {
  return {
    type: "value",
    splitNumber: 4,
    splitLine: { lineStyle: { color: look.grid } },
    axisLabel: { color: look.faint, fontSize: 11, formatter: format },
    ...given,
  };
}

/** The room around the plot. */
export function plotGrid(given = {}) {
  return { left: 4, right: 12, top: 12, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel", ...given };
}
