/**
 * The journal's list as a source of a grid: any row of any number of them.
 *
 * The API gives pages one behind the other, by cursors. Where the list is in the order of time, a row far away is found by
 * asking the histogram what lies between (seek.js); in other orders the pages on the way are passed through, without their
 * contents. Everything is of the period that the first answer resolved, so that a moving period does not move rows.
 */

import { get } from '../api.js';
import { seek } from './seek.js';

/** @typedef {import('../parts/grid-pages.js').Source<Record<string, any>>} Source */
/** @typedef {{from: string | null, to: string | null, tz: string}} Resolved the period as the server understood it */
/** @typedef {Record<string, string>} Where `cursor`, or `from` and `to` */

/** Rows of a page: some screens. */
const SIZE = 100;
/** Rows that one question may pass over; the API's own limit. */
const LEAP = 1000;
/** A row no further than this is reached page by page rather than by asking where it is. */
const NEAR = 2 * LEAP;

/**
 * @typedef {object} Asked
 * @property {URLSearchParams} params filters and period
 * @property {string} sort `-event_time`
 * @property {string[]} fields columns of the rows
 * @property {(rows: Record<string, any>[]) => void} [onRows] rows came
 * @property {{total: Source['total'], period: Resolved | null} | null} [like] the same list with other columns: its period and its length hold
 * @property {boolean} [counted] counts with the first rows, of the same moment, and not apart from them
 */

/** The answer that is on its way, and what it was asked. @type {{asked: string, answer: Promise<any>} | null} */
let foreseen = null;

/** @implements {Source} */
export class ListSource {
  #asked;
  #stopping = new AbortController();
  /** Rows of which it is known how to ask for them. @type {Map<number, Where>} */
  #anchors = new Map([[0, {}]]);
  #isCounted;

  /** @param {Asked} asked */
  constructor(asked) {
    this.#asked = asked;
    this.#isCounted = asked.like?.total?.relation === 'eq';
    this.size = SIZE;
    /** @type {Source['total']} */
    this.total = asked.like?.total ?? null;
    /** @type {Resolved | null} */
    this.period = asked.like?.period ?? null;
    /** @type {(() => void) | null} */
    this.onTotal = null;
  }

  stop() {
    this.#stopping.abort();
  }

  /**
   * The rows from a multiple of the size on.
   * @param {number} first
   * @param {AbortSignal} signal
   * @returns {Promise<Record<string, any>[]>}
   */
  async page(first, signal) {
    let { index, where } = await this.#anchorFor(first, signal);
    for (;;) {
      const skip = first - index;
      const isLast = skip + SIZE <= LEAP;
      // What is only passed over needs no contents.
      const limit = isLast ? skip + SIZE : Math.min(skip, LEAP);
      const answer = await this.#ask({ ...where, limit, fields: isLast ? this.#asked.fields.join(',') : 'event_id' }, signal);
      this.#took(index, answer);
      if (isLast || !answer.next) {
        const rows = isLast ? answer.events.slice(skip) : [];
        if (rows.length > 0) this.#asked.onRows?.(rows);
        return rows;
      }
      index += answer.events.length;
      where = { cursor: answer.next };
    }
  }

  /**
   * @param {Record<string, string | number>} more
   * @param {AbortSignal} signal
   */
  #ask(more, signal) {
    const total = this.#asked.counted && !this.#isCounted ? 'exact' : 'none';
    const params = this.#within({ sort: this.#asked.sort, total, ...more });
    const known = foreseen;
    foreseen = null;
    return known?.asked === params.toString() ? known.answer : get('/events', params, signal);
  }

  /** Asks for the first rows before there is anything to show them; the list that is made next takes them. */
  foresee() {
    const params = this.#within({ sort: this.#asked.sort, total: 'none', limit: SIZE, fields: this.#asked.fields.join(',') });
    foreseen = { asked: params.toString(), answer: get('/events', params) };
    foreseen.answer.catch(() => undefined); // whoever takes it is told
  }

  /** The filters, with the resolved period once it is known. @param {Record<string, string | number>} more */
  #within(more) {
    const all = new URLSearchParams(this.#asked.params);
    const { period } = this;
    if (period) {
      for (const name of ['period', 'from', 'to']) all.delete(name);
      if (period.from) all.set('from', period.from);
      if (period.to) all.set('to', period.to);
      if (!period.from && !period.to) all.set('period', 'all');
    }
    for (const [name, value] of Object.entries(more)) all.set(name, String(value));
    if (all.has('from') || all.has('to')) all.delete('period');
    return all;
  }

  /**
   * Learns from an answer: where the next page begins, and how many rows there are.
   * @param {number} index
   * @param {any} answer
   */
  #took(index, answer) {
    const end = index + answer.events.length;
    this.period ??= answer.period;
    if (answer.next) this.#anchors.set(end, { cursor: answer.next });
    if (answer.total) this.#become(answer.total.value, answer.total.relation);
    const known = this.total;
    if (!answer.next && !(known?.relation === 'eq' && known.value === end)) this.#become(end, 'eq');
    else if (answer.next && end >= (known?.value ?? 0)) this.#become(end + 1, 'gte');
    if (!this.#isCounted && !this.#asked.counted && answer.next) void this.#countAll();
    this.#isCounted = true;
  }

  /** @param {number} value @param {'eq' | 'gte'} relation */
  #become(value, relation) {
    this.total = { value, relation };
    this.onTotal?.();
  }

  /** The exact number, apart from the rows: they need not wait for it. */
  async #countAll() {
    try {
      const { signal } = this.#stopping;
      const answer = await get('/events', this.#within({ limit: 1, fields: 'event_id', total: 'exact' }), signal);
      if (answer.total && !signal.aborted) this.#become(Math.max(answer.total.value, this.total?.relation === 'eq' ? this.total.value : 0), 'eq');
    } catch {
      // The list says "at least" then; its rows are there, and more of them come as it is scrolled.
    }
  }

  /**
   * The nearest row before `first` of which it is known how to ask for it.
   * @param {number} first
   * @param {AbortSignal} signal
   * @returns {Promise<{index: number, where: Where}>}
   */
  async #anchorFor(first, signal) {
    const { sort } = this.#asked;
    let index = 0;
    for (const known of this.#anchors.keys()) if (known <= first && known > index) index = known;
    if (first - index > NEAR && (sort === '-event_time' || sort === 'event_time') && this.period) {
      const ask = (/** @type {Where} */ range, /** @type {string | null} */ step) => get('/histogram', this.#within({ ...range, ...(step && { step }) }), signal);
      const found = await seek({ index: first, descending: sort === '-event_time', period: this.period, most: LEAP - SIZE, ask });
      if (found && found.index > index) {
        this.#anchors.set(found.index, found.where);
        index = found.index;
      }
    }
    return { index, where: this.#anchors.get(index) ?? {} };
  }
}
