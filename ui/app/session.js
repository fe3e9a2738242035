/** Who is signed in, and what the key may do. */

import * as api from './api.js';

/**
 * @typedef {object} Session
 * @property {{id: string, name: string, scopes: string[], project: string | null}} key
 * @property {boolean} restricted whether the key sees a part of its project only
 * @property {string | null} expires_at
 * @property {string[]} projects those that may be chosen
 * @property {string} signed_in_with
 */

/** @type {Session | null} */
let now = null;

/** The session; only after {@link load} found one. */
export function session() {
  if (!now) throw new Error('nobody is signed in');
  return now;
}

/**
 * Asks the server who is signed in.
 * @returns {Promise<Session | null>} null where nobody is
 */
export async function load() {
  try {
    now = await api.ask('GET', '/session', { project: '' });
  } catch (error) {
    if (!(error instanceof api.Problem) || error.status !== 401) throw error;
    now = null;
  }
  return now;
}

/**
 * Signs in with a key, or with a link that opens once.
 * @param {{key: string} | {link: string}} by
 */
export async function signIn(by) {
  now = await api.ask('POST', '/session', { body: by, project: '' });
}

/**
 * Ends the session, or all sessions of the key.
 * @param {boolean} [everywhere]
 */
export async function signOut(everywhere = false) {
  await api.ask('DELETE', '/session', { params: everywhere ? { everywhere: 'true' } : undefined, project: '' });
  now = null;
}

/**
 * Whether the key has a scope; an admin key has all but `audit-read`.
 * @param {string} scope
 */
export function may(scope) {
  const scopes = now?.key.scopes ?? [];
  return scopes.includes(scope) || (scope !== 'audit-read' && scopes.includes('admin'));
}
