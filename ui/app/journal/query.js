/**
 * What a journal is asked for: filters, words, a period. The address has it in the API's own words (`module=couriers`,
 * `outcome!=success`, `duration>=1s`), so that a page's query string can be sent to the API as it is. Pure: no DOM.
 */

import { zone } from '../format.js';
import { has } from '../i18n.js';
import { isBound, isPeriod } from '../period.js';
import { isGroup, merge, negated, readTerm, termOf } from './terms.js';

export { parseText, quoted, termOf, text } from './terms.js';

/** @typedef {import('./terms.js').Filter} Filter */
/** @typedef {import('./terms.js').Operator} Operator */
/** @typedef {import('../period.js').Period} Period */
/**
 * @typedef {object} Query
 * @property {Filter[]} filters
 * @property {string[]} groups filters as JSON, with `any`, `all` and `not`
 * @property {string} q words that all stand somewhere in the event
 * @property {Period} period never empty
 * @property {string[]} ignored parts of the address that say nothing: `period=someday`
 */
/** @typedef {Record<string, string | string[] | null>} Changes for `url.change` */

/** What is asked where nothing is said; the API's own default. */
export const DEFAULT_PERIOD = 'last_24h';

/** Parameters of the query that are no filters. */
const PARTS = new Set(['period', 'from', 'to', 'off', 'filter']);
/** Parameters of the page and of the API that are no filters. */
const RESERVED = new Set(
  'project tz period from to columns sort event tab view by step chart lang theme embed wrap widths live find near around cursor filter off q now limit fields top total explain saved source_of dataset_of tenant_of'.split(' '),
);

/**
 * Whether there is a field of that name: those that have a title, and the insides of `attributes` and `labels`.
 * Before the titles are there, any name.
 * @param {string} name
 */
export function isField(name) {
  if (/^(attributes|labels)\../.test(name)) return true;
  return /^[a-z_]\w*$/.test(name) && (!has('field.module') || has(`field.${name}`));
}

/**
 * Field and operator of a key of the address: `outcome!`, `duration>`; a `=` at its end may stand there.
 * @param {string} key
 * @returns {{field: string, op: Operator}}
 */
function readKey(key) {
  const [, field = key, sign = ''] = /^(.+?)(!?[~^<>]?)=?$/.exec(key) ?? [];
  return { field, op: /** @type {Operator} */ (`${sign}=`) };
}

/**
 * The key of a filter in the address and in the API's JSON.
 * @param {{field: string, op: Operator}} filter
 */
export const keyOf = ({ field, op }) => field + op.slice(0, -1);

/**
 * Reads the address.
 * @param {URLSearchParams} params
 * @param {(field: string) => boolean} [known]
 * @returns {Query}
 */
export function read(params, known = isField) {
  /** @type {Query} */
  const query = { filters: [], groups: [], q: (params.get('q') ?? '').trim(), period: {}, ignored: [] };
  for (const [key, value] of params) {
    if (key === 'off') readOff(value, query, known);
    else if (key === 'filter') (isGroup(value) ? query.groups : query.ignored).push(isGroup(value) ? value : `filter=${value}`);
    else if (!RESERVED.has(key)) {
      const { field, op } = readKey(key);
      if (value !== '' && known(field)) merge(query.filters, { field, op, values: [value], off: false });
      else query.ignored.push(`${key}=${value}`);
    }
  }
  query.period = readPeriod(params, query.ignored);
  return query;
}

/**
 * @param {string} term
 * @param {Query} query
 * @param {(field: string) => boolean} known
 */
function readOff(term, query, known) {
  const filter = readTerm(term);
  if (filter && known(filter.field)) query.filters.push({ ...filter, off: true });
  else query.ignored.push(`off=${term}`);
}

/**
 * @param {URLSearchParams} params
 * @param {string[]} ignored
 * @returns {Period}
 */
function readPeriod(params, ignored) {
  const bound = (/** @type {'from' | 'to'} */ name) => {
    const text = params.get(name);
    if (!text || isBound(text)) return text || undefined;
    ignored.push(`${name}=${text}`);
    return undefined;
  };
  const [word, from, to] = [params.get('period'), bound('from'), bound('to')];
  if (from || to) {
    if (word) ignored.push(`period=${word}`);
    return { ...(from && { from }), ...(to && { to }) };
  }
  if (word && isPeriod(word)) return { period: word };
  if (word) ignored.push(`period=${word}`);
  return { period: DEFAULT_PERIOD };
}

/**
 * @typedef {object} Asking
 * @property {boolean} [period] whether the period is said; the tail has none
 * @property {string} [tz]
 */

/**
 * Parameters of `/events`, `/facets`, `/histogram`, `/aggregate`.
 * @param {Query} query
 * @param {Record<string, string | number | string[] | null | undefined>} [extra]
 * @param {Asking} [how]
 */
export function toApi(query, extra = {}, { period = true, tz = zone() } = {}) {
  const params = new URLSearchParams();
  for (const filter of query.filters) if (!filter.off) for (const value of filter.values) params.append(keyOf(filter), value);
  for (const group of query.groups) params.append('filter', group);
  if (query.q) params.set('q', query.q);
  if (period) for (const [key, value] of Object.entries(query.period)) if (value) params.set(key, value);
  params.set('tz', tz);
  for (const [key, value] of Object.entries(extra)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one != null && one !== '') params.append(key, String(one));
  }
  return params;
}

