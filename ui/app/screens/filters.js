/** The filters of a screen under the product's names: choices as buttons, values with their counts, words to look for, hours. */

import { get } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { number } from '../format.js';
import { t } from '../i18n.js';
import { popover } from '../parts/menu.js';
import { loader, skeleton } from '../parts/states.js';
import { productTitle } from './cells.js';
import { choosing, controlOf, isPeriodFilter, valuesOf } from './model.js';

/** @typedef {import('./model.js').Screen} Screen */
/** @typedef {import('./model.js').ScreenFilter} ScreenFilter */
/** @typedef {import('./model.js').Asked} Asked */
/** @typedef {(changes: Record<string, string | string[] | null>) => void} Change */

/** Values that are listed; others can be typed. */
const LISTED = 200;

/** The name of a filter, as its product writes it, with a capital. @param {ScreenFilter} filter */
export const nameOf = (filter) => filter.title.text.charAt(0).toUpperCase() + filter.title.text.slice(1);

/** @param {ScreenFilter} filter @param {string} value */
const titleOf = (filter, value) => productTitle(filter.fields[0] ?? '', value) ?? value;

/**
 * @param {Screen} screen
 * @param {Asked} asked
 * @param {Change} onChange
 * @returns {HTMLElement[]}
 */
export function filterControls(screen, asked, onChange) {
  return screen.filters.filter((filter) => !isPeriodFilter(filter)).map((filter) => {
    const kind = controlOf(filter);
    if (kind === 'choices') return choices(filter, asked, onChange);
    return kind === 'values' ? values(screen, filter, asked, onChange) : words(filter, asked, onChange);
  });
}

/**
 * A closed list of choices.
 * @param {ScreenFilter} filter
 * @param {Asked} asked
 * @param {Change} onChange
 */
function choices(filter, asked, onChange) {
  const open = (/** @type {string} */ value) => Object.keys(filter.values?.[value] ?? {}).length === 0;
  // The choice that leaves nothing out stands first; it needs no word in the address.
  const all = Object.keys(filter.values ?? {}).sort((a, b) => Number(open(b)) - Number(open(a)));
  const chosen = valuesOf(asked, filter).values[0] ?? all.find(open) ?? '';
  return el('div', { class: 'group', role: 'group', 'aria-label': nameOf(filter), data: { test: `filter-${filter.id}` } }, all.map((value) => el('button', { 'aria-pressed': String(value === chosen), on: { click: () => onChange(choosing(filter, open(value) ? [] : [value], false)) } }, value)));
}

/**
 * Words that stand in a column, or hours of the day.
 * @param {ScreenFilter} filter
 * @param {Asked} asked
 * @param {Change} onChange
 */
function words(filter, asked, onChange) {
  const hours = controlOf(filter) === 'hours';
  const now = valuesOf(asked, filter).values;
  const input = el('input', { type: 'text', value: now.join(' '), placeholder: hours ? '9-17' : '', 'aria-label': nameOf(filter), title: filter.note, spellcheck: 'false', class: hours ? 'screen-hours' : '', 'data-test': `filter-${filter.id}` });
  const take = () => {
    const text = input.value.trim();
    if (text !== now.join(' ')) onChange(choosing(filter, text === '' ? [] : [text], false));
  };
  input.addEventListener('change', take);
  return el('label', { class: 'inline screen-words' }, el('span', { class: 'muted' }, nameOf(filter)), input);
}

/**
 * The values of a field, several at once, or all but some.
 * @param {Screen} screen
 * @param {ScreenFilter} filter
 * @param {Asked} asked
 * @param {Change} onChange
 */
