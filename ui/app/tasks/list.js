/** The list of tasks: one row each in its present state, filters, and the state of any moment. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ago, duration, number, time, zone } from '../format.js';
import { t } from '../i18n.js';
import { dropJunk, isInstant, isYes, oneOf, redraw } from '../parts/focus.js';
import { select, tick } from '../parts/form.js';
import { progressBar, stateBadge, table, words } from '../parts/plain.js';
import { timePicker } from '../parts/timepicker.js';
import { isBound, isPeriod } from '../period.js';
import { poll } from '../parts/poll.js';
import { empty, loader, skeleton } from '../parts/states.js';
import * as url from '../url.js';
import { visible } from '../visible.js';
import { STATES, fromLocal, keyOf, moves, share, starter, toLocal } from './model.js';

/** @typedef {import('./model.js').Task} Task */

/** Parameters of the address that the list follows. */
const ASKED = ['project', 'status', 'type', 'source', 'period', 'from', 'to', 'as_of', 'own', 'tz'];
const PAGE = 50;
const RULES = { status: oneOf(STATES), period: isPeriod, from: isBound, to: isBound, as_of: isInstant, own: isYes };
/** What narrows the list, all taken away at once. */
const NARROW = ['status', 'type', 'source', 'period', 'from', 'to', 'as_of'];

/**
 * The words of the API for what the address says.
 * @param {URLSearchParams} params
 */
export function question(params) {
  const asked = new URLSearchParams();
  for (const [ours, theirs] of [['status', 'task_status'], ['type', 'task_type'], ['source', 'source'], ['period', 'period'], ['from', 'from'], ['to', 'to'], ['as_of', 'as_of']]) {
    const value = params.get(ours ?? '');
    if (value && theirs) asked.set(theirs, value);
  }
  if (!params.get('source') && params.get('own') !== '1') asked.set('source!', 'kronika');
  if (['period', 'from', 'to'].some((name) => params.has(name))) asked.set('tz', zone());
  asked.set('limit', String(PAGE));
  return asked;
}

/**
 * @param {HTMLElement} outlet
 * @param {import('../url.js').Place} place
 * @returns {import('../routes.js').View}
 */
export function startList(outlet, place) {
  const state = { asked: /** @type {string | null} */ (null), tasks: /** @type {Task[]} */ ([]), next: /** @type {string | null} */ (null), shown: '' };
  const { bar, moment, region, picker } = frame(outlet);
  const load = loader(region);
  const first = async (/** @type {AbortSignal} */ signal) => api.get('/tasks', question(url.here().params), signal);
  const show = () => {
    const text = JSON.stringify([state.tasks, state.next]);
    if (text === state.shown) return;
    state.shown = text;
    redraw(region, () => drawTasks(region, state, () => void more()));
  };
  const watch = poll(async (signal) => {
    if (state.asked === null || url.here().params.get('as_of')) return false;
    const page = await first(signal);
    state.tasks = merged(state.tasks, page.tasks);
    if (region.querySelector('.failed, .skeleton')) state.shown = '';
    show();
    return page.tasks.some(moves);
  });
  const take = (/** @type {{tasks: Task[], next: string | null}} */ page, /** @type {Task[]} */ before) => {
    state.tasks = [...before, ...page.tasks];
    state.next = page.next;
    show();
  };
  const more = () => load.run(async (signal) => take(await api.get('/tasks', with_(question(url.here().params), 'cursor', state.next ?? ''), signal), state.tasks));
  function update(/** @type {import('../url.js').Place} */ { params }) {
    if (dropJunk(params, RULES)) return;
    showFilters(bar, params);
    picker.set(periodOf(params));
    showMoment(moment, params.get('as_of'));
    const asked = JSON.stringify(ASKED.map((name) => params.get(name)));
    if (asked === state.asked) return;
    state.asked = asked;
    state.shown = '';
    void load.run(async (signal) => take(await first(signal), []));
  }
  update(place);
  return { update, stop: () => (watch.stop(), load.stop()) };
}

