/**
 * The live tail: new events as they become visible, without a gap and without one twice, over lost connections too.
 *
 * Events are handed on a few times a second, all at once, however many come. Nothing is kept here but the position.
 */

import { Problem, stream } from '../api.js';
import { parse } from '../json.js';

/** @typedef {'connecting' | 'live' | 'waiting' | 'ended'} TailState */

/**
 * @typedef {object} Told
 * @property {(events: Record<string, any>[]) => void} onEvents in the order in which they came
 * @property {(state: TailState, reason?: string | Problem) => void} onState
 * @property {(events: number | null) => void} onDropped the server left some out; how many, where it knows
 */

/** How often events are handed on. */
const EVERY = 120;
/** Longest wait before the connection is tried again. */
const PATIENCE = 5_000;

/**
 * @param {URLSearchParams} params filters, `fields`
 * @param {Told} tell
 * @returns {{stop: () => void}}
 */
export function tail(params, tell) {
  const stopping = new AbortController();
  /** @type {Record<string, any>[]} */
  let arrived = [];
  let timer = 0;
  let lastId = /** @type {string | undefined} */ (undefined);

  function flush() {
    timer = 0;
    const events = arrived;
    arrived = [];
    if (!stopping.signal.aborted) tell.onEvents(events);
  }

  /** @param {import('../api.js').Message} message @returns {boolean} whether the stream is over */
  function take(message) {
    if (message.id) lastId = message.id;
    if (message.event === 'dropped') tell.onDropped(parse(message.data).events ?? null);
    else if (message.event === 'end') return ended(parse(message.data));
    else if (message.data) {
      arrived.push(parse(message.data));
      timer ||= setTimeout(flush, EVERY);
    }
    return false;
  }

  /** @param {{reason: string, detail?: string}} end */
  function ended(end) {
    // A server that restarts comes back; a key that has ended does not.
    if (end.reason === 'shutdown') return false;
    tell.onState('ended', end.detail ?? end.reason);
    return true;
  }

  async function run() {
    for (let wait = 500; !stopping.signal.aborted; wait = Math.min(wait * 1.7, PATIENCE)) {
      tell.onState('connecting');
      try {
        let isFirst = true;
        for await (const message of stream('/tail', { params, lastId, signal: stopping.signal })) {
          if (isFirst) tell.onState('live');
          isFirst = false;
          wait = 500;
          if (take(message)) return;
        }
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (error instanceof Problem && error.status !== 503 && error.status !== 429) return tell.onState('ended', error);
      }
      if (stopping.signal.aborted) return;
      tell.onState('waiting');
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  void run();
  return {
    stop() {
      clearTimeout(timer);
      stopping.abort();
    },
  };
}
