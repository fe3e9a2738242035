/** What the project takes: bytes, events and files by module and month. Each cell has its figure and a bar, so that no colour alone says it. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { bytes, month, number, short } from '../format.js';
import { t } from '../i18n.js';
import { figure } from '../parts/plain.js';
import { empty } from '../parts/states.js';
import * as url from '../url.js';
import { part, projectName } from './common.js';

/** @typedef {{module: string | null, month: string, files: number, rows: number, bytes: number}} Cell */
/** @typedef {'bytes' | 'rows' | 'files'} Measure */

const MEASURES = /** @type {const} */ (['bytes', 'rows', 'files']);
/** Months that are columns of their own; older ones are told together. */
const MONTHS = 12;
/** Modules that are rows of their own. */
const MODULES = 40;

/** @param {HTMLElement} box */
export function start(box) {
  return part(box, 'storage', ['by'], async (region, signal, again) => {
    const answer = await api.ask('GET', `/projects/${projectName()}/storage`, { signal, project: '' });
    draw(region, answer, again);
  });
}

/**
 * The cells as a table: modules by months, the largest module first.
 * @param {Cell[]} cells
 * @param {Measure} measure
 */
export function grid(cells, measure) {
  const months = [...new Set(cells.map((cell) => cell.month))].sort().reverse();
  const columns = months.length > MONTHS + 1 ? [...months.slice(0, MONTHS), 'older'] : months;
  /** @type {Map<string | null, {total: number, by: Map<string, number>}>} */
  const rows = new Map();
  for (const cell of cells) {
    const column = columns.includes(cell.month) ? cell.month : 'older';
    const row = rows.get(cell.module) ?? { total: 0, by: new Map() };
    row.total += Number(cell[measure]);
    row.by.set(column, (row.by.get(column) ?? 0) + Number(cell[measure]));
    rows.set(cell.module, row);
  }
  const sorted = [...rows].map(([module, row]) => ({ module, ...row })).sort((a, b) => b.total - a.total);
  const greatest = Math.max(1, ...sorted.flatMap((row) => [...row.by.values()]));
  const sums = new Map(columns.map((column) => [column, sorted.reduce((sum, row) => sum + (row.by.get(column) ?? 0), 0)]));
  return { columns, rows: sorted, greatest, sums };
}

/**
 * @param {HTMLElement} region
 * @param {Record<string, any>} answer
 * @param {() => void} again
 */
function draw(region, answer, again) {
  const asked = url.here().params.get('by');
  const measure = MEASURES.find((one) => one === asked) ?? 'bytes';
  const { total, hot, log } = answer;
  const choice = el('div', { class: 'group', role: 'group', 'aria-label': t('admin.measure') }, MEASURES.map((one) => el('button', { 'aria-pressed': String(one === measure), 'data-test': `storage-${one}`, on: { click: () => url.change({ by: one === 'bytes' ? null : one }) } }, t(`admin.measure_${one}`))));
  fill(
    region,
    el('div', { class: 'panel equation', 'data-test': 'storage-totals' }, figure(t('admin.in_files'), total.rows), figure(t('admin.size'), bytes(total.bytes) || '0 B'), figure(t('admin.files'), total.files), figure(t('admin.bytes_an_event'), Number(total.rows) > 0 ? bytes(Number(total.bytes) / Number(total.rows)) : '–'), figure(t('admin.in_memory'), hot.rows), figure(t('admin.in_memory_size'), bytes(hot.bytes) || '0 B'), figure(t('admin.table_version'), log.version), figure(t('admin.replaced_files'), log.replaced_files)),
    answer.modules.length === 0
      ? empty(t('admin.no_files'), t('admin.no_files_why'))
      : el('section', { class: 'panel stack' }, el('div', { class: 'section-head' }, el('h2', null, t('admin.by_module')), choice, el('button', { class: 'quiet square', 'aria-label': t('core.again'), title: t('core.again'), on: { click: again } }, icon('refresh'))), heat(answer.modules, measure)),
  );
}

/**
 * @param {Cell[]} cells
 * @param {Measure} measure
 */
function heat(cells, measure) {
  const { columns, rows, greatest, sums } = grid(cells, measure);
  const shown = (/** @type {number} */ value) => (measure === 'bytes' ? bytes(value) : value >= 10_000 ? short(value) : number(value));
  const title = (/** @type {string} */ column) => (column === 'older' ? t('admin.older') : month(`${column}-15T00:00:00Z`));
  const cell = (/** @type {number | undefined} */ value) => el('td', { class: 'number heat' }, value ? [el('span', { title: measure === 'bytes' ? `${number(value)} B` : number(value) }, shown(value)), el('span', { class: 'heat-bar', 'aria-hidden': 'true', style: { '--share': `${Math.max(2, Math.round((value / greatest) * 100))}%` } })] : null);
  const rest = rows.slice(MODULES);
  return el(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': t('admin.by_module') },
    el(
      'table',
      { class: 'plain heat-table' },
      el('caption', { class: 'visually-hidden' }, t('admin.by_module')),
      el('thead', null, el('tr', null, el('th', { scope: 'col' }, t('admin.module')), el('th', { scope: 'col', class: 'number' }, t('admin.all_together')), columns.map((column) => el('th', { scope: 'col', class: 'number' }, title(column))))),
      el('tbody', null, rows.slice(0, MODULES).map((row) => el('tr', { 'data-test': 'storage-module' }, el('th', { scope: 'row' }, row.module ?? t('admin.no_module')), el('td', { class: 'number' }, el('strong', null, shown(row.total))), columns.map((column) => cell(row.by.get(column)))))),
      el('tfoot', null, rest.length > 0 && el('tr', null, el('th', { scope: 'row' }, t('admin.more_modules', { n: rest.length })), el('td', { class: 'number' }, shown(rest.reduce((sum, row) => sum + row.total, 0))), columns.map(() => el('td'))), el('tr', null, el('th', { scope: 'row' }, t('admin.all_together')), el('td', { class: 'number' }, el('strong', null, shown(rows.reduce((sum, row) => sum + row.total, 0)))), columns.map((column) => el('td', { class: 'number' }, shown(sums.get(column) ?? 0))))),
    ),
  );
}
