/**
 * Cells of the journal that tell several fields at once, and what can be done with the value of any cell: only this, not this,
 * whatever has one, copy, its page.
 */

import { moduleTitle, withCatalogue } from '../catalog.js';
import { el, icon } from '../dom.js';
import { actorOf, levelOf, objectOf, outcomeBadge, typeName } from '../event.js';
import { clock, time } from '../format.js';
import { t } from '../i18n.js';
import { Exact, stringify } from '../json.js';
import { copy } from '../parts/copy.js';
import { sentence } from '../sentence.js';
import * as url from '../url.js';
import { visible } from '../visible.js';
import { label, shownValue } from './fields.js';
import { changes, quoted } from './query.js';

/** @typedef {Record<string, any>} Row */
/** @typedef {import('../parts/menu.js').Item} Item */

/**
 * @typedef {object} Made
 * @property {() => string} title
 * @property {() => string} [hint]
 * @property {number} width
 * @property {boolean} [grows]
 * @property {boolean} [firm]
 * @property {boolean} [sorts]
 * @property {string[]} fields of the API that it tells
 * @property {(row: Row) => import('../dom.js').Children} cell
 * @property {(row: Row) => string} text
 */

/** @type {Record<string, Made>} */
export const MADE = {
  event_time: { title: () => label('event_time'), width: 206, firm: true, sorts: true, fields: ['event_time'], cell: (row) => timeCell(row), text: (row) => time(row.event_time) },
  module: { title: () => label('module'), width: 160, sorts: true, fields: ['source', 'module'], cell: moduleCell, text: (row) => [row.source, row.module].filter(Boolean).join(' · ') },
  sentence: {
    title: () => t('journal.columns.sentence'), hint: () => t('journal.columns.sentence_hint'), width: 240, grows: true,
    fields: ['event_type', 'action', 'message'], cell: (row) => el('span', { class: 'sentence' }, sentence(row, { links: false })), text: sentenceText,
  },
  object: {
    title: () => label('object'), width: 132, fields: ['object_type', 'object_id', 'object_name'],
    cell: objectCell, text: (row) => (row.object_type || row.object_id ? [row.object_type, row.object_id].filter(Boolean).join(':') : ''),
  },
  actor: { title: () => label('actor'), width: 120, sorts: true, fields: ['actor_type', 'actor_id', 'actor_name', 'actor_email'], cell: actorCell, text: (row) => actorOf(row)?.label ?? '' },
  outcome: { title: () => label('outcome'), get width() { return outcomeWidth(); }, firm: true, sorts: true, fields: ['outcome', 'status', 'severity_number'], cell: (row) => outcomeBadge(row), text: (row) => [row.outcome, row.status].filter(Boolean).join(' ') },
  level: { title: () => label('level'), width: 124, firm: true, fields: ['severity_number', 'severity_text'], cell: levelCell, text: (row) => levelOf(row) ?? row.severity_text ?? '' },
};

/** Room for the longest word of the reader's language beside its sign. */
function outcomeWidth() {
  const words = ['success', 'failure', 'unknown'].map((word) => t(`core.outcome_${word}`).length);
  return Math.round(64 + 7.2 * Math.max(...words));
}

/** One column for little room: how it ended and when, what happened, where. @type {import('../parts/grid.js').Column} */
export const NARROW = {
  id: 'sentence',
  title: '',
  width: 280,
  grows: true,
  text: sentenceText,
  cell: (row) => [
    el('div', { class: 'row between narrow-line' }, el('span', { class: 'muted small cut' }, timeCell(row), ' · ', moduleCell(row)), outcomeBadge(row)),
    el('div', { class: 'sentence narrow-sentence' }, sentence(row, { links: false })),
  ],
};

/** Day and time, the day quieter: within one list it is mostly the same. @param {Row} row */
function timeCell(row) {
  const [, day = '', at = '', finer = ''] = /^(\S+) (\S+?)((?<=\.\d{3})\d*)$/.exec(time(row.event_time)) ?? ['', ...time(row.event_time).split(' ')];
  return el('time', { datetime: row.event_time, class: 'cell-time' }, el('span', { class: 'muted' }, day), ' ', at, finer && el('span', { class: 'muted finer' }, finer));
}

/** @param {Row} row */
function moduleCell(row) {
  const name = visible(String(row.module ?? row.dataset ?? ''));
  const node = el('span', { title: `${row.source} · ${name}` }, name);
  withCatalogue(row.source, (of) => {
    node.textContent = (row.module && moduleTitle(of, row.module)) || name;
  });
  return node;
}

/** @param {Row} row */
function objectCell(row) {
  const object = objectOf(row);
  if (!object) return null;
  const type = object.type ? typeName(object.type) : '';
  const id = visible(object.id ?? '');
  return [object.href ? el('a', { class: 'cell-link', href: object.href, title: `${object.type}:${object.id}` }, el('bdi', null, id)) : id, type && el('span', { class: 'muted' }, ' ', type)];
}

/** @param {Row} row */
function actorCell(row) {
  const actor = actorOf(row);
  if (!actor) return null;
  const text = el('bdi', null, visible(actor.label));
  return actor.href ? el('a', { class: 'cell-link', href: actor.href }, text) : text;
}

