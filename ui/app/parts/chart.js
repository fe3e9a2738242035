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

/** @typedef {'rows' | 'pie' | 'plot'} Way what draws a kind */

export class Chart {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    /** @type {Data | null} */
    this.data = null;
    /** @type {Drawn | null} */
    this.drawn = null;
    /** @type {Way | null} */
    this.way = null;
    /** Series that are switched off. @type {Set<number>} */
    this.hidden = new Set();
    this.asTable = false;
    this.names = '';
    this.box = el('div', { class: 'chart-box' });
    this.legend = el('div', { class: 'chart-legend', role: 'group', 'aria-label': t('chart.series'), hidden: true });
    this.element = el('figure', { class: 'chart', 'aria-label': options.label }, this.box, this.legend);
    this.watch = new ResizeObserver(() => this.drawn?.resize?.());
    this.watch.observe(this.box);
  }

  /** @param {Data} data */
  show(data) {
    const names = data.series.map((series) => series.name).join('\n');
    // A refresh keeps what is switched off; other series begin anew.
    if (names !== this.names) this.hidden.clear();
    this.names = names;
    this.data = data;
    this.draw();
    this.drawLegend();
  }

  /** Shows the figures instead of the picture, or the picture again. @param {boolean} on */
  table(on) {
    this.asTable = on;
    this.draw();
    this.drawLegend();
  }

  stop() {
    this.watch.disconnect();
  }

  draw() {
    const { data, box } = this;
    if (!data) return;
    this.element.dataset.kind = data.kind;
    if (isEmpty(data)) return fill(box, el('p', { class: 'chart-empty muted' }, t('chart.empty')));
    if (this.asTable) return fill(box, figures(data));
    /** @type {Way} */
    const way = data.kind === 'rows' || data.kind === 'pie' ? data.kind : 'plot';
    if (way !== this.way || !this.drawn?.element.isConnected) {
      this.way = way;
      this.drawn = way === 'rows' ? rows(this.options) : way === 'pie' ? ring(this.options) : new Plot(this.options);
      fill(box, this.drawn.element);
    }
    return this.drawn.draw(data, this.hidden);
  }

  drawLegend() {
    const { data, legend } = this;
    const shown = data !== null && !this.asTable && !isEmpty(data) && data.series.length > 1 && data.kind !== 'pie';
    legend.hidden = !shown;
    fill(legend, shown && data.series.map((series, at) => this.key(series, at, data)));
  }

  /** @param {Series} series @param {number} at @param {Data} data */
  key(series, at, data) {
    return el(
      'button',
      { class: 'quiet chart-key', 'aria-pressed': String(!this.hidden.has(at)), title: t('chart.key_hint', { name: series.name }), 'data-test': 'series', on: { click: (/** @type {MouseEvent} */ event) => this.toggle(at, event.shiftKey || event.altKey) } },
      sign(lookOf(data, at), data.kind === 'line'),
      el('span', null, series.name),
    );
  }

  /** Switches a series off or on; alone: all others, or all again. @param {number} at @param {boolean} alone */
  toggle(at, alone) {
    const all = (this.data?.series ?? []).map((_, other) => other);
    if (alone) {
      const isAlone = this.hidden.size === all.length - 1 && !this.hidden.has(at);
      this.hidden = new Set(isAlone ? [] : all.filter((other) => other !== at));
    } else if (!this.hidden.delete(at)) this.hidden.add(at);
    this.draw();
    for (const [other, button] of [...this.legend.children].entries()) button.setAttribute('aria-pressed', String(!this.hidden.has(other)));
  }
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
