/** Cells of a screen: each value as its product's users know it. */

import { catalogue } from '../catalog.js';
import { el } from '../dom.js';
import { outcomeBadge, statusBadge } from '../event.js';
import { capital, duration, number, time } from '../format.js';
import { language, t } from '../i18n.js';
import { stringify } from '../json.js';
import { valueTitle } from '../journal/fields.js';
import { visible } from '../visible.js';

/** @typedef {import('./model.js').ScreenColumn} ScreenColumn */
/** @typedef {Record<string, any>} Row */

/** The catalogue of the product whose screen is shown. @type {import('../catalog.js').Catalogue | null} */
let product = null;

/** @type {Map<string, import('../catalog.js').Catalogue>} */
const products = new Map();

/** @param {string[]} sources */
export async function knowProducts(sources) {
  for (const [at, found] of (await Promise.all(sources.map(catalogue))).entries()) if (found) products.set(sources[at] ?? '', found);
}

/** @param {string} source of the screen that is shown */
export function useProduct(source) {
  product = products.get(source) ?? null;
}

/**
 * What the product calls a value: in the page's language if the product has it, else in its own, which its users know.
 * @param {string} field
 * @param {string} value
 * @param {string} [module]
 */
export function productTitle(field, value, module) {
  const title = field === 'module' ? product?.modules.get(value) : field === 'event_type' ? product?.types.get(`${module} ${value}`) ?? product?.types.get(value) : null;
  if (title) return language() === 'en' ? title.en : title.original;
  return field === 'peer_name' ? product?.peers.get(value) ?? null : valueTitle(field, value);
}

/** The language of titles: the product's own but for English. */
export const titleLanguage = () => (language() === 'en' ? 'en' : 'original');

/** Columns that are times, before an answer says so. */
const TIMES = /^(event_time|created|session_start|session_end)$/;
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
  return visible(productTitle(column.column, text, row.module) ?? (text.length > LINE ? `${text.slice(0, LINE)}…` : text));
}

/** What its head says. @param {ScreenColumn} column */
export const titleOf = (column) => capital(column.title?.text ?? column.id);

/**
 * About how wide a column is: its values have room, and a head of the usual length has.
 * @param {ScreenColumn} column
 */
export const widthOf = (column) => Math.max(valueWidth(column), Math.min(260, 44 + titleOf(column).length * 7));

/** @param {ScreenColumn} column */
function valueWidth(column) {
  if (column.type === 'timestamp' || TIMES.test(column.column)) return 186;
  if (column.column === 'event_type') return 250;
  if (/_(id|key)$|^id$/.test(column.column)) return 170;
  if (/body|attributes|changes|before|after|message|url|related|additional/.test(column.column)) return 280;
  if (column.column === 'outcome') return 144;
  if (/^http_(status|method)|status|_ms$|count|active|attempt/.test(column.column)) return 112;
  return 160;
}

/** Times and states are shown whole in any room. @param {ScreenColumn} column */
export const isFirm = (column) => TIMES.test(column.column) || column.type === 'timestamp' || /^http_status$|status$|^outcome$/.test(column.column);

/** Whether it stands under its product's details, not in its table. @param {ScreenColumn} column */
export const isDetail = (column) => column.group != null;
