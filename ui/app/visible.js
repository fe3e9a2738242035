/**
 * Texts of events as they are, with nothing in them that hides, moves or colours: what a terminal or a renderer would obey
 * stands there as a symbol.
 */

import { el } from './dom.js';

/** Characters that do not show, or that turn the direction of what follows; ANSI escapes whole. */
const HIDDEN = /\u001b\[[0-9;?]*[ -/]*[@-~]|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * A text in which nothing hides: escapes of terminals are left out with a mark, control and direction characters are named.
 * @param {string} text
 * @returns {string}
 */
export function visible(text) {
  return text.replace(HIDDEN, (found) => {
    const code = found.charCodeAt(0);
    return code === 0x1b ? '⟨ESC⟩' : `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/**
 * The same as nodes; a text that is one address of the web is a link as well.
 * @param {string} text
 * @returns {import('./dom.js').Child}
 */
export function textNode(text) {
  const shown = visible(text);
  if (!/^https?:\/\/[^\s"<>]+$/i.test(text) || text.length > 2_000 || shown !== text) return shown;
  return el('a', { href: text, target: '_blank', rel: 'noopener noreferrer' }, text);
}
