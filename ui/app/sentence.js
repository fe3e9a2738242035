/**
 * One line that says who did what to which object, in the reader's language, with links to their pages.
 *
 * A sentence is a template for the event's action (`act.create` …): with or without who did it, and for what failed. Where no
 * object is named, the product's own title of the event stands for it. Behind the sentence comes what is
 * particular: the message, else the product's title unless that only repeats the action.
 */

import { eventTitle, withCatalogue } from './catalog.js';
import { el } from './dom.js';
import { actorOf, objectOf, typeName } from './event.js';
import { isPlain, partsOf, templateOf, verbOf } from './event/grammar.js';
import { capital } from './format.js';
import { has, t } from './i18n.js';
import { visible } from './visible.js';

/** @typedef {import('./dom.js').Child} Child */
/** @typedef {import('./event.js').Event} Event */

/**
 * The sentence, as nodes. Links have the class `quiet-link`; the particular part has the class `sentence-more`.
 * @param {Event} event
 * @param {{links?: boolean, more?: boolean, most?: number}} [how] without links where a row is a target itself; `most`: characters of the particular part
 * @returns {Child[]}
 */
export function sentence(event, { links = true, more = true, most = 300 } = {}) {
  const actor = actorOf(event);
  const object = objectOf(event);
  const verb = verbOf(String(event.action ?? 'other'), object?.type ?? null, event.event_type);
  const general = templateOf({ verb, type: object?.type ?? null, hasActor: actor != null, hasObject: object != null, failed: event.outcome === 'failure' });
  // Some things are not done as others are: one makes a call, and does not send it.
  const special = general.replace(/^act\.\w+/, (verb) => `${verb}@${object?.type}`);
  const key = has(special) ? special : general;
  const showsTitle = key.startsWith('act.told');
  const parts = partsOf(t(key));
  /** @type {Child[]} */
  const made = parts.map((part, at) => {
    if (typeof part === 'string') return part;
    if (part.place === 'actor') return actor && linked(actor.label, actor.href, links);
    if (part.place === 'title') return titleNode(event, at === 0);
    return object && objectNodes(object, /** @type {'nom' | 'acc' | 'gen'} */ (part.place), at === 0, links);
  });
  if (more) {
    const extra = moreNode(event, verb, showsTitle, most);
    if (extra) made.push(extra);
  }
  return made;
}

/**
 * The same as a text.
 * @param {Event} event
 */
export function sentenceText(event) {
  return el('span', null, sentence(event, { links: false })).textContent ?? '';
}

/**
 * @param {import('./event.js').Thing} object
 * @param {'nom' | 'acc' | 'gen'} form
 * @param {boolean} first whether it begins the sentence
 * @param {boolean} links
 */
function objectNodes(object, form, first, links) {
  const type = object.type ? typeName(object.type, form) : '';
  const shown = first ? capital(type) : type;
  const name = object.name ?? object.id;
  if (!name) return el('span', { class: 'sentence-object' }, shown);
  return el('span', { class: 'sentence-object' }, shown, shown && ' ', linked(name, object.href, links, object.name && object.id ? object.id : undefined));
}

/**
 * @param {string} label
 * @param {string | null} href
 * @param {boolean} links
 * @param {string} [title]
 */
function linked(label, href, links, title) {
  const text = el('bdi', null, visible(label));
  return href && links ? el('a', { class: 'quiet-link', href, title }, text) : el('strong', { class: 'sentence-name', title }, text);
}

/**
 * The product's title of the event; until its catalogue is there, and where it has none, a noun for the action.
 * @param {Event} event
 * @param {boolean} first
 */
function titleNode(event, first) {
  const noun = has(`noun.${event.action}`) && event.action !== 'other' ? t(`noun.${event.action}`) : (String(event.event_type ?? '').split('.').pop() ?? '').replaceAll('_', ' ');
  const node = el('span', { class: 'sentence-title' }, first ? capital(noun) : noun);
  withCatalogue(event.source, (of) => {
    const title = eventTitle(of, event);
    if (title) node.textContent = first ? capital(title) : title;
  });
  return node;
}

/**
 * What is particular about the event.
 * @param {Event} event
 * @param {string} verb
 * @param {boolean} titled whether the title stands in the sentence
 * @param {number} most
 */
function moreNode(event, verb, titled, most) {
  const words = event.error_message && event.outcome === 'failure' ? event.error_message : event.message;
  if (words) return el('span', { class: 'sentence-more', dir: 'auto' }, ` · ${visible(firstLine(String(words), most))}`);
  if (titled || !event.event_type || isPlain(event.event_type, verb)) return null;
  const node = el('span', { class: 'sentence-more' });
  withCatalogue(event.source, (of) => {
    const title = eventTitle(of, event);
    // Some products call an event by its id.
    if (title && title !== event.event_type) node.textContent = ` · ${title}`;
  });
  return node;
}

/**
 * @param {string} text
 * @param {number} most
 */
function firstLine(text, most) {
  return text.length > most || text.includes('\n') ? `${(text.split('\n', 1)[0] ?? '').slice(0, most)}…` : text;
}
