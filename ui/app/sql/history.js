/** Statements that were run in this browser, the last ones first: their texts, when, and what became of them. */

import { project } from '../api.js';

/** @typedef {{sql: string, at: number, rows: number | null, ms: number | null, failed: boolean}} Entry */

const KEEP = 200;
/** Characters of all texts, so that the browser's store is never full. */
const ROOM = 400_000;

const name = () => `kronika.sql.history.${project() ?? ''}`;

/** @returns {Entry[]} */
export function history() {
  try {
    const found = JSON.parse(localStorage.getItem(name()) ?? '[]');
    return Array.isArray(found) ? found.filter((one) => typeof one?.sql === 'string') : [];
  } catch {
    return [];
  }
}

/** @param {Entry} entry */
export function remember(entry) {
  const kept = [entry, ...history().filter((one) => one.sql !== entry.sql)].slice(0, KEEP);
  while (kept.length > 1 && kept.reduce((all, one) => all + one.sql.length, 0) > ROOM) kept.pop();
  localStorage.setItem(name(), JSON.stringify(kept));
}

export function forget() {
  localStorage.removeItem(name());
}
