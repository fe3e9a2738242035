/**
 * The journal: what is asked at the top, how it lies in time, its facets, the list, and one event beside it. Each region asks for
 * its own and fails on its own; all of them follow the address, and only what changed in it is asked again.
 */

import { el, fill } from '../dom.js';
import { placeFrom, wordsReady } from '../event.js';
import { zone } from '../format.js';
import { t } from '../i18n.js';
import { bar } from '../journal/bar.js';
import { cellMenu } from '../journal/cells.js';
import { NARROW_COLUMN, columnIds, columnsOf, columnsText, fieldsOf, knowFields, plainFields, readSort, readWidths, sortField, widthsText } from '../journal/columns.js';
import { facets } from '../journal/facets.js';
import { fieldList, label, learn, shownValue } from '../journal/fields.js';
import { MOST, afterRows, late, rowsCame } from '../journal/late.js';
import { ListSource } from '../journal/list.js';
import { listBar } from '../journal/listbar.js';
import { Live } from '../journal/live.js';
import { openId, openedEvent } from '../journal/opened.js';
import { changes, isField, quoted, read, text, toApi } from '../journal/query.js';
import { shortcut } from '../keys.js';
import { isStep } from '../parts/axis.js';
import { grid as makeGrid, prepare } from '../parts/grid.js';
import { toast } from '../parts/toast.js';
import { resolve, widened } from '../period.js';
import * as url from '../url.js';

/** @typedef {import('../journal/query.js').Query} Query */
/** @typedef {Record<string, any>} Row */

/** Fields that the histogram offers to stack by. */
const BY = ['outcome', 'level', 'source', 'module', 'event_type', 'action', 'object_type', 'actor_type', 'peer_name', 'http_status', 'line', ''];
/** Below this width a row is a card of one column. */
const NARROW = { row: 62, below: 620 };
/** How often the figures follow while the tail is on. */
const FIGURES_EVERY = 15_000;

/**
 * @param {HTMLElement} outlet
 * @param {url.Place} place
 * @returns {Promise<import('../routes.js').View>}
 */
export async function start(outlet, place) {
  await Promise.all([prepare(), wordsReady()]);
  firstRows(url.here().params).foresee();
  const view = new Journal(outlet);
  view.update(place);
  void afterRows().then(fieldList).then((fields) => {
    const before = columnsAsked();
    knowFields(fields);
    if (!view.stopped && columnsAsked() !== before) view.update(url.here());
  }, () => undefined);
  return view;
}

/** The list that the address asks for. @param {URLSearchParams} params */
function firstRows(params) {
  const { ids } = columnIds(params);
  return new ListSource({ params: toApi(read(params)), sort: readSort(params.get('sort'), ids).sort, fields: fieldsOf(ids) });
}

/** What the address says of columns, as far as it is understood: that depends on the list of fields. */
function columnsAsked() {
  const { params } = url.here();
  const { ids, ignored } = columnIds(params);
  return JSON.stringify([ids, ignored, readSort(params.get('sort'), ids), columnsOf(ids).map((column) => column.number)]);
}

class Journal {
  /** @param {HTMLElement} outlet */
  constructor(outlet) {
    this.stopped = false;
    /** @type {Query} */
    this.query = read(new URLSearchParams());
    /** @type {string[]} */
    this.ids = [];
    /** What the list shows: nothing else of the address asks for it again. @type {{list: string, fields: string[], columns: string, live: string} | null} */
    this.shown = null;
    this.isWrapped = false;
    this.areFiguresDue = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.figuresTimer = undefined;
    /** @type {string | null} */
    this.shownFind = null;
    /** @type {ListSource | null} */
    this.source = null;
    this.main = el('div', { class: 'journal-main' });
    this.element = el('div', { class: 'journal', 'data-test': 'journal' });
    this.facets = facets({ columns: () => this.ids });
    this.bar = bar({ leading: this.facets.button, columns: () => plainFields(this.ids) });
    this.opened = openedEvent({ region: this.element, onStep: (by) => this.step(by), rowOf: (id) => this.rowOf(id) });
    this.histogram = this.makeHistogram();
    this.live = new Live({ grid: () => this.grid, isReading: () => this.isReading(), refetch: () => this.refetch(), onToggle: (on) => url.change({ live: on ? '1' : null, ...(on && { sort: null }) }), onPast: () => this.leavePast() });
    /** Made when it is used first. @type {import('../journal/find.js').FindBar | null} */
    this.find = null;
    this.listBar = listBar({
      grid: () => this.grid, live: this.live, columns: () => this.ids,
      onColumns: (ids) => url.change({ columns: columnsText(ids) }),
      onRefresh: () => this.askAnew(), onStop: () => this.cancel(),
      onWrap: () => url.change({ wrap: url.here().params.get('wrap') === '1' ? null : '1' }),
      onChart: () => url.change({ chart: null }),
    });
    /** @type {import('../parts/grid.js').Grid} */
    this.grid = this.makeGrid();
    this.main.append(this.histogram.element, this.listBar.element, this.grid.element);
    this.element.append(el('h1', { class: 'visually-hidden' }, t('journal.list.title')), this.bar.element, el('div', { class: 'journal-body' }, this.facets.element, this.main));
    outlet.append(this.element);
    this.release = this.keys();
    this.releaseFind = shortcut({ keys: 'Ctrl+f', title: 'journal.keys.find', typing: true, run: () => void this.openFind() });
    this.timer = setInterval(() => this.live.isOn() && !document.hidden && this.showHistogram({ again: true }), FIGURES_EVERY);
    // The drawer's code is there before the first click on a row.
    void afterRows().then(() => (window.requestIdleCallback ?? setTimeout)(() => void import('../journal/drawer.js').catch(() => undefined)));
  }

