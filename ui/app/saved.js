/** What people save of the page (`/api/v1/views`): screens of the journal, statements, dashboards; each with a version, so that nobody overwrites what somebody else changed meanwhile. */

import { ask, del, get, send } from './api.js';
import { parse } from './json.js';
import { session } from './session.js';

/** @typedef {'journal' | 'sql' | 'dashboard'} Kind */

/**
 * @typedef {object} Saved
 * @property {string} id
 * @property {Kind} kind
 * @property {string} name
 * @property {Record<string, any>} state
 * @property {boolean} shared
 * @property {boolean} [default]
 * @property {boolean} [builtin] came with the program; it can be copied only
 * @property {string | null} [owner]
 * @property {string | null} [owner_name]
 * @property {string | null} [updated_at]
 */

/** @typedef {{kind: Kind, name: string, state: Record<string, any>, shared?: boolean, default?: boolean}} NewSaved */

/**
 * @param {Kind} kind
 * @param {AbortSignal} [signal]
 * @returns {Promise<Saved[]>}
 */
export const list = (kind, signal) => get('/views', { kind }, signal);

/**
 * One of them, and the version by which it can be replaced.
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<{saved: Saved, etag: string | null}>}
 */
export async function read(id, signal) {
  const answer = await send('GET', `/views/${encodeURIComponent(id)}`, { signal });
  return { saved: parse(await answer.text()), etag: answer.headers.get('ETag') };
}

/**
 * @param {NewSaved} what
 * @returns {Promise<Saved>}
 */
export function create(what) {
  return ask('POST', '/views', { body: { shared: false, ...what } });
}

/**
 * Replaces one; a problem with status 412 says that it was changed since it was read.
 * @param {string} id
 * @param {NewSaved} what
 * @param {string | null} etag
 * @returns {Promise<{saved: Saved, etag: string | null}>}
 */
export async function replace(id, what, etag) {
  const answer = await send('PUT', `/views/${encodeURIComponent(id)}`, { body: { shared: false, ...what }, headers: etag ? { 'If-Match': etag } : {} });
  return { saved: parse(await answer.text()), etag: answer.headers.get('ETag') };
}

/** @param {string} id */
export const remove = (id) => del(`/views/${encodeURIComponent(id)}`);

/**
 * Whether it is the reader's own.
 * @param {Saved} saved
 */
export const isOwn = (saved) => !saved.builtin && (saved.owner == null || saved.owner === session().key.id);
