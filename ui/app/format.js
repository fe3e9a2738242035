/**
 * Numbers, sizes and times as people read them, in the page's language and zone.
 */

import { language } from './i18n.js';
import { here } from './url.js';

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {string} name
 * @param {Intl.DateTimeFormatOptions} options
 * @param {string} [tz]
 */
function dateFormat(name, options, tz = zone()) {
  const key = `${language()} ${tz} ${name}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(language() === 'en' ? 'en-GB' : language(), { ...options, timeZone: tz });
    formats.set(key, found);
  }
  return found;
}

/** The browser's own zone. */
export const BROWSER_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

/** The zone of everything on the page: that of the address, else the last choice, else the browser's. */
export function zone() {
  const asked = here().params.get('tz') ?? localStorage.getItem('kronika.tz');
  return asked && isZone(asked) ? asked : BROWSER_ZONE;
}

/** @param {string} name */
export function isZone(name) {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * A number with its groups; exact digits of a text stay.
 * @param {number | string | bigint | {toString(): string} | null | undefined} value
 * @returns {string}
 */
export function number(value) {
  if (value == null) return '';
  const text = String(value);
  if (typeof value === 'number') return new Intl.NumberFormat(language(), { maximumFractionDigits: 3 }).format(value);
  return /^-?\d{1,18}$/.test(text) ? new Intl.NumberFormat(language()).format(BigInt(text)) : text;
}

/**
 * A number in little room: 1.2K, 3.4M.
 * @param {number} value
 */
export function short(value) {
  return new Intl.NumberFormat(language(), { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/**
 * A share as a percentage.
 * @param {number} part
 * @param {number} whole
 */
export function percent(part, whole) {
  if (!whole) return '';
  const share = part / whole;
  return new Intl.NumberFormat(language(), { style: 'percent', maximumFractionDigits: share < 0.1 ? 1 : 0 }).format(share);
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB'];
/**
 * A size in bytes.
 * @param {number | string | null | undefined} value
 */
export function bytes(value) {
  if (value == null || value === '') return '';
  let size = Number(value);
  let unit = 0;
  while (size >= 1000 && unit < SIZES.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${new Intl.NumberFormat(language(), { maximumFractionDigits: size < 10 && unit > 0 ? 1 : 0 }).format(size)} ${SIZES[unit]}`;
}

/**
 * A time that something took.
 * @param {number | string | null | undefined} ns nanoseconds
 */
export function duration(ns) {
  if (ns == null || ns === '') return '';
  const ms = Number(ns) / 1e6;
  const told = (/** @type {number} */ value, /** @type {string} */ unit) =>
    `${new Intl.NumberFormat(language(), { maximumSignificantDigits: 3 }).format(value)} ${unit}`;
  if (ms < 1) return told(ms * 1000, 'µs');
  if (ms < 1000) return told(ms, 'ms');
  if (ms < 60_000) return told(ms / 1000, 's');
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`;
}

/**
 * The instant of a text of the API, in milliseconds; NaN where it is none.
 * @param {string | number | Date} value
 */
export function instant(value) {
  if (value instanceof Date) return value.getTime();
  return typeof value === 'number' ? value : Date.parse(value);
}

/**
 * The digits behind the second, as the text has them (up to six).
 * @param {string | number | Date} value
 */
function fraction(value) {
  const found = typeof value === 'string' ? /\.(\d+)/.exec(value)?.[1] : undefined;
  return found && /[1-9]/.test(found) ? `.${found.replace(/0+$/, '').padEnd(3, '0')}` : '';
}

/**
 * Day and time to the second, in the page's zone, with the digits behind it where the event has some: `2026-11-23 14:05:09.123`.
 * @param {string | number | Date | null | undefined} value
 * @param {{fraction?: boolean, tz?: string}} [how]
 */
export function time(value, { fraction: precise = true, tz } = {}) {
  if (value == null || value === '') return '';
  const at = instant(value);
  if (Number.isNaN(at)) return String(value);
  const parts = Object.fromEntries(
    dateFormat('full', { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' }, tz)
      .formatToParts(at)
      .map((part) => [part.type, part.value]),
  );
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second}${precise ? fraction(value) : ''}`;
}

/**
 * A day: `23 Nov 2026` in the page's language.
 * @param {string | number | Date} value
 */
export function day(value) {
  return dateFormat('day', { year: 'numeric', month: 'short', day: 'numeric' }).format(instant(value));
}

/**
 * Hours and minutes.
 * @param {string | number | Date} value
 */
export function clock(value) {
  return dateFormat('clock', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(instant(value));
}

/**
 * Day and month, for axes.
 * @param {string | number | Date} value
 */
export function dayMonth(value) {
  return dateFormat('dayMonth', { day: 'numeric', month: 'short' }).format(instant(value));
}

/**
 * Month and year, for axes and tables.
 * @param {string | number | Date} value
 */
export function month(value) {
  return dateFormat('month', { month: 'short', year: 'numeric' }).format(instant(value));
}

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [['second', 60], ['minute', 60], ['hour', 24], ['day', 30], ['month', 12], ['year', Infinity]];
/**
 * How long ago, or in how long: `5 minutes ago`.
 * @param {string | number | Date} value
 * @param {number} [now]
 */
export function ago(value, now = Date.now()) {
  let distance = (instant(value) - now) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(distance) < size) return new Intl.RelativeTimeFormat(language(), { numeric: 'auto' }).format(Math.round(distance), unit);
    distance /= size;
  }
  return '';
}

/**
 * How far the zone is from UTC at a moment: `+02:00`.
 * @param {number} [at]
 * @param {string} [tz]
 */
export function offset(at = Date.now(), tz = zone()) {
  const name = dateFormat('offset', { timeZoneName: 'longOffset' }, tz).formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
  return name === 'GMT' ? '+00:00' : name.replace('GMT', '');
}

/** With a capital letter first. @param {string} text */
export const capital = (text) => text.charAt(0).toLocaleUpperCase() + text.slice(1);
