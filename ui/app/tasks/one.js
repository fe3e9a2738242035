/** One task: where it stands, who began it, what it came to, all its reports, and the events that belong to it. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { objectHref, placeParams } from '../event.js';
import { ago, bytes, instant, number, time } from '../format.js';
import { t } from '../i18n.js';
import { stringify } from '../json.js';
import { copyButton } from '../parts/copy.js';
import { dropJunk, isInstant, redraw } from '../parts/focus.js';
import { facts, longText, progressBar, stateBadge, table, words } from '../parts/plain.js';
import { poll } from '../parts/poll.js';
import { failure, loader, skeleton } from '../parts/states.js';
import { segments } from '../routes.js';
import * as url from '../url.js';
import { visible } from '../visible.js';
import { showMoment, stateWord, took } from './list.js';
import { moves, share, starter } from './model.js';

/** @typedef {import('./model.js').Task} Task */

/**
 * @param {HTMLElement} outlet
 * @param {import('../url.js').Place} place
 * @returns {import('../routes.js').View}
 */
export function startOne(outlet, place) {
  const state = { asked: /** @type {string | null} */ (null), shown: '', moves: false };
  const { moment, region, title, back } = frame(outlet);
  const load = loader(region);
  const ask = async (/** @type {AbortSignal} */ signal) => {
    const answer = await question(signal);
    const text = JSON.stringify(answer);
    state.moves = moves(answer.task);
    if (text === state.shown && !region.querySelector('.failed')) return;
    state.shown = text;
    const name = words(answer.task.task_type) || t('tasks.task');
    document.title = `${name} · ${t('nav.tasks')} · Kronika`;
    fill(title, name);
    redraw(region, () => fill(region, detail(answer)));
  };
  const watch = poll(async (signal) => {
    if (!state.moves || url.here().params.get('as_of')) return false;
    await ask(signal);
    return state.moves;
  });
  function update(/** @type {import('../url.js').Place} */ { path, params }) {
    if (dropJunk(params, { as_of: isInstant })) return;
    showMoment(moment, params.get('as_of'));
    back.href = url.link('/tasks');
    const asked = JSON.stringify([path, ...['project', 'source', 'tenant_id', 'as_of', 'tz'].map((name) => params.get(name))]);
    if (asked === state.asked) return;
    state.asked = asked;
    state.shown = '';
    void load.run(async (signal) => {
      await ask(signal).catch((error) => several(region, error));
      if (state.moves) watch.soon();
    });
  }
  update(place);
  return { update, stop: () => (watch.stop(), load.stop()) };
}

/** @param {HTMLElement} outlet */
function frame(outlet) {
  const moment = el('div', { class: 'as-of', role: 'status', hidden: true });
  const region = el('section', { 'data-test': 'task-detail' }, skeleton(8));
  const title = el('h1', null, t('tasks.task'));
  const back = el('a', { class: 'small', href: url.link('/tasks') }, t('tasks.all'));
  fill(outlet, el('div', { class: 'page tasks' }, el('header', { class: 'page-head' }, el('div', { class: 'stack tight grow' }, back, title)), moment, region));
  return { moment, region, title, back };
}

/**
 * The task that the address names.
 * @param {AbortSignal} signal
 */
function question(signal) {
  const { path, params } = url.here();
  const place = { source: params.get('source'), tenant_id: params.get('tenant_id'), as_of: params.get('as_of') };
  return api.get(`/tasks/${encodeURIComponent(segments(path)[0] ?? '')}`, place, signal);
}

/**
 * Lets the reader choose where several sources have a task of this id.
 * @param {HTMLElement} region
 * @param {unknown} error
 */
function several(region, error) {
  if (!(error instanceof api.Problem) || !Array.isArray(error.body.candidates)) throw error;
  fill(region, failure(error), el('ul', null, error.body.candidates.map(candidate)));
}

/** @param {{source?: string, tenant_id?: string}} of one of several tasks with this id */
function candidate(of) {
  return el('li', null, el('a', { href: url.link(url.here().path, { source: of.source, tenant_id: of.tenant_id }) }, [of.source, of.tenant_id].filter(Boolean).join(' · ')));
}

/** @param {{task: Task, timeline: Record<string, any>[], more: boolean, related: Record<string, any>[], more_related: boolean}} answer */
function detail({ task, timeline, more, related, more_related }) {
  return el(
    'div',
    { class: 'stack' },
    el('div', { class: 'panel stack' }, head(task), what(task)),
    task.task_result != null && el('div', { class: 'panel' }, el('div', { class: 'section-head' }, el('h2', null, t('tasks.result')), copyButton(() => stringify(task.task_result))), result(task.task_result)),
    el('section', { class: 'panel' }, el('h2', null, t('tasks.reports')), timeline.length > 0 ? reports(timeline) : el('p', { class: 'muted' }, t('tasks.no_reports')), more && el('p', { class: 'muted small' }, t('tasks.not_all', { n: timeline.length }))),
    related.length > 0 && el('section', { class: 'panel' }, el('h2', null, t('tasks.related')), events(related), more_related && el('p', { class: 'muted small' }, t('tasks.not_all', { n: related.length }))),
  );
}