/**
 * The API's JSON filter, for exports and alerts.
 * @param {Query} query
 * @param {Asking} [how]
 * @returns {Record<string, unknown>}
 */
export function toFilter(query, { period = true, tz = zone() } = {}) {
  /** @type {Record<string, unknown>} */
  const filter = {};
  /** @type {unknown[]} */
  const all = query.groups.map((group) => JSON.parse(group));
  for (const one of query.filters) {
    if (one.off) continue;
    const key = keyOf(one);
    const value = one.values.length === 1 ? one.values[0] : one.values;
    if (key in filter) all.push({ [key]: value });
    else filter[key] = value;
  }
  if (query.q) filter.q = query.q;
  if (all.length > 0) filter.all = all;
  return { ...filter, ...(period ? query.period : {}), tz };
}

/**
 * The parameters of the address that say this query.
 * @param {Query} query
 * @returns {Record<string, string | string[]>}
 */
export function toAddress(query) {
  /** @type {Record<string, string[]>} */
  const lists = {};
  const push = (/** @type {string} */ key, /** @type {string[]} */ ...values) => (lists[key] ??= []).push(...values);
  for (const filter of query.filters) {
    if (filter.off) push('off', termOf({ ...filter, off: false }));
    else push(keyOf(filter), ...filter.values);
  }
  if (query.groups.length > 0) push('filter', ...query.groups);
  const { period, from, to } = query.period;
  return { ...lists, ...(query.q && { q: query.q }), ...(period && period !== DEFAULT_PERIOD && { period }), ...(from && { from }), ...(to && { to }) };
}

/**
 * What turns one query into another, and nothing else of the address.
 * @param {Query} before
 * @param {Query} after
 * @returns {Changes}
 */
export function difference(before, after) {
  const [old, now] = [toAddress(before), toAddress(after)];
  /** @type {Changes} */
  const changes = {};
  for (const key of new Set([...Object.keys(old), ...Object.keys(now)])) {
    const value = now[key] ?? null;
    if (JSON.stringify(old[key] ?? null) !== JSON.stringify(value)) changes[key] = value;
  }
  // A page of another list, and what was read as nothing, go with it.
  if (Object.keys(changes).length > 0) changes.cursor = null;
  for (const part of before.ignored) {
    const key = part.slice(0, part.indexOf('=', 1));
    if (!(key in changes) && !(key in now) && (!RESERVED.has(key) || PARTS.has(key))) changes[key] = null;
  }
  return changes;
}

/** @param {Filter} left @param {Filter} right */
const same = (left, right) => left.field === right.field && left.op === right.op && left.off === right.off && left.values.join('\n') === right.values.join('\n');

/** @param {Query} query @param {Filter[]} filters */
const withFilters = (query, filters) => {
  /** @type {Filter[]} */
  const merged = [];
  for (const filter of filters) if (filter.values.length > 0) merge(merged, filter);
  return difference(query, { ...query, filters: merged });
};

/** What an action of a user does to the address: records for `url.change`. */
export const changes = {
  /**
   * One more value; what says the contrary of it goes.
   * @param {Query} query
   * @param {string} field
   * @param {Operator} op
   * @param {string} value
   */
  add(query, field, op, value) {
    const contrary = negated(op);
    const without = (/** @type {Filter} */ one) =>
      one.field === field && (one.op === contrary || (one.off && one.op === op)) ? { ...one, values: one.values.filter((old) => old !== value) } : one;
    return withFilters(query, [...query.filters.map(without), { field, op, values: [value], off: false }]);
  },
  /**
   * This value of a field and no other.
   * @param {Query} query
   * @param {string} field
   * @param {string} value
   */
  only(query, field, value) {
    const others = query.filters.filter((one) => one.off || one.field !== field || (one.op !== '=' && one.op !== '!='));
    return withFilters(query, [...others, { field, op: '=', values: [value], off: false }]);
  },
  /**
   * @param {Query} query
   * @param {Filter} filter
   */
  remove(query, filter) {
    return withFilters(query, query.filters.filter((one) => !same(one, filter)));
  },
  /**
   * Switches a filter off, or on again.
   * @param {Query} query
   * @param {Filter} filter
   */
  toggle(query, filter) {
    return changes.replace(query, filter, { ...filter, off: !filter.off });
  },
  /**
   * @param {Query} query
   * @param {Filter} filter
   */
  negate(query, filter) {
    return changes.replace(query, filter, { ...filter, op: negated(filter.op) });
  },
  /**
   * @param {Query} query
   * @param {Filter} filter
   * @param {Filter} by
   */
  replace(query, filter, by) {
    return withFilters(query, query.filters.map((one) => (same(one, filter) ? by : one)));
  },
  /**
   * @param {Query} query
   * @param {Period} period
   */
  period(query, period) {
    return difference(query, { ...query, period });
  },
  /**
   * Filters, groups and words as they were read from a line of text.
   * @param {Query} query
   * @param {{filters: Filter[], groups: string[], q: string}} parsed
   */
  set(query, { filters, groups, q }) {
    return difference(query, { ...query, filters, groups, q });
  },
  /**
   * No filter at all; the period stays.
   * @param {Query} query
   */
  clear(query) {
    return difference(query, { ...query, filters: [], groups: [], q: '' });
  },
};
