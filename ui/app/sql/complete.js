/** What could be written at a place of a statement: tables behind FROM, columns of the tables that it names, functions, keywords, and values in quotes. */

import { sqlQuoted } from '../quote.js';
import { schema, valuesOf } from './schema.js';
import { KEYWORDS, statementAt, statements, tokens } from './tokens.js';

/** @typedef {import('../parts/editor-suggest.js').Suggestion} Suggestion */
/** @typedef {import('../parts/editor-suggest.js').Suggestions} Suggestions */
/** @typedef {import('./schema.js').Schema} Schema */

/**
 * @param {string} text
 * @param {number} caret
 * @param {boolean} wanted asked for, and not only typed
 * @returns {Promise<Suggestions | null>}
 */
export async function complete(text, caret, wanted) {
  const all = tokens(text);
  const inside = all.find((token) => token.start < caret && caret <= token.end);
  if (inside?.kind === 'comment') return null;
  if (inside?.kind === 'string' && (caret < inside.end || !text.slice(inside.start + 1, inside.end).endsWith("'"))) return values(text, all, inside, caret);
  const word = inside && (inside.kind === 'name' || inside.kind === 'keyword' || inside.kind === 'function' || inside.kind === 'parameter') ? inside : null;
  const from = word ? word.start : caret;
  const written = text.slice(from, caret);
  const before = all.filter((token) => token.end <= from && token.kind !== 'space' && token.kind !== 'comment').map((token) => ({ ...token, text: text.slice(token.start, token.end) }));
  const last = before.at(-1);
  if (!wanted && written === '' && last?.text !== '.') return null;
  const found = await schema();
  const list = statements(text);
  const statement = list[statementAt(list, caret)]?.text ?? text;
  const options = last?.text === '.' ? columnsOf(found, statement, before.at(-2)?.text ?? '') : afterTable(before) ? tables(found) : everything(found, statement);
  return { from, to: word ? Math.max(word.end, caret) : caret, options: rank(options, written) };
}

/**
 * Whether a table is what comes next: behind FROM or JOIN, or a comma of FROM.
 * @param {{text: string, kind: string}[]} before
 */
function afterTable(before) {
  for (let at = before.length - 1; at >= 0; at -= 1) {
    const word = before[at]?.text.toUpperCase() ?? '';
    if (word === 'FROM' || word === 'JOIN') return at === before.length - 1 || before.at(-1)?.text === ',';
    if (before[at]?.kind === 'keyword' && word !== 'AS') return false;
    if (word === '(' || word === ')') return false;
  }
  return false;
}

/** @param {Schema} found @returns {Suggestion[]} */
const tables = (found) => found.tables.map((table) => ({ text: table.name, kind: 'table', note: table.title ?? undefined }));

/**
 * Tables of a statement by the names that it gives them.
 * @param {Schema} found
 * @param {string} statement
 * @returns {Map<string, import('./schema.js').SchemaTable>}
 */
function named(found, statement) {
  /** @type {Map<string, import('./schema.js').SchemaTable>} */
  const all = new Map();
  for (const match of statement.matchAll(/\b(?:from|join)\s+("?)([\w.]+)\1(?:\s+(?:as\s+)?([a-z_]\w*))?/gi)) {
    const table = found.tables.find((one) => one.name === match[2]?.toLowerCase());
    if (!table) continue;
    all.set(table.name, table);
    if (match[3] && !KEYWORDS.has(match[3].toUpperCase())) all.set(match[3].toLowerCase(), table);
  }
  return all;
}

/**
 * @param {Schema} found
 * @param {string} statement
 * @param {string} name
 * @returns {Suggestion[]}
 */
function columnsOf(found, statement, name) {
  const table = named(found, statement).get(name.toLowerCase()) ?? found.tables.find((one) => one.name === name.toLowerCase());
  return (table?.columns ?? []).map((column) => ({ text: column.name, kind: 'column', note: column.type }));
}

/**
 * @param {Schema} found
 * @param {string} statement
 * @returns {Suggestion[]}
 */
function everything(found, statement) {
  const used = new Set(named(found, statement).values());
  const from = used.size > 0 ? [...used] : found.tables.filter((table) => table.name === 'events');
  /** @type {Map<string, Suggestion>} */
  const columns = new Map();
  for (const table of from) for (const column of table.columns) columns.set(column.name, { text: column.name, kind: 'column', note: column.type });
  return [
    ...columns.values(),
    ...found.functions.map((one) => ({ text: `${one.name}()`, label: one.name, kind: 'function', note: one.syntax })),
    ...[...KEYWORDS].map((word) => ({ text: word, kind: 'keyword' })),
    ...['from', 'to'].map((name) => ({ text: `$${name}`, kind: 'parameter' })),
    ...tables(found),
  ];
}

/**
 * What begins with the word first, then what holds it.
 * @param {Suggestion[]} options
 * @param {string} written
 */
function rank(options, written) {
  const wanted = written.toLowerCase();
  if (wanted === '') return options;
  const name = (/** @type {Suggestion} */ one) => (one.label ?? one.text).toLowerCase();
  const begins = options.filter((one) => name(one).startsWith(wanted));
  const holds = wanted.length > 1 ? options.filter((one) => !name(one).startsWith(wanted) && name(one).includes(wanted)) : [];
  return [...begins.sort((a, b) => weight(a) - weight(b) || name(a).length - name(b).length), ...holds];
}

/** @param {Suggestion} one */
const weight = (one) => ['column', 'parameter', 'table', 'keyword', 'function'].indexOf(one.kind);

/**
 * Values of the column that a text is compared with.
 * @param {string} text
 * @param {import('./tokens.js').Token[]} all
 * @param {import('./tokens.js').Token} inside
 * @param {number} caret
 * @returns {Promise<Suggestions | null>}
 */
async function values(text, all, inside, caret) {
  const before = all.slice(0, all.indexOf(inside)).filter((token) => token.kind !== 'space' && token.kind !== 'comment');
  // Back over the values of a list, its bracket and the operator.
  while (before.length > 0) {
    const last = before.at(-1);
    const word = last ? text.slice(last.start, last.end).toUpperCase() : '';
    if (last?.kind === 'string' || [',', '(', '=', '!=', '<>', 'IN', 'NOT', 'LIKE', 'ILIKE'].includes(word)) before.pop();
    else break;
  }
  const column = before.at(-1);
  if (column?.kind !== 'name') return null;
  const found = await valuesOf(text.slice(column.start, column.end));
  const written = text.slice(inside.start + 1, caret).toLowerCase();
  const closed = inside.end - inside.start > 1 && text.charAt(inside.end - 1) === "'";
  const options = found.filter((value) => value.toLowerCase().includes(written)).map((value) => ({ text: sqlQuoted(value), label: value, kind: 'value' }));
  // An open quote may have taken in the rest of the text.
  return { from: inside.start, to: closed ? inside.end : caret, options };
}
