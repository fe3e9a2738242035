/** Suggestions of an editor: a list at the caret, by typing or by Ctrl+Space. The field keeps the focus. */

import { el, fill, newId } from '../dom.js';
import { t } from '../i18n.js';

/** @typedef {{text: string, label?: string, kind: string, note?: string}} Suggestion `text` is what is written */
/** @typedef {{from: number, to: number, options: Suggestion[]}} Suggestions they take the place of a stretch */
/** @typedef {(text: string, caret: number, asked: boolean) => Promise<Suggestions | null>} Source */

/** Those that are listed. */
const SHOWN = 50;
/** Keys that move the caret away from what is suggested for. */
const AWAY = new Set(['ArrowLeft', 'ArrowRight', 'Home', 'End']);
/** Pixels between the list and the edge of the window. */
const EDGE = 8;
/** Those that PageUp and PageDown pass. */
const LEAP = 8;

export class Suggest {
  /**
   * @param {HTMLTextAreaElement} area
   * @param {HTMLElement} sheet what the field and its layer stand in
   * @param {Source} source
   */
  constructor(area, sheet, source) {
    this.area = area;
    this.source = source;
    /** @type {Suggestions | null} */
    this.found = null;
    this.at = 0;
    this.asking = 0;
    /** @type {AbortController | null} */
    this.following = null;
    this.box = el('div', { class: 'code-suggest', role: 'listbox', id: newId('suggest'), 'aria-label': t('editor.suggestions'), hidden: true, 'data-test': 'suggestions' });
    this.told = el('span', { class: 'visually-hidden', role: 'status' });
    sheet.append(this.box, this.told);
    area.setAttribute('aria-autocomplete', 'list');
    area.setAttribute('aria-controls', this.box.id);
    area.addEventListener('blur', () => this.close());
    area.addEventListener('pointerdown', () => this.close());
  }

  close() {
    this.asking += 1;
    this.found = null;
    this.following?.abort();
    this.box.hidden = true;
    this.area.removeAttribute('aria-activedescendant');
  }

  /** @param {boolean} wanted asked for, and not only typed */
  async ask(wanted) {
    const mine = ++this.asking;
    const { selectionStart: caret, selectionEnd: end, value } = this.area;
    if (caret !== end) return this.close();
    const found = await this.source(value, caret, wanted);
    if (mine !== this.asking) return undefined;
    // What is written whole already needs no list.
    if (!found || found.options.length === 0 || (!wanted && found.options[0]?.text === value.slice(found.from, found.to))) return this.close();
    this.found = { ...found, options: found.options.slice(0, SHOWN) };
    return this.show(this.found);
  }

  /** @param {Suggestions} found */
  show(found) {
    fill(this.box, found.options.map((one, at) => this.option(one, at)));
    this.box.hidden = false;
    this.place(found.from);
    this.following?.abort();
    this.following = new AbortController();
    // It stands in the window, and follows what scrolls under it.
    document.addEventListener('scroll', (event) => event.target !== this.box && this.place(found.from), { capture: true, passive: true, signal: this.following.signal });
    this.choose(0);
    this.told.textContent = t('editor.suggested', { n: found.options.length });
  }

  /** @param {Suggestion} one @param {number} at */
  option(one, at) {
    const take = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.take(at);
    };
    return el(
      'div',
      { role: 'option', id: newId('option'), class: `code-option ${one.kind}`, 'aria-selected': 'false', on: { pointerdown: take } },
      el('span', { class: 'code-option-text' }, one.label ?? one.text),
      el('span', { class: 'code-option-note' }, one.note ?? t(`editor.kind_${one.kind}`)),
    );
  }

  /** Under the word that is completed, or above it; the box around the editor cuts nothing off. @param {number} from */
  place(from) {
    const before = this.area.value.slice(0, from);
    const column = from - (before.lastIndexOf('\n') + 1);
    const style = getComputedStyle(this.area);
    const line = parseFloat(style.lineHeight);
    const area = this.area.getBoundingClientRect();
    const top = area.top + parseFloat(style.paddingTop) + before.split('\n').length * line;
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const fits = top + height + EDGE <= window.innerHeight;
    this.box.style.top = `${fits ? top : Math.max(EDGE, top - line - height)}px`;
    this.box.style.left = `${Math.max(EDGE, Math.min(area.left + parseFloat(style.paddingLeft) + column * charWidth(style) - 10, window.innerWidth - width - EDGE))}px`;
  }

  /** @param {number} at */
  choose(at) {
    const count = this.found?.options.length ?? 0;
    this.at = (at + count) % count;
    for (const [other, one] of [...this.box.children].entries()) one.setAttribute('aria-selected', String(other === this.at));
    const chosen = this.box.children[this.at];
    if (!(chosen instanceof HTMLElement)) return;
    this.area.setAttribute('aria-activedescendant', chosen.id);
    const { box } = this;
    if (chosen.offsetTop < box.scrollTop) box.scrollTop = chosen.offsetTop;
    else if (chosen.offsetTop + chosen.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = chosen.offsetTop + chosen.offsetHeight - box.clientHeight;
  }

  /** @param {number} at */
  take(at) {
    const { found, area } = this;
    const one = found?.options[at];
    if (!found || !one) return;
    area.focus();
    area.setSelectionRange(found.from, found.to);
    if (!document.execCommand('insertText', false, one.text)) area.setRangeText(one.text, found.from, found.to, 'end');
    // A function's caret stands between its brackets.
    if (one.text.endsWith('()')) area.setSelectionRange(area.selectionStart - 1, area.selectionStart - 1);
    this.close();
  }

  /** Something was typed: a word, a dot behind one, or a text asks by itself. */
  typed() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    if (/[\p{L}_$][\p{L}\p{N}_]*$|\.$|'[^'\n]*$/u.test(before)) void this.ask(false);
    else this.close();
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {boolean} whether the list took it
   */
  key(event) {
    if (!this.found || event.ctrlKey || event.metaKey || event.altKey) {
      if (AWAY.has(event.key)) this.close();
      return false;
    }
    const last = this.found.options.length - 1;
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, PageDown: Math.min(this.at + LEAP, last), PageUp: Math.max(0, this.at - LEAP) }[event.key];
    if (to !== undefined) this.choose(to);
    else if (event.key === 'Enter' || (event.key === 'Tab' && !event.shiftKey)) this.take(this.at);
    else if (event.key === 'Escape') this.close();
    else {
      if (AWAY.has(event.key)) this.close();
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}

/** Widths of a character, by font. @type {Map<string, number>} */
const widths = new Map();
/** @param {CSSStyleDeclaration} style */
function charWidth(style) {
  let width = widths.get(style.font);
  if (width === undefined) {
    const context = document.createElement('canvas').getContext('2d');
    if (!context) return 8;
    context.font = style.font;
    width = context.measureText('0'.repeat(100)).width / 100;
    widths.set(style.font, width);
  }
  return width;
}
