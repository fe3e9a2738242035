/** What an event changed: asked of the server field by field, with what stayed as it was behind a fold. */

import * as api from '../api.js';
import { el, fill } from '../dom.js';
import { placeOf } from '../event.js';
import { language, t } from '../i18n.js';
import { stringify } from '../json.js';
import { copy } from '../parts/copy.js';
import { changeList, folded } from '../parts/diff.js';
import { jsonView, plain } from '../parts/jsonview.js';
import { empty, skeleton } from '../parts/states.js';
import { filterBy } from './filter.js';

/** @typedef {import('../event.js').Event} Event */
/** @typedef {import('../parts/diff.js').Change} Change */

/** From so many changes on there is a search. */
const MANY = 20;

/**
 * Whether an event tells of changes, as far as its row says.
 * @param {Event} event
 */
export function hasChanges(event) {
  return (event.changed_fields?.length ?? 0) > 0 || (event.changes?.length ?? 0) > 0 || (event.object_before != null && event.object_after != null);
}

/**
 * @param {HTMLElement} panel
 * @param {Event} event
 * @param {{run: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>}} loading
 */
export function showChanges(panel, event, loading) {
  fill(panel, skeleton(4));
  void loading.run(async (signal) => {
    const path = `/events/${encodeURIComponent(event.event_id)}/changes`;
    const answer = await api.get(path, { ...placeOf(event), lang: language() }, signal);
    if (answer.changes.length === 0) return fill(panel, empty(t('event.changes.none')));
    const patch = async () => {
      const text = await (await api.send('GET', path, { params: { ...placeOf(event), format: 'json-patch' } })).text();
      await copy(text);
    };
    return fill(
      panel,
      el(
        'div',
        { class: 'row between panel-head' },
        el('span', { class: 'muted' }, t('event.changes.count', { n: answer.changes.length }), answer.from === 'snapshots' && ` · ${t('event.changes.from_snapshots')}`),
        el('button', { class: 'quiet', 'data-test': 'copy-patch', on: { click: () => void patch() } }, t('event.changes.copy_patch')),
      ),
      ...listed(answer.changes),
      unchanged(event, answer.changes),
    );
  });
}

/**
 * The list; of many changes those whose path has the words.
 * @param {Change[]} changes
 */
function listed(changes) {
  if (changes.length <= MANY) return [changeList(changes, { items })];
  const list = el('div', null, changeList(changes, { items }));
  const words = el('input', { type: 'search', class: 'json-search', placeholder: t('event.changes.find'), 'aria-label': t('event.changes.find'), 'data-test': 'find-change' });
  words.addEventListener('input', () => {
    const wanted = words.value.trim().toLocaleLowerCase();
    fill(list, changeList(changes.filter((change) => change.path.toLocaleLowerCase().includes(wanted)), { items }));
  });
  return [words, list];
}

/**
 * @param {Change} change
 * @returns {import('../parts/menu.js').Item[]}
 */
function items(change) {
  const values = /** @type {const} */ (['before', 'after']).filter((side) => change[side] !== undefined);
  return [
    { label: t('event.changes.same_field'), icon: 'filter', run: () => filterBy('changed', change.path) },
    { label: t('event.copy.path'), icon: 'copy', run: () => void copy(change.path) },
    ...values.map((side) => ({ label: t(`event.copy.${side}`), icon: /** @type {const} */ ('copy'), run: () => void copy(plain(change[side])) })),
  ];
}

/**
 * Fields of the snapshot that stayed as they were.
 * @param {Event} event
 * @param {Change[]} changes
 */
function unchanged(event, changes) {
  const whole = event.object_after ?? event.object_before;
  if (whole == null || typeof whole !== 'object' || Array.isArray(whole)) return null;
  const touched = new Set(changes.flatMap((change) => [change.path, change.path.split('.')[0]]));
  const same = Object.entries(whole).filter(([key]) => !touched.has(key));
  if (same.length === 0) return null;
  const rest = Object.fromEntries(same);
  const label = t('event.changes.unchanged', { n: same.length });
  return folded(label, () => jsonView(rest, { label }));
}

/**
 * Snapshots of an event that has no changes to tell: what was created or deleted.
 * @param {Event} event
 */
export function snapshots(event) {
  return /** @type {const} */ (['object_before', 'object_after'])
    .filter((side) => event[side] != null)
    .map((side) =>
      el(
        'section',
        { class: 'stack tight' },
        el('div', { class: 'row between panel-head' }, el('h3', { class: 'event-group' }, t(`event.snapshot.${side}`)), el('button', { class: 'quiet', on: { click: () => void copy(stringify(event[side])) } }, t('event.copy.json'))),
        jsonView(event[side], { label: t(`event.snapshot.${side}`) }),
      ),
    );
}
