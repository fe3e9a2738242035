/** What belongs to the object: items, files, comments, each with its last event. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { eventHref, objectHref, typeName } from '../event.js';
import { number, time } from '../format.js';
import { has, t } from '../i18n.js';
import { table } from '../parts/plain.js';
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
    return fill(panel, el('div', { 'data-test': 'parts' }, table(t('object.view.parts'), columns(), children)), more && el('p', { class: 'muted' }, t('object.parts.more', { n: children.length })));
  });
}

/** @returns {import('../parts/plain.js').Column<any>[]} */
function columns() {
  const title = (/** @type {string} */ name) => t(`object.parts.${name}`);
  return [
    { title: title('type'), cell: (one) => one.type && typeName(one.type) },
    { title: title('name'), cell: (one) => [one.type && one.id ? el('a', { href: objectHref(one.type, one.id, one) }, el('bdi', null, visible(String(one.name ?? one.id)))) : visible(String(one.name ?? '')), one.deleted && [' ', el('span', { class: 'badge bad' }, icon('trash'), t('object.deleted'))]].flat() },
    { title: title('role'), class: 'muted', cell: (one) => one.role && (has(`role.${one.role}`) ? t(`role.${one.role}`) : visible(one.role)) },
    { title: title('events'), number: true, cell: (one) => number(one.events) },
    { title: title('last'), cell: (one) => [el('a', { class: 'nowrap', href: eventHref({ ...one, event_id: one.last_event_id }) }, time(one.last_event_at, { fraction: false })), el('span', { class: 'muted' }, ` ${visible(String(one.last_event_type ?? ''))}`)] },
  ];
}
