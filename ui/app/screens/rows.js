/** The rows of a screen, page by page behind their cursors, for the grid. */

import { get } from '../api.js';

/** @typedef {import('./model.js').ScreenColumn} ScreenColumn */
/** @typedef {{columns: ScreenColumn[], rows: unknown[][], next: string | null}} Page */

const SIZE = 100;

/**
 * @param {string} path of the API
 * @param {() => URLSearchParams} params without cursor and limit
 * @param {(page: Page) => void} onPage
 */
export function screenSource(path, params, onPage) {
  /** Cursors of pages, by their number; the first has none. @type {(string | null)[]} */
  const cursors = [null];
  let ended = false;
  /** @type {import('../parts/grid-pages.js').Source<Record<string, any>>} */
  const source = {
    size: SIZE,
    total: null,
    onTotal: null,
    async page(first, signal) {
      const wanted = first / SIZE;
      /** @type {Record<string, any>[]} */
      let rows = [];
      // A page is found behind the one before it: those that are not known yet are walked through.
      for (let at = Math.min(wanted, cursors.length - 1); at <= wanted; at += 1) {
        const asked = params();
        asked.set('limit', String(SIZE));
        const cursor = cursors[at];
        if (cursor) asked.set('cursor', cursor);
        const page = /** @type {Page} */ (await get(path, asked, signal));
        onPage(page);
        rows = page.rows.map((row) => Object.fromEntries(page.columns.map((column, place) => [column.column, row[place]])));
        if (page.next) cursors[at + 1] = page.next;
        count(at, rows.length, page.next !== null);
        if (!page.next && at < wanted) return [];
      }
      return rows;
    },
  };

  /** @param {number} at @param {number} rows @param {boolean} more */
  function count(at, rows, more) {
    if (ended) return;
    ended = !more;
    // One row beyond those that are known: scrolling there asks for it.
    const known = at * SIZE + rows + (more ? 1 : 0);
    const before = source.total?.value ?? 0;
    if (known <= before && more) return;
    source.total = { value: ended ? at * SIZE + rows : known, relation: ended ? 'eq' : 'gte' };
    source.onTotal?.();
  }
  return source;
}
