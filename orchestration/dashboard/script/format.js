// Numbers, days and periods in words. Every number on the page passes through here.

import { data, dateOf } from "./data.js";

const LOCALE = "en-US";
const NARROW = "\u202f";
const NONE = "–";

const formats = new Map();

function numberFormat(options) {
  const key = JSON.stringify(options);
  if (!formats.has(key)) {
    formats.set(key, new Intl.NumberFormat(LOCALE, options));
  }
  return formats.get(key);
}

function currencyOptions(options) {
  return data.currency
    ? { style: "currency", currency: data.currency, currencyDisplay: "narrowSymbol", ...options }
    : options;
}

/** A count or any plain number. */
export function plain(value, digits = 0) {
  return value === null || value === undefined ? NONE : numberFormat({ maximumFractionDigits: digits }).format(value);
}

/** An amount of money to the unit. */
export function money(value) {
  return value === null ? NONE : numberFormat(currencyOptions({ maximumFractionDigits: 0 })).format(value);
}

/** An amount of money in three digits. */
export function shortMoney(value) {
  if (value === null) {
    return NONE;
  }
  const small = Math.abs(value) < 1000;
  const options = small
    ? { maximumFractionDigits: 0 }
    : { notation: "compact", minimumSignificantDigits: 3, maximumSignificantDigits: 3 };
  return numberFormat(currencyOptions(options)).format(value);
}

/** A share as percent. */
export function percent(value, digits = 1) {
  if (value === null) {
    return NONE;
  }
  const shown = numberFormat({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value * 100);
  return `${shown === "-0" || shown === "-0.0" ? shown.slice(1) : shown}${NARROW}%`;
}

/** Days, with a digit more where there are few. */
export function days(value) {
  if (value === null) {
    return NONE;
  }
  const shown = plain(value, Math.abs(value) < 10 ? 1 : 0);
  return `${shown} ${shown === "1" ? "day" : "days"}`;
}

/** A value with its unit, short enough for a card. */
export function short(value, unit) {
  if (value === null || value === undefined) {
    return NONE;
  }
  switch (unit) {
    case "ratio":
      return percent(value);
    case "currency":
      return shortMoney(value);
    case "currency_per_day":
      return `${shortMoney(value)} / day`;
    case "days":
      return days(value);
    case "multiple":
      return `${plain(value, 2)}×`;
    default:
      return plain(value);
  }
}

/** A value with its unit, in full. */
export function full(value, unit) {
  switch (value === null || value === undefined ? null : unit) {
    case "currency":
      return money(value);
    case "currency_per_day":
      return `${money(value)} / day`;
    case "days":
      return `${plain(value, 1)} days`;
    case "ratio":
      return percent(value, 2);
    case "multiple":
      return `${plain(value, 3)}×`;
    default:
      return value === null || value === undefined ? NONE : plain(value, 2);
  }
}

/** The ends of an interval, as exact as an interval deserves. */
export function intervalText(low, high, unit) {
  if (low === null || high === null) {
    return NONE;
  }
  return unit === "ratio" ? `${plain(Math.abs(low * 100))}–${percent(high, 0)}` : `${short(low, unit)}–${short(high, unit)}`;
}

/** An axis label. */
export function tick(value, unit) {
  switch (unit) {
    case "ratio":
      return percent(value, 0);
    case "multiple":
      return `${plain(value, 1)}×`;
    case "currency":
    case "currency_per_day":
      return value === 0 ? "0" : numberFormat(currencyOptions({ notation: "compact", maximumSignificantDigits: 3 })).format(value);
    default:
      return numberFormat({ notation: "compact", maximumSignificantDigits: 3 }).format(value);
  }
}

/** How a value differs from the one before: points for a share, percent for anything else. */
export function change(now, before, unit) {
  if (now === null || before === null || now === undefined || before === undefined) {
    return null;
  }
  if (unit === "ratio") {
    const points = (now - before) * 100;
    return { amount: points, text: `${plain(Math.abs(points), 1)} pts` };
  }
  if (before === 0) {
    return null;
  }
  const share = now / before - 1;
  return { amount: share, text: `${plain(Math.abs(share) * 100, Math.abs(share) < 1 ? 1 : 0)}${NARROW}%` };
}

const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const monthFormat = new Intl.DateTimeFormat("en-GB", { month: "short", year: "numeric", timeZone: "UTC" });

/** 31 Oct 2026. */
export function dayText(day) {
  return day === null ? NONE : dayFormat.format(dateOf(day)).replace("Sept", "Sep");
}

/** Oct 2026. */
export function monthText(day) {
  return day === null ? NONE : monthFormat.format(dateOf(day)).replace("Sept", "Sep");
}

/** Month (0 = January) in which the fiscal year begins, as the years of the file show it. */
const fiscalStart = data.periods.year.length ? dateOf(data.periods.year[0][0]).getUTCMonth() : 0;

/** The name of a period, as short as an axis needs it. */
export function periodText(grain, [start, end]) {
  const first = dateOf(start);
  switch (grain) {
    case "month":
      return monthText(start);
    case "quarter": {
      const quarter = Math.floor(((first.getUTCMonth() - fiscalStart + 12) % 12) / 3) + 1;
      return `Q${quarter} ${fiscalYear(first)}`;
    }
    case "year":
      return String(fiscalYear(first));
    case "trailing_12_months":
      return `Year to ${monthText(end - 1)}`;
    default:
      return "All time";
  }
}

function fiscalYear(first) {
  if (fiscalStart === 0) {
    return first.getUTCFullYear();
  }
  return `FY${first.getUTCFullYear() + (first.getUTCMonth() >= fiscalStart ? 1 : 0)}`;
}

/** Whether a period has not ended on the as-of day. */
export function isToDate([, end]) {
  return end > data.as_of + 1;
}

const NULL_REASONS = {
  no_denominator: "Nothing to measure",
  insufficient_history: "History too short",
  not_published: "Not in this file",
  not_on_page: "Not on this page",
  not_at_grain: "Not known for this length of period",
  not_additive: "Cannot be joined from slices; choose one value",
};

/** Why there is no value, in words. */
export function reasonText(reason) {
  if (!reason) {
    return "No value";
  }
  if (reason.startsWith("missing_input:")) {
    return `No source gives ${words(reason.slice("missing_input:".length))}`;
  }
  return NULL_REASONS[reason] ?? reason;
}

/** snake_case as words. */
export function words(name) {
  return name.replaceAll("_", " ");
}

/** snake_case as words with a capital. */
export function sentence(name) {
  const text = words(name);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** a, b and c. */
export function listed(parts) {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** 1 deal, 2 deals. */
export function counted(number, one, many = `${one}s`) {
  return `${plain(number)} ${number === 1 ? one : many}`;
}