/** @param {Task} task */
function head(task) {
  return el(
    'div',
    { class: 'row wrap' },
    stateBadge(task.task_status ?? '', stateWord(task)),
    task.status && task.status !== task.task_status && el('span', { class: 'muted' }, task.status),
    el('div', { class: 'grow task-wide' }, (task.task_progress != null || moves(task)) && progressBar(share(task), t('tasks.progress'))),
    task.task_done_count != null && el('span', null, t('tasks.done_count', { count: number(task.task_done_count) })),
    task.task_failed_count != null && el('span', { class: Number(task.task_failed_count) > 0 ? 'task-error' : 'muted' }, t('tasks.failed_count', { count: number(task.task_failed_count) })),
  );
}

/** @param {Task} task */
function what(task) {
  const by = task.started_by ?? {};
  const person = starter(task);
  const object = task.object_type && task.object_id ? objectHref(task.object_type, task.object_id, task) : null;
  return facts(
    [t('tasks.id'), el('div', { class: 'row' }, el('code', { class: 'break' }, task.task_id), copyButton(task.task_id))],
    [t('tasks.source'), [task.source, task.tenant_id, task.dataset, task.module].filter(Boolean).join(' · ')],
    [t('tasks.message'), task.message && longText(task.message, 600)],
    [t('tasks.error'), (task.error_code || task.error_message) && el('span', { class: 'task-error break' }, task.error_code && el('code', null, visible(task.error_code)), ' ', task.error_message && visible(task.error_message))],
    [t('tasks.by'), person && [by.actor_id ? el('a', { href: url.link(`/actors/${encodeURIComponent(by.actor_id)}`) }, person) : person, by.known_by && el('span', { class: 'muted' }, ` · ${t(`tasks.known_${by.known_by}`)}`), by.event_id && [' · ', eventLink(by.event_id, task, t('tasks.begun_by_event'))]]],
    [t('tasks.object'), object && el('a', { href: object }, task.object_name ?? `${task.object_type} ${task.object_id}`)],
    [t('tasks.started'), moment(task.started_at)],
    [t('tasks.updated'), moment(task.updated_at)],
    [t('tasks.took'), took(task)],
    [t('tasks.files'), (task.attachments ?? []).map(file)],
  );
}

/** @param {string | null} at */
function moment(at) {
  return at && [el('time', { datetime: at }, time(at)), el('span', { class: 'muted' }, ` · ${ago(at)}`)];
}

/**
 * @param {string} id
 * @param {Record<string, any>} of source and tenant of the event
 * @param {string} text
 */
function eventLink(id, of, text) {
  return el('a', { class: 'break', href: url.link(`/events/${encodeURIComponent(id)}`, placeParams(of)) }, text);
}

/** @param {Record<string, any>} one */
function file(one) {
  const fetched = one.sha256 && String(one.ref ?? '').startsWith('blob:');
  const name = `${one.name ?? one.ref ?? one.role ?? ''}`;
  return el('div', null, fetched ? el('a', { href: api.href(`/attachments/${one.sha256}`), download: name }, icon('download'), ` ${name}`) : name, el('span', { class: 'muted small' }, ` ${bytes(one.size)}`));
}

/** @param {unknown} value */
function result(value) {
  if (value && typeof value === 'object' && !Array.isArray(value) && Object.values(value).every((one) => one === null || typeof one !== 'object' || 'source' in one)) {
    return facts(...Object.entries(value).map(([name, one]) => /** @type {[string, string]} */ ([words(name), typeof one === 'number' ? number(one) : String(one)])));
  }
  return el('pre', { class: 'code', tabIndex: 0 }, typeof value === 'string' ? value : stringify(value));
}

/** @param {Record<string, any>[]} timeline */
function reports(timeline) {
  const asOf = (/** @type {string} */ at) => el('button', { class: 'link', title: t('tasks.as_of_this'), on: { click: () => url.change({ as_of: at }) } }, time(at));
  return table(
    t('tasks.reports'),
    [
      { title: t('tasks.time'), class: 'nowrap', cell: (one) => asOf(one.event_time) },
      { title: t('tasks.state'), cell: (one) => one.task_status && stateBadge(one.task_status, stateWord(/** @type {Task} */ (one))) },
      { title: t('tasks.progress'), class: 'task-progress', cell: (one) => one.task_progress != null && progressBar(Number(one.task_progress) / 100, t('tasks.progress')) },
      { title: t('tasks.done'), number: true, cell: (one) => number(one.task_done_count) },
      { title: t('tasks.failed'), number: true, cell: (one) => number(one.task_failed_count) },
      { title: t('tasks.message'), cell: (one) => eventLink(one.event_id, one, visible(one.message ?? one.error_message ?? one.event_type ?? one.event_id).slice(0, 400)) },
    ],
    timeline,
    (one) => ({ 'data-test': 'task-report', class: later(one.event_time) ? 'task-later' : '' }),
  );
}

/**
 * Whether a report came after the moment that is shown.
 * @param {string} at
 */
function later(at) {
  const asOf = url.here().params.get('as_of');
  return asOf !== null && instant(at) > instant(asOf);
}

/** @param {Record<string, any>[]} related */
function events(related) {
  return table(
    t('tasks.related'),
    [
      { title: t('tasks.time'), class: 'nowrap', cell: (one) => time(one.event_time) },
      { title: t('tasks.event'), cell: (one) => eventLink(one.event_id, one, visible(one.message ?? one.event_type ?? one.event_id).slice(0, 400)) },
      { title: t('tasks.type'), cell: (one) => el('code', null, one.event_type ?? '') },
      { title: t('tasks.by'), cell: (one) => one.actor_name ?? one.actor_email ?? one.actor_id },
    ],
    related,
  );
}
