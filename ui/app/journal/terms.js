/**
 * A query as one line of text, and back: `module:couriers,orders -outcome:success duration>=1s "exact words" rest`.
 *
 * A term is a field, an operator and values with commas between them; `-` in front of it means "not", `#` that it is switched
 * off. What is no term is a word to look for. A group of the API's JSON stands as it is: `{"any": […]}`. Pure: no DOM.
 */

/** @typedef {'=' | '!=' | '~=' | '!~=' | '^=' | '!^=' | '>=' | '!>=' | '<=' | '!<='} Operator */

/**
 * @typedef {object} Filter
 * @property {string} field
 * @property {Operator} op
 * @property {string[]} values one of which must fit; never empty
 * @property {boolean} off whether it is switched off: shown, not asked
 */

/**
 * @typedef {object} Problem
 * @property {number} at where in the text, from 0
 * @property {string} message key of the text that tells it
 * @property {Record<string, string>} args what goes into its places
 */

/**
 * @typedef {object} Parsed
 * @property {Filter[]} filters
 * @property {string[]} groups JSON filters, as texts
 * @property {string} q
 * @property {Problem[]} problems
 */

/** A field, in quotes where its name would not stand alone, and an operator. */
const TERM = /^([A-Za-z_][\w.\-/]*|"(?:attributes|labels)\.(?:[^"\\]|\\.)+")(!?(?:~=|\^=|>=|<=|=|:|~|\^|>|<))/s;

/**
 * The sign of an operator that was written by hand: `:` is `=`, the last `=` may be left out.
 * @param {string} sign
 * @returns {Operator}
 */
function operator(sign) {
  const plain = sign.replace(':', '=');
  return /** @type {Operator} */ (plain.endsWith('=') ? plain : `${plain}=`);
}

/**
 * The contrary of an operator.
 * @param {Operator} op
 * @returns {Operator}
 */
export function negated(op) {
  return /** @type {Operator} */ (op.startsWith('!') ? op.slice(1) : `!${op}`);
}

/**
 * A value as a term has it: in quotes where it would not come back otherwise.
 * @param {string} value
 */
export function quoted(value) {
  return value === '' || /[\s,"\\]/.test(value) || /^[{-]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;
}

/**
 * A filter as a term.
 * @param {Filter} filter
 */
export function termOf({ field, op, values, off }) {
  const not = op.startsWith('!');
  const sign = not ? op.slice(1) : op;
  const name = /^[A-Za-z_][\w.\-/]*$/.test(field) ? field : quoted(field);
  return `${off ? '#' : ''}${not ? '-' : ''}${name}${sign === '=' ? ':' : sign}${values.map(quoted).join(',')}`;
}

/**
 * A query as one line.
 * @param {{filters: Filter[], groups?: string[], q: string}} query
 */
export function text({ filters, groups = [], q }) {
  return [...filters.map(termOf), ...groups, wordsOf(q)].filter(Boolean).join(' ');
}

/**
 * Words as a line has them, told apart as the API does; those that would be read as a term are put into quotes.
 * @param {string} q
 */
function wordsOf(q) {
  const words = q.split('"').flatMap((part, at) => (at % 2 === 1 ? [part] : part.split(/\s+/))).filter(Boolean);
  return words.map((word) => (/\s/.test(word) || isTerm(word) ? `"${word}"` : word)).join(' ');
}

/** @param {string} raw */
function isTerm(raw) {
  return /^#?-./.test(raw) || raw.startsWith('{') || TERM.test(raw.replace(/^#/, ''));
}

/** @typedef {{raw: string, at: number}} Token */

/**
 * Cuts a text at its spaces, but not inside of quotes and of JSON.
 * @param {string} line
 * @returns {{tokens: Token[], open: number | null}} `open`: where a quote or a brace begins that does not end
 */
export function split(line) {
  /** @type {Token[]} */
  const tokens = [];
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at] ?? '')) {
      at += 1;
      continue;
    }
    const end = endOf(line, at);
    tokens.push({ raw: line.slice(at, Math.abs(end)), at });
    if (end < 0) return { tokens, open: at };
    at = end;
  }
  return { tokens, open: null };
}

/**
 * Where the token that begins at `at` ends; negative where a quote or brace of it is left open.
 * @param {string} line
 * @param {number} at
 */
function endOf(line, at) {
  const json = line[at] === '{';
  let depth = 0;
  let quote = false;
  for (let i = at; i < line.length; i += 1) {
    const sign = line[i] ?? '';
    if (quote && sign === '\\') i += 1;
    else if (sign === '"') quote = !quote;
    else if (quote) continue;
    else if (json && sign === '{') depth += 1;
    else if (json && sign === '}' && --depth === 0) return i + 1;
    else if (!json && /\s/.test(sign)) return i;
  }
  return quote || depth > 0 ? -line.length : line.length;
}

