/** The alerts of the project: where each stands, what it asks, what fires now. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ago, number, time } from '../format.js';
import { t } from '../i18n.js';
import { confirm, openDialog } from '../parts/dialog.js';
import { menuButton } from '../parts/menu.js';
import { stateBadge, table } from '../parts/plain.js';
import { empty, why } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import { may, session } from '../session.js';
import * as url from '../url.js';
import { body, hidesAddress, phaseOf, toParams, toText } from './question.js';

/** @typedef {import('./question.js').Alert} Alert */

/** Those that want to be looked at first. */
const ORDER = ['firing', 'no_data', 'failed', 'pending', 'stopped', 'new', 'ok', 'disabled'];

/**
 * @param {HTMLElement} region
 * @param {Alert[]} all
 * @param {() => void} again
 */
export function drawAlerts(region, all, again) {
  if (all.length === 0) return fill(region, empty(t('alerts.none'), t('alerts.none_why'), el('button', { class: 'primary', on: { click: () => url.change({ new: '1' }) } }, icon('plus'), t('alerts.new'))));
  const sorted = [...all].sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || a.name.localeCompare(b.name));
  return fill(region, table(t('nav.alerts'), columns(again), sorted, (one) => ({ 'data-test': 'alert', data: { id: one.id, state: one.status } })));
}

/**
 * @param {() => void} again
 * @returns {import('../parts/plain.js').Column<Alert>[]}
 */
function columns(again) {
  return [
    { title: t('alerts.state'), cell: (one) => [stateBadge(one.status, t(`alerts.status_${one.status}`)), one.waiting > 0 && el('div', { class: 'small muted' }, t('alerts.waiting', { n: Number(one.waiting) }))] },
    { title: t('alerts.alert'), class: 'alert-name', cell: (one) => [mine(one) ? el('button', { class: 'link strong', 'data-test': 'alert-edit', on: { click: () => url.change({ edit: one.id }) } }, one.name) : el('strong', null, one.name), el('div', { class: 'small muted' }, t('alerts.owned', { name: one.owner_name })), one.problem && el('div', { class: 'small alert-problem break' }, one.problem)] },
    { title: t('alerts.question'), class: 'alert-question', cell: question },
    { title: t('alerts.now'), class: 'alert-groups', cell: groups },
    { title: t('alerts.channels'), cell: (one) => channels(one) },
    { title: t('alerts.asked'), class: 'nowrap', cell: (one) => one.asked_at && el('time', { datetime: one.asked_at, title: time(one.asked_at) }, ago(one.asked_at)) },
    { title: t('alerts.actions'), quiet: true, cell: (one) => el('div', { class: 'actions' }, mine(one) && [el('button', { 'data-test': 'alert-test', on: { click: (/** @type {Event} */ event) => void trial(one, /** @type {HTMLButtonElement} */ (event.currentTarget)) } }, t('alerts.test')), menuButton({ label: t('alerts.actions_of', { name: one.name }), icon: 'more', class: 'quiet square' }, () => actions(one, again))]) },
  ];
}

/**
 * Whether this key may change an alert.
 * @param {Alert} one
 */
function mine(one) {
  return may('admin') || one.owner === session().key.id;
}

/** @param {Alert} one */
function question(one) {
  const metric = one.sql ? 'value' : one.of ? `${t(`alerts.metric_${one.metric}`)} ${one.of}` : t(`alerts.metric_${one.metric}`);
  const filter = one.filter ? toText(one.filter) : '';
  return [
    el('div', null, metric, ' ', el('strong', { class: 'nowrap' }, `${one.condition.op} ${number(Number(one.condition.value))}`), one.by?.length > 0 && [' ', t('alerts.each', { what: one.by.join(', ') })]),
    el('code', { class: 'alert-filter', title: one.sql ?? filter }, one.sql ?? (filter.replaceAll('\n', '  ') || t('alerts.everything'))),
    el('div', { class: 'small muted' }, t('alerts.rhythm', { window: one.window, every: one.every }), one.for && one.for !== '0s' && ` · ${t('alerts.for_so_long', { time: one.for })}`),
  ];
}

/** @param {Alert} one */
function groups(one) {
  const shown = one.groups.slice(0, 5);
  const name = (/** @type {Record<string, any>} */ group) => Object.values(group.group ?? {}).join(' · ') || t('alerts.whole');
  return [
    el('ul', { class: 'plain-list' }, shown.map((/** @type {Record<string, any>} */ group) => el('li', { title: Object.entries(group.group ?? {}).map(([key, value]) => `${key}=${value}`).join('\n') }, el('span', { class: `alert-dot ${phaseOf(group)}`, 'aria-hidden': 'true' }), el('span', { class: 'break' }, name(group)), ' ', el('strong', null, number(Number(group.value))), ' ', el('span', { class: 'small muted nowrap' }, group.since && ago(group.since)), el('span', { class: 'visually-hidden' }, ` ${t(`alerts.status_${phaseOf(group)}`)}`)))),
    one.groups.length > shown.length && el('div', { class: 'small muted' }, t('alerts.more_groups', { n: one.groups.length - shown.length })),
  ];
}

