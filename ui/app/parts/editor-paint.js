/** The coloured layer of an editor: only lines that changed are made anew, so that typing in a long text stays quick. */

import { el, fill } from '../dom.js';

/** @typedef {{kind: string, start: number, end: number}} Token */
/** @typedef {{start: number, end: number}} Range */
/** @typedef {{key: string, pieces: {text: string, class: string}[]}} Line */

export class Painter {
  /**
   * @param {HTMLElement} layer
   * @param {HTMLElement} numbers
   * @param {(text: string) => Token[]} colour
   */
  constructor(layer, numbers, colour) {
    this.layer = layer;
    this.numbers = numbers;
    this.colour = colour;
    /** What each line was made of. @type {string[]} */
    this.made = [];
  }

  /**
   * @param {string} text
   * @param {Range | null} error underlined
   * @param {Range | null} mark lines that stand out
   */
  draw(text, error, mark) {
    const { layer, made } = this;
    const lines = linesOf(text, this.colour(text), error);
    const keys = lines.map((line) => line.key);
    let same = 0;
    while (same < keys.length && same < made.length && keys[same] === made[same]) same += 1;
    let tail = 0;
    while (tail < keys.length - same && tail < made.length - same && keys[keys.length - 1 - tail] === made[made.length - 1 - tail]) tail += 1;
    for (let gone = made.length - same - tail; gone > 0; gone -= 1) layer.children[same]?.remove();
    const next = layer.children[same] ?? null;
    for (const line of lines.slice(same, keys.length - tail)) layer.insertBefore(lineElement(line), next);
    this.made = keys;
    this.number(lines.length, mark ? [lineAt(text, mark.start), lineAt(text, mark.end)] : [-1, -1]);
  }

  /** @param {number} count @param {[number, number]} marked */
  number(count, [first, last]) {
    const { numbers } = this;
    while (numbers.childElementCount > count) numbers.lastElementChild?.remove();
    while (numbers.childElementCount < count) numbers.append(el('div', null, numbers.childElementCount + 1));
    for (const [at, line] of [...numbers.children].entries()) line.classList.toggle('on', at >= first && at <= last);
  }
}

/**
 * The line of a place, from 0.
 * @param {string} text
 * @param {number} at
 */
export const lineAt = (text, at) => text.slice(0, at).split('\n').length - 1;

/**
 * @param {string} text
 * @param {Token[]} tokens
 * @param {Range | null} error
 * @returns {Line[]}
 */
function linesOf(text, tokens, error) {
  /** @type {Line[]} */
  const lines = [{ key: '', pieces: [] }];
  const put = (/** @type {string} */ words, /** @type {string} */ kind) => {
    words.split('\n').forEach((part, at) => {
      if (at > 0) lines.push({ key: '', pieces: [] });
      const line = lines.at(-1);
      if (!line || part === '') return;
      line.pieces.push({ text: part, class: kind });
      line.key += `${kind}\u0001${part}\u0002`;
    });
  };
  for (const token of tokens) {
    const kind = token.kind === 'space' || token.kind === 'name' ? '' : `code-${token.kind}`;
    const [from, to] = error ? [Math.max(token.start, error.start), Math.min(token.end, error.end)] : [0, 0];
    if (error && from < to) {
      put(text.slice(token.start, from), kind);
      put(text.slice(from, to), `${kind} code-wrong`);
      put(text.slice(to, token.end), kind);
    } else put(text.slice(token.start, token.end), kind);
  }
  return lines;
}

/** @param {Line} line */
function lineElement(line) {
  const row = el('div');
  // An empty line keeps its height.
  if (line.pieces.length === 0) fill(row, '\u200b');
  for (const piece of line.pieces) row.append(piece.class === '' ? document.createTextNode(piece.text) : el('span', { class: piece.class }, piece.text));
  return row;
}
