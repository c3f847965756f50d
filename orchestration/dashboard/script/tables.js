// Tables: the same numbers as a chart, and records as a file.

import { h, spoken } from "./dom.js";
import { dayText, full, money, monthText, percent, plain, words } from "./format.js";

/** A cell's text for a kind of value. */
export function cellText(value, kind) {
  if (value === null || value === undefined) {
    return "–";
  }
  if (typeof value === "string") {
    return value;
  }
  switch (kind) {
    case "money":
      return money(value);
    case "percent":
      return percent(value);
    case "day":
      return dayText(value);
    case "month":
      return monthText(value);
    case "count":
      return plain(value);
    case "yes":
      return value ? "yes" : "no";
    case "text":
    case undefined:
      return String(value);
    default:
      return full(value, kind);
  }
}

const TEXTS = new Set(["text", "day", "month", "yes", undefined]);

/**
 * A table of `columns` ({label, kind}) and `rows` ({cells, pick, picks, below}). `pick` opens what is behind a row,
 * `picks[n]` behind one cell; `below` stands small under the row's name.
 */
export function numberTable(caption, columns, rows) {
  return h(
    "div",
    { class: "table-frame", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "spoken" }, caption),
      h("thead", {}, h("tr", {}, columns.map((column) => h("th", { scope: "col", data: { align: TEXTS.has(column.kind) ? "start" : "end" } }, column.label)))),
      h("tbody", {}, rows.map((row) => tableRow(columns, row))),
    ),
  );
}

function tableRow(columns, row) {
  return h(
    "tr",
    { data: { tone: row.tone } },
    columns.map((column, index) => {
      const content = cellContent(row.cells[index], columns, index, row);
      const align = TEXTS.has(column.kind) ? "start" : "end";
      return index === 0 ? h("th", { scope: "row", data: { align } }, content, row.below ? h("small", { class: "below" }, row.below) : null) : h("td", { data: { align } }, content);
    }),
  );
}

function cellContent(value, columns, index, row) {
  const column = columns[index];
  const shown = value instanceof Node ? value : cellText(value, column.kind);
  const pick = row.picks?.[index] ?? (index === 0 ? row.pick : null);
  if (!pick) {
    return shown;
  }
  const where = index === 0 ? "" : `, ${column.label}, ${cellText(row.cells[0], columns[0].kind)}`;
  return h("button", { type: "button", class: "cell-open", onclick: pick }, shown, spoken(`${where}: what is behind it`));
}

/** Rows as a CSV file that no spreadsheet takes for formulas. */
export function csv(columns, rows) {
  const lines = [columns, ...rows].map((row) => row.map(csvCell).join(","));
  return `\ufeff${lines.join("\r\n")}\r\n`;
}

function csvCell(value) {
  if (value === null || value === undefined) {
    return "";
  }
  const text = typeof value === "string" && /^\s*[=+\-@|%\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Hand a text to the browser as a file. */
export function save(name, content) {
  const link = h("a", { href: URL.createObjectURL(new Blob([content], { type: "text/csv;charset=utf-8" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** A column name as a heading. */
export function heading(name) {
  return words(name).replace(/ on$/, "").replace(/^is /, "");
}

/** How a column of records is written. */
export function kindOf(table, name) {
  switch (table.type(name)) {
    case "date":
      return "day";
    case "boolean":
      return "yes";
    case "number":
      return name.endsWith("amount") ? "money" : "count";
    default:
      return "text";
  }
}
