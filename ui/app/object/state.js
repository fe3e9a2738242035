/** What the object was at a moment: a slider over its events, and every field with the event that set it. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { eventHref } from '../event.js';
import { openEvent } from '../event/open.js';
import { time } from '../format.js';
import { t } from '../i18n.js';
import { stringify } from '../json.js';
import { copyButton } from '../parts/copy.js';
import { folded } from '../parts/diff.js';
import { isBranch, jsonView, leaf } from '../parts/jsonview.js';
import { empty, loader, skeleton } from '../parts/states.js';
import { sentence } from '../sentence.js';
import { change, here } from '../url.js';
import { visible } from '../visible.js';
import { momentText, moments, placeOfMoment } from './moments.js';

/** @typedef {import('../event.js').Event} Event */
/** @typedef {import('../views/object.js').Subject} Subject */
/** @typedef {{run: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>}} Loading */

/** Fields that are shown at once. */
const CHUNK = 100;

/**
 * @param {HTMLElement} panel
 * @param {Subject} subject
 * @param {Loading} loading
 * @returns {(params: URLSearchParams) => void} follows the address
 */
export function showState(panel, subject, loading) {
  /** @type {((at: string | null) => void) | null} */
  let go = null;
  fill(panel, skeleton(6));
  void loading.run(async (signal) => {
    const { events, more } = await moments(subject, signal);
    if (events.length === 0) return fill(panel, empty(t('object.state.none')));
    const shown = slider(panel, subject, events, more);
    go = shown;
    return shown(here().params.get('at'));
  });
  return (params) => go?.(params.get('at'));
}

/**
 * @param {HTMLElement} panel
 * @param {Subject} subject
 * @param {Event[]} events
 * @param {boolean} more
 */
function slider(panel, subject, events, more) {
  const result = el('div', { class: 'stack' });
  const loading = loader(result);
  const said = el('p', { class: 'moment-said', role: 'status', 'data-test': 'moment' });
  const range = el('input', { type: 'range', min: 0, max: events.length - 1, step: 1, 'aria-label': t('object.state.moment'), class: 'grow', 'data-test': 'moment-slider' });
  let shown = -1;
  let waiting = 0;
  const show = (/** @type {number} */ at) => {
    const event = events[at];
    if (!event || at === shown) return;
    shown = at;
    range.value = String(at);
    range.setAttribute('aria-valuetext', momentText(event));
    fill(said, el('a', { class: 'mono', href: eventHref(event), on: { click: (/** @type {MouseEvent} */ click) => (click.preventDefault(), openEvent(event)) } }, time(event.event_time)), ' ', sentence(event));
    back.disabled = at === 0;
    forth.disabled = at === events.length - 1;
    void loading.run(async (signal) => drawState(result, await api.get(`${subject.path}/state`, { ...subject.place, at: event.event_time }, signal), event));
  };
  const choose = (/** @type {number} */ at) => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => show(at), 40);
  };
  const keep = () => change({ at: events[Number(range.value)]?.event_time ?? null }, { replace: true });
  range.addEventListener('input', () => choose(Number(range.value)));
  range.addEventListener('change', keep);
  const step = (/** @type {number} */ by) => {
    show(shown + by);
    keep();
  };
  const back = el('button', { class: 'square', 'aria-label': t('event.previous_plain'), 'data-test': 'moment-previous', on: { click: () => step(-1) } }, icon('left'));
  const forth = el('button', { class: 'square', 'aria-label': t('event.next_plain'), 'data-test': 'moment-next', on: { click: () => step(1) } }, icon('right'));
  fill(
    panel,
    el('div', { class: 'panel stack tight moment' }, el('div', { class: 'row' }, back, range, forth), el('div', { class: 'row between muted small' }, el('span', null, time(events[0]?.event_time, { fraction: false })), el('span', null, time(events.at(-1)?.event_time, { fraction: false }))), said, more && el('p', { class: 'muted small' }, t('object.state.last_only', { n: events.length }))),
    result,
  );
  return (/** @type {string | null} */ at) => {
    if (!at || !more || Date.parse(at) >= Date.parse(events[0]?.event_time)) return show(placeOfMoment(events, at));
    // A moment before the events of the slider: told by itself.
    shown = -1;
    fill(said, el('span', { class: 'mono' }, time(at)));
    return void loading.run(async (signal) => drawState(result, await api.get(`${subject.path}/state`, { ...subject.place, at }, signal), {}));
  };
}

