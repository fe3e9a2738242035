/**
 * A month of days, of which one or a range is picked: by clicks, or by arrows (days and weeks), PageUp and PageDown (months), Home
 * and End (the week), Enter. A second day makes a range. Weeks begin on Monday.
 */

import { el, fill, icon } from '../dom.js';
import { language, t } from '../i18n.js';
import { dayOf, dayText } from '../period.js';
import { plusDays, weekday } from '../zone.js';
import { monthName } from './period-label.js';

/** @typedef {import('../period.js').Day} Day */
/** @typedef {{from: string | null, to: string | null}} Picked days, both included */

/**
 * @param {{picked: Picked, today: string, onPick: (picked: Picked) => void, onMonth: (month: string) => void}} of
 * @returns {{element: HTMLElement, set: (picked: Picked) => void}}
 */
export function calendar({ picked, today, onPick, onMonth }) {
  const state = { picked, at: picked.to ?? picked.from ?? today, open: false };
  const body = el('tbody');
  const title = el('button', { type: 'button', class: 'quiet grow', 'data-test': 'time-month', on: { click: () => onMonth(state.at.slice(0, 7)) } });
  const turn = (/** @type {number} */ months, /** @type {boolean} */ focus) => {
    state.at = monthsLater(state.at, months);
    draw(focus);
  };
  const turner = (/** @type {'left' | 'right'} */ to) =>
    el('button', { type: 'button', class: 'quiet square', 'aria-label': t(to === 'left' ? 'time.month_before' : 'time.month_after'), on: { click: () => turn(to === 'left' ? -1 : 1, false) } }, icon(to));
  const table = el('table', { class: 'calendar', role: 'grid', 'aria-label': t('time.calendar') }, el('thead', null, el('tr', null, weekdays().map(({ short, long }) => el('th', { scope: 'col', abbr: long }, short)))), body);
  table.addEventListener('keydown', (event) => {
    const to = keyTo(event.key, state.at);
    if (!to) return;
    event.preventDefault();
    state.at = to;
    draw(true);
  });
  const pick = (/** @type {string} */ day) => {
    const { from } = state.picked;
    state.picked = state.open && from ? { from: from < day ? from : day, to: from < day ? day : from } : { from: day, to: day };
    state.open = !state.open;
    state.at = day;
    draw(true);
    onPick(state.picked);
  };
  /** @param {boolean} focus */
  function draw(focus) {
    fill(title, monthName(state.at));
    title.title = t('time.whole_month');
    fill(body, ...weeksOf(state.at).map((week) => el('tr', null, week.map((day) => cell(day, state, today, pick)))));
    const chosen = body.querySelector('button[tabindex="0"]');
    if (focus && chosen instanceof HTMLElement) chosen.focus();
  }
  draw(false);
  return {
    element: el('div', { class: 'stack tight' }, el('div', { class: 'row' }, turner('left'), title, turner('right')), table, el('p', { class: 'muted small' }, t('time.calendar_hint'))),
    set(now) {
      state.picked = now;
      state.at = now.to ?? now.from ?? today;
      state.open = false;
      draw(false);
    },
  };
}

/**
 * @param {string} day
 * @param {{picked: Picked, at: string}} state
 * @param {string} today
 * @param {(day: string) => void} pick
 */
function cell(day, { picked, at }, today, pick) {
  const from = picked.from ?? picked.to;
  const to = picked.to ?? picked.from;
  const inside = from !== null && to !== null && day >= from && day <= to;
  const button = el(
    'button',
    {
      type: 'button',
      class: [day.slice(0, 7) !== at.slice(0, 7) && 'other', day === today && 'today', inside && 'inside', (day === from || day === to) && 'end'],
      tabIndex: day === at ? 0 : -1,
      'aria-label': dayName(day),
      'aria-current': day === today ? 'date' : undefined,
      data: { day },
      on: { click: () => pick(day) },
    },
    String(Number(day.slice(8))),
  );
  return el('td', { role: 'gridcell', 'aria-selected': String(inside) }, button);
}

/**
 * Where a key leads.
 * @param {string} key
 * @param {string} at
 */
function keyTo(key, at) {
  const day = dayOf(at);
  const days = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7, Home: 1 - weekday(day), End: 7 - weekday(day) }[key];
  if (days !== undefined) return dayText(plusDays(day, days));
  if (key === 'PageUp' || key === 'PageDown') return monthsLater(at, key === 'PageUp' ? -1 : 1);
  return null;
}

/**
 * The same day some months later, or the last one of a shorter month.
 * @param {string} at
 * @param {number} months
 */
function monthsLater(at, months) {
  const { year, month, day } = dayOf(at);
  const first = new Date(Date.UTC(year, month - 1 + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return dayText({ year: first.getUTCFullYear(), month: first.getUTCMonth() + 1, day: Math.min(day, last) });
}

/**
 * The weeks of a month, with the days around it.
 * @param {string} at
 * @returns {string[][]}
 */
function weeksOf(at) {
  const first = { ...dayOf(at), day: 1 };
  const monday = plusDays(first, 1 - weekday(first));
  return Array.from({ length: 6 }, (_, week) => Array.from({ length: 7 }, (_day, of) => dayText(plusDays(monday, week * 7 + of))));
}

/** @param {string} day */
const dateOf = (day) => new Date(`${day}T12:00:00Z`);

/** @param {Intl.DateTimeFormatOptions} options */
const format = (options) => new Intl.DateTimeFormat(language() === 'en' ? 'en-GB' : language(), { ...options, timeZone: 'UTC' });

/** @param {string} day */
const dayName = (day) => format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }).format(dateOf(day));

function weekdays() {
  const [short, long] = [format({ weekday: 'short' }), format({ weekday: 'long' })];
  return Array.from({ length: 7 }, (_, at) => dateOf(`2026-11-0${at + 2}`)).map((day) => ({ short: short.format(day).slice(0, 3), long: long.format(day) }));
}
