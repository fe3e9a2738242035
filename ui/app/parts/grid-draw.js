/**
 * Drawing a grid: the rows of the present place, as few changes of the page as will do. A row that shows already stays the
 * element that it is, so that what is marked in it stays marked.
 */

import { el } from '../dom.js';
import { WRAPPED, rowAt, visibleColumns } from './grid.js';

/** @typedef {import('./grid.js').State} State */
/** @typedef {import('./grid.js').Row} Row */

/** Most rows in the page, on whatever screen. */
const MOST_SHOWN = 96;

/** @param {State} s */
export function drawSoon(s) {
  if (s.drawing) return;
  s.drawing = requestAnimationFrame(() => {
    s.drawing = 0;
    draw(s);
  });
}

/** Everything that shows is made anew. @param {State} s */
export function redraw(s) {
  for (const { node } of s.shown.values()) node.remove();
  s.shown.clear();
  draw(s);
}

/** Shows the rows of the present place: those that are there already stay the elements that they are. @param {State} s */
export function draw(s) {
  const { track } = s;
  const base = s.wrap ? track.row / WRAPPED : track.row;
  const room = Math.min(MOST_SHOWN, Math.ceil(track.view / base) + 1);
  const isEnd = s.wrap && track.most > 0 && track.top >= track.most - 1;
  const first = Math.max(0, isEnd ? track.count - room : track.first);
  const last = Math.min(track.count - 1, first + room - 1);
  for (const [index, { node }] of s.shown) {
    if (index >= first && index <= last) continue;
    node.remove();
    s.shown.delete(index);
  }
  let before = /** @type {Element | null} */ (null);
  for (let index = first; index <= last; index += 1) {
    const node = rowNode(s, index);
    const after = before ? before.nextSibling : s.layer.firstChild;
    if (after !== node) s.layer.insertBefore(node, after);
    before = node;
  }
  place(s, first, isEnd);
  point(s);
  if (track.count > s.fresh.length) s.pages.want(Math.max(0, first - s.fresh.length), Math.max(0, Math.min(last + 20, track.count - 1) - s.fresh.length));
}

/** @param {State} s @param {number} first @param {boolean} isEnd */
function place(s, first, isEnd) {
  const { track, layer } = s;
  let above = track.top - first * track.row;
  if (s.wrap) {
    const share = above / track.row;
    above = isEnd ? Math.max(0, layer.offsetHeight - track.view) : share * (layer.firstElementChild instanceof HTMLElement ? layer.firstElementChild.offsetHeight : 0);
  }
  layer.style.transform = `translateY(${-Math.round(above)}px)`;
}

/** The element of a row; made anew only when the row came or became another. @param {State} s @param {number} index */
function rowNode(s, index) {
  const row = rowAt(s, index);
  const found = s.shown.get(index);
  if (found && found.row === row) return found.node;
  const columns = visibleColumns(s);
  const cells = columns.map((column, at) =>
    el('div', { class: ['grid-cell', column.number && 'number', column.mono && 'mono'], role: 'gridcell', 'aria-colindex': at + 1 }, row ? column.cell(row) : at === 0 && el('span', { class: 'grid-wait' })),
  );
  const node = el('div', { class: 'grid-row', role: 'row', data: { test: row ? 'row' : undefined } }, cells);
  for (const inner of node.querySelectorAll('a, button')) inner.setAttribute('tabindex', '-1');
  found?.node.remove();
  const made = { node, row };
  s.shown.set(index, made);
  number(s, index, node);
  dress(s, made, index);
  return node;
}

/** @param {State} s @param {number} index @param {HTMLElement} node */
export function number(s, index, node) {
  node.id = `${s.id}-${index}`;
  node.dataset.index = String(index);
  node.setAttribute('aria-rowindex', String(index + 2));
  [...node.children].forEach((cell, at) => (cell.id = `${s.id}-${index}-${at}`));
}

/** @param {State} s @param {{node: HTMLElement, row: Row | undefined}} one @param {number} [index] */
export function dress(s, { node, row }, index = Number(node.dataset.index)) {
  const selected = s.selection.has(index);
  node.setAttribute('aria-selected', String(selected));
  node.className = ['grid-row', index % 2 ? 'odd' : '', selected ? 'selected' : '', row ? (s.options.rowClass?.(row) ?? '') : '', row ? s.mark(row) : ''].filter(Boolean).join(' ');
}

/** Says which row, cell or title is meant. @param {State} s */
export function point(s) {
  for (const old of s.root.querySelectorAll('.grid-active')) old.classList.remove('grid-active');
  const { row, column } = s.active;
  const id = row < 0 ? `${s.id}-h${Math.max(0, column)}` : column < 0 ? `${s.id}-${row}` : `${s.id}-${row}-${column}`;
  const node = document.getElementById(id);
  if (node) {
    node.classList.add('grid-active');
    s.scroller.setAttribute('aria-activedescendant', id);
  } else s.scroller.removeAttribute('aria-activedescendant');
}
