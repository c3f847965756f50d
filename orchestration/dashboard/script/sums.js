// Sums over the rows of a cube under the page's filters.

import { state } from "./state.js";

/** Amounts and records of the rows that pass the filters and `keep`, by `key(row)`. */
export function sums(cube, key, keep = () => true) {
  const { filters } = state();
  const slices = cube.filters.filter((name) => filters[name]?.length).map((name) => [cube.column(name), filters[name]]);
  const measures = ["amount", "records", "customers", "members"].filter((name) => cube.has(name)).map((name) => [name, cube.column(name)]);
  const found = new Map();
  for (let row = 0; row < cube.size; row += 1) {
    if (!keep(row) || !slices.every(([values, chosen]) => chosen.includes(values[row]))) {
      continue;
    }
    const name = key(row);
    const total = found.get(name) ?? { amount: 0, records: 0, customers: 0, members: 0 };
    measures.forEach(([measure, values]) => {
      total[measure] += values[row] ?? 0;
    });
    found.set(name, total);
  }
  return found;
}
