/** SQL as tokens: for colours, for statements, for completion and for the layout. It reads any text and never fails. Pure. */

/** @typedef {'keyword' | 'function' | 'name' | 'string' | 'number' | 'comment' | 'parameter' | 'sign' | 'space'} TokenKind */
/** @typedef {{kind: TokenKind, start: number, end: number}} Token */

export const KEYWORDS = new Set(
  `ALL AND ANALYZE ANY AS ASC BETWEEN BY CASE CAST CROSS CURRENT CUBE DATE DESC DISTINCT ELSE END EXCEPT EXISTS EXPLAIN EXTRACT FALSE FILTER FIRST FOLLOWING
  FROM FULL GROUP GROUPING HAVING ILIKE IN INNER INTERSECT INTERVAL IS JOIN LAST LATERAL LEFT LIKE LIMIT NATURAL NOT NULL NULLS OFFSET ON OR ORDER
  OUTER OVER PARTITION PRECEDING RANGE RECURSIVE RIGHT ROLLUP ROW ROWS SELECT SETS SIMILAR SOME TABLE THEN TIMESTAMP TO TRUE UNBOUNDED UNION USING
  VALUES WHEN WHERE WINDOW WITH WITHIN`.split(/\s+/),
);

/** Keywords that a bracket may follow without making them functions. */
const BEFORE_BRACKET = new Set('ALL AND ANY AS BETWEEN BY ELSE EXISTS FILTER FROM GROUP IN INTERSECT JOIN LIKE NOT ON OR OVER ROLLUP CUBE SELECT SETS SOME THEN UNION USING VALUES WHEN WHERE WITH WITHIN'.split(' '));

const PARTS = /\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$\w+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+|[\p{L}_][\p{L}\p{N}_]*|->>|->|<=|>=|<>|!=|\|\||::|[\s\S]/gu;
const WORD = /^[\p{L}_]/u;

/**
 * @param {string} sql
 * @returns {Token[]} from the first character to the last
 */
export function tokens(sql) {
  /** @type {Token[]} */
  const all = [];
  let start = 0;
  // What stands in the text is all of it: each piece begins where the one before it ended.
  for (const text of sql.match(PARTS) ?? []) {
    const end = start + text.length;
    all.push({ kind: kindOf(text, sql, end), start, end });
    start = end;
  }
  return all;
}

/**
 * The kind of a piece, by its first character.
 * @param {string} text
 * @param {string} sql
 * @param {number} end
 * @returns {TokenKind}
 */
function kindOf(text, sql, end) {
  const first = text.charCodeAt(0);
  if (first <= 32) return 'space';
  if ((first >= 65 && first <= 90) || (first >= 97 && first <= 122) || first === 95) return kindOfWord(text, sql, end);
  if (first === 39) return 'string';
  if (first === 34) return 'name';
  if (first >= 48 && first <= 57) return 'number';
  if (text.length > 1) {
    if (first === 36) return 'parameter';
    if (first === 46) return 'number';
    if (text.startsWith('--') || text.startsWith('/*')) return 'comment';
  }
  if (first < 128) return 'sign';
  return text.trim() === '' ? 'space' : WORD.test(text) ? kindOfWord(text, sql, end) : 'sign';
}

/**
 * @param {string} word
 * @param {string} sql
 * @param {number} end
 * @returns {TokenKind}
 */
function kindOfWord(word, sql, end) {
  let next = end;
  while (sql.charCodeAt(next) <= 32) next += 1;
  const called = sql.charCodeAt(next) === 40;
  // The longest keyword has nine letters.
  const upper = word.length < 10 ? word.toUpperCase() : '';
  // Names of columns as well, unless a text follows.
  if (upper === 'DATE' || upper === 'TIMESTAMP') return sql.charCodeAt(next) === 39 ? 'keyword' : called ? 'function' : 'name';
  if (KEYWORDS.has(upper) && (!called || BEFORE_BRACKET.has(upper) || upper === 'CAST' || upper === 'EXTRACT')) return 'keyword';
  return called ? 'function' : 'name';
}

/** @typedef {{start: number, end: number, text: string}} Statement */

/**
 * The statements of a text, without the `;` between them and the space around them.
 * @param {string} sql
 * @returns {Statement[]}
 */
export function statements(sql) {
  /** @type {Statement[]} */
  const all = [];
  let start = 0;
  let said = false;
  /** @param {number} end */
  const close = (end) => {
    const text = sql.slice(start, end);
    const lead = text.length - text.trimStart().length;
    const trimmed = text.trim();
    // A comment alone is no statement.
    if (said) all.push({ start: start + lead, end: start + lead + trimmed.length, text: trimmed });
    said = false;
  };
  for (const token of tokens(sql)) {
    if (token.kind === 'sign' && sql.charAt(token.start) === ';') {
      close(token.start);
      start = token.end;
    } else if (token.kind !== 'space' && token.kind !== 'comment') said = true;
  }
  close(sql.length);
  return all;
}

/**
 * The statement in which a place lies, else the one before it, else the first: its number, from 0; -1 where there is none.
 * @param {Statement[]} all
 * @param {number} at
 */
export function statementAt(all, at) {
  let found = -1;
  all.forEach((one, number) => {
    if (one.start <= at) found = number;
  });
  return found < 0 && all.length > 0 ? 0 : found;
}

/**
 * The names of the parameters that a statement has: `$from` is `from`.
 * @param {string} sql
 * @returns {string[]}
 */
export function parameters(sql) {
  const names = tokens(sql).filter((token) => token.kind === 'parameter').map((token) => sql.slice(token.start + 1, token.end));
  return [...new Set(names)];
}

/**
 * The place in a text of a line and column counted from 1.
 * @param {string} text
 * @param {{line: number, column: number}} position
 */
export function placeOf(text, { line, column }) {
  let at = 0;
  for (let passed = 1; passed < line; passed += 1) {
    const end = text.indexOf('\n', at);
    if (end < 0) return text.length;
    at = end + 1;
  }
  return Math.min(text.length, at + column - 1);
}
