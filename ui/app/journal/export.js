/** Exporting what the screen shows: says how many rows, of when, of what, before it begins; then it is a job. */

import './later.js';
import { get, post } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { number, zone } from '../format.js';
import { t } from '../i18n.js';
import { openDialog } from '../parts/dialog.js';
import { boundsLabel, periodLabel } from '../parts/period-label.js';
import { loader, skeleton, why } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import * as url from '../url.js';
import { filterText } from './chips.js';
import { fieldList, label } from './fields.js';
import { toApi, toFilter } from './query.js';

/** @typedef {import('./query.js').Query} Query */
/** @typedef {{from: string | null, to: string | null}} Range */

const FORMATS = ['csv-safe', 'csv', 'ndjson', 'parquet', 'arrow', 'bodies', 'bundle'];
/** Formats that hold whole events, whatever the columns of the table are. */
const WHOLE = new Set(['bodies', 'bundle']);

/**
 * @param {Query} query
 * @param {string[]} columns of the table
 */
export function openExport(query, columns) {
  openDialog(t('journal.export.title'), (dialog) => {
    const region = el('div', { class: 'stack' }, skeleton(7));
    void loader(region).run(async (signal) => {
      const [answer, fields] = await Promise.all([get('/events', toApi(query, { limit: 1, fields: 'event_id', total: 'exact' }), signal), fieldList()]);
      const known = new Set(fields.map((field) => field.name));
      fill(region, form(query, columns.filter((column) => known.has(column)), answer, dialog.close));
    });
    return region;
  });
}

/**
 * @param {Query} query
 * @param {string[]} columns
 * @param {{total: {value: number}, period: Range}} answer
 * @param {() => void} close
 */
function form(query, columns, { total, period }, close) {
  const format = el('select', { 'data-test': 'export-format' }, FORMATS.map((one) => el('option', { value: one }, t(`journal.export.${one.replace('-', '_')}`))));
  const detail = el('p', { class: 'muted small' });
  const all = el('input', { type: 'radio', name: 'export-columns', 'data-test': 'export-all' });
  const shown = el('input', { type: 'radio', name: 'export-columns', checked: columns.length > 0, disabled: columns.length === 0, 'data-test': 'export-shown' });
  all.checked = columns.length === 0;
  const choice = el('fieldset', null, el('legend', null, t('journal.export.columns')), el('label', { class: 'check' }, shown, el('span', { class: 'break' }, `${t('journal.export.shown')} `, el('span', { class: 'muted' }, columns.map(label).join(', ')))), el('label', { class: 'check' }, all, t('journal.export.all')));
  const wrong = el('p', { class: 'field-error', role: 'alert' });
  const button = el('button', { class: 'primary', disabled: total.value === 0, 'data-test': 'export-start' }, icon('download'), t('journal.export.start', { n: total.value }));
  const tell = () => {
    fill(detail, t(`journal.export.${format.value.replace('-', '_')}_detail`));
    choice.hidden = WHOLE.has(format.value);
  };
  format.addEventListener('change', tell);
  tell();
  const start = async (/** @type {Event} */ event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const made = await post('/exports', { filter: fixed(query, period), order: order(), format: format.value, ...(shown.checked && !choice.hidden && { columns: [...columns] }) });
      close();
      toast(t('journal.export.started'), 'success');
      url.go(url.link('/jobs', { tab: 'exports', export: made.id }));
    } catch (error) {
      fill(wrong, icon('warning'), ` ${why(error)}`);
      button.disabled = false;
    }
  };
  return el(
    'form',
    { class: 'stack', 'data-test': 'export-form', on: { submit: start } },
    facts(query, period, total.value),
    el('label', null, t('journal.export.format'), format),
    detail,
    choice,
    el('p', { class: 'muted small' }, t('journal.export.recorded')),
    wrong,
    el('footer', { class: 'dialog-foot' }, el('button', { type: 'button', on: { click: close } }, t('core.cancel')), button),
  );
}

/**
 * What is going to be in it.
 * @param {Query} query
 * @param {Range} period
 * @param {number} rows
 */
function facts(query, period, rows) {
  const second = (/** @type {string | null} */ text) => (text ? Math.floor(Date.parse(text) / 1000) * 1000 : null);
  const bounds = { from: second(period.from), to: second(period.to) };
  const name = periodLabel(query.period, bounds);
  const range = boundsLabel(bounds);
  const filters = [...query.filters.filter((one) => !one.off).map(filterText), ...query.groups, query.q && `${t('field.q')}: ${query.q}`].filter(Boolean);
  const sorted = url.here().params.get('sort');
  return el(
    'dl',
    { class: 'facts' },
    el('dt', null, t('journal.export.rows')),
    el('dd', { 'data-test': 'export-rows' }, el('strong', null, number(rows))),
    el('dt', null, t('time.period')),
    el('dd', null, name === range ? range : `${name}: ${range}`, el('span', { class: 'muted' }, ` · ${zone()}`)),
    el('dt', null, t('journal.export.filters')),
    el('dd', null, filters.length === 0 ? t('journal.export.no_filters') : el('ul', { class: 'plain-list' }, filters.map((one) => el('li', null, one)))),
    el('dt', null, t('journal.export.order')),
    el('dd', null, t(order() === 'event_time' ? 'journal.export.oldest' : 'journal.export.newest'), sorted && !/^-?event_time$/.test(sorted) && el('span', { class: 'muted' }, ` · ${t('journal.export.order_detail')}`)),
  );
}

/** Files are in the order of time; which end first is the table's. */
const order = () => (url.here().params.get('sort') === 'event_time' ? 'event_time' : '-event_time');

/**
 * The filter with the bounds that were counted: a moving period must not move between the dialog and the file.
 * @param {Query} query
 * @param {Range} period
 */
const fixed = (query, { from, to }) => ({ ...toFilter(query, { period: false }), ...(from && { from }), ...(to && { to }) });
