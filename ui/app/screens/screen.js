/** One screen of a product: its table with its columns, its filters, its period, and the event that is open beside it. */

import { get } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { number, offset, zone } from '../format.js';
import { load, t } from '../i18n.js';
import { openedEvent } from '../journal/opened.js';
import { stringify } from '../json.js';
import { shortcut } from '../keys.js';
import { copy } from '../parts/copy.js';
import { grid } from '../parts/grid.js';
import { menuButton } from '../parts/menu.js';
import { empty } from '../parts/states.js';
import { timePicker } from '../parts/timepicker.js';
import { toast } from '../parts/toast.js';
import { may } from '../session.js';
import { openExport } from '../sql/exporting.js';
import { layout } from '../sql/layout.js';
import * as url from '../url.js';
import { cellOf, isDetail, isFirm, textOf, titleLanguage, titleOf, widthOf } from './cells.js';
import { filterControls } from './filters.js';
import { isPeriodFilter, readAsked, toApi } from './model.js';
import { screenSource } from './rows.js';

/** @typedef {import('./model.js').Screen} Screen */
/** @typedef {import('./model.js').ScreenColumn} ScreenColumn */
/** @typedef {import('../parts/grid.js').Column} Column */
/** @typedef {Record<string, any>} Row */
/** @typedef {Record<string, string | string[] | null>} Changes */

/** Where there is less room than `below`, a row is a card. */
const NARROW = { row: 62, below: 620 };

export class ProductScreen {
  /**
   * @param {HTMLElement} region where the drawer stands
   * @param {Screen} screen
   * @param {{product: string, others: Screen[]}} of `others` are the product's screens, this one too
   */
  constructor(region, screen, { product, others }) {
    this.screen = screen;
    this.product = product;
    this.path = `/screens/${screen.source}/${screen.id}`;
    this.asked = readAsked(new URLSearchParams(), screen);
    /** What the table shows. @type {string | null} */
    this.shown = null;
    this.ignored = '';
    this.details = false;
    this.wraps = false;
    /** Columns as answers tell them: with their types. @type {Map<string, ScreenColumn>} */
    this.types = new Map();
    /** @type {ReturnType<typeof screenSource> | null} */
    this.source = null;
    this.filters = el('div', { class: 'screen-filters row wrap', role: 'group', 'aria-label': t('screens.filters') });
    this.count = el('span', { class: 'muted', role: 'status', 'data-test': 'count' });
    this.zoneNote = el('span', { class: 'row wrap small muted' });
    this.picker = timePicker({ value: this.asked.period, onChange: (period) => this.choose(period) });
    this.table = this.makeTable();
    this.opened = openedEvent({ region, onStep: (by) => this.step(by), rowOf: (id) => this.table.loaded().find(([, row]) => row.event_id === id)?.[1] ?? null });
    this.element = el('div', { class: 'page screen-page' }, this.head(), others.length > 1 && this.tabs(others), el('div', { class: 'row wrap' }, this.presets(), this.filters, el('span', { class: 'grow' }), this.zoneNote, this.count), this.table.element);
    this.forget = this.keys();
    document.title = `${screen.title.text} · ${product} · Kronika`;
  }

  keys() {
    return shortcut(
      { keys: 't', title: 'screens.keys_time', run: () => this.picker.open() },
      { keys: '[', title: 'screens.keys_before', run: () => this.picker.shift(-1) },
      { keys: ']', title: 'screens.keys_after', run: () => this.picker.shift(1) },
      { keys: 'w', title: 'screens.wrap', run: () => this.toggleWrap() },
      { keys: 'r', title: 'screens.again', run: () => this.again() },
    );
  }

  head() {
    const back = el('a', { class: 'button quiet square', href: url.link('/screens'), 'aria-label': t('screens.to_list'), title: t('screens.to_list') }, icon('left'));
    return el('div', { class: 'page-head' }, back, el('h1', null, el('span', { class: 'screen-product' }, `${this.product} · `), this.screen.title.text), this.picker.element, menuButton({ label: t('core.more'), icon: 'more', class: 'quiet square' }, () => this.menu()));
  }

  /** @param {Screen[]} others */
  tabs(others) {
    return el('nav', { class: 'view-tabs', 'aria-label': this.product }, others.map((one) => el('a', { href: url.link(`/screens/${one.source}/${one.id}`), 'aria-current': one.id === this.screen.id ? 'page' : undefined }, one.title.text)));
  }

