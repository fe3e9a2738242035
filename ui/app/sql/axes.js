/** Which chart fits an answer: times to the right, numbers upwards, a text with few values as series. Pure but for words of values. */

import { duration, instant, number } from '../format.js';
import { LOOKS } from '../parts/chart-marks.js';
import { spacing } from '../parts/chart-scale.js';
import { visible } from '../visible.js';

/** @typedef {import('./answer.js').AnswerColumn} AnswerColumn */
/** @typedef {import('../parts/chart-data.js').Data} Data */
/** @typedef {import('../parts/chart-data.js').Kind} Kind */
/** @typedef {{kind: Kind, x: string, y: string[], series: string | null}} Choice names of columns */

/** Series that are read; the largest of them have looks of their own. */
const SERIES_MAX = 200;
/** Characters of a name in a chart. */
const WORDS_MAX = 200;
/** Places of one chart. */
export const PLACES_MAX = 2_000;

const NUMBERS = /^(int|uint|float|decimal)/;
/** @param {AnswerColumn} column */
export const isNumber = (column) => NUMBERS.test(column.type);
/** @param {AnswerColumn} column */
export const isTime = (column) => column.type === 'timestamp' || column.type === 'date';
/** @param {AnswerColumn} column */
export const isText = (column) => !isNumber(column) && !isTime(column) && !/^(list|struct|map|json|binary)/.test(column.type);

/** Numbers that name things. */
const NAMES = /(^|_)(id|seq|status|year|month|day|hour|weekday|code)$/;

/**
 * The chart that an answer suggests; null where it has nothing to draw.
 * @param {AnswerColumn[]} schema
 * @param {unknown[][]} rows
 * @returns {Choice | null}
 */
export function suggest(schema, rows) {
  const figures = schema.filter(isNumber);
  const values = figures.filter((column) => !NAMES.test(column.name));
  const time = schema.find(isTime);
  const texts = schema.filter(isText);
  const y = (values.length > 0 ? values : figures).map((column) => column.name);
  const first = y[0];
  if (first === undefined || rows.length === 0) return null;
  if (time) {
    // The same moment several times: a text tells the rows apart.
    const repeats = distinct(schema, rows, time.name, rows.length) < rows.length;
    const by = repeats ? texts.find((column) => distinct(schema, rows, column.name, SERIES_MAX) <= SERIES_MAX) : undefined;
    return { kind: by ? 'bars' : 'line', x: time.name, y: by ? [first] : alike(y), series: by?.name ?? null };
  }
  if (texts[0]) return { kind: 'rows', x: texts[0].name, y: [first], series: null };
  const places = figures.find((column) => NAMES.test(column.name));
  if (places && values[0]) return { kind: 'bars', x: places.name, y: [values[0].name], series: null };
  const [a, b] = figures;
  return a && b ? { kind: 'scatter', x: a.name, y: [b.name], series: null } : null;
}

/**
 * Figures that can share an axis: those of one unit, as their names say.
 * @param {string[]} names
 */
function alike(names) {
  const unit = (/** @type {string} */ name) => /_(ms|ns|s|percent|bytes)$/.exec(name)?.[1] ?? '';
  const first = unit(names[0] ?? '');
  return names.filter((name) => unit(name) === first).slice(0, 6);
}

/**
 * @param {AnswerColumn[]} schema
 * @param {unknown[][]} rows
 * @param {string} name
 * @param {number} most
 */
function distinct(schema, rows, name, most) {
  const at = schema.findIndex((column) => column.name === name);
  const found = new Set();
  for (const row of rows) {
    found.add(row[at]);
    if (found.size > most) break;
  }
  return found.size;
}

/**
 * The choice of the address, as far as the answer has such columns.
 * @param {AnswerColumn[]} schema
 * @param {URLSearchParams} params
 * @param {Choice} fallback
 * @returns {Choice}
 */
export function choiceOf(schema, params, fallback) {
  const kinds = /** @type {Kind[]} */ (['line', 'area', 'bars', 'rows', 'pie', 'scatter']);
  const known = (/** @type {string | null} */ name) => (schema.some((column) => column.name === name) ? name : null);
  const y = (params.get('y') ?? '').split(',').filter((name) => known(name));
  const series = params.get('series');
  return {
    kind: kinds.find((kind) => kind === params.get('chart')) ?? fallback.kind,
    x: known(params.get('x')) ?? fallback.x,
    y: y.length > 0 ? y : fallback.y,
    series: series === 'none' ? null : known(series) ?? fallback.series,
  };
}

/** @param {unknown} value */
const figure = (value) => {
  if (value == null || value === '') return null;
  const read = Number(value);
  return Number.isFinite(read) ? read : null;
};

/**
 * The answer as a chart draws it.
 * @param {AnswerColumn[]} schema
 * @param {unknown[][]} rows
 * @param {Choice} choice
 * @param {{none: string, rest: (n: number) => string}} texts what stands for a value that is not there, and for the series beyond the largest
 * @returns {Data}
 */
