/** One tile: a chart, a figure or a table with its title, the way into the journal, and its own loading and failure. */

import { el, fill, icon, svg } from '../dom.js';
import { number, time } from '../format.js';
import { pick, t } from '../i18n.js';
import { endOf } from '../parts/chart-data.js';
import { chart } from '../parts/chart.js';
import { failure, skeleton } from '../parts/states.js';
import { between } from '../period.js';
import { link } from '../url.js';
import { visible } from '../visible.js';
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

/**
 * @param {Tile} tile
 * @param {TileOptions} options
 */
export function tileView(tile, options) {
  const title = titleOf(tile);
  const body = el('div', { class: 'tile-body' });
  const actions = el('div', { class: 'tile-actions' });
  const asTable = el('button', { class: 'quiet square', 'aria-pressed': 'false', 'aria-label': t('dashboards.as_table', { title }), title: t('chart.table'), hidden: true, on: { click: () => toggle() } }, icon('columns'));
  const element = el('section', { class: ['tile', `tile-${tile.kind}`], 'aria-label': title, data: { test: 'tile', tile: tile.id }, style: { '--columns': String(tile.width), '--rows': String(heightOf(tile)) } }, el('header', { class: 'tile-head' }, el('h2', null, title), actions), body);
  /** @type {ReturnType<typeof chart> | null} */
  let picture = null;
  /** @type {import('./data.js').Shown | null} */
  let shown = null;
  /** @type {AbortController | null} */
  let running = null;
  const canDrill = Boolean(options.onDrill) && (tile.ask.route !== 'query' || Object.keys(tile.drill ?? {}).length > 0);
  fill(actions, asTable, canDrill && el('button', { class: 'quiet square', 'aria-label': t('dashboards.open_journal', { title }), title: t('dashboards.in_journal'), 'data-test': 'drill', on: { click: () => options.onDrill?.(filtersOf(tile), null) } }, icon('journal')));

  function toggle() {
    const on = asTable.getAttribute('aria-pressed') !== 'true';
    asTable.setAttribute('aria-pressed', String(on));
    picture?.table(on);
  }

  /** A mark was clicked: its value and its time, as filters of the journal. @param {{at: number}} pick */
  function drill({ at }) {
    if (shown?.type !== 'chart' || !canDrill) return;
    const { data, fields } = shown;
    const x = data.xs[at];
    if (data.axis === 'time' && typeof x === 'number') options.onDrill?.(filtersOf(tile), between(x, endOf(data, at)));
    else narrow(fields, /** @type {unknown[]} */ (data.keys?.[at] ?? []));
  }

  /** The events of some values. @param {string[]} fields @param {unknown[]} values */
  function narrow(fields, values) {
    options.onDrill?.(fields.reduce((filters, field, at) => ({ ...filters, ...filterOf(field, values[at]) }), filtersOf(tile)), null);
  }

  /** @param {any} answer */
  function show(answer) {
    shown = shownOf(tile, answer);
    asTable.hidden = shown?.type !== 'chart';
    if (shown?.type === 'chart') {
      if (!picture || !picture.element.isConnected) {
        picture?.stop();
        picture = chart({ label: title, onBrush: options.onBrush, onPick: canDrill ? drill : undefined });
        fill(body, picture.element);
      }
      picture.show(shown.data);
      return;
    }
    picture?.stop();
    picture = null;
    fill(body, !shown ? el('p', { class: 'muted tile-empty' }, t('chart.empty')) : shown.type === 'stat' ? stat(shown) : table(shown, title, canDrill ? narrow : null));
  }

  return {
    element,
    tile,
    actions,
    /** @param {Period} period @param {NamedQuery[]} queries */
    async load(period, queries) {
      running?.abort();
      const mine = new AbortController();
      running = mine;
      element.setAttribute('aria-busy', 'true');
      if (!body.hasChildNodes()) fill(body, skeleton(3));
      try {
        const { body: answer, same } = await figures(tile, period, queries, mine.signal);
        // What is on the screen already is not drawn anew.
        if (!mine.signal.aborted && !(same && shown)) show(answer);
      } catch (error) {
        if (mine.signal.aborted) return;
        shown = null;
        fill(body, failure(error, () => void this.load(period, queries)));
      } finally {
        if (running === mine) element.removeAttribute('aria-busy');
      }
    },
    stop() {
      running?.abort();
      picture?.stop();
    },
  };
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
  const shown = visible(words(column.name, value));
  return onDrill ? el('button', { class: 'link', on: { click: onDrill } }, shown) : shown;
}
