/**
 * Rows of a source, page by page: those that are looked at are asked for, those far away are forgotten, so that memory is
 * the same after any way of scrolling.
 */

/**
 * @template T
 * @typedef {object} Source
 * @property {number} size rows of a page
 * @property {{value: number, relation: 'eq' | 'gte'} | null} total as far as it is known
 * @property {(first: number, signal: AbortSignal) => Promise<T[]>} page the rows from a multiple of `size` on
 * @property {(() => void) | null} [onTotal] set by the grid, called when `total` is known better
 * @property {() => void} [stop]
 */

/** Pages that are kept. */
const KEPT = 24;
/** A page that failed is not asked for again by scrolling before so many milliseconds. */
const REST = 3_000;

/**
 * @template T
 * @param {Source<T>} source
 * @param {{rows: (page: number) => void, failed: (error: unknown) => void, busy: (busy: boolean) => void}} tell
 */
export function pagesOf(source, tell) {
  /** Least recently looked at first. @type {Map<number, T[]>} */
  const kept = new Map();
  /** @type {Map<number, AbortController>} */
  const asked = new Map();
  /** When pages failed. @type {Map<number, number>} */
  const failed = new Map();
  let stopped = false;

  /** @param {number} page */
  async function load(page) {
    const mine = new AbortController();
    asked.set(page, mine);
    tell.busy(true);
    try {
      const rows = await source.page(page * source.size, mine.signal);
      if (mine.signal.aborted || stopped) return;
      failed.delete(page);
      keep(page, rows);
      tell.rows(page);
    } catch (error) {
      if (mine.signal.aborted || stopped) return;
      failed.set(page, Date.now());
      tell.failed(error);
    } finally {
      if (asked.get(page) === mine) asked.delete(page);
      if (!stopped) tell.busy(asked.size > 0);
    }
  }

  /**
   * @param {number} page
   * @param {T[]} rows
   */
  function keep(page, rows) {
    kept.delete(page);
    kept.set(page, rows);
    for (const old of kept.keys()) {
      if (kept.size <= KEPT) break;
      kept.delete(old);
    }
  }

  return {
    put: keep,
    /** What failed may be asked for again at once. */
    forgive: () => failed.clear(),
    /**
     * A row, if it is there.
     * @param {number} index
     * @returns {T | undefined}
     */
    row(index) {
      return kept.get(Math.floor(index / source.size))?.[index % source.size];
    },
    /**
     * Asks for what is between two rows and not there; what is not wanted any more is not waited for.
     * @param {number} first
     * @param {number} last
     */
    want(first, last) {
      const [from, to] = [Math.floor(first / source.size), Math.floor(last / source.size)];
      for (const [page, work] of asked) {
        if (page >= from - 1 && page <= to + 1) continue;
        work.abort();
        asked.delete(page);
      }
      for (let page = from; page <= to; page += 1) {
        const rows = kept.get(page);
        if (rows) keep(page, rows);
        else if (!asked.has(page) && Date.now() - (failed.get(page) ?? 0) > REST) void load(page);
      }
    },
    /** Rows that are there, with their places, in order. @returns {[number, T][]} */
    loaded() {
      return [...kept].sort(([a], [b]) => a - b).flatMap(([page, rows]) => rows.map((row, at) => /** @type {[number, T]} */ ([page * source.size + at, row])));
    },
    /** Stops what is under way, and keeps what is there. */
    cancel() {
      for (const work of asked.values()) work.abort();
      asked.clear();
      tell.busy(false);
    },
    stop() {
      stopped = true;
      for (const work of asked.values()) work.abort();
      asked.clear();
      source.stop?.();
    },
  };
}

/**
 * A source over rows that are all there: results of SQL, reports of a task.
 * @template T
 * @param {T[]} rows
 * @returns {Source<T>}
 */
export function sourceOf(rows) {
  return { size: 200, total: { value: rows.length, relation: 'eq' }, page: async (first) => rows.slice(first, first + 200) };
}
