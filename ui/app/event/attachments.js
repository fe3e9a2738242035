/** Files that belong to an event: name, kind, size, how long they are kept, and where to get them. */

import * as api from '../api.js';
import { el, icon } from '../dom.js';
import { bytes, time } from '../format.js';
import { has, t } from '../i18n.js';
import { visible } from '../visible.js';

/** @typedef {{role?: string, name?: string, content_type?: string, size?: string | number, sha256?: string, ref?: string, expires_at?: string}} Attachment */

/**
 * @param {import('../event.js').Event} event
 * @returns {Attachment[]}
 */
export function attachmentsOf(event) {
  return Array.isArray(event.attachments) ? event.attachments : [];
}

/**
 * @param {import('../event.js').Event} event
 * @returns {HTMLElement}
 */
export function attachments(event) {
  return el('ul', { class: 'plain-list attachments' }, attachmentsOf(event).map((one) => el('li', null, file(one, event))));
}

/**
 * @param {Attachment} one
 * @param {import('../event.js').Event} event
 */
function file(one, event) {
  const name = visible(one.name ?? one.sha256 ?? one.ref ?? one.role ?? '');
  const gone = one.expires_at != null && Date.parse(one.expires_at) < Date.now();
  const facts = [one.role && (has(`file.${one.role}`) ? t(`file.${one.role}`) : one.role), one.content_type, bytes(one.size), one.expires_at && t(gone ? 'event.files.gone' : 'event.files.until', { time: time(one.expires_at, { fraction: false }) })].filter(Boolean).join(' · ');
  const href = one.sha256 && !gone ? api.href(`/attachments/${one.sha256}`, { event: event.event_id }) : null;
  const sound = href && one.content_type?.startsWith('audio/') ? el('audio', { controls: true, preload: 'none', src: href, 'aria-label': name }) : null;
  return el('div', { class: 'row wrap' }, el('div', { class: 'grow' }, el('div', { class: 'break' }, el('bdi', null, name)), el('div', { class: 'muted small' }, facts)), href ? el('a', { class: 'button quiet', href, download: '' }, icon('download'), t('core.download')) : el('span', { class: 'muted small' }, t('event.files.elsewhere')), sound);
}
