/** Suggestions of an editor: a list at the caret, by typing or by Ctrl+Space. The field keeps the focus. */

import { el, fill, newId } from '../dom.js';
import { t } from '../i18n.js';

/** @typedef {{text: string, label?: string, kind: string, note?: string}} Suggestion `text` is what is written */
/** @typedef {{from: number, to: number, options: Suggestion[]}} Suggestions they take the place of a stretch */

/** Those that are listed. */
const SHOWN = 50;

/**
 * @param {HTMLTextAreaElement} area
 * @param {HTMLElement} sheet what the field and its layer stand in
 * @param {(text: string, caret: number, asked: boolean) => Promise<Suggestions | null>} source
 */
export function suggestions(area, sheet, source) {
  const id = newId('suggest');
  const box = el('div', { class: 'code-suggest', role: 'listbox', id, 'aria-label': t('editor.suggestions'), hidden: true, 'data-test': 'suggestions' });
  const told = el('span', { class: 'visually-hidden', role: 'status' });
  sheet.append(box, told);
  area.setAttribute('aria-autocomplete', 'list');
  area.setAttribute('aria-controls', id);
  /** @type {{found: Suggestions | null, at: number, asking: number}} */
  const state = { found: null, at: 0, asking: 0 };

  function close() {
    state.asking += 1;
    state.found = null;
    box.hidden = true;
    area.removeAttribute('aria-activedescendant');
  }

  /** @param {boolean} asked */
  async function ask(asked) {
    const mine = ++state.asking;
    const { selectionStart: caret, selectionEnd: end } = area;
    if (caret !== end) return close();
    const found = await source(area.value, caret, asked);
    if (mine !== state.asking) return undefined;
    // What is written whole already needs no list.
    const written = found ? area.value.slice(found.from, found.to) : '';
    if (!found || found.options.length === 0 || (!asked && found.options[0]?.text === written)) return close();
    state.found = { ...found, options: found.options.slice(0, SHOWN) };
    return show();
  }

  function show() {
    const { found } = state;
    if (!found) return;
    fill(box, found.options.map((one, at) => option(one, at, take)));
    box.hidden = false;
    place(found.from);
    choose(0);
    told.textContent = t('editor.suggested', { n: found.options.length });
  }

  /** @param {number} from */
  function place(from) {
    const before = area.value.slice(0, from);
    const line = before.split('\n').length - 1;
    const column = from - (before.lastIndexOf('\n') + 1);
    const style = getComputedStyle(area);
    const height = parseFloat(style.lineHeight);
    const width = charWidth(style);
    box.style.top = `${parseFloat(style.paddingTop) + (line + 1) * height}px`;
    box.style.left = `${Math.max(0, parseFloat(style.paddingLeft) + column * width - 10)}px`;
  }

  /** @param {number} at */
  function choose(at) {
    const count = state.found?.options.length ?? 0;
    state.at = (at + count) % count;
    for (const [other, one] of [...box.children].entries()) one.setAttribute('aria-selected', String(other === state.at));
    const chosen = box.children[state.at];
    if (!(chosen instanceof HTMLElement)) return;
    area.setAttribute('aria-activedescendant', chosen.id);
    if (chosen.offsetTop < box.scrollTop) box.scrollTop = chosen.offsetTop;
    else if (chosen.offsetTop + chosen.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = chosen.offsetTop + chosen.offsetHeight - box.clientHeight;
  }

  /** @param {number} at */
  function take(at) {
    const { found } = state;
    const one = found?.options[at];
    if (!found || !one) return;
    close();
    area.focus();
    area.setSelectionRange(found.from, found.to);
    if (!document.execCommand('insertText', false, one.text)) area.setRangeText(one.text, found.from, found.to, 'end');
    // A function's caret stands between its brackets.
    if (one.text.endsWith('()')) area.setSelectionRange(area.selectionStart - 1, area.selectionStart - 1);
    close();
  }

  area.addEventListener('blur', close);
  area.addEventListener('pointerdown', close);
  return {
    ask: () => void ask(true),
    /** Something was typed: a word, or a dot behind one, asks by itself. */
    typed() {
      const before = area.value.slice(0, area.selectionStart);
      if (/[\p{L}_$][\p{L}\p{N}_]*$|\.$|'[^'\n]*$/u.test(before)) void ask(false);
      else close();
    },
    /**
     * @param {KeyboardEvent} event
     * @returns {boolean} whether the list took it
     */
    key(event) {
      if (!state.found || event.ctrlKey || event.metaKey || event.altKey) {
        if (['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key)) close();
        return false;
      }
      const to = { ArrowDown: state.at + 1, ArrowUp: state.at - 1, PageDown: Math.min(state.at + 8, state.found.options.length - 1), PageUp: Math.max(0, state.at - 8) }[event.key];
      if (to !== undefined) choose(to);
      else if (event.key === 'Enter' || (event.key === 'Tab' && !event.shiftKey)) take(state.at);
      else if (event.key === 'Escape') close();
      else {
        if (['ArrowLeft', 'ArrowRight', 'Home', 'End'].includes(event.key)) close();
        return false;
      }
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
    close,
  };
}

/**
 * @param {Suggestion} one
 * @param {number} at
 * @param {(at: number) => void} take
 */
function option(one, at, take) {
  return el(
    'div',
    { role: 'option', id: newId('option'), class: `code-option ${one.kind}`, 'aria-selected': 'false', on: { pointerdown: (/** @type {Event} */ event) => (event.preventDefault(), take(at)) } },
    el('span', { class: 'code-option-text' }, one.label ?? one.text),
    el('span', { class: 'code-option-note' }, one.note ?? t(`editor.kind_${one.kind}`)),
  );
}

/** @type {Map<string, number>} */
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
