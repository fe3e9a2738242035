/** Choosing the columns of the list: what there is, with what it means; anything inside of `attributes` and `labels` by its path. */

import { el, fill } from '../dom.js';
import { t } from '../i18n.js';
import { MADE } from './cells.js';
import { DEFAULT_COLUMNS } from './columns.js';
import { fieldList, label } from './fields.js';

/** Made columns first, in this order; they stand for several fields each. */
const FIRST = ['event_time', 'module', 'sentence', 'object', 'actor', 'outcome', 'level'];

/**
 * The panel of a popover.
 * @param {() => string[]} shown
 * @param {(ids: string[]) => void} onChange
 * @returns {HTMLElement}
 */
export function columnPicker(shown, onChange) {
  const search = el('input', { type: 'search', placeholder: t('journal.columns.search_columns'), 'aria-label': t('journal.columns.search_columns'), autocomplete: 'off', 'data-test': 'column-search' });
  const list = el('div', { class: 'column-list stack tight' });
  /** @type {import('./fields.js').Field[]} */
  let fields = [];

  /** @param {string} id @param {boolean} on */
  function put(id, on) {
    const ids = shown();
    const now = [...ids.filter((one) => one !== id), ...(on ? [id] : [])];
    // A list without columns would be none.
    if (now.length === 0) show();
    else onChange(now);
  }

  function show() {
    const wanted = search.value.trim().toLowerCase();
    const names = [...FIRST, ...fields.filter((field) => field.kind !== 'word' && !FIRST.includes(field.name)).map((field) => field.name)];
    const paths = shown().filter((id) => !names.includes(id));
    const fits = (/** @type {string} */ id) => wanted === '' || id.includes(wanted) || titleOf(id).toLowerCase().includes(wanted);
    const found = [...paths, ...names].filter(fits);
    fill(list, found.map((id) => entry(id)), own(wanted, found));
  }

  /** A path that no list has. @param {string} wanted @param {string[]} found */
  function own(wanted, found) {
    const path = search.value.trim();
    if (!/^(attributes|labels)\.\S/.test(wanted) || found.includes(path)) return null;
    return el('button', { class: 'quiet', on: { click: () => (put(path, true), (search.value = ''), show()) } }, t('journal.columns.add', { name: path }));
  }

  /** @param {string} id */
  function entry(id) {
    const box = el('input', { type: 'checkbox', checked: shown().includes(id), on: { change: () => put(id, box.checked) } });
    box.dataset.column = id;
    return el('label', { class: 'check' }, box, el('span', { class: 'grow' }, titleOf(id)), id in MADE ? null : el('code', { class: 'muted small' }, id));
  }

  search.addEventListener('input', show);
  show();
  void fieldList().then((found) => {
    fields = found;
    show();
  });
  return el(
    'div',
    { class: 'stack tight column-picker' },
    search,
    list,
    el('p', { class: 'muted small' }, t('journal.columns.path_hint')),
    el('button', { class: 'quiet', 'data-test': 'columns-default', on: { click: () => (onChange(DEFAULT_COLUMNS), show()) } }, t('journal.columns.default')),
  );
}

/** @param {string} id */
const titleOf = (id) => (id === 'sentence' ? t('journal.columns.sentence') : label(id));
