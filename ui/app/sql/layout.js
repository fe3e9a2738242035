/** The layout of SQL: clauses on lines of their own, what is long broken at commas and at AND, keywords in capitals. Comments and texts stay. Pure. */

import { tokens } from './tokens.js';

/** Words that begin a line. */
const CLAUSES = new Set(['SELECT', 'FROM', 'WHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'OFFSET', 'UNION', 'INTERSECT', 'EXCEPT', 'WITH', 'WINDOW', 'VALUES']);
const JOINS = new Set(['JOIN', 'LEFT', 'RIGHT', 'INNER', 'FULL', 'CROSS', 'NATURAL']);
/** Longest list that stays on one line. */
const LINE = 90;

/** @typedef {{text: string, kind: import('./tokens.js').TokenKind}} Word */

/**
 * @param {string} sql
 * @returns {string}
 */
export function layout(sql) {
  /** @type {Word[]} */
  const words = [];
  for (const token of tokens(sql)) {
    if (token.kind === 'space') continue;
    const text = sql.slice(token.start, token.end);
    words.push({ kind: token.kind, text: token.kind === 'keyword' ? text.toUpperCase() : text });
  }
  const written = block(words, 0).trim();
  return written === '' ? '' : `${written}\n`;
}

/**
 * A query, or several behind each other.
 * @param {Word[]} words
 * @param {number} depth of subqueries
 * @returns {string}
 */
function block(words, depth) {
  const indent = '  '.repeat(depth);
  /** @type {Word[][]} */
  const clauses = [[]];
  let open = 0;
  words.forEach((word, at) => {
    if (open === 0 && begins(words, at)) clauses.push([]);
    if (word.text === '(') open += 1;
    if (word.text === ')') open -= 1;
    clauses.at(-1)?.push(word);
    if (open === 0 && word.text === ';') clauses.push([{ kind: 'space', text: '' }], []);
  });
  return clauses.filter((clause) => clause.length > 0).map((clause) => clauseText(clause, depth)).map((text) => (text.trim() === '' ? '' : indent + text.trimEnd())).join('\n');
}

/**
 * Whether a word begins a line: a clause, a join (at its first word), a comment on its own.
 * @param {Word[]} words
 * @param {number} at
 */
function begins(words, at) {
  const word = words[at];
  if (!word) return false;
  if (word.kind === 'comment') return word.text.startsWith('/*') || word.text.startsWith('--');
  if (words[at - 1]?.kind === 'comment' && words[at - 1]?.text.startsWith('--')) return true;
  if (word.kind !== 'keyword') return false;
  const before = words[at - 1]?.text ?? '';
  if (word.text === 'GROUP' && before === 'WITHIN') return false;
  if (JOINS.has(word.text)) return !JOINS.has(before) && before !== 'OUTER';
  return CLAUSES.has(word.text) && !(word.text === 'FROM' && before === 'DISTINCT');
}

/**
 * One clause: on a line if it fits, else broken.
 * @param {Word[]} clause
 * @param {number} depth
 */
function clauseText(clause, depth) {
  const indent = '  '.repeat(depth + 1);
  const flat = inline(clause, depth);
  if (!flat.includes('\n') && flat.length + depth * 2 <= LINE) return flat;
  const head = clause[0]?.text === 'SELECT' && clause[1]?.text === 'DISTINCT' ? 2 : clause[1]?.text === 'BY' ? 2 : 1;
  const lead = clause.slice(0, head);
  const name = lead[0]?.text ?? '';
  if (name === 'SELECT' || name === 'GROUP' || name === 'ORDER' || name === 'WITH') {
    const parts = split(clause.slice(head), (word) => word.text === ',');
    const items = parts.map((part, at) => inline(part, depth + (name === 'WITH' ? 0 : 1)) + (at < parts.length - 1 ? ',' : ''));
    // Parts of WITH are queries: they begin at the margin.
    if (name === 'WITH') return `${inline(lead, depth)} ${items.join(`\n${'  '.repeat(depth)}`)}`;
    return `${inline(lead, depth)}\n${indent}${items.join(`\n${indent}`)}`;
  }
  if (name === 'WHERE' || name === 'HAVING' || JOINS.has(name)) {
    const parts = conditions(clause);
    return parts.map((part) => inline(part, depth)).join(`\n${indent}`);
  }
  return flat;
}

/**
 * Pieces between the words that end one, brackets aside; the words themselves go.
 * @param {Word[]} words
 * @param {(word: Word) => boolean} ends
 */
function split(words, ends) {
  /** @type {Word[][]} */
  const parts = [[]];
  let open = 0;
  for (const word of words) {
    if (word.text === '(') open += 1;
    if (word.text === ')') open -= 1;
    if (open === 0 && ends(word)) parts.push([]);
    else parts.at(-1)?.push(word);
  }
  return parts;
}

/**
 * Pieces that begin at AND and OR; the AND of BETWEEN begins none.
 * @param {Word[]} words
 */
function conditions(words) {
  /** @type {Word[][]} */
  const parts = [[]];
  let open = 0;
  let between = false;
  for (const word of words) {
    if (word.text === '(' || word.text === 'CASE') open += 1;
    if (word.text === ')' || word.text === 'END') open -= 1;
    if (open === 0 && word.text === 'BETWEEN') between = true;
    else if (open === 0 && (word.text === 'AND' || word.text === 'OR')) {
      if (!between || word.text === 'OR') parts.push([]);
      between = false;
    }
    parts.at(-1)?.push(word);
  }
  return parts;
}

/**
 * Words on one line; subqueries are blocks of their own.
 * @param {Word[]} words
 * @param {number} depth
 */
function inline(words, depth) {
  let text = '';
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    if (!word) continue;
    const before = words[at - 1];
    if (before && spaced(before, word, words[at - 2])) text += ' ';
    text += word.text;
    if (word.kind === 'comment' && word.text.startsWith('--')) text += '\n';
    if (word.text === '(' && ['SELECT', 'WITH'].includes(words[at + 1]?.text ?? '')) {
      const end = closing(words, at);
      text += `\n${block(words.slice(at + 1, end), depth + 1)}\n${'  '.repeat(depth)}`;
      at = end - 1;
    }
  }
  return text;
}

/**
 * The bracket that closes the one at a place.
 * @param {Word[]} words
 * @param {number} at
 */
function closing(words, at) {
  let open = 0;
  for (let to = at; to < words.length; to += 1) {
    if (words[to]?.text === '(') open += 1;
    if (words[to]?.text === ')' && --open === 0) return to;
  }
  return words.length;
}

/**
 * Whether a space stands between two words.
 * @param {Word} left
 * @param {Word} right
 * @param {Word | undefined} before the word before both, which tells a sign of arithmetic from one of a number
 */
function spaced(left, right, before) {
  if ([',', ';', ')', ']', '.'].includes(right.text) || ['(', '[', '.'].includes(left.text)) return false;
  if (left.text === '::' || right.text === '::' || right.text === '[') return false;
  if (right.text === '(') return left.kind !== 'function' && !(left.kind === 'keyword' && ['CAST', 'EXTRACT'].includes(left.text));
  if (left.kind === 'comment' && left.text.startsWith('--')) return false;
  // The sign of a number, not of a difference.
  const begins = before === undefined || before.kind === 'keyword' || (before.kind === 'sign' && before.text !== ')' && before.text !== ']');
  if ((left.text === '-' || left.text === '+') && right.kind === 'number') return !begins;
  return true;
}
