// The status of a goal: a word, a shape and a colour, so that none of them is needed alone.

import { h, svg } from "./dom.js";
import { sentence } from "./format.js";

const SHAPES = {
  on_target: "M3.2 8.4l3 3 6.6-6.8",
  at_risk: "M8 3.2l5.4 9.6H2.6z",
  off_target: "M4 4l8 8M12 4l-8 8",
  no_data: "M3.5 8h9",
};

/** A status with its mark. */
export function statusMark(status) {
  return h(
    "span",
    { class: "status", data: { status } },
    svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: SHAPES[status] ?? SHAPES.no_data })),
    statusWord(status),
  );
}

export function statusWord(status) {
  return sentence(status ?? "no_data");
}
