/** The drawer beside a page's own list of events: follows the address (`event=`), steps through the list. */

import { placeFrom } from '../event.js';
import { drawer } from '../journal/drawer.js';
import { change } from '../url.js';
import { CLOSED, openEvent } from './open.js';

/**
 * @param {HTMLElement} outlet
 * @param {() => {beside: (id: string | null, by: 1 | -1 | 0) => import('../event.js').Event | undefined, mark: (id: string | null) => void} | null} list
 * @returns {{update: (params: URLSearchParams) => void, stop: () => void}}
 */
export function eventBeside(outlet, list) {
  /** @type {string | null} */
  let shown = null;
  const panel = drawer({
    onClose: () => change(CLOSED),
    onStep: (by) => {
      const to = list()?.beside(shown, by);
      if (to) openEvent(to);
    },
  });
  outlet.append(panel.element);
  return {
    update(params) {
      const id = params.get('event');
      if (id !== shown) list()?.mark(id);
      shown = id;
      // The row that is there already shows at once.
      if (id) panel.show(id, { ...placeFrom(params), row: list()?.beside(id, 0) ?? null });
      else panel.hide();
    },
    stop: () => panel.stop(),
  };
}
