/** One facet: the values of a field with their counts and shares, what can be done with each, and a search among them. */

import { get } from '../api.js';
import { el, fill, icon, newId } from '../dom.js';
import { number, percent } from '../format.js';
import { t } from '../i18n.js';
import { openMenu } from '../parts/menu.js';
import { empty, loader, skeleton } from '../parts/states.js';
import * as url from '../url.js';
import { visible } from '../visible.js';
import { label, shownValue, valueTitle } from './fields.js';
import { changes, toApi } from './query.js';

/** @typedef {import('./query.js').Query} Query */
/** @typedef {import('./facets.js').Figures} Figures */

/** Values that are shown before more are asked for. */
const FEW = 7;
/** Values that are asked for. */
export const TOP = 50;

/**
 * @param {string} field
 * @param {{query: () => Query, columns: () => string[], isOpen: () => boolean, onOpen: (open: boolean) => void, onRemove: () => void}} of
 */
export function facet(field, { query, columns, isOpen, onOpen, onRemove }) {
  const id = newId('facet');
  const state = { figures: /** @type {Figures | null} */ (null), of: '', all: false, part: '', found: /** @type {Figures | null} */ (null) };
  const count = el('span', { class: 'count' });
  const fold = el('button', { class: 'quiet facet-fold', 'aria-controls': id, 'data-test': 'facet', data: { field } }, icon('right'), el('span', { class: 'grow break' }, label(field)), count);
  const find = el('button', { class: 'quiet square', 'aria-label': t('journal.facets.search_in', { name: label(field) }), title: t('journal.facets.search_in', { name: label(field) }), 'aria-expanded': 'false', on: { click: () => search(input.hidden === true) } }, icon('search'));
  const more = el('button', { class: 'quiet square', 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'aria-label': t('journal.facets.actions', { name: label(field) }), on: { click: () => openMenu(more, label(field), actions()) } }, icon('more'));
  const input = el('input', { type: 'search', hidden: true, spellcheck: 'false', autocomplete: 'off', placeholder: t('journal.facets.search'), 'aria-label': t('journal.facets.search_in', { name: label(field) }), 'data-test': 'facet-search' });
  const body = el('div', null, skeleton(3));
  const rows = el('div', { class: 'facet-rows', id }, el('div', { class: 'facet-find' }, input), body);
  const element = el('section', { class: 'facet', 'aria-label': label(field) }, el('div', { class: 'facet-head' }, fold, find, more), rows);
  const work = loader(body);
  let timer = 0;

  fold.addEventListener('click', () => {
    onOpen(!isOpen());
    showOpen();
  });
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void searchFor(input.value.trim()), 200);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    search(false);
    find.focus();
  });
  function showOpen() {
    const open = isOpen();
    fold.setAttribute('aria-expanded', String(open));
    rows.hidden = !open;
    find.hidden = !open;
    element.classList.toggle('open', open);
  }
  /** @param {boolean} open */
  function search(open) {
    input.hidden = !open;
    find.setAttribute('aria-expanded', String(open));
    if (open) input.focus();
    else {
      input.value = '';
      void searchFor('');
    }
  }
  /** @param {string} part */
  async function searchFor(part) {
    state.part = part;
    state.found = null;
    if (part === '' || !isText()) return draw();
    // The server looks through all values, not only those that are here.
    await work.run(async (signal) => {
      const answer = await get('/facets', paramsOf(query(), field, part), signal);
      state.found = answer.facets[field];
      draw();
    });
    return undefined;
  }
  /** Numbers have no "contains": they are looked through here. */
  function isText() {
    return (state.figures?.values ?? []).some(({ value }) => typeof value === 'string') && !['hour', 'weekday', 'level', 'kind', 'actor_kind'].includes(field);
  }
  function draw() {
    const figures = state.found ?? state.figures;
    if (!figures) return;
    const focused = body.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.key : undefined;
    const part = state.part.toLowerCase();
    const fitting = figures.values.filter(({ value }) => part === '' || state.found || `${value} ${valueTitle(field, String(value)) ?? ''}`.toLowerCase().includes(part));
    const mine = part === '' ? chosen(query()) : [];
    const all = withChosen(fitting, mine);
    // What is chosen stays in sight, however rare it is.
    const few = state.all || all.length <= FEW + 1 ? all : all.filter(({ value }, at) => at < FEW || mine.includes(String(value)));
    const rest = figures.distinct - figures.values.length;
    fill(count, state.figures ? number(state.figures.distinct) : null);
    fill(
      body,
      few.map((row) => line(row, state.figures?.events ?? 0)),
      all.length === 0 && empty(part ? t('journal.facets.none_found') : t('journal.facets.none')),
      few.length < all.length && el('button', { class: 'link facet-more', data: { key: 'more' }, on: { click: () => ((state.all = true), draw()) } }, t('journal.facets.more', { n: all.length - few.length })),
      state.all && all.length > FEW + 1 && el('button', { class: 'link facet-more', data: { key: 'fewer' }, on: { click: () => ((state.all = false), draw()) } }, t('journal.facets.fewer')),
      state.all && rest > 0 && el('p', { class: 'muted small facet-rest' }, t('journal.facets.rest', { n: rest })),
    );
    const again = focused && [...body.querySelectorAll('[data-key]')].find((one) => one instanceof HTMLElement && one.dataset.key === focused);
    if (again instanceof HTMLElement) again.focus();
    else if (focused) fold.focus();
  }
  /**
   * @param {{value: unknown, count: number}} row
   * @param {number} whole
   */
  function line({ value, count: events }, whole) {
    const text = value == null ? null : String(value);
    const shown = text == null ? t('journal.facets.missing') : visible(cut(shownValue(field, text)));
    const now = stateOf(query(), field, text);
    const title = `${shown}${text != null && shown !== text ? ` (${visible(text.slice(0, 2000))})` : ''}\n${number(events)} · ${percent(events, whole)}`;
    const main = el(
      'button',
      { class: 'facet-value', 'aria-pressed': String(now === 'on'), title, 'data-test': 'facet-value', data: { key: `v ${text}`, value: text }, on: { click: () => url.change(toggled(query(), field, text)) } },
      el('span', { class: 'facet-share' }, el('span', { style: { width: `${whole ? Math.max(1, (events / whole) * 100) : 0}%` } })),
      now === 'on' && icon('check'),
      el('bdi', { class: ['facet-text', text == null && 'muted'] }, now === 'not' && el('span', { class: 'visually-hidden' }, `${t('journal.query.not')} `), breakable(shown)),
      el('span', { class: 'facet-count' }, number(events)),
      el('span', { class: 'facet-percent' }, percent(events, whole)),
    );
    const not = t('journal.facets.not_this', { value: shown });
    return el('div', { class: ['facet-row', now] }, main, el('button', { class: 'quiet square facet-not', 'aria-label': not, title: not, 'aria-pressed': String(now === 'not'), 'data-test': 'facet-not', data: { key: `n ${text}` }, on: { click: () => url.change(excluded(query(), field, text)) } }, icon('minus')));
  }
  /** @returns {(import('../parts/menu.js').Item | 'line')[]} */
  function actions() {
    const now = columns();
    const shown = now.includes(field);
    return [
      { label: t(shown ? 'journal.facets.no_column' : 'journal.facets.as_column'), icon: 'columns', run: () => url.change({ columns: (shown ? now.filter((one) => one !== field) : [...now, field]).join(',') }) },
      { label: t('journal.facets.stack'), icon: 'dashboards', run: () => url.change({ by: field }) },
      'line',
      { label: t('journal.facets.exists'), run: () => url.change(changes.add(query(), 'has', '=', field)) },
      { label: t('journal.facets.exists_not'), run: () => url.change(changes.add(query(), 'has', '!=', field)) },
      'line',
      { label: t('journal.facets.remove'), icon: 'close', run: onRemove },
    ];
  }
  /** Values of the filters of this field. @param {Query} of */
  function chosen(of) {
    return of.filters.filter((one) => !one.off && one.field === field && (one.op === '=' || one.op === '!=')).flatMap((one) => one.values);
  }
  showOpen();
  return {
    element,
    get of() {
      return state.of;
    },
    focus: () => fold.focus(),
    /** @param {Figures} figures @param {string} of the question that they answer */
    show(figures, of) {
      state.figures = figures;
      state.of = of;
      if (state.part && state.found) void searchFor(state.part);
      else draw();
    },
    /** Shows what is chosen before its figures come. @param {Query} _query */
    mark(_query) {
      if (isOpen()) draw();
    },
    /** Its figures are old. */
    forget: () => (state.of = ''),
    retitle: draw,
  };
}

