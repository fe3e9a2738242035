/** Whether the server is well: every check with its figures, the figures that matter, versions and limits. Asked again every ten seconds. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ago, bytes, duration, number, percent, time } from '../format.js';
import { has, t } from '../i18n.js';
import { redraw } from '../parts/focus.js';
import { facts, figure, table, words } from '../parts/plain.js';
import { poll } from '../parts/poll.js';
import { loader, skeleton } from '../parts/states.js';
import * as url from '../url.js';
import { quantile, samples, sum } from './figures.js';

/** @typedef {{name: string, problem?: string | null, figures: Record<string, any>}} Check */

/**
 * What lies beside the API: `/readyz`, `/metrics`.
 * @param {string} path
 * @param {AbortSignal} signal
 */
async function beside(path, signal) {
  const answer = await fetch(path, { signal, cache: 'no-store', headers: { Accept: '*/*' } }).catch((error) => {
    if (signal.aborted) throw error;
    throw new api.Away(String(error));
  });
  const text = await answer.text();
  // A server that is not ready says so with 503 and the same document.
  if (answer.ok || (answer.status === 503 && text.startsWith('{'))) return text;
  let body = { title: answer.statusText };
  if (text.startsWith('{')) body = JSON.parse(text);
  throw new api.Problem(answer.status, body);
}

/**
 * @param {HTMLElement} box
 * @returns {import('../routes.js').View}
 */
export function start(box) {
  const region = el('section', { class: 'stack', 'data-test': 'health' }, skeleton(8));
  box.append(region);
  const load = loader(region);
  const ask = async (/** @type {AbortSignal} */ signal) => {
    const [ready, metrics, info] = await Promise.all([beside('/readyz?verbose=1', signal), beside('/metrics', signal), api.ask('GET', '/info', { signal, project: '' })]);
    redraw(region, () => draw(region, JSON.parse(ready), samples(metrics), info));
    return true;
  };
  void load.run(async (signal) => void (await ask(signal)));
  const watch = poll(ask, { quick: 10_000 });
  return { update() {}, stop: () => (watch.stop(), load.stop()) };
}

/**
 * @param {HTMLElement} region
 * @param {{ready: boolean, checks: Check[]}} readiness
 * @param {import('./figures.js').Sample[]} all
 * @param {Record<string, any>} info
 */
function draw(region, readiness, all, info) {
  const damaged = all.filter((one) => one.name === 'kronika_damaged_files' && one.value > 0);
  fill(
    region,
    el('p', { class: 'row', role: 'status', 'data-test': 'readiness' }, readiness.ready ? el('span', { class: 'badge good' }, icon('check'), t('admin.ready')) : el('span', { class: 'badge bad' }, icon('warning'), t('admin.not_ready')), el('span', { class: 'muted' }, t(readiness.ready ? 'admin.ready_what' : 'admin.not_ready_what'))),
    damaged.length > 0 && el('div', { class: 'panel wrong', role: 'alert' }, el('p', { class: 'row field-error' }, icon('warning'), t('admin.damaged', { n: damaged.reduce((total, one) => total + one.value, 0) })), el('p', null, damaged.map((one) => `${one.labels.project ?? ''}: ${one.value}`).join(', ')), el('p', { class: 'muted' }, t('admin.damaged_what'))),
    el('section', { class: 'panel stack' }, el('h2', null, t('admin.checks')), checks(readiness.checks)),
    el('section', { class: 'panel stack', 'data-test': 'figures' }, el('h2', null, t('admin.figures')), key(all)),
    el('section', { class: 'panel stack' }, el('h2', null, t('admin.versions')), versions(all, info)),
  );
}

