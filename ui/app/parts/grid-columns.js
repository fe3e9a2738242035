/** Columns of a grid: they sort, move, widen and go away, by mouse and by keyboard. */

import { t } from '../i18n.js';
import { activate } from './grid-active.js';
import { redraw } from './grid-draw.js';
import { makeHead, template } from './grid-head.js';
import { visibleColumns } from './grid-rows.js';
import { openMenu } from './menu.js';

/** @typedef {import('./grid.js').State} State */
/** @typedef {import('./grid.js').Column} Column */

/** Narrowest and widest column. */
const LEAST = 48;
const MOST = 1200;

/** Listens to the pointer on titles. @param {State} s */
export function listenToHead(s) {
  /** @param {Event} event */
  const target = ({ target }) => {
    const node = target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest('.grid-title')) : null;
    const at = node ? [...s.head.children].indexOf(node) : -1;
    const column = visibleColumns(s)[at];
    return node && column && target instanceof Element ? { node, at, column, edge: /** @type {HTMLElement | null} */ (target.closest('.grid-edge')), more: /** @type {HTMLElement | null} */ (target.closest('.grid-more')) } : null;
  };
  s.head.addEventListener('pointerdown', (event) => {
    const on = target(event);
    if (on?.edge) resize(s, on.column, on.edge, event);
    else if (on) move(s, on.at, on.node, event);
  });
  s.head.addEventListener('dblclick', (event) => {
    const on = target(event);
    if (on?.edge) setWidth(s, on.column, fitting(s, on.at));
  });
  s.head.addEventListener('click', (event) => {
    const on = target(event);
    if (on?.more) menuOf(s, on.at, on.more);
  });
}

/**
 * Sorts by a column: first the way that its values ask for, then the other.
 * @param {State} s
 * @param {Column} column
 * @param {boolean} [descending]
 */
export function sortBy(s, column, descending = s.sort?.id === column.id ? !s.sort.descending : (column.number ?? column.id === 'event_time')) {
  if (column.sorts) s.options.onSort?.({ id: column.id, descending });
}

/** @param {State} s @param {Column} column @param {number | null} width */
export function setWidth(s, column, width) {
  const widths = { ...s.widths };
  if (width == null) delete widths[column.id];
  else widths[column.id] = Math.round(Math.max(LEAST, Math.min(MOST, width)));
  s.widths = widths;
  template(s);
  s.options.onWidths?.(widths);
}

/** How wide a column is now. @param {State} s @param {number} at */
export const shownWidth = (s, at) => /** @type {HTMLElement} */ (s.head.children[at])?.offsetWidth ?? 0;

/** The width in which everything that shows has room. @param {State} s @param {number} at */
function fitting(s, at) {
  const range = document.createRange();
  let most = 0;
  for (const node of [s.head.children[at]?.firstElementChild, ...[...s.shown.values()].map(({ node }) => node.children[at])]) {
    if (!node) continue;
    range.selectNodeContents(node);
    most = Math.max(most, range.getBoundingClientRect().width);
  }
  return most + 36;
}

/**
 * Puts a column elsewhere.
 * @param {State} s
 * @param {number} from
 * @param {number} to
 */
export function moveColumn(s, from, to) {
  const columns = [...s.columns];
  const [moved] = columns.splice(from, 1);
  if (!moved || to < 0 || to > columns.length || s.isNarrow) return;
  columns.splice(to, 0, moved);
  if (s.active.row < 0) s.active.column = to;
  told(s, columns);
}

/** @param {State} s @param {Column[]} columns */
function told(s, columns) {
  s.columns = columns;
  makeHead(s);
  redraw(s);
  s.options.onColumns?.(columns.map((column) => column.id));
}

/**
 * The menu of a column.
 * @param {State} s
 * @param {number} at
 * @param {HTMLElement} anchor
 */
