/**
 * The figures of tiles. What was answered is kept with its tag: asking again costs the server nothing while nothing changed,
 * and a dashboard that refreshes by itself asks one small question first.
 */

import { send, project } from '../api.js';
import { zone } from '../format.js';
import { parse } from '../json.js';
import { resolve } from '../period.js';
import { hasRange } from '../sql/named.js';
import { boundsOf } from '../sql/place.js';

/** @typedef {import('../period.js').Period} Period */
/** @typedef {import('./model.js').Tile} Tile */
/** @typedef {import('../sql/named.js').NamedQuery} NamedQuery */

/** Answers that are kept. */
const KEPT = 60;
/** @type {Map<string, {etag: string | null, body: any}>} */
const kept = new Map();

/**
 * What a tile asks.
 * @param {Tile} tile
 * @param {Period} period
 * @param {NamedQuery[]} queries
 * @returns {{path: string, params: Record<string, any>}}
 */
export function question(tile, period, queries) {
  const { route, name, params } = tile.ask;
  if (route !== 'query') return { path: `/${route}`, params: { ...params, ...period, tz: zone() } };
  const query = queries.find((one) => one.name === name);
  const bounds = query && hasRange(query) ? boundsOf(period, Date.now(), zone()) : {};
  return { path: `/queries/${encodeURIComponent(name ?? '')}`, params: { ...params, ...bounds, format: 'json' } };
}

/**
 * The answer to a tile's question: the very same object where nothing changed.
 * @param {Tile} tile
 * @param {Period} period
 * @param {NamedQuery[]} queries
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
export async function figures(tile, period, queries, signal) {
  const { path, params } = question(tile, period, queries);
  const key = JSON.stringify([project(), path, params]);
  const known = kept.get(key);
  const answer = await send('GET', path, { params, signal, headers: known?.etag ? { 'If-None-Match': known.etag } : {} });
  if (answer.status === 304 && known) return known.body;
  const body = parse(await answer.text());
  kept.delete(key);
  // Of a named query there is no tag: its answer is asked for each time.
  if (answer.headers.has('ETag')) kept.set(key, { etag: answer.headers.get('ETag'), body });
  for (const old of kept.keys()) {
    if (kept.size <= KEPT) break;
    kept.delete(old);
  }
  return body;
}

/**
 * Tells whether anything happened since a moment: one question with a tag about all events from there on.
 * @param {Period} period
 */
export function watch(period) {
  const { from } = resolve(period, Date.now(), zone());
  /** @type {string | null} */
  let etag = null;
  const params = { metric: 'count', from: new Date(from ?? 0).toISOString() };
  return {
    /** @param {AbortSignal} signal @returns {Promise<boolean>} */
    async changed(signal) {
      const answer = await send('GET', '/aggregate', { params, signal, headers: etag ? { 'If-None-Match': etag } : {} });
      const before = etag;
      etag = answer.headers.get('ETag') ?? etag;
      await answer.text();
      return answer.status !== 304 && before !== null;
    },
  };
}
