/**
 * Choosing a period: steps before and behind, wider, and a panel with what people ask most, a calendar, and a line in which
 * anything can be typed or pasted. It says at once what was understood, in which zone.
 */

import { el, fill, icon } from '../dom.js';
import { offset, zone } from '../format.js';
import { load, t } from '../i18n.js';
import { resolve, shifted, widened } from '../period.js';
import { style } from '../routes.js';
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
  const open = async () => {
    // The panel's code comes when it is opened first.
    const { panel } = await import('./timepanel.js');
    popover(main, (close) => panel(now, present(), tz(), (period) => (close(), choose(period))), { label: t('time.period'), class: 'time-panel' });
  };
  main.addEventListener('click', () => void open());
  const before = step('left', t('time.before'), '[', () => shift(-1), 'time-before');
  const after = step('right', t('time.after'), ']', () => shift(1), 'time-after');
  const wider = step('zoomout', t('time.wider'), '', zoomOut, 'time-wider');
  const show = () => {
    const bounds = resolve(now, present(), tz());
    const unbounded = bounds.from == null && bounds.to == null;
    const text = boundsLabel(bounds);
    fill(label, periodLabel(now, bounds));
    fill(range, now.period && !unbounded && label.textContent !== text ? boundsLabel(bounds, { short: true }) : null);
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
    open: () => void (main.getAttribute('aria-expanded') === 'true' || open()),
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
