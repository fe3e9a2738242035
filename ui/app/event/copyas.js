/** An event as other things: JSON, a line of NDJSON, curl, SQL, a link of Markdown. Each gives the same event where it is pasted. */

import { project } from '../api.js';
import { eventHref, placeOf } from '../event.js';
import { time } from '../format.js';
import { t } from '../i18n.js';
import { stringify } from '../json.js';
import { copy } from '../parts/copy.js';
import { shellQuoted, sqlQuoted } from '../quote.js';
import { queryText } from '../url.js';

/** @typedef {import('../event.js').Event} Event */

/**
 * @param {Event} event
 * @param {string} origin
 * @param {string | null} named project
 */
export function curlOf(event, origin, named) {
  const query = queryText(new URLSearchParams(placeOf(event)));
  const address = `${origin}/api/v1/events/${encodeURIComponent(event.event_id)}${query ? `?${query}` : ''}`;
  return [`curl -s ${shellQuoted(address)}`, `-H "Authorization: Bearer $KRONIKA_KEY"`, named && `-H ${shellQuoted(`Kronika-Project: ${named}`)}`].filter(Boolean).join(' \\\n  ');
}

/**
 * A statement for `/query`, `kronika query` or psql. The time chooses the files; the ids choose the event.
 * @param {Event} event
 */
export function sqlOf(event) {
  const conditions = [event.event_time && `event_time = TIMESTAMP ${sqlQuoted(String(event.event_time))}`, `event_id = ${sqlQuoted(String(event.event_id))}`];
  for (const [name, value] of Object.entries(placeOf(event))) conditions.push(`${name} = ${sqlQuoted(value)}`);
  return `SELECT * FROM events\nWHERE ${conditions.filter(Boolean).join('\n  AND ')}`;
}

/**
 * @param {Event} event
 * @param {string} title
 * @param {string} origin
 */
export function markdownOf(event, title, origin) {
  const safe = title.replace(/[\\[\]*_`<>]/g, '\\$&').replaceAll('\n', ' ');
  return `[${safe}](${origin}${eventHref(event).replaceAll('(', '%28').replaceAll(')', '%29')}) (${time(event.event_time)})`;
}

/**
 * A header and a row of CSV (RFC 4180); what has an inside is JSON. A text that a spreadsheet would run is quoted by an apostrophe.
 * @param {Event} event
 */
export function csvOf(event) {
  const cell = (/** @type {unknown} */ value) => {
    const text = value == null ? '' : typeof value === 'string' ? value : stringify(value, 0);
    const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const row = shownRow(event);
  return `${Object.keys(row).map(cell).join(',')}\r\n${Object.values(row).map(cell).join(',')}\r\n`;
}

/**
 * An event without what the engine keeps for itself.
 * @param {Event} event
 */
export function shownRow(event) {
  const { _seq, ...row } = event;
  return row;
}

/**
 * Entries of the menu.
 * @param {() => Event} event
 * @param {() => string} title
 * @returns {import('../parts/menu.js').Item[]}
 */
export function copyItems(event, title) {
  const { origin } = window.location;
  /** @type {[string, () => string][]} */
  const forms = [
    ['link', () => origin + eventHref(event())],
    ['markdown', () => markdownOf(event(), title(), origin)],
    ['json', () => stringify(shownRow(event()))],
    ['ndjson', () => `${stringify(shownRow(event()), 0)}\n`],
    ['csv', () => csvOf(event())],
    ['curl', () => curlOf(event(), origin, project())],
    ['sql', () => sqlOf(event())],
  ];
  return forms.map(([name, make]) => ({ label: t(`event.copy.${name}`), run: () => void copy(make()) }));
}
