/**
 * Events over time as stacked bars: a drag zooms at once, so do the keys; hover, focus and a table tell the figures.
 *
 * It asks for its own figures and fails on its own. The picture is drawn in the pixels that it has (histogram-plot.js), and
 * drawn anew, not asked anew, when its width changes.
 */

import { get } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { number, zone } from '../format.js';
import { t } from '../i18n.js';
import { barsFor, barsOf, periodOf, stepFor } from './axis.js';
import { Plot, rangeText } from './histogram-plot.js';
import { menuButton } from './menu.js';
import { loader } from './states.js';

/** @typedef {import('./axis.js').Bar} Bar */
/** @typedef {import('../period.js').Period} Period */
/** @typedef {{value: string | null, isOther: boolean, label: string, mark: number, total: number, counts: number[]}} Series */
/** @typedef {{bars: Bar[], series: Series[], tz: string}} Figures */

/**
 * @typedef {object} Asked
 * @property {URLSearchParams} params filters and period
 * @property {string | null} by what the bars are stacked by
 * @property {string | null} step null: as fits
 * @property {{from: number | null, to: number | null}} range about the period, for the choice of the step
 * @property {boolean} asTable
 */

/**
 * @typedef {object} Options
 * @property {(period: Period) => void} onZoom
 * @property {() => void} onZoomOut
 * @property {(value: string) => void} onPick a series was chosen
 * @property {(asTable: boolean) => void} onTable
 * @property {() => void} onHide
 * @property {(by: string) => string} title of a field
 * @property {(by: string, value: string) => string} valueTitle
 * @property {(string | 'line')[]} choices fields to stack by
 * @property {(by: string) => void} onBy
 * @property {() => void} [onBusy] it asks, or has its answer
 */

/** Marks of values whose meaning has a colour everywhere; others take theirs in turn. */
const MEANT = /** @type {Record<string, Record<string, number>>} */ ({
  outcome: { failure: 2, success: 4, unknown: 3, '': 1 },
  level: { fatal: 5, error: 2, warn: 3, info: 4, debug: 6, trace: 8, '': 1 },
});
/** Stacked from the bottom: what went wrong stands on the line, where heights can be compared. */
const ORDER = /** @type {Record<string, string[]>} */ ({ outcome: ['failure', 'unknown', 'success'], level: ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] });
/** Series that are told apart; the rest is one. */
const TOP = 7;

/**
 * Series of an answer, in the order in which they stand on each other.
 * @param {{value?: unknown, other?: number, total: number, counts: number[]}[]} given
 * @param {string | null} by
 * @param {(value: string) => string} title
 * @param {{none: string, other: (n: number) => string, all: string}} words
 * @returns {Series[]}
 */
export function seriesOf(given, by, title, words) {
  const turn = [1, 3, 4, 5, 6, 7, 2];
  const made = given.map((one, at) => {
    const isOther = one.other != null;
    const value = isOther || one.value == null ? null : String(one.value);
    const label = !by ? words.all : isOther ? words.other(one.other ?? 0) : value == null ? words.none : title(value);
    // What has no value stands back, but not where it is most of all, or alone.
    const nothing = MEANT[by ?? '']?.[''] ?? (given.length > 1 && by ? 8 : 1);
    const mark = isOther ? 8 : value == null ? nothing : (MEANT[by ?? '']?.[value] ?? turn[at % turn.length] ?? 8);
    return { value, isOther, label, mark, total: one.total, counts: one.counts };
  });
  const order = ORDER[by ?? ''];
  const rank = (/** @type {Series} */ one) => (one.isOther ? 99 : one.value == null ? 98 : (order?.indexOf(one.value) ?? 0));
  return order ? made.sort((a, b) => rank(a) - rank(b)) : made;
}