  makeHistogram() {
    return late(async () => new (await import('../parts/histogram.js')).Histogram({
      onZoom: (period) => url.change(changes.period(this.query, period)),
      onZoomOut: () => {
        const period = widened(this.query.period, Date.now(), zone());
        if (period) url.change(changes.period(this.query, period));
      },
      onPick: (value) => url.change(changes.only(this.query, this.by(url.here().params).by ?? 'outcome', value)),
      onTable: (asTable) => url.change({ chart: asTable ? 'table' : null }),
      onHide: () => url.change({ chart: 'off' }),
      onBy: (by) => url.change({ by: by === 'outcome' ? null : by || 'none' }),
      title: label,
      valueTitle: shownValue,
      choices: /** @type {(string | 'line')[]} */ (BY),
      onBusy: () => this.listBar?.setBusy(this.isBusy()),
    }));
  }

  /** @returns {import('../parts/grid.js').Grid} */
  makeGrid() {
    return makeGrid({
      label: t('journal.list.label'),
      test: 'events',
      columns: columnsOf([]),
      source: { size: 100, total: { value: 0, relation: 'gte' }, page: async () => [] },
      narrow: { ...NARROW, columns: [NARROW_COLUMN] },
      onOpen: (row) => this.opened.open(row),
      onActive: (row) => this.opened.isOpen() && this.opened.open(row, { step: true }),
      onSort: (sort) => url.change({ sort: sort == null || (sort.id === 'event_time' && sort.descending) ? null : `${sort.descending ? '-' : ''}${sortField(sort.id)}` }),
      onColumns: (ids) => url.change({ columns: columnsText(ids) }),
      onWidths: (widths) => url.adjust({ widths: widthsText(widths) }),
      cellMenu: (row, column) => cellMenu(row, column, this.query),
      rowClass: (row) => (row.outcome === 'failure' ? 'is-failed' : ''),
      onSelect: (n) => this.listBar.setSelected(n),
      onMove: () => {
        this.find?.repaint();
        this.live.apply();
      },
      onBusy: () => this.listBar.setBusy(this.isBusy()),
      onTotal: () => {
        if (!this.grid) return;
        this.listBar.setTotal(this.grid.total());
        // A list without rows has its total.
        if (this.grid.total()?.relation === 'eq') this.askFigures();
      },
      whenEmpty: () => this.whyEmpty(),
    });
  }

  /** Why there is nothing; its code comes when it is needed. */
  whyEmpty() {
    const place = el('div');
    const { query } = this;
    void import('../journal/reasons.js').then(({ reason }) => fill(place, reason(query)));
    return place;
  }

  /** Finds in the rows that are loaded. @param {string} [wanted] */
  async openFind(wanted) {
    const { FindBar } = await import('../journal/find.js');
    if (this.stopped) return;
    if (!this.find) {
      this.find = new FindBar({ grid: () => this.grid, onText: (text) => url.change({ find: (this.shownFind = text) }, { replace: true }), onSearch: (text) => url.change({ find: null, q: [this.query.q, quoted(text)].filter(Boolean).join(' ') }), mark: (row) => this.mark(row) });
      this.grid.element.before(this.find.element);
      this.releaseFind();
    }
    this.find.open(wanted);
  }

  isBusy() {
    return this.histogram.now()?.isBusy() || this.grid.element.getAttribute('aria-busy') === 'true';
  }

