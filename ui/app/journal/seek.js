/**
 * Finds where in time a row of a list stands: the histogram says how many events lie in each step, the step that holds the row
 * is asked again in finer steps, until what is left is little enough to be read. Pure but for `ask`.
 */

import { lengthOf, stepFor } from '../parts/axis.js';

/** @typedef {{times: string[], series: {counts: number[]}[], step: string}} Histogram */
/** @typedef {{from?: string, to?: string}} Range */

/**
 * The step that holds a row, and how many rows come before the step in the list's order.
 * @param {number[]} counts of the steps, in the order of time
 * @param {number} index
 * @param {boolean} descending
 * @returns {{at: number, before: number} | null}
 */
export function stepOf(counts, index, descending) {
  let before = 0;
  for (let step = 0; step < counts.length; step += 1) {
    const at = descending ? counts.length - 1 - step : step;
    const here = counts[at] ?? 0;
    if (index < before + here) return { at, before };
    before += here;
  }
  return null;
}

/**
 * Sums of all series.
 * @param {Histogram} answer
 * @returns {number[]}
 */
function countsOf(answer) {
  return answer.times.map((_, at) => answer.series.reduce((sum, series) => sum + (series.counts[at] ?? 0), 0));
}

/**
 * A place in the list at or shortly before a row.
 * @param {object} wanted
 * @param {number} wanted.index
 * @param {boolean} wanted.descending
 * @param {{from: string | null, to: string | null}} wanted.period
 * @param {number} wanted.most rows between the place and the row that are little enough
 * @param {(range: Range, step: string | null) => Promise<Histogram>} wanted.ask
 * @returns {Promise<{index: number, where: Range} | null>} null where the list has no such row
 */
export async function seek({ index, descending, period, most, ask }) {
  /** @type {Range} */
  let range = { ...(period.from && { from: period.from }), ...(period.to && { to: period.to }) };
  /** @type {{index: number, where: Range} | null} */
  let place = null;
  let before = 0;
  for (let depth = 0; depth < 8; depth += 1) {
    const step = range.from && range.to ? stepFor(Date.parse(range.from), Date.parse(range.to)) : null;
    const answer = await ask(range, step);
    const found = stepOf(countsOf(answer), index - before, descending);
    if (!found) return place;
    before += found.before;
    const [start, end] = [answer.times[found.at], answer.times[found.at + 1]];
    const inner = { from: later(start, range.from), to: end ?? range.to };
    // The list goes on from here to the far end of the period.
    place = { index: before, where: descending ? { ...(inner.to && { to: inner.to }) } : { ...(inner.from && { from: inner.from }) } };
    const isFinest = lengthOf(answer.step) <= 1000;
    if (index - before <= most || isFinest || !inner.from || !inner.to || (inner.from === range.from && inner.to === range.to)) return place;
    range = { from: inner.from, to: inner.to };
  }
  return place;
}

/**
 * @param {string | undefined} one
 * @param {string | undefined} other
 */
function later(one, other) {
  if (!one || !other) return one ?? other;
  return Date.parse(one) >= Date.parse(other) ? one : other;
}