export function chartData(schema, rows, choice, { none, rest }) {
  const index = (/** @type {string} */ name) => schema.findIndex((column) => column.name === name);
  const x = schema[index(choice.x)];
  const axis = x && isTime(x) && choice.kind !== 'rows' && choice.kind !== 'pie' ? 'time' : choice.kind === 'scatter' && x && isNumber(x) ? 'number' : 'text';
  const at = index(choice.x);
  const words = (/** @type {unknown} */ value) => (value == null || value === '' ? none : visible((typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(0, WORDS_MAX)));
  const place = (/** @type {unknown[]} */ row) => (axis === 'time' ? instant(String(row[at])) : axis === 'number' ? Number(row[at]) : words(row[at]));
  const told = unitOf(choice.y[0] ?? '');
  const base = { kind: choice.kind, axis: /** @type {Data['axis']} */ (axis), xTitle: choice.x, told, tick: told };
  if (choice.kind === 'scatter') return { ...base, ...points(rows, choice, index, place, words) };
  const made = largest(grid(rows, choice, index, place, words), choice.kind, rest);
  if (axis === 'time') sortByTime(made);
  const keys = axis === 'text' ? made.keys : undefined;
  return { ...base, xs: made.xs, keys, series: made.series, step: axis === 'time' && choice.kind === 'bars' ? spacing(/** @type {number[]} */ (made.xs)) || 3_600_000 : undefined };
}

/**
 * Values by place and series; several of one place are added up.
 * @param {unknown[][]} rows
 * @param {Choice} choice
 * @param {(name: string) => number} index
 * @param {(row: unknown[]) => number | string} place
 * @param {(value: unknown) => string} words
 */
function grid(rows, choice, index, place, words) {
  /** @type {Map<number | string, number>} */
  const places = new Map();
  /** @type {unknown[]} */
  const keys = [];
  /** @type {Map<string, {name: string, key: unknown, values: (number | null)[]}>} */
  const series = new Map();
  const by = choice.series ? index(choice.series) : -1;
  for (const row of rows) {
    const x = place(row);
    if (typeof x === 'number' && Number.isNaN(x)) continue;
    let at = places.get(x);
    if (at === undefined) {
      if (places.size >= PLACES_MAX) continue;
      at = places.size;
      places.set(x, at);
      keys.push(row[index(choice.x)]);
    }
    for (const y of choice.y) {
      const name = by < 0 ? y : choice.y.length > 1 ? `${words(row[by])} · ${y}` : words(row[by]);
      let one = series.get(name);
      if (!one) {
        if (series.size >= SERIES_MAX) continue;
        one = { name, key: by < 0 ? undefined : row[by], values: [] };
        series.set(name, one);
      }
      const value = figure(row[index(y)]);
      if (value !== null) one.values[at] = (one.values[at] ?? 0) + value;
    }
  }
  const xs = [...places.keys()];
  // Where nothing was counted nothing happened; of lines nothing is known.
  const missing = choice.kind === 'line' ? null : 0;
  return { xs, keys, series: [...series.values()].map((one) => ({ ...one, values: xs.map((_, at) => one.values[at] ?? missing) })) };
}

/**
 * The largest series first; of figures that add up the rest is one more, of others it is left out.
 * @template {{xs: (number | string)[], keys: unknown[], series: {name: string, key: unknown, look?: number, values: (number | null)[]}[]}} T
 * @param {T} made
 * @param {Kind} kind
 * @param {(n: number) => string} rest
 * @returns {T}
 */
function largest(made, kind, rest) {
  if (made.series.length < 2) return made;
  const total = (/** @type {{values: (number | null)[]}} */ one) => one.values.reduce((/** @type {number} */ all, value) => all + (value ?? 0), 0);
  const series = [...made.series].sort((a, b) => total(b) - total(a));
  if (series.length <= LOOKS) return { ...made, series };
  const others = series.splice(LOOKS - 1);
  if (kind === 'line') return { ...made, series: [...series, ...others.slice(0, 1)] };
  const values = made.xs.map((_, at) => others.reduce((all, one) => all + (one.values[at] ?? 0), 0));
  return { ...made, series: [...series, { name: rest(others.length), key: undefined, look: LOOKS - 1, values }] };
}

/** @param {{xs: (number | string)[], series: {values: (number | null)[]}[]}} made */
function sortByTime(made) {
  const order = made.xs.map((_, at) => at).sort((a, b) => Number(made.xs[a]) - Number(made.xs[b]));
  made.xs = order.map((at) => made.xs[at] ?? 0);
  for (const series of made.series) series.values = order.map((at) => series.values[at] ?? null);
}

/**
 * Points of a scatter: each row its own place.
 * @param {unknown[][]} rows
 * @param {Choice} choice
 * @param {(name: string) => number} index
 * @param {(row: unknown[]) => number | string} place
 * @param {(value: unknown) => string} words
 */
function points(rows, choice, index, place, words) {
  const kept = rows.filter((row) => row[index(choice.x)] != null).slice(0, PLACES_MAX);
  const xs = kept.map(place);
  const by = choice.series ? index(choice.series) : -1;
  const names = by < 0 ? choice.y : [...new Set(kept.map((row) => words(row[by])))].slice(0, SERIES_MAX);
  const series = names.map((name) => ({ name, values: kept.map((row) => (by < 0 ? figure(row[index(name)]) : words(row[by]) === name ? figure(row[index(choice.y[0] ?? '')]) : null)) }));
  return { xs, series };
}

/**
 * How a figure is told, by the unit in its name.
 * @param {string} name
 * @returns {((value: number) => string) | undefined}
 */
export function unitOf(name) {
  if (/_ns$/.test(name)) return (value) => (value === 0 ? '0' : duration(value));
  if (/_ms$/.test(name)) return (value) => (value === 0 ? '0' : duration(value * 1e6));
  if (/percent$/.test(name)) return (value) => `${number(value)} %`;
  return undefined;
}
