/**
 * What happened around an event: ±N events that share its object, person, session, task or trace, each with its distance in time.
 * The choice is in the address (`near`, `around`).
 */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { duration, instant } from '../format.js';
import { t } from '../i18n.js';
import { empty, skeleton } from '../parts/states.js';
import { sentenceText } from '../sentence.js';
import { change, here } from '../url.js';
import { listHref } from './filter.js';
import { openEvent } from './open.js';
import { eventRow } from './row.js';

/** @typedef {import('../event.js').Event} Event */
/** @typedef {{run: (work: (signal: AbortSignal) => Promise<void>) => Promise<void>}} Loading */

const SIZES = [10, 50, 100, 500, 1000];
/** Rows that are made at once, on each side. */
const CHUNK = 50;
const FIELDS = 'event_id,event_time,source,dataset,tenant_id,module,event_type,action,message,severity_number,outcome,status,error_message,actor_type,actor_id,actor_name,actor_email,visitor_id,object_type,object_id,object_name,http_status,task_status,_seq';

/**
 * What an event can share with others, and the filter that finds them.
 * @param {Event} event
 * @returns {[string, Record<string, string>][]}
 */
export function kindsOf(event) {
  const source = String(event.source);
  const has = (/** @type {string} */ name) => event[name] != null && event[name] !== '' && event[name] !== '-';
  /** @type {[string, Record<string, string>][]} */
  const kinds = [];
  if (has('object_type') && has('object_id')) kinds.push(['object', { object: `${event.object_type}:${event.object_id}` }]);
  for (const [name, column] of [['actor', 'actor_id'], ['visitor', 'visitor_id'], ['session', 'session_id'], ['task', 'task_id']]) {
    if (name && column && has(column)) kinds.push([name, { source, [column]: String(event[column]) }]);
  }
  for (const [name, column] of [['correlation', 'correlation_id'], ['trace', 'trace_id']]) {
    if (name && column && has(column)) kinds.push([name, { [column]: String(event[column]) }]);
  }
  kinds.push(['log', { source, dataset: String(event.dataset), tenant_id: String(event.tenant_id) }]);
  return kinds;
}

/**
 * The events before and after one, in order of time and place, itself among them.
 * @param {Event} event
 * @param {Event[]} before
 * @param {Event[]} after from its moment on
 * @param {number} size
 */
export function around(event, before, after, size) {
  const key = (/** @type {Event} */ one) => `${one.source} ${one.dataset} ${one.tenant_id} ${one.event_id}`;
  const all = [...new Map([...before, event, ...after].map((one) => [key(one), one])).values()];
  all.sort((a, b) => compare(a.event_time, b.event_time) || (BigInt(a._seq ?? 0) < BigInt(b._seq ?? 0) ? -1 : 1));
  const at = all.findIndex((one) => key(one) === key(event));
  return all.slice(Math.max(0, at - size), at + size + 1);
}

/**
 * Two instants of the API, which differ in the number of their digits.
 * @param {string} a
 * @param {string} b
 */
function compare(a, b) {
  const digits = (/** @type {string} */ text) => (/\.(\d+)/.exec(text)?.[1] ?? '').padEnd(9, '0');
  return instant(a) - instant(b) || digits(a).localeCompare(digits(b));
}

/**
 * @param {HTMLElement} panel
 * @param {Event} event
 * @param {Loading} loading
 */
