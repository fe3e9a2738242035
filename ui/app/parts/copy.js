/** Copying to the clipboard. */

import { el, icon } from '../dom.js';
import { t } from '../i18n.js';
import { toast } from './toast.js';

/**
 * Copies a text and says so.
 * @param {string} text
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(t('core.copied'), 'success');
  } catch {
    toast(t('core.copy_refused'), 'warning');
  }
}

/**
 * A small button that copies.
 * @param {string | (() => string | Promise<string>)} what
 * @param {string} [label]
 */
export function copyButton(what, label = t('core.copy')) {
  const run = async () => copy(typeof what === 'string' ? what : await what());
  return el('button', { class: 'quiet square', 'aria-label': label, title: label, on: { click: () => void run() } }, icon('copy'));
}
