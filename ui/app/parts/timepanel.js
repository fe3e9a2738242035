/** The panel of the time picker: what people ask most, a calendar, and a line in which anything can be typed or pasted. */

import { el, fill, icon } from '../dom.js';
import { offset } from '../format.js';
import { t } from '../i18n.js';
import { dayText, resolve } from '../period.js';
import { readPeriod } from '../period-text.js';
import { partsIn } from '../zone.js';
import { calendar } from './calendar.js';
import { boundsLabel } from './period-label.js';

/** @typedef {import('../period.js').Period} Period */

const MOVING = ['last_5m', 'last_15m', 'last_30m', 'last_1h', 'last_3h', 'last_12h', 'last_24h', 'last_2d', 'last_7d', 'last_30d', 'last_90d'];
const CALENDAR = ['today', 'yesterday', 'this_week', 'last_week', 'this_month', 'last_month', 'this_year', 'all'];

/**
 * @param {Period} value
 * @param {number} now
 * @param {string} tz
 * @param {(period: Period) => void} apply
 */
export function panel(value, now, tz, apply) {
  const told = el('p', { class: 'time-told', role: 'status' });
  const input = el('input', { type: 'text', 'data-test': 'time-text', value: written(value), spellcheck: 'false', autocomplete: 'off', autofocus: true, placeholder: '-15m   2026-11-01..   14:05..15:20', 'aria-label': t('time.typed') });
  const words = new Map([...MOVING, ...CALENDAR].map((word) => [t(`time.${word}`).toLowerCase(), word]));
  const read = () => readPeriod(input.value, now, tz, words);
  const tell = () => {
    const found = read();
    const wrong = 'problem' in found;
    input.setAttribute('aria-invalid', String(wrong));
    told.classList.toggle('field-error', wrong);
    if (wrong) fill(told, icon('warning'), ` ${t(found.problem, found.args)}`);
    else fill(told, `${boundsLabel(resolve(found.period, now, tz), { short: Boolean(found.period.period?.startsWith('last_')) })} `, el('span', { class: 'muted' }, `${tz} ${offset(resolve(found.period, now, tz).from ?? now, tz)}`));
    return found;
  };
  const days = calendar({
    picked: daysOf(value, now, tz),
    today: dayText(partsIn(now, tz)),
    onPick: ({ from, to }) => take(from === to ? from ?? '' : `${from}..${to}`),
    onMonth: take,
  });
  /** @param {string} text */
  function take(text) {
    input.value = text;
    tell();
  }
  input.addEventListener('input', () => {
    const found = tell();
    if (!('problem' in found)) days.set(daysOf(found.period, now, tz));
  });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const found = tell();
    if ('problem' in found) input.focus();
    else apply(found.period);
  };
  tell();
  queueMicrotask(() => input.select());
  return el(
    'form',
    { class: 'stack', on: { submit } },
    el('div', { class: 'row' }, el('div', { class: 'grow time-input' }, input), el('button', { class: 'primary', 'data-test': 'time-apply' }, t('time.apply'))),
    told,
    el('div', { class: 'time-columns' }, presets(MOVING, value, apply, t('time.moving')), presets(CALENDAR, value, apply, t('time.by_calendar')), days.element),
    el('p', { class: 'muted small' }, t('time.hint')),
  );
}

/**
 * @param {string[]} words
 * @param {Period} value
 * @param {(period: Period) => void} apply
 * @param {string} label
 */
function presets(words, value, apply, label) {
  const one = (/** @type {string} */ word) => el('button', { type: 'button', class: 'quiet', data: { period: word }, 'aria-pressed': String(word === value.period), on: { click: () => apply({ period: word }) } }, t(`time.${word}`));
  return el('div', { class: 'time-presets', role: 'group', 'aria-label': label }, words.map(one));
}

/**
 * A period as it would be typed.
 * @param {Period} period
 */
function written({ period, from, to }) {
  if (!period) return `${from ?? ''}..${to ?? ''}`;
  const back = /^last_(\d.*)$/.exec(period)?.[1];
  if (back) return `-${back}`;
  return CALENDAR.includes(period) ? t(`time.${period}`) : period;
}

/**
 * The days of a period, for the calendar.
 * @param {Period} period
 * @param {number} now
 * @param {string} tz
 */
function daysOf(period, now, tz) {
  const { from, to } = resolve(period, now, tz);
  const day = (/** @type {number} */ at) => dayText(partsIn(at, tz));
  return { from: from == null ? null : day(from), to: to == null ? null : day(to - 1) };
}