  /** Follows the address. @param {url.Place} place */
  update({ path, params }) {
    this.query = read(params);
    const { ids, ignored } = columnIds(params);
    const sort = readSort(params.get('sort'), ids);
    this.ids = ids;
    this.query.ignored.push(...ignored.map((id) => `columns=${id}`), ...(sort.isWrong ? [`sort=${params.get('sort')}`] : []), ...this.by(params).ignored);
    this.bar.update(this.query);
    const isAsked = this.showList(params, sort);
    this.figuresAfter(isAsked);
    this.showLive(params, sort.sort);
    void this.opened.update({ path, params });
    this.grid.setMark((row) => this.mark(row));
    this.find?.repaint();
    const found = params.get('find');
    if (found && this.shownFind !== found) void this.openFind(found);
    this.shownFind = found;
    document.title = `${text(this.query) || t('nav.journal')} · Kronika`;
  }

  /** Asks for figures: once the rows are there, which are read first, or soon if they take long. @param {boolean} areRowsAsked */
  figuresAfter(areRowsAsked) {
    clearTimeout(this.figuresTimer);
    this.areFiguresDue = true;
    if (areRowsAsked) this.figuresTimer = setTimeout(() => this.askFigures(), MOST);
    else this.askFigures();
  }

  /** Asks for the figures that are due. */
  askFigures() {
    clearTimeout(this.figuresTimer);
    if (!this.areFiguresDue || this.stopped) return;
    this.areFiguresDue = false;
    this.facets.update(this.query);
    this.showHistogram();
  }

  /** What the bars are stacked by, and how long they are. @param {URLSearchParams} params */
  by(params) {
    const [by, step, chart] = [params.get('by'), params.get('step'), params.get('chart')];
    const fits = by == null || by === 'none' || isField(by);
    /** @type {string[]} */
    const ignored = [];
    if (!fits) ignored.push(`by=${by}`);
    if (step && !isStep(step)) ignored.push(`step=${step}`);
    if (chart && chart !== 'off' && chart !== 'table') ignored.push(`chart=${chart}`);
    return { by: by === 'none' ? null : fits && by ? by : 'outcome', step: isStep(step) ? step : null, chart, ignored };
  }

  /** @param {{again?: boolean}} [how] */
  showHistogram({ again = false } = {}) {
    const { by, step, chart } = this.by(url.here().params);
    this.histogram.element.hidden = chart === 'off';
    this.listBar.setChart(chart === 'off');
    if (chart === 'off') return;
    const range = resolve(this.query.period, Date.now(), zone());
    const asked = { params: toApi(this.query), by, step, range, asTable: chart === 'table' };
    this.histogram.tell((one) => one.update(asked, { again }));
  }

  /**
   * @param {URLSearchParams} params
   * @param {ReturnType<typeof readSort>} sort
   * @returns {boolean} whether rows were asked for
   */
  showList(params, sort) {
    const list = `${toApi(this.query)} ${sort.sort}`;
    const fields = fieldsOf(this.ids);
    const columns = `${this.ids.join()} ${zone()} ${params.get('widths')}`;
    const isSame = this.shown?.list === list && fields.every((field) => this.shown?.fields.includes(field));
    const isWrapped = params.get('wrap') === '1';
    if (this.shown?.columns !== columns) this.grid.setColumns(columnsOf(this.ids), readWidths(params.get('widths')));
    this.grid.setSort(sort.shown);
    if (this.isWrapped !== isWrapped) this.grid.setWrap(isWrapped);
    this.isWrapped = isWrapped;
    this.listBar.setWrap(isWrapped);
    if (isSame && this.grid.hasFailed()) this.grid.retry();
    if (!isSame) {
      const keepPlace = this.shown?.list === list && !this.grid.hasFailed();
      this.grid.setSource(this.makeSource(sort.sort, fields, keepPlace ? this.source : null), { keepPlace });
    }
    this.shown = { list, fields: isSame ? this.shown?.fields ?? fields : fields, columns, live: this.shown?.live ?? '' };
    return !isSame;
  }

  /** @param {string} sort @param {string[]} fields @param {ListSource | null} [like] */
  makeSource(sort, fields, like = null) {
    this.source = new ListSource({ params: toApi(this.query), sort, fields, like, onRows: (rows) => this.learnFrom(rows) });
    return this.source;
  }

  /** Titles of modules and kinds of events, for menus. @param {Row[]} rows */
  learnFrom(rows) {
    rowsCame();
    this.askFigures();
    void learn([...new Set(rows.map((row) => String(row.source)))]);
    this.find?.repaint();
  }

