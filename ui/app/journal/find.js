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
 * @typedef {object} Options
 * @property {() => Grid} grid
 * @property {(text: string | null) => void} onText what is looked for; null: closed
 * @property {(text: string) => void} onSearch looks for it in all events
 * @property {(row: Row) => string} mark what else marks a row
 */

export class FindBar {
  /** @type {[number, Row][]} */
  #found = [];
  #at = -1;
  #timer = 0;
  #release = () => {};

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    const button = (/** @type {import('../dom.js').IconName} */ name, /** @type {string} */ key, /** @type {() => void} */ run) => el('button', { class: 'quiet square', 'aria-label': t(key), title: t(key), on: { click: run } }, icon(name));
    this.input = el('input', { type: 'search', 'aria-label': t('journal.list.find'), placeholder: t('journal.list.find'), autocomplete: 'off', 'data-test': 'find' });
    this.told = el('span', { class: 'small muted nowrap', role: 'status', 'data-test': 'find-count' });
    this.all = el('button', { class: 'link small', on: { click: () => options.onSearch(this.input.value) } }, t('journal.list.find_all'));
    const steps = [button('up', 'journal.list.find_previous', () => this.#step(-1)), button('down', 'journal.list.find_next', () => this.#step(1))];
    this.element = el('div', { class: 'find-bar', role: 'search', 'aria-label': t('journal.list.find'), hidden: true }, icon('search'), this.input, this.told, steps, this.all, button('close', 'core.close', () => this.#close()));
    this.input.addEventListener('input', () => this.#typed());
    this.input.addEventListener('keydown', (event) => this.#key(event));
    // Where the focus is in the field, the next Ctrl+F is the browser's.
    this.input.addEventListener('blur', () => this.#arm());
    this.input.addEventListener('focus', () => this.#release());
  }

  #arm() {
    this.#release();
    this.#release = shortcut({ keys: 'Ctrl+f', title: 'journal.keys.find', typing: true, run: () => this.open() });
  }

  open(text = this.input.value) {
    this.element.hidden = false;
    this.input.value = text;
    this.input.focus();
    this.input.select();
    this.#search();
  }

  #close() {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.#arm();
    this.#found = [];
    this.#paint();
    this.options.onText(null);
    this.options.grid().focus();
  }

  get #wanted() {
    return this.input.value.trim().toLowerCase();
  }

  /** @param {Row} [current] the match that stays the one that is shown */
  #search(current) {
    const [wanted, grid] = [this.#wanted, this.options.grid()];
    const columns = grid.columns();
    this.#found = wanted === '' ? [] : grid.loaded().filter(([, row]) => columns.some((column) => column.text(row).toLowerCase().includes(wanted)));
    this.#at = current ? this.#found.findIndex(([, row]) => row === current) : -1;
    this.all.hidden = wanted === '';
    this.#tell();
    this.#paint();
  }

  #tell() {
    const n = this.#found.length;
    if (this.#wanted === '') fill(this.told);
    else if (n === 0) fill(this.told, t('journal.list.find_none', { n: this.options.grid().loaded().length }));
    else fill(this.told, this.#at < 0 ? t('journal.list.found', { n }) : t('journal.list.find_at', { at: this.#at + 1, n }));
  }

  /** @param {number} by */
  #step(by) {
    const n = this.#found.length;
    if (n === 0) return;
    this.#at = (this.#at + by + n + (this.#at < 0 && by < 0 ? 1 : 0)) % n;
    this.options.grid().activate(this.#found[this.#at]?.[0] ?? 0);
    this.#tell();
    this.#paint();
  }

  /** Marks the rows, and the text in those that show. */
  #paint() {
    const rows = new Set(this.#found.map(([, row]) => row));
    const now = this.#found[this.#at]?.[1];
    const { grid, mark } = this.options;
    grid().setMark((row) => [mark(row), rows.has(row) ? 'found' : '', row === now ? 'found-now' : ''].filter(Boolean).join(' '));
    const highlights = /** @type {any} */ (CSS).highlights;
    if (!highlights) return;
    highlights.delete(MARK);
    if (!this.element.hidden && this.#wanted !== '') highlights.set(MARK, new /** @type {any} */ (window).Highlight(...rangesIn(grid().element, this.#wanted)));
  }

  #typed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#search();
      this.options.onText(this.input.value.trim() || null);
    }, 120);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === 'Enter') this.#step(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape') this.#close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Other rows show, or were loaded. */
  repaint() {
    if (!this.element.hidden) requestAnimationFrame(() => this.#search(this.#found[this.#at]?.[1]));
  }

  stop() {
    this.#release();
    clearTimeout(this.#timer);
    /** @type {any} */ (CSS).highlights?.delete(MARK);
  }
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
