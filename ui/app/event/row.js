/** An event as one row of a list: when, in which module, what happened, how it ended. */

import { moduleTitle, withCatalogue } from '../catalog.js';
import { el, icon } from '../dom.js';
import { eventHref, outcomeBadge, statusBadge } from '../event.js';
import { clock, instant, time } from '../format.js';
import { t } from '../i18n.js';
import { sentence } from '../sentence.js';
import { visible } from '../visible.js';
import { meansRow } from './open.js';

/** @typedef {import('../event.js').Event} Event */

/**
 * @param {Event} event
 * @param {{onOpen: (event: Event) => void, when?: string, current?: boolean, systems?: boolean}} how `when` instead of the time of the day; `systems`: which product it was stands there as well
 * @returns {HTMLLIElement}
 */
export function eventRow(event, { onOpen, when, current = false, systems = false }) {
  const open = (/** @type {MouseEvent} */ click) => {
    if (click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
    click.preventDefault();
    onOpen(event);
  };
  const module = el('span', { class: 'event-module muted', title: `${event.source} · ${event.module ?? ''}` }, visible(String(event.module ?? event.source)));
  withCatalogue(event.source, (of) => {
    const title = moduleTitle(of, event.module);
    if (title || systems) module.textContent = visible([systems && of.product, title ?? event.module].filter(Boolean).join(' · '));
  });
  const row = el(
    'li',
    { class: 'event-row', 'aria-current': current ? 'true' : undefined, data: { event: event.event_id } },
    el('a', { class: 'event-time', href: eventHref(event), title: time(event.event_time), on: { click: open } }, el('time', { datetime: event.event_time }, when ?? secondsOf(event.event_time))),
    module,
    el('span', { class: 'event-said' }, sentence(event)),
    el('span', { class: 'event-ends' }, ends(event)),
  );
  row.addEventListener('click', (click) => {
    if (meansRow(click)) onOpen(event);
  });
  return row;
}

/** @param {string} at */
function secondsOf(at) {
  const text = time(at, { fraction: false });
  return text.split(' ')[1] ?? clock(instant(at));
}

/**
 * How it ended, quietly where it went well: what failed stands out.
 * @param {Event} event
 */
function ends(event) {
  const status = Number(event.http_status) || 0;
  const isFine = event.outcome === 'success' || (event.outcome == null && status > 0);
  if (!isFine || status >= 400 || Number(event.severity_number) >= 13) return [statusBadge(event), outcomeBadge(event)];
  const said = event.outcome === 'success' && [icon('check'), el('span', { class: 'visually-hidden' }, t('core.outcome_success'))];
  return el('span', { class: 'muted event-fine', title: said ? t('core.outcome_success') : `HTTP ${status}` }, status > 0 && String(status), said);
}
