/**
 * Sessions: the list, with what follows from them (visits, abandoned baskets, purchases) and why; and one session step by step.
 */

import * as api from '../api.js';
import { el, fill } from '../dom.js';
import { ready } from '../event.js';
import { eventBeside } from '../event/beside.js';
import { zone } from '../format.js';
import { t } from '../i18n.js';
import { orAbsent } from '../parts/absent.js';
import { loader, skeleton } from '../parts/states.js';
import { segments } from '../routes.js';
import { derivedList } from '../sessions/derived.js';
import { sessionList } from '../sessions/list.js';
import { sessionHead, sessionPath } from '../sessions/one.js';
import { change } from '../url.js';
import { visible } from '../visible.js';

/** @typedef {import('../url.js').Place} Place */
/** @typedef {{beside: (id: string | null, by: 1 | -1 | 0) => import('../event.js').Event | undefined, mark: (id: string | null) => void}} Listed */

/** What the address may say besides the path; another value asks anew. */
const ASKED = ['source', 'tenant_id', 'active', 'rule', 'period', 'from', 'to', 'visitor_id', 'actor_email', 'unit_id', 'idle_minutes'];

/**
 * @param {HTMLElement} outlet
 * @param {Place} place
 */
export async function start(outlet, place) {
  await ready();
  const page = el('div', { class: 'page session-page' });
  outlet.append(page);
  const loading = loader(page);
  /** @type {{asked: string | null, listed: Listed | null, stop: (() => void) | null}} */
  const state = { asked: null, listed: null, stop: null };
  const beside = eventBeside(outlet, () => state.listed);

  const load = (/** @type {Place} */ now) => {
    state.stop?.();
    [state.stop, state.listed] = [null, null];
    loading.stop();
    const [id] = segments(now.path);
    if (!id) {
      document.title = `${t('session.title')} · Kronika`;
      state.stop = listPage(page, now.params);
      return undefined;
    }
    document.title = `${t('session.one')} ${visible(id)} · Kronika`;
    fill(page, el('h1', null, `${t('session.one')} `, el('bdi', null, visible(id))), skeleton(8));
    return void loading.run((signal) => orAbsent(page, id, async () => {
      const narrow = { source: now.params.get('source'), tenant_id: now.params.get('tenant_id') };
      let found;
      try {
        found = await api.get(`/sessions/${encodeURIComponent(id)}`, narrow, signal);
      } catch (error) {
        if (error instanceof api.Problem && error.code === 'ambiguous_id') {
          const { sessions } = await api.get('/sessions', { session_id: id, period: 'all' }, signal);
          return fill(page, el('h1', null, visible(id)), choices(sessions));
        }
        throw error;
      }
      const path = sessionPath(found);
      state.listed = path;
      path.mark(now.params.get('event'));
      return fill(page, sessionHead(found), path.element);
    }));
  };
  const update = (/** @type {Place} */ now) => {
    const asked = JSON.stringify([now.path, api.project(), zone(), ...ASKED.map((name) => now.params.getAll(name))]);
    if (asked !== state.asked) {
      state.asked = asked;
      load(now);
    }
    beside.update(now.params);
  };
  update(place);
  return {
    update,
    stop() {
      state.stop?.();
      loading.stop();
      beside.stop();
    },
  };
}

/**
 * Several systems have the id: which is meant?
 * @param {any[]} all
 */
function choices(all) {
  return el('div', { class: 'stack' }, el('p', null, t('session.ambiguous')), el('ul', { class: 'plain-list' }, all.map((one) => el('li', null, el('button', { 'data-test': 'candidate', on: { click: () => change({ source: one.source ?? null, tenant_id: one.tenant_id ?? null }) } }, visible([one.source, one.tenant_id].filter(Boolean).join(' · ')))))));
}

/**
 * @param {HTMLElement} page
 * @param {URLSearchParams} params
 * @returns {() => void} stops its calls
 */
function listPage(page, params) {
  const region = el('div', { class: 'stack' }, skeleton(8));
  const loading = loader(region);
  const rule = params.get('rule');
  const tab = (/** @type {string | null} */ name, /** @type {string} */ label) => el('button', { 'aria-pressed': String((rule ?? null) === name), 'data-test': `rule-${name ?? 'all'}`, on: { click: () => change({ rule: name, active: null }) } }, label);
  fill(
    page,
    el('div', { class: 'page-head' }, el('h1', null, t('session.title'))),
    el('div', { class: 'row wrap', role: 'group', 'aria-label': t('session.kinds') }, tab(null, t('session.all')), ['abandoned_cart', 'abandoned_browse', 'purchase', 'visit'].map((name) => tab(name, t(`session.rule.${name}`)))),
    region,
  );
  if (rule) derivedList(region, loading, rule, params);
  else sessionList(region, loading, params);
  return () => loading.stop();
}
