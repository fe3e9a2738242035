/** Who an actor is and what it did, as `/actors/{id}` tells. */

import { moduleTitle, withCatalogue } from '../catalog.js';
import { el, icon } from '../dom.js';
import { listHref } from '../event/filter.js';
import { number, percent, time } from '../format.js';
import { has, t } from '../i18n.js';
import { copyButton } from '../parts/copy.js';
import { change, here } from '../url.js';
import { visible } from '../visible.js';

/** @typedef {{id: string, events: number, first_event_at: string, last_event_at: string, identities: any[], actions: any[], modules: any[]}} Actor */

/** Rows of a count that stand open. */
const SHOWN = 8;

/** @param {Actor} actor */
export function actorHead(actor) {
  const name = actor.identities.map((one) => one.actor_name ?? one.actor_email).find(Boolean) ?? actor.id;
  const kinds = [...new Set(actor.identities.map((one) => one.actor_type).filter(Boolean))];
  const filter = actor.id.includes('@') ? { actor: actor.id } : { actor_id: actor.id };
  return el(
    'header',
    { class: 'stack tight' },
    el('div', { class: 'page-head' }, el('h1', null, el('bdi', null, visible(String(name)))), kinds.map((kind) => el('span', { class: 'badge' }, has(`kind.${kind}`) ? t(`kind.${kind}`) : kind)), el('a', { class: 'button quiet', href: listHref(filter) }, icon('journal'), t('event.near.all'))),
    el('div', { class: 'row wrap muted' }, el('code', null, visible(actor.id)), copyButton(actor.id), el('span', null, t('core.events', { n: actor.events })), el('span', null, `${time(actor.first_event_at, { fraction: false })} – ${time(actor.last_event_at, { fraction: false })}`)),
  );
}

/** @param {Actor} actor */
export function actorIdentities(actor) {
  return el(
    'section',
    { class: 'panel', 'data-test': 'identities' },
    el('h2', null, t('actor.identities')),
    el(
      'ul',
      { class: 'plain-list' },
      actor.identities.slice(0, 50).map((one) =>
        el(
          'li',
          null,
          el('div', { class: 'break' }, el('bdi', null, visible(String(one.actor_name ?? one.actor_email ?? one.actor_id))), one.actor_name && one.actor_email && [' ', el('span', { class: 'muted' }, visible(one.actor_email))]),
          el('div', { class: 'muted small' }, visible([one.source, one.tenant_id, one.actor_id].filter(Boolean).join(' · ')), ` · ${t('core.events', { n: Number(one.events) })}`),
          el('div', { class: 'muted small' }, `${time(one.first_seen, { fraction: false })} – ${time(one.last_seen, { fraction: false })}`),
        ),
      ),
    ),
  );
}

/**
 * What it did, by module and by action; a click narrows the history.
 * @param {Actor} actor
 */
export function activity(actor) {
  return [
    counts(t('actor.modules'), 'module', actor.modules.filter((one) => one.module), actor.events, (one, label) => withCatalogue(one.source, (of) => (label.textContent = moduleTitle(of, one.module) ?? one.module))),
    counts(t('actor.actions'), 'action', actor.actions, actor.events, (one, label) => (label.textContent = has(`noun.${one.action}`) ? t(`noun.${one.action}`) : one.action)),
  ];
}

/**
 * @param {string} title
 * @param {'module' | 'action'} field
 * @param {any[]} all
 * @param {number} whole
 * @param {(one: any, label: HTMLElement) => void} named
 */
function counts(title, field, all, whole, named) {
  if (all.length === 0) return null;
  const list = el('ul', { class: 'plain-list counts' });
  const draw = (/** @type {number} */ most) => {
    list.replaceChildren(...all.slice(0, most).map((one) => countRow(one, field, whole, named)));
    if (all.length > most) list.append(el('li', null, el('button', { class: 'link', on: { click: () => draw(all.length) } }, t('event.json.more', { n: all.length - most }))));
  };
  draw(SHOWN);
  return el('section', { class: 'panel', 'data-test': `by-${field}` }, el('h2', null, title), list);
}

/**
 * @param {any} one
 * @param {'module' | 'action'} field
 * @param {number} whole
 * @param {(one: any, label: HTMLElement) => void} named
 */
function countRow(one, field, whole, named) {
  const label = el('span', { class: 'grow break' }, visible(String(one[field])));
  named(one, label);
  const isChosen = () => here().params.getAll(field).includes(String(one[field]));
  const button = el('button', { class: 'quiet count-row', title: String(one[field]), 'aria-pressed': String(isChosen()), data: { field, value: String(one[field]) }, on: { click: () => change({ [field]: isChosen() ? null : String(one[field]) }) } }, label, el('span', { class: 'muted' }, number(one.events)), el('span', { class: 'muted count-share' }, percent(Number(one.events), whole)), el('span', { class: 'count-bar', style: { width: `${(100 * Number(one.events)) / Math.max(whole, 1)}%` } }));
  return el('li', null, button);
}

/**
 * Marks the counts by which the history is narrowed.
 * @param {HTMLElement} page
 * @param {URLSearchParams} params
 */
export function markCounts(page, params) {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll('.count-row'))) {
    button.setAttribute('aria-pressed', String(params.getAll(button.dataset.field ?? '').includes(button.dataset.value ?? '')));
  }
}
