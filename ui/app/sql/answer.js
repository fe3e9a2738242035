/**
 * Answers of queries, read while they come: what the page can show is kept, and the rest is not waited for. The server stops
 * as soon as nobody reads.
 */

import { parse } from '../json.js';

/** @typedef {{name: string, type: string}} AnswerColumn */
/** @typedef {Record<string, any>} Stats */

/**
 * @typedef {object} Answer
 * @property {AnswerColumn[]} schema
 * @property {unknown[][]} rows
 * @property {boolean} truncated the server's own limit was met
 * @property {boolean} more the page stopped reading; there are further rows
 * @property {Stats | null} stats null where the page stopped reading
 */

/** Rows that the page keeps. */
export const ROWS_MAX = 20_000;
/** Characters that the page keeps. */
const TEXT_MAX = 48_000_000;
const ROWS_BEGIN = '"rows":[';

/**
 * Reads an answer in JSON: a line with the schema, a line for each row, the rest.
 * @param {Response} response
 * @param {{stop: () => void, onRows?: (rows: number) => void, max?: number}} how `stop` ends the call
 * @returns {Promise<Answer>}
 */
export async function readAnswer(response, { stop, onRows, max = ROWS_MAX }) {
  if (!response.body) return { ...parse(await response.text()), more: false };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  /** @type {AnswerColumn[] | null} */
  let schema = null;
  /** @type {unknown[][]} */
  const rows = [];
  let rest = '';
  let size = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    size += value.length;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (schema === null && line.endsWith(ROWS_BEGIN)) schema = head(line);
      else if (schema && line.startsWith('[') && line.endsWith('],')) rows.push(parse(line.slice(0, -1)));
      else {
        rest = `${line}\n${rest}`;
        break;
      }
    }
    onRows?.(rows.length);
    if (schema && (rows.length > max || size > TEXT_MAX)) {
      reader.cancel().catch(() => undefined);
      stop();
      return { schema, rows: rows.slice(0, max), truncated: false, more: true, stats: null };
    }
  }
  return finish(schema, rows, rest);
}

/** @param {string} line */
const head = (line) => parse(`${line}]}`).schema;

/**
 * The last row and what stands behind the rows.
 * @param {AnswerColumn[] | null} schema
 * @param {unknown[][]} rows
 * @param {string} rest
 * @returns {Answer}
 */
function finish(schema, rows, rest) {
  // Without rows everything is on one line.
  const end = schema === null ? parse(rest) : parse(`{"rows":[${rest}`);
  for (const row of end.rows) rows.push(row);
  return { schema: schema ?? end.schema, rows, truncated: end.truncated, more: false, stats: end.stats };
}
