/**
 * A table of any number of rows: only those that show are in the page. Its rows come from a {@link Source} page by page and
 * stand in a window that sticks while a tall empty element scrolls, because browsers round and end tall distances.
 *
 * One stop for Tab: the focus stays on the grid, and `aria-activedescendant` says which row, cell or title is meant. Header in
 * grid-head.js, rows in grid-draw.js, keys and clicks in grid-keys.js, places in grid-track.js, pages in grid-pages.js, selection in
 * grid-select.js, the active cell in grid-active.js, what is done with columns in grid-columns.js, other lists and failures in
 * grid-source.js.
 */

import { el, newId } from '../dom.js';
import { load, t } from '../i18n.js';
import { style } from '../routes.js';
import { activate, copySelected, put, select } from './grid-active.js';
import { draw, drawSoon, dress, number, redraw } from './grid-draw.js';
import { makeHead } from './grid-head.js';
import { Pages } from './grid-pages.js';
import { WRAPPED, count, rowAt, visibleColumns } from './grid-rows.js';
import { Selection } from './grid-select.js';
import { bring, busy, counted, say, swap, use } from './grid-source.js';
import { Track } from './grid-track.js';
import { empty } from './states.js';

/** @typedef {Record<string, any>} Row */
/** @typedef {import('./grid-pages.js').Source<Row>} Source */
/** @typedef {import('./menu.js').Item} Item */

/**
 * @typedef {object} Column
 * @property {string} id
 * @property {string} title
 * @property {string} [hint] what it means
 * @property {number} width pixels, where nobody chose
 * @property {boolean | 'evenly'} [grows] takes the room that is left: twice as much as the others, or as they do
 * @property {boolean} [firm] gives none of its width away
 * @property {boolean} [number] at the right, digits under each other
 * @property {boolean} [mono]
 * @property {boolean} [sorts] whether the source can sort by it
 * @property {(row: Row) => import('../dom.js').Children} cell
 * @property {(row: Row) => string} text what is copied, found, and shown whole
 */

/**
 * @typedef {object} Options
 * @property {string} label
 * @property {Column[]} columns
 * @property {Source} source
 * @property {string} [test] hook for tests
 * @property {(row: Row, index: number) => void} [onOpen] Enter or a click
 * @property {(row: Row, index: number) => void} [onActive] another row became the active one, by keys
 * @property {{id: string, descending: boolean} | null} [sort]
 * @property {(sort: {id: string, descending: boolean} | null) => void} [onSort]
 * @property {(ids: string[]) => void} [onColumns] the order was changed, or a column removed
 * @property {Record<string, number>} [widths] of columns, where somebody chose
 * @property {(widths: Record<string, number>) => void} [onWidths]
 * @property {(row: Row, column: Column) => (Item | 'line')[]} [cellMenu]
 * @property {(row: Row) => string} [rowClass]
 * @property {{columns: Column[], row: number, below: number}} [narrow] what is shown instead in less than `below` pixels of width
 * @property {boolean} [wrap] long texts take several lines
 * @property {(count: number) => void} [onSelect]
 * @property {() => void} [onMove] scrolled
 * @property {(busy: boolean) => void} [onBusy]
 * @property {() => void} [onTotal]
 * @property {() => HTMLElement} [whenEmpty]
 */

/** @typedef {ReturnType<typeof state>} State what the files of the grid share */

/** Texts and styles of the grid; whoever makes one waits for them. */
export async function prepare() {
  await Promise.all([load('grid'), style('grid')]);
}

