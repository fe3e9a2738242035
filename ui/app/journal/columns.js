/**
 * The columns of the journal's list: some that tell several fields at once (who, what, to which object, how it ended), and
 * every field of the events by its own name. Their order stands in the address as `columns=`, widths as `widths=`.
 */

import { bytes, duration, number, time } from '../format.js';
import { parse, plain } from '../json.js';
import { visible } from '../visible.js';
import { MADE, NARROW } from './cells.js';
import { label } from './fields.js';
import { isField } from './query.js';

/** @typedef {import('../parts/grid.js').Column} Column */
/** @typedef {Record<string, any>} Row */
/** @typedef {import('./fields.js').Field} Field */

/** What is shown where nothing is said. */
export const DEFAULT_COLUMNS = ['event_time', 'module', 'sentence', 'object', 'actor', 'outcome'];
/** What is shown where there is room for one column only. */
export const NARROW_COLUMN = NARROW;

/** Columns that say which event a row is, and those that a sentence and its marks are made of. */
const NEEDED = [
  '_seq', 'event_id', 'event_time', 'tenant_id', 'source', 'dataset', 'module', 'event_type', 'action', 'message', 'severity_number', 'outcome', 'status', 'error_message',
  'actor_type', 'actor_id', 'actor_name', 'actor_email', 'visitor_id', 'object_type', 'object_id', 'object_name', 'task_status',
];

/** Columns of JSON and lists have no single value to sort by. */
const UNSORTED = new Set(['object_before', 'object_after', 'task_result', 'attributes', 'related', 'object_refs', 'changes', 'changed_fields', 'request_headers', 'response_headers', 'attachments', 'labels']);
const TIMES = new Set(['event_time', 'observed_time']);
const SIZES = new Set(['request_body_size', 'response_body_size']);
const MONO = /(_id|_code|_address|_method|_route|_type|url|_headers|_body|sequence|raw|attributes|labels|object_before|object_after|changes|task_result)$/;
/** Where the journal's own column sorts by one of the events. */
const SORTS_BY = /** @type {Record<string, string>} */ ({ actor: 'actor_name' });

/**
 * The columns that the address asks for.
 * @param {URLSearchParams} params
 * @returns {{ids: string[], ignored: string[]}} `ignored`: names of no column
 */
export function columnIds(params) {
  const asked = [...new Set((params.get('columns') ?? '').split(',').map((id) => id.trim()).filter(Boolean))];
  const ids = asked.filter(isColumn);
  return { ids: ids.length > 0 ? ids : DEFAULT_COLUMNS, ignored: asked.filter((id) => !isColumn(id)) };
}

/** @type {Set<string> | null} */
let names = null;

/**
 * Learns which columns there are.
 * @param {Field[]} fields
 */
export function knowFields(fields) {
  names = new Set(fields.filter((field) => field.kind !== 'word').map((field) => field.name));
  numbers = new Set(fields.filter((field) => field.kind === 'number').map((field) => field.name));
}

let numbers = new Set(['sequence', 'http_status', 'duration_ns', 'severity_number', 'task_progress', 'task_done_count', 'task_failed_count', ...SIZES]);

/** @param {string} id */
function isColumn(id) {
  if (id in MADE || /^(attributes|labels)\.\S/.test(id)) return true;
  // Before the list of fields is there, those that have a title.
  return names ? names.has(id) : isField(id);
}

/** Ids of columns as `columns=`; null where it is what nothing said would be. @param {string[]} ids */
export function columnsText(ids) {
  return ids.join(',') === DEFAULT_COLUMNS.join(',') ? null : ids.join(',');
}

/**
 * The columns of the API that a list of these columns needs.
 * @param {string[]} ids
 * @returns {string[]}
 */
export function fieldsOf(ids) {
  const more = ids.flatMap((id) => (id in MADE ? (MADE[id]?.fields ?? []) : [id.split('.')[0] ?? id]));
  return [...new Set([...NEEDED, ...more])];
}

/**
 * Columns of an export or of a table made elsewhere: each made column stands for the fields that it tells.
 * @param {string[]} ids
 * @returns {string[]}
 */
