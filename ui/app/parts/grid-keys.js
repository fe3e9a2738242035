/**
 * Keys and clicks of a grid. Enter and a click open a row; marking text with the mouse never does. Ctrl and Shift select rows;
 * arrows sideways go into the cells, where `m` opens the menu of the value; up from the first row is the header.
 */

import { el, icon } from '../dom.js';
import { t } from '../i18n.js';
import { activate, copySelected, select } from './grid-active.js';
import { listenToHead, menuOf, moveColumn, setWidth, shownWidth, sortBy } from './grid-columns.js';
import { giveBack } from './grid-head.js';
import { count, rowAt, visibleColumns } from './grid-rows.js';
import { openMenu } from './menu.js';

/** @typedef {import('./grid.js').State} State */

/** Pixels that a pointer may move and still click. */
const STILL = 4;

/** @param {State} s */
export function listen(s) {
  s.scroller.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || (event.target !== s.scroller && event.target instanceof Element && event.target.closest('.popover, input'))) return;
    const done = s.active.row < 0 ? headKey(s, event) : rowKey(s, event);
    if (done) event.preventDefault();
  });
  pointer(s);
  listenToHead(s);
  cellMenus(s);
}

/** @param {KeyboardEvent} event */
const isCommand = (event) => event.ctrlKey || event.metaKey;

/**
 * @param {State} s
 * @param {KeyboardEvent} event
 * @returns {boolean} whether the key was one of the grid's
 */
function rowKey(s, event) {
  const { row, column } = s.active;
  const page = s.track.page - 1;
  const last = count(s) - 1;
  const down = { ArrowDown: row + 1, j: row + 1, ArrowUp: row - 1, k: row - 1, PageDown: row + page, PageUp: row - page, Home: 0, End: last }[event.key];
  if (isCommand(event)) return command(s, event);
  if (event.altKey) return false;
  if (down !== undefined && (column < 0 || !['Home', 'End'].includes(event.key))) {
    const isUp = event.key === 'ArrowUp' && row === 0 && !event.shiftKey && !s.isNarrow;
    step(s, isUp ? -1 : Math.max(0, Math.min(last, down)), event.shiftKey && event.key.length > 1);
    s.toEnd = event.key === 'End' && s.source.total?.relation !== 'eq';
    return true;
  }
  switch (event.key) {
    case 'Home': case 'End':
      activate(s, row, event.key === 'Home' ? 0 : visibleColumns(s).length - 1);
      return true;
    case 'ArrowRight': case 'ArrowLeft':
      activate(s, row, column + (event.key === 'ArrowRight' ? 1 : -1));
      return true;
    case 'Enter': {
      const data = rowAt(s, row);
      if (data) s.options.onOpen?.(data, row);
      return data != null;
    }
    case ' ':
      select(s, () => s.selection.toggle(row));
      return true;
    case 'ContextMenu': case 'F10': case 'm':
      if (event.key === 'F10' && !event.shiftKey) return false;
      return openCellMenu(s, row, Math.max(0, column));
    case 'Escape':
      if (s.selection.size > 0) select(s, () => s.selection.clear());
      else if (column >= 0) activate(s, row, -1);
      else return false;
      return true;
    default:
      return false;
  }
}

/** @param {State} s @param {number} to @param {boolean} extends_ */
function step(s, to, extends_) {
  if (extends_) {
    if (s.selection.size === 0) s.selection.anchor = s.active.row;
    select(s, () => s.selection.extend(Math.max(0, to)));
  }
  activate(s, to);
  const row = rowAt(s, s.active.row);
  if (row && s.active.row >= 0) s.options.onActive?.(row, s.active.row);
}

/** @param {State} s @param {KeyboardEvent} event */
function command(s, event) {
  switch (event.key) {
    case 'a':
      select(s, () => s.selection.all(count(s)));
      return true;
    case 'c':
      // What is marked as text is the browser's to copy.
      if (s.selection.size === 0 || String(window.getSelection()) !== '') return false;
      void copySelected(s, 'tsv');
      return true;
    case 'Home': case 'End':
      step(s, event.key === 'Home' ? 0 : count(s) - 1, event.shiftKey);
      return true;
    default:
      return false;
  }
}

/** @param {State} s @param {KeyboardEvent} event */
function headKey(s, event) {
  const at = Math.max(0, s.active.column);
  const column = visibleColumns(s)[at];
  if (!column || event.altKey) return false;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by !== undefined) {
    if (isCommand(event)) moveColumn(s, at, at + by);
    else if (event.shiftKey) setWidth(s, column, shownWidth(s, at) + by * 16);
    else activate(s, -1, Math.max(0, at + by));
    return true;
  }
  const anchor = s.head.children[at]?.querySelector('.grid-more');
  switch (event.key) {
    case 'ArrowDown': case 'j': case 'Escape':
      activate(s, 0, -1);
      return true;
    case 'Home': case 'End':
      activate(s, -1, event.key === 'Home' ? 0 : visibleColumns(s).length - 1);
      return true;
    case 'Enter': case ' ':
      sortBy(s, column);
      return true;
    case 'ContextMenu': case 'm':
      if (anchor instanceof HTMLElement) menuOf(s, at, anchor);
      return true;
    case 'Delete':
      if (anchor && s.options.onColumns && s.columns.length > 1) {
        const ids = s.columns.filter((one) => one !== column).map((one) => one.id);
        s.options.onColumns(ids);
      }
      return true;
    default:
      return false;
  }
}

