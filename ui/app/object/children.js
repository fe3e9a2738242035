/** What belongs to the object: items, files, comments, each with its last event. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { eventHref, objectHref, typeName } from '../event.js';
import { number, time } from '../format.js';
import { has, t } from '../i18n.js';
import { empty, skeleton } from '../parts/states.js';
import { visible } from '../visible.js';

/**
 * @param {HTMLElement} panel
 * @param {import('../views/object.js').Subject} subject
 * @param {{run: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>}} loading
 */
export function showChildren(panel, subject, loading) {
  fill(panel, skeleton(6));
  void loading.run(async (signal) => {
    const { children, more } = await api.get(`${subject.path}/children`, { ...subject.place, role: 'any', limit: 500 }, signal);
    if (children.length === 0) return fill(panel, empty(t('object.parts.none')));
    const titles = ['type', 'name', 'role', 'events', 'last'].map((name) => el('th', { scope: 'col', class: name === 'events' ? 'number' : '' }, t(`object.parts.${name}`)));
    return fill(panel, el('div', { class: 'scroll' }, el('table', { class: 'plain', 'data-test': 'parts' }, el('thead', null, el('tr', null, titles)), el('tbody', null, children.map(row)))), more && el('p', { class: 'muted' }, t('object.parts.more', { n: children.length })));
  });
}

/** @param {any} one */
function row(one) {
  const last = eventHref({ ...one, event_id: one.last_event_id });
  return el(
    'tr',
    null,
    el('td', null, one.type && typeName(one.type)),
    el('td', null, one.type && one.id ? el('a', { href: objectHref(one.type, one.id, one) }, el('bdi', null, visible(String(one.name ?? one.id)))) : visible(String(one.name ?? '')), one.deleted && [' ', el('span', { class: 'badge bad' }, icon('trash'), t('object.deleted'))]),
    el('td', { class: 'muted' }, one.role && (has(`role.${one.role}`) ? t(`role.${one.role}`) : visible(one.role))),
    el('td', { class: 'number' }, number(one.events)),
    el('td', null, el('a', { class: 'nowrap', href: last }, time(one.last_event_at, { fraction: false })), el('span', { class: 'muted' }, ` ${visible(String(one.last_event_type ?? ''))}`)),
  );
}
