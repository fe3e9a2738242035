/** One tile: a chart, a figure or a table with its title, the way into the journal, and its own loading and failure. */

import { el, fill, icon, svg } from '../dom.js';
import { number, time } from '../format.js';
import { pick, t } from '../i18n.js';
import { endOf } from '../parts/chart-data.js';
import { Chart } from '../parts/chart.js';
import { failure, skeleton } from '../parts/states.js';
import { between } from '../period.js';
import { link } from '../url.js';
import { figures } from './asking.js';
import { cellText, shownOf, words } from './data.js';
import { filterOf, filtersOf, heightOf } from './model.js';

/** @typedef {import('./model.js').Tile} Tile */
/** @typedef {import('../period.js').Period} Period */
/** @typedef {import('../sql/named.js').NamedQuery} NamedQuery */

/**
 * @typedef {object} TileOptions
 * @property {(from: number, to: number) => void} [onBrush]
 * @property {(filters: Record<string, string | string[]>, range: Period | null) => void} [onDrill]
 */

/** @param {Tile} tile */
export const titleOf = (tile) => pick(tile.titles) || tile.ask.name || t(`dashboards.route_${tile.ask.route}`);

export class TileView {
  /** @param {Tile} tile @param {TileOptions} options */
  constructor(tile, options) {
    this.tile = tile;
    this.options = options;
    this.title = titleOf(tile);
    // Of a query nobody knows which events it read, unless its tile says so.
    this.canDrill = Boolean(options.onDrill) && (tile.ask.route !== 'query' || Object.keys(tile.drill ?? {}).length > 0);
    /** @type {Chart | null} */
    this.picture = null;
    /** @type {import('./data.js').Shown | null} */
    this.shown = null;
    /** What is on the screen. @type {unknown} */
    this.answer = null;
    /** @type {AbortController | null} */
    this.running = null;
    this.body = el('div', { class: 'tile-body' });
    this.asTable = el('button', { class: 'quiet square', 'aria-pressed': 'false', 'aria-label': t('dashboards.as_table', { title: this.title }), title: t('chart.table'), 'data-test': 'as-table', hidden: true, on: { click: () => this.toggle() } }, icon('columns'));
    const drill = el('button', { class: 'quiet square', 'aria-label': t('dashboards.open_journal', { title: this.title }), title: t('dashboards.in_journal'), 'data-test': 'drill', on: { click: () => options.onDrill?.(filtersOf(tile), null) } }, icon('journal'));
    this.head = el('header', { class: 'tile-head' }, el('h2', null, this.title), el('div', { class: 'tile-actions' }, this.asTable, this.canDrill && drill));
    this.element = el('section', { class: ['tile', `tile-${tile.kind}`], 'aria-label': this.title, data: { test: 'tile', tile: tile.id } }, this.head, this.body);
    this.resize(tile.width, heightOf(tile));
  }

  /** @param {number} columns @param {number} rows */
  resize(columns, rows) {
    this.element.style.setProperty('--columns', String(columns));
    this.element.style.setProperty('--rows', String(rows));
  }

  toggle() {
    const on = this.asTable.getAttribute('aria-pressed') !== 'true';
    this.asTable.setAttribute('aria-pressed', String(on));
    this.picture?.table(on);
  }

  /** A mark was clicked: its time, or its values, as filters of the journal. @param {{at: number}} pick */
  drill({ at }) {
    if (this.shown?.type !== 'chart') return;
    const { data, fields } = this.shown;
    const x = data.xs[at];
    if (data.axis === 'time' && typeof x === 'number') this.options.onDrill?.(filtersOf(this.tile), between(x, endOf(data, at)));
    else this.narrow(fields, /** @type {unknown[]} */ (data.keys?.[at] ?? []));
  }

  /** The events of some values. @param {string[]} fields @param {unknown[]} values */
  narrow(fields, values) {
    this.options.onDrill?.(fields.reduce((filters, field, at) => ({ ...filters, ...filterOf(field, values[at]) }), filtersOf(this.tile)), null);
  }

  /** @param {any} answer */
  show(answer) {
    const shown = shownOf(this.tile, answer);
    this.shown = shown;
    this.asTable.hidden = shown?.type !== 'chart';
    if (shown?.type === 'chart') return this.draw(shown);
    this.picture?.stop();
    this.picture = null;
    if (!shown) return fill(this.body, el('p', { class: 'muted tile-empty' }, t('chart.empty')));
    return fill(this.body, shown.type === 'stat' ? stat(shown) : table(shown, this.title, this.canDrill ? (fields, values) => this.narrow(fields, values) : null));
  }

