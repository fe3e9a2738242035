/**
 * A history of events, day by day, that loads page after page as it is scrolled. Which events: the caller's `load`; a click opens
 * one beside the list.
 */

import { el, fill } from '../dom.js';
import { eventRow } from '../event/row.js';
import { day } from '../format.js';
import { t } from '../i18n.js';
import { empty, loader, skeleton } from './states.js';

/** @typedef {import('../event.js').Event} Event */
/** @typedef {{events: Event[], next: string | null}} Page */
/** @typedef {{element: HTMLElement, reload: () => void, beside: (id: string | null, by: 1 | -1 | 0) => Event | undefined, mark: (id: string | null) => void, stop: () => void}} Timeline */

/** Rows after which further pages come only by the button: nobody reads so many, and memory stays flat. */
const BY_ITSELF_MAX = 1_000;

/**
 * @param {object} of
 * @param {(cursor: string | null, signal: AbortSignal) => Promise<Page>} of.load
 * @param {(event: Event) => void} of.onOpen
 * @param {string} of.label
 * @param {'h2' | 'h3'} [of.heading] of a day
 * @param {boolean} [of.systems] whether rows say of which product they are
 * @param {() => HTMLElement} [of.nothing] shown where there are no events
 * @returns {Timeline}
 */
export function timeline({ load, onOpen, label, heading = 'h3', systems = false, nothing }) {
  const element = el('div', { class: systems ? 'timeline systems' : 'timeline', 'data-test': 'timeline' });
  const loading = loader(element);
  /** @type {Event[]} */
  let events = [];
  /** @type {string | null} */
  let marked = null;
  let lastDay = '';
  /** @type {HTMLOListElement | null} */
  let rows = null;
  const more = el('button', { class: 'timeline-more', on: { click: () => void page(more.dataset.next ?? null) } }, t('timeline.more'));
  const seen = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting) && events.length < BY_ITSELF_MAX) more.click();
  }, { rootMargin: '400px' });

  const append = (/** @type {Event[]} */ added) => {
    for (const event of added) {
      const name = day(event.event_time);
      if (name !== lastDay || !rows) {
        lastDay = name;
        rows = el('ol', { class: 'event-rows' });
        element.append(el('section', { class: 'timeline-day', 'aria-label': name }, el(heading, { class: 'timeline-date' }, name), rows));
      }
      rows.append(eventRow(event, { onOpen, current: event.event_id === marked, systems }));
    }
    events = events.concat(added);
  };
  const page = (/** @type {string | null} */ cursor) => {
    seen.unobserve(more);
    more.disabled = true;
    return loading.run(async (signal) => {
      const found = await load(cursor, signal);
      if (cursor === null) {
        fill(element);
        [events, rows, lastDay] = [[], null, ''];
      }
      more.remove();
      if (cursor === null && found.events.length === 0) return fill(element, nothing?.() ?? empty(t('timeline.none')));
      append(found.events);
      if (!found.next) return undefined;
      more.dataset.next = found.next;
      more.disabled = false;
      element.append(more);
      return seen.observe(more);
    });
  };
  element.setAttribute('role', 'region');
  element.setAttribute('aria-label', label);
  return {
    element,
    reload() {
      fill(element, skeleton(8));
      void page(null);
    },
    beside(id, by) {
      const at = events.findIndex((event) => event.event_id === id);
      return at < 0 ? undefined : events[at + by];
    },
    mark(id) {
      marked = id;
      for (const row of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll('.event-row'))) {
        if (row.dataset.event === id) row.setAttribute('aria-current', 'true');
        else row.removeAttribute('aria-current');
      }
    },
    stop() {
      seen.disconnect();
      loading.stop();
    },
  };
}
