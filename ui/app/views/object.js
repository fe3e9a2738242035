/**
 * One object: what it is called and was called, all that happened to it in every system, what it was at any moment, what differs
 * between two, what belongs to it, and its restore.
 */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ready, typeName } from '../event.js';
import { eventBeside } from '../event/beside.js';
import { listHref } from '../event/filter.js';
import { openEvent } from '../event/open.js';
import { capital, zone } from '../format.js';
import { t } from '../i18n.js';
import { showChildren } from '../object/children.js';
import { showCompare } from '../object/compare.js';
import { header, markModule, whichSource } from '../object/header.js';
import { showState } from '../object/state.js';
import { orAbsent } from '../parts/absent.js';
import { empty, loader, skeleton } from '../parts/states.js';
import { tabs } from '../parts/tabs.js';
import { timeline } from '../parts/timeline.js';
import { segments } from '../routes.js';
import { change, here } from '../url.js';
import { visible } from '../visible.js';

/** @typedef {import('../url.js').Place} Place */
/** @typedef {import('../object/header.js').Summary} Summary */
/** @typedef {{type: string, id: string, path: string, place: Record<string, string>, summary: Summary}} Subject the object, and which of several is meant */

const VIEWS = ['timeline', 'state', 'compare', 'parts'];

/**
 * @param {HTMLElement} outlet
 * @param {Place} place
 */
export async function start(outlet, place) {
  await ready();
  const page = el('div', { class: 'page object-page' });
  outlet.append(page);
  const loading = loader(page);
  /** @type {{asked: string | null, listed: string | null, view: string | null, history: ReturnType<typeof timeline> | null, tabbed: ReturnType<typeof tabs> | null, stops: (() => void)[], follow: ((params: URLSearchParams) => void) | null}} */
  const state = { asked: null, listed: null, view: null, history: null, tabbed: null, stops: [], follow: null };
  const beside = eventBeside(outlet, () => state.history);
  const clear = () => {
    for (const stop of state.stops.splice(0)) stop();
    state.history = null;
    state.follow = null;
  };

  const load = (/** @type {Place} */ now) => {
    const [type = '', id = ''] = segments(now.path);
    clear();
    if (!id) return fill(page, el('h1', null, t('nav.object')), empty(t('object.no_id'), t('object.no_id_why'), el('a', { class: 'button', href: listHref({}) }, t('event.missing.all'))));
    document.title = `${typeName(type)} ${visible(id)} · Kronika`;
    fill(page, el('h1', null, capital(typeName(type)), ' ', el('bdi', null, visible(id))), skeleton(8));
    return void loading.run((signal) => orAbsent(page, `${type}:${id}`, async () => {
      const path = `/objects/${encodeURIComponent(type)}/${encodeURIComponent(id)}`;
      const summary = await api.get(path, {}, signal);
      const subject = { type, id, path, summary, place: whichSource(summary, now.params) };
      document.title = `${typeName(type)} ${visible(String(lastName(summary) ?? id))} · Kronika`;
      state.view = viewOf(now.params);
      state.tabbed = bodyTabs(subject, state);
      fill(page, header(subject, () => load(here())), state.tabbed);
      markModule(page, here().params);
    }));
  };
  const update = (/** @type {Place} */ now) => {
    const asked = JSON.stringify([now.path, api.project(), zone(), ...['source', 'tenant_id', 'system', 'tenant'].map((name) => now.params.get(name))]);
    const listed = JSON.stringify([viewOf(now.params), now.params.get('order'), now.params.get('module')]);
    if (asked !== state.asked) load(now);
    else if (listed !== state.listed) {
      state.view = viewOf(now.params);
      state.tabbed?.choose(state.view);
    } else state.follow?.(now.params);
    [state.asked, state.listed] = [asked, listed];
    markModule(page, now.params);
    beside.update(now.params);
  };
  update(place);
  return {
    update,
    stop() {
      clear();
      loading.stop();
      beside.stop();
    },
  };
}

/** @param {URLSearchParams} params */
function viewOf(params) {
  const asked = params.get('view');
  return VIEWS.find((view) => view === asked) ?? 'timeline';
}

/**
 * @param {Subject} subject
 * @param {{view: string | null, listed: string | null, history: ReturnType<typeof timeline> | null, stops: (() => void)[], follow: ((params: URLSearchParams) => void) | null}} state
 */
function bodyTabs(subject, state) {
  /** @type {(panel: HTMLElement) => {run: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>}} */
  const load = (panel) => {
    const made = loader(panel);
    state.stops.push(() => made.stop());
    return made;
  };
  const begin = (/** @type {() => void} */ show) => () => {
    for (const stop of state.stops.splice(0)) stop();
    [state.history, state.follow] = [null, null];
    show();
  };
  const one = (/** @type {string} */ id, /** @type {(panel: HTMLElement) => void} */ show) => ({ id, label: t(`object.view.${id}`), show: (/** @type {HTMLElement} */ panel) => begin(() => show(panel))() });
  return tabs(
    t('object.views'),
    [
      one('timeline', (panel) => showTimeline(panel, subject, state)),
      one('state', (panel) => (state.follow = showState(panel, subject, load(panel)))),
      one('compare', (panel) => (state.follow = showCompare(panel, subject, load(panel)))),
      one('parts', (panel) => showChildren(panel, subject, load(panel))),
    ],
    state.view,
    (view) => {
      state.view = view;
      state.listed = JSON.stringify([view, here().params.get('order'), here().params.get('module')]);
      change({ view: view === 'timeline' ? null : view });
    },
  );
}

/**
 * @param {HTMLElement} panel
 * @param {Subject} subject
 * @param {{history: ReturnType<typeof timeline> | null, stops: (() => void)[]}} state
 */
function showTimeline(panel, subject, state) {
  const { params } = here();
  const order = params.get('order') === 'oldest' ? 'oldest' : 'newest';
  const narrow = { source: params.get('source'), tenant_id: params.get('tenant_id'), module: params.get('module') };
  const history = timeline({
    label: t('timeline.label'),
    heading: 'h2',
    load: (cursor, signal) => api.get(`${subject.path}/history`, { ...narrow, order, cursor, limit: 100, total: 'none' }, signal),
    onOpen: (event) => openEvent(event),
    systems: new Set(subject.summary.sources.map((one) => one.source)).size > 1,
  });
  const turn = el('button', { class: 'quiet', 'data-test': 'order', on: { click: () => change({ order: order === 'newest' ? 'oldest' : null }) } }, icon(order === 'newest' ? 'down' : 'up'), t(`timeline.${order}`));
  fill(panel, el('div', { class: 'row between wrap' }, el('span', { class: 'muted' }, !narrow.source && !narrow.module && t('core.events', { n: subject.summary.events })), turn), history.element);
  state.history = history;
  state.stops.push(() => history.stop());
  history.mark(params.get('event'));
  history.reload();
}

/** @param {Summary} summary */
function lastName(summary) {
  return summary.sources.map((source) => source.name).find(Boolean);
}
