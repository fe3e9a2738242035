/**
 * The time axis of a histogram: how long its steps are, which bars are whole, and what a stretch of bars is as a period.
 * Pure functions over milliseconds.
 */

import { between } from '../period.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Steps that the API takes, and about how long each is. @type {[string, number][]} */
const STEPS = [
  ['1s', SECOND], ['2s', 2 * SECOND], ['5s', 5 * SECOND], ['10s', 10 * SECOND], ['15s', 15 * SECOND], ['30s', 30 * SECOND],
  ['1m', MINUTE], ['2m', 2 * MINUTE], ['5m', 5 * MINUTE], ['10m', 10 * MINUTE], ['15m', 15 * MINUTE], ['30m', 30 * MINUTE],
  ['1h', HOUR], ['2h', 2 * HOUR], ['3h', 3 * HOUR], ['6h', 6 * HOUR], ['12h', 12 * HOUR],
  ['1d', DAY], ['2d', 2 * DAY], ['3d', 3 * DAY], ['1w', 7 * DAY], ['2w', 14 * DAY],
  ['1mo', 30.44 * DAY], ['1q', 91.3 * DAY], ['1y', 365.25 * DAY],
];

/** Fewest and most bars of a chart. */
const BARS = { least: 40, most: 120 };

/**
 * How many bars a width has room for: each needs some pixels to be hit.
 * @param {number} width
 */
export function barsFor(width) {
  return Math.max(BARS.least, Math.min(BARS.most, Math.floor(width / 9)));
}

/**
 * The finest step of the calendar that makes no more than `most` bars.
 * @param {number} from
 * @param {number} to
 * @param {number} [most]
 * @returns {string}
 */
export function stepFor(from, to, most = BARS.most) {
  const span = Math.max(0, to - from);
  return (STEPS.find(([, length]) => span / length <= most) ?? ['1y'])[0];
}

/**
 * Whether the API takes that step.
 * @param {string | null} step
 */
export function isStep(step) {
  return step != null && /^[1-9]\d{0,4}(s|m|h|d|w|mo|q|y)$/.test(step);
}

const UNITS = /** @type {Record<string, number>} */ ({ s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY, mo: 30.44 * DAY, q: 91.3 * DAY, y: 365.25 * DAY });

/**
 * About how long a step is.
 * @param {string} step
 */
export function lengthOf(step) {
  const [, count = '1', unit = 's'] = /^(\d*)([a-z]+)/.exec(step) ?? [];
  return Number(count || 1) * (UNITS[unit] ?? UNITS[unit.startsWith('mo') ? 'mo' : unit.charAt(0)] ?? SECOND);
}

/** @typedef {{start: number, end: number, from: number, to: number, partial: boolean}} Bar a step, and the part of it that lies in the period */

/**
 * The bars of an answer: each step cut to the period; what is cut, or not over yet, is partial.
 * @param {number[]} starts beginnings of the steps
 * @param {string} step
 * @param {number | null} from beginning of the period
 * @param {number | null} to its end
 * @param {number} now
 * @returns {Bar[]}
 */
export function barsOf(starts, step, from, to, now) {
  const length = lengthOf(step);
  return starts.map((start, at) => {
    // Steps of the calendar differ in length: the next one says where this ends.
    const end = starts[at + 1] ?? start + (start - (starts[at - 1] ?? start - length));
    const shown = { from: Math.max(start, from ?? start), to: Math.min(end, to ?? end) };
    return { start, end, ...shown, partial: shown.from > start || shown.to < end || (start <= now && end > now) };
  });
}

/**
 * A stretch of bars as a period.
 * @param {Bar[]} bars
 * @param {number} one
 * @param {number} other
 * @returns {import('../period.js').Period | null}
 */
export function periodOf(bars, one, other) {
  const [first, last] = [bars[Math.min(one, other)], bars[Math.max(one, other)]];
  return first && last ? between(first.from, last.to) : null;
}
