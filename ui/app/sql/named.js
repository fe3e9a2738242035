/** Named queries: their parameters as a form, each field of its type, with the default that counts where nothing is typed. */

import { get } from '../api.js';
import { el } from '../dom.js';
import { has, load, t } from '../i18n.js';
import { timePicker } from '../parts/timepicker.js';

/** @typedef {{name: string, type: 'text' | 'integer' | 'number' | 'boolean' | 'timestamp' | 'date' | 'text_list', required: boolean, default: string | null, meaning: string}} Parameter */
/** @typedef {{name: string, own: boolean, title?: string, description?: string, parameters?: Parameter[], error?: {line?: number, reason?: string, message?: string}}} NamedQuery */
/** @typedef {import('../period.js').Period} Period */

/**
 * All named queries; those that came with the program in the reader's language.
 * @param {AbortSignal} [signal]
 * @returns {Promise<NamedQuery[]>}
 */
export async function namedQueries(signal) {
  /** @type {[NamedQuery[], void]} */
  const [all] = await Promise.all([get('/queries', undefined, signal), load('queries')]);
  return all.map((query) => (query.own || query.error ? query : translated(query)));
}

/** @param {NamedQuery} query @returns {NamedQuery} */
function translated(query) {
  const text = (/** @type {string} */ key, /** @type {string | undefined} */ own) => (has(key) ? t(key) : own ?? '');
  return {
    ...query,
    title: text(`query.${query.name}`, query.title),
    description: text(`query.${query.name}_what`, query.description),
    parameters: query.parameters?.map((parameter) => ({ ...parameter, meaning: text(`query.param_${parameter.name}`, parameter.meaning) })),
  };
}

/**
 * Whether a query has a range of time, which the time picker chooses.
 * @param {NamedQuery} query
 */
export function hasRange(query) {
  const of = (/** @type {string} */ name) => query.parameters?.some((parameter) => parameter.name === name && (parameter.type === 'timestamp' || parameter.type === 'date'));
  return Boolean(of('from') && of('to'));
}

/**
 * The form of a query.
 * @param {NamedQuery} query
 * @param {{values: Record<string, string>, period: Period, onRun: (values: Record<string, string>) => void, onPeriod: (period: Period) => void}} of
 */
export function namedForm(query, { values, period, onRun, onPeriod }) {
  const ranged = hasRange(query);
  const fields = (query.parameters ?? []).filter((parameter) => !(ranged && (parameter.name === 'from' || parameter.name === 'to')));
  const inputs = fields.map((parameter) => ({ parameter, input: inputOf(parameter, values[parameter.name]) }));
  const picker = ranged ? timePicker({ value: period, onChange: onPeriod }) : null;
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    onRun(Object.fromEntries(inputs.map(({ parameter, input }) => [parameter.name, input.value.trim()])));
  };
  const element = el(
    'form',
    { class: 'sql-named stack', 'data-test': 'named-form', on: { submit } },
    el('div', null, el('h2', null, query.title ?? query.name), query.description && el('p', { class: 'muted' }, query.description)),
    picker && el('div', { class: 'row wrap' }, picker.element),
    inputs.length > 0 && el('div', { class: 'sql-fields' }, inputs.map(({ parameter, input }) => el('label', { title: parameter.meaning }, el('span', null, parameter.name, parameter.required && el('span', { class: 'muted' }, ` · ${t('sql.required')}`)), input, el('span', { class: 'muted small' }, parameter.meaning)))),
    el('div', { class: 'row' }, el('button', { class: 'primary', type: 'submit', 'data-test': 'run' }, t('sql.run'))),
  );
  return { element, picker };
}

/**
 * @param {Parameter} parameter
 * @param {string | undefined} value
 * @returns {HTMLInputElement | HTMLSelectElement}
 */
function inputOf(parameter, value) {
  const common = { name: parameter.name, required: parameter.required, value: value ?? '', placeholder: parameter.default ?? '' };
  if (parameter.type === 'boolean') {
    const options = [['', parameter.default ?? '–'], ['true', 'true'], ['false', 'false']];
    return el('select', { name: parameter.name }, options.map(([id, label]) => el('option', { value: id, selected: id === (value ?? '') }, label)));
  }
  if (parameter.type === 'integer' || parameter.type === 'number') return el('input', { ...common, type: 'text', inputmode: parameter.type === 'integer' ? 'numeric' : 'decimal', pattern: parameter.type === 'integer' ? '-?\\d+' : undefined });
  return el('input', { ...common, type: 'text', autocomplete: 'off', spellcheck: 'false' });
}
