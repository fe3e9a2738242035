/**
 * Finding a text in the rows that are loaded: what is shown of them, also where it is cut. The browser's own search sees some
 * screens of a virtual list only; a second Ctrl+F is left to it.
 */

import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { shortcut } from '../keys.js';

/** @typedef {import('../parts/grid.js').Grid} Grid */
/** @typedef {Record<string, any>} Row */

/** Name of the highlight in the style sheet. */
const MARK = 'journal-find';

/**
 * @param {object} options
 * @param {() => Grid} options.grid
 * @param {(text: string | null) => void} options.onText what is looked for; null: closed
 * @param {(text: string) => void} options.onSearch looks for it in all events
 * @param {(row: Row) => string} options.mark what else marks a row
 */
export function findBar({ grid, onText, onSearch, mark }) {
  const input = el('input', { type: 'search', 'aria-label': t('journal.list.find'), placeholder: t('journal.list.find'), autocomplete: 'off', 'data-test': 'find' });
  const told = el('span', { class: 'small muted nowrap', role: 'status', 'data-test': 'find-count' });
  const button = (/** @type {import('../dom.js').IconName} */ name, /** @type {string} */ key, /** @type {() => void} */ run) => el('button', { class: 'quiet square', 'aria-label': t(key), title: t(key), on: { click: run } }, icon(name));
  const all = el('button', { class: 'link small', on: { click: () => onSearch(input.value) } }, t('journal.list.find_all'));
  const element = el('div', { class: 'find-bar', role: 'search', 'aria-label': t('journal.list.find'), hidden: true }, icon('search'), input, told, button('up', 'journal.list.find_previous', () => step(-1)), button('down', 'journal.list.find_next', () => step(1)), all, button('close', 'core.close', () => close()));
  /** @type {{found: [number, Row][], at: number}} */
  const s = { found: [], at: -1 };
  let release = () => undefined;

  // Where the focus is in the field, the next Ctrl+F is the browser's.
  const arm = () => {
    release();
    release = /** @type {() => undefined} */ (shortcut({ keys: 'Ctrl+f', title: 'journal.keys.find', typing: true, run: () => open() }));
  };
  input.addEventListener('blur', arm);
  input.addEventListener('focus', () => release());

  function open(text = input.value) {
    element.hidden = false;
    input.value = text;
    input.focus();
    input.select();
    search();
  }

  function close() {
    if (element.hidden) return;
    element.hidden = true;
    arm();
    s.found = [];
    paint();
    onText(null);
    grid().focus();
  }

  /** @param {Row} [current] the match that stays the one that is shown */
  function search(current) {
    const wanted = input.value.trim().toLowerCase();
    const columns = grid().columns();
    s.found = wanted === '' ? [] : grid().loaded().filter(([, row]) => columns.some((column) => column.text(row).toLowerCase().includes(wanted)));
    s.at = current ? s.found.findIndex(([, row]) => row === current) : -1;
    all.hidden = wanted === '';
    tell();
    paint();
  }

  function tell() {
    fill(told, input.value.trim() === '' ? '' : s.found.length === 0 ? t('journal.list.find_none', { n: grid().loaded().length }) : s.at < 0 ? t('journal.list.found', { n: s.found.length }) : t('journal.list.find_at', { at: s.at + 1, n: s.found.length }));
  }

  /** @param {number} by */
  function step(by) {
    if (s.found.length === 0) return;
    s.at = (s.at + by + s.found.length + (s.at < 0 && by < 0 ? 1 : 0)) % s.found.length;
    grid().activate(s.found[s.at]?.[0] ?? 0);
    tell();
    paint();
  }

  /** Marks the rows, and the text in those that show. */
  function paint() {
    const rows = new Set(s.found.map(([, row]) => row));
    const now = s.found[s.at]?.[1];
    grid().setMark((row) => [mark(row), rows.has(row) ? 'found' : '', row === now ? 'found-now' : ''].filter(Boolean).join(' '));
    const highlights = /** @type {any} */ (CSS).highlights;
    const wanted = input.value.trim().toLowerCase();
    if (!highlights) return;
    highlights.delete(MARK);
    if (!element.hidden && wanted !== '') highlights.set(MARK, new /** @type {any} */ (window).Highlight(...rangesIn(grid().element, wanted)));
  }

  let timer = 0;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => (search(), onText(input.value.trim() || null)), 120);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    element,
    open,
    /** Other rows show, or were loaded. */
    repaint: () => !element.hidden && requestAnimationFrame(() => search(s.found[s.at]?.[1])),
    stop() {
      release();
      clearTimeout(timer);
      /** @type {any} */ (CSS).highlights?.delete(MARK);
    },
  };
}

/**
 * Where a text stands in what shows.
 * @param {HTMLElement} root
 * @param {string} wanted in small letters
 * @returns {Range[]}
 */
function rangesIn(root, wanted) {
  const texts = document.createTreeWalker(root.querySelector('.grid-layer') ?? root, NodeFilter.SHOW_TEXT);
  const ranges = [];
  for (let node = texts.nextNode(); node && ranges.length < 500; node = texts.nextNode()) {
    const text = (node.textContent ?? '').toLowerCase();
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + wanted.length);
      ranges.push(range);
    }
  }
  return ranges;
}
