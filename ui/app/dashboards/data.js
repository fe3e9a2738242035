/** Answers of the API as what a tile shows: a chart, one figure, or a table. Pure but for words of fields and values. */

import { instant, number, percent } from '../format.js';
import { has, t } from '../i18n.js';
import { label, valueTitle } from '../journal/fields.js';
import { lengthOf } from '../parts/axis.js';
import { chartData, isNumber, suggest, unitOf } from '../sql/axes.js';
import { visible } from '../visible.js';

/** @typedef {import('../parts/chart-data.js').Data} Data */
/** @typedef {import('./model.js').Tile} Tile */
/** @typedef {{type: 'chart', data: Data, fields: string[]}} ChartShown `fields` are what the places are values of; their keys are one value for each */
/** @typedef {{type: 'stat', value: string, note: string | null, spark: number[]}} StatShown */
/** @typedef {{type: 'table', columns: {name: string, title: string, number: boolean, time?: boolean}[], rows: unknown[][], fields: string[]}} TableShown `fields` tell which events a row is of */
/** @typedef {ChartShown | StatShown | TableShown} Shown */

/** Characters of a value in a tile. */
const WORDS_MAX = 300;
/** Rows of a table in a tile. */
export const ROWS_MAX = 200;

/**
 * A value of a field in words.
 * @param {string} field
 * @param {unknown} value
 * @returns {string}
 */
export function words(field, value) {
  if (value == null || value === '') return t('dashboards.no_value');
  const text = typeof value === 'object' && !('source' in value) ? JSON.stringify(value) : String(value);
  return valueTitle(field, text) ?? visible(text.slice(0, WORDS_MAX));
}

/** Looks that mean something, as in the journal's histogram. @type {Record<string, number>} */
const OUTCOMES = { success: 0, failure: 1 };

/**
 * The look of a value's series: failures are the same everywhere; what has no value, and the rest, is grey.
 * @param {string} by
 * @param {unknown} value
 * @param {boolean} [isRest]
 */
function lookOf(by, value, isRest = false) {
  if (isRest || (by !== '' && value == null)) return 7;
  return by === 'outcome' ? OUTCOMES[String(value)] ?? 7 : undefined;
}

/**
 * @param {Tile} tile
 * @param {any} body
 * @returns {Shown | null} null where there is nothing
 */
export function shownOf(tile, body) {
  const { route } = tile.ask;
  if (route === 'histogram') return ofHistogram(tile, body);
  if (route === 'facets') return ofFacets(tile, body);
  return route === 'aggregate' ? ofAggregate(tile, body) : ofQuery(tile, body);
}

/** The stretch that an answer is of, as the domain of an axis. @param {any} period */
function domainOf(period) {
  return period?.from && period?.to ? /** @type {[number, number]} */ ([instant(period.from), instant(period.to)]) : undefined;
}

/**
 * @param {Tile} tile
 * @param {any} body
 * @returns {Shown | null}
 */
function ofHistogram(tile, body) {
  const by = String(tile.ask.params.by ?? '');
  /** @type {{value?: unknown, other?: number, total: number, counts: number[]}[]} */
  const found = body.series;
  const name = (/** @type {typeof found[0]} */ one) => (one.other !== undefined ? t('chart.rest', { n: one.other }) : by ? words(by, one.value) : t('dashboards.events'));
  const total = found.reduce((all, one) => all + one.total, 0);
  if (total === 0) return tile.kind === 'stat' ? { type: 'stat', value: number(0), note: null, spark: [] } : null;
  if (tile.kind === 'stat') return { type: 'stat', value: number(total), note: null, spark: body.times.map((/** @type {string} */ _, /** @type {number} */ at) => found.reduce((all, one) => all + (one.counts[at] ?? 0), 0)) };
  if (tile.kind === 'pie' || tile.kind === 'table') return shares(tile, by, found.filter((one) => one.other === undefined).map((one) => [one.value, one.total]));
  const xs = body.times.map(instant);
  return { type: 'chart', fields: [], data: { kind: tile.kind === 'line' ? 'line' : 'bars', axis: 'time', xs, step: xs.length > 1 ? xs[1] - xs[0] : lengthOf(body.step), series: found.map((one) => ({ name: name(one), key: one.value, look: lookOf(by, one.value, one.other !== undefined), values: one.counts })), domain: domainOf(body.period) } };
}

