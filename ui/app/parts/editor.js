/**
 * A code editor: the browser's own text field, coloured by a layer under it, with line numbers, a place underlined, and
 * suggestions. The field is as large as its text, so the box around it scrolls both and nothing has to follow.
 *
 * Tab leaves the field, as everywhere, unless its user asked for indenting (Ctrl+M); then Escape and Tab leave it.
 */

import { el } from '../dom.js';
import { t } from '../i18n.js';
import { Painter, lineAt } from './editor-paint.js';
import { Suggest } from './editor-suggest.js';

/** @typedef {import('./editor-paint.js').Range} Range */

/**
 * @typedef {object} EditorOptions
 * @property {string} label
 * @property {(text: string) => import('./editor-paint.js').Token[]} colour
 * @property {import('./editor-suggest.js').Source} suggest
 * @property {() => void} [onChange]
 * @property {() => void} [onRun] Ctrl+Enter
 * @property {() => void} [onMove] the caret moved
 * @property {() => void} [onEscape] Escape, where no suggestion took it
 */

const INDENT = '  ';
/** Whether Tab indents, as its user chose. */
const TAB = 'kronika.editor.tab';

export class Editor {
  /** @param {EditorOptions} options */
  constructor(options) {
    this.options = options;
    this.indents = localStorage.getItem(TAB) === 'indent';
    /** Escape was pressed: the next Tab leaves. */
    this.leaving = false;
    /** @type {Range | null} */
    this.wrong = null;
    /** @type {Range | null} */
    this.marked = null;
    this.drawing = 0;
    this.area = el('textarea', { class: 'code-text', 'aria-label': options.label, spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', autocorrect: 'off', wrap: 'off', rows: 1, 'data-test': 'editor' });
    this.hint = el('span', { class: 'visually-hidden', role: 'status' });
    const layer = el('pre', { class: 'code-layer', 'aria-hidden': 'true' });
    const numbers = el('div', { class: 'code-numbers', 'aria-hidden': 'true' });
    const sheet = el('div', { class: 'code-sheet' }, layer, this.area);
    this.element = el('div', { class: 'code-editor' }, numbers, sheet, this.hint);
    this.painter = new Painter(layer, numbers, options.colour);
    this.list = new Suggest(this.area, sheet, options.suggest);
    this.area.addEventListener('input', () => this.typed());
    this.area.addEventListener('keydown', (event) => this.key(event));
    this.area.addEventListener('selectionchange', () => options.onMove?.());
    this.draw();
  }

  draw() {
    this.painter.draw(this.area.value, this.wrong, this.marked);
  }

  /** A pasted text comes in many pieces: what they change is drawn once, before the next picture. */
  typed() {
    this.wrong = null;
    this.drawing ||= requestAnimationFrame(() => {
      this.drawing = 0;
      this.draw();
      this.options.onChange?.();
      this.list.typed();
    });
  }

  get value() {
    return this.area.value;
  }

  set value(text) {
    if (text === this.area.value) return;
    this.area.value = text;
    this.wrong = null;
    this.draw();
  }

  /**
   * Puts a text in the place of a stretch, as if it was typed: the browser's undo takes it back.
   * @param {string} text
   * @param {number} from
   * @param {number} to
   */
  type(text, from, to) {
    this.area.focus();
    this.area.setSelectionRange(from, to);
    const done = text === '' ? document.execCommand('delete') : document.execCommand('insertText', false, text);
    if (done) return;
    this.area.setRangeText(text, from, to, 'end');
    this.area.dispatchEvent(new Event('input', { bubbles: true }));
  }

  /** Replaces the whole text; undo brings it back. @param {string} text */
  replace(text) {
    if (text !== this.area.value) this.type(text, 0, this.area.value.length);
  }

  /** @param {string} text */
  insert(text) {
    this.type(text, this.area.selectionStart, this.area.selectionEnd);
  }

  /** @returns {Range} */
  selection() {
    return { start: this.area.selectionStart, end: this.area.selectionEnd };
  }

  /** Underlines a place. @param {Range | null} range */
  error(range) {
    this.wrong = range;
    this.draw();
  }

  /** Marks lines: the statement that runs. @param {Range | null} range */
  mark(range) {
    if (range?.start === this.marked?.start && range?.end === this.marked?.end) return;
    this.marked = range;
    this.draw();
  }

  /** Moves the caret there and shows it. @param {number} at */
  go(at) {
    this.area.focus();
    this.area.setSelectionRange(at, at);
    const height = this.area.clientHeight / Math.max(1, this.area.value.split('\n').length);
    this.element.scrollTop = Math.max(0, lineAt(this.area.value, at) * height - this.element.clientHeight / 2);
  }

  /** Closes the suggestions. */
  close() {
    this.list.close();
  }

  /** @param {boolean} outwards */
  indent(outwards) {
    const { value, selectionStart: from, selectionEnd: to } = this.area;
    if (!outwards && from === to) return this.type(INDENT, from, to);
    const begin = value.lastIndexOf('\n', from - 1) + 1;
    const lines = value.slice(begin, to).split('\n');
    const changed = lines.map((line) => (outwards ? line.replace(/^ {1,2}/, '') : INDENT + line)).join('\n');
    this.type(changed, begin, to);
    return this.area.setSelectionRange(begin, begin + changed.length);
  }

  toggleTab() {
    this.indents = !this.indents;
    localStorage.setItem(TAB, this.indents ? 'indent' : 'leave');
    this.hint.textContent = t(this.indents ? 'editor.tab_indents' : 'editor.tab_leaves');
  }

  /** The next line begins where this one does. */
  breakLine() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    this.insert(`\n${/(?:^|\n)([ \t]*)[^\n]*$/.exec(before)?.[1] ?? ''}`);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (this.list.key(event)) return;
    if (event.key === 'Escape') {
      this.leaving = true;
      this.options.onEscape?.();
    } else if (event.ctrlKey || event.metaKey ? this.command(event) : this.edit(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key !== 'Shift') this.leaving = false;
  }

  /** Keys with Ctrl. @param {KeyboardEvent} event @returns {boolean} whether it was one of ours */
  command({ key }) {
    if (key === 'Enter') this.options.onRun?.();
    else if (key === ' ') this.list.ask(true);
    else if (key === 'm') this.toggleTab();
    else if (key === ']' || key === '[') this.indent(key === '[');
    else return false;
    return true;
  }

  /** @param {KeyboardEvent} event @returns {boolean} */
  edit(event) {
    if (event.altKey || event.isComposing) return false;
    if (event.key === 'Tab' && this.indents && !this.leaving) this.indent(event.shiftKey);
    else if (event.key === 'Enter' && !event.shiftKey) this.breakLine();
    else return false;
    return true;
  }
}
