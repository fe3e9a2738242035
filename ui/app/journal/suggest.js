/**
 * What could be meant by what is being typed: fields by their name or title, values by how often they are there. The
 * part that finds the token at the cursor is pure.
 */

import { get } from '../api.js';
import { number } from '../format.js';
import { t } from '../i18n.js';
import { fieldList, label, learn, valueTitle } from './fields.js';
import { quoted, text, toApi } from './query.js';
import { recent } from './recent.js';
import { split } from './terms.js';

/** @typedef {import('./query.js').Query} Query */
/** @typedef {{kind: 'field' | 'value' | 'text' | 'recent', text: string, note: string, detail: string, insert: string}} Suggestion `insert` takes the token's place; that of `recent` is the whole query */
/** @typedef {{from: number, to: number, before: string, field: string | null, sign: string, done: string, part: string}} Token `before`: `-` and `#`; `done`: values that stand already, with their comma; `part`: what is being typed */

const MOST = 9;
/** Fields whose values are found by a word alone. */
const POPULAR = ['module', 'event_type', 'outcome', 'source', 'action', 'object_type', 'peer_name', 'actor_name'];

/**
 * The token that the cursor stands in or behind.
 * @param {string} line
 * @param {number} at
 * @returns {Token}
 */
export function tokenAt(line, at) {
  const found = split(line.slice(0, at)).tokens.at(-1);
  const raw = found && found.at + found.raw.length === at ? found.raw : '';
  const from = at - raw.length;
  const rest = /^\S*/.exec(line.slice(at))?.[0] ?? '';
  const [, before = '', field, sign = '', list = ''] = /^(#?-?)([A-Za-z_][\w.\-/]*)(!?(?:~=|\^=|>=|<=|=|:))(.*)$/s.exec(raw) ?? [];
  const to = at + (raw.includes('"') ? 0 : rest.length);
  if (field === undefined) {
    const marks = /^#?-?/.exec(raw)?.[0] ?? '';
    return { from, to, before: marks, field: null, sign: '', done: '', part: raw.slice(marks.length) };
  }
  const comma = list.startsWith('"') ? -1 : list.lastIndexOf(',');
  return { from, to, before, field, sign, done: list.slice(0, comma + 1), part: list.slice(comma + 1).replace(/^"/, '') };
}

/** @type {Map<string, Promise<any>>} */
const cache = new Map();

/**
 * Figures that were just asked are not asked again.
 * @param {URLSearchParams} params
 * @param {AbortSignal} [signal]
 */
function facetsOf(params, signal) {
  const key = params.toString();
  let task = cache.get(key);
  if (!task) {
    task = get('/facets', params, signal);
    cache.set(key, task);
    task.catch(() => cache.delete(key));
    setTimeout(() => cache.delete(key), 60_000);
  }
  return task;
}

/**
 * @param {Token} token
 * @param {Query} query
 * @param {AbortSignal} signal
 * @returns {Promise<Suggestion[]>}
 */
export async function suggest(token, query, signal) {
  if (token.field) return values(token, token.field, query, signal);
  const fields = await fieldSuggestions(token);
  if (token.part === '' && token.from === 0) return [...before(query), ...fields].slice(0, MOST);
  if (token.part.length < 2) return fields.slice(0, MOST);
  const words = await popular(token, query);
  const anywhere = { kind: /** @type {const} */ ('text'), text: token.part, note: '', detail: t('journal.query.search_text'), insert: token.before + token.part };
  return [...words.slice(0, 5), ...fields.slice(0, MOST - 1 - Math.min(words.length, 5)), ...(token.before === '' ? [anywhere] : [])];
}

/**
 * What was asked before, but not what is asked now.
 * @param {Query} query
 * @returns {Suggestion[]}
 */
function before(query) {
  const now = text(query);
  const others = recent().map((one) => one.text).filter((one) => one !== now);
  return others.slice(0, 4).map((one) => ({ kind: 'recent', text: one, note: '', detail: '', insert: one }));
}

/**
 * Whether what is typed stands in a text, and how near to its beginning: smaller is better.
 * @param {string} part
 * @param {...(string | null | undefined)} texts
 */
function rank(part, ...texts) {
  const wanted = part.toLowerCase();
  const places = texts.map((text) => {
    const at = text == null ? -1 : text.toLowerCase().indexOf(wanted);
    if (at < 0) return Infinity;
    return at === 0 ? 0 : /[\s._]/.test(text?.[at - 1] ?? '') ? 1 : 2;
  });
  return Math.min(...places);
}

/** Fields that are offered before anything is typed. */
const FIRST = ['module', 'event_type', 'outcome', 'actor', 'object', 'peer_name', 'http_status', 'duration', 'errors'];

/** @param {Token} token */
async function fieldSuggestions({ before, part }) {
  const fields = await fieldList();
  const ranked = fields.map((field) => ({ field, place: part === '' ? FIRST.indexOf(field.name) : rank(part, field.name, label(field.name), ...field.aliases) }));
  const fitting = ranked.filter(({ place }) => place >= 0 && place < Infinity).sort((left, right) => left.place - right.place || left.field.name.length - right.field.name.length);
  return fitting.map(({ field }) => ({
    kind: /** @type {const} */ ('field'),
    text: label(field.name),
    note: field.name,
    detail: '',
    insert: `${before}${field.name}${signOf(field)}`,
  }));
}

/** @param {import('./fields.js').Field} field */
const signOf = (field) => (field.name === 'duration' ? '>=' : field.operators.includes('=') ? ':' : field.operators[0] ?? ':');

/**
 * Values of one field, by how often they are there without the filters of the field itself.
 * @param {Token} token
 * @param {string} name
 * @param {Query} query
 * @param {AbortSignal} signal
 * @returns {Promise<Suggestion[]>}
 */
async function values(token, name, query, signal) {
  const field = (await fieldList()).find((one) => one.name === name || one.aliases.includes(name));
  const insert = (/** @type {string} */ value) => `${token.before}${token.field}${token.sign}${token.done}${quoted(value)}`;
  const make = (/** @type {string} */ value, /** @type {number | null} */ count) => ({ kind: /** @type {const} */ ('value'), text: valueTitle(name, value) ?? value, note: count == null ? '' : number(count), detail: valueTitle(name, value) ? value : '', insert: insert(value) });
  if (field?.values.length) return field.values.filter((value) => rank(token.part, value) < Infinity).map((value) => make(value, null));
  if (name === 'has') return (await fieldSuggestions({ ...token, before: '' })).slice(0, MOST).map((one) => ({ ...one, insert: insert(one.note) }));
  if (EXAMPLES[name]) return EXAMPLES[name].filter((value) => rank(token.part, value, valueTitle(name, value)) < Infinity).map((value) => make(value, null));
  const column = COUNTED[name] ?? field?.name ?? name;
  if (!field && !/^attributes\./.test(name)) return [];
  if (field && (!['text', 'number', 'boolean'].includes(field.kind) && !(name in COUNTED))) return [];
  const others = { ...query, filters: query.filters.filter((one) => one.field !== name) };
  if (token.part.length > 1 && field?.kind === 'text') others.filters.push({ field: column, op: '~=', values: [token.part], off: false });
  const answer = await facetsOf(toApi(others, { fields: column, top: 50 }), signal);
  /** @type {{value: unknown, count: number}[]} */
  const rows = answer.facets[column]?.values ?? [];
  // Of an object its type alone says nothing: the id follows.
  if (name === 'object') return rows.filter(({ value }) => value != null && rank(token.part, String(value)) < Infinity).slice(0, 12).map(({ value, count }) => ({ ...make(`${value}:`, count), kind: 'field' }));
  return rows
    .filter(({ value }) => value != null && rank(token.part, String(value), valueTitle(name, String(value))) < Infinity)
    .slice(0, 12)
    .map(({ value, count }) => make(String(value), count));
}

/** Values of what cannot be counted, to show how they are written. @type {Record<string, string[]>} */
const EXAMPLES = { duration: ['100ms', '1s', '10s', '1m'], hour: ['9-17', '22-5', '09:00-17:30'], weekday: ['1', '2', '3', '4', '5', '6', '7', '1-5', '6-7'] };

/** Words of the API, and the column whose values they take. @type {Record<string, string>} */
const COUNTED = { object: 'object_type', actor: 'actor_name', location: 'unit_name', ip: 'client_address', kind: 'kind', actor_kind: 'actor_kind', level: 'level', pattern: 'pattern' };

/**
 * Values of the fields that people ask most by what is typed alone: `cour` finds `module:couriers`.
 * @param {Token} token
 * @param {Query} query
 * @returns {Promise<Suggestion[]>}
 */
async function popular({ before, part }, query) {
  // Not cancelled by the next letter: it is the same question.
  const answer = await facetsOf(toApi({ ...query, q: '' }, { fields: POPULAR.join(','), top: 200 }));
  await learn(sourcesOf(answer));
  /** @type {(Suggestion & {place: number, count: number})[]} */
  const found = [];
  for (const [field, { values: rows }] of Object.entries(/** @type {Record<string, {values: {value: unknown, count: number}[]}>} */ (answer.facets))) {
    for (const { value, count } of rows) {
      if (value == null) continue;
      const title = valueTitle(field, String(value));
      const place = rank(part, String(value), title);
      if (place < 2 || (place === 2 && part.length > 2)) found.push({ kind: 'value', text: title ?? String(value), note: number(count), detail: label(field), insert: `${before}${field}:${quoted(String(value))}`, place, count });
    }
  }
  return found.sort((left, right) => left.place - right.place || right.count - left.count);
}

/** @param {any} answer */
export const sourcesOf = (answer) => (answer.facets.source?.values ?? []).map((/** @type {{value: unknown}} */ row) => String(row.value ?? '')).filter(Boolean);
