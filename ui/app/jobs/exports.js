/** Exports of the project: how far each is, what it made, stopping, asking again, downloading. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ago, bytes, duration, number, time } from '../format.js';
import { t } from '../i18n.js';
import { copyButton } from '../parts/copy.js';
import { confirm } from '../parts/dialog.js';
import { progressBar, stateBadge, table } from '../parts/plain.js';
import { empty, why } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import { may, session } from '../session.js';
import * as url from '../url.js';

/** @typedef {Record<string, any> & {id: string, status: string}} Export as the API has it */

/**
 * Whether an export is on its way.
 * @param {Export} one
 */
export function runs(one) {
  return one.status === 'enqueued' || one.status === 'in_progress';
}

/**
 * How far an export is, 0 to 1; null where nobody can tell.
 * @param {Export} one
 */
function fraction(one) {
  return one.progress.fraction == null ? null : Number(one.progress.fraction);
}

/**
 * Nanoseconds until an export is made at the pace it had so far; null where nobody can tell.
 * @param {Export} one
 * @param {number} [now]
 */
export function remaining(one, now = Date.now()) {
  const share = fraction(one);
  if (one.status !== 'in_progress' || !share || share >= 1 || !one.started_at) return null;
  const spent = now - Date.parse(one.started_at);
  return spent > 1_000 ? (spent / share - spent) * 1e6 : null;
}

/** @type {Map<string, string>} */
const names = new Map();
let asked = false;

/** Names of keys by their ids, where this key may know them. */
export async function keyNames() {
  names.set(session().key.id, session().key.name);
  if (!may('admin') || asked) return names;
  try {
    for (const key of await api.ask('GET', '/keys', { project: '' })) names.set(key.id, key.name);
    asked = true;
  } catch (error) {
    // Ids stay ids.
    if (!(error instanceof api.Problem) && !(error instanceof api.Away)) throw error;
  }
  return names;
}

/**
 * @param {HTMLElement} region
 * @param {Export[]} all
 * @param {() => void} again asks for the list anew
 */
export function drawExports(region, all, again) {
  if (all.length === 0) {
    const journal = el('a', { class: 'button', href: url.link('/') }, icon('journal'), t('jobs.to_journal'));
    return fill(region, empty(t('jobs.no_exports'), t('jobs.no_exports_why'), journal));
  }
  return fill(region, table(t('jobs.exports'), columns(again), all, (one) => ({ 'data-test': 'export', data: { id: one.id, state: one.status } })));
}

/**
 * @param {() => void} again
 * @returns {import('../parts/plain.js').Column<Export>[]}
 */
function columns(again) {
  return [
    { title: t('jobs.state'), cell: (one) => stateBadge(one.status, t(`state.${one.status}`)) },
    { title: t('jobs.what'), class: 'job-what', cell: what },
    { title: t('jobs.progress'), class: 'job-progress', cell: progress },
    { title: t('jobs.rows'), number: true, cell: (one) => [number(one.progress.rows), one.progress.rows_total != null && one.progress.rows_total !== one.progress.rows && el('span', { class: 'muted' }, ` / ${number(one.progress.rows_total)}`)] },
    { title: t('jobs.bytes'), number: true, cell: (one) => bytes(one.file?.size ?? one.progress.bytes) },
    { title: t('jobs.by'), cell: (one) => [names.get(one.key) ?? el('code', null, one.key), el('div', { class: 'small muted nowrap' }, el('time', { datetime: one.created_at, title: time(one.created_at) }, ago(one.created_at)))] },
    { title: t('jobs.actions'), quiet: true, cell: (one) => actions(one, again) },
  ];
}

/** @param {Export} one */
function what(one) {
  const asked = one.sql ?? conditions(one.filter ?? {});
  return [
    el('div', null, el('strong', null, one.format), ' ', el('span', { class: 'muted' }, one.file?.name ?? '')),
    el('code', { class: 'job-asked', title: asked }, asked || t('jobs.everything')),
    one.error && el('div', { class: 'small job-error break' }, el('code', null, one.error.code), ' ', one.error.message),
    one.file && el('details', { class: 'small' }, el('summary', null, 'SHA-256'), el('div', { class: 'row' }, el('code', { class: 'break' }, one.file.sha256), copyButton(one.file.sha256, t('jobs.copy_sum')))),
  ];
}

/**
 * A filter in a line, in the words of the list.
 * @param {Record<string, unknown>} filter
 */
export function conditions(filter) {
  const value = (/** @type {unknown} */ one) => (one !== null && typeof one === 'object' && !('source' in one) ? JSON.stringify(one) : String(one));
  return Object.entries(filter).map(([name, one]) => `${name}=${Array.isArray(one) ? one.map(value).join('|') : value(one)}`).join(' ');
}

/** @param {Export} one */
function progress(one) {
  if (one.status === 'done') return el('div', { class: 'small muted' }, t('jobs.took', { time: duration((Date.parse(one.finished_at) - Date.parse(one.started_at)) * 1e6) }), one.expires_at && el('div', { title: time(one.expires_at) }, t('jobs.kept', { when: ago(one.expires_at) })));
  if (!runs(one)) return null;
  const left = remaining(one);
  return [progressBar(one.status === 'enqueued' ? 0 : fraction(one), t('jobs.progress_of', { name: one.id })), left != null && el('div', { class: 'small muted', 'data-test': 'export-eta' }, t('jobs.left', { time: duration(left) }))];
}

/**
 * @param {Export} one
 * @param {() => void} again
 */
function actions(one, again) {
  const name = one.file?.name ?? one.id;
  return el(
    'div',
    { class: 'actions' },
    one.file && el('a', { class: 'button', href: api.href(`/exports/${one.id}/file`), download: one.file.name, 'data-test': 'export-download', 'aria-label': t('jobs.download_of', { name }) }, icon('download'), t('core.download')),
    runs(one)
      ? el('button', { 'data-test': 'export-cancel', 'aria-label': t('jobs.cancel_of', { name }), on: { click: () => void stop(one, again) } }, icon('stop'), t('core.cancel'))
      : [
          one.status !== 'done' && el('button', { 'data-test': 'export-again', on: { click: () => void repeat(one, again) } }, icon('refresh'), t('jobs.ask_again')),
          el('button', { class: 'quiet square', 'data-test': 'export-remove', 'aria-label': t('jobs.remove_of', { name }), title: t('jobs.remove'), on: { click: () => void remove(one, again) } }, icon('trash')),
        ],
  );
}

/**
 * Does something, says what the server refused, and asks for the list anew.
 * @param {() => Promise<unknown>} work
 * @param {() => void} again
 */
export async function attempt(work, again) {
  try {
    await work();
  } catch (error) {
    toast(why(error), 'failure');
  }
  again();
}

/**
 * @param {Export} one
 * @param {() => void} again
 */
async function stop(one, again) {
  await attempt(() => api.del(`/exports/${one.id}`), again);
}

/**
 * @param {Export} one
 * @param {() => void} again
 */
async function remove(one, again) {
  const sure = one.status !== 'done' || (await confirm({ title: t('jobs.remove'), text: el('p', null, t('jobs.remove_sure', { name: one.file?.name ?? one.id })), action: t('core.delete'), danger: true }));
  if (sure) await attempt(() => api.del(`/exports/${one.id}`), again);
}

/**
 * The same question once more; relative periods are those of now.
 * @param {Export} one
 * @param {() => void} again
 */
async function repeat(one, again) {
  const body = one.sql ? { sql: one.sql, format: one.format } : { filter: one.filter, format: one.format, columns: one.columns, order: one.order };
  await attempt(() => api.post('/exports', body), again);
}