  /** @param {import('./data.js').ChartShown} shown */
  draw(shown) {
    if (!this.picture?.element.isConnected) {
      this.picture?.stop();
      this.picture = new Chart({ label: this.title, onBrush: this.options.onBrush, onPick: this.canDrill ? (pick) => this.drill(pick) : undefined });
      fill(this.body, this.picture.element);
    }
    this.picture.show(shown.data);
  }

  /** @param {Period} period @param {NamedQuery[]} queries */
  async load(period, queries) {
    this.running?.abort();
    const mine = new AbortController();
    this.running = mine;
    this.element.setAttribute('aria-busy', 'true');
    if (!this.body.hasChildNodes()) fill(this.body, skeleton(3));
    try {
      const answer = await figures(this.tile, period, queries, mine.signal);
      // What is on the screen already is not drawn anew.
      if (mine.signal.aborted || answer === this.answer) return;
      this.answer = answer;
      this.show(answer);
    } catch (error) {
      if (mine.signal.aborted) return;
      this.shown = null;
      this.answer = null;
      fill(this.body, failure(error, () => void this.load(period, queries)));
    } finally {
      if (this.running === mine) this.element.removeAttribute('aria-busy');
    }
  }

  stop() {
    this.running?.abort();
    this.picture?.stop();
  }
}

/** @param {import('./data.js').StatShown} shown */
function stat({ value, note, spark }) {
  return el('div', { class: 'tile-stat' }, el('p', { class: 'tile-figure' }, value), note && el('p', { class: 'muted small' }, note), spark.length > 1 && sparkline(spark));
}

/** @param {number[]} values */
function sparkline(values) {
  const most = Math.max(...values, 1);
  const step = 100 / (values.length - 1);
  const spots = values.map((value, at) => `${(at * step).toFixed(1)} ${(22 - (20 * Math.max(0, value)) / most).toFixed(1)}`);
  return svg('svg', { class: 'tile-spark', viewBox: '0 0 100 24', preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('path', { class: 'fill', d: `M0 24L${spots.join('L')}L100 24z` }), svg('path', { class: 'stroke', d: `M${spots.join('L')}` }));
}

/**
 * @param {import('./data.js').TableShown} shown
 * @param {string} title
 * @param {((fields: string[], values: unknown[]) => void) | null} onDrill
 */
function table({ columns, rows, fields }, title, onDrill) {
  const drills = (/** @type {unknown[]} */ row) => (onDrill && fields.length > 0 ? () => onDrill(fields, fields.map((field) => row[columns.findIndex((column) => column.name === field)])) : null);
  return el(
    'div',
    { class: 'scroll tile-table', tabIndex: 0, role: 'region', 'aria-label': `${t('dashboards.kind_table')}: ${title}` },
    el(
      'table',
      { class: 'plain' },
      el('thead', null, el('tr', null, columns.map((column) => el('th', { scope: 'col', class: column.number ? 'number' : '' }, column.title)))),
      el('tbody', null, rows.map((row) => el('tr', null, columns.map((column, at) => el('td', { class: column.number ? 'number' : '' }, cell(column, row[at], at === 0 ? drills(row) : null)))))),
    ),
  );
}

/**
 * @param {import('./data.js').TableShown['columns'][0]} column
 * @param {unknown} value
 * @param {(() => void) | null} onDrill
 */
function cell(column, value, onDrill) {
  const text = cellText(column.name, value);
  if (text !== null) return text;
  const digits = String(value);
  if (column.number) return /^-?\d+\.\d+$/.test(digits) ? number(Number(digits)) : typeof value === 'string' && !/^-?\d+$/.test(value) ? value : number(/** @type {any} */ (value));
  if (column.time) return el('span', { class: 'nowrap' }, time(digits, { fraction: false }));
  if (/^\d{4}-\d\d-\d\d$/.test(digits)) return el('span', { class: 'nowrap' }, digits);
  if (column.name === 'event_id') return el('a', { class: 'mono', href: link(`/events/${encodeURIComponent(String(value))}`) }, String(value));
  const shown = words(column.name, value);
  return onDrill ? el('button', { class: 'link', on: { click: onDrill } }, shown) : shown;
}