  /** @returns {(import('../parts/menu.js').Item | 'line')[]} */
  menu() {
    const { screen } = this;
    return [
      { label: t('screens.details'), checked: this.details, run: () => this.change({ details: this.details ? null : '1' }) },
      { label: t('screens.wrap'), checked: this.wraps, note: 'w', run: () => this.toggleWrap() },
      'line',
      { label: t('screens.as_sql'), icon: 'sql', run: () => void this.openSql() },
      { label: t('screens.in_journal'), icon: 'journal', href: url.link('/', { source: screen.source, ...(screen.dataset && { dataset: screen.dataset }), ...this.asked.period }) },
      ...(may('export') ? [{ label: t('screens.export'), icon: /** @type {const} */ ('download'), run: () => void this.exportAll() }] : []),
    ];
  }

  /** The product's own words for periods. */
  presets() {
    const words = this.screen.filters.find(isPeriodFilter)?.presets ?? [];
    return words.length > 0 && el('div', { class: 'group screen-presets', role: 'group', 'aria-label': t('time.period') }, words.map((word) => el('button', { data: { period: word }, on: { click: () => this.choose({ period: word }) } }, t(`time.${word}`))));
  }

  makeTable() {
    return grid({
      label: this.screen.title.text,
      test: 'screen',
      columns: this.columns(),
      source: { size: 100, total: { value: 0, relation: 'gte' }, page: async () => [] },
      narrow: { ...NARROW, columns: [this.card()] },
      sort: { id: 'event_time', descending: true },
      onSort: (sort) => this.change({ order: sort && !sort.descending ? (this.screen.oldest_first ? null : 'asc') : this.screen.oldest_first ? 'desc' : null }),
      onOpen: (row) => this.open(row),
      onActive: (row) => this.opened.isOpen() && this.open(row, true),
      cellMenu: (row, column) => [{ label: t('core.copy'), icon: 'copy', run: () => void copy(column.text(row)) }],
      onTotal: () => this.tell(),
      whenEmpty: () => this.nothing(),
    });
  }

  /** @param {ScreenColumn} column */
  typed(column) {
    return this.types.get(column.column) ?? column;
  }

  /** @returns {Column[]} */
  columns() {
    const wanted = this.screen.columns.filter((column) => this.details || !isDetail(column));
    return wanted.map((column, at) => ({
      id: column.column,
      title: titleOf(column),
      hint: [column.title?.original, column.column].filter(Boolean).join(' · '),
      width: widthOf(column),
      grows: at === wanted.length - 1 && 'evenly',
      firm: isFirm(column),
      mono: /(^|_)id$/.test(column.column),
      number: /_ms$/.test(column.column),
      sorts: column.column === 'event_time',
      cell: (row) => cellOf(this.typed(column), row),
      text: (row) => textOf(this.typed(column), row[column.column]),
    }));
  }

  /** A row where there is little room. @returns {Column} */
  card() {
    const shown = this.screen.columns.filter((column) => !isDetail(column));
    const line = (/** @type {import('../dom.js').Child[]} */ cells) => el('div', { class: 'cut' }, cells.flatMap((cell, at) => [at > 0 && ' · ', cell]));
    return {
      id: 'row',
      title: this.screen.title.text,
      width: 280,
      grows: true,
      text: (row) => shown.map((column) => textOf(this.typed(column), row[column.column])).filter(Boolean).join(' · '),
      cell: (row) => {
        const cells = shown.filter((column) => column.column !== 'event_id').map((column) => cellOf(this.typed(column), row)).filter(Boolean);
        return [line(cells.slice(0, 2)), line(cells.slice(2, 6))];
      },
    };
  }

  /** @param {Changes} changes */
  change(changes) {
    url.change({ ...changes, event: null });
  }

  /** @param {import('../period.js').Period} period */
  choose({ period, from, to }) {
    this.change({ period: period && period !== (this.screen.default_period ?? 'all') ? period : null, from: from ?? null, to: to ?? null });
  }

  toggleWrap() {
    this.change({ wrap: this.wraps ? null : '1' });
  }

  again() {
    this.shown = null;
    this.update(url.here());
  }

  /** @param {Row} row @param {boolean} [step] */
  open(row, step = false) {
    if (row.event_id != null) this.opened.open({ ...row, source: this.screen.source, dataset: this.screen.dataset }, { step });
    else if (row.task_id != null) url.go(url.link(`/tasks/${encodeURIComponent(String(row.task_id))}`));
  }

  /** @param {1 | -1} by */
  step(by) {
    const { row } = this.table.step(by);
    if (row) this.open(row, true);
  }

