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
 * @typedef {object} Options
 * @property {() => Grid} grid
 * @property {() => boolean} isReading whether rows must not move now
 * @property {() => Promise<Row[]>} refetch asks the list anew; gives its first rows
 * @property {(on: boolean) => void} onToggle
 * @property {() => void} onPast the period is over: nothing new can lie in it
 */

export class Live {
  /** @type {{stop: () => void} | null} */
  #tail = null;
  #paused = false;
  /** @type {Row[]} */
  #waiting = [];
  /** Events beyond those that wait: the list has them, once it is asked anew. */
  #lost = 0;
  #skipped = 0;
  #fetching = false;
  /** Whether new rows belong to the top of the list. */
  #inOrder = true;
  /** What came before the connection is not in the list yet. */
  #gap = false;
  /** Up to here everything is in the list. */
  #newest = 0n;

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.toggle = el('button', { class: 'quiet', 'aria-pressed': 'false', 'data-test': 'live', on: { click: () => options.onToggle(!this.isOn()) } }, icon('live'), t('journal.tail.live'));
    this.pause = el('button', { class: 'quiet square', hidden: true, 'data-test': 'live-pause', on: { click: () => this.#togglePause() } });
    this.fresh = el('button', { class: 'fresh-count', hidden: true, 'data-test': 'new-rows', on: { click: () => void this.#show() } });
    this.state = el('span', { class: 'live-state small muted', role: 'status', 'data-test': 'live-state' });
    this.#setPaused(false);
  }

  isOn() {
    return this.#tail != null;
  }

  /** @param {boolean} paused */
  #setPaused(paused) {
    this.#paused = paused;
    const label = t(paused ? 'journal.tail.resume' : 'journal.tail.pause');
    fill(this.pause, icon(paused ? 'play' : 'pause'));
    this.pause.title = label;
    this.pause.setAttribute('aria-label', label);
    this.#count();
  }

  #togglePause() {
    this.#setPaused(!this.#paused);
    if (!this.#paused) void this.#show();
  }

  #count() {
    const n = this.#waiting.length + this.#lost;
    this.fresh.hidden = n === 0;
    if (n > 0) fill(this.fresh, icon('up'), t('journal.tail.new', { n }));
  }

  /** @param {Row[]} events as they came */
  #take(events) {
    this.#waiting = [...events.filter((row) => seq(row) > this.#newest).reverse(), ...this.#waiting];
    if (this.#waiting.length > MOST) {
      this.#lost += this.#waiting.length - MOST;
      this.#waiting.length = MOST;
    }
    this.apply();
  }

  /** Lets the events in that wait, if nobody reads. */
  apply() {
    const { grid, isReading } = this.options;
    if (!this.#tail || this.#paused || this.#fetching || !this.#inOrder || isReading() || !grid().atTop()) return this.#count();
    if (this.#lost > 0 || this.#gap || grid().freshCount() + this.#waiting.length > MOST) return void this.anew();
    grid().prepend(this.#waiting);
    this.#waiting = [];
    return this.#count();
  }

  /** The list from its beginning, as the server has it now. */
  async anew() {
    this.#fetching = true;
    this.#gap = false;
    // Everything that came before the question is in its answer.
    this.#waiting = [];
    this.#lost = 0;
    try {
      const rows = await this.options.refetch();
      if (!this.#tail) return;
      this.#newest = rows.reduce((most, row) => (seq(row) > most ? seq(row) : most), 0n);
      this.#waiting = this.#waiting.filter((row) => seq(row) > this.#newest);
      this.#skipped = 0;
      if (!this.state.classList.contains('bad')) fill(this.state);
    } catch (error) {
      // The rows that are there stay; what is new is asked for with the next ones.
      this.#gap = true;
      fill(this.state, told(error));
    } finally {
      this.#fetching = false;
    }
    this.#count();
    if (!this.#gap) this.apply();
  }

  /** A click on the count: to the top, with everything that is new. */
  async #show() {
    const grid = this.options.grid();
    grid.clearSelection();
    grid.toTop();
    grid.focus();
    if (this.#lost > 0 || this.#gap || !this.#inOrder) return this.anew();
    grid.prepend(this.#waiting);
    grid.toTop();
    this.#waiting = [];
    return this.#count();
  }

  /** @param {import('./tail.js').TailState} now @param {unknown} [reason] */
  #become(now, reason) {
    this.state.classList.toggle('bad', now === 'ended' || now === 'waiting');
    if (now === 'live') this.apply();
    if (now !== 'ended') fill(this.state, now === 'live' ? this.#skippedText() : t(`journal.tail.${now}`));
    else if (reason instanceof Error && 'code' in reason && String(reason.code).includes('period')) this.options.onPast();
    else fill(this.state, t('journal.tail.ended', { reason: reason instanceof Error ? told(reason) : String(reason ?? '') }));
  }

  #skippedText() {
    return this.#skipped > 0 ? t('journal.tail.skipped', { n: this.#skipped }) : '';
  }

  /** @param {number | null} events */
  #dropped(events) {
    this.#skipped += events ?? 0;
    this.#lost += events ?? 1;
    fill(this.state, this.#skippedText());
    this.#count();
  }

  /** @param {URLSearchParams} params */
  async #connect(params) {
    // The button says at once that it is on; the code of the stream comes with the first use.
    const mine = { stop: () => undefined };
    this.#tail = mine;
    const { tail } = await import('./tail.js');
    if (this.#tail !== mine) return;
    this.#tail = tail(params, { onEvents: (events) => this.#take(events), onState: (now, reason) => this.#become(now, reason), onDropped: (events) => this.#dropped(events) });
  }

  /** @param {URLSearchParams} params @param {{inOrder: boolean}} how `inOrder`: whether new rows belong to the top of the list */
  start(params, { inOrder }) {
    this.stop();
    this.#inOrder = inOrder;
    this.#gap = true;
    this.#newest = 0n;
    void this.#connect(params);
    this.toggle.setAttribute('aria-pressed', 'true');
    this.toggle.classList.add('on');
    this.pause.hidden = false;
    this.#setPaused(false);
  }

  stop() {
    this.#tail?.stop();
    this.#tail = null;
    this.#waiting = [];
    this.#lost = 0;
    this.#skipped = 0;
    this.toggle.setAttribute('aria-pressed', 'false');
    this.toggle.classList.remove('on');
    this.pause.hidden = true;
    fill(this.state);
    this.#count();
  }
}

/** The place of a row in the order of arrival. @param {Row} row */
function seq(row) {
  return row._seq == null ? 0n : BigInt(String(row._seq));
}
