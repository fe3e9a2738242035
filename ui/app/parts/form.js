/** Forms: fields with a label and a hint, one button that sends, and what the server says about it beside the button. */

import { el, fill } from '../dom.js';
import { t } from '../i18n.js';
import { Problem } from '../api.js';
import { told } from './states.js';

/**
 * A field with its label, and what it is for.
 * @param {string} label
 * @param {HTMLElement} input
 * @param {string} [hint]
 */
export function field(label, input, hint) {
  return el('label', { class: 'field' }, label, input, hint && el('span', { class: 'hint small muted' }, hint));
}

/**
 * A box to tick.
 * @param {string} label
 * @param {{checked?: boolean, name?: string, value?: string, hint?: string, test?: string}} [how]
 */
export function tick(label, { checked = false, name, value, hint, test } = {}) {
  const input = el('input', { type: 'checkbox', checked, name, value: value ?? 'on', 'data-test': test });
  const whole = el('label', { class: 'check' }, input, el('span', null, label, hint && el('span', { class: 'hint small muted' }, ` ${hint}`)));
  return { input, element: whole };
}

/**
 * A choice.
 * @param {[value: string, label: string][]} options
 * @param {string} chosen
 * @param {Record<string, any>} [props]
 */
export function select(options, chosen, props = {}) {
  const all = options.some(([value]) => value === chosen) ? options : [...options, /** @type {[string, string]} */ ([chosen, chosen])];
  return el('select', props, all.map(([value, label]) => el('option', { value, selected: value === chosen }, label)));
}

/**
 * A form.
 * @param {{fields: import('../dom.js').Children, action: string, danger?: boolean, onSubmit: () => Promise<void>, onCancel?: () => void, test?: string}} of
 */
export function form({ fields, action, danger = false, onSubmit, onCancel, test }) {
  const wrong = el('div', { class: 'form-wrong', role: 'alert' });
  const button = el('button', { class: danger ? 'danger' : 'primary', type: 'submit' }, action);
  const send = async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true;
    fill(wrong);
    try {
      await onSubmit();
    } catch (error) {
      fill(wrong, ...refusal(error));
    } finally {
      button.disabled = false;
    }
  };
  return el(
    'form',
    { class: 'stack', novalidate: false, 'data-test': test, on: { submit: (/** @type {Event} */ event) => void send(event) } },
    fields,
    wrong,
    el('div', { class: 'dialog-foot' }, onCancel && el('button', { type: 'button', on: { click: onCancel } }, t('core.cancel')), button),
  );
}

/**
 * What a refusal says: in the reader's words, then in the server's.
 * @param {unknown} error
 * @returns {HTMLElement[]}
 */
export function refusal(error) {
  const title = told(error);
  const problem = error instanceof Problem ? error : null;
  const lines = [el('p', { class: 'field-error' }, title)];
  if (problem && problem.message !== title) lines.push(el('p', { class: 'break' }, problem.message));
  if (problem?.hint) lines.push(el('p', { class: 'muted break' }, problem.hint));
  return lines;
}

/**
 * What stands in a field behind commas or on lines of its own.
 * @param {string} text
 * @returns {string[]}
 */
export function list(text) {
  return text.split(/[,\n]/).map((one) => one.trim()).filter(Boolean);
}
