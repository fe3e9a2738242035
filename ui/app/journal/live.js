/**
 * The live tail above the list. What is being read never moves: while somebody reads, new events only count ("37 new"); at the
 * top, with nothing selected or open, they come in. Memory stays flat: beyond some thousands the list is asked anew instead,
 * since everything that came is in it.
 */

import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { told } from '../parts/states.js';

/** @typedef {Record<string, any>} Row */
/** @typedef {import('../parts/grid.js').Grid} Grid */

/** Events that wait, or stand above the list, before it is asked anew. */
const MOST = 2_000;

/**
 * @param {object} options
 * @param {() => Grid} options.grid
 * @param {() => boolean} options.isReading whether rows must not move now
 * @param {() => Promise<Row[]>} options.refetch asks the list anew; gives its first rows
 * @param {(on: boolean) => void} options.onToggle
 * @param {() => void} options.onPast the period is over: nothing new can lie in it
 */
export function liveControl({ grid, isReading, refetch, onToggle, onPast }) {
  /** @type {{tail: {stop: () => void} | null, paused: boolean, waiting: Row[], lost: number, skipped: number, fetching: boolean, inOrder: boolean, gap: boolean, newest: bigint}} `newest`: up to here everything is in the list; `gap`: what came before the connection is not in the list yet */
  const s = { tail: null, paused: false, waiting: [], lost: 0, skipped: 0, fetching: false, inOrder: true, gap: false, newest: 0n };
  const toggle = el('button', { class: 'quiet', 'aria-pressed': 'false', 'data-test': 'live', on: { click: () => onToggle(s.tail == null) } }, icon('live'), t('journal.tail.live'));
  const pause = el('button', { class: 'quiet square', hidden: true, 'data-test': 'live-pause', on: { click: () => (setPaused(!s.paused), s.paused || void show()) } });
  const fresh = el('button', { class: 'fresh-count', hidden: true, 'data-test': 'new-rows', on: { click: () => void show() } });
  const state = el('span', { class: 'live-state small muted', role: 'status', 'data-test': 'live-state' });

  /** @param {boolean} paused */
  function setPaused(paused) {
    s.paused = paused;
    const label = t(paused ? 'journal.tail.resume' : 'journal.tail.pause');
    fill(pause, icon(paused ? 'play' : 'pause'));
    pause.title = label;
    pause.setAttribute('aria-label', label);
    count();
  }

  function count() {
    const n = s.waiting.length + s.lost;
    fresh.hidden = n === 0;
    if (n > 0) fill(fresh, icon('up'), t('journal.tail.new', { n }));
  }

  /** @param {Row[]} events as they came */
  function take(events) {
    s.waiting = [...events.filter((row) => seq(row) > s.newest).reverse(), ...s.waiting];
    if (s.waiting.length > MOST) {
      s.lost += s.waiting.length - MOST;
      s.waiting.length = MOST;
    }
    apply();
  }

  /** Lets the events in that wait, if nobody reads. */
  function apply() {
    if (!s.tail || s.paused || s.fetching || !s.inOrder || isReading() || !grid().atTop()) return count();
    if (s.lost > 0 || s.gap || grid().freshCount() + s.waiting.length > MOST) return void anew();
    grid().prepend(s.waiting);
    s.waiting = [];
    count();
  }

  /** The list from its beginning, as the server has it now. */
  async function anew() {
    s.fetching = true;
    s.gap = false;
    // Everything that came before the question is in its answer.
    s.waiting = [];
    s.lost = 0;
    try {
      const rows = await refetch();
      if (!s.tail) return;
      s.newest = rows.reduce((most, row) => (seq(row) > most ? seq(row) : most), 0n);
      s.waiting = s.waiting.filter((row) => seq(row) > s.newest);
      s.skipped = 0;
      if (!state.classList.contains('bad')) fill(state);
    } catch (error) {
      // The rows that are there stay; what is new is asked for with the next ones.
      s.gap = true;
      fill(state, told(error));
    } finally {
      s.fetching = false;
    }
    count();
    if (!s.gap) apply();
  }

  /** A click on the count: to the top, with everything that is new. */
  async function show() {
    grid().clearSelection();
    grid().toTop();
    grid().focus();
    if (s.lost > 0 || s.gap || !s.inOrder) return anew();
    grid().prepend(s.waiting);
    grid().toTop();
    s.waiting = [];
    count();
  }

  /** @param {import('./tail.js').TailState} now @param {unknown} [reason] */
  function become(now, reason) {
    state.classList.toggle('bad', now === 'ended' || now === 'waiting');
    if (now === 'live') apply();
    if (now !== 'ended') fill(state, now === 'live' ? skippedText() : t(`journal.tail.${now}`));
    else if (reason instanceof Error && 'code' in reason && String(reason.code).includes('period')) onPast();
    else fill(state, t('journal.tail.ended', { reason: reason instanceof Error ? told(reason) : String(reason ?? '') }));
  }

  const skippedText = () => (s.skipped > 0 ? t('journal.tail.skipped', { n: s.skipped }) : '');

  /** @param {URLSearchParams} params */
  async function connect(params) {
    // The button says at once that it is on; the code of the stream comes with the first use.
    const mine = { stop: () => undefined };
    s.tail = mine;
    const { tail } = await import('./tail.js');
    if (s.tail === mine) s.tail = tail(params, { onEvents: take, onState: become, onDropped: dropped });
  }

  /** @param {number | null} events */
  function dropped(events) {
    s.skipped += events ?? 0;
    s.lost += events ?? 1;
    fill(state, skippedText());
    count();
  }

  setPaused(false);
  return {
    toggle,
    pause,
    fresh,
    state,
    apply,
    anew,
    isOn: () => s.tail != null,
    isFetching: () => s.fetching,
    /** @param {URLSearchParams} params @param {{inOrder: boolean}} how `inOrder`: whether new rows belong to the top of the list */
    start(params, { inOrder }) {
      this.stop();
      Object.assign(s, { inOrder, paused: false, gap: true, newest: 0n });
      void connect(params);
      toggle.setAttribute('aria-pressed', 'true');
      toggle.classList.add('on');
      pause.hidden = false;
      setPaused(false);
    },
    stop() {
      s.tail?.stop();
      Object.assign(s, { tail: null, waiting: [], lost: 0, skipped: 0 });
      toggle.setAttribute('aria-pressed', 'false');
      toggle.classList.remove('on');
      pause.hidden = true;
      fill(state);
      count();
    },
  };
}

/** The place of a row in the order of arrival. @param {Row} row */
function seq(row) {
  return row._seq == null ? 0n : BigInt(String(row._seq));
}
