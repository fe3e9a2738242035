/** What was typed and not run yet, kept by the browser over the text of the address that it was typed over. */

import { project } from '../api.js';

const name = () => `kronika.sql.draft.${project() ?? ''}`;

/**
 * @param {string | null} base the text of the address
 * @param {string} text
 */
export function keepDraft(base, text) {
  localStorage.setItem(name(), JSON.stringify({ base, text }));
}

export function dropDraft() {
  localStorage.removeItem(name());
}

/**
 * What was typed over a text; null where nothing was.
 * @param {string | null} base
 * @returns {string | null}
 */
export function draftOver(base) {
  try {
    const found = JSON.parse(localStorage.getItem(name()) ?? 'null');
    return found?.base === base && typeof found?.text === 'string' ? found.text : null;
  } catch {
    dropDraft();
    return null;
  }
}