function values(screen, filter, asked, onChange) {
  const now = valuesOf(asked, filter);
  const text = now.values.length === 0 ? t('screens.all') : now.values.length === 1 ? titleOf(filter, now.values[0] ?? '') : t('screens.chosen', { n: now.values.length });
  const button = el('button', { class: now.values.length > 0 ? 'screen-filter on' : 'screen-filter', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', title: filter.note ?? now.values.map((value) => titleOf(filter, value)).join(', '), 'data-test': `filter-${filter.id}` }, el('span', { class: 'muted' }, `${nameOf(filter)}:`), el('span', { class: 'cut' }, now.not ? t('screens.not', { text }) : text), icon('down'));
  button.addEventListener('click', () => popover(button, (close) => panel(screen, filter, asked, (changes) => (close(), onChange(changes))), { label: nameOf(filter), class: 'screen-panel' }));
  if (now.values.length === 0) return button;
  return el('span', { class: 'group' }, button, el('button', { class: 'square', 'aria-label': t('screens.clear_one', { name: nameOf(filter) }), title: t('screens.clear_one', { name: nameOf(filter) }), on: { click: () => onChange(choosing(filter, [], false)) } }, icon('close')));
}

/**
 * @param {Screen} screen
 * @param {ScreenFilter} filter
 * @param {Asked} asked
 * @param {Change} onChange
 */
function panel(screen, filter, asked, onChange) {
  const now = valuesOf(asked, filter);
  const chosen = new Set(now.values);
  const many = filter.operators.includes('in');
  const canExclude = filter.operators.includes('is_not') || filter.operators.includes('not_in');
  const not = el('input', { type: 'checkbox', checked: now.not });
  const list = el('div', { class: 'screen-values' }, skeleton(5));
  const search = el('input', { type: 'search', placeholder: t('screens.search_values'), 'aria-label': t('screens.search_values'), autofocus: true });
  /** @type {{value: string, count: number}[]} */
  let known = [];
  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    const fits = known.filter(({ value }) => value.toLowerCase().includes(wanted) || titleOf(filter, value).toLowerCase().includes(wanted));
    const typed = search.value.trim();
    const own = typed !== '' && !known.some(({ value }) => value === typed) ? [{ value: typed, count: -1 }] : [];
    fill(list, [...fits, ...own].map((one) => entry(filter, one, chosen, many, () => take())), fits.length + own.length === 0 && el('p', { class: 'muted' }, t('core.nothing')));
  };
  const take = () => onChange(choosing(filter, [...chosen], canExclude && not.checked && chosen.size > 0));
  search.addEventListener('input', draw);
  void loader(list).run(async (signal) => {
    const field = filter.fields[0] ?? '';
    const answer = await get('/facets', { fields: field, source: screen.source, ...(screen.dataset && { dataset: screen.dataset }), ...filter.only, ...asked.period, visibility: ['general', 'object'], top: LISTED }, signal);
    const found = (answer.facets?.[field]?.values ?? []).filter((/** @type {any} */ one) => one.value != null && one.value !== '').map((/** @type {any} */ one) => ({ value: String(one.value), count: Number(one.count) }));
    known = [...found, ...[...chosen].filter((value) => !found.some((/** @type {any} */ one) => one.value === value)).map((value) => ({ value, count: 0 }))];
    draw();
  });
  return el(
    'form',
    { class: 'stack tight', on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), take()) } },
    search,
    canExclude && el('label', { class: 'check' }, not, t('screens.exclude')),
    list,
    many && el('div', { class: 'row' }, el('button', { class: 'primary', type: 'submit', 'data-test': 'apply' }, t('screens.apply')), el('button', { type: 'button', class: 'quiet', on: { click: () => (chosen.clear(), take()) } }, t('screens.all'))),
  );
}

/**
 * @param {ScreenFilter} filter
 * @param {{value: string, count: number}} one
 * @param {Set<string>} chosen
 * @param {boolean} many
 * @param {() => void} take
 */
function entry(filter, { value, count }, chosen, many, take) {
  const title = titleOf(filter, value);
  const words = [el('span', { class: 'grow break' }, title, title !== value && el('span', { class: 'muted small mono' }, ` ${value}`)), count >= 0 && el('span', { class: 'muted small' }, number(count))];
  if (!many) return el('button', { type: 'button', class: 'quiet screen-value', 'aria-pressed': String(chosen.has(value)), on: { click: () => (chosen.clear(), chosen.add(value), take()) } }, words);
  const input = el('input', { type: 'checkbox', checked: chosen.has(value), on: { change: () => (input.checked ? chosen.add(value) : chosen.delete(value)) } });
  return el('label', { class: 'check screen-value' }, input, words);
}