  /** @param {URLSearchParams} params @param {string} sort */
  showLive(params, sort) {
    const live = params.get('live') === '1' ? `${this.shown?.list} ${this.shown?.fields.join()}` : '';
    if (!this.shown || this.shown.live === live) return;
    this.shown.live = live;
    if (live === '') return this.live.stop();
    this.live.start(toApi(this.query, { fields: this.shown.fields.join(',') }), { inOrder: sort === '-event_time' });
  }

  /** The list anew, without a flicker: its first rows are there before it is shown. @returns {Promise<Row[]>} */
  async refetch() {
    const sort = readSort(url.here().params.get('sort'), this.ids).sort;
    const source = new ListSource({ params: toApi(this.query), sort, fields: this.shown?.fields ?? fieldsOf(this.ids), counted: true, onRows: (rows) => this.learnFrom(rows) });
    const rows = await source.page(0, new AbortController().signal);
    if (this.stopped) return rows;
    this.source = source;
    this.grid.setSource(source, { first: rows });
    return rows;
  }

  /** The server is back: what failed is asked again, and nobody loses the place. */
  refresh() {
    this.showHistogram();
    this.facets.refresh();
    this.grid.retry();
  }

  /** Everything anew, as somebody asked for it. */
  askAnew() {
    this.showHistogram({ again: true });
    this.facets.refresh();
    if (this.live.isOn()) void this.live.anew();
    else this.grid.setSource(this.makeSource(readSort(url.here().params.get('sort'), this.ids).sort, this.shown?.fields ?? fieldsOf(this.ids)));
  }

  cancel() {
    this.grid.cancel();
    this.histogram.now()?.cancel();
    this.facets.cancel();
    this.listBar.setBusy(false);
  }

  /** The tail was asked for in a period that is over. */
  leavePast() {
    toast(t('journal.tail.past'));
    url.change({ ...changes.period(this.query, { period: 'last_24h' }), live: '1' }, { replace: true });
  }

  isReading() {
    const marked = window.getSelection();
    const marks = marked != null && !marked.isCollapsed && this.grid.element.contains(marked.anchorNode);
    return marks || this.grid.selected() > 0 || (this.grid.isActive() && this.grid.activeRow() > 0) || this.opened.isOpen() || document.querySelector('.popover') != null;
  }

  /** @param {Row} row */
  mark(row) {
    const place = url.here();
    if (row.event_id !== openId(place)) return '';
    const of = placeFrom(place.params);
    return Object.entries(of).every(([name, value]) => String(row[name] ?? value) === value) ? 'open' : '';
  }

  /** @param {string} id */
  rowOf(id) {
    const all = this.grid.loaded().map(([, row]) => row);
    return all.find((row) => this.mark(row) === 'open') ?? all.find((row) => row.event_id === id) ?? null;
  }

  /** To the next event, from the one that is open. @param {1 | -1} by */
  step(by) {
    const at = this.grid.loaded().find(([, row]) => this.mark(row) === 'open')?.[0];
    if (at !== undefined) this.grid.activate(at);
    const { row } = this.grid.step(by);
    if (row && this.opened.isOpen()) this.opened.open(row, { step: true });
  }

  keys() {
    const change = (/** @type {string} */ name) => url.change({ [name]: url.here().params.get(name) === '1' ? null : '1' });
    return shortcut(
      { keys: 'j', title: 'journal.keys.next', run: () => this.move(1) },
      { keys: 'k', title: 'journal.keys.previous', run: () => this.move(-1) },
      { keys: 'Enter', title: 'journal.keys.open' },
      { keys: 'Space', title: 'journal.keys.select' },
      { keys: 'm', title: 'journal.keys.menu' },
      { keys: 'w', title: 'journal.keys.wrap', run: () => change('wrap') },
      { keys: 'r', title: 'journal.keys.refresh', run: () => this.askAnew() },
      { keys: 'l', title: 'journal.keys.live', run: () => change('live') },
      { keys: 'Escape', title: 'journal.keys.stop', run: () => this.isBusy() && this.cancel() },
    );
  }

  /** @param {1 | -1} by */
  move(by) {
    const wasActive = this.grid.isActive();
    this.grid.focus();
    if (this.opened.isOpen()) this.step(by);
    else if (wasActive) this.grid.step(by);
    else this.grid.step(0);
  }

  stop() {
    this.stopped = true;
    clearInterval(this.timer);
    clearTimeout(this.figuresTimer);
    this.release();
    this.live.stop();
    this.bar.stop();
    this.facets.stop();
    this.find?.stop();
    this.releaseFind();
    this.histogram.stop();
    this.opened.stop();
    this.grid.stop();
  }
}
