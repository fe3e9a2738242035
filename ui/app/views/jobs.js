/** Exports and the engine's jobs: `/jobs?tab=exports|engine`. Both go on while nobody looks, and survive a restart of the server. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { load as loadTexts, t } from '../i18n.js';
import { KINDS, drawJobs, jobsBar, question } from '../jobs/engine.js';
import { drawExports, keyNames } from '../jobs/exports.js';
import { dropJunk, isYes, oneOf, redraw } from '../parts/focus.js';
import { viewTabs } from '../parts/plain.js';
import { poll } from '../parts/poll.js';
import { empty, loader, skeleton } from '../parts/states.js';
import { style } from '../routes.js';
import { may, session } from '../session.js';
import * as url from '../url.js';

/** @typedef {'exports' | 'engine'} Tab */

const RULES = { tab: oneOf(['exports', 'engine']), kind: oneOf(KINDS), state: oneOf(['in_progress', 'done', 'failed', 'canceled']), all: isYes };

/**
 * Which of both is shown: what the address says, as far as the key may see it.
 * @param {URLSearchParams} params
 * @returns {Tab}
 */
function tabOf(params) {
  return params.get('tab') === 'engine' && may('admin') ? 'engine' : 'exports';
}

/**
 * @param {HTMLElement} outlet
 * @param {import('../url.js').Place} place
 * @returns {Promise<import('../routes.js').View>}
 */
export async function start(outlet, place) {
  await Promise.all([loadTexts('tasks'), style('tasks')]);
  const state = { asked: /** @type {string | null} */ (null), shown: '' };
  const { tabs, bar, region } = frame(outlet);
  const load = loader(region);
  const again = () => watch.now();
  const ask = asker(region, state, again);
  const watch = poll(async (signal) => (state.asked === null ? false : ask(signal)), { quick: 1_000, slow: 10_000 });

  function update(/** @type {import('../url.js').Place} */ { params }) {
    if (dropJunk(params, RULES)) return undefined;
    const tab = tabOf(params);
    viewTabs(tabs, t('nav.jobs'), [
      { href: url.link('/jobs'), label: t('jobs.exports'), current: tab === 'exports', test: 'jobs-tab-exports' },
      ...(may('admin') ? [{ href: url.link('/jobs', { tab: 'engine' }), label: t('jobs.engine'), current: tab === 'engine', test: 'jobs-tab-engine' }] : []),
    ]);
    const asked = JSON.stringify([tab, ...['project', 'kind', 'state', 'all', 'tz'].map((name) => params.get(name))]);
    if (asked === state.asked) return again();
    state.asked = asked;
    state.shown = '';
    fill(bar, tab === 'engine' && jobsBar(again));
    bar.hidden = tab !== 'engine';
    region.setAttribute('aria-label', t(`jobs.${tab}`));
    void load.run(async (signal) => {
      if (await ask(signal)) watch.soon();
    });
    return undefined;
  }
  update(place);
  return { update, stop: () => (watch.stop(), load.stop()) };
}

/** @param {HTMLElement} outlet */
function frame(outlet) {
  const [tabs, bar] = [el('div'), el('div')];
  const region = el('section', { 'data-test': 'jobs' }, skeleton(8));
  const more = may('export') && el('a', { class: 'button', href: url.link('/') }, icon('plus'), t('jobs.new_export'));
  fill(outlet, el('div', { class: 'page jobs' }, el('header', { class: 'page-head' }, el('h1', null, t('nav.jobs')), more), tabs, bar, region));
  return { tabs, bar, region };
}

/**
 * What asks for the list of the present tab and shows it; says whether something runs.
 * @param {HTMLElement} region
 * @param {{shown: string}} state
 * @param {() => void} again
 * @returns {(signal: AbortSignal) => Promise<boolean>}
 */
function asker(region, state, again) {
  // Only what changed is drawn, so that nothing moves under the reader; what runs is drawn each time, for its clock.
  const show = (/** @type {Tab} */ tab, /** @type {any[]} */ all, /** @type {() => void} */ draw) => {
    const text = JSON.stringify([tab, all]);
    const running = all.some((one) => ['in_progress', 'enqueued'].includes(one.status ?? one.state));
    if (text !== state.shown || running || region.querySelector('.failed, .skeleton')) redraw(region, draw);
    state.shown = text;
    return running;
  };
  return async (signal) => {
    const { params } = url.here();
    const tab = tabOf(params);
    if (tab === 'exports' && !may('export')) return fill(region, empty(t('jobs.may_not'), t('jobs.may_not_why', { key: session().key.name }))), false;
    if (tab === 'exports') {
      const [all] = await Promise.all([api.get('/exports', undefined, signal), keyNames()]);
      return show(tab, all, () => drawExports(region, all, again));
    }
    const { jobs } = await api.ask('GET', '/jobs', { params: question(params), signal, ...(params.get('all') === '1' ? { project: '' } : {}) });
    return show(tab, jobs, () => drawJobs(region, jobs, again));
  };
}
