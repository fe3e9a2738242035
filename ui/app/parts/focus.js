/** Drawing a region anew without taking the focus, or what stands open, from the reader; and addresses that say what nobody knows. */

import { t } from '../i18n.js';
import * as url from '../url.js';
import { toast } from './toast.js';

/**
 * Remembers what has the focus in a region and which rows stand open; the returned function gives both back.
 * @param {HTMLElement} region
 * @returns {() => void}
 */
export function remember(region) {
  const focused = document.activeElement instanceof HTMLElement && region.contains(document.activeElement) ? document.activeElement : null;
  const row = focused?.closest('[data-id]')?.getAttribute('data-id');
  const marks = ['data-test', 'href', 'name'].map((name) => /** @type {const} */ ([name, focused?.getAttribute(name)])).filter(([, value]) => value);
  const open = [...region.querySelectorAll('[data-id]:has(details[open])')].map((one) => one.getAttribute('data-id') ?? '');
  return () => {
    for (const id of open) region.querySelector(`[data-id="${CSS.escape(id)}"] details`)?.setAttribute('open', '');
    if (!focused || (document.activeElement !== document.body && document.activeElement !== null)) return;
    const inside = (row && region.querySelector(`[data-id="${CSS.escape(row)}"]`)) || region;
    for (const [name, value] of marks) {
      const again = inside.querySelector(`[${name}="${CSS.escape(value ?? '')}"]`);
      if (again instanceof HTMLElement) return again.focus({ preventScroll: true });
    }
    const first = inside.querySelector('button, a[href], input, select');
    if (first instanceof HTMLElement) first.focus({ preventScroll: true });
  };
}

/**
 * Draws a region anew.
 * @param {HTMLElement} region
 * @param {() => void} draw
 */
export function redraw(region, draw) {
  const giveBack = remember(region);
  draw();
  giveBack();
}

/**
 * Takes out of the address what says nothing, and tells so.
 * @param {URLSearchParams} params
 * @param {Record<string, (value: string) => boolean>} rules by parameter
 * @returns {boolean} whether the address changed: the view is told anew
 */
export function dropJunk(params, rules) {
  const junk = Object.entries(rules).filter(([name, fits]) => params.has(name) && !fits(params.get(name) ?? '')).map(([name]) => name);
  if (junk.length === 0) return false;
  toast(t('core.ignored', { what: junk.map((name) => `${name}=${params.get(name)}`).join(', ') }), 'warning');
  url.change(Object.fromEntries(junk.map((name) => [name, null])), { replace: true });
  return true;
}

/**
 * A rule for {@link dropJunk}: one of several.
 * @param {readonly string[]} all
 */
export const oneOf = (all) => (/** @type {string} */ value) => all.includes(value);
/** A rule: a day, such as `2026-03-01`. @param {string} value */
export const isDay = (value) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value));
/** A rule: an instant with its offset. @param {string} value */
export const isInstant = (value) => !Number.isNaN(Date.parse(value));
/** A rule: yes, or absent. @param {string} value */
export const isYes = (value) => value === '1';
