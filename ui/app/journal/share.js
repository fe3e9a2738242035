/** Giving the screen to somebody else: as a link with its exact time or one that moves, as SQL, as a command. */

import './later.js';
import { get, project } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { zone } from '../format.js';
import { t } from '../i18n.js';
import { copy } from '../parts/copy.js';
import { openDialog } from '../parts/dialog.js';
import { boundsLabel, periodLabel } from '../parts/period-label.js';
import { loader, skeleton, why } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import { resolve } from '../period.js';
import { shellQuoted, sqlQuoted } from '../quote.js';
import { layout } from '../sql/layout.js';
import * as url from '../url.js';
import { text, toApi } from './query.js';

/** @typedef {import('./query.js').Query} Query */

/** Parameters that are the reader's own and not of the screen. */
const OWN = ['lang', 'theme', 'live', 'find', 'wrap'];

/**
 * The address of this screen for somebody else. The project and the zone are named: the other reader may have others.
 * @param {{from: number | null, to: number | null} | null} exact fixed bounds instead of the period
 */
export function sharedAddress(exact) {
  const { path, params } = url.here();
  for (const name of OWN) params.delete(name);
  const named = project();
  if (named) params.set('project', named);
  params.set('tz', zone());
  if (exact) {
    for (const name of ['period', 'from', 'to']) params.delete(name);
    const iso = (/** @type {number} */ at) => new Date(at).toISOString().replace('.000Z', 'Z');
    if (exact.from != null) params.set('from', iso(exact.from));
    params.set('to', iso(exact.to ?? Date.now()));
  }
  return `${window.location.origin}${path}?${url.queryText(params)}`;
}

/** Whether a period means something else tomorrow. @param {Query} query */
const moves = ({ period }) => Boolean(period.from?.startsWith('now') || period.to?.startsWith('now') || (period.period && !/^\d/.test(period.period)) || (!period.period && !period.to));

/**
 * @param {Query} query
 */
export function openShare(query) {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const bounds = resolve(query.period, now, zone());
  const moving = moves(query);
  const title = text(query) || t('journal.share.everything');
  openDialog(t('journal.share.title'), () => {
    const address = el('input', { type: 'text', class: 'mono', readOnly: true, 'aria-label': t('journal.share.link'), 'data-test': 'share-link' });
    let exact = true;
    const show = () => (address.value = sharedAddress(exact && moving ? { from: bounds.from, to: bounds.to ?? now } : null));
    const choice = (/** @type {boolean} */ value, /** @type {string} */ name, /** @type {string} */ detail) =>
      el('label', { class: 'check share-choice' }, el('input', { type: 'radio', name: 'share', checked: value, 'data-test': value ? 'share-exact' : 'share-moving', on: { change: () => ((exact = value), show()) } }), el('span', null, name, el('span', { class: 'muted block' }, detail)));
    show();
    address.addEventListener('focus', () => address.select());
    return [
      moving && el('fieldset', null, el('legend', null, t('journal.share.which')), choice(true, t('journal.share.exact'), boundsLabel({ from: bounds.from, to: bounds.to ?? now })), choice(false, t('journal.share.moving'), t('journal.share.moving_detail', { period: periodLabel(query.period, bounds) }))),
      el('label', null, t('journal.share.link'), address),
      el('p', { class: 'muted small' }, t('journal.share.who')),
      address.value.length > 2000 && el('p', { class: 'small' }, icon('warning'), ` ${t('journal.share.long')}`),
      el(
        'footer',
        { class: 'dialog-foot' },
        el('button', { 'data-test': 'share-markdown', on: { click: () => void copy(markdown(title, address.value)) } }, t('journal.share.markdown')),
        el('button', { class: 'primary', autofocus: true, 'data-test': 'share-copy', on: { click: () => void copy(address.value) } }, icon('copy'), t('journal.share.copy_link')),
      ),
    ];
  });
}

/** @param {string} title @param {string} address */
const markdown = (title, address) => `[${title.replace(/[\\[\]]/g, '\\$&')}](${address.replace(/[()\s]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)})`;

/** Copies the address as it stands. */
export const copyLink = () => copy(sharedAddress(null));

/** Rows that a copied question asks for. */
const ROWS = 1000;

/**
 * The statement behind the list, its values put in.
 * @param {Query} query
 * @param {string[]} columns of the table; none: all
 * @param {AbortSignal} [signal]
 * @returns {Promise<string>}
 */
export async function sqlOf(query, columns, signal) {
  // The list reads one row more than it shows, to know whether there are others.
  const { sql, params: values } = await get('/events', asked(query, columns, { explain: 'sql', limit: ROWS - 1 }), signal);
  return inlined(sql, values);
}

/**
 * A statement with its values in the places of `$p1`.
 * @param {string} sql
 * @param {Record<string, unknown>} values
 */
export function inlined(sql, values) {
  return sql.replace(/'(?:[^']|'')*'|\$(\w+)/g, (whole, name) => (name !== undefined && name in values ? literal(values[name]) : whole));
}

/** @param {unknown} value @returns {string} */
function literal(value) {
  if (Array.isArray(value)) return `ARRAY[${value.map(literal).join(', ')}]`;
  if (value === null) return 'NULL';
  return typeof value === 'string' ? sqlQuoted(value) : String(value);
}

/**
 * What the list of this screen asks.
 * @param {Query} query
 * @param {string[]} columns
 * @param {Record<string, string | number>} extra
 */
const asked = (query, columns, extra) => toApi(query, { fields: columns.join(','), sort: url.here().params.get('sort'), ...extra });

/** @param {Query} query @param {string[]} columns */
export async function copySql(query, columns) {
  try {
    await copy(await sqlOf(query, columns));
  } catch (error) {
    toast(why(error), 'failure');
  }
}

/** @param {Query} query @param {string[]} columns */
export function showSql(query, columns) {
  openDialog(
    t('journal.share.sql_title'),
    () => {
      const region = el('div', { class: 'stack' }, skeleton(6));
      void loader(region).run(async (signal) => {
        const sql = layout(await sqlOf(query, columns, signal));
        fill(
          region,
          el('pre', { class: 'code', tabIndex: 0, 'data-test': 'query-sql' }, sql),
          el('p', { class: 'muted small' }, t('journal.share.sql_detail')),
          el('footer', { class: 'dialog-foot' }, el('a', { class: 'button', href: url.link('/sql', { sql }) }, icon('sql'), t('journal.share.open_sql')), el('button', { class: 'primary', on: { click: () => void copy(sql) } }, icon('copy'), t('core.copy'))),
        );
      });
      return region;
    },
    { wide: true },
  );
}

/**
 * A command for a shell that gives the same rows; the key is a variable.
 * @param {Query} query
 * @param {string[]} columns
 */
export function curlOf(query, columns) {
  const address = `${window.location.origin}/api/v1/events?${url.queryText(asked(query, columns, { limit: ROWS }))}`;
  const named = project();
  return ['curl -sS', shellQuoted(address), '-H "Authorization: Bearer $KRONIKA_KEY"', named && `-H ${shellQuoted(`Kronika-Project: ${named}`)}`].filter(Boolean).join(' \\\n  ');
}

/** @param {Query} query @param {string[]} columns */
export const copyCurl = (query, columns) => copy(curlOf(query, columns));
