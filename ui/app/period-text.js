/**
 * Periods as people type or paste them: `-15m`, `2026-11-01..`, `1.11.2026 - 5.11.2026`, `14:05..15:20`, ISO times, seconds
 * since 1970. Pure.
 */

import { between, dayText, isBound, isPeriod, resolve } from './period.js';
import { partsIn } from './zone.js';

/** @typedef {import('./period.js').Period} Period */
/** @typedef {{period: Period} | {problem: string, args: Record<string, string>}} Read `problem`: key of the text that tells it */

/** Around a moment that was pasted alone, in milliseconds. */
const AROUND = 5 * 60_000;
const BACK = /^(?:last[ _]?|-)?\s*([1-9]\d{0,4})\s*([a-zа-яё.]+)$/;

/** Units as they are written in the page's languages. */
const UNITS = [
  ['s', /^(s|sec|secs|seconds?|sek|sekund\S*|с|сек\S*)\.?$/],
  ['m', /^(m|min|mins|minutes?|minut\S*|м|мин\S*)\.?$/],
  ['h', /^(h|hrs?|hours?|godz\S*|g|ч|час\S*)\.?$/],
  ['d', /^(d|days?|dni|dzień|dnia|д|дн\S*|день)\.?$/],
  ['w', /^(w|weeks?|tyg\S*|нед\S*)\.?$/],
  ['mo', /^(mo|months?|mies\S*|мес\S*)\.?$/],
  ['y', /^(y|years?|r|rok\S*|lat\S*|г|год\S*|лет)\.?$/],
];

/** @param {string} word */
function unitOf(word) {
  const found = UNITS.find(([, form]) => /** @type {RegExp} */ (form).test(word));
  return /** @type {string | undefined} */ (found?.[0]);
}

/**
 * @param {string} written
 * @param {number} now
 * @param {string} tz
 * @param {Map<string, string>} [words] titles of periods in the reader's language, in small letters
 * @returns {Read}
 */
export function readPeriod(written, now, tz, words = new Map()) {
  const text = written.trim().replace(/\s+/g, ' ');
  const small = text.toLowerCase();
  if (text === '') return { problem: 'time.nothing', args: {} };
  const word = words.get(small) ?? small.replaceAll(' ', '_');
  if (isPeriod(word)) return { period: { period: word } };
  if (isPeriod(text.toUpperCase())) return { period: { period: text.toUpperCase() } };
  const back = BACK.exec(small);
  if (back) {
    const unit = unitOf(back[2] ?? '');
    return unit ? checked({ period: `last_${back[1]}${unit}` }, now, tz) : { problem: 'time.no_unit', args: { unit: back[2] ?? '' } };
  }
  const sides = sidesOf(text);
  if (!sides) return alone(text, now, tz);
  return pair(sides, now, tz);
}

/**
 * The two sides of a range, or null where it is none.
 * @param {string} text
 * @returns {[string, string] | null}
 */
function sidesOf(text) {
  const found = /^(.*?)(?:\.\.\.?|…|\s[-–—/]\s|\s?[–—]\s?|\s(?:to|do|до|по)\s|\s?→\s?|(?<=[\dZ])\/(?=\d{4}-))(.*)$/i.exec(text);
  return found ? [(found[1] ?? '').trim(), (found[2] ?? '').trim()] : null;
}

/**
 * @param {[string, string]} sides
 * @param {number} now
 * @param {string} tz
 * @returns {Read}
 */
function pair([left, right], now, tz) {
  if (left === '' && right === '') return { problem: 'time.nothing', args: {} };
  const from = left === '' ? undefined : bound(left, now, tz);
  const to = right === '' ? undefined : bound(right, now, tz, from ?? undefined);
  if (left !== '' && !from) return { problem: 'time.no_time', args: { text: left } };
  if (right !== '' && !to) return { problem: 'time.no_time', args: { text: right } };
  return checked({ ...(from && { from }), ...(to && { to }) }, now, tz);
}

/**
 * @param {Period} period
 * @param {number} now
 * @param {string} tz
 * @returns {Read}
 */
function checked(period, now, tz) {
  const { from, to } = resolve(period, now, tz);
  if (from != null && to != null && from >= to) return { problem: 'time.backwards', args: {} };
  if (from != null && from < Date.parse('0001-01-02T00:00:00Z')) return { problem: 'time.too_far', args: {} };
  return { period };
}

/**
 * One time without a range: a day is that day, a moment is what happened around it.
 * @param {string} text
 * @param {number} now
 * @param {string} tz
 * @returns {Read}
 */
function alone(text, now, tz) {
  const found = bound(text, now, tz);
  if (!found || found.startsWith('now')) return { problem: 'time.no_time', args: { text } };
  if (found.length === 10) return { period: { period: found } };
  const at = resolve({ from: found }, now, tz).from ?? now;
  return { period: between(at - AROUND, at + AROUND) };
}

/**
 * One end of a range in the API's words.
 * @param {string} text
 * @param {number} now
 * @param {string} tz
 * @param {string} [other] the other end: a time without a day is of its day
 * @returns {string | null}
 */
function bound(text, now, tz, other) {
  const small = text.toLowerCase();
  if (/^(now|teraz|сейчас)$/.test(small)) return 'now';
  const back = BACK.exec(small.replace(/^(now|teraz|сейчас)\s?/, ''));
  const unit = unitOf(back?.[2] ?? '');
  if (back && unit) return `now-${back[1]}${unit}`;
  if (/^\d{10}(\d{3}|\d{6}|\d{9})?$/.test(text)) return fromEpoch(text);
  const clock = /^(\d{1,2}):(\d{2})(:\d{2}(?:\.\d+)?)?$/.exec(text);
  if (clock) {
    const day = other && /^\d{4}/.test(other) ? other.slice(0, 10) : dayText(partsIn(now, tz));
    return valid(`${day}T${(clock[1] ?? '').padStart(2, '0')}:${clock[2]}${clock[3] ?? ''}`);
  }
  return valid(normal(text));
}

/** @param {string} text */
const valid = (text) => (isBound(text) ? text : null);

/**
 * Seconds, milliseconds, microseconds or nanoseconds since 1970, every digit kept.
 * @param {string} digits
 */
function fromEpoch(digits) {
  const second = new Date(Number(digits.slice(0, 10)) * 1000).toISOString().slice(0, 19);
  const rest = digits.slice(10).replace(/0+$/, '');
  return `${second}${rest && `.${rest}`}Z`;
}

/**
 * Days as they are written here (`1.11.2026`, `2026/11/1`), a comma or space before the time, offsets without a colon.
 * @param {string} text
 */
function normal(text) {
  const two = (/** @type {string | undefined} */ part) => (part ?? '').padStart(2, '0');
  return text
    .replace(/^(\d{1,2})\.(\d{1,2})\.(\d{4})/, (_all, day, month, year) => `${year}-${two(month)}-${two(day)}`)
    .replace(/^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)/, (_all, year, month, day) => `${year}-${two(month)}-${two(day)}`)
    .replace(/^(\d{4}-\d{2}-\d{2}),?[ tT]+(\d{1,2})(:\d{2})/, (_all, day, hour, minutes) => `${day}T${two(hour)}${minutes}`)
    .replace(/,(\d+)/, '.$1')
    .replace(/ ?(?:utc|gmt|z)$/i, 'Z')
    .replace(/ ?([+-]\d{2}):?(\d{2})$/, (all, hours, minutes, at) => (at > 12 ? `${hours}:${minutes}` : all))
    .replace(/(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?([+-]\d{2})$/, '$1$2:00');
}
