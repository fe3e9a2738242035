/** The body of a request or a response, as people read it: the part that needs no page. */

import { parse } from '../json.js';

/** @typedef {{kind: 'json', value: unknown} | {kind: 'form', pairs: [string, string][]} | {kind: 'xml', text: string} | {kind: 'text'}} Read */

/** A longer text is shown as it is: reading it would hold up the page. */
export const READ_MAX = 4_000_000;

/**
 * What a body is, by its type and, where that says nothing, by how it begins.
 * @param {string} text
 * @param {string | null | undefined} contentType
 * @returns {Read}
 */
export function read(text, contentType) {
  if (text.length > READ_MAX) return { kind: 'text' };
  const type = (contentType ?? '').toLowerCase();
  const start = text.trimStart().charAt(0);
  if (type.includes('json') || start === '{' || start === '[') {
    try {
      const value = parse(text);
      if (typeof value === 'object' && value !== null) return { kind: 'json', value };
    } catch {
      // A cut or wrong document is shown as the text that it is.
    }
  }
  if (type.includes('x-www-form-urlencoded')) return { kind: 'form', pairs: [...new URLSearchParams(text)] };
  if ((type.includes('xml') || type.includes('soap')) && start === '<') return { kind: 'xml', text: indented(text) };
  return { kind: 'text' };
}

/**
 * XML with a line for each element, indented; texts stay on the line of their element. Nothing is read as markup.
 * @param {string} text
 * @returns {string}
 */
export function indented(text) {
  const pieces = text.match(/<!\[CDATA\[[\s\S]*?\]\]>|<!--[\s\S]*?-->|<[^>]*>|[^<]+/g) ?? [];
  /** @type {string[]} */
  const lines = [];
  let depth = 0;
  let open = false;
  for (const piece of pieces) {
    if (/^\s*$/.test(piece)) continue;
    const isTag = piece.startsWith('<') && !piece.startsWith('<![CDATA[');
    const closes = isTag && piece.startsWith('</');
    if (closes) depth = Math.max(0, depth - 1);
    // `<a>text</a>` stays on one line.
    if (lines.length > 0 && open && (!isTag || closes)) lines[lines.length - 1] += piece;
    else lines.push('  '.repeat(depth) + piece);
    const opens = isTag && !closes && !/^<[?!]/.test(piece) && !piece.endsWith('/>');
    if (opens) depth += 1;
    open = opens || (!isTag && open);
    if (closes) open = false;
  }
  return lines.join('\n');
}

/**
 * Bytes of a text in UTF-8.
 * @param {string} text
 */
export function byteLength(text) {
  return new TextEncoder().encode(text).length;
}
