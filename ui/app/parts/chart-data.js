/**
 * What charts are made of, and its words: the same in tooltips, for the keyboard's cursor and in tables.
 */

import { number, time } from '../format.js';

/** @typedef {'line' | 'area' | 'bars' | 'rows' | 'pie' | 'scatter'} Kind */

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {(number | null)[]} values one for each of `xs`
 * @property {unknown} [key] what it stands for, for whoever drills
 * @property {number} [look] which of the eight looks it has, from 0, where that means something
 */

/**
 * @typedef {object} Data
 * @property {Kind} kind
 * @property {'time' | 'number' | 'text'} axis of `xs`
 * @property {(number | string)[]} xs times in milliseconds, numbers, or names
 * @property {unknown[]} [keys] what the names stand for
 * @property {Series[]} series
 * @property {number} [step] how long one of the times lasts, in milliseconds
 * @property {[number, number]} [domain] of a time axis: all that it shows, beyond the values
 * @property {string} [xTitle]
 * @property {(value: number) => string} [told] a value in words
 * @property {(value: number) => string} [tick] a value on the axis, shorter
 */

/**
 * @typedef {object} Options
 * @property {string} label what the chart shows, for screen readers
 * @property {(from: number, to: number) => void} [onBrush] a stretch of the time axis was chosen
 * @property {(pick: {at: number, series: number | null}) => void} [onPick] a mark was clicked, or Enter pressed on it
 */

/**
 * @typedef {object} Drawn what draws a kind of chart
 * @property {HTMLElement} element
 * @property {(data: Data, hidden: Set<number>) => void} draw
 * @property {() => void} [resize]
 */

/** @param {Data} data */
export function isEmpty(data) {
  return data.xs.length === 0 || data.series.length === 0 || data.series.every((series) => series.values.every((value) => value == null));
}

/**
 * What stands at a place of the horizontal axis, in words.
 * @param {Data} data
 * @param {number} at
 */
export function placeText(data, at) {
  const x = data.xs[at];
  if (x === undefined) return '';
  if (data.axis === 'number') return number(x);
  if (data.axis === 'text' || typeof x === 'string') return String(x);
  const text = (/** @type {number} */ value) => time(value, { fraction: false }).replace(/:00$/, '');
  if (!data.step) return text(x);
  const end = text(endOf(data, at));
  const begin = text(x);
  return begin.slice(0, 10) === end.slice(0, 10) ? `${begin} – ${end.slice(11)}` : `${begin} – ${end}`;
}

/**
 * Where one of the times ends: steps of the calendar differ in length, so the next one says it where it follows at once.
 * @param {Data} data
 * @param {number} at
 */
export function endOf(data, at) {
  const [begin, next, step] = [Number(data.xs[at]), Number(data.xs[at + 1]), data.step ?? 0];
  return next > begin && next - begin < step * 1.2 ? next : begin + step;
}

/**
 * A value in words.
 * @param {Data} data
 * @param {number | null | undefined} value
 */
export function told(data, value) {
  return value == null ? '–' : (data.told ?? number)(value);
}

/** @param {(number | null)[]} values */
export function sum(values) {
  return values.reduce((/** @type {number} */ all, value) => all + Math.max(0, value ?? 0), 0);
}

/** Looks in the order in which series without a meaning get them: red, which means failure elsewhere, comes late, and grey, which is the rest, last. */
const ORDER = [0, 3, 2, 4, 5, 6, 1, 7];

/**
 * The look of the series or part at a place.
 * @param {number} at
 */
export const lookAt = (at) => ORDER[at % ORDER.length] ?? 0;

/**
 * The look of a series: its own, else by its place.
 * @param {Data} data
 * @param {number} at
 */
export const lookOf = (data, at) => data.series[at]?.look ?? lookAt(at);
