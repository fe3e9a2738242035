/** The header of a grid: titles and the room of their columns. What is done with them is in grid-columns.js. */

import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { point } from './grid-draw.js';
import { visibleColumns } from './grid-rows.js';

/** @typedef {import('./grid.js').State} State */
/** @typedef {import('./grid.js').Column} Column */

/** @param {State} s @param {Column} column */
const widthOf = (s, column) => s.widths[column.id] ?? column.width;

/** The least width of a column of which nobody chose the width: in little room it gives some away. @param {State} s @param {Column} column */
const leastOf = (s, column) => (s.widths[column.id] !== undefined || column.firm || column.grows ? widthOf(s, column) : Math.round(widthOf(s, column) * 0.7));

/**
 * Widths of all columns. Where one grows, all of which nobody chose the width share the room, that one twice as much unless
 * it grows evenly; else each has its own.
 * @param {State} s
 */
export function template(s) {
  const columns = visibleColumns(s);
  const isFree = (/** @type {Column} */ column) => s.widths[column.id] === undefined && !column.firm;
  const shares = columns.some((column) => column.grows && isFree(column));
  const tracks = columns.map((column) => {
    const [least, width] = [leastOf(s, column), widthOf(s, column)];
    if (!isFree(column)) return `${width}px`;
    return shares ? `minmax(${least}px, ${column.grows === true ? width * 2 : width}fr)` : `minmax(${least}px, ${width}px)`;
  });
  s.root.style.setProperty('--grid-columns', tracks.join(' ') || '1fr');
  s.sizer.style.minWidth = s.isNarrow ? '0' : `${columns.reduce((sum, column) => sum + leastOf(s, column), 0)}px`;
}

/** Makes the header anew. @param {State} s */
export function makeHead(s) {
  const columns = visibleColumns(s);
  s.scroller.setAttribute('aria-colcount', String(columns.length));
  fill(s.head, columns.map((column, at) => title(s, column, at)));
  template(s);
  point(s);
}

/** @param {State} s @param {Column} column @param {number} at */
function title(s, column, at) {
  const sorted = s.sort?.id === column.id ? (s.sort.descending ? 'descending' : 'ascending') : undefined;
  const node = el(
    'div',
    { class: ['grid-title', column.number && 'number'], role: 'columnheader', id: `${s.id}-h${at}`, 'aria-colindex': at + 1, 'aria-label': column.title, 'aria-sort': sorted ?? (column.sorts ? 'none' : undefined), title: column.hint ?? column.title, data: { column: column.id } },
    el('span', { class: 'cut' }, column.title),
    sorted && icon(sorted === 'descending' ? 'down' : 'up'),
  );
  const more = el('button', { class: 'quiet square grid-more', tabIndex: -1, 'aria-label': t('grid.column_menu', { column: column.title }), 'aria-haspopup': 'menu', 'aria-expanded': 'false' }, icon('more'));
  giveBack(s, more);
  node.append(more, el('div', { class: 'grid-edge', title: t('grid.resize') }));
  return node;
}

/**
 * A button in the grid hands the focus to the grid, whose keys work then.
 * @param {State} s
 * @param {HTMLElement} button
 */
export function giveBack(s, button) {
  button.addEventListener('mousedown', (event) => event.preventDefault());
  button.addEventListener('focus', () => s.scroller.focus({ preventScroll: true }));
}
