/** A short message at the edge of the page, told to screen readers as well. */

import { el, icon } from '../dom.js';
import { t } from '../i18n.js';

/** @type {HTMLElement | null} */
let tray = null;

/**
 * Shows a message for some seconds, a failure until it is closed.
 * @param {string} message
 * @param {'info' | 'success' | 'warning' | 'failure'} [kind]
 * @param {{label: string, run: () => void}} [action] what can be done about it
 */
export function toast(message, kind = 'info', action) {
  if (!tray) {
    tray = el('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
    document.body.append(tray);
  } else if (!tray.isConnected) document.body.append(tray);
  const close = () => one.remove();
  const one = el(
    'div',
    { class: `toast ${kind}` },
    icon(kind === 'success' ? 'check' : kind === 'info' ? 'info' : 'warning'),
    el('span', { class: 'grow' }, message),
    action && el('button', { class: 'link', on: { click: () => (action.run(), close()) } }, action.label),
    el('button', { class: 'quiet square', 'aria-label': t('core.close'), on: { click: close } }, icon('close')),
  );
  tray.append(one);
  while (tray.children.length > 4) tray.firstElementChild?.remove();
  if (kind !== 'failure') setTimeout(close, 6_000);
}