/**
 * Values of one field with their counts.
 * @param {Tile} tile
 * @param {string} field
 * @param {[unknown, number][]} values
 * @returns {Shown | null}
 */
function shares(tile, field, values) {
  if (values.length === 0) return null;
  if (tile.kind === 'table') {
    const total = values.reduce((all, [, count]) => all + count, 0);
    return { type: 'table', columns: [{ name: field, title: label(field), number: false }, { name: 'count', title: t('dashboards.events'), number: true }, { name: 'share', title: '%', number: true }], rows: values.map(([value, count]) => [value, count, percent(count, total)]), fields: [field] };
  }
  return { type: 'chart', fields: [field], data: { kind: tile.kind === 'pie' ? 'pie' : 'rows', axis: 'text', xTitle: label(field), xs: values.map(([value]) => words(field, value)), keys: values.map(([value]) => [value]), series: [{ name: t('dashboards.events'), values: values.map(([, count]) => count) }] } };
}

/**
 * @param {Tile} tile
 * @param {any} body
 * @returns {Shown | null}
 */
function ofFacets(tile, body) {
  const field = Object.keys(body.facets)[0] ?? '';
  const facet = body.facets[field] ?? { values: [], distinct: 0, events: 0 };
  if (tile.kind === 'stat') return { type: 'stat', value: number(facet.distinct), note: t('dashboards.different', { field: label(field) }), spark: [] };
  return shares(tile, field, facet.values.map((/** @type {any} */ one) => [one.value, one.count]));
}

/** How figures of an aggregate are told. @param {Tile} tile */
function toldOf(tile) {
  const metric = String(tile.ask.params.metric ?? 'count');
  return metric === 'count' || metric === 'distinct' ? undefined : unitOf(String(tile.ask.params.of ?? ''));
}

/** @param {unknown} value */
const figure = (value) => (value == null ? null : Number(value));

/**
 * @param {Tile} tile
 * @param {any} body
 * @returns {Shown | null}
 */
function ofAggregate(tile, body) {
  /** @type {Record<string, any>[]} */
  const rows = body.rows;
  const by = String(tile.ask.params.by ?? '').split(',').map((name) => name.trim()).filter(Boolean);
  const told = toldOf(tile);
  const named = (/** @type {Record<string, any>} */ row) => by.map((field) => words(field, row[field])).join(' · ');
  if (tile.kind === 'stat') return statOf(tile, rows, told);
  if (rows.every((row) => row.value == null)) return null;
  if (rows[0] && 'time' in rows[0] && tile.kind !== 'table' && tile.kind !== 'pie') return overTime(tile, rows, by, told, body.period);
  if (tile.kind === 'table') {
    const columns = [...('time' in (rows[0] ?? {}) ? ['time'] : []), ...by];
    return { type: 'table', columns: [...columns.map((name) => ({ name, title: name === 'time' ? t('chart.time') : label(name), number: false, time: name === 'time' })), { name: 'value', title: metricTitle(tile), number: true }], rows: rows.map((row) => [...columns.map((name) => row[name]), told ? told(Number(row.value)) : row.value]), fields: by };
  }
  return { type: 'chart', fields: by, data: { kind: tile.kind === 'pie' ? 'pie' : 'rows', axis: 'text', xTitle: by.map(label).join(' · '), told, xs: rows.map(named), keys: rows.map((row) => by.map((field) => row[field])), series: [{ name: metricTitle(tile), values: rows.map((row) => figure(row.value)) }] } };
}

/** @param {Tile} tile */
function metricTitle(tile) {
  const { metric = 'count', of } = tile.ask.params;
  if (metric === 'count') return t('dashboards.events');
  return `${has(`dashboards.metric_${metric}`) ? t(`dashboards.metric_${metric}`) : metric}${of ? ` · ${label(String(of))}` : ''}`;
}

/**
 * @param {Tile} tile
 * @param {Record<string, any>[]} rows
 * @param {((value: number) => string) | undefined} told
 * @returns {StatShown}
 */