export function showNeighbours(panel, event, loading) {
  const kinds = kindsOf(event);
  const { params } = here();
  const [kind, filter] = kinds.find(([name]) => name === params.get('near')) ?? kinds[0] ?? ['log', {}];
  const size = SIZES.find((one) => String(one) === params.get('around')) ?? 10;
  const list = el('ol', { class: 'event-rows near', 'aria-label': t('event.near.label') });
  const count = el('span', { class: 'muted small', role: 'status' });
  const words = el('input', { type: 'search', placeholder: t('event.near.filter'), 'aria-label': t('event.near.filter') });
  fill(
    panel,
    el(
      'div',
      { class: 'row wrap panel-head' },
      choice(t('event.near.same'), kinds.map(([name]) => [name, t(`event.near.${name}`)]), kind, (near) => choose({ near })),
      choice(t('event.near.size'), SIZES.map((one) => [String(one), `±${one}`]), String(size), (around) => choose({ around })),
      words,
      el('a', { class: 'button quiet', href: listHref(filter) }, icon('journal'), t('event.near.all')),
    ),
    count,
    list,
  );
  const choose = (/** @type {Record<string, string>} */ changes) => {
    change(changes, { replace: true });
    showNeighbours(panel, event, loading);
  };
  const body = el('div', null, skeleton(6));
  list.replaceWith(body);
  void loading.run(async (signal) => {
    const of = { ...filter, fields: FIELDS, total: 'none', limit: Math.min(size + 1, 1000) };
    const [before, after] = await Promise.all([api.get('/events', { ...of, to: event.event_time, sort: '-event_time' }, signal), api.get('/events', { ...of, from: event.event_time, sort: 'event_time' }, signal)]);
    const all = around(event, before.events, after.events, size);
    if (all.length < 2) return void fill(body, empty(t('event.near.none')));
    fill(body, list);
    const middle = all.findIndex((one) => one.event_id === event.event_id);
    const made = (/** @type {Event} */ one) => eventRow(one, { onOpen: (to) => openEvent(to), when: distance(event, one), current: one.event_id === event.event_id });
    rows(list, all, made, middle);
    /** @type {string[] | null} */
    let texts = null;
    words.addEventListener('input', () => {
      const wanted = words.value.trim().toLocaleLowerCase();
      texts ??= all.map((one) => `${sentenceText(one)} ${one.outcome ?? ''} ${one.event_id}`.toLocaleLowerCase());
      const found = all.filter((one, at) => one.event_id === event.event_id || (texts?.[at] ?? '').includes(wanted));
      rows(list, found, made, wanted ? 0 : middle);
      count.textContent = wanted ? t('core.events', { n: found.length }) : '';
    });
  });
}

/**
 * Rows around the event; those further away are made when the list is scrolled there.
 * @param {HTMLElement} list
 * @param {Event[]} all
 * @param {(one: Event) => HTMLElement} made
 * @param {number} middle number of the row that is seen first
 */
function rows(list, all, made, middle) {
  let [from, to] = [Math.max(0, middle - CHUNK), Math.min(all.length, middle + CHUNK)];
  list.replaceChildren(...all.slice(from, to).map(made));
  const ends = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      if (target === list.firstElementChild && from > 0) {
        const start = Math.max(0, from - CHUNK);
        const top = target.getBoundingClientRect().top;
        list.prepend(...all.slice(start, from).map(made));
        // What is read stays where it is, also at the very top, where browsers do not see to it.
        const scrolled = list.closest('.drawer-body');
        if (scrolled) scrolled.scrollTop += target.getBoundingClientRect().top - top;
        from = start;
      }
      if (target === list.lastElementChild && to < all.length) {
        list.append(...all.slice(to, to + CHUNK).map(made));
        to += CHUNK;
      }
    }
    watch();
  }, { rootMargin: '300px' });
  const watch = () => {
    ends.disconnect();
    for (const end of [from > 0 && list.firstElementChild, to < all.length && list.lastElementChild]) if (end) ends.observe(end);
  };
  list.querySelector('[aria-current]')?.scrollIntoView({ block: from > 0 ? 'center' : 'nearest' });
  watch();
}

/**
 * @param {string} label
 * @param {[string, string][]} options
 * @param {string} chosen
 * @param {(value: string) => void} onChoose
 */
function choice(label, options, chosen, onChoose) {
  const select = el('select', { 'aria-label': label, title: label }, options.map(([value, text]) => el('option', { value, selected: value === chosen }, text)));
  select.addEventListener('change', () => onChoose(select.value));
  return select;
}

/**
 * How far an event is from another: `+1.2 s`.
 * @param {Event} from
 * @param {Event} to
 */
export function distance(from, to) {
  const digits = (/** @type {string} */ text) => BigInt((/\.(\d+)/.exec(text)?.[1] ?? '').padEnd(9, '0').slice(0, 9));
  const whole = (/** @type {string} */ text) => BigInt(Math.floor(instant(text) / 1000)) * 1_000_000_000n + digits(text);
  const ns = whole(to.event_time) - whole(from.event_time);
  if (ns === 0n) return '0';
  return `${ns < 0n ? '−' : '+'}${far(ns < 0n ? -ns : ns)}`;
}

/** @param {bigint} ns */
function far(ns) {
  const days = ns / 86_400_000_000_000n;
  return days >= 2n ? t('event.near.days', { n: Number(days) }) : duration(Number(ns));
}
