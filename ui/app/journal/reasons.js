/** An empty list names its reason: nothing in this period, filters that are too narrow, rights; each with a click that helps. */

import { get } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ago, time, zone } from '../format.js';
import { t } from '../i18n.js';
import { dayText } from '../period.js';
import { empty, skeleton, failure } from '../parts/states.js';
import { may, session } from '../session.js';
import * as url from '../url.js';
import { partsIn } from '../zone.js';
import { filterText } from './chips.js';
import { changes, difference, toApi } from './query.js';

/** @typedef {import('./query.js').Query} Query */
/** @typedef {{newest: string | null, matching: string | null, inRange: boolean}} Found */

/** Filters of which it is tried what there would be without them. */
const TRIED = 6;

/**
 * Says why there is nothing, and what to do about it. Shows at once, fills itself.
 * @param {Query} query
 * @returns {HTMLElement}
 */
export function reason(query) {
  const region = el('div', { class: 'reason', role: 'status', 'data-test': 'empty-reason' }, el('div', { class: 'state' }, el('p', { class: 'state-title' }, t('journal.empty.title')), skeleton(2)));
  const work = async () => {
    try {
      const found = await look(query);
      const way = found.inRange ? await lookForWay(query) : null;
      fill(region, told(query, found, way));
    } catch (error) {
      fill(region, empty(t('journal.empty.title')), failure(error, () => void work()));
    }
  };
  void work();
  return region;
}

/** Whether anything narrows the query besides its period. @param {Query} query */
const isFiltered = (query) => query.q !== '' || query.groups.length > 0 || query.filters.some((one) => !one.off);

/** @param {Query} query @returns {Query} */
const bare = (query) => ({ ...query, filters: [], groups: [], q: '' });

/** @param {Query} query @returns {Promise<Found>} */
async function look(query) {
  const newest = async (/** @type {Query} */ of) => {
    const answer = await get('/events', toApi(of, { limit: 1, fields: 'event_time', total: 'none' }));
    return /** @type {string | null} */ (answer.events[0]?.event_time ?? null);
  };
  const ever = { ...query, period: { period: 'all' } };
  const [any, matching, here] = await Promise.all([newest(bare(ever)), isFiltered(query) ? newest(ever) : null, isFiltered(query) ? newest(bare(query)) : null]);
  return { newest: any, matching: isFiltered(query) ? matching : any, inRange: isFiltered(query) && here != null };
}

/** @typedef {{text: string, count: number, more: boolean, change: import('./query.js').Changes}} Try */
/** @typedef {{name: 'without' | 'alone', tries: Try[]}} Way */

/** What narrows a query, each part with the query without it and the one of it alone. @param {Query} query */
function partsOf(query) {
  const off = query.filters.filter((one) => one.off);
  const nothing = { ...query, filters: off, groups: [], q: '' };
  const parts = query.filters
    .filter((one) => !one.off)
    .slice(0, TRIED)
    .map((filter) => ({ text: filterText(filter), without: { ...query, filters: query.filters.map((one) => (one === filter ? { ...one, off: true } : one)) }, alone: { ...nothing, filters: [...off, filter] } }));
  if (query.q) parts.push({ text: `${t('field.q')}: ${query.q}`, without: { ...query, q: '' }, alone: { ...nothing, q: query.q } });
  return parts;
}

/**
 * What helps: one filter less, else one filter alone.
 * @param {Query} query
 * @returns {Promise<Way | null>}
 */
async function lookForWay(query) {
  const parts = partsOf(query);
  if (parts.length < 2) return null;
  for (const name of /** @type {const} */ (['without', 'alone'])) {
    if (name === 'alone' && parts.length < 3) continue;
    const counts = await Promise.all(parts.map((part) => get('/events', toApi(part[name], { limit: 1, fields: 'event_id', total: 10_000 }))));
    const tries = parts.map((part, at) => ({ text: part.text, change: difference(query, part[name]), count: Number(counts[at].total.value), more: counts[at].total.relation === 'gte' })).filter(({ count }) => count > 0);
    if (tries.length > 0) return { name, tries };
  }
  return null;
}

/**
 * @param {Query} query
 * @param {Found} found
 * @param {Way | null} way
 */
function told(query, found, way) {
  const filtered = isFiltered(query);
  const lines = el('div', { class: 'reason-lines' });
  /** @type {HTMLElement[]} */
  const actions = [];
  let text = '';
  if (found.newest == null) {
    text = t(session().restricted ? 'journal.empty.none_restricted' : 'journal.empty.none_at_all');
    if (may('ingest') || may('admin')) actions.push(el('a', { class: 'button', href: url.link('/ingest') }, t('journal.empty.to_ingest')));
  } else if (!found.inRange) {
    text = t('journal.empty.no_data', { when: time(found.newest, { fraction: false }), ago: ago(found.newest) });
    actions.push(goThere(query, found.matching ?? found.newest), ever(query));
  } else if (found.matching) {
    text = t('journal.empty.elsewhere', { when: time(found.matching, { fraction: false }), ago: ago(found.matching) });
    actions.push(goThere(query, found.matching), ever(query));
  } else {
    text = t('journal.empty.too_narrow');
  }
  if (way) fill(lines, el('p', { class: 'muted' }, t(`journal.empty.${way.name}`)), way.tries.map((one) => tryButton(way.name, one)));
  if (filtered && found.newest != null) actions.push(el('button', { 'data-test': 'empty-clear', on: { click: () => url.change(changes.clear(query)) } }, t('journal.empty.clear')));
  const state = empty(t('journal.empty.title'), text, ...actions);
  state.append(lines);
  if (session().restricted && found.newest != null) state.append(el('p', { class: 'muted small' }, icon('key'), ` ${t('journal.empty.restricted', { key: session().key.name })}`));
  return state;
}

/**
 * The day on which there is something.
 * @param {Query} query
 * @param {string} when
 */
function goThere(query, when) {
  const day = dayText(partsIn(Date.parse(when), zone()));
  return el('button', { class: 'primary', 'data-test': 'empty-go', on: { click: () => url.change(changes.period(query, { period: day })) } }, t('journal.empty.go', { day }));
}

/** All time. @param {Query} query */
function ever(query) {
  return el('button', { 'data-test': 'empty-ever', on: { click: () => url.change(changes.period(query, { period: 'all' })) } }, t('time.all'));
}

/** @param {Way['name']} name @param {Try} of */
function tryButton(name, { text, count, more, change }) {
  const label = t(name === 'without' ? 'journal.empty.switch_off' : 'journal.empty.keep_only', { filter: text });
  return el('button', { class: 'reason-line', 'data-test': `empty-${name}`, on: { click: () => url.change(change) } }, el('span', { class: 'grow break' }, label), el('span', { class: 'muted' }, `${more ? '≥ ' : ''}${t('core.events', { n: count })}`));
}
