/**
 * A JSON value as a tree that opens level by level, so that a document of a megabyte costs what is looked at.
 *
 * Every digit is as it was sent (`json.js`). A key opens a menu: copy the value or its path, and whatever the caller adds. The
 * search looks into the value itself, not into what happens to be open.
 */

import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { Exact, stringify } from '../json.js';
import { textNode, visible } from '../visible.js';
import { copy } from './copy.js';
import { openMenu } from './menu.js';

/** @typedef {{label: string, path?: string, items?: (path: string, value: unknown) => (import('./menu.js').Item | 'line')[], only?: unknown}} Options `only` is made here: the single member of a document, which stands open */

/** Children that are shown at once; more on demand. */
const CHUNK = 100;
/** Rows that stand open at first. */
const OPEN_ROWS = 60;
/** Characters of a text that are shown at once. */
const TEXT_MAX = 2_000;
/** Hits of a search that are shown. */
const HITS_MAX = 200;

/**
 * @param {unknown} value
 * @param {Options} given `path`: where the value stands in the event, `attributes`
 * @returns {HTMLElement}
 */
export function jsonView(value, given) {
  const members = isBranch(value) ? Object.values(value) : [];
  const options = members.length === 1 ? { ...given, only: members[0] } : given;
  const budget = { rows: OPEN_ROWS };
  const tree = isBranch(value) ? el('ul', { class: 'json', 'aria-label': options.label }, childrenOf(value, options.path ?? '', options, budget)) : el('div', { class: 'json' }, leaf(value));
  if (!isBranch(value) || countUpTo(value, 13) < 13) return tree;
  const hits = el('div', { role: 'status', 'aria-live': 'polite' });
  const search = el('input', { type: 'search', class: 'json-search', placeholder: t('event.json.search'), 'aria-label': t('event.json.search_in', { what: options.label }), 'data-test': 'json-search' });
  let waiting = 0;
  search.addEventListener('input', () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => showHits(search.value.trim(), value, options, hits, tree), 120);
  });
  return el('div', { class: 'stack tight' }, el('div', { class: 'row' }, search), hits, tree);
}

/**
 * @param {string} words
 * @param {unknown} value
 * @param {Options} options
 * @param {HTMLElement} hits
 * @param {HTMLElement} tree hidden while there is a search
 */
function showHits(words, value, options, hits, tree) {
  tree.hidden = words !== '';
  if (!words) return fill(hits);
  const found = search(value, words, options.path ?? '');
  return fill(
    hits,
    el('p', { class: 'muted small' }, t('event.json.hits', { n: found.length }), found.length === HITS_MAX && '+'),
    el('ul', { class: 'json' }, found.map((one) => el('li', null, row(one.path, one.path, one.value, options, false)))),
  );
}

/**
 * Where keys or plain values hold a text, letters' case aside.
 * @param {unknown} value
 * @param {string} words
 * @param {string} [path]
 * @returns {{path: string, value: unknown}[]}
 */
export function search(value, words, path = '') {
  const wanted = words.toLocaleLowerCase();
  /** @type {{path: string, value: unknown}[]} */
  const found = [];
  const walk = (/** @type {unknown} */ at, /** @type {string} */ where, /** @type {string} */ key) => {
    if (found.length >= HITS_MAX) return;
    const inside = isBranch(at);
    if (key.toLocaleLowerCase().includes(wanted) || (!inside && String(at).toLocaleLowerCase().includes(wanted))) found.push({ path: where, value: at });
    if (inside) for (const [name, child] of entries(at)) walk(child, join(where, name), name);
  };
  for (const [name, child] of isBranch(value) ? entries(value) : []) walk(child, join(path, name), name);
  return found;
}

/**
 * @param {string} path
 * @param {string} key
 */
function join(path, key) {
  return path ? `${path}.${key}` : key;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown> | unknown[]}
 */
export function isBranch(value) {
  return typeof value === 'object' && value !== null && !(value instanceof Exact);
}

/**
 * Members in their order; of objects with many keys in the order of the alphabet, in which one is found.
 * @param {Record<string, unknown> | unknown[]} value
 * @returns {[string, unknown][]}
 */
function entries(value) {
  if (Array.isArray(value)) return value.map((one, at) => [String(at), one]);
  const all = Object.entries(value);
  return all.length > 30 ? all.sort(([a], [b]) => a.localeCompare(b)) : all;
}

/**
 * @param {unknown} value
 * @param {number} most
 * @returns {number}
 */
