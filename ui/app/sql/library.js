/** What stands beside the editor: named queries, saved statements, what was run, and the tables with their columns. */

import { el, fill, icon } from '../dom.js';
import { ago, duration } from '../format.js';
import { t } from '../i18n.js';
import { confirm } from '../parts/dialog.js';
import { menuButton } from '../parts/menu.js';
import { empty, loader, skeleton } from '../parts/states.js';
import { tabs } from '../parts/tabs.js';
import * as saved from '../saved.js';
import { forget, history } from './history.js';
import { namedQueries } from './named.js';
import { schema } from './schema.js';

/**
 * @typedef {object} LibraryOptions
 * @property {string} tab
 * @property {(tab: string) => void} onTab
 * @property {(name: string) => void} onNamed
 * @property {(one: saved.Saved) => void} onSaved
 * @property {(one: saved.Saved) => void} onRename
 * @property {(sql: string) => void} onHistory
 * @property {(text: string) => void} onInsert
 */

/** @param {LibraryOptions} options */
export function library(options) {
  /** @type {Record<string, (panel: HTMLElement) => void>} */
  const shows = { queries: (panel) => queriesPanel(panel, options), saved: (panel) => savedPanel(panel, options), history: (panel) => historyPanel(panel, options), tables: (panel) => tablesPanel(panel, options) };
  const box = tabs(t('sql.library'), Object.entries(shows).map(([id, show]) => ({ id, label: t(`sql.tab_${id}`), show })), options.tab, options.onTab);
  return {
    element: box,
    /** Something was saved or run. @param {string} tab */
    refresh(tab) {
      if (box.querySelector('[aria-selected=true]')?.getAttribute('data-tab') === tab) box.choose(tab);
    },
    choose: box.choose,
  };
}

/**
 * A panel with a field that narrows its list.
 * @param {HTMLElement} panel
 * @param {string} label
 * @param {(words: string) => import('../dom.js').Children} make
 * @param {import('../dom.js').Children} [more]
 */
function filtered(panel, label, make, more) {
  const list = el('div', { class: 'sql-list' });
  const input = el('input', { type: 'search', placeholder: label, 'aria-label': label, on: { input: () => fill(list, make(input.value)) } });
  fill(list, make(''));
  fill(panel, el('div', { class: 'row' }, el('div', { class: 'grow sql-search' }, input), more), list);
}

/**
 * Whether all words stand in one of the texts.
 * @param {string} words
 * @param {...(string | null | undefined)} texts
 */
const holds = (words, ...texts) => words.toLowerCase().split(/\s+/).filter(Boolean).every((word) => texts.some((text) => text?.toLowerCase().includes(word)));

/**
 * @param {HTMLElement} panel
 * @param {LibraryOptions} options
 */
function queriesPanel(panel, options) {
  fill(panel, skeleton(5));
  void loader(panel).run(async (signal) => {
    const all = await namedQueries(signal);
    filtered(panel, t('sql.search_queries'), (words) => {
      const found = all.filter((one) => holds(words, one.name, one.title, one.description));
      return found.length > 0 ? found.map((one) => queryEntry(one, options)) : el('p', { class: 'muted' }, t('sql.none_found'));
    });
  });
}

/**
 * @param {import('./named.js').NamedQuery} one
 * @param {LibraryOptions} options
 */
function queryEntry(one, options) {
  if (one.error) return el('div', { class: 'sql-entry' }, el('span', { class: 'sql-entry-title' }, one.name), el('span', { class: 'field-error small' }, t('sql.broken'), ' ', one.error.message ?? one.error.reason ?? ''));
  return el('button', { class: 'quiet sql-entry', title: one.description, 'data-test': `query-${one.name}`, on: { click: () => options.onNamed(one.name) } }, el('span', { class: 'sql-entry-title' }, one.title ?? one.name), el('span', { class: 'muted small mono' }, one.name));
}

/**
 * @param {HTMLElement} panel
 * @param {LibraryOptions} options
 */
function savedPanel(panel, options) {
  fill(panel, skeleton(5));
  void loader(panel).run(async (signal) => {
    const all = await saved.list('sql', signal);
    if (all.length === 0) return fill(panel, empty(t('sql.no_saved'), t('sql.no_saved_hint')));
    return filtered(panel, t('sql.search_saved'), (words) => all.filter((one) => holds(words, one.name, one.state.sql)).map((one) => savedEntry(one, options, () => savedPanel(panel, options))));
  });
}

