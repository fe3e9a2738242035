/**
 * What of an event is the same everywhere: who did it, to what, how it ended, and where its pages are.
 *
 * Takes rows of `/events` and of one event's detail; what a row leaves out is not shown.
 */

import { el, icon } from './dom.js';
import { has, load, t } from './i18n.js';
import { style } from './routes.js';
import { link } from './url.js';

/** @typedef {Record<string, any>} Event a row of the API: the columns of the table `events` */

/** @typedef {{id: string | null, label: string, kind: string | null, href: string | null}} Actor */
/** @typedef {{type: string | null, id: string | null, name: string | null, href: string | null}} Thing */

/** Loads the texts and styles of events; whoever shows an event waits for it once. */
export async function ready() {
  await Promise.all([load('event'), load('fields'), style('event')]);
}

/** What a source writes where it has no id. */
const NO_IDS = new Set(['', '-', 'null', 'undefined']);

/**
 * @param {unknown} value
 * @returns {string | null}
 */
function said(value) {
  const text = value == null ? '' : String(value).trim();
  return NO_IDS.has(text) ? null : text;
}

/**
 * Who did it: the name that is shown, and the page of the person, the key, or the visitor.
 * @param {Event} event
 * @returns {Actor | null}
 */
export function actorOf(event) {
  const id = said(event.actor_id);
  const email = said(event.actor_email);
  const visitor = said(event.visitor_id);
  const name = said(event.actor_name);
  const label = name ?? email ?? id ?? visitor;
  if (!label) return null;
  const kind = said(event.actor_type);
  const isVisitor = !id && (visitor != null || kind === 'visitor' || kind === 'customer');
  const page = id ?? visitor ?? email;
  return { id: id ?? email ?? visitor, label, kind, href: page ? personHref(page, isVisitor, event) : null };
}

/**
 * @param {string} id
 * @param {boolean} isVisitor
 * @param {Event} event
 */
export function personHref(id, isVisitor, event) {
  return link(`/${isVisitor ? 'visitors' : 'actors'}/${encodeURIComponent(id)}`, { source: event.source, tenant_id: event.tenant_id });
}

/**
 * What it was done to.
 * @param {Event} event
 * @returns {Thing | null}
 */
export function objectOf(event) {
  return thing(event.object_type, event.object_id, event.object_name, event);
}

/**
 * Other objects that the event names, each with its role.
 * @param {Event} event
 * @returns {(Thing & {role: string | null})[]}
 */
export function relatedOf(event) {
  const found = [];
  for (const one of Array.isArray(event.related) ? event.related : []) {
    const made = thing(one?.type, one?.id, one?.name, event);
    if (made) found.push({ ...made, role: said(one.role) });
  }
  return found;
}

/**
 * @param {unknown} type
 * @param {unknown} id
 * @param {unknown} name
 * @param {Event} event
 * @returns {Thing | null}
 */
function thing(type, id, name, event) {
  const [kind, key] = [said(type), said(id)];
  if (!kind && !key) return null;
  return { type: kind, id: key, name: said(name), href: kind && key ? objectHref(kind, key, event) : null };
}

/**
 * The page of an object, which tells of it in every system; `of` says whose object is meant where several have the id.
 * @param {string} type
 * @param {string} id
 * @param {{source?: unknown, tenant_id?: unknown}} [of]
 */
export function objectHref(type, id, of = {}) {
  const { source_of: system, tenant_of: tenant } = placeParams(of);
  return link(`/objects/${encodeURIComponent(type)}/${encodeURIComponent(id)}`, { system, tenant });
}

/**
 * The address of one event, which opens it outside of any filter. Ids are unique inside of one log of one source and tenant.
 * @param {Event} event
 * @param {Record<string, string | null>} [more]
 */
export function eventHref(event, more = {}) {
  return link(`/events/${encodeURIComponent(event.event_id)}`, { ...more, ...placeParams(event) });
}

/**
 * Which event is meant, as parameters of the page: those of its filters have the plain names.
 * @param {{source?: unknown, dataset?: unknown, tenant_id?: unknown}} of
 * @returns {Record<string, string | null>}
 */
export function placeParams(of) {
  const text = (/** @type {unknown} */ value) => (value ? String(value) : null);
  return { source_of: text(of.source), dataset_of: text(of.dataset), tenant_of: text(of.tenant_id) };
}

/**
 * The same read from the address.
 * @param {URLSearchParams} params
 * @returns {Record<string, string>}
 */
export function placeFrom(params) {
  return placeOf({ source: params.get('source_of'), dataset: params.get('dataset_of'), tenant_id: params.get('tenant_of') });
}

/**
 * The parameters that tell an event, or an object, apart from others with the same id.
 * @param {{source?: unknown, dataset?: unknown, tenant_id?: unknown}} of
 * @returns {Record<string, string>}
 */
export function placeOf(of) {
  /** @type {Record<string, string>} */
  const place = {};
  for (const name of /** @type {const} */ (['source', 'dataset', 'tenant_id'])) if (of[name]) place[name] = String(of[name]);
  return place;
}

/** @typedef {'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'} Level */

/** @type {Level[]} */
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/**
 * The level of an event, by its number (1 to 24, four for each word).
 * @param {Event} event
 * @returns {Level | null}
 */
export function levelOf(event) {
  const number = Number(event.severity_number);
  return LEVELS[Math.floor((number - 1) / 4)] ?? null;
}

/**
 * How it ended, as a word with a shape and a colour: the outcome, else the level if it is a warning or worse, else the
 * source's own word for the state.
 * @param {Event} event
 * @returns {HTMLElement | null}
 */
export function outcomeBadge(event) {
  const level = levelOf(event);
  const status = said(event.status) ?? said(event.task_status);
  if (event.outcome === 'failure') return badge('bad', 'close', t('core.outcome_failure'), status);
  if (level === 'error' || level === 'fatal') return badge('bad', 'warning', t(`level.${level}`), status);
  if (level === 'warn') return badge('warn', 'warning', t('level.warn'), status);
  if (event.outcome === 'success') return badge('good', 'check', t('core.outcome_success'), status);
  if (status) return el('span', { class: 'badge' }, el('bdi', null, status));
  return null;
}

/**
 * @param {string} kind
 * @param {import('./dom.js').IconName} shape
 * @param {string} word
 * @param {string | null} status
 */
function badge(kind, shape, word, status) {
  return el('span', { class: `badge ${kind}`, title: status && status !== word ? status : undefined }, icon(shape), word);
}

/**
 * The class of an HTTP status as a badge, or nothing.
 * @param {Event} event
 * @returns {HTMLElement | null}
 */
export function statusBadge(event) {
  const status = Number(event.http_status);
  if (!status) return null;
  const kind = status >= 500 ? 'bad' : status >= 400 ? 'warn' : status >= 200 && status < 300 ? 'good' : '';
  return el('span', { class: `badge ${kind}` }, `HTTP ${status}`);
}

/**
 * The name of a type of objects in the reader's language, in one of three cases: `nom`inative, `acc`usative, `gen`itive.
 * A type that no text knows is told by its id.
 * @param {string} type
 * @param {'nom' | 'acc' | 'gen'} [form]
 */
export function typeName(type, form = 'nom') {
  const key = `type.${type}`;
  if (!has(key)) return type.replaceAll(/[_.]/g, ' ');
  const forms = t(key).split('|');
  return (form === 'gen' ? forms[2] : form === 'acc' ? forms[1] : undefined) ?? forms[0] ?? type;
}
