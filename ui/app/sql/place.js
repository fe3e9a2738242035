/** What the address asks the console for: a text and which of its statements, or a named query; their parameters; a period. Pure. */

import { DEFAULT_PERIOD } from '../journal/query.js';
import { parse } from '../json.js';
import { isBound, isPeriod, resolve } from '../period.js';
import { parameters, statements } from './tokens.js';

/** @typedef {import('../period.js').Period} Period */
/** @typedef {{sql: string, start: number, number: number, count: number}} Chosen the statement that runs, and where it begins in the text */

/** Bytes of a text that the address holds; longer ones are saved. */
export const TEXT_MAX = 2_000;

/** @param {string} text */
export const fits = (text) => new TextEncoder().encode(text).length <= TEXT_MAX;

/**
 * The statement that the address means: a part of the text, one by its number, else the first.
 * @param {string} text
 * @param {URLSearchParams} params
 * @returns {Chosen | null}
 */
export function chosen(text, params) {
  const all = statements(text);
  const [, from, to] = /^(\d+)-(\d+)$/.exec(params.get('part') ?? '') ?? [];
  if (from !== undefined && to !== undefined) {
    const piece = text.slice(Number(from), Number(to));
    const lead = piece.length - piece.trimStart().length;
    if (piece.trim() !== '') return { sql: piece.trim().replace(/;\s*$/, ''), start: Number(from) + lead, number: 0, count: all.length };
  }
  const number = Number(params.get('at') ?? 1);
  const one = all[number - 1] ?? all[0];
  return one ? { sql: one.text, start: one.start, number: all.indexOf(one) + 1, count: all.length } : null;
}

/**
 * The period of the address; what says nothing is named.
 * @param {URLSearchParams} params
 * @param {string} [fallback]
 * @returns {{period: Period, ignored: string[]}}
 */
export function periodOf(params, fallback = DEFAULT_PERIOD) {
  /** @type {string[]} */
  const ignored = [];
  const bound = (/** @type {'from' | 'to'} */ name) => {
    const text = params.get(name);
    if (!text || isBound(text)) return text ?? undefined;
    ignored.push(`${name}=${text}`);
    return undefined;
  };
  const [word, from, to] = [params.get('period'), bound('from'), bound('to')];
  if (from || to) return { period: { ...(from && { from }), ...(to && { to }) }, ignored };
  if (word && isPeriod(word)) return { period: { period: word }, ignored };
  if (word) ignored.push(`period=${word}`);
  return { period: { period: fallback }, ignored };
}

/**
 * The bounds of a period as SQL and named queries take them; an open one is far away.
 * @param {Period} period
 * @param {number} now
 * @param {string} tz
 */
export function boundsOf(period, now, tz) {
  const { from, to } = resolve(period, now, tz);
  const text = (/** @type {number | null} */ at, /** @type {string} */ open) => (at === null ? open : new Date(at).toISOString());
  return { from: text(from, '1970-01-01T00:00:00Z'), to: text(to, '2200-01-01T00:00:00Z') };
}

/**
 * The values of `p.NAME=…` in the address.
 * @param {URLSearchParams} params
 * @returns {Record<string, string>}
 */
export function valuesOf(params) {
  return Object.fromEntries([...params].filter(([key]) => key.startsWith('p.')).map(([key, value]) => [key.slice(2), value]));
}

/**
 * A value as it was typed: JSON where it is some, else a text. 64-bit integers keep their digits.
 * @param {string} text
 */
function valueOf(text) {
  if (/^(-?\d+(\.\d+)?|true|false|null|"[\s\S]*"|\[[\s\S]*\])$/.test(text.trim())) {
    try {
      return parse(text);
    } catch {
      return text;
    }
  }
  return text;
}

/**
 * The parameters of a statement as the API takes them; undefined where it has none.
 * @param {string} sql
 * @param {Record<string, string>} values
 * @param {{from: string, to: string}} bounds
 * @returns {unknown}
 */
export function statementParams(sql, values, bounds) {
  const names = parameters(sql);
  if (names.length === 0) return undefined;
  const of = (/** @type {string} */ name) => (values[name] !== undefined ? valueOf(values[name] ?? '') : name === 'from' || name === 'to' ? bounds[name] : null);
  if (names.every((name) => /^\d+$/.test(name))) return Array.from({ length: Math.max(...names.map(Number)) }, (_, at) => of(String(at + 1)));
  return Object.fromEntries(names.map((name) => [name, of(name)]));
}

/**
 * Names of parameters that somebody has to give: all but the range, which the time picker gives.
 * @param {string} text
 */
export function openParameters(text) {
  const names = parameters(text);
  return { range: names.includes('from') || names.includes('to'), others: names.filter((name) => name !== 'from' && name !== 'to') };
}
