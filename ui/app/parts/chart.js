/**
 * Charts: lines, stacked areas and bars, horizontal bars, rings, points. One component for dashboards and for results of SQL: a
 * legend that switches series, a cursor for pointer and keyboard with the same words, a brush, and the same figures as
 * a table. It follows the size of its box.
 */

import { el, fill } from '../dom.js';
import { percent } from '../format.js';
import { t } from '../i18n.js';
import { isEmpty, lookOf, placeText, sum, told } from './chart-data.js';
import { sign } from './chart-marks.js';
import { ring } from './chart-pie.js';
import { Plot } from './chart-plot.js';
import { rows } from './chart-rows.js';

/** @typedef {import('./chart-data.js').Data} Data */
/** @typedef {import('./chart-data.js').Series} Series */
/** @typedef {import('./chart-data.js').Options} Options */
/** @typedef {import('./chart-data.js').Drawn} Drawn */

/** Rows of the table alternative. */
const TABLE_MAX = 1_000;

/**
 * @param {Options} options
 */
export function chart(options) {
  const box = el('div', { class: 'chart-box' });
  const legend = el('div', { class: 'chart-legend', role: 'group', 'aria-label': t('chart.series'), hidden: true });
  const element = el('figure', { class: 'chart', 'aria-label': options.label }, box, legend);
  /** @type {{data: Data | null, drawn: Drawn | null, hidden: Set<number>, table: boolean, names: string}} */
  const state = { data: null, drawn: null, hidden: new Set(), table: false, names: '' };

  function draw() {
    const { data } = state;
    if (!data) return;
    element.dataset.kind = data.kind;
    if (isEmpty(data)) return fill(box, el('p', { class: 'chart-empty muted' }, t('chart.empty')));
    if (state.table) return fill(box, figures(data));
    const kind = data.kind === 'rows' || data.kind === 'pie' ? data.kind : 'plot';
    if (!state.drawn || state.drawn.element.dataset.draws !== kind || !state.drawn.element.isConnected) {
      state.drawn = kind === 'rows' ? rows(options) : kind === 'pie' ? ring(options) : new Plot(options);
      state.drawn.element.dataset.draws = kind;
      fill(box, state.drawn.element);
    }
    state.drawn.draw(data, state.hidden);
  }

  function drawLegend() {
    const { data } = state;
    const shown = data !== null && !state.table && !isEmpty(data) && data.series.length > 1 && data.kind !== 'pie';
    legend.hidden = !shown;
    if (!shown || !data) return fill(legend);
    fill(legend, data.series.map((series, at) => key(series, at, data)));
  }

  /**
   * @param {Series} series
   * @param {number} at
   * @param {Data} data
   */
  function key(series, at, data) {
    const toggle = (/** @type {MouseEvent} */ event) => {
      if (event.shiftKey || event.altKey) {
        // Only this one, or all again.
        const only = state.hidden.size === data.series.length - 1 && !state.hidden.has(at);
        state.hidden = new Set(only ? [] : data.series.map((_, other) => other).filter((other) => other !== at));
      } else if (!state.hidden.delete(at)) state.hidden.add(at);
      draw();
      for (const [other, button] of [...legend.children].entries()) button.setAttribute('aria-pressed', String(!state.hidden.has(other)));
    };
    return el(
      'button',
      { class: 'quiet chart-key', 'aria-pressed': String(!state.hidden.has(at)), title: t('chart.key_hint', { name: series.name }), on: { click: toggle } },
      sign(lookOf(data, at), data.kind === 'line'),
      el('span', null, series.name),
    );
  }

  const watch = new ResizeObserver(() => state.drawn?.resize?.());
  watch.observe(box);
  return {
    element,
    /** @param {Data} data */
    show(data) {
      const names = data.series.map((series) => series.name).join('\n');
      // A refresh keeps what is switched off; other series begin anew.
      if (names !== state.names) state.hidden.clear();
      state.names = names;
      state.data = data;
      draw();
      drawLegend();
    },
    /** Shows the figures instead of the picture, or the picture again. @param {boolean} on */
    table(on) {
      state.table = on;
      draw();
      drawLegend();
    },
    stop() {
      watch.disconnect();
    },
  };
}

/**
 * The same figures as a table.
 * @param {Data} data
 */
function figures(data) {
  const shown = data.xs.slice(0, TABLE_MAX);
  const total = data.kind === 'pie' ? sum(data.series[0]?.values ?? []) : 0;
  return el(
    'div',
    { class: 'chart-table scroll', tabIndex: 0, role: 'region', 'aria-label': t('chart.table') },
    el(
      'table',
      { class: 'plain' },
      el('thead', null, el('tr', null, el('th', { scope: 'col' }, data.xTitle ?? t(data.axis === 'time' ? 'chart.time' : 'chart.group')), data.series.map((series) => el('th', { scope: 'col', class: 'number' }, series.name)), total > 0 && el('th', { scope: 'col', class: 'number' }, '%'))),
      el('tbody', null, shown.map((_, at) => el('tr', null, el('th', { scope: 'row' }, placeText(data, at)), data.series.map((series) => el('td', { class: 'number' }, told(data, series.values[at]))), total > 0 && el('td', { class: 'number' }, percent(data.series[0]?.values[at] ?? 0, total))))),
    ),
    data.xs.length > TABLE_MAX && el('p', { class: 'muted' }, t('chart.more', { n: data.xs.length - TABLE_MAX })),
  );
}