/** @param {HTMLElement} outlet */
function frame(outlet) {
  const bar = el('div', { class: 'row wrap task-bar', role: 'search', 'aria-label': t('tasks.filters') });
  const moment = el('div', { class: 'as-of', role: 'status', hidden: true });
  const region = el('section', { 'aria-label': t('nav.tasks'), 'data-test': 'tasks' }, skeleton(10));
  fill(outlet, el('div', { class: 'page tasks' }, el('header', { class: 'page-head' }, el('h1', null, t('nav.tasks'))), bar, moment, region));
  document.title = `${t('nav.tasks')} · Kronika`;
  const picker = timePicker({ value: periodOf(url.here().params), onChange: ({ period, from, to }) => url.change({ period: period === 'all' ? null : period ?? null, from: from ?? null, to: to ?? null }) });
  void offerFilters(bar, picker);
  return { bar, moment, region, picker };
}

/**
 * @param {URLSearchParams} params
 * @param {string} name
 * @param {string} value
 */
function with_(params, name, value) {
  params.set(name, value);
  return params;
}

/**
 * Newer states of tasks that are shown, new ones on top.
 * @param {Task[]} shown
 * @param {Task[]} fresh
 */
function merged(shown, fresh) {
  const keys = new Set(fresh.map(keyOf));
  return [...fresh, ...shown.filter((task) => !keys.has(keyOf(task)))];
}

/**
 * The period of the last report; all of them where nothing is said.
 * @param {URLSearchParams} params
 * @returns {import('../period.js').Period}
 */
function periodOf(params) {
  const [period, from, to] = ['period', 'from', 'to'].map((name) => params.get(name) ?? undefined);
  return from || to ? { from, to } : { period: period ?? 'all' };
}

/**
 * @param {HTMLElement} bar
 * @param {import('../parts/timepicker.js').TimePicker} picker
 */
async function offerFilters(bar, picker) {
  const change = (/** @type {string} */ name) => (/** @type {Event} */ event) => url.change({ [name]: /** @type {HTMLSelectElement} */ (event.target).value });
  const any = t('tasks.any');
  const own = tick(t('tasks.own'), { name: 'own', test: 'tasks-own' });
  own.input.addEventListener('change', () => url.change({ own: own.input.checked ? '1' : null }));
  const asOf = el('input', { type: 'datetime-local', step: '1', name: 'as_of', 'data-test': 'tasks-as-of', on: { change: (/** @type {Event} */ event) => url.change({ as_of: fromLocal(/** @type {HTMLInputElement} */ (event.target).value) }) } });
  const choice = (/** @type {string} */ name, /** @type {[string, string][]} */ options) => select([['', any], ...options], '', { name, 'data-test': `tasks-${name}`, on: { change: change(name) } });
  fill(
    bar,
    el('label', { class: 'inline' }, t('tasks.state'), choice('status', STATES.map((one) => [one, t(`state.${one}`)]))),
    el('label', { class: 'inline' }, t('tasks.type'), choice('type', [])),
    el('label', { class: 'inline' }, t('tasks.source'), choice('source', [])),
    el('div', { class: 'row' }, t('tasks.period'), picker.element),
    el('label', { class: 'inline' }, t('tasks.as_of'), asOf),
    own.element,
  );
  showFilters(bar, url.here().params);
  try {
    const { facets } = await api.get('/facets', { fields: 'task_type,source', has: 'task_id', period: 'all' });
    for (const [name, field] of [['type', 'task_type'], ['source', 'source']]) {
      const box = bar.querySelector(`select[name=${name}]`);
      const values = (facets[field ?? '']?.values ?? []).map((/** @type {{value: string | null}} */ one) => one.value).filter(Boolean);
      if (name === 'source') values.push('kronika');
      for (const value of new Set(values)) box?.append(el('option', { value }, name === 'type' ? words(value) : value));
    }
  } catch (error) {
    // The lists stay short; what the address asks for is answered all the same.
    if (!(error instanceof api.Problem) && !(error instanceof api.Away)) throw error;
  }
  showFilters(bar, url.here().params);
}

/**
 * @param {HTMLElement} bar
 * @param {URLSearchParams} params
 */
function showFilters(bar, params) {
  for (const field of bar.querySelectorAll('select, input')) {
    if (field instanceof HTMLSelectElement) {
      const value = params.get(field.name) ?? '';
      if (![...field.options].some((one) => one.value === value)) field.append(el('option', { value }, value));
      field.value = value;
    } else if (field instanceof HTMLInputElement) {
      if (field.type === 'checkbox') field.checked = params.get(field.name) === '1';
      else field.value = toLocal(params.get('as_of') ?? '');
    }
  }
}

/**
 * Says that the list is of an earlier moment.
 * @param {HTMLElement} box
 * @param {string | null} asOf
 */