function countUpTo(value, most) {
  let count = 0;
  const walk = (/** @type {unknown} */ at) => {
    if (count >= most || !isBranch(at)) return;
    for (const child of Object.values(at)) {
      count += 1;
      walk(child);
    }
  };
  walk(value);
  return count;
}

/**
 * @param {Record<string, unknown> | unknown[]} value
 * @param {string} path
 * @param {Options} options
 * @param {{rows: number}} budget
 * @returns {HTMLElement[]}
 */
function childrenOf(value, path, options, budget) {
  const all = entries(value);
  const made = (/** @type {number} */ from) => all.slice(from, from + CHUNK).map(([key, child]) => node(key, child, join(path, key), options, budget));
  const items = made(0);
  budget.rows -= items.length;
  if (all.length > CHUNK) items.push(moreItem(CHUNK, all.length, made));
  return items;
}

/**
 * @param {number} from
 * @param {number} all
 * @param {(from: number) => HTMLElement[]} made
 */
function moreItem(from, all, made) {
  const item = el('li', null, el('button', { class: 'link', on: { click: () => grow() } }, t('event.json.more', { n: all - from })));
  const grow = () => {
    item.replaceWith(...made(from), ...(from + CHUNK < all ? [moreItem(from + CHUNK, all, made)] : []));
  };
  return item;
}

/**
 * @param {string} key
 * @param {unknown} value
 * @param {string} path
 * @param {Options} options
 * @param {{rows: number}} budget
 */
function node(key, value, path, options, budget) {
  if (!isBranch(value)) return el('li', null, row(key, path, value, options, false));
  const count = Object.keys(value).length;
  const item = el('li');
  const list = el('ul', { hidden: true });
  const toggle = el('button', { class: 'json-toggle', 'aria-expanded': 'false', 'aria-label': t('event.json.open', { key }), disabled: count === 0 }, icon('right'));
  const open = (/** @type {boolean} */ is) => {
    if (is && !list.hasChildNodes()) list.append(...childrenOf(value, path, options, budget));
    list.hidden = !is;
    toggle.setAttribute('aria-expanded', String(is));
  };
  toggle.addEventListener('click', () => open(list.hidden !== false));
  item.append(el('div', { class: 'json-row' }, toggle, keyButton(key, path, value, options), el('span', { class: 'muted' }, summary(value, count))), list);
  if (count > 0 && (count <= budget.rows || options.only === value)) open(true);
  return item;
}

/**
 * @param {Record<string, unknown> | unknown[]} value
 * @param {number} count
 */
function summary(value, count) {
  return Array.isArray(value) ? `[${count}]` : `{${count}}`;
}

/**
 * @param {string} key
 * @param {string} path
 * @param {unknown} value
 * @param {Options} options
 * @param {boolean} branch
 */
function row(key, path, value, options, branch) {
  return el('div', { class: 'json-row' }, branch ? null : el('span', { class: 'json-toggle' }), keyButton(key, path, value, options), isBranch(value) ? el('span', { class: 'muted' }, summary(value, Object.keys(value).length)) : leaf(value));
}

/**
 * @param {string} key
 * @param {string} path
 * @param {unknown} value
 * @param {Options} options
 */
function keyButton(key, path, value, options) {
  const button = el('button', { class: 'json-key', 'aria-haspopup': 'menu', 'aria-expanded': 'false', title: path }, el('bdi', null, visible(key)));
  button.addEventListener('click', () => openMenu(button, path, [
    { label: t('event.copy.value'), icon: 'copy', run: () => void copy(plain(value)) },
    { label: t('event.copy.path'), icon: 'copy', run: () => void copy(path) },
    ...(options.items?.(path, value) ?? []),
  ]));
  return button;
}

/**
 * The text of a value for the clipboard and for filters: a text without its quotes.
 * @param {unknown} value
 */
export function plain(value) {
  return typeof value === 'string' ? value : stringify(value);
}

/**
 * A plain value.
 * @param {unknown} value
 * @returns {HTMLElement}
 */
export function leaf(value) {
  if (typeof value !== 'string') return el('span', { class: value === null || typeof value === 'boolean' ? 'json-word' : 'json-number' }, stringify(value));
  const shown = el('span', { class: 'json-text', dir: 'auto' });
  const write = (/** @type {number} */ most) => {
    fill(shown, '"', textNode(value.length > most ? `${value.slice(0, most)}…` : value), '"');
    if (value.length > most) shown.append(' ', el('button', { class: 'link', on: { click: () => write(Math.max(most * 10, 100_000)) } }, t('event.json.rest', { n: value.length - most })));
  };
  write(TEXT_MAX);
  return shown;
}
