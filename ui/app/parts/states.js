/** What a region shows while it loads, when it is empty, and when it failed. */

import { Away, Problem } from '../api.js';
import { el, icon } from '../dom.js';
import { has, t } from '../i18n.js';

/**
 * Grey bars in the place of content, after 200 ms (by CSS): what is quick does not flicker.
 * @param {number} [lines]
 * @returns {HTMLElement}
 */
export function skeleton(lines = 6) {
  return el('div', { class: 'skeleton', 'aria-hidden': 'true' }, Array.from({ length: lines }, (_, at) => el('div', { style: { width: `${60 + ((at * 37) % 40)}%` } })));
}

/**
 * Nothing to show: why, and what to do about it.
 * @param {string} title
 * @param {string | null} [detail]
 * @param {...HTMLElement} actions
 */
export function empty(title, detail, ...actions) {
  return el('div', { class: 'state' }, el('p', { class: 'state-title' }, title), detail && el('p', { class: 'muted' }, detail), actions.length > 0 && el('div', { class: 'row wrap center' }, actions));
}

/**
 * A failure: what, why, what to do, the request's id, and again.
 * @param {unknown} error
 * @param {() => void} [again]
 */
export function failure(error, again) {
  const problem = error instanceof Problem ? error : null;
  return el(
    'div',
    { class: 'state failed', role: 'alert' },
    el('p', { class: 'state-title' }, icon('warning'), told(error)),
    problem && el('p', null, problem.message),
    problem?.hint && el('p', { class: 'muted' }, problem.hint),
    problem?.requestId && el('p', { class: 'muted small' }, `${t('core.request_id')} `, el('code', null, problem.requestId)),
    again && el('div', { class: 'row center' }, el('button', { on: { click: again } }, icon('refresh'), t('core.again'))),
  );
}

/**
 * What happened, in the reader's language: by the refusal's stable code.
 * @param {unknown} error
 * @returns {string}
 */
export function told(error) {
  if (error instanceof Away) return t('core.away');
  if (error instanceof Problem) return has(`problem.${error.code}`) ? t(`problem.${error.code}`) : error.title ?? error.message;
  return error instanceof Error ? error.message : String(error);
}

/**
 * What happened and, in the server's words, why: one line.
 * @param {unknown} error
 */
export function why(error) {
  const title = told(error);
  return error instanceof Problem && error.message !== title ? `${title}: ${error.message}` : title;
}

/**
 * Fills a region by a call that can be cancelled: a newer call of the same region aborts the older one, and late answers are
 * dropped. The region is `aria-busy` meanwhile and keeps what it shows; a failure of it touches no other region.
 * @param {HTMLElement} region
 * @returns {{run: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>, stop: () => void}}
 */
export function loader(region) {
  /** @type {AbortController | null} */
  let running = null;
  return {
    async run(work) {
      running?.abort();
      const mine = new AbortController();
      running = mine;
      region.setAttribute('aria-busy', 'true');
      try {
        await work(mine.signal);
      } catch (error) {
        if (mine.signal.aborted) return;
        region.replaceChildren(failure(error, () => void this.run(work)));
      } finally {
        if (running === mine) region.removeAttribute('aria-busy');
      }
    },
    stop() {
      running?.abort();
      running = null;
      region.removeAttribute('aria-busy');
    },
  };
}
