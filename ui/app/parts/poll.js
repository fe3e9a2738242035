/**
 * Asking again and again: quickly while something moves, slowly while nothing does, not at all while nobody looks. A server
 * that is away is waited for; the region keeps what it shows.
 */

import { Away, Problem } from '../api.js';

/**
 * @typedef {object} Poll
 * @property {() => void} now asks at once, and begins to count anew
 * @property {() => void} soon what was asked just now moves: the next question comes soon
 * @property {() => void} stop
 */

/**
 * @param {(signal: AbortSignal) => Promise<boolean>} ask whether something moves, so that the next question comes soon
 * @param {{quick?: number, slow?: number}} [how] milliseconds between questions
 * @returns {Poll}
 */
export function poll(ask, { quick = 1_500, slow = 15_000 } = {}) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {AbortController | null} */
  let running = null;
  let stopped = false;
  const later = (/** @type {number} */ wait) => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(() => void once(), wait);
  };
  async function once() {
    if (stopped || document.hidden) return;
    running?.abort();
    const mine = new AbortController();
    running = mine;
    try {
      const moves = await ask(mine.signal);
      if (running === mine) later(moves ? quick : slow);
    } catch (error) {
      if (mine.signal.aborted) return;
      // The shell tells of a server that is away; a refusal was shown by the first question.
      if (!(error instanceof Away) && !(error instanceof Problem)) throw error;
      later(error instanceof Away ? quick * 2 : slow);
    }
  }
  const seen = () => {
    if (!document.hidden) void once();
  };
  document.addEventListener('visibilitychange', seen);
  later(quick);
  return {
    now: () => void once(),
    soon: () => later(quick),
    stop() {
      stopped = true;
      running?.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    },
  };
}