/** @param {Options} options */
function state(options) {
  const id = newId('grid');
  const head = el('div', { class: 'grid-head', role: 'row', 'aria-rowindex': 1 });
  const layer = el('div', { class: 'grid-layer', role: 'rowgroup' });
  const body = el('div', { class: 'grid-body', role: 'presentation' }, layer);
  const frame = el('div', { class: 'grid-window', role: 'presentation' }, el('div', { role: 'rowgroup', class: 'grid-top' }, head), body);
  const sizer = el('div', { class: 'grid-size', role: 'presentation' }, frame);
  const scroller = el('div', { class: 'grid-scroll', role: 'grid', tabIndex: 0, id, 'aria-label': options.label, 'aria-multiselectable': 'true', 'data-test': options.test }, sizer);
  const over = el('div', { class: 'grid-over', hidden: true });
  const root = el('div', { class: 'grid' }, el('div', { class: 'busy-line', 'aria-hidden': 'true' }), scroller, over);
  return {
    id, root, scroller, sizer, frame, head, body, layer, over,
    options,
    columns: options.columns,
    widths: options.widths ?? {},
    sort: options.sort ?? null,
    wrap: options.wrap ?? false,
    isNarrow: false,
    track: new Track(),
    selection: new Selection(),
    /** Rows before those of the source, newest first. @type {Row[]} */
    fresh: [],
    /** @type {Pages<Row>} */
    pages: new Pages(options.source, { rows: () => undefined, failed: () => undefined, busy: () => undefined }),
    source: options.source,
    /** Elements of the rows that show. @type {Map<number, {node: HTMLElement, row: Row | undefined}>} */
    shown: new Map(),
    /** `row` -1 is the header; `column` -1 the whole row. */
    active: { row: 0, column: -1 },
    /** The end was asked for before it was known where that is. */
    toEnd: false,
    /** Rows that are marked: what was found, the open one. @type {(row: Row) => string} */
    mark: () => '',
    drawing: 0,
    /** Asks again for what failed. @type {(() => void) | null} */
    again: null,
    /** What is said to be empty. @type {Source | null} */
    empty: null,
    /** Another list is on its way. @type {AbortController | null} */
    next: null,
  };
}

/**
 * Makes a grid; {@link prepare} first.
 * @param {Options} options
 */
export const grid = (options) => new Grid(options);

/** What the owner of a grid does with it. */
export class Grid {
  #s;
  #resized;
  #measure = () => measure(this.#s);

