/**
 * Periods in the API's words (`period=last_7d`, `from`, `to`): which there are, what they mean at a moment, what lies before and
 * behind them. Pure. How people write them is in `period-text.js`.
 */

import { instantIn, mondayOf, partsIn, plusDays, weekOf, weekday } from './zone.js';

/** @typedef {{period?: string, from?: string, to?: string}} Period */
/** @typedef {{from: number | null, to: number | null}} Bounds milliseconds; the upper one is not included */
/** @typedef {{year: number, month: number, day: number}} Day */

const NAMED = /^(all|today|yesterday|(this|last)_(minute|hour|week|month|quarter|year)|last_[1-9]\d{0,4}(s|second|m|min|minute|h|hour|d|day|w|week|mo|month|q|quarter|y|year)|\d{4}|\d{4}-Q[1-4]|\d{4}-(0[1-9]|1[0-2])|\d{4}-W(0?[1-9]|[1-4]\d|5[0-3])|\d{4}-\d{2}-\d{2})$/;
const BOUND = /^(now(-[1-9]\d{0,4}(s|m|min|h|d|w|mo|q|y))?|\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)$/;

/** Seconds of a unit, as the API counts them. */
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, mo: 2_592_000, q: 7_862_400, y: 31_536_000 };

/** Moving windows, from the closest to the widest: what zooming out steps through. */
export const LADDER = ['last_5m', 'last_15m', 'last_30m', 'last_1h', 'last_3h', 'last_6h', 'last_12h', 'last_24h', 'last_2d', 'last_7d', 'last_30d', 'last_90d', 'all'];

/**
 * Whether `period` may be that word.
 * @param {string} word
 */
export const isPeriod = (word) => NAMED.test(word) && (!/^\d{4}-\d{2}-\d{2}$/.test(word) || isDate(word));

/**
 * Whether `from` or `to` may be that text.
 * @param {string} text
 */
export const isBound = (text) => BOUND.test(text) && (text.startsWith('now') || isDate(text));

/**
 * @param {string} text `2026-11-31…` is no day
 */
function isDate(text) {
  const day = text.slice(0, 10);
  const at = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== day) return false;
  return text.length === 10 || !Number.isNaN(Date.parse(text.replace(' ', 'T')));
}

/**
 * A day as the API writes it.
 * @param {Day} day
 */
