// What the page carries: read once, decoded column by column when somebody asks.

const source = JSON.parse(document.getElementById("data").textContent);

/** The page's data as written by the build; days are numbers since 2000-01-01. */
export const data = source;

const DAY = 86_400_000;
const EPOCH = Date.UTC(2000, 0, 1);

/** A day number as a Date at midnight UTC. */
export function dateOf(day) {
  return new Date(EPOCH + day * DAY);
}

/** The day number of a year, month (0 = January) and day of the month. */
export function dayOf(year, month, date = 1) {
  return Math.round((Date.UTC(year, month, date) - EPOCH) / DAY);
}

/** A day number as YYYY-MM-DD. */
export function isoDay(day) {
  return dateOf(day).toISOString().slice(0, 10);
}

/** The day number of YYYY-MM-DD, or null if it is none. */
export function parseDay(text) {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return Number.isNaN(time) ? null : Math.round((time - EPOCH) / DAY);
}

/** Rows of one kind, column by column. */
export class Table {
  #raw;
  #decoded = new Map();

  constructor(raw) {
    this.#raw = raw;
  }

  /** Rows on the page. */
  get size() {
    return this.#raw.rows;
  }

  /** Rows in the published file. */
  get total() {
    return this.#raw.total;
  }

  get isComplete() {
    return this.size >= this.total;
  }

  get title() {
    return this.#raw.title;
  }

  /** Name of the published table. */
  get source() {
    return this.#raw.table;
  }

  /** The filters the rows can be told apart by. */
  get filters() {
    return this.#raw.filters ?? [];
  }

  get columns() {
    return Object.keys(this.#raw.columns);
  }

  has(name) {
    return name in this.#raw.columns;
  }

  /** text, number, date (a day number) or boolean. */
  type(name) {
    return this.#raw.columns[name].type;
  }

  /** All values of a column. */
  column(name) {
    if (!this.#decoded.has(name)) {
      this.#decoded.set(name, decoded(this.#raw.columns[name]));
    }
    return this.#decoded.get(name);
  }

  /** Row numbers for which every condition [column, operator, value] holds. */
  select(conditions) {
    const tests = conditions.map(([name, operator, value]) => [this.column(name), OPERATORS[operator], this.#given(value)]);
    const found = [];
    for (let row = 0; row < this.size; row += 1) {
      if (tests.every(([values, test, given]) => test(values[row], given instanceof Operand ? given.values[row] : given))) {
        found.push(row);
      }
    }
    return found;
  }

  #given(value) {
    return value?.column ? new Operand(this.column(value.column)) : value;
  }

  /** The rows as objects. */
  rows(numbers = null) {
    const columns = this.columns.map((name) => [name, this.column(name)]);
    const wanted = numbers ?? Array.from({ length: this.size }, (_, row) => row);
    return wanted.map((row) => Object.fromEntries(columns.map(([name, values]) => [name, values[row]])));
  }
}

/** A column another one is compared with. */
class Operand {
  constructor(values) {
    this.values = values;
  }
}

const OPERATORS = {
  "=": (left, right) => left === right,
  "<>": (left, right) => left !== right,
  "<": (left, right) => left !== null && left < right,
  "<=": (left, right) => left !== null && left <= right,
  ">": (left, right) => left !== null && left > right,
  ">=": (left, right) => left !== null && left >= right,
  in: (left, right) => right.includes(left ?? "unknown"),
  known: (left) => left !== null,
};

function decoded(column) {
  switch (column.type) {
    case "text":
      return column.values.map((place) => (place === null ? null : data.words[place]));
    case "boolean":
      return column.values.map((value) => (value === null ? null : value === 1));
    default:
      return column.values;
  }
}

const made = new Map();

function tableOf(kind, name) {
  const key = `${kind}.${name}`;
  if (!made.has(key)) {
    const raw = data[kind]?.[name];
    made.set(key, raw ? new Table(raw) : null);
  }
  return made.get(key);
}

/** Sums to draw from, or null where the file has none. */
export const cube = (name) => tableOf("cubes", name);

/** Source records, or null. */
export const recordTable = (name) => tableOf("records", name);

/** A table that says where help is needed or what is expected, or null. */
export const findingTable = (name) => tableOf("findings", name);

/** A table about the data itself, or null. */
export const operationsTable = (name) => tableOf("operations", name);

export const identityTable = (name) => tableOf("identity", name);

/** Whether the published file has a table. */
export function isPublished(name) {
  return data.tables.includes(name);
}

/** Goals as rows, the latest first. */
export const goals = data.goals ? new Table(data.goals).rows() : [];
