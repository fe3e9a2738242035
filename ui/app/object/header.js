/** The top of an object's page: its name now and before, whether it is there, where it is known, and what can be done. */

import { moduleTitle, withCatalogue } from '../catalog.js';
import { el, icon } from '../dom.js';
import { eventHref, personHref, typeName } from '../event.js';
import { listHref } from '../event/filter.js';
import { time } from '../format.js';
import { t } from '../i18n.js';
import { copyButton } from '../parts/copy.js';
import { may } from '../session.js';
import { change } from '../url.js';
import { visible } from '../visible.js';
import { restore } from './restore.js';

/** @typedef {{tenant_id: string, source: string, name: string | null, events: number, own_events: number, modules: (string | null)[], first_event: any, last_event: any, deleted: boolean | null, deleted_by: any, restorable: boolean | null, not_restorable_because: string | null}} Known what one system tells */
/** @typedef {{type: string, id: string, events: number, first_event_at: string, last_event_at: string, sources: Known[], names: any[]}} Summary */

/**
 * Which of several objects with the id is meant: the one of the address, else the one that has most events of its own.
 * @param {Summary} summary
 * @param {URLSearchParams} params
 * @returns {Record<string, string>}
 */
export function whichSource(summary, params) {
  const asked = (/** @type {string} */ source, /** @type {string} */ tenant) => summary.sources.find((one) => one.source === params.get(source) && (!params.has(tenant) || one.tenant_id === params.get(tenant)));
  const most = [...summary.sources].sort((a, b) => b.own_events - a.own_events)[0];
  const found = asked('source', 'tenant_id') ?? asked('system', 'tenant') ?? most;
  return found ? { source: found.source, tenant_id: found.tenant_id } : {};
}

/**
 * @param {import('../views/object.js').Subject} subject
 * @param {() => void} again after a restore
 */
export function header(subject, again) {
  const { summary, place, type, id } = subject;
  const known = summary.sources.find((one) => one.source === place.source && one.tenant_id === place.tenant_id);
  const name = known?.name ?? summary.sources.map((one) => one.name).find(Boolean) ?? null;
  const kind = typeName(type);
  return el(
    'header',
    { class: 'stack tight' },
    el(
      'div',
      { class: 'page-head' },
      el('h1', null, `${kind.charAt(0).toLocaleUpperCase()}${kind.slice(1)} `, el('bdi', null, visible(String(name ?? id)))),
      known?.deleted && el('span', { class: 'badge bad' }, icon('trash'), t('object.deleted')),
      known?.deleted === false && el('span', { class: 'badge good' }, icon('check'), t('object.there')),
      restoreButton(subject, known, again),
      el('a', { class: 'button quiet', href: listHref({ object: `${type}:${id}` }) }, icon('journal'), t('event.near.all')),
    ),
    el('div', { class: 'row wrap muted' }, el('code', null, visible(`${type}:${id}`)), copyButton(id), el('span', null, `${time(summary.first_event_at, { fraction: false })} – ${time(summary.last_event_at, { fraction: false })}`)),
    known?.deleted && deletion(known),
    names(summary),
    summary.sources.length > 1 && systems(summary),
    modules(known),
  );
}

/** @param {Known} known */
function deletion(known) {
  const by = known.deleted_by;
  if (!by) return null;
  const actor = by.actor_id && el('a', { href: personHref(by.actor_id, false, known) }, visible(String(by.actor_id)));
  return el('p', null, `${t('object.deleted_at')} `, el('a', { href: eventHref({ ...by, source: known.source, tenant_id: known.tenant_id }) }, time(by.event_time, { fraction: false })), actor && [`, ${t('object.by')} `, actor], known.restorable === false && known.not_restorable_because && el('span', { class: 'muted' }, ` · ${t('object.not_restorable')}: ${visible(known.not_restorable_because)}`));
}

/**
 * @param {import('../views/object.js').Subject} subject
 * @param {Known | undefined} known
 * @param {() => void} again
 */
function restoreButton(subject, known, again) {
  if (!known?.deleted) return null;
  const allowed = may('restore');
  const button = el('button', { disabled: !known.restorable || !allowed, title: allowed ? (known.not_restorable_because ?? undefined) : t('object.no_scope'), 'data-test': 'restore' }, icon('restore'), t('object.restore'));
  button.addEventListener('click', () => restore(subject, again));
  return button;
}

/**
 * The names that it had, where there was more than one.
 * @param {Summary} summary
 */
function names(summary) {
  const all = summary.names;
  if (all.length < 2) return null;
  return el('p', { class: 'muted' }, `${t('object.names')} `, all.flatMap((one, at) => [at > 0 ? ', ' : '', el('span', { title: `${time(one.first_seen)} – ${time(one.last_seen)}` }, el('bdi', null, visible(String(one.name)))), ` (${time(one.first_seen, { fraction: false }).slice(0, 10)})`]));
}

/**
 * The systems that tell of it: a choice for the history.
 * @param {Summary} summary
 */
function systems(summary) {
  const now = new URLSearchParams(window.location.search);
  const pressed = (/** @type {Known | null} */ one) => String((one?.source ?? null) === now.get('source') && (!one || one.tenant_id === now.get('tenant_id')));
  const choose = (/** @type {Known | null} */ one) => change({ source: one?.source ?? null, tenant_id: one?.tenant_id ?? null });
  return el(
    'div',
    { class: 'row wrap', role: 'group', 'aria-label': t('object.systems') },
    el('button', { 'aria-pressed': pressed(null), on: { click: () => choose(null) } }, t('object.all_systems')),
    summary.sources.map((one) => el('button', { 'aria-pressed': pressed(one), 'data-test': 'system', on: { click: () => choose(one) } }, visible(`${one.source} · ${one.tenant_id}`), el('span', { class: 'count' }, one.events))),
  );
}

/**
 * The modules that tell of it; each narrows the history.
 * @param {Known | undefined} known
 */
function modules(known) {
  const all = known?.modules.filter(Boolean).map(String) ?? [];
  if (!known || all.length < 2) return null;
  const buttons = all.map((module) => {
    const name = el('span', null, visible(module));
    withCatalogue(known.source, (of) => {
      const title = moduleTitle(of, module);
      if (title) name.textContent = title;
    });
    return el('button', { class: 'quiet', data: { module }, 'aria-pressed': 'false', on: { click: () => change({ view: null, module: new URLSearchParams(window.location.search).get('module') === module ? null : module }) } }, name);
  });
  return el('div', { class: 'row wrap object-modules', role: 'group', 'aria-label': t('object.modules') }, el('span', { class: 'muted' }, `${t('object.modules')}:`), buttons);
}

/**
 * Marks the module by which the history is narrowed.
 * @param {HTMLElement} page
 * @param {URLSearchParams} params
 */
export function markModule(page, params) {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll('[data-module]'))) button.setAttribute('aria-pressed', String(button.dataset.module === params.get('module')));
}
