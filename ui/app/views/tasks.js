/** Background tasks of the sources and of the engine: `/tasks` the list, `/tasks/ID` one of them. */

import { startList } from '../tasks/list.js';
import { startOne } from '../tasks/one.js';
import { segments } from '../routes.js';

/**
 * @param {HTMLElement} outlet
 * @param {import('../url.js').Place} place
 * @returns {import('../routes.js').View}
 */
export function start(outlet, place) {
  const isOne = (/** @type {string} */ path) => segments(path).length > 0;
  const open = (/** @type {import('../url.js').Place} */ at) => (isOne(at.path) ? startOne : startList)(outlet, at);
  let one = isOne(place.path);
  let view = open(place);
  return {
    update(now) {
      if (isOne(now.path) === one) return view.update(now);
      one = !one;
      view.stop?.();
      view = open(now);
      document.getElementById('view')?.focus({ preventScroll: true });
      return undefined;
    },
    stop: () => view.stop?.(),
  };
}
