/**
 * Choosing a period: steps before and behind, wider, and a panel with what people ask most, a calendar, and a line in which
 * anything can be typed or pasted. It says at once what was understood, in which zone.
 */

import { el, fill, icon } from '../dom.js';
import { offset, zone } from '../format.js';
import { load, t } from '../i18n.js';
import { dayText, resolve, shifted, widened } from '../period.js';
import { readPeriod } from '../period-text.js';
import { style } from '../routes.js';
import { partsIn } from '../zone.js';
import { calendar } from './calendar.js';
import { popover } from './menu.js';
import { boundsLabel, periodLabel } from './period-label.js';

await Promise.all([load('time'), style('timepicker')]);

/** @typedef {import('../period.js').Period} Period */
/**
 * @typedef {object} TimePicker
 * @property {HTMLElement} element
 * @property {(value: Period) => void} set shows another period; also where its bounds moved with the clock
 * @property {() => void} open
 * @property {(direction: 1 | -1) => void} shift
 * @property {() => void} zoomOut
 */

const MOVING = ['last_5m', 'last_15m', 'last_30m', 'last_1h', 'last_3h', 'last_12h', 'last_24h', 'last_2d', 'last_7d', 'last_30d', 'last_90d'];
const CALENDAR = ['today', 'yesterday', 'this_week', 'last_week', 'this_month', 'last_month', 'this_year', 'all'];

/** Now, by whole seconds. */
const present = () => Math.floor(Date.now() / 1000) * 1000;

/**
 * @param {{value: Period, onChange: (value: Period) => void, tz?: () => string}} of
 * @returns {TimePicker}
 */
export function timePicker({ value, onChange, tz = zone }) {
  let now = value;
  const label = el('span', { class: 'time-label' });
  const range = el('span', { class: 'time-range muted' });
  const main = el('button', { class: 'time-main', 'data-test': 'time', 'aria-haspopup': 'dialog', 'aria-expanded': 'false' }, icon('clock'), el('span', { class: 'visually-hidden' }, `${t('time.period')}: `), label, range, icon('down'));
  const choose = (/** @type {Period | null} */ period) => {
    if (period) onChange(period);
  };
  const shift = (/** @type {1 | -1} */ direction) => choose(shifted(now, direction, present(), tz()));
  const zoomOut = () => choose(widened(now, present(), tz()));
  const open = () => popover(main, (close) => panel(now, tz(), (period) => (close(), choose(period))), { label: t('time.period'), class: 'time-panel' });
  main.addEventListener('click', open);
  const before = step('left', t('time.before'), '[', () => shift(-1), 'time-before');
  const after = step('right', t('time.after'), ']', () => shift(1), 'time-after');
  const wider = step('minus', t('time.wider'), '', zoomOut, 'time-wider');
  const show = () => {
    const bounds = resolve(now, present(), tz());
    const unbounded = bounds.from == null && bounds.to == null;
    const text = boundsLabel(bounds);
    fill(label, periodLabel(now, bounds));
    fill(range, now.period && !unbounded && label.textContent !== text ? text : null);
    main.title = `${text} · ${tz()} ${offset(bounds.from ?? Date.now(), tz())}`;
    for (const button of [before, after, wider]) button.disabled = unbounded;
  };
  show();
  return {
    element: el('div', { class: 'group time-picker', role: 'group', 'aria-label': t('time.period') }, before, main, after, wider),
    set(period) {
      now = period;
      show();
    },
    open: () => main.getAttribute('aria-expanded') === 'true' || open(),
    shift,
    zoomOut,
  };
}

/**
 * @param {import('../dom.js').IconName} name
 * @param {string} label
 * @param {string} key
 * @param {() => void} run
 * @param {string} test
 */
function step(name, label, key, run, test) {
  return el('button', { class: 'square', 'data-test': test, 'aria-label': label, title: key ? `${label} (${key})` : label, on: { click: run } }, icon(name));
}

/**
 * @param {Period} value
 * @param {string} tz
 * @param {(period: Period) => void} apply
 */
function panel(value, tz, apply) {
  const now = present();
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
    else fill(told, `${boundsLabel(resolve(found.period, now, tz))} `, el('span', { class: 'muted' }, `${tz} ${offset(resolve(found.period, now, tz).from ?? now, tz)}`));
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