/** @param {Event} event */
const rowOf = (event) => (event.target instanceof Element ? /** @type {HTMLElement | null} */ (event.target.closest('.grid-row')) : null);

/** @param {State} s */
function pointer(s) {
  let from = { x: 0, y: 0 };
  s.body.addEventListener('mousedown', (event) => {
    from = { x: event.clientX, y: event.clientY };
    // Shift selects rows here, not the text between two clicks.
    if (event.shiftKey || isCommandClick(event)) {
      event.preventDefault();
      s.scroller.focus({ preventScroll: true });
    }
  });
  s.body.addEventListener('click', (event) => {
    const node = rowOf(event);
    if (!node || (event.target instanceof Element && event.target.closest('a, button'))) return;
    const index = Number(node.dataset.index);
    const column = event.target instanceof Element ? [...node.children].findIndex((cell) => cell.contains(/** @type {Node} */ (event.target))) : -1;
    if (event.shiftKey || isCommandClick(event)) {
      select(s, () => (event.shiftKey ? s.selection.extend(index) : s.selection.toggle(index)));
      activate(s, index, -1);
      return;
    }
    const dragged = Math.abs(event.clientX - from.x) > STILL || Math.abs(event.clientY - from.y) > STILL;
    const marked = window.getSelection();
    if (dragged || (marked && !marked.isCollapsed && marked.containsNode(node, true))) return;
    s.selection.anchor = index;
    activate(s, index, s.active.column < 0 ? -1 : column);
    const row = rowAt(s, index);
    if (row) s.options.onOpen?.(row, index);
  });
  // What is cut says itself whole.
  s.scroller.addEventListener('pointerover', (event) => {
    const cell = event.target instanceof Element ? /** @type {HTMLElement | null} */ (event.target.closest('.grid-cell')) : null;
    if (!cell || cell.title) return;
    if (cell.scrollWidth > cell.clientWidth) cell.title = textOf(s, cell);
  });
}

/** @param {MouseEvent} event */
const isCommandClick = (event) => event.ctrlKey || event.metaKey;

/** @param {State} s @param {HTMLElement} cell */
function textOf(s, cell) {
  const [index, at] = place(cell);
  const row = rowAt(s, index);
  return (row && visibleColumns(s)[at]?.text(row)) || cell.textContent || '';
}

/** @param {Element} cell @returns {[number, number]} row and column */
function place(cell) {
  const row = /** @type {HTMLElement} */ (cell.parentElement);
  return [Number(row.dataset.index), [...row.children].indexOf(cell)];
}

/** One button for all cells: it comes where the pointer is. @param {State} s */
function cellMenus(s) {
  if (!s.options.cellMenu) return;
  const more = el('button', { class: 'quiet square grid-more cell-more', tabIndex: -1, 'aria-label': t('grid.cell_menu'), 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'data-test': 'cell-menu' }, icon('more'));
  giveBack(s, more);
  more.addEventListener('click', (event) => {
    event.stopPropagation();
    const cell = more.parentElement;
    if (!cell) return;
    const [index, at] = place(cell);
    activate(s, index, at);
    openCellMenu(s, index, at);
  });
  let timer = 0;
  const isOpen = () => more.getAttribute('aria-expanded') === 'true';
  s.layer.addEventListener('pointerover', (event) => {
    const cell = event.target instanceof Element ? event.target.closest('.grid-cell') : null;
    if (!cell || more.parentElement === cell || isOpen()) return;
    // A quick click on a row opens it, wherever it hits.
    clearTimeout(timer);
    timer = setTimeout(() => !isOpen() && cell.isConnected && rowAt(s, place(cell)[0]) && cell.append(more), 180);
  });
  s.layer.addEventListener('pointerleave', () => {
    clearTimeout(timer);
    if (!isOpen()) more.remove();
  });
  moreOf.set(s, more);
}

/** The button of each grid. @type {WeakMap<State, HTMLButtonElement>} */
const moreOf = new WeakMap();

/** @param {State} s @param {number} index @param {number} at */
function openCellMenu(s, index, at) {
  const [row, column, more] = [rowAt(s, index), visibleColumns(s)[at], moreOf.get(s)];
  const cell = s.shown.get(index)?.node.children[at];
  if (!row || !column || !cell || !more || !s.options.cellMenu) return false;
  cell.append(more);
  openMenu(more, column.title, s.options.cellMenu(row, column));
  return true;
}
