// A line without axes: which way a number went, and where its target lies.

import { svg } from "./dom.js";

const WIDTH = 200;
const HEIGHT = 36;
const MARGIN = 4;

/** A sparkline of `values` (null leaves a gap) with targets of the same periods, and a dot at `marked`. */
export function sparkline(values, targets, marked) {
  const known = [...values, ...targets].filter((value) => value !== null);
  if (known.length === 0) {
    return null;
  }
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  const x = (index) => (values.length < 2 ? WIDTH / 2 : MARGIN + (index * (WIDTH - 2 * MARGIN)) / (values.length - 1));
  const y = (value) => HEIGHT - MARGIN - ((value - low) * (HEIGHT - 2 * MARGIN)) / span;
  const dot = values[marked] === null ? null : svg("path", { class: "spark-dot", d: `M${round(x(marked))} ${round(y(values[marked]))}h0.01` });
  return svg(
    "svg",
    { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
    svg("path", { class: "spark-target", d: path(targets, x, y) }),
    svg("path", { class: "spark-line", d: path(values, x, y) }),
    dot,
  );
}

function path(values, x, y) {
  let drawn = "";
  values.forEach((value, index) => {
    if (value === null) {
      return;
    }
    const isStart = index === 0 || values[index - 1] === null;
    const isAlone = isStart && (index === values.length - 1 || values[index + 1] === null);
    drawn += `${isStart ? "M" : "L"}${round(x(index))} ${round(y(value))}${isAlone ? "h0.01" : ""}`;
  });
  return drawn;
}

function round(number) {
  return Math.round(number * 10) / 10;
}
