/**
 * A region whose code comes when the browser has a moment: the page stands without it, and the first rows do not wait for it.
 */

import { el } from '../dom.js';

/**
 * @template {{element: HTMLElement, stop: () => void}} T
 * @param {() => Promise<T>} make loads the code and makes the region
 */
export function late(make) {
  const element = el('div', { class: 'late' });
  /** @type {T | null} */
  let made = null;
  /** What it is to show as soon as it is there. @type {((region: T) => void) | null} */
  let last = null;
  let stopped = false;
  const begin = async () => {
    if (stopped) return;
    const region = await make();
    if (stopped) return region.stop();
    made = region;
    element.append(region.element);
    last?.(region);
    return undefined;
  };
  if (window.requestIdleCallback) window.requestIdleCallback(() => void begin(), { timeout: 200 });
  else setTimeout(() => void begin());
  return {
    element,
    /** Says what it shows: now, or when it is there. @param {(region: T) => void} what */
    tell(what) {
      last = what;
      if (made) what(made);
    },
    /** The region, if it is there. */
    now: () => made,
    stop() {
      stopped = true;
      made?.stop();
    },
  };
}
