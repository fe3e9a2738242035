/** The list of sessions, those that started last first: who, how long, what was looked at, what lay in the basket. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { personHref } from '../event.js';
import { listHref } from '../event/filter.js';
import { duration, number, time } from '../format.js';
import { t } from '../i18n.js';
import { table } from '../parts/plain.js';
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
  const list = el('div', { 'data-test': 'sessions' });
  const more = el('div', { class: 'row center' });
  const paging = loader(more);
  /** @type {Session[]} */
  let all = [];
  const add = (/** @type {{sessions: Session[], next: string | null}} */ page) => {
    all = all.concat(page.sessions);
    fill(list, table(t('session.title'), columns(), all));
    const next = () => void paging.run(async (signal) => add(await api.get('/sessions', { ...asked, limit: 100, cursor: page.next }, signal)));
    fill(more, page.next && el('button', { on: { click: next } }, t('session.more')));
  };
  void loading.run(async (signal) => {
    const page = await api.get('/sessions', { ...asked, limit: 100 }, signal);
    fill(region, filters(params), page.sessions.length > 0 ? [el('div', { class: 'panel' }, list), more] : nothing(params));
    if (page.sessions.length > 0) add(page);
  });
}

/** @param {URLSearchParams} params */
function filters(params) {
  const isOn = params.get('active') === 'true';
  const only = el('button', { 'aria-pressed': String(isOn), 'data-test': 'only-active', on: { click: () => change({ active: isOn ? null : 'true' }) } }, icon('live'), t('session.only_active'));
  const chips = ['visitor_id', 'actor_email', 'source', 'unit_id'].filter((name) => params.has(name)).map((name) => el('span', { class: 'chip' }, el('button', { 'aria-label': t('session.remove_filter', { field: t(`field.${name}`) }), on: { click: () => change({ [name]: null }) } }, `${t(`field.${name}`)}: ${visible(params.getAll(name).join(', '))}`, icon('close'))));
  return el('div', { class: 'row wrap' }, only, chips);
}

/**
 * No sessions: because of filters, or because there are none.
 * @param {URLSearchParams} params
 */
function nothing(params) {
  if (!FILTERS.some((name) => params.has(name))) return empty(t('session.none'), t('session.none_why'), el('a', { class: 'button', href: listHref({}) }, t('event.missing.all')));
  return empty(t('session.none_here'), null, el('button', { on: { click: () => change(Object.fromEntries(FILTERS.map((name) => [name, null]))) } }, t('session.all')));
}

/** @returns {import('../parts/plain.js').Column<Session>[]} */
function columns() {
  const figure = (/** @type {string} */ name, /** @type {(session: Session) => import('../dom.js').Children} */ cell) => ({ title: t(`session.col.${name}`), number: true, cell });
  return [
    { title: t('session.col.started'), cell: (session) => [el('a', { class: 'nowrap', href: sessionHref(session), 'data-test': 'session' }, time(session.started_at, { fraction: false })), ' ', activeBadge(session)] },
    figure('lasted', (session) => (lasted(session) > 0 ? duration(lasted(session)) : '—')),
    { title: t('session.col.who'), cell: whose },
    { title: t('session.col.where'), class: 'muted', cell: (session) => visible([session.unit_name ?? session.unit_id, session.source].filter(Boolean).join(' · ')) },
    figure('events', (session) => number(session.events)),
    figure('pages', (session) => number(session.page_views)),
    figure('products', (session) => number(session.products_viewed)),
    figure('basket', (session) => (session.cart_value && session.cart_value !== '0' ? visible(String(session.cart_value)) : null)),
    figure('failures', (session) => Number(session.failures ?? 0) > 0 && el('span', { class: 'badge bad' }, icon('close'), number(session.failures))),
  ];
}
