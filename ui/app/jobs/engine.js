/** What the engine does by itself or was told to: flush, compaction, vacuum, import, export, retention, erasure. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ago, bytes, duration, number, time } from '../format.js';
import { has, t } from '../i18n.js';
import { select, tick } from '../parts/form.js';
import { progressBar, stateBadge, table, words } from '../parts/plain.js';
import { empty } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import * as url from '../url.js';
import { attempt } from './exports.js';

/** @typedef {Record<string, any> & {id: string, kind: string, state: string}} Job as the API has it */

export const KINDS = ['flush', 'compaction', 'vacuum', 'import', 'export', 'retention', 'erase'];
const STATES = ['in_progress', 'done', 'failed', 'canceled'];

/**
 * The words of the API for what the address says.
 * @param {URLSearchParams} params
 */
export function question(params) {
  return { kind: params.get('kind'), state: params.get('state'), limit: '200' };
}

/**
 * The bar above the list.
 * @param {() => void} again
 */
export function jobsBar(again) {
  const { params } = url.here();
  const choose = (/** @type {string} */ name) => (/** @type {Event} */ event) => url.change({ [name]: /** @type {HTMLSelectElement} */ (event.target).value });
  const everywhere = tick(t('jobs.all_projects'), { checked: params.get('all') === '1', test: 'jobs-all' });
  everywhere.input.addEventListener('change', () => url.change({ all: everywhere.input.checked ? '1' : null }));
  const kinds = /** @type {[string, string][]} */ (KINDS.map((kind) => [kind, t(`jobs.kind_${kind}`)]));
  const states = /** @type {[string, string][]} */ (STATES.map((state) => [state, t(`state.${state}`)]));
  return el(
    'div',
    { class: 'row wrap task-bar', role: 'search', 'aria-label': t('jobs.filters') },
    el('label', { class: 'inline' }, t('jobs.kind'), select([['', t('tasks.any')], ...kinds], params.get('kind') ?? '', { 'data-test': 'jobs-kind', on: { change: choose('kind') } })),
    el('label', { class: 'inline' }, t('jobs.state'), select([['', t('tasks.any')], ...states], params.get('state') ?? '', { 'data-test': 'jobs-state', on: { change: choose('state') } })),
    everywhere.element,
    el('span', { class: 'grow' }),
    el('button', { 'data-test': 'jobs-flush', title: t('jobs.flush_what'), on: { click: () => void order('flush', again) } }, t('jobs.flush')),
    el('button', { 'data-test': 'jobs-compact', title: t('jobs.compact_what'), on: { click: () => void order('compact', again) } }, t('jobs.compact')),
  );
}

/**
 * @param {'flush' | 'compact'} what
 * @param {() => void} again
 */
async function order(what, again) {
  await attempt(async () => {
    const done = await api.post(`/admin/${what}`);
    const rows = done.reduce((/** @type {number} */ sum, /** @type {{rows: number}} */ one) => sum + Number(one.rows), 0);
    toast(t(`jobs.${what}_done`, { n: rows, rows: t('core.events', { n: rows }) }), 'success');
  }, again);
}

/**
 * @param {HTMLElement} region
 * @param {Job[]} jobs
 * @param {() => void} again
 */
export function drawJobs(region, jobs, again) {
  if (jobs.length === 0) {
    const { params } = url.here();
    const clear = el('button', { on: { click: () => url.change({ kind: null, state: null }) } }, t('tasks.clear'));
    return fill(region, params.get('kind') || params.get('state') ? empty(t('jobs.none_fit'), null, clear) : empty(t('jobs.none'), t('jobs.none_why')));
  }
  return fill(region, table(t('jobs.engine'), columns(again), jobs, (job) => ({ 'data-test': 'job', data: { id: job.id, state: job.state } })));
}

/**
 * @param {() => void} again
 * @returns {import('../parts/plain.js').Column<Job>[]}
 */
function columns(again) {
  const everywhere = url.here().params.get('all') === '1';
  const project = /** @type {import('../parts/plain.js').Column<Job>} */ ({ title: t('core.project'), cell: (job) => job.project });
  return [
    { title: t('jobs.state'), cell: (job) => stateBadge(job.state, t(`state.${job.state}`)) },
    { title: t('jobs.kind'), cell: (job) => t(`jobs.kind_${job.kind}`) },
    ...(everywhere ? [project] : []),
    { title: t('jobs.what'), class: 'job-what', cell: (job) => [el('span', { class: 'break' }, job.subject), job.error && el('div', { class: 'small job-error break' }, job.error)] },
    { title: t('jobs.progress'), class: 'job-progress', cell: progress },
    { title: t('jobs.result'), cell: (job) => result(job.result) },
    { title: t('jobs.started'), class: 'nowrap', cell: (job) => el('time', { datetime: job.started, title: time(job.started) }, ago(job.started)) },
    { title: t('jobs.duration'), number: true, cell: (job) => duration((Date.parse(job.ended ?? new Date().toISOString()) - Date.parse(job.started)) * 1e6) },
    { title: t('jobs.actions'), quiet: true, cell: (job) => job.state === 'in_progress' && el('div', { class: 'actions' }, el('button', { 'data-test': 'job-cancel', 'aria-label': t('jobs.cancel_of', { name: job.subject }), on: { click: () => void attempt(() => api.post(`/jobs/${job.id}/cancel`), again) } }, icon('stop'), t('core.cancel'))) },
  ];
}

/** @param {Job} job */
function progress(job) {
  if (job.state !== 'in_progress') return null;
  const share = job.total ? Number(job.done) / Number(job.total) : null;
  const amount = job.kind === 'import' ? [bytes(job.done), job.total && bytes(job.total)] : [number(job.done), job.total && number(job.total)];
  return [progressBar(share, t('jobs.progress_of', { name: job.subject })), el('div', { class: 'small muted' }, amount.filter(Boolean).join(' / '))];
}

/**
 * What a job came to, in a line; sizes as sizes.
 * @param {Record<string, any> | null} of
 */
function result(of) {
  if (!of) return null;
  const value = (/** @type {string} */ name, /** @type {any} */ one) => (name.startsWith('bytes') ? bytes(one) : typeof one === 'object' ? JSON.stringify(one) : number(one));
  const label = (/** @type {string} */ name) => (has(`jobs.result_${name}`) ? t(`jobs.result_${name}`) : words(name));
  return el('span', { class: 'small' }, Object.entries(of).filter(([, one]) => one !== 0 && one !== null).map(([name, one], at) => [at > 0 && ' · ', el('span', { class: 'muted' }, `${label(name)} `), value(name, one)]).flat());
}
