/** The list of sessions, those that started last first: who, how long, what was looked at, what lay in the basket. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { personHref } from '../event.js';
import { listHref } from '../event/filter.js';
import { duration, number, time } from '../format.js';
import { t } from '../i18n.js';
import { empty, loader } from '../parts/states.js';
import { change, link } from '../url.js';
import { visible } from '../visible.js';

/** @typedef {Record<string, any>} Session */
/** @typedef {{run: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>}} Loading */

const FILTERS = ['source', 'tenant_id', 'active', 'visitor_id', 'actor_email', 'unit_id', 'period', 'from', 'to'];

/** The page of a session. @param {Session} session */
export function sessionHref(session) {
  return link(`/sessions/${encodeURIComponent(session.session_id)}`, { source: session.source, tenant_id: session.tenant_id });
}

/** How long a session lasted, in nanoseconds. @param {Session} session */
export function lasted(session) {
  return (Date.parse(session.ended_at) - Date.parse(session.started_at)) * 1e6;
}

/** Who it was, with the page of the visitor. @param {Session} session */
export function whose(session) {
  const id = session.visitor_id ?? session.actor_email ?? session.actor_id;
  if (!id) return el('span', { class: 'muted' }, t('session.nobody'));
  return el('a', { class: 'break', href: personHref(String(id), session.visitor_id != null, session) }, el('bdi', null, visible(String(session.actor_email ?? session.visitor_id ?? session.actor_id))));
}

/** Whether it goes on. @param {Session} session */
export function activeBadge(session) {
  return session.active ? el('span', { class: 'badge good' }, icon('live'), t('session.active')) : null;
}

/**
 * @param {HTMLElement} region
 * @param {Loading} loading
 * @param {URLSearchParams} params
 */
export function sessionList(region, loading, params) {
  const asked = Object.fromEntries(FILTERS.map((name) => [name, params.getAll(name)]));
  const body = el('tbody');
  const more = el('button', null, t('session.more'));
  const moreRegion = el('div', { class: 'row center' });
  const paging = loader(moreRegion);
  const only = el('button', { 'aria-pressed': String(params.get('active') === 'true'), 'data-test': 'only-active', on: { click: () => change({ active: params.get('active') === 'true' ? null : 'true' }) } }, icon('live'), t('session.only_active'));
  const chips = ['visitor_id', 'actor_email', 'source', 'unit_id'].filter((name) => params.has(name)).map((name) => el('span', { class: 'chip' }, el('button', { 'aria-label': t('session.remove_filter', { field: t(`field.${name}`) }), on: { click: () => change({ [name]: null }) } }, `${t(`field.${name}`)}: ${visible(params.getAll(name).join(', '))}`, icon('close'))));
  const add = (/** @type {{sessions: Session[], next: string | null}} */ page) => {
    body.append(...page.sessions.map(row));
    fill(moreRegion, page.next && more);
    more.onclick = () => void paging.run(async (signal) => add(await api.get('/sessions', { ...asked, limit: 100, cursor: page.next }, signal)));
  };
  void loading.run(async (signal) => {
    const page = await api.get('/sessions', { ...asked, limit: 100 }, signal);
    fill(region, el('div', { class: 'row wrap' }, only, chips));
    if (page.sessions.length === 0) {
      const narrowed = FILTERS.some((name) => params.has(name));
      region.append(empty(t(narrowed ? 'session.none_here' : 'session.none'), narrowed ? null : t('session.none_why'), narrowed ? el('button', { on: { click: () => change(Object.fromEntries(FILTERS.map((name) => [name, null]))) } }, t('session.all')) : el('a', { class: 'button', href: listHref({}) }, t('event.missing.all'))));
      return;
    }
    add(page);
    region.append(el('div', { class: 'scroll panel' }, el('table', { class: 'plain', 'data-test': 'sessions' }, el('thead', null, heads()), body)), moreRegion);
  });
}

function heads() {
  const numbers = ['lasted', 'events', 'pages', 'products', 'basket', 'failures'];
  return el('tr', null, ['started', 'lasted', 'who', 'where', 'events', 'pages', 'products', 'basket', 'failures'].map((name) => el('th', { scope: 'col', class: numbers.includes(name) ? 'number' : '' }, t(`session.col.${name}`))));
}

/** @param {Session} session */
function row(session) {
  const failures = Number(session.failures ?? 0);
  return el(
    'tr',
    null,
    el('td', null, el('a', { class: 'nowrap', href: sessionHref(session), 'data-test': 'session' }, time(session.started_at, { fraction: false })), ' ', activeBadge(session)),
    el('td', { class: 'number' }, duration(lasted(session))),
    el('td', null, whose(session)),
    el('td', { class: 'muted' }, visible([session.unit_name ?? session.unit_id, session.source].filter(Boolean).join(' · '))),
    el('td', { class: 'number' }, number(session.events)),
    el('td', { class: 'number' }, number(session.page_views)),
    el('td', { class: 'number' }, number(session.products_viewed)),
    el('td', { class: 'number' }, session.cart_value && session.cart_value !== '0' ? visible(String(session.cart_value)) : ''),
    el('td', { class: 'number' }, failures > 0 && el('span', { class: 'badge bad' }, icon('close'), number(failures))),
  );
}