/**
 * Reads a line.
 * @param {string} line
 * @param {(field: string) => boolean} [known] whether there is a field of that name
 * @returns {Parsed}
 */
export function parseText(line, known = () => true) {
  const { tokens, open } = split(line);
  /** @type {Parsed} */
  const parsed = { filters: [], groups: [], q: '', problems: [] };
  /** @type {string[]} */
  const words = [];
  if (open != null) parsed.problems.push({ at: open, message: 'journal.query.open_quote', args: {} });
  for (const token of tokens) readToken(token, known, parsed, words);
  parsed.q = words.join(' ');
  return parsed;
}

/**
 * @param {Token} token
 * @param {(field: string) => boolean} known
 * @param {Parsed} parsed
 * @param {string[]} words
 */
function readToken({ raw, at }, known, parsed, words) {
  if (raw.startsWith('{')) return readGroup(raw, at, parsed);
  const off = raw.startsWith('#') && raw.length > 1;
  const not = raw.startsWith('-', off ? 1 : 0) && raw.length > (off ? 2 : 1);
  const rest = raw.slice(Number(off) + Number(not));
  const found = TERM.exec(rest);
  if (!found) {
    // `#1042` is a number of an order, `-label` is what must not stand there.
    if (!not) return void words.push(raw);
    return void merge(parsed.filters, { field: 'q', op: '!=', values: [rest], off });
  }
  const [whole, name = '', sign = ''] = found;
  const field = name.startsWith('"') ? name.slice(1, -1).replace(/\\(.)/g, '$1') : name;
  const values = rest.length > whole.length ? valuesOf(rest.slice(whole.length)) : [];
  if (!known(field)) {
    // An address or a time of day is a word, a misspelt field is not.
    if (/^https?:\/\//.test(rest) || (!off && !not && sign === ':' && !/^[a-z_.]+$/.test(field))) return void words.push(raw);
    return void parsed.problems.push({ at, message: 'journal.query.unknown_field', args: { name: field } });
  }
  if (values.length === 0) return void parsed.problems.push({ at, message: 'journal.query.no_value', args: { name: field } });
  const op = operator(sign);
  if (field === 'q' && op === '=' && !off && !not) return void words.push(values.map((value) => (/\s/.test(value) ? `"${value}"` : value)).join(' '));
  merge(parsed.filters, { field, op: not ? negated(op) : op, values, off });
  return undefined;
}

/**
 * @param {string} raw
 * @param {number} at
 * @param {Parsed} parsed
 */
function readGroup(raw, at, parsed) {
  if (isGroup(raw)) parsed.groups.push(raw);
  else parsed.problems.push({ at, message: 'journal.query.no_json', args: {} });
}

/**
 * Whether a text is a JSON object.
 * @param {string} raw
 */
export function isGroup(raw) {
  try {
    const value = JSON.parse(raw);
    return value !== null && typeof value === 'object' && !Array.isArray(value);
  } catch {
    return false;
  }
}

/**
 * Values of a term: commas between them, quotes around those that need them.
 * @param {string} list
 * @returns {string[]}
 */
export function valuesOf(list) {
  /** @type {string[]} */
  const values = [];
  let value = '';
  let quote = false;
  let wasQuoted = false;
  const end = () => {
    if (value !== '' || wasQuoted) values.push(value);
    value = '';
    wasQuoted = false;
  };
  for (let i = 0; i < list.length; i += 1) {
    const sign = list[i] ?? '';
    if (quote && sign === '\\') value += list[++i] ?? '';
    else if (sign === '"') {
      quote = !quote;
      wasQuoted = true;
    } else if (sign === ',' && !quote) end();
    else value += sign;
  }
  end();
  return [...new Set(values)];
}

/**
 * Adds a filter; values of one field and operator are alternatives, but bounds of a range both hold.
 * @param {Filter[]} filters
 * @param {Filter} added
 */
export function merge(filters, added) {
  const same = /[<>]/.test(added.op) ? undefined : filters.find((one) => one.field === added.field && one.op === added.op && one.off === added.off);
  if (same) same.values = [...new Set([...same.values, ...added.values])];
  else filters.push({ ...added, values: [...added.values] });
}

/**
 * The one filter that a term says, or null.
 * @param {string} term
 * @returns {Filter | null}
 */
export function readTerm(term) {
  const { filters, problems } = parseText(term);
  return problems.length === 0 && filters.length === 1 ? filters[0] ?? null : null;
}