/** @param {Alert} one */
function channels(one) {
  if (!one.channels?.length) return el('span', { class: 'muted small' }, t('alerts.no_channels'));
  return one.channels.map((/** @type {{type: string, url?: string, to?: string[]}} */ channel) => el('div', { class: 'small break', title: channel.url ?? channel.to?.join(', ') }, channel.type === 'email' ? channel.to?.join(', ') : host(channel.url ?? '')));
}

/** @param {string} address */
function host(address) {
  try {
    return new URL(address).host;
  } catch {
    return address;
  }
}

/**
 * @param {Alert} one
 * @param {() => void} again
 * @returns {(import('../parts/menu.js').Item | 'line')[]}
 */
function actions(one, again) {
  const params = one.filter && toParams(one.filter);
  return [
    { label: t('core.edit'), icon: 'edit', run: () => url.change({ edit: one.id }) },
    { label: t(one.enabled ? 'alerts.disable' : 'alerts.enable'), icon: one.enabled ? 'pause' : 'play', run: () => void change(one, again) },
    one.sql ? { label: t('alerts.to_sql'), icon: 'sql', href: url.link('/sql', { sql: one.sql }) } : { label: t('alerts.to_events'), icon: 'journal', href: url.link('/', { ...params, period: 'last_7d' }) },
    { label: t('alerts.history'), icon: 'clock', href: url.link('/', { source: 'kronika', dataset: 'alerts', object_id: one.id, period: 'last_30d' }) },
    'line',
    { label: t('core.delete'), icon: 'trash', danger: true, run: () => void remove(one, again) },
  ];
}

/**
 * Switches an alert on or off.
 * @param {Alert} one
 * @param {() => void} again
 */
async function change(one, again) {
  if (hidesAddress(one)) {
    toast(t('alerts.address_hidden'), 'warning');
    return url.change({ edit: one.id });
  }
  await said(() => api.put(`/alerts/${one.id}`, { ...body(one), enabled: !one.enabled }));
  return again();
}

/**
 * @param {Alert} one
 * @param {() => void} again
 */
async function remove(one, again) {
  if (!(await confirm({ title: t('alerts.remove'), text: el('p', null, t('alerts.remove_sure', { name: one.name })), action: t('core.delete'), danger: true }))) return;
  await said(() => api.del(`/alerts/${one.id}`));
  again();
}

/**
 * Does something, and says what was refused.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T | null>}
 */
export async function said(work) {
  try {
    return await work();
  } catch (error) {
    toast(why(error), 'failure');
    return null;
  }
}

/**
 * Asks the question now, tells the channels, and shows what came of both.
 * @param {Alert} one
 * @param {HTMLButtonElement} button
 */
async function trial(one, button) {
  button.disabled = true;
  const answer = await said(() => api.post(`/alerts/${one.id}/test`));
  button.disabled = false;
  if (!answer) return;
  openDialog(
    t('alerts.trial_of', { name: one.name }),
    () => [
      answer.groups.length === 0 ? el('p', { class: 'muted' }, t('alerts.trial_nothing')) : trialGroups(answer.groups),
      answer.channels.length > 0 && el('ul', { class: 'plain-list' }, answer.channels.map((/** @type {{type: string, ok: boolean, error: string | null}} */ channel) => el('li', { class: 'row' }, stateBadge(channel.ok ? 'done' : 'failed', channel.type), el('span', { class: 'break' }, channel.ok ? t('alerts.trial_told') : channel.error)))),
      el('details', null, el('summary', null, t('alerts.trial_sql')), el('pre', { class: 'code', tabIndex: 0 }, answer.sql)),
    ],
    { wide: true },
  );
}

/** @param {{group: Record<string, unknown>, value: number | null, crosses: boolean}[]} all */
function trialGroups(all) {
  return table(
    t('alerts.trial_groups'),
    [
      { title: t('alerts.group'), cell: (one) => Object.entries(one.group).map(([key, value]) => `${key}=${value}`).join(' · ') || t('alerts.whole') },
      { title: t('alerts.value'), number: true, cell: (one) => one.value != null && number(Number(one.value)) },
      { title: t('alerts.crosses'), cell: (one) => (one.crosses ? stateBadge('firing', t('alerts.crosses_yes')) : stateBadge('ok', t('alerts.crosses_no'))) },
    ],
    all,
    () => ({ 'data-test': 'trial-group' }),
  );
}
