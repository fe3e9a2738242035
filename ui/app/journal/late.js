/**
 * A region whose code comes once the first rows are shown, or soon if they take long: the page stands without it, and the rows
 * share neither the line nor the processor with it.
 */

import { el } from '../dom.js';

/** How long rows may keep everything else waiting, in ms. */
export const MOST = 250;

/** @type {() => void} */
let come = () => undefined;
/** @type {Promise<void>} */
const rows = new Promise((resolve) => (come = resolve));
/** @type {Promise<unknown> | null} */
let waiting = null;

/** The first rows are there: what waits for them may come when they are drawn. */
export const rowsCame = () => requestAnimationFrame(() => setTimeout(come));

/** Waits for the first rows, not for long. */
export const afterRows = () => (waiting ??= Promise.race([rows, new Promise((resolve) => setTimeout(resolve, MOST))]));

/**
 * @template {{element: HTMLElement, stop: () => void}} T
 * @param {() => Promise<T>} make loads the code and makes the region
 */
export function late(make) {
  const element = el('div', { class: 'late', 'aria-busy': 'true' });
  /** @type {T | null} */
  let made = null;
  /** What it is to show as soon as it is there. @type {((region: T) => void) | null} */
  let last = null;
  let stopped = false;
  const begin = async () => {
    if (stopped) return;
    const region = await make();
    element.removeAttribute('aria-busy');
    if (stopped) return region.stop();
    made = region;
    element.append(region.element);
    last?.(region);
    return undefined;
  };
  void afterRows().then(begin);
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
