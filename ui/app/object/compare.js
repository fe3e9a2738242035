/** What differs between two moments of the object, and which events made the difference. */

import * as api from '../api.js';
import { el, fill } from '../dom.js';
import { eventHref } from '../event.js';
import { openEvent } from '../event/open.js';
import { filterBy } from '../event/filter.js';
import { time } from '../format.js';
import { t } from '../i18n.js';
import { stringify } from '../json.js';
import { copyButton } from '../parts/copy.js';
import { changeList } from '../parts/diff.js';
import { empty, loader, skeleton } from '../parts/states.js';
import { change, here } from '../url.js';
import { momentText, moments, placeOfMoment } from './moments.js';

/** @typedef {import('../event.js').Event} Event */

/**
 * @param {HTMLElement} panel
 * @param {import('../views/object.js').Subject} subject
 * @param {{run: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>}} loading
 * @returns {(params: URLSearchParams) => void} follows the address
 */
export function showCompare(panel, subject, loading) {
  /** @type {((params: URLSearchParams) => void) | null} */
  let follow = null;
  fill(panel, skeleton(6));
  void loading.run(async (signal) => {
    const { events, more } = await moments(subject, signal);
    if (events.length < 2) return fill(panel, empty(t('object.compare.none')));
    follow = chosen(panel, subject, events, more);
    return follow(here().params);
  });
  return (params) => follow?.(params);
}

/**
 * @param {HTMLElement} panel
 * @param {import('../views/object.js').Subject} subject
 * @param {Event[]} events
 * @param {boolean} more whether it has older ones
 */
function chosen(panel, subject, events, more) {
  const result = el('div', { class: 'stack' });
  const loading = loader(result);
  const options = () => events.map((event, at) => el('option', { value: String(at) }, momentText(event).slice(0, 160)));
  const select = (/** @type {string} */ label, /** @type {'from' | 'to'} */ side) => {
    const made = el('select', { 'data-test': `compare-${side}` }, options());
    made.addEventListener('change', () => change({ [side]: events[Number(made.value)]?.event_time ?? null }));
    return { made, row: el('label', { class: 'grow' }, label, made) };
  };
  const [from, to] = [select(t('object.compare.from'), 'from'), select(t('object.compare.to'), 'to')];
  fill(panel, el('div', { class: 'row wrap panel compare-moments' }, from.row, to.row, more && el('p', { class: 'muted small' }, t('object.state.last_only', { n: events.length }))), result);
  let asked = '';
  return (/** @type {URLSearchParams} */ params) => {
    const start = params.has('from') ? placeOfMoment(events, params.get('from')) : 0;
    const end = placeOfMoment(events, params.get('to'));
    from.made.value = String(start);
    to.made.value = String(end);
    if (asked === `${start} ${end}`) return;
    asked = `${start} ${end}`;
    // In whichever order they were chosen.
    const [first, last] = [events[Math.min(start, end)], events[Math.max(start, end)]];
    void loading.run(async (signal) => drawDifference(result, await api.get(`${subject.path}/diff`, { ...subject.place, from: first?.event_time, to: last?.event_time }, signal), events));
  };
}

/**
 * @param {HTMLElement} region
 * @param {any} answer
 * @param {Event[]} events
 */
function drawDifference(region, answer, events) {
  const byId = new Map(events.map((event) => [event.event_id, event]));
  const made = (/** @type {string[]} */ ids) =>
    el('p', { class: 'muted small change-events' }, `${t('object.compare.by')} `, ids.flatMap((id, at) => [at > 0 ? ', ' : '', eventLink(byId.get(id), id)]));
  const incomplete = !answer.from.complete || !answer.to.complete;
  if (answer.changes.length === 0) return fill(region, empty(t('object.compare.same')), incomplete && el('p', { class: 'muted' }, t('object.state.incomplete')));
  return fill(
    region,
    el('div', { class: 'row between' }, el('span', { class: 'muted' }, t('event.changes.count', { n: answer.changes.length }), incomplete && ` · ${t('object.state.incomplete')}`), copyButton(() => stringify(answer.changes), t('event.copy.json'))),
    changeList(answer.changes, { events: made, items: (one) => [{ label: t('event.changes.same_field'), icon: 'filter', run: () => filterBy('changed', one.path) }] }),
  );
}

/**
 * @param {Event | undefined} event
 * @param {string} id
 */
function eventLink(event, id) {
  if (!event) return el('code', null, id);
  const open = (/** @type {MouseEvent} */ click) => {
    if (click.metaKey || click.ctrlKey || click.shiftKey) return;
    click.preventDefault();
    openEvent(event);
  };
  return el('a', { href: eventHref(event), title: momentText(event), on: { click: open } }, time(event.event_time, { fraction: false }));
}