/**
 * @param {saved.Saved} one
 * @param {LibraryOptions} options
 * @param {() => void} again
 */
function savedEntry(one, options, again) {
  const remove = async () => {
    if (!(await confirm({ title: t('sql.delete_title'), text: t('sql.delete_text', { name: one.name }), action: t('core.delete'), danger: true }))) return;
    await saved.remove(one.id);
    again();
  };
  return el(
    'div',
    { class: 'row sql-saved' },
    el('button', { class: 'quiet sql-entry grow', on: { click: () => options.onSaved(one) } }, el('span', { class: 'sql-entry-title' }, one.name), el('span', { class: 'muted small' }, one.shared ? t('sql.shared_by', { name: one.owner_name ?? '' }) : t('sql.private'))),
    saved.isOwn(one) && menuButton({ label: t('sql.saved_menu', { name: one.name }), icon: 'more', class: 'quiet square' }, () => [
      { label: t('sql.rename'), icon: 'edit', run: () => options.onRename(one) },
      { label: t('core.delete'), icon: 'trash', danger: true, run: () => void remove() },
    ]),
  );
}

/**
 * @param {HTMLElement} panel
 * @param {LibraryOptions} options
 */
function historyPanel(panel, options) {
  const all = history();
  if (all.length === 0) return fill(panel, empty(t('sql.no_history'), t('sql.no_history_hint')));
  const clear = el('button', { class: 'quiet square', 'aria-label': t('sql.forget'), title: t('sql.forget'), on: { click: () => (forget(), historyPanel(panel, options)) } }, icon('trash'));
  return filtered(panel, t('sql.search_history'), (words) => {
    const found = all.filter((one) => holds(words, one.sql)).slice(0, 100);
    return found.length > 0 ? found.map((one) => historyEntry(one, options)) : el('p', { class: 'muted' }, t('sql.none_found'));
  }, clear);
}

/**
 * @param {import('./history.js').Entry} one
 * @param {LibraryOptions} options
 */
function historyEntry(one, options) {
  const end = one.failed ? el('span', { class: 'badge bad' }, icon('close'), t('sql.failed')) : `${one.rows === null ? '' : `${t('core.rows', { n: one.rows })} · `}${one.ms === null ? '' : duration(one.ms * 1e6)}`;
  return el('button', { class: 'quiet sql-entry', title: one.sql, on: { click: () => options.onHistory(one.sql) } }, el('code', { class: 'sql-snippet' }, one.sql.replace(/\s+/g, ' ').slice(0, 160)), el('span', { class: 'muted small' }, ago(one.at), ' · ', end));
}

/**
 * @param {HTMLElement} panel
 * @param {LibraryOptions} options
 */
function tablesPanel(panel, options) {
  fill(panel, skeleton(5));
  void loader(panel).run(async () => {
    const found = await schema();
    filtered(panel, t('sql.search_tables'), (words) => found.tables.flatMap((table) => tableEntry(table, words, options)));
  });
}

/**
 * @param {import('./schema.js').SchemaTable} table
 * @param {string} words
 * @param {LibraryOptions} options
 */
function tableEntry(table, words, options) {
  const columns = words === '' ? table.columns : table.columns.filter((column) => holds(words, column.name, column.description));
  const named = words !== '' && holds(words, table.name, table.title);
  if (words !== '' && !named && columns.length === 0) return [];
  const insert = (/** @type {string} */ name) => () => options.onInsert(name);
  return [
    el(
      'details',
      { class: 'sql-table', open: words !== '' && !named },
      el('summary', { title: table.description ?? table.title ?? undefined }, el('span', { class: 'mono' }, table.name), el('span', { class: 'count' }, table.columns.length)),
      (table.title || table.description) && el('p', { class: 'muted small' }, table.title ?? table.description ?? null),
      el('div', { class: 'sql-columns' }, (named ? table.columns : columns).map((column) => el('button', { class: 'quiet sql-column', title: [t('sql.insert'), column.description].filter(Boolean).join(' · '), on: { click: insert(column.name) } }, el('span', { class: 'mono' }, column.name), el('span', { class: 'muted small' }, column.type)))),
    ),
  ];
}
