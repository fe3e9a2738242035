/** The products' own log screens as the API tells them: filters, columns, and what of the address belongs to them. Pure. */

import { periodOf } from '../sql/place.js';

/** @typedef {{original: string, en: string, text: string}} Title */
/** @typedef {{id: string, title: Title, fields: string[], operators: string[], values?: Record<string, any>, only?: Record<string, string>, presets?: string[], note?: string, ours?: boolean}} ScreenFilter */
/** @typedef {{id: string, title: Title | null, column: string, type?: string, group?: Title | null, key?: boolean, masked?: boolean}} ScreenColumn */
/** @typedef {{id: string, source: string, title: Title, dataset?: string, zone?: string | null, per?: string, default_period?: string, oldest_first?: boolean, sortable?: boolean, requires?: string, note?: string, columns: ScreenColumn[], filters: ScreenFilter[]}} Screen */
/** @typedef {import('../period.js').Period} Period */

/**
 * @typedef {object} Asked what the address asks of a screen
 * @property {Period} period
 * @property {boolean} oldestFirst
 * @property {[string, string][]} filters names with their operators, and values
 * @property {string[]} ignored
 */

/** Parameters of the page that are no filters of a screen. */
const RESERVED = new Set('project tz lang theme embed event tab source_of dataset_of tenant_of near around period from to order details wrap widths'.split(' '));

/** @param {ScreenFilter} filter */
export const isPeriodFilter = (filter) => filter.fields.length === 1 && filter.fields[0] === 'period';

/** What kind of control a filter is. @param {ScreenFilter} filter @returns {'choices' | 'values' | 'text' | 'hours'} */
export function controlOf(filter) {
  const many = filter.operators.includes('in') || filter.operators.includes('not_in');
  if (filter.values && Object.keys(filter.values).length > 0 && !many) return 'choices';
  if (filter.fields[0] === 'hours') return 'hours';
  return filter.operators.includes('contains') ? 'text' : 'values';
}

/**
 * Reads the address.
 * @param {URLSearchParams} params
 * @param {Screen} screen
 * @returns {Asked}
 */
export function readAsked(params, screen) {
  /** @type {Asked} */
  const asked = { period: {}, oldestFirst: screen.oldest_first ?? false, filters: [], ignored: [] };
  for (const [key, value] of params) {
    if (RESERVED.has(key)) continue;
    const filter = screen.filters.find((one) => one.id === key.replace(/[!~]$/, ''));
    if (filter && value !== '' && takes(filter, key)) asked.filters.push([key, value]);
    else asked.ignored.push(`${key}=${value}`);
  }
  const { period, ignored } = periodOf(params, screen.default_period ?? 'all');
  asked.period = period;
  asked.ignored.push(...ignored);
  const order = params.get('order');
  if (order === 'asc' || order === 'desc') asked.oldestFirst = order === 'asc';
  else if (order) asked.ignored.push(`order=${order}`);
  return asked;
}

/** @param {ScreenFilter} filter @param {string} key */
function takes(filter, key) {
  const wanted = key.endsWith('!') ? ['is_not', 'not_in'] : key.endsWith('~') ? ['contains'] : ['is', 'in', 'preset', 'on', 'between'];
  return filter.operators.some((operator) => wanted.includes(operator));
}

/**
 * The values of one filter.
 * @param {Asked} asked
 * @param {ScreenFilter} filter
 * @returns {{values: string[], not: boolean}}
 */
export function valuesOf(asked, filter) {
  const of = (/** @type {string} */ sign) => asked.filters.filter(([key]) => key === `${filter.id}${sign}`).map(([, value]) => value);
  const not = of('!');
  if (not.length > 0) return { values: not, not: true };
  return { values: controlOf(filter) === 'text' ? of('~') : of(''), not: false };
}

/**
 * What choosing values does to the address.
 * @param {ScreenFilter} filter
 * @param {string[]} values
 * @param {boolean} not
 * @returns {Record<string, string | string[] | null>}
 */
export function choosing(filter, values, not) {
  const sign = not ? '!' : controlOf(filter) === 'text' ? '~' : '';
  return { [filter.id]: null, [`${filter.id}!`]: null, [`${filter.id}~`]: null, [`${filter.id}${sign}`]: values.length > 0 ? values : null };
}

/**
 * Parameters of the API.
 * @param {Asked} asked
 * @param {string} tz
 * @param {Record<string, string>} more
 */
export function toApi(asked, tz, more) {
  const params = new URLSearchParams(more);
  for (const [key, value] of asked.filters) params.append(key, value);
  for (const [key, value] of Object.entries(asked.period)) if (value) params.set(key, value);
  params.set('order', asked.oldestFirst ? 'asc' : 'desc');
  params.set('tz', tz);
  return params;
}
