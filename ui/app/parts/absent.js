/** A page of something that no event tells of: says so, why that may be, and where to go on. */

import { Problem } from '../api.js';
import { el, fill } from '../dom.js';
import { listHref } from '../event/filter.js';
import { t } from '../i18n.js';
import { visible } from '../visible.js';
import { empty } from './states.js';

/**
 * Runs a call, and fills the page where its subject is not found.
 * @param {HTMLElement} page
 * @param {string} id
 * @param {() => Promise<void>} work
 * @param {() => HTMLElement[]} [more] other ways to go on
 */
export async function orAbsent(page, id, work, more = () => []) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404) throw error;
    fill(page, el('h1', null, el('bdi', null, visible(id))), empty(t('event.absent'), t('event.missing.why'), ...more(), el('a', { class: 'button', href: listHref({ q: `"${id.replaceAll('"', '')}"` }) }, t('event.absent.search'))));
  }
}
