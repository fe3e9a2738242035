/**
 * The page's languages: English, Polish, Russian.
 *
 * Texts lie in `/text/LANGUAGE/PART.json`, one part for the shell (`core`) and one for each view; a view asks
 * for its part before it starts. A text is a string with `{places}`, or an object of plural forms chosen by
 * the number `n`: `{"one": "{n} event", "other": "{n} events"}`. Every key is in all three languages, with all
 * forms of each (a test compares them).
 */

/** @typedef {'en' | 'pl' | 'ru'} Language */

/** @type {readonly Language[]} */
export const LANGUAGES = ['en', 'pl', 'ru'];

/** What the languages call themselves. */
export const NAMES = { en: 'English', pl: 'Polski', ru: 'Русский' };

/** @type {Language} */
let chosen = 'en';
/** @type {Map<string, string | Record<string, string>>} */
const texts = new Map();
/** @type {Map<string, Promise<void>>} */
const loading = new Map();
/** @type {Intl.PluralRules} */
let plurals = new Intl.PluralRules('en');

/** The language of the page. */
export function language() {
  return chosen;
}

/**
 * The language that was asked for: by the address, by an earlier choice, by the browser.
 * @returns {Language}
 */
export function preferred() {
  const asked = [new URLSearchParams(window.location.search).get('lang'), localStorage.getItem('kronika.lang'), ...navigator.languages];
  for (const tag of asked) {
    const found = LANGUAGES.find((language) => tag?.toLowerCase().split('-')[0] === language);
    if (found) return found;
  }
  return 'en';
}

/**
 * Takes a language from now on; parts that were loaded are loaded again.
 * @param {Language} language
 */
export async function use(language) {
  const parts = [...loading.keys()];
  chosen = language;
  plurals = new Intl.PluralRules(language);
  document.documentElement.lang = language;
  texts.clear();
  loading.clear();
  await Promise.all(parts.map(load));
}

/**
 * Loads the texts of a part once.
 * @param {string} part
 * @returns {Promise<void>}
 */
export function load(part) {
  let task = loading.get(part);
  if (!task) {
    task = fetchPart(part);
    loading.set(part, task);
    // What failed is asked again the next time.
    task.catch(() => loading.delete(part));
  }
  return task;
}

/** @param {string} part */
async function fetchPart(part) {
  const answer = await fetch(`/text/${chosen}/${part}.json`);
  if (!answer.ok) throw new Error(`no texts of ${part} in ${chosen}`);
  for (const [key, text] of Object.entries(await answer.json())) texts.set(key, text);
}

/**
 * A text in the page's language. A key that is missing is shown as it is.
 * @param {string} key
 * @param {Record<string, unknown>} [args] what goes into the places; `n` chooses the plural form
 * @returns {string}
 */
export function t(key, args = {}) {
  let text = texts.get(key);
  if (text === undefined) return key;
  if (typeof text === 'object') text = text[plurals.select(Number(args.n ?? 0))] ?? text.other ?? key;
  return text.replace(/\{(\w+)\}/g, (place, name) => (name in args ? shown(args[name]) : place));
}

/**
 * Whether there is a text.
 * @param {string} key
 */
export function has(key) {
  return texts.has(key);
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === 'number' ? new Intl.NumberFormat(chosen).format(value) : String(value);
}

/**
 * One of several texts by language, as catalogues have them.
 * @param {Partial<Record<Language, string>> | string | null | undefined} titles
 * @returns {string}
 */
export function pick(titles) {
  if (titles == null) return '';
  if (typeof titles === 'string') return titles;
  return titles[chosen] ?? titles.en ?? Object.values(titles)[0] ?? '';
}
