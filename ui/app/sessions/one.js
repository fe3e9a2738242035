/** One session: who, from when to when, and its path step by step, with pauses, the basket, and what follows from it. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { listHref } from '../event/filter.js';
import { openEvent } from '../event/open.js';
import { eventRow } from '../event/row.js';
import { duration, number, time } from '../format.js';
import { t } from '../i18n.js';
import { copyButton } from '../parts/copy.js';
import { loader } from '../parts/states.js';
import { visible } from '../visible.js';
import { causeLink } from './derived.js';
import { activeBadge, lasted, whose } from './list.js';

/** @typedef {import('../event.js').Event} Event */
/** @typedef {{session: Record<string, any>, events: Event[], more: boolean}} Found */

/** A pause that is worth a line, in milliseconds. */
const PAUSE = 5 * 60_000;

/** @param {Found} found */
export function sessionHead({ session, events }) {
  const said = el('div', { class: 'stack tight' });
  void follows(session, said);
  const facts = [
    ['who', whose(session)],
    ['started', time(session.started_at, { fraction: false })],
    ['ended', session.active ? t('session.going_on') : time(session.ended_at, { fraction: false })],
    ['lasted', duration(lasted(session))],
    ['where', visible([session.unit_name ?? session.unit_id, session.source, session.tenant_id].filter(Boolean).join(' · '))],
    ['address', session.client_address && el('span', { class: 'mono' }, visible(session.client_address))],
    ['products', session.products_viewed && number(session.products_viewed)],
    ['basket', session.cart_value && visible(String(session.cart_value))],
  ];
  const filter = { session_id: String(session.session_id), source: String(session.source) };
  return el(
    'header',
    { class: 'stack' },
    el('div', { class: 'page-head' }, el('h1', null, `${t('session.one')} `, el('bdi', null, visible(session.session_id))), copyButton(session.session_id), activeBadge(session), el('a', { class: 'button quiet', href: listHref(filter) }, icon('journal'), t('event.near.all'))),
    el('dl', { class: 'facts panel' }, facts.filter(([, value]) => value).flatMap(([name, value]) => [el('dt', null, t(`session.col.${name}`)), el('dd', null, value)])),
    said,
    el('h2', null, `${t('session.path')} `, el('span', { class: 'count' }, t('core.events', { n: events.length }))),
  );
}

/**
 * What the rules say of this session: a basket or products that were left.
 * @param {Record<string, any>} session
 * @param {HTMLElement} region
 */
async function follows(session, region) {
  const loading = loader(region);
  const from = session.first_event_at;
  const to = new Date(Date.parse(from) + 1).toISOString();
  await loading.run(async (signal) => {
    const answers = await Promise.all(['abandoned_cart', 'abandoned_browse'].map((rule) => api.get('/sessions/derived', { rule, from, to, source: session.source }, signal)));
    const mine = answers.flatMap((answer) => answer.events).filter((one) => one.session_id === session.session_id && one.tenant_id === session.tenant_id);
    fill(
      region,
      mine.map((one) =>
        el('p', { class: 'notice', 'data-test': 'follows' }, icon('info'), el('span', null, el('strong', null, t(`session.rule.${one.rule}`)), one.value != null && ` ${number(one.value)}`, ` · ${time(one.event_time, { fraction: false })}`, one.because_of_event_id && [` · ${t('session.derived.because')}: `, causeLink(one, one.because_of_event_id)], one.recorded_event_id && [` · ${t('session.derived.recorded')}: `, causeLink(one, one.recorded_event_id)])),
      ),
    );
  });
}

/**
 * The steps. A pause stands between two of them; the basket's value where it changed.
 * @param {Found} found
 */
export function sessionPath({ events, more }) {
  const list = el('ol', { class: 'event-rows session-path', 'data-test': 'session-path' });
  let basket = '';
  events.forEach((event, at) => {
    const before = events[at - 1];
    const pause = before ? Date.parse(event.event_time) - Date.parse(before.event_time) : 0;
    if (pause >= PAUSE) list.append(el('li', { class: 'session-pause muted small' }, t('session.pause', { time: duration(pause * 1e6) })));
    const row = eventRow(event, { onOpen: (one) => openEvent(one) });
    const value = event.attributes?.cart_value;
    if (value != null && String(value) !== basket) {
      basket = String(value);
      row.querySelector('.event-ends')?.prepend(el('span', { class: 'badge note' }, `${t('session.col.basket')} ${visible(basket)}`));
    }
    list.append(row);
  });
  return {
    element: el('div', { class: 'stack' }, list, more && el('p', { class: 'muted' }, t('session.first_only', { n: events.length }))),
    beside: (/** @type {string | null} */ id, /** @type {1 | -1 | 0} */ by) => {
      const at = events.findIndex((event) => event.event_id === id);
      return at < 0 ? undefined : events[at + by];
    },
    mark: (/** @type {string | null} */ id) => {
      for (const row of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll('.event-row'))) {
        if (row.dataset.event === id) row.setAttribute('aria-current', 'true');
        else row.removeAttribute('aria-current');
      }
    },
  };
}
