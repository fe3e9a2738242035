/** All fields of an event, in groups; each value with a menu: only this, not this, copy. */

import { datasetTitle, eventTitle, moduleTitle, withCatalogue } from '../catalog.js';
import { el, icon } from '../dom.js';
import { objectOf, outcomeBadge, personHref, objectHref, relatedOf, typeName } from '../event.js';
import { bytes, duration, time } from '../format.js';
import { has, t } from '../i18n.js';
import { isBranch, jsonView, leaf } from '../parts/jsonview.js';
import { openMenu } from '../parts/menu.js';
import { link } from '../url.js';
import { textNode, visible } from '../visible.js';
import { filterItems, valueItems } from './filter.js';

/** @typedef {import('../event.js').Event} Event */

/** @type {[string, string[]][]} */
const GROUPS = [
  ['what', ['event_type', 'action', 'message', 'outcome', 'status', 'severity_number', 'severity_text', 'error_code', 'error_message', 'visibility']],
  ['who', ['actor_type', 'actor_id', 'actor_name', 'actor_email', 'credential_type', 'credential_id', 'channel', 'client_address', 'user_agent']],
  ['object', ['object_type', 'object_id', 'object_name', 'object_url']],
  ['when', ['event_time', 'observed_time', 'event_timezone', 'sequence', 'duration_ns']],
  ['where', ['source', 'dataset', 'module', 'submodule', 'tenant_id', 'unit_id', 'unit_name']],
  ['call', ['direction', 'peer_name', 'http_method', 'url', 'http_route', 'http_status', 'request_id', 'request_content_type', 'request_body_size', 'response_content_type', 'response_body_size']],
  ['session', ['session_id', 'session_active', 'visitor_id']],
  ['task', ['task_id', 'task_type', 'task_status', 'task_progress', 'task_done_count', 'task_failed_count']],
  ['chain', ['event_id', 'correlation_id', 'causation_id', 'trace_id', 'span_id']],
];

/** Shown by other tabs, or by their own parts here. */
const ELSEWHERE = new Set(['_seq', 'object_refs', 'related', 'object_before', 'object_after', 'changes', 'changed_fields', 'request_headers', 'request_body', 'response_headers', 'response_body', 'attachments', 'labels', 'attributes', 'task_result', 'raw']);

/**
 * @param {Event} event
 * @param {Record<string, any>} explained meanings of codes
 * @returns {HTMLElement}
 */
export function details(event, explained = {}) {
  const grouped = new Set(GROUPS.flatMap(([, names]) => names));
  const rest = Object.keys(event).filter((name) => !grouped.has(name) && !ELSEWHERE.has(name));
  /** @type {[string, string[]][]} */
  const groups = [...GROUPS, ['other', rest]];
  return el(
    'div',
    { class: 'stack event-details' },
    groups.map(([name, fields]) => group(name, fields, event, explained)),
    related(event),
    structured('attributes', event),
    structured('labels', event),
    structured('task_result', event),
  );
}

/**
 * @param {string} name
 * @param {string[]} fields
 * @param {Event} event
 * @param {Record<string, any>} explained
 */
function group(name, fields, event, explained) {
  const there = fields.filter((field) => event[field] != null && event[field] !== '');
  if (there.length === 0) return null;
  return el('section', null, el('h3', { class: 'event-group' }, t(`event.group.${name}`)), el('dl', { class: 'facts' }, there.map((field) => fact(field, event, explained[field]))));
}

/**
 * The title of a field.
 * @param {string} field
 */
export function fieldTitle(field) {
  return has(`field.${field}`) ? t(`field.${field}`) : field;
}

/**
 * @param {string} field
 * @param {Event} event
 * @param {any} meaning
 */
function fact(field, event, meaning) {
  const value = event[field];
  const menu = el('button', { class: 'quiet square fact-menu', 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'aria-label': t('event.value.actions', { field: fieldTitle(field) }) }, icon('more'));
  menu.addEventListener('click', () => openMenu(menu, fieldTitle(field), valueItems(field, value)));
  return el('div', { class: 'fact' }, el('dt', { title: field }, fieldTitle(field)), el('dd', null, el('span', { class: 'fact-value' }, shown(field, event), meaning && meaningNode(meaning)), menu));
}

