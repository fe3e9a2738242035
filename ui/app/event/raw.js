/** The row as the engine has it, and the record as the source sent it. */

import { el, fill } from '../dom.js';
import { t } from '../i18n.js';
import { stringify } from '../json.js';
import { copyButton } from '../parts/copy.js';
import { shownRow } from './copyas.js';
import { plainText } from './exchange.js';

/**
 * @param {HTMLElement} panel
 * @param {import('../event.js').Event} event
 */
export function showRaw(panel, event) {
  const { raw, ...row } = shownRow(event);
  const text = stringify(row);
  fill(panel, part(t('event.raw.row'), text), typeof raw === 'string' && part(t('event.raw.record'), raw));
}

/**
 * @param {string} title
 * @param {string} text
 */
function part(title, text) {
  return el('section', { class: 'stack tight' }, el('div', { class: 'row between panel-head' }, el('h3', { class: 'event-group' }, title), copyButton(text)), plainText(text));
}
