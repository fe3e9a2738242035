/**
 * A person, a key or a visitor: every name and e-mail it had, what it did, counted, and its history.
 *
 * `/actors/ID` is who acts in the products; `/visitors/ID` is who visits a shop, under all the ids that belong together.
 */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ready } from '../event.js';
import { eventBeside } from '../event/beside.js';
import { listHref } from '../event/filter.js';
import { openEvent } from '../event/open.js';
import { zone } from '../format.js';
import { t } from '../i18n.js';
import { activity, actorHead, actorIdentities, markCounts } from '../people/actor.js';
import { visitorHead, visitorIdentities } from '../people/visitor.js';
import { orAbsent } from '../parts/absent.js';
import { empty, loader, skeleton } from '../parts/states.js';
import { timeline } from '../parts/timeline.js';
import { segments } from '../routes.js';
import { change, here, link } from '../url.js';
import { visible } from '../visible.js';

/** @typedef {import('../url.js').Place} Place */
/** @typedef {import('../parts/timeline.js').Timeline} Listed */

/** Filters of the page, all of them names of the API's list. */
const FILTERS = ['source', 'tenant_id', 'module', 'action', 'outcome'];

/**
 * @param {HTMLElement} outlet
 * @param {Place} place
 */
export async function start(outlet, place) {
  await ready();
  const page = el('div', { class: 'page actor-page' });
  outlet.append(page);
  const loading = loader(page);
  /** @type {{asked: string | null, listed: string | null, history: Listed | null, list: HTMLElement | null, systems: boolean}} */
  const state = { asked: null, listed: null, history: null, list: null, systems: false };
  const beside = eventBeside(outlet, () => state.history);

  const load = (/** @type {Place} */ now) => {
    const [id = ''] = segments(now.path);
    const isVisitor = now.path.startsWith('/visitors/');
    state.history?.stop();
    state.history = null;
    if (!id) return fill(page, el('h1', null, t('nav.actor')), empty(t('actor.no_id'), t('actor.no_id_why'), el('a', { class: 'button', href: listHref({}) }, t('event.missing.all'))));
    document.title = `${visible(id)} · Kronika`;
    fill(page, el('h1', null, el('bdi', null, visible(id))), skeleton(8));
    const other = () => [el('a', { class: 'button', href: link(`/${isVisitor ? 'actors' : 'visitors'}/${encodeURIComponent(id)}`) }, t(isVisitor ? 'actor.among_actors' : 'actor.among_visitors'))];
    return void loading.run((signal) => orAbsent(page, id, async () => {
      const path = `/${isVisitor ? 'visitors' : 'actors'}/${encodeURIComponent(id)}`;
      const narrow = { source: now.params.get('source'), tenant_id: now.params.get('tenant_id') };
      const found = await api.get(path, narrow, signal);
      state.list = el('div', { class: 'stack grow' });
      state.systems = new Set(found.identities.map((/** @type {any} */ one) => one.source)).size > 1;
      const parts = isVisitor ? [visitorHead(found), visitorIdentities(found)] : [actorHead(found), actorIdentities(found), ...activity(found)];
      fill(page, parts[0] ?? null, narrow.source && everywhere(narrow.source), el('div', { class: 'actor-columns' }, el('div', { class: 'stack actor-side' }, parts.slice(1)), state.list));
      document.title = `${page.querySelector('h1')?.textContent ?? ''} · Kronika`;
      drawHistory(path, here().params, state);
    }, other));
  };
  const update = (/** @type {Place} */ now) => {
    const asked = JSON.stringify([now.path, api.project(), zone(), now.params.get('source'), now.params.get('tenant_id')]);
    const listed = JSON.stringify(['order', ...FILTERS].map((name) => now.params.getAll(name)));
    if (asked !== state.asked) load(now);
    else if (listed !== state.listed && state.list) drawHistory(`/${now.path.startsWith('/visitors/') ? 'visitors' : 'actors'}/${encodeURIComponent(segments(now.path)[0] ?? '')}`, now.params, state);
    [state.asked, state.listed] = [asked, listed];
    markCounts(page, now.params);
    beside.update(now.params);
  };
  update(place);
  return {
    update,
    stop() {
      state.history?.stop();
      loading.stop();
      beside.stop();
    },
  };
}

/**
 * One system is shown: another click shows all.
 * @param {string} source
 */
function everywhere(source) {
  return el('p', { class: 'row wrap' }, el('span', { class: 'badge note' }, visible(source)), el('button', { class: 'link', 'data-test': 'everywhere', on: { click: () => change({ source: null, tenant_id: null }) } }, t('actor.everywhere')));
}

/**
 * @param {string} path
 * @param {URLSearchParams} params
 * @param {{history: Listed | null, list: HTMLElement | null, systems: boolean}} state
 */
function drawHistory(path, params, state) {
  state.history?.stop();
  const order = params.get('order') === 'oldest' ? 'oldest' : 'newest';
  const asked = Object.fromEntries(FILTERS.map((name) => [name, params.getAll(name)]));
  const history = timeline({
    label: t('timeline.label'),
    load: (cursor, signal) => api.get(`${path}/history`, { ...asked, order, cursor, limit: 100, total: 'none' }, signal),
    onOpen: (event) => openEvent(event),
    systems: state.systems,
  });
  const chosen = ['module', 'action', 'outcome'].filter((name) => params.has(name));
  const turn = el('button', { class: 'quiet', 'data-test': 'order', on: { click: () => change({ order: order === 'newest' ? 'oldest' : null }) } }, icon(order === 'newest' ? 'down' : 'up'), t(`timeline.${order}`));
  const chips = chosen.map((name) => el('span', { class: 'chip' }, el('button', { 'aria-label': t('actor.all_of', { field: t(`field.${name}`) }), on: { click: () => change({ [name]: null }) } }, `${t(`field.${name}`)}: ${visible(params.getAll(name).join(', '))}`, icon('close'))));
  fill(state.list ?? el('div'), el('div', { class: 'row between wrap' }, el('h2', null, t('timeline.label')), el('div', { class: 'row wrap' }, chips, turn)), history.element);
  state.history = history;
  history.mark(params.get('event'));
  history.reload();
}
