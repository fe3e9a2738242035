/** An answer as a table: the server's order until a title is clicked; every digit and every character can be seen whole. */

import { el } from '../dom.js';
import { number, time } from '../format.js';
import { t } from '../i18n.js';
import { Exact, parse, plain, stringify } from '../json.js';
import { copy } from '../parts/copy.js';
import { openDialog } from '../parts/dialog.js';
import { grid } from '../parts/grid.js';
import { link } from '../url.js';
import { visible } from '../visible.js';
import { isNumber, isTime } from './axes.js';

/** @typedef {import('./answer.js').Answer} Answer */
/** @typedef {import('./answer.js').AnswerColumn} AnswerColumn */

/** Characters that a cell shows: what is longer stands whole in the window of its row. */
const CELL_MAX = 500;
/** Rows from which widths are taken. */
const LOOKED = 60;

/**
 * A value as people read it.
 * @param {AnswerColumn} column
 * @param {unknown} value
 * @param {number} [most] characters
 * @returns {import('../dom.js').Child}
 */
export function shown(column, value, most = Infinity) {
  if (value == null) return el('span', { class: 'muted' }, t('sql.null'));
  if (value === '') return el('span', { class: 'muted' }, t('sql.empty_text'));
  if (column.type === 'timestamp') return time(String(value));
  // Ids and years are no amounts: their digits stand as they are.
  if (isNumber(column)) return /(^|_)(id|seq|year|status|code|step)$/.test(column.name) ? String(value) : number(/** @type {any} */ (value));
  const text = plain(value);
  return visible(text.length > most ? `${text.slice(0, most)}…` : text);
}

/**
 * Compares two values of a column; nothing comes last.
 * @param {AnswerColumn} column
 * @param {unknown} a
 * @param {unknown} b
 */
function compare(column, a, b) {
  if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1;
  if (/^u?int/.test(column.type)) {
    const difference = BigInt(String(a)) - BigInt(String(b));
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }
  if (isNumber(column)) return Number(a) - Number(b);
  const [left, right] = [plain(a), plain(b)];
  return isTime(column) ? (left < right ? -1 : left > right ? 1 : 0) : left.localeCompare(right);
}

/**
 * @param {Answer} answer
 * @param {{label: string, sort: string | null, onSort: (sort: string | null) => void}} of `sort` is a column, with `-` before it from above
 */
export function answerTable(answer, { label, sort, onSort }) {
  const { schema } = answer;
  const sortOf = (/** @type {string | null} */ text) => {
    const id = text?.replace(/^-/, '') ?? '';
    const at = schema.findIndex((column) => column.name === id);
    return at < 0 ? null : { id: String(at), descending: text?.startsWith('-') ?? false };
  };
  /** @param {{id: string, descending: boolean} | null} by */
  const sorted = (by) => {
    const column = by && schema[Number(by.id)];
    if (!by || !column) return answer.rows;
    const at = Number(by.id);
    return [...answer.rows].sort((a, b) => compare(column, a[at], b[at]) * (by.descending && a[at] != null && b[at] != null ? -1 : 1));
  };
  /** @param {unknown[][]} rows */
  const source = (rows) => ({ size: 100, total: { value: rows.length, relation: /** @type {const} */ ('eq') }, page: async (/** @type {number} */ first) => rows.slice(first, first + 100) });
  const table = grid({
    label,
    test: 'answer',
    columns: schema.map((column, at) => columnOf(answer, column, at)),
    source: source(sorted(sortOf(sort))),
    sort: sortOf(sort),
    onSort: (by) => onSort(by ? `${by.descending ? '-' : ''}${schema[Number(by.id)]?.name ?? ''}` : null),
    onOpen: (row) => openRow(schema, /** @type {unknown[]} */ (/** @type {unknown} */ (row))),
    cellMenu: (row, column) => [{ label: t('sql.copy_value'), icon: 'copy', run: () => void copy(column.text(row)) }],
  });
  return {
    element: table.element,
    /** @param {string | null} by */
    sort(by) {
      table.setSort(sortOf(by));
      table.setSource(source(sorted(sortOf(by))));
    },
    stop: () => table.stop(),
  };
}

/** Characters of a value as it is shown. @param {AnswerColumn} column @param {unknown} value */
function widthOf(column, value) {
  if (column.type === 'timestamp') return time(String(value ?? '')).length;
  return isNumber(column) ? number(/** @type {any} */ (value)).length : plain(value).length;
}

/**
 * @param {Answer} answer
 * @param {AnswerColumn} column
 * @param {number} at
 * @returns {import('../parts/grid.js').Column}
 */
function columnOf(answer, column, at) {
  let longest = column.name.length + 3;
  for (const row of answer.rows.slice(0, LOOKED)) longest = Math.max(longest, widthOf(column, row[at]));
  return {
    id: String(at),
    title: column.name,
    hint: `${column.name} · ${column.type}`,
    width: Math.max(72, Math.min(420, Math.round(longest * 7.4) + 28)),
    grows: at === answer.schema.length - 1 && !isNumber(column),
    number: isNumber(column),
    firm: isTime(column) || isNumber(column),
    mono: /(^|_)id$/.test(column.name) || /^(json|struct|map|list)/.test(column.type),
    sorts: true,
    cell: (row) => shown(column, row[at], CELL_MAX),
    text: (row) => plain(row[at]),
  };
}

/**
 * One row whole.
 * @param {AnswerColumn[]} schema
 * @param {unknown[]} row
 */
function openRow(schema, row) {
  const event = schema.findIndex((column) => column.name === 'event_id');
  openDialog(
    t('sql.row'),
    () => [
      event >= 0 && row[event] != null && el('p', null, el('a', { href: link(`/events/${encodeURIComponent(String(row[event]))}`) }, t('sql.open_event'))),
      el('dl', { class: 'facts' }, schema.flatMap((column, at) => [el('dt', { title: column.type }, column.name), el('dd', { class: ['break', 'pre', /^(json|struct|map|list)/.test(column.type) && 'mono'] }, whole(column, row[at]))])),
      el('footer', { class: 'dialog-foot' }, el('button', { on: { click: () => void copy(stringify(Object.fromEntries(schema.map((column, at) => [column.name, row[at]])))) } }, t('sql.copy_json'))),
    ],
    { wide: true },
  );
}

/**
 * @param {AnswerColumn} column
 * @param {unknown} value
 */
function whole(column, value) {
  // JSON that a column holds as text is laid out as well.
  if (typeof value === 'string' && /^[[{]/.test(value)) {
    try {
      return visible(stringify(parse(value)));
    } catch {
      return visible(value);
    }
  }
  if (value != null && typeof value === 'object' && !(value instanceof Exact)) return visible(stringify(value));
  return column.type === 'timestamp' && value != null ? `${time(String(value))} (${String(value)})` : shown(column, value);
}