export function plainFields(ids) {
  const fields = ids.flatMap((id) => (id in MADE ? (MADE[id]?.fields ?? []) : [id.split('.')[0] ?? id]));
  return [...new Set(fields)];
}

/**
 * @param {string[]} ids
 * @returns {Column[]}
 */
export function columnsOf(ids) {
  const made = ids.map(columnOf);
  // Somebody has to take the room that is left.
  const last = made.at(-1);
  if (last && !made.some((column) => column.grows)) last.grows = true;
  return made;
}

/** @param {string} id @returns {Column} */
function columnOf(id) {
  const known = MADE[id];
  if (known) return { id, title: known.title(), hint: known.hint?.(), width: known.width, grows: known.grows, firm: known.firm, sorts: known.sorts, cell: known.cell, text: known.text };
  const [field = id, ...path] = id.split('.');
  const isNumber = numbers.has(id);
  const text = (/** @type {Row} */ row) => plain(valueAt(row[field], path));
  return {
    id,
    title: label(id),
    hint: id,
    width: isNumber ? 110 : TIMES.has(id) ? 200 : id === 'message' ? 320 : 150,
    number: isNumber,
    firm: isNumber,
    mono: MONO.test(field) && !isNumber,
    sorts: path.length === 0 && !UNSORTED.has(id),
    cell: (row) => shown(id, valueAt(row[field], path)),
    text,
  };
}

/** The column of the API that a column sorts by. @param {string} id */
export const sortField = (id) => SORTS_BY[id] ?? id;

/**
 * The sorting that the address asks for.
 * @param {string | null} text `-event_time`
 * @param {string[]} ids columns that are shown
 * @returns {{sort: string, shown: {id: string, descending: boolean}, isWrong: boolean}}
 */
export function readSort(text, ids) {
  const descending = text == null || text.startsWith('-');
  const field = (text ?? '-event_time').replace(/^-/, '');
  const isWrong = !/^[a-z_]+$/.test(field) || UNSORTED.has(field) || !(names ? names.has(field) : isField(field));
  if (isWrong) return { sort: '-event_time', shown: { id: 'event_time', descending: true }, isWrong };
  return { sort: `${descending ? '-' : ''}${field}`, shown: { id: ids.find((id) => sortField(id) === field) ?? field, descending }, isWrong };
}

/**
 * Reads `widths=module:180,actor:120`.
 * @param {string | null} text
 * @returns {Record<string, number>}
 */
export function readWidths(text) {
  /** @type {Record<string, number>} */
  const widths = {};
  for (const part of (text ?? '').split(',')) {
    const [, id, width] = /^(.+):(\d{2,4})$/.exec(part) ?? [];
    if (id) widths[id] = Math.max(48, Math.min(1200, Number(width)));
  }
  return widths;
}

/** @param {Record<string, number>} widths */
export const widthsText = (widths) => Object.entries(widths).map(([id, width]) => `${id}:${width}`).join(',') || null;

/**
 * A part of a value, by the names on the way; texts that are JSON are looked into.
 * @param {any} value
 * @param {string[]} path
 * @returns {unknown}
 */
export function valueAt(value, path) {
  if (path.length === 0 || value == null) return value;
  let at = value;
  if (typeof at === 'string') {
    try {
      at = parse(at);
    } catch {
      return undefined;
    }
  }
  // A label's key may have points itself.
  if (typeof at === 'object' && path.join('.') in at) return at[path.join('.')];
  for (const name of path) at = at == null ? undefined : at[name];
  return at;
}

/** @param {string} id @param {any} value */
function shown(id, value) {
  if (value == null) return null;
  if (TIMES.has(id)) return time(value);
  if (id === 'duration_ns') return duration(value);
  if (SIZES.has(id)) return bytes(value);
  if (id === 'http_status') return String(value);
  if (numbers.has(id)) return number(value);
  const text = plain(value);
  // A body of a megabyte is not laid out for one line of it.
  return visible(text.length > 600 ? `${text.slice(0, 600)}…` : text);
}
