/** What a chip opens: its condition, its values with the frequent ones to tick, and what else can be done with it. */

import { get } from '../api.js';
import { el, fill } from '../dom.js';
import { number } from '../format.js';
import { t } from '../i18n.js';
import { loader, skeleton } from '../parts/states.js';
import * as url from '../url.js';
import { visible } from '../visible.js';
import { fieldList, label, shownValue } from './fields.js';
import { changes, quoted, toApi } from './query.js';
import { negated, valuesOf } from './terms.js';

/** @typedef {import('./query.js').Query} Query */
/** @typedef {import('./query.js').Filter} Filter */
/** @typedef {import('./query.js').Operator} Operator */

/**
 * @param {Filter} filter
 * @param {() => Query} query
 * @param {() => void} close
 */
export function editor(filter, query, close) {
  const operators = el('select', { 'aria-label': t('journal.query.operator'), 'data-test': 'chip-operator' });
  const input = el('input', { type: 'text', class: 'mono', value: filter.values.map(quoted).join(', '), spellcheck: 'false', autocomplete: 'off', autofocus: true, 'aria-label': t('journal.query.values'), 'data-test': 'chip-values' });
  const list = el('div', { class: 'chip-values', role: 'group', 'aria-label': t('journal.query.frequent') });
  const entered = () => valuesOf(input.value.replace(/,\s+/g, ','));
  void fillOperators(operators, filter);
  const top = frequent(list, filter, query(), input, entered);
  const apply = (/** @type {Event} */ event) => {
    event.preventDefault();
    const by = { ...filter, op: /** @type {Operator} */ (operators.value), values: entered() };
    close();
    url.change(by.values.length > 0 ? changes.replace(query(), filter, by) : changes.remove(query(), filter));
  };
  const action = (/** @type {string} */ test, /** @type {string} */ text, /** @type {() => import('./query.js').Changes} */ run, danger = false) =>
    el('button', { type: 'button', class: danger ? 'danger' : '', 'data-test': test, on: { click: () => (close(), url.change(run())) } }, text);
  return el(
    'form',
    { class: 'stack', on: { submit: apply } },
    el('div', { class: 'row' }, el('strong', { class: 'break' }, label(filter.field)), operators),
    el('div', { class: 'row' }, el('div', { class: 'grow time-input' }, input), el('button', { class: 'primary', 'data-test': 'chip-apply' }, t('journal.query.apply'))),
    top,
    el(
      'div',
      { class: 'row wrap' },
      action('chip-negate', t(filter.op.startsWith('!') ? 'journal.query.affirm' : 'journal.query.negate'), () => changes.negate(query(), filter)),
      action('chip-toggle', t(filter.off ? 'journal.query.switch_on' : 'journal.query.switch_off'), () => changes.toggle(query(), filter)),
      action('chip-delete', t('journal.query.remove'), () => changes.remove(query(), filter), true),
    ),
  );
}

/**
 * @param {HTMLSelectElement} select
 * @param {Filter} filter
 */
async function fillOperators(select, filter) {
  const option = (/** @type {string} */ op) => el('option', { value: op, selected: op === filter.op }, t(`journal.query.op_${OPERATORS[op.replace('!', '')]}${op.startsWith('!') ? '_not' : ''}`));
  fill(select, option(filter.op));
  const field = (await fieldList().catch(() => [])).find((one) => one.name === filter.field || one.aliases.includes(filter.field));
  const positive = (field?.operators ?? ['=', '~=', '^=']).filter((op) => !op.startsWith('!'));
  const all = new Set(positive.flatMap((op) => [op, negated(/** @type {Operator} */ (op))]));
  fill(select, ...[...all.add(filter.op)].map(option));
}

/** @type {Record<string, string>} */
const OPERATORS = { '=': 'is', '~=': 'contains', '^=': 'begins', '>=': 'at_least', '<=': 'at_most' };

/**
 * What the field has most often, to be ticked.
 * @param {HTMLElement} list
 * @param {Filter} filter
 * @param {Query} query
 * @param {HTMLInputElement} input
 * @param {() => string[]} entered
 */
function frequent(list, filter, query, input, entered) {
  if (!/^!?=$/.test(filter.op)) return null;
  const others = { ...query, filters: query.filters.filter((one) => one.field !== filter.field) };
  fill(list, skeleton(4));
  void loader(list).run(async (signal) => {
    const rows = await valuesIn(others, filter.field, signal);
    const boxes = rows.map(({ value, count }) => box(filter.field, value, count));
    fill(list, ...boxes);
  });
  /** @param {string} field @param {string} value @param {number} count */
  function box(field, value, count) {
    const check = el('input', { type: 'checkbox', checked: entered().includes(value) });
    check.addEventListener('change', () => {
      const rest = entered().filter((one) => one !== value);
      input.value = (check.checked ? [...rest, value] : rest).map(quoted).join(', ');
    });
    return el('label', { class: 'check' }, check, el('bdi', { class: 'grow break' }, visible(shownValue(field, value).slice(0, 200))), el('span', { class: 'count' }, number(count)));
  }
  return list;
}

/**
 * @param {Query} query
 * @param {string} field
 * @param {AbortSignal} signal
 * @returns {Promise<{value: string, count: number}[]>}
 */
async function valuesIn(query, field, signal) {
  const found = (await fieldList()).find((one) => one.name === field || one.aliases.includes(field));
  if (found?.kind === 'word' || found?.kind === 'list' || found?.kind === 'time') return [];
  const name = found?.name ?? field;
  const answer = await get('/facets', toApi(query, { fields: name, top: 30 }), signal);
  return (answer.facets[name]?.values ?? []).filter((/** @type {any} */ row) => row.value != null).map((/** @type {any} */ row) => ({ value: String(row.value), count: row.count }));
}
