/** What a sample becomes under a mapping, apart from how it is shown: aligned with its lines, compared with another mapping's. */

import { parse, stringify } from '../json.js';

/** @typedef {{events: Record<string, unknown>[], errors: {line: number, code: string, message: string}[]}} Trial as the API has it */

/**
 * @typedef {object} Row one line of the sample
 * @property {number} line
 * @property {string | null} source the line as it was given, where one event is one line
 * @property {{code: string, message: string} | null} error
 * @property {Cell[]} cells
 */

/** @typedef {{column: string, value: string | null, before: string | null, same: boolean, rest: boolean}} Cell `rest`: kept under the sender's own name */

/** What the engine adds to every event by itself. */
const OWN = new Set(['observed_time', 'date', '_seq']);

/**
 * Which lines of a sample are events of their own; null where the sample is one document.
 * @param {string} sample
 * @returns {{line: number, text: string}[] | null}
 */
export function linesOf(sample) {
  if (isDocument(sample)) return null;
  return sample.split('\n').map((text, at) => ({ line: at + 1, text })).filter(({ text }) => text.trim() !== '');
}

/**
 * Whether a sample is one JSON document over its lines, or a list, and not one event a line.
 * @param {string} sample
 */
export function isDocument(sample) {
  const text = sample.trim();
  if (text.startsWith('[')) return true;
  if (!text.startsWith('{') || !text.includes('\n')) return false;
  try {
    parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Columns of an event as texts; what no column took stands apart, as `attributes.NAME`.
 * @param {Record<string, unknown>} event
 * @returns {Map<string, string>}
 */
export function flat(event) {
  /** @type {Map<string, string>} */
  const all = new Map();
  for (const [column, value] of Object.entries(event)) {
    if (OWN.has(column) || value === null || (Array.isArray(value) && value.length === 0)) continue;
    // Two trials happen at two moments: that is no difference.
    if (column === 'event_time' && value === event.observed_time) {
      all.set(column, '= observed_time');
      continue;
    }
    if (column !== 'attributes') {
      all.set(column, textOf(value));
      continue;
    }
    const rest = typeof value === 'string' ? readable(value) : value;
    if (rest && typeof rest === 'object') for (const [name, one] of Object.entries(rest)) all.set(`attributes.${name}`, textOf(one));
    else all.set(column, textOf(value));
  }
  return all;
}

/** @param {string} text */
function readable(text) {
  try {
    return parse(text);
  } catch {
    return text;
  }
}

/** @param {unknown} value */
function textOf(value) {
  return value !== null && typeof value === 'object' && !('source' in value) ? stringify(value, 0) : String(value);
}

/**
 * The sample row by row. Where the events cannot be told apart by lines (a document, a wrapper), they are numbered.
 * @param {string} sample
 * @param {Trial} trial
 * @param {Trial | null} before what the mapping in force makes of it
 * @returns {Row[]}
 */
export function rows(sample, trial, before) {
  const lines = linesOf(sample);
  const aligned = lines !== null && lines.length === trial.events.length + trial.errors.length;
  const old = before && before.errors.length + before.events.length === trial.errors.length + trial.events.length ? eventsByLine(before, lines, aligned) : null;
  const now = eventsByLine(trial, lines, aligned);
  const order = [...new Set([...now.keys(), ...trial.errors.map((error) => error.line)])].sort((a, b) => a - b);
  return order.map((line) => ({
    line,
    source: aligned ? lines.find((one) => one.line === line)?.text ?? null : null,
    error: trial.errors.find((error) => error.line === line) ?? null,
    cells: cells(now.get(line) ?? null, old ? old.get(line) ?? null : undefined),
  }));
}

/**
 * @param {Trial} trial
 * @param {{line: number}[] | null} lines
 * @param {boolean} aligned
 */
function eventsByLine(trial, lines, aligned) {
  const refused = new Set(trial.errors.map((error) => error.line));
  const numbers = aligned && lines ? lines.map(({ line }) => line) : Array.from({ length: trial.events.length + trial.errors.length }, (_, at) => at + 1);
  const free = numbers.filter((line) => !refused.has(line));
  return new Map(trial.events.map((event, at) => [free[at] ?? at + 1, event]));
}

/**
 * @param {Record<string, unknown> | null} event
 * @param {Record<string, unknown> | null | undefined} before undefined: nothing to compare with
 * @returns {Cell[]}
 */
export function cells(event, before) {
  const now = event ? flat(event) : new Map();
  const old = before ? flat(before) : new Map();
  const compared = before !== undefined;
  const names = [...new Set([...now.keys(), ...(compared ? old.keys() : [])])];
  // What was left over stands last: it is what a mapping is mended for.
  names.sort((a, b) => Number(isRest(a)) - Number(isRest(b)));
  return names.map((column) => {
    const value = now.get(column) ?? null;
    const was = compared ? old.get(column) ?? null : value;
    return { column, value, before: was, same: was === value, rest: isRest(column) };
  });
}

/** @param {string} column */
function isRest(column) {
  return column.startsWith('attributes.');
}

/**
 * The line of a mapping that a refusal is about, counted from 1: by its number, or by the column that it names.
 * @param {string} text of the mapping
 * @param {string} detail of the refusal
 * @returns {number | null}
 */
export function wrongLine(text, detail) {
  const numbered = /\bline (\d+)/.exec(detail)?.[1];
  if (numbered) return Number(numbered);
  const named = /^([\w.]+):/.exec(detail)?.[1];
  const last = named?.split('.').pop();
  if (!last) return null;
  const at = text.split('\n').findIndex((line) => line.trimStart().startsWith(last) && /^\s*["']?[\w.-]+["']?\s*=/.test(line));
  return at < 0 ? null : at + 1;
}