export function showMoment(box, asOf) {
  box.hidden = !asOf;
  if (asOf) fill(box, icon('clock'), el('span', null, t('tasks.as_of_is', { time: time(asOf) })), el('button', { class: 'link', 'data-test': 'tasks-now', on: { click: () => url.change({ as_of: null }) } }, t('tasks.as_of_now')));
}

/**
 * @param {HTMLElement} region
 * @param {{tasks: Task[], next: string | null}} state
 * @param {() => void} more
 */
function drawTasks(region, { tasks, next }, more) {
  if (tasks.length === 0) return fill(region, nothing());
  return fill(
    region,
    table(t('nav.tasks'), columns(), tasks, (task) => ({ 'data-test': 'task', data: { id: task.task_id } })),
    next && el('div', { class: 'row center' }, el('button', { 'data-test': 'tasks-more', on: { click: more } }, icon('down'), t('tasks.more'))),
  );
}

function nothing() {
  const { params } = url.here();
  const narrow = NARROW.some((name) => params.get(name));
  if (narrow) return empty(t('tasks.none_fit'), null, el('button', { on: { click: () => url.change(Object.fromEntries(NARROW.map((name) => [name, null]))) } }, t('tasks.clear')));
  const showOwn = el('button', { on: { click: () => url.change({ own: '1' }) } }, t('tasks.own'));
  return params.get('own') === '1' ? empty(t('tasks.none'), t('tasks.none_why')) : empty(t('tasks.none'), t('tasks.none_why'), showOwn);
}

/** @returns {import('../parts/plain.js').Column<Task>[]} */
function columns() {
  return [
    { title: t('tasks.state'), cell: (task) => stateBadge(task.task_status ?? '', stateWord(task)) },
    { title: t('tasks.task'), class: 'task-name', cell: nameCell },
    { title: t('tasks.progress'), class: 'task-progress', cell: progressCell },
    { title: t('tasks.by'), class: 'task-by', cell: (task) => el('span', { class: 'break' }, starter(task)) },
    { title: t('tasks.started'), class: 'nowrap', cell: (task) => el('time', { datetime: task.started_at, title: ago(task.started_at) }, time(task.started_at, { fraction: false })) },
    { title: t('tasks.took'), number: true, cell: (task) => took(task) },
    { title: t('tasks.updated'), class: 'nowrap', cell: (task) => el('time', { datetime: task.updated_at, title: time(task.updated_at) }, ago(task.updated_at)) },
  ];
}

/** @param {Task} task */
export function stateWord(task) {
  return STATES.includes(task.task_status ?? '') ? t(`state.${task.task_status}`) : task.task_status ?? t('tasks.no_state');
}

/** @param {Task} task */
export function took(task) {
  return !Number(task.processing_ms) ? '' : duration(Number(task.processing_ms) * 1e6);
}

/** @param {Task} task */
function nameCell(task) {
  const asOf = url.here().params.get('as_of');
  const href = url.link(`/tasks/${encodeURIComponent(task.task_id)}`, { source: task.source, tenant_id: task.tenant_id, as_of: asOf });
  const about = task.object_name ?? task.message;
  const failed = task.error_code || task.error_message;
  return [
    el('a', { href, class: 'strong' }, words(task.task_type) || task.task_id),
    about && [' ', brief(about)],
    el('div', { class: 'small muted break' }, [task.source, task.tenant_id].filter(Boolean).join(' · '), ' ', el('code', null, task.task_id)),
    failed && el('div', { class: 'small task-error break' }, task.error_code && el('code', null, visible(task.error_code)), ' ', task.error_message && brief(task.error_message)),
  ];
}

/**
 * A text of a source in little room; the page of the task has it whole.
 * @param {string} text
 */
function brief(text) {
  const shown = visible(text);
  return el('span', { class: 'break' }, shown.length > 200 ? `${shown.slice(0, 200)}…` : shown);
}

/** @param {Task} task */
function progressCell(task) {
  const done = task.task_done_count != null && t('tasks.done_count', { count: number(task.task_done_count) });
  const failed = task.task_failed_count != null && Number(task.task_failed_count) > 0 && el('span', { class: 'task-error' }, t('tasks.failed_count', { count: number(task.task_failed_count) }));
  const known = task.task_progress != null || moves(task);
  return [known && progressBar(share(task), t('tasks.progress_of', { task: task.task_id })), (done || failed) && el('div', { class: 'small muted' }, done, done && failed && ', ', failed)];
}