function statOf(tile, rows, told) {
  const values = rows.map((row) => figure(row.value)).filter((value) => value !== null);
  const metric = String(tile.ask.params.metric ?? 'count');
  const adds = metric === 'count' || metric === 'sum';
  const value = adds && values.length > 1 ? values.reduce((all, one) => all + one, 0) : metric === 'max' ? Math.max(...values) : values[0];
  const shown = value === undefined || !Number.isFinite(value) ? '–' : (told ?? number)(value);
  return { type: 'stat', value: shown, note: metric === 'count' ? null : metricTitle(tile), spark: rows[0] && 'time' in rows[0] ? values : [] };
}

/**
 * @param {Tile} tile
 * @param {Record<string, any>[]} rows
 * @param {string[]} by
 * @param {((value: number) => string) | undefined} told
 * @param {any} period
 * @returns {Shown}
 */
function overTime(tile, rows, by, told, period) {
  const xs = [...new Set(rows.map((row) => instant(row.time)))].sort((a, b) => a - b);
  const places = new Map(xs.map((x, at) => [x, at]));
  const metric = String(tile.ask.params.metric ?? 'count');
  const missing = metric === 'count' || metric === 'sum' || metric === 'distinct' ? 0 : null;
  /** @type {Map<string, {name: string, key: unknown, look?: number, values: (number | null)[]}>} */
  const series = new Map();
  for (const row of rows) {
    const name = by.length > 0 ? by.map((field) => words(field, row[field])).join(' · ') : metricTitle(tile);
    const one = series.get(name) ?? { name, key: row[by[0] ?? ''], look: by.length === 1 ? lookOf(by[0] ?? '', row[by[0] ?? '']) : undefined, values: new Array(xs.length).fill(missing) };
    one.values[places.get(instant(row.time)) ?? 0] = figure(row.value);
    series.set(name, one);
  }
  const step = lengthOf(String(tile.ask.params.step ?? '1d'));
  return { type: 'chart', fields: [], data: { kind: tile.kind === 'line' ? 'line' : 'bars', axis: 'time', xs, step, told, tick: told, series: [...series.values()], domain: domainOf(period) } };
}

/**
 * @param {Tile} tile
 * @param {any} body
 * @returns {Shown | null}
 */
function ofQuery(tile, body) {
  /** @type {import('../sql/axes.js').AnswerColumn[]} */
  const schema = body.schema;
  /** @type {unknown[][]} */
  const rows = body.rows;
  if (tile.kind === 'stat') {
    const at = schema.findIndex(isNumber);
    const value = rows[0]?.[Math.max(0, at)];
    const told = unitOf(schema[at]?.name ?? '');
    return { type: 'stat', value: value == null ? '–' : told ? told(Number(value)) : number(/** @type {any} */ (value)), note: schema[at]?.name ?? null, spark: [] };
  }
  if (rows.length === 0) return null;
  const choice = tile.kind === 'table' ? null : suggest(schema, rows);
  if (!choice) return { type: 'table', columns: schema.map((column) => ({ name: column.name, title: heading(column.name), number: isNumber(column), time: column.type === 'timestamp' })), rows: rows.slice(0, ROWS_MAX), fields: [] };
  const isTime = schema.some((column) => column.name === choice.x && (column.type === 'timestamp' || column.type === 'date'));
  const kind = tile.kind === 'pie' ? 'pie' : tile.kind === 'line' && isTime ? 'line' : isTime ? 'bars' : choice.kind === 'bars' ? 'bars' : 'rows';
  const data = chartData(schema, rows, { ...choice, kind }, { none: t('dashboards.no_value'), rest: (n) => t('chart.rest', { n }) });
  const by = choice.series;
  if (by) for (const series of data.series) if (series.key !== undefined) series.name = words(by, series.key);
  if (data.axis === 'text') {
    data.xs = data.xs.map((x, at) => words(choice.x, data.keys?.[at] ?? x));
    data.keys = data.keys?.map((key) => [key]);
  }
  return { type: 'chart', fields: data.axis === 'text' && label(choice.x) !== choice.x ? [choice.x] : [], data };
}

/** A column of a query for people: its title, else its name in words. @param {string} name */
function heading(name) {
  const title = label(name);
  return title === name ? name.replace(/_(ms|ns)$/, '').replaceAll('_', ' ') : title;
}

/** A duration in a table of a tile, told as one; null where it is none. @param {string} name @param {unknown} value */
export function cellText(name, value) {
  if (value == null) return '–';
  const told = /_(ns|ms)$/.test(name) ? unitOf(name) : undefined;
  return told ? told(Number(value)) : null;
}
