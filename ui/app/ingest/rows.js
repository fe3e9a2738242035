/** What each line of a sample becomes: its columns, what stays under the sender's own names, and what differs from before. */

import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { longText } from '../parts/plain.js';
import { visible } from '../visible.js';

/**
 * @param {HTMLElement} box
 * @param {import('./trial.js').Row[]} rows
 * @param {boolean} compared with the mapping in force
 */
export function drawTrial(box, rows, compared) {
  const refused = rows.filter((row) => row.error).length;
  const differ = rows.reduce((sum, row) => sum + row.cells.filter((cell) => !cell.same).length, 0);
  const rest = new Set(rows.flatMap((row) => row.cells.filter((cell) => cell.rest && cell.value !== null).map((cell) => cell.column.slice('attributes.'.length))));
  fill(
    box,
    el(
      'div',
      { class: 'row wrap', 'data-test': 'trial-sums' },
      el('span', { class: 'badge good' }, icon('check'), t('ingest.trial_ok', { n: rows.length - refused })),
      refused > 0 && el('span', { class: 'badge bad' }, icon('close'), t('ingest.trial_refused', { n: refused })),
      rest.size > 0 && el('span', { class: 'badge warn' }, icon('info'), t('ingest.trial_rest', { n: rest.size })),
      compared && el('span', { class: 'badge note' }, icon('edit'), t('ingest.trial_differ', { n: differ })),
    ),
    rest.size > 0 && el('p', { class: 'small muted break' }, t('ingest.trial_rest_what'), ' ', [...rest].map((name, at) => [at > 0 && ', ', el('code', null, visible(name))]).flat()),
    rows.map(one),
  );
}

/** @param {import('./trial.js').Row} row */
function one(row) {
  return el(
    'article',
    { class: ['panel trial-row', row.error && 'wrong'], 'data-test': 'trial-row', 'aria-label': t('ingest.line_number', { line: row.line }) },
    el('div', { class: 'stack tight' }, el('h3', null, t('ingest.line_number', { line: row.line })), row.source !== null && longText(row.source, 400)),
    el(
      'div',
      { class: 'stack tight' },
      row.error && el('p', { class: 'field-error break' }, icon('warning'), ' ', el('code', null, row.error.code), ` ${visible(row.error.message)}`),
      row.cells.length > 0 && el('dl', { class: 'trial-cells' }, row.cells.map(cell).flat()),
    ),
  );
}

/** @param {import('./trial.js').Cell} of */
function cell({ column, value, before, same, rest }) {
  const now = value === null ? null : visible(value);
  const content = same ? [now] : [before !== null && el('del', null, visible(before)), before !== null && now !== null && ' ', now !== null && el('ins', null, now)];
  return [el('dt', { class: [rest && 'rest', !same && 'differs'], title: rest ? t('ingest.rest') : undefined }, !same && el('span', { 'aria-hidden': 'true' }, value === null ? '− ' : before === null ? '+ ' : '± '), visible(column)), el('dd', { class: rest ? 'muted' : '' }, content)];
}