/** @param {any} meaning */
function meaningNode(meaning) {
  const words = [meaning.name, meaning.source_meaning ?? meaning.meaning].filter((one) => typeof one === 'string' && one).join(': ');
  return words && el('span', { class: 'muted' }, ` ${words}`);
}

/** Fields whose values are codes and ids. */
const CODES = /(_id|_code|_number|sequence|_address|url|route|method)$/;

/**
 * @param {string} field
 * @param {Event} event
 * @returns {import('../dom.js').Children}
 */
function shown(field, event) {
  const value = event[field];
  if (field === 'event_time' || field === 'observed_time') return el('time', { datetime: value, class: 'mono', title: String(value) }, time(value));
  if (field === 'duration_ns') return [duration(value), el('span', { class: 'muted mono' }, ` ${value} ns`)];
  if (field.endsWith('_size')) return bytes(value);
  if (field === 'outcome') return outcomeBadge(event) ?? String(value);
  if (field === 'event_type' || field === 'module' || field === 'dataset' || field === 'source') return titled(field, event);
  if (field === 'action' && has(`noun.${value}`)) return [t(`noun.${value}`), el('span', { class: 'muted mono' }, ` ${value}`)];
  const address = hrefOf(field, event);
  const text = isBranch(value) || typeof value !== 'string' ? leaf(isBranch(value) ? JSON.stringify(value) : value) : el('span', { class: CODES.test(field) ? 'mono pre' : 'pre', dir: 'auto' }, textNode(value));
  return address ? el('a', { href: address }, el('bdi', null, visible(String(value)))) : text;
}

/**
 * A page of ours that a value leads to.
 * @param {string} field
 * @param {Event} event
 */
function hrefOf(field, event) {
  const id = String(event[field]);
  const of = { source: event.source, tenant_id: event.tenant_id };
  if (field === 'actor_id' || field === 'actor_email') return personHref(id, false, event);
  if (field === 'visitor_id') return personHref(id, true, event);
  if (field === 'session_id') return link(`/sessions/${encodeURIComponent(id)}`, of);
  if (field === 'task_id') return link(`/tasks/${encodeURIComponent(id)}`, of);
  if (field === 'causation_id') return link(`/events/${encodeURIComponent(id)}`);
  if (field === 'object_id') return objectOf(event)?.href ?? null;
  return null;
}

/**
 * An id with what the product calls it.
 * @param {string} field
 * @param {Event} event
 */
function titled(field, event) {
  const title = el('span');
  const id = el('span', { class: 'muted mono' }, visible(String(event[field])));
  withCatalogue(event.source, (of) => {
    const found = field === 'event_type' ? eventTitle(of, event) : field === 'module' ? moduleTitle(of, event.module) : field === 'dataset' ? datasetTitle(of, event.dataset) : of.product;
    if (found && found !== event[field]) title.append(`${found} `);
  });
  return [title, id];
}

/** @param {Event} event */
function related(event) {
  const all = relatedOf(event);
  if (all.length === 0) return null;
  return el(
    'section',
    null,
    el('h3', { class: 'event-group' }, t('event.group.related')),
    el('ul', { class: 'plain-list' }, all.map((one) => el('li', null, one.role && el('span', { class: 'muted' }, `${has(`role.${one.role}`) ? t(`role.${one.role}`) : one.role}: `), one.type && `${typeName(one.type)} `, one.type && one.id ? el('a', { href: objectHref(one.type, one.id, event) }, el('bdi', null, visible(one.name ?? one.id))) : one.name))),
  );
}

/**
 * @param {'attributes' | 'labels' | 'task_result'} field
 * @param {Event} event
 */
function structured(field, event) {
  const value = event[field];
  if (value == null || (isBranch(value) && Object.keys(value).length === 0)) return null;
  // The API filters by paths of objects; places in lists have no path there.
  const items = (/** @type {string} */ path, /** @type {unknown} */ one) => (field === 'task_result' || isBranch(one) || one === null || /\.\d+(\.|$)/.test(path) ? [] : /** @type {(import('../parts/menu.js').Item | 'line')[]} */ (['line', ...filterItems(path, one)]));
  return el('section', null, el('h3', { class: 'event-group' }, fieldTitle(field)), jsonView(value, { label: fieldTitle(field), path: field, items }));
}

