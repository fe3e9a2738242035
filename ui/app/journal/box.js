/**
 * The line of the query: what is typed becomes chips on Enter, words stay words. A list under it completes fields and values
 * (a combobox: arrows choose, Enter or Tab take, Escape closes).
 */

import { el, fill, icon, newId } from '../dom.js';
import { t } from '../i18n.js';
import { visible } from '../visible.js';

/** @typedef {import('./query.js').Query} Query */
/** @typedef {import('./suggest.js').Suggestion} Suggestion */
/** @typedef {import('./suggest.js').Token} Token */

/**
 * @param {{query: () => Query, onRun: (line: string) => void, onWhole: (query: string) => void, onBack: () => void, onLeave: () => void}} of `onWhole`: another query instead of this one; `onBack`: Backspace at the beginning; `onLeave`: Escape without a list
 */
export function queryBox({ query, onRun, onWhole, onBack, onLeave }) {
  const id = newId('suggestions');
  const list = el('ul', { class: 'suggestions', role: 'listbox', id, 'aria-label': t('journal.query.suggestions'), hidden: true });
  const input = el('input', {
    type: 'text', class: 'query-input', role: 'combobox', 'data-test': 'query', 'aria-expanded': 'false', 'aria-controls': id, 'aria-autocomplete': 'list', 'aria-label': t('journal.query.label'),
    placeholder: t('journal.query.placeholder'), spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', enterkeyhint: 'search',
  });
  /** @type {{shown: Suggestion[], chosen: number, token: Token | null, asking: AbortController | null, timer: number}} */
  const state = { shown: [], chosen: -1, token: null, asking: null, timer: 0 };

  const close = () => {
    clearTimeout(state.timer);
    state.asking?.abort();
    state.shown = [];
    choose(-1);
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
  };
  /** @param {number} at */
  function choose(at) {
    state.chosen = at;
    [...list.children].forEach((one, place) => one.setAttribute('aria-selected', String(place === at)));
    const chosen = at >= 0 ? list.children[at] : undefined;
    if (chosen) input.setAttribute('aria-activedescendant', chosen.id);
    else input.removeAttribute('aria-activedescendant');
    chosen?.scrollIntoView({ block: 'nearest' });
  }
  const ask = async () => {
    state.asking?.abort();
    const asking = new AbortController();
    state.asking = asking;
    try {
      const { suggest, tokenAt } = await import('./suggest.js');
      const token = tokenAt(input.value, input.selectionStart ?? input.value.length);
      const found = await suggest(token, query(), asking.signal);
      if (asking.signal.aborted || document.activeElement !== input) return;
      state.token = token;
      state.shown = found;
      fill(list, ...found.map((one, at) => option(one, `${id}-${at}`, () => take(at))));
      choose(-1);
      list.hidden = found.length === 0;
      input.setAttribute('aria-expanded', String(found.length > 0));
    } catch (error) {
      // Without suggestions the line works as well; what the query itself meets is told by its answer.
      if (!asking.signal.aborted) close();
    }
  };
  const soon = (delay = 120) => {
    clearTimeout(state.timer);
    state.timer = window.setTimeout(() => void ask(), delay);
  };
  /** @param {number} at */
  function take(at) {
    const [chosen, token] = [state.shown[at], state.token];
    if (!chosen || !token) return;
    if (chosen.kind === 'recent') {
      close();
      return onWhole(chosen.insert);
    }
    const line = input.value.slice(0, token.from) + chosen.insert + input.value.slice(token.to);
    input.value = line;
    const caret = token.from + chosen.insert.length;
    input.setSelectionRange(caret, caret);
    if (chosen.kind === 'field') return soon(0);
    close();
    onRun(line);
  }
  input.addEventListener('input', () => soon());
  input.addEventListener('focus', () => soon(200));
  input.addEventListener('click', () => list.hidden && soon());
  input.addEventListener('blur', close);
  input.addEventListener('keydown', (event) => {
    const open = !list.hidden;
    const { key } = event;
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      event.preventDefault();
      if (!open) return soon(0);
      const count = state.shown.length + 1;
      choose(((state.chosen + 1 + (key === 'ArrowDown' ? 1 : -1) + count) % count) - 1);
    } else if (key === 'Enter' || (key === 'Tab' && open && state.chosen >= 0)) {
      if (event.isComposing) return undefined;
      event.preventDefault();
      if (open && state.chosen >= 0) return take(state.chosen);
      close();
      onRun(input.value);
    } else if (key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      if (open) close();
      else onLeave();
    } else if (key === 'Backspace' && input.selectionStart === 0 && input.selectionEnd === 0) {
      event.preventDefault();
      onBack();
    }
    return undefined;
  });
  return { input, list, close };
}

/** @type {Record<Suggestion['kind'], import('../dom.js').IconName>} */
const KINDS = { field: 'right', value: 'filter', text: 'search', recent: 'clock' };

/**
 * @param {Suggestion} of
 * @param {string} id
 * @param {() => void} take
 */
function option(of, id, take) {
  // Pressing must not take the focus out of the line.
  const keep = (/** @type {Event} */ event) => event.preventDefault();
  return el(
    'li',
    { role: 'option', id, 'aria-selected': 'false', data: { kind: of.kind, insert: of.insert }, on: { pointerdown: keep, mousedown: keep, click: take } },
    icon(KINDS[of.kind]),
    el('bdi', { class: 'suggestion-text' }, visible(of.text.slice(0, 200))),
    el('bdi', { class: 'suggestion-detail' }, visible(of.detail.slice(0, 200))),
    el('span', { class: of.kind === 'field' ? 'suggestion-note mono' : 'suggestion-note' }, of.note),
  );
}