export class Histogram {
  /** @type {Asked | null} */
  #asked = null;
  /** What the figures are of; null before the first question. @type {string | null} */
  #key = null;
  /** @type {Figures | null} */
  #figures = null;
  #legend = el('div', { class: 'histogram-legend' });
  #picture = el('div', { class: 'histogram-picture' });
  #byName = el('span', null);

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.zoomOut = tool('zoomout', 'journal.histogram.zoom_out', 'zoom-out', () => options.onZoomOut());
    this.table = tool('columns', 'journal.histogram.as_table', 'histogram-table', () => options.onTable(this.table.getAttribute('aria-pressed') !== 'true'));
    const hide = tool('up', 'journal.histogram.hide', 'histogram-hide', () => options.onHide());
    this.element = el(
      'section',
      { class: 'histogram', 'aria-label': t('journal.histogram.label'), 'data-test': 'histogram' },
      el('div', { class: 'busy-line', 'aria-hidden': 'true' }),
      el('div', { class: 'histogram-head' }, this.#byButton(), this.#legend, el('div', { class: 'row no-print' }, this.zoomOut, this.table, hide)),
      this.#picture,
    );
    this.work = loader(this.#picture);
    this.drawing = new Plot({ onZoom: (one, other) => this.#zoom(one, other), onZoomOut: () => options.onZoomOut() });
    this.resized = new ResizeObserver(() => this.#figures && !this.#asked?.asTable && this.drawing.draw(this.#figures));
    this.resized.observe(this.#picture);
  }

  #byButton() {
    const { choices, title, onBy } = this.options;
    const items = () => choices.map((one) => (one === 'line' ? one : { label: one === '' ? t('journal.histogram.all') : title(one), checked: one === (this.#asked?.by ?? ''), run: () => onBy(one) }));
    const button = menuButton({ label: t('journal.histogram.by'), class: 'quiet histogram-by', title: t('journal.histogram.by') }, items);
    button.removeAttribute('aria-label');
    button.dataset.test = 'histogram-by';
    button.append(el('span', { class: 'visually-hidden' }, `${t('journal.histogram.by')}: `), this.#byName, icon('down'));
    return button;
  }

  /** @param {number} one @param {number} other */
  #zoom(one, other) {
    const period = this.#figures && periodOf(this.#figures.bars, one, other);
    if (period) this.options.onZoom(period);
  }

  /** @param {AbortSignal} signal @param {Asked} what */
  async #load(signal, what) {
    const { from, to } = what.range;
    const step = what.step ?? (from != null && to != null ? stepFor(from, to, barsFor(this.#picture.clientWidth || 960)) : null);
    const params = new URLSearchParams(what.params);
    params.set('top', String(TOP));
    if (step) params.set('step', step);
    if (what.by) params.set('by', what.by);
    const answer = await get('/histogram', params, signal);
    const at = (/** @type {string | null} */ text) => (text ? Date.parse(text) : null);
    const title = (/** @type {string} */ value) => (what.by ? this.options.valueTitle(what.by, value) : value);
    const words = { none: t('journal.histogram.none'), other: (/** @type {number} */ n) => t('journal.histogram.other', { n }), all: t('journal.histogram.all') };
    const bars = barsOf(answer.times.map(Date.parse), answer.step, at(answer.period.from), at(answer.period.to), Date.now());
    this.#figures = { bars, series: seriesOf(answer.series, what.by, title, words), tz: answer.period.tz ?? zone() };
    this.#show();
  }

  #show() {
    const [figures, asked] = [this.#figures, this.#asked];
    if (!figures || !asked) return;
    this.table.setAttribute('aria-pressed', String(asked.asTable));
    fill(this.#legend, figures.series.map((one) => legendEntry(one, asked.by, this.options)));
    if (figures.bars.length === 0) return fill(this.#picture, el('p', { class: 'muted histogram-none' }, t('journal.histogram.nothing')));
    if (asked.asTable) return fill(this.#picture, tableOf(figures));
    if (this.#picture.firstChild !== this.drawing.element) fill(this.#picture, this.drawing.element);
    this.drawing.draw(figures);
  }

  /**
   * Shows the figures of a question; asks only if it is another than before, or if that failed.
   * @param {Asked} what
   * @param {{again?: boolean}} [how]
   */
  update(what, { again = false } = {}) {
    fill(this.#byName, what.by ? t('journal.histogram.by_field', { field: this.options.title(what.by) }) : t('journal.histogram.all'));
    const key = `${what.params} ${what.by} ${what.step}`;
    const isSame = key === this.#key && !again && !this.#hasFailed();
    this.#asked = what;
    this.zoomOut.disabled = what.range.from == null && what.range.to == null;
    if (isSame) return this.#show();
    this.#key = key;
    this.drawing.forget();
    void this.work.run((signal) => this.#load(signal, what)).finally(() => {
      if (this.#hasFailed()) fill(this.#legend);
      this.options.onBusy?.();
    });
    this.options.onBusy?.();
  }

  #hasFailed() {
    return this.#picture.querySelector('.failed') != null;
  }

  /** Stops the question; what was there stays. */
  cancel() {
    this.work.stop();
    this.#key = null;
    this.options.onBusy?.();
  }

  isBusy() {
    return this.#picture.hasAttribute('aria-busy');
  }

  stop() {
    this.work.stop();
    this.resized.disconnect();
  }
}

/** @param {import('../dom.js').IconName} name @param {string} key @param {string} test @param {() => void} run */
function tool(name, key, test, run) {
  return el('button', { class: 'quiet square', 'aria-label': t(key), title: t(key), 'data-test': test, on: { click: run } }, icon(name));
}

/** @param {Series} one @param {string | null} by @param {Options} options */
function legendEntry(one, by, options) {
  const content = [el('span', { class: `sign mark-${one.mark}` }), el('span', { class: 'cut' }, one.label), el('span', { class: 'count' }, number(one.total))];
  if (!by || one.value == null) return el('span', { class: 'histogram-entry' }, content);
  const value = one.value;
  return el('button', { class: 'quiet histogram-entry', title: t('journal.histogram.pick', { value: one.label }), data: { value }, on: { click: () => options.onPick(value) } }, content);
}

/** @param {Figures} figures */
function tableOf({ bars, series, tz }) {
  return el(
    'div',
    { class: 'histogram-table scroll', tabIndex: 0, role: 'region', 'aria-label': t('journal.histogram.as_table') },
    el(
      'table',
      { class: 'plain' },
      el('thead', null, el('tr', null, el('th', { scope: 'col' }, t('journal.histogram.time')), series.map((one) => el('th', { scope: 'col', class: 'number' }, one.label)))),
      el('tbody', null, bars.map((bar, at) => el('tr', null, el('th', { scope: 'row' }, rangeText(bar.from, bar.to, tz), bar.partial && ` (${t('journal.histogram.partial')})`), series.map((one) => el('td', { class: 'number' }, number(one.counts[at] ?? 0)))))),
    ),
  );
}
