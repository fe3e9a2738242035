/** What stands in the place of an event that is not there, or that is one of several. */

import * as api from '../api.js';
import { el } from '../dom.js';
import { placeParams } from '../event.js';
import { time } from '../format.js';
import { t } from '../i18n.js';
import { empty } from '../parts/states.js';
import { change } from '../url.js';
import { visible } from '../visible.js';
import { listHref } from './filter.js';

/**
 * There is no such event: it never was, or its time is over. Says since when the journal has events.
 * @param {import('../event.js').Event | null} row what the list still knows of it
 * @param {AbortSignal} signal
 */
export async function missing(row, signal) {
  const { events } = await api.get('/events', { period: 'all', sort: 'event_time', limit: 1, fields: 'event_time', total: 'none' }, signal);
  const first = events[0]?.event_time;
  const since = first ? t('event.missing.since', { time: time(first, { fraction: false }) }) : t('event.missing.nothing');
  return empty(t(row ? 'event.missing.gone' : 'event.missing.title'), `${t('event.missing.why')} ${since}`, el('a', { class: 'button', href: listHref({}) }, t('event.missing.all')));
}

/**
 * Several logs have the id: which one is meant?
 * @param {{source: string, dataset: string, tenant_id: string, event_time?: string}[]} all
 */
export function candidates(all) {
  return el(
    'div',
    { class: 'stack event-which' },
    el('p', null, t('event.ambiguous', { n: all.length })),
    el('ul', { class: 'plain-list' }, all.map((one) => el('li', null, el('button', { class: 'quiet', 'data-test': 'candidate', on: { click: () => change(placeParams(one), { replace: true }) } }, el('strong', null, visible(`${one.source} · ${one.dataset}`)), el('span', { class: 'muted' }, visible(` ${one.tenant_id} ${one.event_time ? time(one.event_time) : ''}`)))))),
  );
}
