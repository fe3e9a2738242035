/**
 * The journal's upper bar: what is asked (chips and text are one thing), of which period, and what can be done with the answer.
 * Everything it changes is the address.
 */

import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { shortcut } from '../keys.js';
import { menuButton } from '../parts/menu.js';
import { timePicker } from '../parts/timepicker.js';
import { may } from '../session.js';
import * as url from '../url.js';
import { queryBox } from './box.js';
import { chip, groupChip } from './chips.js';
import { onTitles } from './fields.js';
import { afterRows } from './late.js';
import { changes, isField, parseText, termOf, text, toFilter } from './query.js';
import { remember } from './recent.js';
import { merge } from './terms.js';

/** Parts of an address that ask for nothing. */
const NOT_ASKED = new Set(['project', 'tz', 'lang', 'theme']);

/** @typedef {import('./query.js').Query} Query */
/** @typedef {import('./query.js').Filter} Filter */

/**
 * @typedef {object} Bar
 * @property {HTMLElement} element
 * @property {(query: Query) => void} update
 * @property {() => void} focus
 * @property {() => void} stop
 */

/**
 * @param {{tools?: (HTMLElement | null)[], leading?: HTMLElement | null, columns: () => string[]}} of `tools` stand at the right end, `leading` at the left
 * @returns {Bar}
 */
export function bar({ tools = [], leading = null, columns }) {
  /** @type {{query: Query | null, textMode: boolean, editing: Filter | null}} */
  const state = { query: null, textMode: false, editing: null };
  const now = () => /** @type {Query} */ (state.query);
  const chips = el('span', { class: 'chips' });
  const told = el('p', { class: 'query-told field-error', role: 'alert' });
  const ignored = el('p', { class: 'query-ignored', role: 'status', hidden: true });
  const box = queryBox({ query: now, onRun: run, onWhole: (line) => url.change(changes.set(now(), parseText(line, isField))), onBack: back, onLeave: leave });
  const clear = el('button', { class: 'quiet square', 'aria-label': t('journal.query.clear'), title: t('journal.query.clear'), 'data-test': 'query-clear', on: { click: () => (leaveText(), (box.input.value = ''), url.change(changes.clear(now())), box.input.focus()) } }, icon('close'));
  const line = el('div', { class: 'query-line', on: { mousedown: focusInput } }, icon('search'), chips, box.input, clear);
  const picker = timePicker({ value: { period: 'last_24h' }, onChange: (period) => url.change(changes.period(now(), period)) });
  const more = moreMenu(now, columns, enterText);
  const lazy = lazyTools(now, columns);
  const element = el(
    'div',
    { class: 'journal-bar', role: 'search', 'aria-label': t('journal.query.label') },
    el('div', { class: 'bar-row' }, leading, el('div', { class: 'query-box' }, line, box.list), picker.element, el('div', { class: 'bar-tools' }, lazy.buttons, more, tools)),
    told,
    ignored,
  );

  /** Escape: what was about to be edited is as before; else the line is left, and shortcuts hold again. */
  function leave() {
    if (!state.textMode && !state.editing) return box.input.blur();
    leaveText();
    show();
  }
  /** @param {Event} event */
  function focusInput(event) {
    if (event.target !== line && event.target !== chips) return;
    event.preventDefault();
    box.input.focus();
  }
  /**
   * Shows the query as it is in the address.
   * @param {boolean} [keepLine] what is typed and not asked yet stays
   */
  function show(keepLine = false) {
    const { query, textMode, editing } = state;
    if (!query) return;
    const shown = textMode ? [] : query.filters.filter((one) => one !== editing);
    fill(chips, shown.map((filter) => chip(filter, now)), textMode ? null : query.groups.map((group) => groupChip(group, now, enterText)));
    chips.hidden = chips.childElementCount === 0;
    if (!keepLine) box.input.value = textMode ? text(query) : editing ? termOf(editing) : wordsOf(query);
    line.classList.toggle('as-text', textMode);
    clear.hidden = query.filters.length === 0 && query.groups.length === 0 && query.q === '';
    fill(told);
  }
  /** The words of a query as the line has them. @param {Query} query */
  function wordsOf(query) {
    return text({ filters: [], q: query.q });
  }
  /** @param {string} typed */
  function run(typed) {
    const parsed = parseText(typed, isField);
    const problem = parsed.problems[0];
    if (problem) {
      fill(told, icon('warning'), ` ${t(problem.message, problem.args)}`);
      box.input.setSelectionRange(problem.at, typed.length);
      return;
    }
    const query = now();
    const kept = state.textMode ? [] : query.filters.filter((one) => one !== state.editing).map((one) => ({ ...one, values: [...one.values] }));
    const groups = state.textMode ? parsed.groups : [...query.groups, ...parsed.groups];
    for (const one of parsed.filters) merge(kept, one);
    leaveText();
    const change = changes.set(query, { filters: kept, groups, q: parsed.q });
    box.input.value = text({ filters: [], q: parsed.q });
    if (Object.keys(change).length === 0) show();
    else url.change(change);
  }
  /** Backspace at the beginning: the last chip becomes text. */
  function back() {
    const last = state.textMode ? null : now().filters.filter((one) => one !== state.editing).at(-1);
    if (!last || state.editing) return;
    state.editing = last;
    const words = box.input.value;
    show();
    box.input.value = `${termOf(last)}${words ? ` ${words}` : ''}`;
    const end = termOf(last).length;
    box.input.setSelectionRange(end, end);
  }
  function enterText() {
    state.textMode = true;
    state.editing = null;
    show();
    box.input.focus();
    box.input.setSelectionRange(box.input.value.length, box.input.value.length);
  }
  function leaveText() {
    state.textMode = false;
    state.editing = null;
  }

  const stop = shortcut(
    { keys: '/', title: 'journal.query.key_search', run: () => box.input.focus() },
    { keys: 't', title: 'journal.query.key_time', run: () => picker.open() },
    { keys: '[', title: 'time.before', run: () => picker.shift(-1) },
    { keys: ']', title: 'time.after', run: () => picker.shift(1) },
  );
  // Chips take the titles of their values when these come.
  const stopTitles = onTitles(() => state.query && !state.textMode && !state.editing && show(true));
  return {
    element,
    update(query) {
      const before = state.query;
      state.query = query;
      picker.set(query.period);
      ignored.hidden = query.ignored.length === 0;
      if (query.ignored.length > 0) fill(ignored, icon('info'), ` ${t('core.ignored', { what: query.ignored.join(' · ') })}`);
      lazy.update(query);
      if (before && text(before) === text(query)) return;
      remember(text(query));
      const typing = before != null && before.q === query.q && !state.textMode && !state.editing;
      leaveText();
      show(typing);
    },
    focus: () => box.input.focus(),
    stop() {
      stop();
      stopTitles();
      box.close();
      lazy.stop();
    },
  };
}

