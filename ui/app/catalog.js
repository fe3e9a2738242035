/**
 * What the source systems call their modules and kinds of events: their catalogues, each loaded once.
 *
 * A catalogue has its product's own words and English ones; a reader of another language gets the English.
 */

import { get } from './api.js';
import { language } from './i18n.js';

/** @typedef {{original: string, en: string}} Title */
/** @typedef {{language: string, product: string, datasets: Map<string, Title>, modules: Map<string, Title>, types: Map<string, Title>, peers: Map<string, string>}} Catalogue */

/** @type {Map<string, Promise<Catalogue | null>>} */
const asked = new Map();
/** @type {Map<string, Catalogue>} */
const loaded = new Map();

/**
 * The catalogue of a source; null where there is none, which is no fault.
 * @param {string} source
 * @returns {Promise<Catalogue | null>}
 */
export function catalogue(source) {
  let task = asked.get(source);
  if (!task) {
    task = fetchOne(source);
    asked.set(source, task);
    // What failed for a while is asked again later.
    task.catch(() => asked.delete(source));
  }
  return task;
}

/** @type {Promise<Set<string>> | null} */
let sources = null;

/** The sources that have a catalogue, so that no other is asked for. */
function known() {
  sources ??= get('/catalog').then(
    (answer) => new Set(answer.sources.map((/** @type {any} */ one) => one.source)),
    (error) => {
      sources = null;
      throw error;
    },
  );
  return sources;
}

/** @param {string} source */
async function fetchOne(source) {
  if (!(await known()).has(source)) return null;
  const found = read(await get(`/catalog/${encodeURIComponent(source)}`));
  loaded.set(source, found);
  return found;
}

/**
 * Tables of titles, of the document that the API gives.
 * @param {any} document
 * @returns {Catalogue}
 */
export function read(document) {
  /** @type {Catalogue} */
  const made = { language: document.language, product: String(document.product?.name ?? document.source).split(' (', 1)[0] ?? '', datasets: new Map(), modules: new Map(), types: new Map(), peers: new Map() };
  for (const one of document.datasets ?? []) made.datasets.set(one.id, one.title);
  for (const module of document.modules ?? []) {
    made.modules.set(module.id, module.title);
    for (const peer of module.peers ?? []) made.peers.set(peer.id, peer.name);
    for (const type of module.event_types ?? []) {
      made.types.set(`${module.id} ${type.id}`, type.title);
      if (!made.types.has(type.id)) made.types.set(type.id, type.title);
    }
  }
  return made;
}

/**
 * A title in the reader's language.
 * @param {Catalogue} of
 * @param {Title | undefined} title
 * @returns {string | null}
 */
function told(of, title) {
  if (!title) return null;
  return language() === of.language ? title.original : title.en;
}

/**
 * Calls with the source's catalogue at once if it is there, else when it comes; never where there is none.
 * @param {string | null | undefined} source
 * @param {(of: Catalogue) => void} use
 */
export function withCatalogue(source, use) {
  if (!source) return;
  const now = loaded.get(source);
  if (now) use(now);
  // Titles are an addition: without them ids are shown, and the shell says that the server is away.
  else catalogue(source).then((of) => of && use(of), () => undefined);
}

/**
 * What the product calls a kind of event.
 * @param {Catalogue} of
 * @param {{module?: string | null, event_type?: string | null}} event
 */
export function eventTitle(of, event) {
  return told(of, of.types.get(`${event.module} ${event.event_type}`) ?? of.types.get(String(event.event_type)));
}

/**
 * What the product calls a module.
 * @param {Catalogue} of
 * @param {string | null | undefined} module
 */
export function moduleTitle(of, module) {
  return told(of, of.modules.get(String(module)));
}

/**
 * What the product calls one of its logs.
 * @param {Catalogue} of
 * @param {string | null | undefined} dataset
 */
export function datasetTitle(of, dataset) {
  return told(of, of.datasets.get(String(dataset)));
}
