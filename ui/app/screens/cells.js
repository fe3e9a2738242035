/** Cells of a screen: each value as its product's users know it. */

import { el } from '../dom.js';
import { outcomeBadge, statusBadge } from '../event.js';
import { duration, number, time } from '../format.js';
import { t } from '../i18n.js';
import { stringify } from '../json.js';
import { valueTitle } from '../journal/fields.js';
import { visible } from '../visible.js';

/** @typedef {import('./model.js').ScreenColumn} ScreenColumn */
/** @typedef {Record<string, any>} Row */

/** Characters of a long body that a line shows. */
const LINE = 300;

/** @param {ScreenColumn} column @param {unknown} value */
export function textOf(column, value) {
  if (value == null) return '';
  if (column.type === 'timestamp') return time(String(value));
  return typeof value === 'object' && !('source' in value) ? stringify(value, 0) : String(value);
}

/**
 * @param {ScreenColumn} column
 * @param {Row} row
 * @returns {import('../dom.js').Child}
 */
export function cellOf(column, row) {
  const value = row[column.column];
  if (column.masked) return el('span', { class: 'muted', title: t('screens.masked') }, '•••');
  if (value == null || value === '') return null;
  if (column.type === 'timestamp') {
    const [day = '', at = ''] = time(String(value)).split(' ');
    return el('time', { datetime: String(value) }, el('span', { class: 'muted' }, day), ' ', at);
  }
  if (column.column === 'outcome') return outcomeBadge(/** @type {any} */ ({ outcome: value }));
  if (column.column === 'http_status') return statusBadge(/** @type {any} */ ({ http_status: value })) ?? String(value);
  if (/_ms$/.test(column.column)) return duration(Number(value) * 1e6);
  if (column.type?.startsWith('float')) return number(/** @type {any} */ (Number(value)));
  const text = textOf(column, value);
  return visible(valueTitle(column.column, text) ?? (text.length > LINE ? `${text.slice(0, LINE)}…` : text));
}

/**
 * About how wide a column is.
 * @param {ScreenColumn} column
 */
export function widthOf(column) {
  if (column.type === 'timestamp') return 190;
  if (/_(id|key)$|^id$/.test(column.column)) return 170;
  if (/body|attributes|changes|before|after|message|url|related|additional/.test(column.column)) return 280;
  if (/^http_|status|outcome|_ms$|count|active|attempt/.test(column.column)) return 112;
  return 160;
}

/** Whether it stands under its product's details, not in its table. @param {ScreenColumn} column */
export const isDetail = (column) => column.group != null;
