/**
 * A code editor: the browser's own text field, coloured by a layer under it, with line numbers, a place underlined, and
 * suggestions. The field is as large as its text, so the box around it scrolls both and nothing has to follow.
 *
 * Tab leaves the field, as everywhere, unless its user asked for indenting (Ctrl+M); then Escape and Tab leave it.
 */

import { el, fill } from '../dom.js';
import { t } from '../i18n.js';
import { suggestions } from './editor-suggest.js';

/** @typedef {{kind: string, start: number, end: number}} Token */
/** @typedef {{start: number, end: number}} Range */

/**
 * @typedef {object} EditorOptions
 * @property {string} label
 * @property {(text: string) => Token[]} colour
 * @property {(text: string, caret: number, asked: boolean) => Promise<import('./editor-suggest.js').Suggestions | null>} [suggest]
 * @property {() => void} [onChange]
 * @property {() => void} [onRun] Ctrl+Enter
 * @property {() => void} [onMove] the caret moved
 * @property {() => void} [onEscape] Escape, where no suggestion took it
 */

const INDENT = '  ';

/** @param {EditorOptions} options */
export function editor(options) {
  const area = el('textarea', { class: 'code-text', 'aria-label': options.label, spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', autocorrect: 'off', wrap: 'off', rows: 1, 'data-test': 'editor' });
  const layer = el('pre', { class: 'code-layer', 'aria-hidden': 'true' });
  const numbers = el('div', { class: 'code-numbers', 'aria-hidden': 'true' });
  const sheet = el('div', { class: 'code-sheet' }, layer, area);
  const element = el('div', { class: 'code-editor' }, numbers, sheet);
  const painter = paint(layer, numbers, options.colour);
  /** @type {{error: Range | null, mark: Range | null, tabs: boolean, leaving: boolean}} */
  const state = { error: null, mark: null, tabs: localStorage.getItem('kronika.editor.tab') === 'indent', leaving: false };
  const list = options.suggest ? suggestions(area, sheet, options.suggest) : null;

  const draw = () => painter.draw(area.value, state.error, state.mark);

  /**
   * Puts a text in the place of a stretch, as if it was typed: the browser's undo takes it back.
   * @param {string} text
   * @param {number} from
   * @param {number} to
   */
  function type(text, from, to) {
    area.focus();
    area.setSelectionRange(from, to);
    const done = text === '' ? document.execCommand('delete') : document.execCommand('insertText', false, text);
    if (!done) {
      area.setRangeText(text, from, to, 'end');
      area.dispatchEvent(new Event('input', { bubbles: true }));
    }
  }

  /** @param {boolean} outwards */
  function indent(outwards) {
    const { value, selectionStart: from, selectionEnd: to } = area;
    if (!outwards && from === to) return type(INDENT, from, to);
    const begin = value.lastIndexOf('\n', from - 1) + 1;
    const lines = value.slice(begin, to).split('\n');
    const changed = lines.map((line) => (outwards ? line.replace(/^ {1,2}/, '') : INDENT + line)).join('\n');
    type(changed, begin, to);
    return area.setSelectionRange(begin, begin + changed.length);
  }

  // A pasted text comes in many pieces: what they change is drawn once, before the next picture.
  let waiting = 0;
  area.addEventListener('input', () => {
    state.error = null;
    waiting ||= requestAnimationFrame(() => {
      waiting = 0;
      draw();
      options.onChange?.();
      list?.typed();
    });
  });
  area.addEventListener('keydown', (event) => {
    if (list?.key(event)) return;
    const control = event.ctrlKey || event.metaKey;
    if (control && event.key === 'Enter') options.onRun?.();
    else if (control && event.key === ' ') list?.ask();
    else if (control && event.key === 'm') {
      state.tabs = !state.tabs;
      localStorage.setItem('kronika.editor.tab', state.tabs ? 'indent' : 'leave');
      hint.textContent = t(state.tabs ? 'editor.tab_indents' : 'editor.tab_leaves');
    } else if (event.key === 'Escape') {
      // The next Tab leaves; the view may use Escape as well.
      state.leaving = true;
      options.onEscape?.();
      return;
    } else if (event.key === 'Tab' && state.tabs && !state.leaving && !control && !event.altKey) indent(event.shiftKey);
    else if (control && (event.key === ']' || event.key === '[')) indent(event.key === '[');
    else if (event.key === 'Enter' && !event.shiftKey && !event.altKey && !event.isComposing) {
      const before = area.value.slice(0, area.selectionStart);
      const lead = /(?:^|\n)([ \t]*)[^\n]*$/.exec(before)?.[1] ?? '';
      if (lead === '') return;
      type(`\n${lead}`, area.selectionStart, area.selectionEnd);
    } else {
      if (event.key !== 'Shift') state.leaving = false;
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  });
  const hint = el('span', { class: 'visually-hidden', role: 'status' });
  element.append(hint);
  area.addEventListener('selectionchange', () => options.onMove?.());
  draw();

  return {
    element,
    area,
    get value() {
      return area.value;
    },
    set value(text) {
      if (text === area.value) return;
      area.value = text;
      state.error = null;
      draw();
    },
    /** Replaces the whole text, so that undo brings it back. @param {string} text */
    replace(text) {
      if (text !== area.value) type(text, 0, area.value.length);
    },
    /** @param {string} text */
    insert(text) {
      type(text, area.selectionStart, area.selectionEnd);
    },
    selection: () => ({ start: area.selectionStart, end: area.selectionEnd }),
    /** Underlines a place. @param {Range | null} range */
    error(range) {
      state.error = range;
      draw();
    },
    /** Shades lines: the statement that runs. @param {Range | null} range */
    mark(range) {
      if (range?.start === state.mark?.start && range?.end === state.mark?.end) return;
      state.mark = range;
      draw();
    },
    /** Moves the caret there and shows it. @param {number} at */
    go(at) {
      area.focus();
      area.setSelectionRange(at, at);
      const line = area.value.slice(0, at).split('\n').length - 1;
      const height = area.clientHeight / Math.max(1, area.value.split('\n').length);
      element.scrollTop = Math.max(0, line * height - element.clientHeight / 2);
    },
    close: () => list?.close(),
  };
}

/**
 * The coloured layer: only lines that changed are made anew, so that typing in a long text stays quick.
 * @param {HTMLElement} layer
 * @param {HTMLElement} numbers
 * @param {(text: string) => Token[]} colour
 */
function paint(layer, numbers, colour) {
  /** @type {string[]} what each line was made of */
  let made = [];
  return {
    /**
     * @param {string} text
     * @param {Range | null} error
     * @param {Range | null} mark
     */
    draw(text, error, mark) {
      const lines = linesOf(text, colour(text), error);
      const keys = lines.map((line) => line.key);
      let same = 0;
      while (same < keys.length && same < made.length && keys[same] === made[same]) same += 1;
      let tail = 0;
      while (tail < keys.length - same && tail < made.length - same && keys[keys.length - 1 - tail] === made[made.length - 1 - tail]) tail += 1;
      for (let gone = made.length - same - tail; gone > 0; gone -= 1) layer.children[same]?.remove();
      const next = layer.children[same] ?? null;
      const added = lines.slice(same, keys.length - tail).map((line) => lineElement(line));
      for (const line of added) layer.insertBefore(line, next);
      if (lines.length !== numbers.childElementCount) number(lines.length);
      const [first, last] = mark ? [lineAt(text, mark.start), lineAt(text, mark.end)] : [-1, -1];
      for (const [at, line] of [...numbers.children].entries()) line.classList.toggle('on', at >= first && at <= last);
      made = keys;
    },
  };

  /** @param {number} count */
  function number(count) {
    while (numbers.childElementCount > count) numbers.lastElementChild?.remove();
    while (numbers.childElementCount < count) numbers.append(el('div', null, numbers.childElementCount + 1));
  }
}

/** @param {string} text @param {number} at */
const lineAt = (text, at) => text.slice(0, at).split('\n').length - 1;

/** @typedef {{key: string, pieces: {text: string, class: string}[]}} Line */

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
