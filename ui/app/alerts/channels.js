/** Who is told of an alert: webhooks and mails, one row each. */

import { el, icon } from '../dom.js';
import { t } from '../i18n.js';
import { list, select } from '../parts/form.js';

/** @typedef {{type: string, url?: string, to?: string[], secret?: string | null}} Channel */

/**
 * @param {Channel[]} channels
 * @returns {{element: HTMLElement, read: () => Channel[]}}
 */
export function channelFields(channels) {
  const rows = el('div', { class: 'stack tight', 'data-test': 'channels' });
  const append = (/** @type {Channel} */ channel) => rows.append(row(channel));
  channels.forEach(append);
  const element = el('div', { class: 'stack tight' }, rows, el('div', { class: 'row wrap' }, el('button', { type: 'button', 'data-test': 'add-webhook', on: { click: () => append({ type: 'webhook', url: '' }) } }, icon('plus'), t('alerts.add_webhook')), el('button', { type: 'button', 'data-test': 'add-email', on: { click: () => append({ type: 'email', to: [] }) } }, icon('plus'), t('alerts.add_email'))));
  return { element, read: () => [...rows.children].map((one) => /** @type {any} */ (one).read()) };
}

/** @param {Channel} channel */
function row(channel) {
  const type = select([['webhook', t('alerts.webhook')], ['email', t('alerts.email')]], channel.type, { 'aria-label': t('alerts.channel_kind') });
  const where = el('input', { type: 'text', class: 'grow', required: true, value: channel.url?.replace('?***', '?') ?? channel.to?.join(', ') ?? '', 'aria-label': t('alerts.channel_where') });
  const hint = () => (where.placeholder = type.value === 'email' ? 'ops@example.com' : t('alerts.webhook_hint'));
  type.addEventListener('change', hint);
  hint();
  const whole = el('div', { class: 'row channel-row' }, type, where, el('button', { type: 'button', class: 'quiet square', 'aria-label': t('alerts.channel_remove'), title: t('alerts.channel_remove'), on: { click: () => whole.remove() } }, icon('close')));
  return Object.assign(whole, { read: () => (type.value === 'email' ? { type: 'email', to: list(where.value) } : { type: 'webhook', url: where.value.trim() }) });
}