export function menuOf(s, at, anchor) {
  const column = visibleColumns(s)[at];
  if (!column) return;
  const movable = s.options.onColumns && !s.isNarrow;
  openMenu(anchor, column.title, [
    ...(column.sorts && s.options.onSort
      ? [
          { label: t(column.number || column.id === 'event_time' ? 'grid.sort_largest' : 'grid.sort_descending'), icon: /** @type {const} */ ('down'), run: () => sortBy(s, column, true) },
          { label: t(column.number || column.id === 'event_time' ? 'grid.sort_smallest' : 'grid.sort_ascending'), icon: /** @type {const} */ ('up'), run: () => sortBy(s, column, false) },
          ...(s.sort?.id === column.id ? [{ label: t('grid.sort_default'), run: () => s.options.onSort?.(null) }] : []),
          /** @type {const} */ ('line'),
        ]
      : []),
    { label: t('grid.fit'), run: () => setWidth(s, column, fitting(s, at)) },
    { label: t('grid.wider'), note: 'Shift →', run: () => setWidth(s, column, shownWidth(s, at) + 40) },
    { label: t('grid.narrower'), note: 'Shift ←', run: () => setWidth(s, column, shownWidth(s, at) - 40) },
    { label: t('grid.width_default'), disabled: s.widths[column.id] === undefined, run: () => setWidth(s, column, null) },
    ...(movable
      ? [
          /** @type {const} */ ('line'),
          { label: t('grid.left'), icon: /** @type {const} */ ('left'), note: 'Ctrl ←', disabled: at === 0, run: () => moveColumn(s, at, at - 1) },
          { label: t('grid.right'), icon: /** @type {const} */ ('right'), note: 'Ctrl →', disabled: at === s.columns.length - 1, run: () => moveColumn(s, at, at + 1) },
          { label: t('grid.remove'), icon: /** @type {const} */ ('close'), disabled: s.columns.length < 2, run: () => told(s, s.columns.filter((one) => one !== column)) },
        ]
      : []),
  ]);
}

/** @param {State} s @param {Column} column @param {HTMLElement} edge @param {PointerEvent} event */
function resize(s, column, edge, event) {
  if (event.button !== 0) return;
  event.preventDefault();
  event.stopPropagation();
  const from = event.clientX;
  const width = edge.parentElement?.offsetWidth ?? column.width;
  edge.setPointerCapture(event.pointerId);
  const moved = (/** @type {PointerEvent} */ now) => {
    s.widths = { ...s.widths, [column.id]: Math.max(LEAST, Math.min(MOST, width + now.clientX - from)) };
    template(s);
  };
  const done = () => {
    edge.removeEventListener('pointermove', moved);
    if (s.widths[column.id] !== undefined && s.widths[column.id] !== width) setWidth(s, column, s.widths[column.id] ?? width);
  };
  edge.addEventListener('pointermove', moved);
  edge.addEventListener('pointerup', done, { once: true });
  edge.addEventListener('pointercancel', done, { once: true });
}

/** A click on a title sorts, a drag moves the column. @param {State} s @param {number} at @param {HTMLElement} node @param {PointerEvent} event */
function move(s, at, node, event) {
  if (event.button !== 0 || (event.target instanceof Element && event.target.closest('button'))) return;
  const from = event.clientX;
  let to = at;
  let drags = false;
  const moved = (/** @type {PointerEvent} */ now) => {
    drags ||= Math.abs(now.clientX - from) > 6 && s.options.onColumns != null && event.pointerType === 'mouse';
    if (!drags) return;
    node.classList.add('moving');
    const titles = /** @type {HTMLElement[]} */ ([...s.head.children]);
    const middles = titles.map((one) => one.getBoundingClientRect()).map((box) => (box.left + box.right) / 2);
    to = middles.filter((middle, index) => index !== at && now.clientX > middle).length;
    titles.forEach((one, index) => one.classList.toggle('drop-before', index === (to >= at ? to + 1 : to) && to !== at));
    titles.at(-1)?.classList.toggle('drop-after', to === titles.length - 1 && to !== at);
  };
  const done = (/** @type {PointerEvent} */ now) => {
    document.removeEventListener('pointermove', moved);
    document.removeEventListener('pointerup', done);
    document.removeEventListener('pointercancel', done);
    for (const one of s.head.children) one.classList.remove('moving', 'drop-before', 'drop-after');
    const column = visibleColumns(s)[at];
    if (now.type === 'pointercancel' || !column) return;
    activate(s, -1, at);
    if (drags && to !== at) moveColumn(s, at, to);
    else if (!drags) sortBy(s, column);
  };
  document.addEventListener('pointermove', moved);
  document.addEventListener('pointerup', done);
  document.addEventListener('pointercancel', done);
}
