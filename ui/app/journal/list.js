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
 * @param {object} asked
 * @param {URLSearchParams} asked.params filters and period
 * @param {string} asked.sort `-event_time`
 * @param {string[]} asked.fields columns of the rows
 * @param {(rows: Record<string, any>[]) => void} [asked.onRows] rows came
 * @param {(Source & {period: Resolved | null}) | null} [asked.like] the same list with other columns: its period and its length hold
 * @param {boolean} [asked.counted] counts with the first rows, of the same moment, and not apart from them
 * @returns {Source & {period: Resolved | null}}
 */
export function listSource({ params, sort, fields, onRows, like = null, counted = false }) {
  const stopping = new AbortController();
  /** Rows of which it is known how to ask for them. @type {Map<number, Where>} */
  const anchors = new Map([[0, {}]]);
  const isByTime = sort === '-event_time' || sort === 'event_time';
  let isCounted = like?.total?.relation === 'eq';

  /** @type {Source & {period: Resolved | null}} */
  const source = { size: SIZE, total: like?.total ?? null, period: like?.period ?? null, onTotal: null, page, stop: () => stopping.abort() };

  /**
   * @param {number} first
   * @param {AbortSignal} signal
   */
  async function page(first, signal) {
    let { index, where } = await anchorFor(first, signal);
    for (;;) {
      const skip = first - index;
      const isLast = skip + SIZE <= LEAP;
      // What is only passed over needs no contents.
      const limit = isLast ? skip + SIZE : Math.min(skip, LEAP);
      const answer = await ask({ ...where, limit, fields: isLast ? fields.join(',') : 'event_id' }, signal);
      took(index, answer);
      if (isLast || !answer.next) {
        const rows = isLast ? answer.events.slice(skip) : [];
        if (rows.length > 0) onRows?.(rows);
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
  function ask(more, signal) {
    const total = counted && !isCounted ? 'exact' : 'none';
    return get('/events', within({ sort, total, ...more }), signal);
  }

  /** The filters, with the resolved period once it is known. @param {Record<string, string | number>} more */
  function within(more) {
    const all = new URLSearchParams(params);
    if (source.period) {
      for (const name of ['period', 'from', 'to']) all.delete(name);
      if (source.period.from) all.set('from', source.period.from);
      if (source.period.to) all.set('to', source.period.to);
      if (!source.period.from && !source.period.to) all.set('period', 'all');
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
  function took(index, answer) {
    const end = index + answer.events.length;
    source.period ??= answer.period;
    if (answer.next) anchors.set(end, { cursor: answer.next });
    if (answer.total) become(answer.total.value, answer.total.relation);
    const known = source.total;
    if (!answer.next && !(known?.relation === 'eq' && known.value === end)) become(end, 'eq');
    else if (answer.next && end >= (known?.value ?? 0)) become(end + 1, 'gte');
    if (!isCounted && !counted && answer.next) void countAll();
    isCounted = true;
  }

  /** @param {number} value @param {'eq' | 'gte'} relation */
  function become(value, relation) {
    source.total = { value, relation };
    source.onTotal?.();
  }

  /** The exact number, apart from the rows: they need not wait for it. */
  async function countAll() {
    try {
      const answer = await get('/events', within({ limit: 1, fields: 'event_id', total: 'exact' }), stopping.signal);
      if (answer.total && !stopping.signal.aborted) become(Math.max(answer.total.value, source.total?.relation === 'eq' ? source.total.value : 0), 'eq');
    } catch {
      // The list says "at least" then; its rows are there, and more of them come as it is scrolled.
    }
  }

  /**
   * The nearest row before `first` of which it is known how to ask for it.
   * @param {number} first
   * @param {AbortSignal} signal
   */
  async function anchorFor(first, signal) {
    let index = 0;
    for (const known of anchors.keys()) if (known <= first && known > index) index = known;
    if (first - index > NEAR && isByTime && source.period) {
      const found = await seek({ index: first, descending: sort === '-event_time', period: source.period, most: LEAP - SIZE, ask: (range, step) => histogram(range, step, signal) });
      if (found && found.index > index) {
        anchors.set(found.index, found.where);
        index = found.index;
      }
    }
    return { index, where: anchors.get(index) ?? {} };
  }

  /** @param {Where} range @param {string | null} step @param {AbortSignal} signal */
  function histogram(range, step, signal) {
    return get('/histogram', within({ ...range, ...(step && { step }) }), signal);
  }

  return source;
}