/**
 * Share, export and saved screens: their code comes when they are used first.
 * @param {() => Query} query
 * @param {() => string[]} columns
 */
function lazyTools(query, columns) {
  const share = el('button', { class: 'quiet square', 'aria-label': t('journal.share.title'), title: t('journal.share.title'), 'data-test': 'share', on: { click: async () => (await import('./share.js')).openShare(query()) } }, icon('share'));
  const allowed = may('export');
  const exportTitle = allowed ? t('journal.export.title') : t('journal.export.no_scope');
  const exports = el('button', { class: 'quiet square', 'aria-label': exportTitle, title: exportTitle, 'aria-disabled': String(!allowed), 'data-test': 'export', on: { click: async () => allowed && (await import('./export.js')).openExport(query(), columns()) } }, icon('download'));
  const place = el('span', { class: 'saved-place' });
  /** @type {import('./saved.js').Saved | null} */
  let saved = null;
  let stopped = false;
  // Where nothing is asked, the reader's default screen takes the place of what would be shown.
  const isBare = [...url.here().params.keys()].every((name) => NOT_ASKED.has(name));
  void (isBare ? Promise.resolve() : afterRows()).then(() => import('./saved.js')).then((module) => {
    if (stopped) return;
    saved = module.savedScreens();
    fill(place, saved.element);
    saved.update();
  });
  return {
    buttons: [place, share, exports],
    /** @param {Query} _query */
    update(_query) {
      saved?.update();
    },
    stop() {
      stopped = true;
    },
  };
}

/**
 * @param {() => Query} query
 * @param {() => string[]} columns
 * @param {() => void} asText
 */
function moreMenu(query, columns, asText) {
  const later = (/** @type {(module: typeof import('./share.js')) => unknown} */ use) => () => void import('./share.js').then(use);
  const button = menuButton({ label: t('core.more'), icon: 'more', class: 'quiet square' }, () => [
    { label: t('journal.query.as_text'), icon: 'edit', run: asText },
    { label: t('journal.share.show_sql'), icon: 'sql', run: later((share) => share.showSql(query(), columns())) },
    { label: t('journal.share.alert'), icon: 'alerts', href: url.link('/alerts', { new: '1', filter: JSON.stringify(toFilter(query(), { period: false })) }) },
    'line',
    { label: t('journal.share.copy_link'), icon: 'link', run: later((share) => share.copyLink()) },
    { label: t('journal.share.copy_sql'), icon: 'copy', run: later((share) => share.copySql(query(), columns())) },
    { label: t('journal.share.copy_curl'), icon: 'copy', run: later((share) => share.copyCurl(query(), columns())) },
  ]);
  button.dataset.test = 'query-more';
  return button;
}
