/** Opening an event from a list of events: beside the list, in the drawer, by the address. */

import { eventHref, placeParams } from '../event.js';
import { change, go, here } from '../url.js';

/**
 * @param {import('../event.js').Event} event
 * @param {Record<string, string | null>} [more]
 */
export function openEvent(event, more = {}) {
  if (here().path.startsWith('/events/')) go(eventHref(event, more));
  else change({ event: event.event_id, ...placeParams(event), ...more });
}

/** What closes the drawer. */
export const CLOSED = { event: null, source_of: null, dataset_of: null, tenant_of: null, tab: null, near: null, around: null };

/**
 * Whether a click means the row: no key held, no link or button in it, and nothing selected.
 * @param {MouseEvent} click
 */
export function meansRow(click) {
  if (click.defaultPrevented || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return false;
  if (click.target instanceof Element && click.target.closest('a, button, input, summary')) return false;
  return document.getSelection()?.isCollapsed ?? true;
}
