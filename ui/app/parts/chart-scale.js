/**
 * Scales of charts: where ticks stand and how values become places. Pure functions, without elements.
 */

import { clock, dayMonth, month, zone } from '../format.js';
import { instantIn, partsIn } from '../zone.js';

/**
 * Round numbers from about `low` to about `high`.
 * @param {number} low
 * @param {number} high
 * @param {number} [wanted] how many, about
 * @param {boolean} [whole] whole numbers only
 * @returns {number[]}
 */
export function niceTicks(low, high, wanted = 4, whole = false) {
  if (!(high > low)) high = low + (low === 0 ? 1 : Math.abs(low) * 0.1);
  const rough = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * power >= rough) ?? 10;
  const step = Math.max(whole ? 1 : 0, factor === 2.5 && whole && power < 10 ? 5 * power : factor * power);
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  return Array.from({ length: Math.min(last - first + 1, 50) }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/**
 * What the clocks of a zone show, as milliseconds of a calendar without zones.
 * @param {number} at
 * @param {string} tz
 */
function localOf(at, tz) {
  const { year, month: of, day, hour, minute, second } = partsIn(at, tz);
  return Date.UTC(year, of - 1, day, hour, minute, second);
}

/**
 * The instant at which the zone's clocks show that.
 * @param {number} local
 * @param {string} tz
 */
function fromLocal(local, tz) {
  const date = new Date(local);
  return instantIn({ year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate(), hour: date.getUTCHours(), minute: date.getUTCMinutes(), second: date.getUTCSeconds() }, tz);
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Distances of ticks; months and years are of the calendar. */
const STEPS = [SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY];
const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120];

/**
 * Ticks of a stretch of time, on the clocks of the zone.
 * @param {number} from
 * @param {number} to
 * @param {number} wanted most ticks
 * @param {string} [tz]
 * @returns {{at: number, text: string, strong: boolean}[]} `strong` begins a day or a year
 */
export function timeTicks(from, to, wanted, tz = zone()) {
  const rough = (to - from) / Math.max(1, wanted);
  const step = STEPS.find((one) => one >= rough);
  const starts = step === undefined ? monthStarts(from, to, rough, tz) : evenStarts(from, to, step, tz);
  return starts.filter((at) => at >= from && at <= to).map((at) => tick(at, step ?? Infinity, tz));
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} step
 * @param {string} tz
 */
function evenStarts(from, to, step, tz) {
  const starts = [];
  // Counted on the local clock; weeks from a Monday (1970-01-05).
  const origin = step >= 7 * DAY ? 4 * DAY : 0;
  let local = Math.floor((localOf(from, tz) - origin) / step) * step + origin;
  for (let guard = 0; guard < 500; guard += 1, local += step) {
    const at = fromLocal(local, tz);
    if (at > to) break;
    starts.push(at);
  }
  return starts;
}

/**
 * @param {number} from
 * @param {number} to
 * @param {number} rough
 * @param {string} tz
 */
function monthStarts(from, to, rough, tz) {
  const step = MONTHS.find((months) => months * 30.4 * DAY >= rough) ?? 240;
  const local = new Date(localOf(from, tz));
  const first = Math.floor((local.getUTCFullYear() * 12 + local.getUTCMonth()) / step) * step;
  const starts = [];
  for (let months = first; starts.length < 500; months += step) {
    const at = fromLocal(Date.UTC(Math.floor(months / 12), months % 12, 1), tz);
    if (at > to) break;
    starts.push(at);
  }
  return starts;
}

/**
 * @param {number} at
 * @param {number} step
 * @param {string} tz
 */
function tick(at, step, tz) {
  const local = new Date(localOf(at, tz));
  const midnight = local.getUTCHours() === 0 && local.getUTCMinutes() === 0 && local.getUTCSeconds() === 0;
  if (step === Infinity) {
    const year = local.getUTCMonth() === 0;
    return { at, text: month(at), strong: year };
  }
  if (midnight || step >= DAY) return { at, text: dayMonth(at), strong: step < DAY };
  if (step < MINUTE) return { at, text: `${clock(at)}:${String(local.getUTCSeconds()).padStart(2, '0')}`, strong: false };
  return { at, text: clock(at), strong: false };
}

/**
 * The usual distance of times that follow each other, in milliseconds.
 * @param {number[]} times in order
 */
export function spacing(times) {
  let least = Infinity;
  for (let at = 1; at < times.length; at += 1) {
    const distance = (times[at] ?? 0) - (times[at - 1] ?? 0);
    if (distance > 0 && distance < least) least = distance;
  }
  return Number.isFinite(least) ? least : 0;
}

/**
 * Sums from the bottom of the stack: what stands below each value, and its own end.
 * @param {(number | null)[][]} series
 * @returns {[number, number][][]} of each series: below, above
 */
export function stack(series) {
  const heights = new Array(series[0]?.length ?? 0).fill(0);
  return series.map((values) =>
    values.map((value, at) => {
      const below = heights[at];
      heights[at] += Math.max(0, value ?? 0);
      return /** @type {[number, number]} */ ([below, heights[at]]);
    }),
  );
}
