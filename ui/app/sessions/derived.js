/** What follows from sessions by a rule: baskets that were left, purchases, visits; each with the event that it follows from. */

import * as api from '../api.js';
import { el, fill } from '../dom.js';
import { objectHref, personHref, typeName } from '../event.js';
import { openEvent } from '../event/open.js';
import { number, time } from '../format.js';
import { t } from '../i18n.js';
import { table } from '../parts/plain.js';
import { empty } from '../parts/states.js';
import { change, link } from '../url.js';
import { visible } from '../visible.js';
import { sessionHref } from './list.js';

/** @typedef {Record<string, any>} Derived */

const PERIODS = { last_7d: 7, last_30d: 30, last_90d: 90, last_365d: 365, all: null };

/**
 * From when on, as the rules take it.
 * @param {string | null} period
 * @param {number} now
 */
export function since(period, now) {
  const days = Object.hasOwn(PERIODS, period ?? '') ? /** @type {Record<string, number | null>} */ (PERIODS)[period ?? ''] : 30;
  return days == null ? '1970-01-01T00:00:00Z' : new Date(now - days * 86_400_000).toISOString();
}

/**
 * @param {HTMLElement} region
 * @param {{run: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>}} loading
 * @param {string} rule
 * @param {URLSearchParams} params
 */
export function derivedList(region, loading, rule, params) {
  const period = params.get('period');
  const shown = period && Object.hasOwn(PERIODS, period) ? period : 'last_30d';
  const select = el('select', { 'aria-label': t('session.period'), 'data-test': 'derived-period' }, Object.keys(PERIODS).map((name) => el('option', { value: name, selected: name === shown }, t(`session.period.${name}`))));
  select.addEventListener('change', () => change({ period: select.value }));
  const idle = el('input', { type: 'number', min: 1, max: 10_080, value: params.get('idle_minutes') ?? '60', class: 'idle', 'data-test': 'idle' });
  idle.addEventListener('change', () => change({ idle_minutes: idle.value === '60' ? null : idle.value }));
  const hasIdle = rule.startsWith('abandoned');
  void loading.run(async (signal) => {
    const asked = { rule, from: since(shown, Date.now()), source: params.get('source'), limit: 1000, ...(hasIdle && params.has('idle_minutes') ? { idle_minutes: params.get('idle_minutes') } : {}) };
    const { events, truncated } = await api.get('/sessions/derived', asked, signal);
    fill(
      region,
      el('p', { class: 'muted' }, t(`session.why.${rule}`)),
      el('div', { class: 'row wrap' }, select, hasIdle && el('label', { class: 'inline' }, t('session.idle'), idle), el('span', { class: 'muted', role: 'status' }, t('session.found', { n: events.length }), truncated && '+')),
      events.length === 0
        ? empty(t('session.derived_none'), null, el('button', { on: { click: () => change({ period: 'all' }) } }, t('session.period.all')))
        : el('div', { class: 'panel', 'data-test': 'derived' }, table(t(`session.rule.${rule}`), columns(), events)),
    );
  });
}

/** @returns {import('../parts/plain.js').Column<Derived>[]} */
function columns() {
  const title = (/** @type {string} */ name) => t(`session.derived.${name}`);
  return [
    { title: title('time'), class: 'nowrap', cell: (one) => time(one.event_time, { fraction: false }) },
    { title: title('session'), cell: (one) => one.session_id && el('a', { href: sessionHref(one) }, el('bdi', null, visible(one.session_id))) },
    { title: title('who'), cell: visitorLink },
    { title: title('object'), cell: (one) => one.object_type && one.object_id && [`${typeName(one.object_type)} `, el('a', { href: objectHref(one.object_type, one.object_id, one) }, el('bdi', null, visible(one.object_id)))] },
    { title: title('value'), number: true, cell: (one) => number(one.value) },
    { title: title('because'), cell: (one) => causeLink(one, one.because_of_event_id) },
    { title: title('recorded'), cell: (one) => causeLink(one, one.recorded_event_id) },
  ];
}

/** @param {Derived} one */
function visitorLink(one) {
  const who = one.visitor_id ?? one.actor_email;
  return who && el('a', { href: personHref(String(who), one.visitor_id != null, one) }, el('bdi', null, visible(String(one.actor_email ?? one.visitor_id))));
}

/**
 * @param {Derived} one
 * @param {string | null | undefined} id
 */
export function causeLink(one, id) {
  if (!id) return null;
  const open = (/** @type {MouseEvent} */ click) => {
    if (click.metaKey || click.ctrlKey || click.shiftKey) return;
    click.preventDefault();
    openEvent({ event_id: id, source: one.source, tenant_id: one.tenant_id });
  };
  return el('a', { class: 'mono', href: link(`/events/${encodeURIComponent(id)}`, { source_of: one.source, tenant_of: one.tenant_id }), on: { click: open } }, visible(id));
}
