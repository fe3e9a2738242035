/**
 * The one event that is open beside the list: `event=` in the address, or `/events/ID`, which opens it outside of any filter.
 * The drawer's code comes with the first event.
 */

import { placeFrom, placeParams } from '../event.js';
import { segments } from '../routes.js';
import * as url from '../url.js';

/** @typedef {Record<string, any>} Row */

/**
 * Which event the address names.
 * @param {url.Place} place
 * @returns {string | null}
 */
export function openId(place) {
  return (place.path.startsWith('/events/') ? segments(place.path)[0] : place.params.get('event')) ?? null;
}

/**
 * @param {object} options
 * @param {HTMLElement} options.region where the drawer stands
 * @param {(by: 1 | -1) => void} options.onStep
 * @param {(id: string) => Row | null} options.rowOf the row of an event, if the list has it
 */
export function openedEvent({ region, onStep, rowOf }) {
  /** @type {import('./drawer.js').Drawer | null} */
  let drawer = null;
  let stopped = false;
  /** @type {url.Place} */
  let place = url.here();

  async function load() {
    const { drawer: make } = await import('./drawer.js');
    if (stopped || drawer) return;
    drawer = make({ onClose: close, onStep });
    region.append(drawer.element);
  }

  /** Closing is an action of its own: Back opens the event again. */
  function close() {
    const { path, params } = url.here();
    for (const name of ['event', 'tab', 'near', 'around', 'source_of', 'dataset_of', 'tenant_of']) params.delete(name);
    const text = url.queryText(params);
    url.go(`${path.startsWith('/events/') ? '/' : path}${text ? `?${text}` : ''}`);
  }

  return {
    /** @param {url.Place} now */
    async update(now) {
      place = now;
      const id = openId(now);
      if (!id) return drawer?.hide();
      await load();
      // The address may have changed while the code came.
      if (stopped || openId(place) !== id) return undefined;
      return drawer?.show(id, { ...placeFrom(place.params), row: rowOf(id) });
    },
    /**
     * Opens a row's event.
     * @param {Row} row
     * @param {{step?: boolean}} [how] a step from one to the next is no entry of the history
     */
    open(row, { step = false } = {}) {
      const { path, params } = url.here();
      params.set('event', String(row.event_id));
      for (const [name, value] of Object.entries(placeParams(row))) {
        if (value) params.set(name, value);
        else params.delete(name);
      }
      const address = `${path.startsWith('/events/') ? '/' : path}?${url.queryText(params)}`;
      if (step && path === '/') url.change(Object.fromEntries([...params].filter(([name]) => ['event', 'source_of', 'dataset_of', 'tenant_of'].includes(name))), { replace: true });
      else url.go(address);
    },
    isOpen: () => openId(url.here()) != null,
    stop() {
      stopped = true;
      drawer?.stop();
      drawer?.element.remove();
    },
  };
}