/** @param {Check[]} all */
function checks(all) {
  return table(
    t('admin.checks'),
    [
      { title: t('admin.state'), cell: (one) => (one.problem ? el('span', { class: 'badge bad' }, icon('warning'), t('admin.check_bad')) : el('span', { class: 'badge good' }, icon('check'), t('admin.check_good'))) },
      { title: t('admin.check'), cell: (one) => [el('strong', null, has(`admin.check_${one.name}`) ? t(`admin.check_${one.name}`) : words(one.name)), one.problem && el('div', { class: 'field-error break' }, one.problem)] },
      { title: t('admin.check_figures'), cell: (one) => Object.entries(one.figures).map(([name, value]) => el('span', { class: 'check-figure' }, el('span', { class: 'muted' }, `${has(`admin.figure_${name}`) ? t(`admin.figure_${name}`) : words(name)} `), shown(name, value))) },
    ],
    all,
    (one) => ({ 'data-test': 'check', data: { name: one.name, well: String(!one.problem) } }),
  );
}

/**
 * @param {string} name
 * @param {any} value
 */
function shown(name, value) {
  if (name.endsWith('_bytes')) return bytes(value);
  if (name.endsWith('_seconds')) return Number(value) === 0 ? '0 s' : duration(Number(value) * 1e9);
  return typeof value === 'number' ? number(value) : String(value);
}

/** @param {import('./figures.js').Sample[]} all */
function key(all) {
  const took = (/** @type {string} */ name) => {
    const at = quantile(all, name, 0.95);
    return at === null ? '–' : Number.isFinite(at) ? `≤ ${duration(at * 1e9)}` : t('admin.longer');
  };
  const one = (/** @type {string} */ label, /** @type {string | number | null} */ value) => figure(t(`admin.${label}`), value ?? '–');
  const memory = sum(all, 'kronika_process_resident_memory_bytes');
  const fds = sum(all, 'kronika_process_open_fds');
  return el(
    'div',
    { class: 'figures' },
    one('f_events', sum(all, 'kronika_ingest_events_total')),
    one('f_rejected', sum(all, 'kronika_ingest_rejected_events_total')),
    one('f_hot', sum(all, 'kronika_hot_events')),
    one('f_log', percent(sum(all, 'kronika_wal_used_bytes') ?? 0, sum(all, 'kronika_wal_limit_bytes') ?? 0) || '–'),
    one('f_table', bytes(sum(all, 'kronika_table_bytes')) || '0 B'),
    one('f_queries', sum(all, 'kronika_queries_running')),
    one('f_waiting', sum(all, 'kronika_queries_waiting')),
    one('f_query_p95', took('kronika_query_run_seconds')),
    one('f_append_p95', took('kronika_wal_append_seconds')),
    one('f_listeners', sum(all, 'kronika_tail_listeners')),
    one('f_jobs', sum(all, 'kronika_jobs_running')),
    one('f_memory', bytes(memory)),
    one('f_fds', fds),
    one('f_disk', bytes(sum(all, 'kronika_disk_free_bytes'))),
  );
}

/**
 * @param {import('./figures.js').Sample[]} all
 * @param {Record<string, any>} info
 */
function versions(all, info) {
  const began = sum(all, 'kronika_process_start_time_seconds');
  const since = began === null ? null : new Date(began * 1000).toISOString();
  return facts(
    [t('admin.version'), [el('strong', null, info.version), info.commit && el('code', { class: 'small' }, ` ${info.commit}`)]],
    [t('admin.running_since'), since && `${time(since, { fraction: false })} · ${ago(since)}`],
    [t('admin.formats'), t('admin.formats_are', { api: info.formats.api, model: info.formats.event_model, data: info.formats.data_directory })],
    [t('admin.body_max'), `${bytes(info.limits.body_max_bytes)} · ${t('core.events', { n: Number(info.limits.events_max) })}`],
    [t('admin.query_max'), `${duration(Number(info.limits.query_timeout_seconds) * 1e9)} · ${t('core.rows', { n: Number(info.limits.rows_max) })}`],
    ['', el('a', { href: url.link('/jobs', { tab: 'engine', all: '1' }) }, t('admin.to_jobs'))],
  );
}
