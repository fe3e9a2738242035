/**
 * What an alert asks, apart from how it is shown: a filter as lines of `field=value`, in the words of the journal's address, and
 * back; the members that a change sends.
 */

import { parse, stringify } from '../json.js';

/** @typedef {Record<string, any>} Alert as the API has it */

/** What the present filter of the journal has that an alert does not take. */
const NOT_ASKED = new Set(['project', 'tz', 'period', 'from', 'to', 'cursor', 'limit', 'sort', 'columns', 'event']);

/** Members that say what an alert is; the others say where it stands. */
const MEMBERS = ['name', 'enabled', 'filter', 'sql', 'metric', 'of', 'by', 'condition', 'window', 'every', 'for', 'repeat', 'clock', 'no_data', 'quiet', 'channels'];

export const METRICS = ['count', 'distinct', 'sum', 'avg', 'min', 'max'];
export const OPERATORS = ['>=', '>', '<=', '<', '=', '!='];

/**
 * A filter as lines; as JSON where it has groups.
 * @param {Record<string, any> | null | undefined} filter
 * @returns {string}
 */
export function toText(filter) {
  const all = Object.entries(filter ?? {});
  const plain = (/** @type {unknown} */ value) => value === null || typeof value !== 'object' || 'source' in value;
  if (!all.every(([, value]) => plain(value) || (Array.isArray(value) && value.every(plain)))) return stringify(filter);
  return all.map(([name, value]) => (Array.isArray(value) ? value : [value]).map((one) => `${name}=${one}`)).flat().join('\n');
}

/**
 * The filter of lines, or of JSON.
 * @param {string} text
 * @returns {Record<string, any>}
 */
export function fromText(text) {
  if (text.trim().startsWith('{')) return parse(text);
  /** @type {Record<string, any>} */
  const filter = {};
  for (const line of text.split('\n').map((one) => one.trim()).filter(Boolean)) {
    const at = line.indexOf('=');
    const name = at < 0 ? line : line.slice(0, at);
    add(filter, name, at < 0 ? '' : line.slice(at + 1));
  }
  return filter;
}

/**
 * @param {Record<string, any>} filter
 * @param {string} name
 * @param {string} value
 */
function add(filter, name, value) {
  const had = filter[name];
  if (had === undefined) filter[name] = value;
  else filter[name] = [...(Array.isArray(had) ? had : [had]), value];
}

/**
 * The filter of a query string of the journal, without its period; or of the API's JSON, as the journal's own menu has it.
 * @param {string} query
 */
export function fromQuery(query) {
  if (query.startsWith('{')) return parse(query);
  /** @type {Record<string, any>} */
  let filter = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if (NOT_ASKED.has(name)) continue;
    if (name === 'filter') filter = { ...filter, ...parse(value) };
    else add(filter, name, value);
  }
  return filter;
}

/**
 * The journal's parameters of a filter, for a link; null where it has groups that no address can hold.
 * @param {Record<string, any>} filter
 * @returns {Record<string, string | string[]> | null}
 */
export function toParams(filter) {
  const text = toText(filter);
  if (text.startsWith('{')) return { filter: stringify(filter, 0) };
  return Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, Array.isArray(value) ? value.map(String) : String(value)]));
}

/**
 * What an alert is, as a change sends it.
 * @param {Alert} alert
 */
export function body(alert) {
  return Object.fromEntries(MEMBERS.filter((name) => alert[name] !== undefined && alert[name] !== null).map((name) => [name, alert[name]]));
}

/**
 * Whether lists show an address of the alert only in part: then a change must say it again.
 * @param {Alert} alert
 */
export function hidesAddress(alert) {
  return (alert.channels ?? []).some((/** @type {{url?: string}} */ one) => one.url?.includes('?***'));
}

/**
 * The phase of a group that fires or is about to.
 * @param {Record<string, any>} group
 * @returns {'firing' | 'pending' | 'no_data'}
 */
export function phaseOf(group) {
  const phase = typeof group.phase === 'string' ? group.phase : Object.keys(group.phase ?? {})[0];
  return phase === 'firing' ? 'firing' : phase === 'no_data' ? 'no_data' : 'pending';
}
