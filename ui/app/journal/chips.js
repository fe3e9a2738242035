/** Filters as chips: each says what it asks, and can be edited, negated, switched off and removed. */

import { el, icon } from '../dom.js';
import { number } from '../format.js';
import { t } from '../i18n.js';
import { popover } from '../parts/menu.js';
import * as url from '../url.js';
import { visible } from '../visible.js';
import { label, shownValue } from './fields.js';
import { changes, termOf } from './query.js';

/** @typedef {import('./query.js').Query} Query */
/** @typedef {import('./query.js').Filter} Filter */
/** @typedef {import('./query.js').Operator} Operator */

/** Values that a chip shows before it counts. */
const MOST = 3;

/**
 * What an operator is called: `contains`; nothing where a colon is enough.
 * @param {Operator} op
 */
const operatorName = (op) => ({ '=': '', '!=': '', '>=': '≥', '<=': '≤', '~=': t('journal.query.contains'), '^=': t('journal.query.begins') })[op.replace('!', '')] ?? '';

/**
 * A filter in words, for labels and titles.
 * @param {Filter} filter
 */
export function filterText(filter) {
  const { not, field, operator, values } = parts(filter);
  return `${not ? `${t('journal.query.not')} ` : ''}${field}${operator ? ` ${operator}` : ':'} ${values.join(', ')}`;
}

/**
 * What a chip says. Whether a field has a value is said of the field, not as a filter called "has".
 * @param {Filter} filter
 */
function parts({ field, op, values }) {
  const not = op.startsWith('!');
  if (field === 'has') return { not: false, field: values.map(label).join(', '), operator: '', values: [t(not ? 'journal.query.missing' : 'journal.query.present')] };
  return { not, field: label(field), operator: operatorName(op), values: values.map((value) => shownValue(field, value)) };
}

/**
 * @param {Filter} filter
 * @param {() => Query} query the query of now
 * @returns {HTMLElement}
 */
export function chip(filter, query) {
  const text = filterText(filter);
  const { not, field, operator, values } = parts(filter);
  const more = values.length - MOST;
  const main = el(
    'button',
    { class: 'chip-main', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', title: `${text}\n${termOf(filter)}`, 'data-test': 'chip', data: { field: filter.field } },
    not && el('span', { class: 'chip-not' }, t('journal.query.not')),
    el('span', { class: 'chip-field' }, operator ? field : `${field}:`),
    operator && el('span', { class: 'chip-op' }, operator),
    el('bdi', { class: 'chip-text' }, visible(values.slice(0, MOST).join(', ')), more > 0 && ` +${number(more)}`),
    filter.off && el('span', { class: 'visually-hidden' }, ` ${t('journal.query.is_off')}`),
  );
  main.addEventListener('click', async () => {
    const { editor } = await import('./chip-editor.js');
    popover(main, (close) => editor(filter, query, close), { label: t('journal.query.edit_filter', { name: label(filter.field) }), class: 'chip-panel' });
  });
  return el('span', { class: ['chip', not && 'not', filter.off && 'off'] }, main, remover(text, () => url.change(changes.remove(query(), filter))));
}

/**
 * A group of the API's JSON as one chip.
 * @param {string} group
 * @param {() => Query} query
 * @param {() => void} editText
 */
export function groupChip(group, query, editText) {
  const remove = () => url.change(changes.set(query(), { ...query(), groups: query().groups.filter((one) => one !== group) }));
  const main = el('button', { class: 'chip-main', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', title: group, 'data-test': 'chip-group' }, el('span', { class: 'chip-field' }, t('journal.query.group')), el('span', { class: 'chip-text' }, group.length > 40 ? `${group.slice(0, 40)}…` : group));
  const content = (/** @type {() => void} */ close) =>
    el('div', { class: 'stack' }, el('pre', { class: 'code' }, JSON.stringify(JSON.parse(group), null, 2)), el('div', { class: 'row' }, el('button', { on: { click: () => (close(), editText()) } }, icon('edit'), t('journal.query.as_text'))));
  main.addEventListener('click', () => popover(main, content, { label: t('journal.query.group'), class: 'chip-panel' }));
  return el('span', { class: 'chip' }, main, remover(t('journal.query.group'), remove));
}

/**
 * @param {string} text
 * @param {() => void} run
 */
function remover(text, run) {
  const name = t('journal.query.remove_filter', { name: text });
  return el('button', { class: 'square', 'aria-label': name, title: name, 'data-test': 'chip-remove', on: { click: run } }, icon('close'));
}