  tell() {
    const total = this.source?.total;
    fill(this.count, !total ? null : total.relation === 'eq' ? t('core.rows', { n: total.value }) : t('screens.at_least', { rows: number(total.value - 1) }));
  }

  clear() {
    this.change(Object.fromEntries(this.asked.filters.map(([name]) => [name, null])));
  }

  /** Why nothing is there, and what to do about it. */
  nothing() {
    const { filters, period } = this.asked;
    const { requires } = this.screen;
    const actions = [
      filters.length > 0 && el('button', { on: { click: () => this.clear() } }, t('screens.clear')),
      period.period !== 'all' && el('button', { 'data-test': 'all-time', on: { click: () => this.change({ period: 'all', from: null, to: null }) } }, t('screens.all_time')),
    ];
    return empty(t(filters.length > 0 ? 'screens.none_filtered' : 'screens.none'), requires ? t('screens.requires', { what: requires }) : null, ...actions.filter((action) => action instanceof HTMLElement));
  }

  /** The screen as a statement without its page. */
  async statement() {
    const found = await get(this.path, toApi(this.asked, zone(), { explain: 'sql' }));
    return { sql: String(found.sql).replace(/ LIMIT \d+$/, ''), params: /** @type {Record<string, unknown>} */ (found.params ?? {}) };
  }

  async openSql() {
    const { sql, params } = await this.statement();
    // What would be read as JSON is written as JSON.
    const value = (/** @type {unknown} */ one) => (typeof one === 'string' && !/^(-?\d|true$|false$|null$|"|\[)/.test(one) ? one : stringify(one, 0));
    url.go(url.link('/sql', { sql: layout(`${sql}\nLIMIT 1000`), ...Object.fromEntries(Object.entries(params).map(([key, one]) => [`p.${key}`, value(one)])) }));
  }

  async exportAll() {
    const [{ sql, params }] = await Promise.all([this.statement(), load('sql')]);
    const total = this.source?.total;
    const complete = total?.relation === 'eq';
    openExport({ sql, params, rows: total ? total.value - (complete ? 0 : 1) : 0, complete, columns: this.screen.columns.map((column) => column.title?.text ?? column.id) });
  }

  /** The product shows its times in its own zone: says so where the page's is another. */
  showZone() {
    const own = this.screen.zone;
    const isSame = !own || offset(Date.now(), own) === offset(Date.now(), zone());
    fill(this.zoneNote, !isSame && [icon('clock'), t('screens.zone', { product: this.product, zone: own }), el('button', { class: 'link', 'data-test': 'use-zone', on: { click: () => url.change({ tz: own ?? null }) } }, t('screens.use_zone'))]);
  }

  /** @param {URLSearchParams} params */
  look(params) {
    const details = params.get('details') === '1';
    if (details !== this.details) {
      this.details = details;
      this.table.setColumns(this.columns());
    }
    const wraps = params.get('wrap') === '1';
    if (wraps !== this.wraps) {
      this.wraps = wraps;
      this.table.setWrap(wraps);
    }
  }

  /** @param {url.Place} now */
  update(now) {
    const asked = readAsked(now.params, this.screen);
    this.asked = asked;
    if (asked.ignored.join() !== this.ignored) {
      this.ignored = asked.ignored.join();
      if (asked.ignored.length > 0) toast(t('core.ignored', { what: asked.ignored.join(', ') }), 'warning');
    }
    this.picker.set(asked.period);
    for (const button of this.element.querySelectorAll('.screen-presets button')) button.setAttribute('aria-pressed', String(button instanceof HTMLElement && button.dataset.period === asked.period.period));
    this.look(now.params);
    const key = JSON.stringify([asked.period, asked.oldestFirst, asked.filters, zone()]);
    if (key !== this.shown) {
      this.shown = key;
      this.show(asked);
    }
    void this.opened.update(now);
  }

  /** @param {import('./model.js').Asked} asked */
  show(asked) {
    this.showZone();
    fill(this.filters, filterControls(this.screen, asked, (changes) => this.change(changes)), asked.filters.length > 1 && el('button', { class: 'link', on: { click: () => this.clear() } }, t('screens.clear')));
    this.table.setSort({ id: 'event_time', descending: !asked.oldestFirst });
    this.source = screenSource(this.path, () => toApi(asked, zone(), { lang: titleLanguage() }), (page) => page.columns.forEach((column) => this.types.set(column.column, column)));
    this.table.setSource(this.source);
    this.tell();
  }

  stop() {
    this.forget();
    this.opened.stop();
    this.table.stop();
  }
}