/**
 * @param {HTMLElement} region
 * @param {any} answer
 * @param {Event} event
 */
function drawState(region, answer, event) {
  const state = answer.state;
  const fields = answer.fields;
  fill(
    region,
    el('div', { class: 'row wrap' }, el('span', { class: `badge ${answer.status === 'deleted' ? 'bad' : answer.status === 'exists' ? 'good' : ''}` }, t(`object.status.${answer.status}`)), el('span', { class: 'grow' }), copyButton(() => stringify(state), t('event.copy.json'))),
    !answer.complete && el('p', { class: 'notice' }, icon('info'), `${t('object.state.incomplete')}: ${answer.incomplete_because.map(visible).join('; ')}`),
    fields.length === 0 ? empty(t('object.state.unknown')) : fieldTable(fields, state, event),
    fields.length > 0 && folded(t('object.state.json'), () => jsonView(state, { label: t('object.state.json') })),
  );
}

/**
 * What the moment's event set comes first; a wide object shows its other fields on demand.
 * @param {any[]} fields
 * @param {any} state
 * @param {Event} event
 */
function fieldTable(fields, state, event) {
  const isNew = (/** @type {any} */ field) => field.event_id === event.event_id && field.known_from === 'this_event';
  const ordered = [...fields.filter(isNew), ...fields.filter((field) => !isNew(field))];
  const body = el('tbody');
  const grow = (/** @type {number} */ from) => {
    body.append(...ordered.slice(from, from + CHUNK).map((field) => fieldRow(field, state, isNew(field))));
    const rest = ordered.length - from - CHUNK;
    if (rest <= 0) return;
    const more = el('tr', null, el('td', { colspan: 3 }, el('button', { class: 'link', on: { click: () => (more.remove(), grow(from + CHUNK)) } }, t('event.json.more', { n: rest }))));
    body.append(more);
  };
  grow(0);
  const titles = [t('object.state.field'), t('object.state.value'), t('object.state.since')].map((title) => el('th', { scope: 'col' }, title));
  return el('div', { class: 'scroll' }, el('table', { class: 'plain state-table', 'data-test': 'state' }, el('thead', null, el('tr', null, titles)), body));
}

/**
 * @param {any} field
 * @param {any} state
 * @param {boolean} isNew
 */
function fieldRow(field, state, isNew) {
  const value = valueAt(state, field.path);
  const who = field.actor_name ?? field.actor_id;
  return el(
    'tr',
    { class: isNew ? 'now' : '' },
    el('th', { scope: 'row', class: 'mono' }, visible(field.path)),
    el('td', null, isNew && [el('span', { class: 'badge note' }, t('object.state.new')), ' '], value === undefined ? '' : isBranch(value) ? jsonView(value, { label: field.path }) : leaf(value)),
    el('td', { class: 'muted' }, el('a', { class: 'nowrap', href: eventHref(field) }, time(field.event_time, { fraction: false })), field.known_from === 'a_later_event' ? ` ${t('object.state.later')}` : who && ` ${visible(String(who))}`),
  );
}

/**
 * The value at a path of ours: keys may have points of their own, so that the longest key that is there counts.
 * @param {any} state
 * @param {string} path
 * @returns {unknown}
 */
export function valueAt(state, path) {
  if (!isBranch(state)) return undefined;
  const object = /** @type {Record<string, unknown>} */ (state);
  if (Object.hasOwn(object, path)) return object[path];
  for (let end = path.lastIndexOf('.'); end > 0; end = path.lastIndexOf('.', end - 1)) {
    const key = path.slice(0, end);
    if (Object.hasOwn(object, key)) return valueAt(object[key], path.slice(end + 1));
  }
  return undefined;
}
