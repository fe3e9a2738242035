/**
 * Fields and their values as people know them: titles in the reader's language, what can be filtered by, what the
 * source systems call their modules and kinds of events.
 */

import { get, project } from '../api.js';
import { catalogue, datasetTitle, eventTitle, moduleTitle } from '../catalog.js';
import { has, language, load, t } from '../i18n.js';

await load('fields');

/** @typedef {{name: string, aliases: string[], meaning: string, kind: string, operators: string[], values: string[]}} Field */

/** @type {Map<string, Promise<Field[]>>} */
const lists = new Map();

/** Everything that can be filtered by in this project, asked once.
 * @returns {Promise<Field[]>} */
export function fieldList() {
  const of = project() ?? '';
  let task = lists.get(of);
  if (!task) {
    task = get('/filters/fields');
    lists.set(of, task);
    task.catch(() => lists.delete(of));
  }
  return task;
}

/**
 * The title of a field: `Event type`; of an inner one its path.
 * @param {string} field
 */
export function label(field) {
  if (has(`field.${field}`)) return t(`field.${field}`);
  return field.replace(/^(attributes|labels)\./, '');
}

/** @type {Map<string, import('../catalog.js').Catalogue>} */
const known = new Map();
/** @type {Set<() => void>} */
const watchers = new Set();

/**
 * Calls when there are new titles.
 * @param {() => void} watcher
 * @returns {() => void} stops
 */
export function onTitles(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/**
 * Loads the catalogues of some source systems.
 * @param {string[]} sources
 * @returns {Promise<boolean>} whether there are new titles
 */
export async function learn(sources) {
  const fresh = sources.filter((source) => !known.has(source)).slice(0, 8);
  const found = await Promise.all(fresh.map((source) => catalogue(source).catch(() => null)));
  // Whoever asked for the same meanwhile has told of them already.
  let some = false;
  found.forEach((one, at) => {
    const source = fresh[at] ?? '';
    if (!one || known.has(source)) return;
    known.set(source, one);
    some = true;
  });
  if (some) for (const watcher of watchers) watcher();
  return some;
}

/**
 * What a value is called; null where it has no other name than itself, or several.
 * @param {string} field
 * @param {string} value
 * @returns {string | null}
 */
export function valueTitle(field, value) {
  if (field === 'outcome') return has(`core.outcome_${value}`) ? t(`core.outcome_${value}`) : null;
  if (field === 'level') return has(`level.${value}`) ? t(`level.${value}`) : null;
  if (field === 'weekday' && /^[1-7]$/.test(value)) return weekdayName(Number(value));
  if (field === 'source') return known.get(value)?.product ?? null;
  /** @type {Set<string>} */
  const titles = new Set();
  for (const of of known.values()) {
    const title = titleIn(of, field, value);
    if (title) titles.add(title);
  }
  return titles.size === 1 ? [...titles][0] ?? null : null;
}

/**
 * @param {import('../catalog.js').Catalogue} of
 * @param {string} field
 * @param {string} value
 */
function titleIn(of, field, value) {
  if (field === 'module') return moduleTitle(of, value);
  if (field === 'dataset') return datasetTitle(of, value);
  if (field === 'event_type' || field === 'type') return eventTitle(of, { event_type: value });
  if (field === 'peer_name' || field === 'peer') return of.peers.get(value) ?? null;
  return null;
}

/** @param {number} day 1 is Monday */
function weekdayName(day) {
  return new Intl.DateTimeFormat(language(), { weekday: 'long', timeZone: 'UTC' }).format(new Date(Date.UTC(2026, 10, 1 + day)));
}

/**
 * A value for people: its title, else itself.
 * @param {string} field
 * @param {string} value
 */
export const shownValue = (field, value) => (value === '' ? t('journal.query.empty_value') : valueTitle(field, value) ?? value);
