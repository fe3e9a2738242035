/** What periods are called, and their bounds in words, in the reader's language and zone. */

import { clock, day, dayMonth, instant, time } from '../format.js';
import { has, language, t } from '../i18n.js';

/** @typedef {import('../period.js').Period} Period */
/** @typedef {import('../period.js').Bounds} Bounds */

/**
 * What a period is called: `Last 24 hours`, `November 2026`; of two bounds, these.
 * @param {Period} period
 * @param {Bounds} bounds
 * @returns {string}
 */
export function periodLabel({ period }, bounds) {
  if (!period) return boundsLabel(bounds);
  if (has(`time.${period}`)) return t(`time.${period}`);
  const [, count, unit] = /^last_(\d+)(\D+)$/.exec(period) ?? [];
  if (unit && has(`time.last_${unit}`)) return t(`time.last_${unit}`, { n: Number(count) });
  if (/^\d{4}-\d{2}$/.test(period)) return monthName(period);
  const [, year, part, of] = /^(\d{4})-([QW])(\d+)$/.exec(period) ?? [];
  if (part) return t(part === 'Q' ? 'time.quarter_of' : 'time.week_of', { number: String(Number(of)), year });
  if (/^\d{4}-\d{2}-\d{2}$/.test(period) && bounds.from != null) return day(bounds.from);
  return period.replaceAll('_', ' ');
}

/**
 * Bounds in words: whole days as days, one day once, seconds only where there are some.
 * @param {Bounds} bounds
 * @param {{short?: boolean}} [how] `short`: minutes, and the year only where it is not this one
 * @returns {string}
 */
export function boundsLabel({ from, to }, { short = false } = {}) {
  if (from == null && to == null) return t('time.all');
  if (from == null) return t('time.until', { to: moment(/** @type {number} */ (to)) });
  if (to == null) return t('time.since', { from: moment(from) });
  const date = (/** @type {number} */ at) => (short && yearOf(at) === yearOf(Date.now()) ? dayMonth(at) : day(at));
  if (isMidnight(from) && isMidnight(to)) {
    const last = to - 1;
    return day(from) === day(last) ? date(from) : `${date(from)} – ${date(last)}`;
  }
  if (short) return day(from) === day(to) ? `${date(from)}, ${clock(from)} – ${clock(to)}` : `${date(from)}, ${clock(from)} – ${date(to)}, ${clock(to)}`;
  if (day(from) === day(to)) return `${moment(from)} – ${hours(to)}`;
  return `${moment(from)} – ${moment(to)}`;
}

/** @param {number} at */
const isMidnight = (at) => at % 1000 === 0 && time(at).endsWith('00:00:00');

/** @param {number} at */
const yearOf = (at) => time(at).slice(0, 4);

/** @param {number} at */
const hours = (at) => (at % 60_000 === 0 ? clock(at) : time(new Date(at).toISOString()).slice(11));

/** @param {string | number} at */
const moment = (at) => `${day(at)}, ${hours(instant(at))}`;

/**
 * Month and year in full: `November 2026`.
 * @param {string} text a month or a day
 */
export const monthName = (text) => new Intl.DateTimeFormat(language() === 'en' ? 'en-GB' : language(), { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${text.slice(0, 7)}-01T12:00:00Z`));
