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
 */
export class Pages {
  /** Least recently looked at first. @type {Map<number, T[]>} */
  #kept = new Map();
  /** @type {Map<number, AbortController>} */
  #asked = new Map();
  /** When pages failed. @type {Map<number, number>} */
  #failed = new Map();
  #stopped = false;

  /**
   * @param {Source<T>} source
   * @param {{rows: (page: number) => void, failed: (error: unknown) => void, busy: (busy: boolean) => void}} tell
   */
  constructor(source, tell) {
    this.source = source;
    this.tell = tell;
  }

  /** @param {number} page */
  async #load(page) {
    const mine = new AbortController();
    this.#asked.set(page, mine);
    this.tell.busy(true);
    try {
      const rows = await this.source.page(page * this.source.size, mine.signal);
      if (mine.signal.aborted || this.#stopped) return;
      this.#failed.delete(page);
      this.put(page, rows);
      this.tell.rows(page);
    } catch (error) {
      if (mine.signal.aborted || this.#stopped) return;
      this.#failed.set(page, Date.now());
      this.tell.failed(error);
    } finally {
      if (this.#asked.get(page) === mine) this.#asked.delete(page);
      if (!this.#stopped) this.tell.busy(this.#asked.size > 0);
    }
  }

  /**
   * Keeps a page, as the one that was looked at last.
   * @param {number} page
   * @param {T[]} rows
   */
  put(page, rows) {
    this.#kept.delete(page);
    this.#kept.set(page, rows);
    for (const old of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(old);
    }
  }

  /** What failed may be asked for again at once. */
  forgive() {
    this.#failed.clear();
  }

  /**
   * A row, if it is there.
   * @param {number} index
   * @returns {T | undefined}
   */
  row(index) {
    return this.#kept.get(Math.floor(index / this.source.size))?.[index % this.source.size];
  }

  /**
   * Asks for what is between two rows and not there; what is not wanted any more is not waited for.
   * @param {number} first
   * @param {number} last
   */
  want(first, last) {
    const [from, to] = [Math.floor(first / this.source.size), Math.floor(last / this.source.size)];
    for (const [page, work] of this.#asked) {
      if (page >= from - 1 && page <= to + 1) continue;
      work.abort();
      this.#asked.delete(page);
    }
    for (let page = from; page <= to; page += 1) {
      const rows = this.#kept.get(page);
      if (rows) this.put(page, rows);
      else if (!this.#asked.has(page) && Date.now() - (this.#failed.get(page) ?? 0) > REST) void this.#load(page);
    }
  }

  /** Rows that are there, with their places, in order. @returns {[number, T][]} */
  loaded() {
    return [...this.#kept].sort(([a], [b]) => a - b).flatMap(([page, rows]) => rows.map((row, at) => /** @type {[number, T]} */ ([page * this.source.size + at, row])));
  }

  #abort() {
    for (const work of this.#asked.values()) work.abort();
    this.#asked.clear();
  }

  /** Stops what is under way, and keeps what is there. */
  cancel() {
    this.#abort();
    this.tell.busy(false);
  }

  stop() {
    this.#stopped = true;
    this.#abort();
    this.source.stop?.();
  }
}
