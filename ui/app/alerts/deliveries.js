/** Calls of other systems: those that wait, those that were made, dead letters and their retry. For administrators. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ago, number, time } from '../format.js';
import { t } from '../i18n.js';
import { stateBadge, table } from '../parts/plain.js';
import { empty } from '../parts/states.js';
import * as url from '../url.js';
import { said } from './list.js';

/** @typedef {Record<string, any> & {id: string, state: string}} Delivery as the API has it */

export const STATES = ['held', 'pending', 'delivered', 'dead'];

/**
 * @param {HTMLElement} region
 * @param {Delivery[]} all
 * @param {() => void} again
 */
export function drawDeliveries(region, all, again) {
  const chosen = url.here().params.get('state');
  const chip = (/** @type {string | null} */ state) => el('button', { 'aria-pressed': String(chosen === state), 'data-test': `deliveries-${state ?? 'all'}`, on: { click: () => url.change({ state }) } }, state ? t(`alerts.delivery_${state}`) : t('alerts.all'));
  fill(
    region,
    el('div', { class: 'row wrap', role: 'group', 'aria-label': t('alerts.state') }, chip(null), STATES.map(chip)),
    all.length === 0 ? empty(t('alerts.no_deliveries'), t('alerts.no_deliveries_why')) : table(t('alerts.deliveries'), columns(again), all, (one) => ({ 'data-test': 'delivery', data: { id: one.id, state: one.state } })),
  );
}

/**
 * @param {() => void} again
 * @returns {import('../parts/plain.js').Column<Delivery>[]}
 */
function columns(again) {
  return [
    { title: t('alerts.state'), cell: (one) => stateBadge(one.state, t(`alerts.delivery_${one.state}`)) },
    { title: t('alerts.purpose'), cell: (one) => [t(`alerts.purpose_${one.purpose}`), el('div', { class: 'small muted break' }, one.receiver)] },
    { title: t('alerts.where'), cell: (one) => [el('code', { class: 'break' }, one.url), el('div', { class: 'small muted break' }, one.id)] },
    { title: t('alerts.attempts'), number: true, cell: (one) => number(one.attempts) },
    { title: t('alerts.last_try'), cell: (one) => [one.last_attempt_at && el('time', { datetime: one.last_attempt_at, title: time(one.last_attempt_at) }, ago(one.last_attempt_at)), one.last_status && ` · ${one.last_status}`, one.last_error && el('div', { class: 'small alert-problem break' }, one.last_error)] },
    { title: t('alerts.next_try'), class: 'nowrap', cell: (one) => one.next_attempt_at && one.state === 'pending' && el('time', { datetime: one.next_attempt_at, title: time(one.next_attempt_at) }, ago(one.next_attempt_at)) },
    { title: t('alerts.created'), class: 'nowrap', cell: (one) => el('time', { datetime: one.created_at, title: time(one.created_at) }, ago(one.created_at)) },
    { title: t('alerts.actions'), quiet: true, cell: (one) => one.state === 'dead' && el('div', { class: 'actions' }, el('button', { 'data-test': 'delivery-retry', on: { click: () => void said(() => api.post(`/webhooks/deliveries/${encodeURIComponent(one.id)}/retry`)).then(again) } }, icon('refresh'), t('alerts.retry'))) },
  ];
}
