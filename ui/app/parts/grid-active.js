/** The active cell and the selected rows of a grid. */

import { copy } from './copy.js';
import { draw, dress } from './grid-draw.js';
import { count, rowAt, visibleColumns } from './grid-rows.js';
import { copyText } from './grid-select.js';
import { t } from '../i18n.js';
import { toast } from './toast.js';

/** @typedef {import('./grid.js').State} State */
/** @typedef {import('./grid.js').Row} Row */

/** Most rows that are copied at once; more is an export. */
const MOST_COPIED = 10_000;

/** @param {State} s @param {number | null} position */
export function put(s, position) {
  if (position != null && Math.abs(s.scroller.scrollTop - position) >= 1) s.scroller.scrollTop = position;
}

/** @param {State} s @param {number} index @param {number} [column] */
export function activate(s, index, column = s.active.column) {
  const columns = visibleColumns(s).length;
  s.toEnd = false;
  s.active = { row: Math.max(-1, Math.min(count(s) - 1, index)), column: Math.max(-1, Math.min(columns - 1, column)) };
  if (s.active.row >= 0) put(s, s.track.go(s.track.topFor(s.active.row)));
  draw(s);
  if (s.wrap) seeWhole(s);
  const cells = s.active.row < 0 ? s.head.children : s.shown.get(s.active.row)?.node.children;
  if (s.active.column >= 0) cells?.[s.active.column]?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  // The browser may have moved the body inside of its own frame to show a cell.
  s.body.scrollTop = 0;
}

/** Rows of several lines are as high as they are: goes on until the active one shows whole. @param {State} s */
function seeWhole(s) {
  for (let guard = 0; guard < 40; guard += 1) {
    const box = s.shown.get(s.active.row)?.node.getBoundingClientRect();
    const room = s.body.getBoundingClientRect();
    if (!box || box.bottom <= room.bottom + 1 || box.top <= room.top || s.track.top >= s.track.most) return;
    put(s, s.track.go(s.track.top + s.track.row));
    draw(s);
  }
}

/** @param {State} s @param {() => void} how */
export function select(s, how) {
  how();
  for (const one of s.shown.values()) dress(s, one);
  s.options.onSelect?.(s.selection.size);
}

/** @param {State} s @param {import('./grid-select.js').CopyFormat} format */
export async function copySelected(s, format) {
  if (s.selection.size > MOST_COPIED) return toast(t('grid.too_many', { n: MOST_COPIED }), 'warning');
  /** @type {Row[]} */
  const rows = [];
  const signal = new AbortController().signal;
  for (const [first, last] of s.selection.stretches) {
    for (let index = first; index <= last; index += 1) {
      let row = rowAt(s, index);
      if (!row) {
        const at = index - s.fresh.length;
        const begin = Math.floor(at / s.source.size) * s.source.size;
        const page = await s.source.page(begin, signal);
        row = page[at - begin];
        for (; row && index < last && index - s.fresh.length - begin < page.length - 1; index += 1, row = page[index - s.fresh.length - begin]) rows.push(row);
      }
      if (row) rows.push(row);
    }
  }
  await copy(copyText(rows, visibleColumns(s), format));
}