export const dayText = ({ year, month, day }) => `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;

/**
 * @param {string} text
 * @returns {Day}
 */
export function dayOf(text) {
  const [year = 0, month = 1, day = 1] = text.slice(0, 10).split('-').map(Number);
  return { year, month, day };
}

/**
 * How long `15m`, `3mo`, `week` is, in milliseconds.
 * @param {string} text
 */
export function lengthOf(text) {
  const [, count = '1', unit = ''] = /^(\d*)(\D+)$/.exec(text) ?? [];
  const short = /** @type {Record<string, string>} */ ({ second: 's', min: 'm', minute: 'm', hour: 'h', day: 'd', week: 'w', month: 'mo', quarter: 'q', year: 'y' })[unit] ?? unit;
  return Number(count || 1) * (SECONDS[/** @type {keyof typeof SECONDS} */ (short)] ?? 0) * 1000;
}

/**
 * The bounds of a period as seen at a moment, on the clocks of a zone.
 * @param {Period} period
 * @param {number} now milliseconds
 * @param {string} tz
 * @returns {Bounds}
 */
export function resolve({ period, from, to }, now, tz) {
  if (!period) return { from: from ? boundOf(from, now, tz, false) : null, to: to ? boundOf(to, now, tz, true) : null };
  const back = /^last_(\d+\D+)$/.exec(period)?.[1];
  if (period === 'all') return { from: null, to: null };
  if (back) return { from: now - lengthOf(back), to: now };
  const span = calendarSpan(period, now, tz);
  return { from: instantIn(span.from, tz), to: instantIn(span.to, tz) };
}

/**
 * @param {string} text
 * @param {number} now
 * @param {string} tz
 * @param {boolean} end whether a day is meant as included
 */
function boundOf(text, now, tz, end) {
  if (text.startsWith('now')) return now - (text.length > 3 ? lengthOf(text.slice(4)) : 0);
  const day = dayOf(text);
  if (text.length === 10) return instantIn(end ? plusDays(day, 1) : day, tz);
  if (/(Z|[+-]\d{2}:\d{2})$/.test(text)) return Date.parse(text.replace(' ', 'T'));
  const [hour = 0, minute = 0, second = 0] = text.slice(11).split(':').map(Number);
  return instantIn({ ...day, hour, minute, second: Math.floor(second) }, tz) + Math.round((second % 1) * 1000);
}

/** @typedef {import('./zone.js').Local} Local */
/** @typedef {{unit: 'minute' | 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year', from: Local, to: Local}} Span local times; `to` is not included */

/**
 * The step of the calendar that a word names.
 * @param {string} word
 * @param {number} now
 * @param {string} tz
 * @returns {Span}
 */
function calendarSpan(word, now, tz) {
  const today = partsIn(now, tz);
  if (word === 'today') return spanOf('day', today);
  if (word === 'yesterday') return spanOf('day', plusDays(today, -1));
  const [, which, unit] = /^(this|last)_(\D+)$/.exec(word) ?? [];
  if (unit) {
    const of = /** @type {Span['unit']} */ (unit);
    const span = spanOf(of, today);
    return which === 'this' ? span : neighbour(span, -1);
  }
  const [, year = '', rest = ''] = /^(\d{4})-?(.*)$/.exec(word) ?? [];
  if (rest === '') return spanOf('year', { year: Number(year), month: 1, day: 1 });
  if (rest.startsWith('Q')) return spanOf('quarter', { year: Number(year), month: Number(rest.slice(1)) * 3 - 2, day: 1 });
  if (rest.startsWith('W')) return spanOf('week', mondayOf(Number(year), Number(rest.slice(1))));
  if (rest.length === 2) return spanOf('month', { year: Number(year), month: Number(rest), day: 1 });
  return spanOf('day', dayOf(word));
}

/**
 * The step of the calendar that holds a day or time.
 * @param {Span['unit']} unit
 * @param {Day & {hour?: number, minute?: number}} at
 * @returns {Span}
 */
function spanOf(unit, at) {
  const { year, month, day, hour = 0, minute = 0 } = at;
  const local = (/** @type {Day} */ date, h = 0, m = 0) => ({ ...date, hour: h, minute: m, second: 0 });
  const months = (/** @type {number} */ first, /** @type {number} */ count) => ({ unit, from: local({ year, month: first, day: 1 }), to: local(firstOfMonth(year, first + count)) });
  if (unit === 'year') return months(1, 12);
  if (unit === 'quarter') return months(month - ((month - 1) % 3), 3);
  if (unit === 'month') return months(month, 1);
  if (unit === 'hour') return { unit, from: local({ year, month, day }, hour), to: local({ year, month, day }, hour + 1) };
  if (unit === 'minute') return { unit, from: local({ year, month, day }, hour, minute), to: local({ year, month, day }, hour, minute + 1) };
  const first = unit === 'week' ? plusDays(at, 1 - weekday(at)) : { year, month, day };
  return { unit, from: local(first), to: local(plusDays(first, unit === 'week' ? 7 : 1)) };
}

/** @param {number} year @param {number} month may be 13 or more */
const firstOfMonth = (year, month) => ({ year: year + Math.floor((month - 1) / 12), month: ((((month - 1) % 12) + 12) % 12) + 1, day: 1 });

/**
 * The step before or behind.
 * @param {Span} span
 * @param {1 | -1} direction
 */
function neighbour(span, direction) {
  if (span.unit === 'hour' || span.unit === 'minute') {
    const minutes = (span.unit === 'hour' ? 60 : 1) * direction;
    const { year, month, day, hour, minute } = span.from;
    const at = new Date(Date.UTC(year, month - 1, day, hour, minute + minutes));
    return spanOf(span.unit, { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate(), hour: at.getUTCHours(), minute: at.getUTCMinutes() });
  }
  return spanOf(span.unit, direction > 0 ? span.to : plusDays(span.from, -1));
}

/**
 * The name of a step of the calendar, from a day up.
 * @param {Span} span
 * @returns {string | null}
 */
function nameOf({ unit, from }) {
  const year = String(from.year).padStart(4, '0');
  if (unit === 'year') return year;
  if (unit === 'quarter') return `${year}-Q${Math.ceil(from.month / 3)}`;
  if (unit === 'month') return `${year}-${String(from.month).padStart(2, '0')}`;
  if (unit === 'day') return dayText(from);
  if (unit !== 'week') return null;
  const { year: of, week } = weekOf(from);
  return `${of}-W${String(week).padStart(2, '0')}`;
}

/**
 * A window of instants.
 * @param {number} from
 * @param {number} to
 * @returns {Period}
 */
export const between = (from, to) => ({ from: iso(from), to: iso(to) });

/** @param {number} at */
const iso = (at) => new Date(at).toISOString().replace(/\.000Z$/, 'Z');

/**
 * The same length before or behind: steps of the calendar stay such; what moves with the clock becomes fixed.
 * @param {Period} period
 * @param {1 | -1} direction
 * @param {number} now
 * @param {string} tz
 * @returns {Period | null} null where there is nothing beside it
 */
export function shifted(period, direction, now, tz) {
  const { from, to } = resolve(period, now, tz);
  if (from == null && to == null) return null;
  if (period.period && !/^last_\d/.test(period.period)) {
    const name = nameOf(neighbour(calendarSpan(period.period, now, tz), direction));
    if (name) return { period: name };
  }
  const days = wholeDays(period);
  if (days) {
    const length = Math.round((Date.parse(`${days.to}T00:00Z`) - Date.parse(`${days.from}T00:00Z`)) / 86_400_000) + 1;
    return { from: dayText(plusDays(dayOf(days.from), length * direction)), to: dayText(plusDays(dayOf(days.to), length * direction)) };
  }
  const [start, end] = [from ?? (to ?? now) - 86_400_000, to ?? now];
  const by = (end - start) * direction;
  return between(start + by, end + by);
}

/** @param {Period} period */
function wholeDays({ from, to }) {
  return from?.length === 10 && to?.length === 10 && !from.startsWith('now') && !to.startsWith('now') ? { from, to } : null;
}

/**
 * About twice as much around it. What moves with the clock goes on moving.
 * @param {Period} period
 * @param {number} now
 * @param {string} tz
 * @returns {Period | null} null for everything
 */
export function widened(period, now, tz) {
  const { from, to } = resolve(period, now, tz);
  if (from == null && to == null) return null;
  const back = /^last_(\d+\D+)$/.exec(period.period ?? '')?.[1];
  if (back) {
    const wider = LADDER.find((word) => word === 'all' || lengthOf(word.slice(5)) >= 1.5 * lengthOf(back));
    return { period: wider ?? 'all' };
  }
  if (from == null || to == null) return { period: 'all' };
  const half = Math.max(to - from, 1000) / 2;
  // Nothing lies in the future: what would be there is put in front.
  const end = Math.max(to, Math.min(to + half, now));
  return between(Math.round(end - 4 * half), Math.round(end));
}