const SHAPES = /** @type {const} */ ({ trace: 'more', debug: 'more', info: 'info', warn: 'warning', error: 'close', fatal: 'stop' });
const TONES = { trace: '', debug: '', info: '', warn: 'warn', error: 'bad', fatal: 'bad' };

/** @param {Row} row */
function levelCell(row) {
  const level = levelOf(row);
  if (!level) return row.severity_text ?? null;
  return el('span', { class: ['badge', TONES[level]], title: row.severity_text ?? undefined }, icon(SHAPES[level]), t(`level.${level}`));
}

/** @param {Row} row */
function sentenceText(row) {
  return el('span', null, sentence(row, { links: false })).textContent ?? '';
}

/**
 * Field and value that a cell filters by.
 * @param {Row} row
 * @param {string} id of the column
 * @param {(row: Row) => string} text
 * @returns {{field: string, value: string} | null}
 */
export function filterOf(row, id, text) {
  const of = (/** @type {string} */ field, /** @type {unknown} */ value = row[field]) => (value == null || value === '' ? null : { field, value: String(value) });
  switch (id) {
    case 'sentence': return of('event_type');
    case 'object': return row.object_id ? { field: 'object', value: `${row.object_type ?? ''}:${row.object_id}` } : of('object_type');
    case 'actor': return of('actor_id') ?? of('actor_email') ?? of('actor_name') ?? of('visitor_id');
    case 'outcome': return of('outcome') ?? of('status');
    case 'level': return of('level', levelOf(row));
    default: return id.includes('.') ? of(id, text(row)) : typeof row[id] === 'object' && !(row[id] instanceof Exact) ? null : of(id);
  }
}

/**
 * What can be done with a cell.
 * @param {Row} row
 * @param {import('../parts/grid.js').Column} column
 * @param {import('./query.js').Query} query
 * @returns {(Item | 'line')[]}
 */
export function cellMenu(row, column, query) {
  const found = filterOf(row, column.id, column.text);
  const object = objectOf(row);
  const actor = actorOf(row);
  const text = column.text(row);
  const isTime = column.id === 'event_time' || column.id === 'observed_time';
  const filters = isTime ? timeItems(row, query) : found ? valueItems(found, query) : missingItems(column, query);
  return [
    ...filters,
    ...(filters.length > 0 ? [/** @type {const} */ ('line')] : []),
    ...(text === '' ? [] : [{ label: t('journal.columns.copy_value'), icon: /** @type {const} */ ('copy'), run: () => void copy(text) }]),
    { label: t('journal.columns.copy_row'), icon: 'copy', run: () => void copy(stringify(row)) },
    ...(object?.href ? [/** @type {const} */ ('line'), { label: t('journal.columns.open_object'), icon: /** @type {const} */ ('right'), href: object.href }] : []),
    ...(actor?.href ? [{ label: t('journal.columns.open_actor'), icon: /** @type {const} */ ('user'), href: actor.href }] : []),
  ];
}

/**
 * @param {{field: string, value: string}} found
 * @param {import('./query.js').Query} query
 * @returns {(Item | 'line')[]}
 */
function valueItems({ field, value }, query) {
  const isWord = field === 'object' || field === 'level';
  const shown = shownValue(field, value);
  const args = { field: label(field), value: shown.length > 40 ? `${shown.slice(0, 40)}…` : shown };
  return [
    { label: t('journal.columns.only', args), icon: 'filter', run: () => url.change(changes.only(query, field, value)) },
    { label: t('journal.columns.not', args), icon: 'minus', run: () => url.change(changes.add(query, field, '!=', value)) },
    ...(isWord || field.includes('.') ? [] : [{ label: t('journal.columns.exists', args), icon: /** @type {const} */ ('check'), run: () => url.change(changes.add(query, 'has', '=', field)) }]),
    { label: t('journal.columns.search', args), icon: 'search', run: () => url.change({ q: [query.q, quoted(value)].filter(Boolean).join(' '), cursor: null }) },
  ];
}

/**
 * A cell without a value: those that have none either.
 * @param {import('../parts/grid.js').Column} column
 * @param {import('./query.js').Query} query
 * @returns {Item[]}
 */
function missingItems(column, query) {
  const field = MADE[column.id]?.fields.at(-1) ?? column.id;
  if (field.includes('.') || column.text === sentenceText) return [];
  const only = { object: 'object_id', actor: 'actor_id', outcome: 'outcome', level: 'severity_number' }[column.id] ?? field;
  return [{ label: t('journal.columns.missing', { field: column.title }), icon: 'filter', run: () => url.change(changes.add(query, 'has', '!=', only)) }];
}

/**
 * @param {Row} row
 * @param {import('./query.js').Query} query
 * @returns {Item[]}
 */
function timeItems(row, query) {
  const at = new Date(row.event_time).getTime();
  const around = { from: new Date(at - 300_000).toISOString(), to: new Date(at + 300_000).toISOString() };
  return [
    { label: t('journal.columns.around', { time: clock(at) }), icon: 'clock', run: () => url.change(changes.period(query, around)) },
    { label: t('journal.columns.since'), icon: 'up', run: () => url.change(changes.period(query, { ...query.period, period: undefined, from: new Date(at).toISOString() })) },
    { label: t('journal.columns.until'), icon: 'down', run: () => url.change(changes.period(query, { ...query.period, period: undefined, to: new Date(at + 1).toISOString() })) },
  ];
}