  /** @param {Options} options */
  constructor(options) {
    const s = state(options);
    this.#s = s;
    this.element = s.root;
    this.#resized = new ResizeObserver(this.#measure);
    this.#resized.observe(s.scroller);
    window.addEventListener('kronika-theme', this.#measure);
    let settling = 0;
    const onScroll = () => {
      scrolled(s);
      clearTimeout(settling);
      settling = setTimeout(() => put(s, s.track.settle()), 160);
    };
    s.scroller.addEventListener('scroll', onScroll, { passive: true });
    // Keys and the pointer: nobody is faster than their code.
    void import('./grid-keys.js').then(({ listen }) => listen(s));
    use(s, options.source);
    makeHead(s);
    measure(s);
  }

  /**
   * Another list. What is there stays until the rows of the new one have come.
   * @param {Source} source
   * @param {{keepPlace?: boolean, first?: Row[]}} [how] `keepPlace`: the same rows, asked for anew; `first`: the rows of its first page, which are there
   */
  setSource(source, how = {}) {
    this.#s.next?.abort();
    this.#s.next = null;
    if (how.first || count(this.#s) === 0) swap(this.#s, source, how);
    else void bring(this.#s, source, how);
  }

  /** @param {Column[]} columns @param {Record<string, number>} [widths] */
  setColumns(columns, widths = this.#s.widths) {
    Object.assign(this.#s, { columns, widths });
    makeHead(this.#s);
    redraw(this.#s);
  }

  /** @param {{id: string, descending: boolean} | null} sort */
  setSort(sort) {
    this.#s.sort = sort;
    makeHead(this.#s);
  }

  /** @param {boolean} wrap */
  setWrap(wrap) {
    this.#s.wrap = wrap;
    measure(this.#s);
    redraw(this.#s);
  }

  /** New rows above all others; what is selected or active stays the same row. @param {Row[]} rows newest first */
  prepend(rows) {
    prepend(this.#s, rows);
  }

  /** Marks rows by a class; called again for each row that shows. @param {(row: Row) => string} mark */
  setMark(mark) {
    this.#s.mark = mark;
    for (const one of this.#s.shown.values()) dress(this.#s, one);
  }

  /** Makes a row the active one and shows it. @param {number} index */
  activate(index) {
    activate(this.#s, index);
  }

  /** Goes some rows on; the row that is the active one then. @param {number} by @returns {{row: Row | undefined, index: number}} */
  step(by) {
    const { active } = this.#s;
    activate(this.#s, active.row < 0 ? 0 : active.row + by);
    const index = this.activeRow();
    return { row: rowAt(this.#s, index), index };
  }

  /** Index of the row that is the active one; -1 is the header. */
  activeRow() {
    return this.#s.active.row;
  }

  focus() {
    this.#s.scroller.focus({ preventScroll: true });
  }

  /** Rows that are in memory, with their places. @returns {[number, Row][]} */
  loaded() {
    const { fresh, pages } = this.#s;
    return [...fresh.entries(), ...pages.loaded().map(([at, row]) => /** @type {[number, Row]} */ ([at + fresh.length, row]))];
  }

  columns() {
    return visibleColumns(this.#s);
  }

  count() {
    return count(this.#s);
  }

  /** How many rows there are, as far as it is known. */
  total() {
    const known = this.#s.source.total;
    return known && { value: count(this.#s), relation: known.relation };
  }

  /** Rows that were put above those of the source. */
  freshCount() {
    return this.#s.fresh.length;
  }

  atTop() {
    return this.#s.track.top <= 0;
  }

  toTop() {
    this.#s.active = { row: 0, column: -1 };
    put(this.#s, this.#s.track.go(0));
    redraw(this.#s);
  }

  selected() {
    return this.#s.selection.size;
  }

  clearSelection() {
    select(this.#s, () => this.#s.selection.clear());
  }

  /** @param {import('./grid-select.js').CopyFormat} format */
  copy(format) {
    return copySelected(this.#s, format);
  }

  /** Stops asking for rows. */
  cancel() {
    const s = this.#s;
    s.next?.abort();
    s.next = null;
    busy(s, false);
    s.pages.cancel();
    if (count(s) > 0) return;
    const again = () => {
      say(s, null);
      s.pages.want(0, 0);
    };
    say(s, empty(t('grid.stopped'), null, el('button', { on: { click: again } }, t('core.again'))));
  }

  hasFailed() {
    return this.#s.again != null;
  }

  /** Asks again for what failed. */
  retry() {
    this.#s.again?.();
  }

  /** Whether the keys are the grid's now. */
  isActive() {
    return this.#s.scroller.contains(document.activeElement);
  }

  stop() {
    this.#s.next?.abort();
    this.#s.pages.stop();
    this.#resized.disconnect();
    window.removeEventListener('kronika-theme', this.#measure);
    cancelAnimationFrame(this.#s.drawing);
  }
}

/** The room, or the height of rows, changed. @param {State} s */
export function measure(s) {
  const { clientHeight, clientWidth } = s.scroller;
  const narrow = s.options.narrow != null && clientWidth > 0 && clientWidth < s.options.narrow.below;
  if (narrow !== s.isNarrow) {
    s.isNarrow = narrow;
    s.active.column = -1;
    s.root.classList.toggle('narrow', narrow);
    makeHead(s);
    for (const { node } of s.shown.values()) node.remove();
    s.shown.clear();
  }
  s.root.classList.toggle('wrap', s.wrap && !narrow);
  const row = Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--row')) || 28;
  const at = s.track.top / s.track.row;
  s.track.row = narrow && s.options.narrow ? s.options.narrow.row + (row - 28) : s.wrap ? row * WRAPPED : row;
  s.root.style.setProperty('--grid-row', `${s.wrap && !narrow ? row : s.track.row}px`);
  s.frame.style.height = `${clientHeight}px`;
  s.track.view = Math.max(0, clientHeight - s.body.offsetTop);
  counted(s);
  put(s, s.track.go(at * s.track.row));
  draw(s);
}

/** @param {State} s */
function scrolled(s) {
  // What the grid itself did needs no answer; sideways is the browser's.
  if (Math.abs(s.scroller.scrollTop - s.track.seen) < 1) return;
  put(s, s.track.moved(s.scroller.scrollTop));
  drawSoon(s);
  s.options.onMove?.();
}

/** @param {State} s @param {Row[]} rows */
function prepend(s, rows) {
  const by = rows.length;
  if (by === 0) return;
  const stays = s.track.top > 0;
  s.fresh = [...rows, ...s.fresh];
  s.selection.shift(by);
  if (s.active.row > 0 || stays || s.selection.size > 0) s.active.row = Math.max(0, s.active.row) + by;
  const moved = [...s.shown].map(([index, one]) => /** @type {const} */ ([index + by, one]));
  s.shown = new Map(moved);
  for (const [index, one] of moved) {
    number(s, index, one.node);
    dress(s, one, index);
  }
  counted(s);
  if (stays) put(s, s.track.go(s.track.top + by * s.track.row));
  draw(s);
}
