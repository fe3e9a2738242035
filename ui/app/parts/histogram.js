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
import { plot, rangeText } from './histogram-plot.js';
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

/** @param {Options} options */
export function histogram(options) {
  const legend = el('div', { class: 'histogram-legend' });
  const picture = el('div', { class: 'histogram-picture' });
  const zoomOut = el('button', { class: 'quiet square', 'aria-label': t('journal.histogram.zoom_out'), title: t('journal.histogram.zoom_out'), 'data-test': 'zoom-out', on: { click: () => options.onZoomOut() } }, icon('zoomout'));
  const table = el('button', { class: 'quiet square', 'aria-label': t('journal.histogram.as_table'), title: t('journal.histogram.as_table'), 'aria-pressed': 'false', 'data-test': 'histogram-table', on: { click: () => options.onTable(table.getAttribute('aria-pressed') !== 'true') } }, icon('columns'));
  const hide = el('button', { class: 'quiet square', 'aria-label': t('journal.histogram.hide'), title: t('journal.histogram.hide'), 'data-test': 'histogram-hide', on: { click: () => options.onHide() } }, icon('up'));
  const byName = el('span', null);
  const by = menuButton({ label: t('journal.histogram.by'), class: 'quiet histogram-by', title: t('journal.histogram.by') }, () => choices());
  by.removeAttribute('aria-label');
  by.dataset.test = 'histogram-by';
  by.append(el('span', { class: 'visually-hidden' }, `${t('journal.histogram.by')}: `), byName, icon('down'));
  const element = el(
    'section',
    { class: 'histogram', 'aria-label': t('journal.histogram.label'), 'data-test': 'histogram' },
    el('div', { class: 'busy-line', 'aria-hidden': 'true' }),
    el('div', { class: 'histogram-head' }, by, legend, el('div', { class: 'row no-print' }, zoomOut, table, hide)),
    picture,
  );
  const work = loader(picture);
  /** @type {Asked | null} */
  let asked = null;
  /** @type {string | null} */
  let key = null;
  /** @type {Figures | null} */
  let figures = null;
  const drawing = plot({ onZoom: (one, other) => zoom(one, other), onZoomOut: () => options.onZoomOut() });
  const resized = new ResizeObserver(() => figures && !asked?.asTable && drawing.draw(figures));
  resized.observe(picture);

  function choices() {
    return options.choices.map((one) => (one === 'line' ? one : { label: one === '' ? t('journal.histogram.all') : options.title(one), checked: one === (asked?.by ?? ''), run: () => options.onBy(one) }));
  }

  /** @param {number} one @param {number} other */
  function zoom(one, other) {
    const period = figures && periodOf(figures.bars, one, other);
    if (period) options.onZoom(period);
  }

  /** @param {AbortSignal} signal @param {Asked} what */
  async function load(signal, what) {
    const { from, to } = what.range;
    const step = what.step ?? (from != null && to != null ? stepFor(from, to, barsFor(picture.clientWidth || 960)) : null);
    const params = new URLSearchParams(what.params);
    params.set('top', String(TOP));
    if (step) params.set('step', step);
    if (what.by) params.set('by', what.by);
    const answer = await get('/histogram', params, signal);
    const at = (/** @type {string | null} */ text) => (text ? Date.parse(text) : null);
    const starts = answer.times.map(Date.parse);
    const title = (/** @type {string} */ value) => (what.by ? options.valueTitle(what.by, value) : value);
    const words = { none: t('journal.histogram.none'), other: (/** @type {number} */ n) => t('journal.histogram.other', { n }), all: t('journal.histogram.all') };
    figures = { bars: barsOf(starts, answer.step, at(answer.period.from), at(answer.period.to), Date.now()), series: seriesOf(answer.series, what.by, title, words), tz: answer.period.tz ?? zone() };
    show();
  }

  function show() {
    if (!figures || !asked) return;
    table.setAttribute('aria-pressed', String(asked.asTable));
    fill(legend, figures.series.map((one) => legendEntry(one, asked?.by ?? null, options)));
    if (figures.bars.length === 0) return fill(picture, el('p', { class: 'muted histogram-none' }, t('journal.histogram.nothing')));
    if (asked.asTable) return fill(picture, tableOf(figures));
    if (picture.firstChild !== drawing.element) fill(picture, drawing.element);
    drawing.draw(figures);
  }

  return {
    element,
    /**
     * Shows the figures of a question; asks only if it is another than before.
     * @param {Asked} what
     * @param {{again?: boolean}} [how]
     */
    update(what, { again = false } = {}) {
      fill(byName, what.by ? t('journal.histogram.by_field', { field: options.title(what.by) }) : t('journal.histogram.all'));
      const asks = `${what.params} ${what.by} ${what.step}`;
      const isSame = asks === key && !again && picture.querySelector('.failed') == null;
      asked = what;
      zoomOut.disabled = what.range.from == null && what.range.to == null;
      if (isSame) return show();
      key = asks;
      drawing.forget();
      void work.run((signal) => load(signal, what)).finally(() => {
        if (picture.querySelector('.failed')) fill(legend);
        options.onBusy?.();
      });
      options.onBusy?.();
    },
    /** Stops the question; what was there stays. */
    cancel() {
      work.stop();
      key = null;
      options.onBusy?.();
    },
    isBusy: () => picture.hasAttribute('aria-busy'),
    stop() {
      work.stop();
      resized.disconnect();
    },
  };
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
