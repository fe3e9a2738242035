/**
 * Alerts: `/alerts` the list, `?tab=deliveries` the calls, `?new=1` a new one (`&filter=` what it asks for, a query string of the
 * journal), `?edit=ID` a change.
 */

import * as api from '../api.js';
import { chooseTemplate, editAlert, ofFilter } from '../alerts/form.js';
import { drawAlerts } from '../alerts/list.js';
import { STATES, drawDeliveries } from '../alerts/deliveries.js';
import { fromQuery } from '../alerts/question.js';
import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { dropJunk, oneOf, redraw } from '../parts/focus.js';
import { viewTabs } from '../parts/plain.js';
import { poll } from '../parts/poll.js';
import { loader, skeleton, why } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import { may } from '../session.js';
import * as url from '../url.js';

const RULES = { tab: oneOf(['alerts', 'deliveries']), state: oneOf(STATES) };
const CLOSED = { new: null, edit: null, filter: null };

/** @param {URLSearchParams} params */
function tabOf(params) {
  return params.get('tab') === 'deliveries' && may('admin') ? 'deliveries' : 'alerts';
}

/**
 * @param {HTMLElement} outlet
 * @param {url.Place} place
 * @returns {import('../routes.js').View}
 */
export function start(outlet, place) {
  const state = { asked: /** @type {string | null} */ (null), shown: '' };
  const tabs = el('div');
  const region = el('section', { class: 'stack', 'data-test': 'alerts' }, skeleton(8));
  const load = loader(region);
  const makeNew = el('button', { class: 'primary', 'data-test': 'alert-new', on: { click: () => url.change({ new: '1' }) } }, icon('plus'), t('alerts.new'));
  fill(outlet, el('div', { class: 'page alerts' }, el('header', { class: 'page-head' }, el('h1', null, t('nav.alerts')), makeNew), tabs, region));
  const again = () => ((state.shown = ''), watch.now());
  const ask = async (/** @type {AbortSignal} */ signal) => {
    const { params } = url.here();
    const tab = tabOf(params);
    const wanted = STATES.find((one) => one === params.get('state'));
    const all = tab === 'alerts' ? await api.get('/alerts', undefined, signal) : await api.get('/webhooks/deliveries', { state: wanted, limit: 200 }, signal);
    const text = JSON.stringify([tab, all]);
    // An open menu stays where it is.
    if (text === state.shown || region.querySelector('[aria-expanded=true]')) return;
    state.shown = text;
    redraw(region, () => (tab === 'alerts' ? drawAlerts : drawDeliveries)(region, all, again));
  };
  const watch = poll(async (signal) => (state.asked !== null && (await ask(signal)), true), { quick: 10_000 });
  const openForm = opener(again);
  function update(/** @type {url.Place} */ { params }) {
    if (dropJunk(params, RULES)) return;
    const tab = tabOf(params);
    viewTabs(tabs, t('nav.alerts'), may('admin') ? [
      { href: url.link('/alerts'), label: t('nav.alerts'), current: tab === 'alerts', test: 'alerts-tab-alerts' },
      { href: url.link('/alerts', { tab: 'deliveries' }), label: t('alerts.deliveries'), current: tab === 'deliveries', test: 'alerts-tab-deliveries' },
    ] : []);
    region.setAttribute('aria-label', tab === 'alerts' ? t('nav.alerts') : t('alerts.deliveries'));
    const asked = JSON.stringify([tab, params.get('state'), params.get('project'), params.get('tz')]);
    if (asked !== state.asked) {
      state.asked = asked;
      state.shown = '';
      void load.run(ask);
    }
    openForm(params);
  }
  update(place);
  return { update, stop: () => (watch.stop(), load.stop(), openForm(new URLSearchParams())) };
}

/**
 * What opens the form that the address says is open, once; Back closes it.
 * @param {() => void} again
 * @returns {(params: URLSearchParams) => void}
 */
function opener(again) {
  let open = '';
  const show = async (/** @type {URLSearchParams} */ params, /** @type {() => void} */ closed) => {
    const id = params.get('edit');
    const filter = params.get('filter');
    if (id) editAlert(await api.get(`/alerts/${encodeURIComponent(id)}`), closed, again);
    else if (filter !== null) editAlert(ofFilter(fromQuery(filter)), closed, again);
    else await chooseTemplate((alert) => editAlert(alert, closed, again), closed);
  };
  return (params) => {
    const wanted = params.get('edit') ? `edit ${params.get('edit')}` : params.get('new') ? `new ${params.get('filter') ?? ''}` : '';
    if (wanted === open) return;
    open = wanted;
    for (const dialog of document.querySelectorAll('dialog[open]')) if (dialog instanceof HTMLDialogElement) dialog.close();
    if (!wanted) return;
    const closed = () => {
      if (open !== wanted) return;
      open = '';
      url.change(CLOSED);
    };
    show(params, closed).catch((error) => {
      toast(why(error), 'failure');
      closed();
    });
  };
}
