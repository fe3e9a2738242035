/** Queries that were asked before, kept by the browser for each project; steps on the way to one are not kept. */

import { project } from '../api.js';

const MOST = 8;
/** What is changed again so soon was a step, in milliseconds. */
const STEP = 20_000;

/** @typedef {{text: string, at: number}} Asked */

const key = () => `kronika.recent.${project() ?? ''}`;

/** @returns {Asked[]} the newest first */
export function recent() {
  try {
    const kept = JSON.parse(localStorage.getItem(key()) ?? '[]');
    return Array.isArray(kept) ? kept.filter((one) => typeof one?.text === 'string') : [];
  } catch {
    return [];
  }
}

/**
 * Keeps a query.
 * @param {string} text
 * @param {number} [now]
 */
export function remember(text, now = Date.now()) {
  if (text === '') return;
  const [last, ...older] = recent();
  const kept = last && now - last.at > STEP ? [last, ...older] : older;
  localStorage.setItem(key(), JSON.stringify([{ text, at: now }, ...kept.filter((one) => one.text !== text)].slice(0, MOST)));
}
