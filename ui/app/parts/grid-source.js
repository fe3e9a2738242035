/**
 * What a grid shows the rows of: another list comes when its rows are there, and what failed is told and can be asked again.
 */

import { fill } from '../dom.js';
import { activate, put } from './grid-active.js';
import { draw, drawSoon, redraw } from './grid-draw.js';
import { Pages } from './grid-pages.js';
import { count } from './grid-rows.js';
import { failure } from './states.js';

/** @typedef {import('./grid.js').State} State */
/** @typedef {import('./grid.js').Row} Row */
/** @typedef {import('./grid.js').Source} Source */

/**
 * @param {State} s
 * @param {Source} source
 * @param {{keepPlace?: boolean, first?: Row[], page?: number}} how
 */
export function swap(s, source, { keepPlace = false, first, page = 0 }) {
  s.pages.stop();
  s.fresh = [];
  s.selection.clear();
  s.options.onSelect?.(0);
  if (!keepPlace) s.active = { row: 0, column: -1 };
  use(s, source, first, page);
  if (!keepPlace) put(s, s.track.go(0));
  redraw(s);
}

/**
 * Asks for the rows of another list, and shows it when they are there.
 * @param {State} s
 * @param {Source} source
 * @param {{keepPlace?: boolean}} how
 */
export async function bring(s, source, { keepPlace = false }) {
  const mine = new AbortController();
  s.next = mine;
  busy(s, true);
  s.root.classList.add('stale');
  const page = keepPlace ? Math.max(0, Math.floor((s.track.first - s.fresh.length) / source.size)) : 0;
  try {
    const first = await source.page(page * source.size, mine.signal);
    if (!mine.signal.aborted) swap(s, source, { keepPlace, first, page });
  } catch (error) {
    if (mine.signal.aborted) return;
    source.total ??= { value: 0, relation: 'gte' };
    swap(s, source, { first: [] });
    fail(s, error, () => void bring(s, source, { keepPlace }));
  } finally {
    if (s.next === mine) {
      s.next = null;
      s.root.classList.remove('stale');
      busy(s, false);
    }
  }
}

/** @param {State} s @param {boolean} is */
export function busy(s, is) {
  if (is || s.next) s.root.setAttribute('aria-busy', 'true');
  else s.root.removeAttribute('aria-busy');
  s.options.onBusy?.(is);
}

/**
 * @param {State} s
 * @param {Source} source
 * @param {Row[]} [first]
 * @param {number} [page]
 */
export function use(s, source, first, page = 0) {
  s.source = source;
  s.toEnd = false;
  say(s, null);
  s.pages = new Pages(source, {
    rows: () => {
      say(s, null);
      counted(s);
      drawSoon(s);
    },
    failed: (error) =>
      fail(s, error, () => {
        s.pages.forgive();
        if (count(s) === 0) s.pages.want(0, 0);
        draw(s);
      }),
    busy: (is) => busy(s, is),
  });
  source.onTotal = () => {
    counted(s);
    drawSoon(s);
    s.options.onTotal?.();
  };
  if (first) s.pages.put(page, first);
  counted(s);
  if (source.total == null) s.pages.want(0, 0);
}

/** How many rows there are may have changed. @param {State} s */
export function counted(s) {
  const { total } = s.source;
  s.track.count = count(s);
  s.scroller.setAttribute('aria-rowcount', String(total?.relation === 'eq' ? s.track.count + 1 : -1));
  // A window's own height is counted in: it sticks inside of its element.
  s.sizer.style.height = `${Math.ceil(s.track.height + s.frame.offsetHeight - s.track.view)}px`;
  if (total?.relation === 'eq' && s.track.count === 0 && s.options.whenEmpty && s.empty !== s.source) {
    say(s, s.options.whenEmpty());
    s.empty = s.source;
  }
  if (s.toEnd && total?.relation === 'eq') activate(s, s.track.count - 1);
  s.options.onTotal?.();
}

/** Says what failed, and remembers how to ask again. @param {State} s @param {unknown} error @param {() => void} ask */
function fail(s, error, ask) {
  const again = () => {
    say(s, null);
    ask();
  };
  say(s, failure(error, again));
  s.again = again;
}

/** Instead of rows: nothing, or a failure. @param {State} s @param {HTMLElement | null} content */
export function say(s, content) {
  s.again = null;
  s.empty = null;
  s.over.hidden = content == null;
  s.over.classList.toggle('above', content != null && count(s) > 0);
  if (content) fill(s.over, content);
  else s.over.replaceChildren();
}
