/**
 * What is different in what is asked for: the values whose share is another than in the time before, or than without the
 * filters. Both sides are facets, which the server counts over all events.
 */

import './later.js';
import { get } from '../api.js';
import { el, fill } from '../dom.js';
import { number, percent, zone } from '../format.js';
import { t } from '../i18n.js';
import { openDialog } from '../parts/dialog.js';
import { empty, loader, skeleton } from '../parts/states.js';
import { shifted } from '../period.js';
import * as url from '../url.js';
import { visible } from '../visible.js';
import { label, shownValue } from './fields.js';
import { changes, toApi } from './query.js';

/** @typedef {import('./query.js').Query} Query */
/** @typedef {import('./facet-list.js').Figures} Figures */
/** @typedef {{field: string, value: string | null, here: number, there: number}} Difference shares, 0 to 1 */

/** Fields that are compared besides those beside the list. */
const BESIDES = ['actor_type', 'channel', 'http_method', 'http_route', 'status', 'error_code', 'unit_name'];
/** Values of a field that are counted on each side, and differences that are told. */
const TOP = 100;
const MOST = 25;
/** Shares that differ by less are the same, and so are those that differ by less than three standard errors. */
const LEAST = 0.01;
const ERRORS = 3;

/**
 * @param {Query} query what is shown
 * @param {string[]} beside fields beside the list
 */
export function openDifferences(query, beside) {
  const now = Date.now();
  const before = shifted(query.period, -1, now, zone());
  const isNarrowed = query.q !== '' || query.groups.length > 0 || query.filters.some((one) => !one.off);
  /** @type {Record<string, Query>} */
  const others = {};
  if (isNarrowed) others.rest = { ...query, filters: [], groups: [], q: '' };
  if (before) others.before = { ...query, period: before };
  const fields = [...new Set([...beside, ...BESIDES])].filter((field) => !query.filters.some((one) => !one.off && one.field === field));
  const region = el('div', { class: 'stack', 'data-test': 'differences' });
  const work = loader(region);
  const compare = (/** @type {Query} */ other) => {
    fill(region, skeleton(8));
    void work.run(async (signal) => {
      const asked = (/** @type {Query} */ of) => get('/facets', toApi(of, { fields: fields.join(','), top: TOP }), signal);
      const [here, there] = await Promise.all([asked(query), asked(other)]);
      draw(here.facets, there.facets);
    });
  };
  const dialog = openDialog(
    t('journal.differences.title'),
    () => {
      const names = Object.keys(others);
      const choice = (/** @type {string} */ name, /** @type {number} */ at) => el('label', { class: 'check' }, el('input', { type: 'radio', name: 'than', checked: at === 0, data: { than: name }, on: { change: () => compare(/** @type {Query} */ (others[name])) } }), t(`journal.differences.${name}`));
      return names.length > 0 ? [el('fieldset', { class: 'differences-than' }, el('legend', { class: 'muted' }, t('journal.differences.than')), names.map(choice)), region] : empty(t('journal.differences.nothing'), t('journal.differences.nothing_detail'));
    },
    { wide: true, onClose: () => work.stop() },
  );
  const first = Object.values(others)[0];
  if (first) compare(first);

  /** @param {Record<string, Figures>} here @param {Record<string, Figures>} there */
  function draw(here, there) {
    const [mine, theirs] = [eventsOf(here), eventsOf(there)];
    const found = fields.flatMap((field) => differencesOf(field, here[field], there[field]));
    found.sort((one, other) => Math.abs(other.here - other.there) - Math.abs(one.here - one.there));
    const sums = el('p', { class: 'muted' }, t('journal.differences.sums', { here: number(mine), there: number(theirs) }));
    const none = () => (mine && theirs ? empty(t('journal.differences.none'), t('journal.differences.none_detail')) : empty(t('journal.differences.nothing')));
    fill(region, sums, found.length > 0 ? table(found.slice(0, MOST)) : none());
  }
  /** @param {Difference[]} found */
  function table(found) {
    const heads = ['field', 'value', 'here', 'there', 'difference'].map((name, at) => el('th', { scope: 'col', class: at > 1 && 'number' }, t(`journal.differences.${name}`)));
    return el('div', { class: 'scroll' }, el('table', { class: 'plain differences' }, el('thead', null, el('tr', null, heads)), el('tbody', null, found.map(line))));
  }
  /** @param {Difference} one */
  function line({ field, value, here, there }) {
    const shown = value == null ? t('journal.facets.missing') : visible(shownValue(field, value));
    const only = () => (dialog.close(), url.change(value == null ? changes.add(query, 'has', '!=', field) : changes.only(query, field, value)));
    const bar = (/** @type {number} */ share, /** @type {string} */ name) => el('td', { class: 'number' }, percent(share, 1), el('span', { class: ['difference-bar', name] }, el('span', { style: { width: `${share * 100}%` } })));
    const points = Math.round((here - there) * 1000) / 10;
    return el('tr', null, el('td', null, label(field)), el('td', null, el('button', { class: 'link', 'data-test': 'difference', data: { field }, on: { click: only } }, el('bdi', null, shown))), bar(here, 'here'), bar(there, 'there'), el('td', { class: 'number' }, t('journal.differences.points', { n: `${points > 0 ? '+' : ''}${number(points)}` })));
  }
}

/** All events of a side: each field counts all. @param {Record<string, Figures>} facets */
const eventsOf = (facets) => Math.max(0, ...Object.values(facets).map((one) => one.events));

/**
 * Values of one field whose shares differ, and not by chance. What is not among the counted values of a side is as frequent as
 * the rarest of them there at most; that much is taken for granted.
 * @param {string} field
 * @param {Figures | undefined} here
 * @param {Figures | undefined} there
 * @returns {Difference[]}
 */
function differencesOf(field, here, there) {
  if (!here || !there || here.events === 0 || there.events === 0) return [];
  const values = new Set([...here.values, ...there.values].map(({ value }) => (value == null ? null : String(value))));
  /** @type {Difference[]} */
  const found = [];
  for (const value of values) {
    const [mine, theirs] = [countOf(here, value), countOf(there, value)];
    const [one, other] = [(mine ?? rarest(here)) / here.events, (theirs ?? rarest(there)) / there.events];
    // Which of two bounds is larger says nothing.
    if ((mine == null && one > other) || (theirs == null && other > one)) continue;
    const all = (one * here.events + other * there.events) / (here.events + there.events);
    const error = Math.sqrt(all * (1 - all) * (1 / here.events + 1 / there.events));
    if (Math.abs(one - other) >= Math.max(LEAST, ERRORS * error)) found.push({ field, value, here: one, there: other });
  }
  return found;
}

/** @param {Figures} figures @param {string | null} value @returns {number | null} null where it was not counted */
function countOf(figures, value) {
  const row = figures.values.find((one) => (one.value == null ? null : String(one.value)) === value);
  return row ? row.count : figures.distinct > figures.values.length ? null : 0;
}

/** @param {Figures} figures */
const rarest = (figures) => Math.min(...figures.values.map((one) => one.count));