/** What is longer than any name is shown by its beginning; the whole is in the title. @param {string} text */
const cut = (text) => (text.length > 200 ? `${text.slice(0, 200)}…` : text);

/**
 * A long id may break behind its dots and underscores.
 * @param {string} text
 */
const breakable = (text) => text.split(/(?<=[._/:])/).flatMap((part, at) => (at === 0 ? [part] : [el('wbr'), part]));

/**
 * What counts one field: without the filters that are about it.
 * @param {Query} query
 * @param {string} field
 * @param {string} [part] only values that have this in them
 */
export function paramsOf(query, field, part) {
  const filters = query.filters.filter((one) => one.field !== field);
  if (part) filters.push({ field, op: '~=', values: [part], off: false });
  return toApi({ ...query, filters }, { fields: field, top: TOP });
}

/**
 * Values that are filtered by stay in sight, also where nothing has them.
 * @param {{value: unknown, count: number}[]} rows
 * @param {string[]} chosen
 */
function withChosen(rows, chosen) {
  const missing = chosen.filter((value) => !rows.some((row) => String(row.value) === value));
  return [...rows, ...missing.map((value) => ({ value, count: 0 }))];
}

/**
 * @param {Query} query
 * @param {string} field
 * @param {string | null} value
 * @returns {'on' | 'not' | ''}
 */
function stateOf(query, field, value) {
  const [name, wanted] = value == null ? ['has', field] : [field, value];
  const found = query.filters.find((one) => !one.off && one.field === name && (one.op === '=' || one.op === '!=') && one.values.includes(wanted));
  if (!found) return '';
  const is = found.op === '=';
  return is === (value != null) ? 'on' : 'not';
}

/** @param {Query} query @param {string} field @param {'=' | '!='} op @param {string} value */
function flip(query, field, op, value) {
  const filter = query.filters.find((one) => !one.off && one.field === field && one.op === op && one.values.includes(value));
  if (!filter) return changes.add(query, field, op, value);
  return changes.replace(query, filter, { ...filter, values: filter.values.filter((one) => one !== value) });
}

/**
 * Only this, besides what is chosen already; or not any more.
 * @param {Query} query
 * @param {string} field
 * @param {string | null} value
 */
const toggled = (query, field, value) => (value == null ? flip(query, 'has', '!=', field) : flip(query, field, '=', value));

/** @param {Query} query @param {string} field @param {string | null} value */
const excluded = (query, field, value) => (value == null ? flip(query, 'has', '=', field) : flip(query, field, '!=', value));
