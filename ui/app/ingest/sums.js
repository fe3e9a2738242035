/** The sums of the ledger: two equations that close at any moment, and what their parts are called. */

import { Problem } from '../api.js';
import { el, icon } from '../dom.js';
import { number } from '../format.js';
import { has, t } from '../i18n.js';
import { figure, words } from '../parts/plain.js';
import { empty } from '../parts/states.js';
import { session } from '../session.js';
import * as url from '../url.js';

/**
 * Runs a question about the whole project; a key that sees a part of it is told why there is no answer.
 * @param {HTMLElement} region
 * @param {() => Promise<unknown>} work
 * @returns {Promise<boolean>} whether it was answered
 */
export async function ofWholeProject(region, work) {
  const { restricted } = session();
  try {
    if (!restricted) await work();
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'restricted_key') throw error;
    return told(region);
  }
  return restricted ? told(region) : true;
}

/** @param {HTMLElement} region */
function told(region) {
  region.replaceChildren(empty(t('ingest.whole_only'), t('ingest.whole_only_why')));
  return false;
}

/** @typedef {Record<string, any>} Totals as the API has them */

/**
 * Whether everything that came in is accounted for.
 * @param {Totals} totals
 */
export function closes(totals) {
  return Number(totals.unaccounted) === 0 && Number(totals.received) === Number(totals.accepted) + Number(totals.duplicates) + Number(totals.rejected);
}

/**
 * An equation: terms on either side, with their signs between them.
 * @param {string} label
 * @param {[name: string, value: number, tone?: import('../parts/plain.js').Tone][]} left
 * @param {[name: string, value: number, tone?: import('../parts/plain.js').Tone][]} right
 */
function equation(label, left, right) {
  const side = (/** @type {typeof left} */ terms) => terms.map(([name, value, tone], at) => [at > 0 && el('span', { class: 'sign' }, '+'), figure(t(`ingest.${name}`), value, { tone, title: t(`ingest.${name}_what`), test: `sum-${name}` })]).flat();
  return el('div', { class: 'equation', role: 'group', 'aria-label': label }, side(left), el('span', { class: 'sign' }, '='), side(right));
}

/** @param {Totals} totals */
export function equations(totals) {
  const lost = Number(totals.unaccounted);
  /** @type {[string, number, import('../parts/plain.js').Tone?][]} */
  const places = [['hot', totals.hot], ['stored', totals.stored], ['retained', totals.retained], ['erased', totals.erased]];
  if (lost !== 0) places.push(['unaccounted', lost, 'bad']);
  return [
    el('p', { class: 'row', 'data-test': 'sums-state' }, closes(totals) ? el('span', { class: 'badge good' }, icon('check'), t('ingest.sums_close')) : el('span', { class: 'badge bad' }, icon('warning'), t('ingest.sums_open', { n: Math.abs(lost) })), el('span', { class: 'muted' }, t(closes(totals) ? 'ingest.sums_close_why' : 'ingest.sums_open_why'))),
    equation(t('ingest.equation_in'), [['received', totals.received]], [['accepted', totals.accepted], ['duplicates', totals.duplicates], ['rejected_lines', totals.rejected, Number(totals.rejected) > 0 ? 'warn' : '']]),
    equation(t('ingest.equation_kept'), [['opening', totals.opening], ['accepted', totals.accepted]], places),
  ];
}

/**
 * The name of a code or of a kind of remark, for people.
 * @param {'code' | 'remark'} of
 * @param {string} name
 */
export function named(of, name) {
  const key = `ingest.${of}_${name}`;
  return has(key) ? t(key) : words(name);
}

/**
 * Counts by name, the most first, each a link where it has somewhere to lead.
 * @param {'code' | 'remark'} of
 * @param {Record<string, number>} counts
 */
export function counts(of, counts) {
  const sorted = Object.entries(counts).sort((a, b) => Number(b[1]) - Number(a[1]));
  const label = (/** @type {string} */ name) => (of === 'code' ? el('a', { href: url.link('/ingest/rejected', { code: name }), title: name }, named(of, name)) : el('span', { title: name }, named(of, name)));
  return el('ul', { class: 'counts' }, sorted.map(([name, count]) => el('li', null, label(name), ' ', el('strong', null, number(count)))));
}
