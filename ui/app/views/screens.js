/**
 * The source systems' own log screens, rebuilt: the columns, filters, titles and defaults that their users know. The list at
 * `/screens`, one at `/screens/SOURCE/SCREEN`.
 */

import { get, project } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ready } from '../event.js';
import { number, offset, zone } from '../format.js';
import { load, t } from '../i18n.js';
import { learn } from '../journal/fields.js';
import { openedEvent } from '../journal/opened.js';
import { stringify } from '../json.js';
import { shortcut } from '../keys.js';
import { copy } from '../parts/copy.js';
import { grid, prepare } from '../parts/grid.js';
import { menuButton } from '../parts/menu.js';
import { empty, loader, skeleton } from '../parts/states.js';
import { timePicker } from '../parts/timepicker.js';
import { toast } from '../parts/toast.js';
import { segments } from '../routes.js';
import { cellOf, isDetail, knowProducts, textOf, titleLanguage, useProduct, widthOf } from '../screens/cells.js';
import { filterControls } from '../screens/filters.js';
import { isPeriodFilter, readAsked, toApi } from '../screens/model.js';
import { screenSource } from '../screens/rows.js';
import { openExport } from '../sql/exporting.js';
import { may } from '../session.js';
import * as url from '../url.js';

/** @typedef {import('../url.js').Place} Place */
/** @typedef {import('../screens/model.js').Screen} Screen */

/**
 * @param {HTMLElement} outlet
 * @returns {Promise<import('../routes.js').View>}
 */
export async function start(outlet) {
  await Promise.all([prepare(), ready(), load('fields')]);
  const region = el('div', { class: 'screens' }, skeleton(8));
  fill(outlet, region);
  const asking = loader(region);
  /** @type {{screens: Screen[], names: Map<string, string>} | null} */
  let known = null;
  /** @type {{key: string, part: {update: (place: Place) => void, stop: () => void}} | null} */
  let shown = null;
  /** @param {Place} now */
  const update = (now) => {
    if (!known) return;
    const [source, id] = segments(now.path);
    const key = `${project()} ${source ?? ''} ${id ?? ''}`;
    if (shown?.key !== key) {
      shown?.part.stop();
      useProduct(source ?? '');
      const screen = known.screens.find((one) => one.source === source && (one.id === id || id === undefined));
      shown = { key, part: source === undefined ? listPart(region, known) : screen ? screenPart(region, screen, known) : missingPart(region, `${source}/${id ?? ''}`) };
    }
    shown.part.update(now);
  };
  void asking.run(async (signal) => {
    const [answer, catalog] = await Promise.all([get('/screens', { lang: titleLanguage() }, signal), get('/catalog', { lang: titleLanguage() }, signal)]);
    const systems = [...new Set(/** @type {string[]} */ (answer.screens.map((/** @type {Screen} */ one) => one.source)))];
    await Promise.all([learn(systems), knowProducts(systems)]);
    if (signal.aborted) return;
    /** @type {any[]} */
    const sources = catalog.sources ?? catalog;
    known = { screens: answer.screens, names: new Map(sources.map((one) => [one.source, one.product?.name ?? one.name ?? one.source])) };
    update(url.here());
  });
  return {
    update,
    stop() {
      asking.stop();
      shown?.part.stop();
    },
  };
}

/** @param {{names: Map<string, string>}} known @param {string} source */
const productOf = (known, source) => (known.names.get(source) ?? source).replace(/ \(.*\)$/, '');

/**
 * @param {HTMLElement} region
 * @param {{screens: Screen[], names: Map<string, string>}} known
 */
function listPart(region, known) {
  document.title = `${t('nav.screens')} · Kronika`;
  const sources = [...new Set(known.screens.map((one) => one.source))];
  fill(
    region,
    el(
      'div',
      { class: 'page' },
      el('div', { class: 'page-head' }, el('h1', null, t('nav.screens'))),
      el('p', { class: 'muted' }, t('screens.what')),
      sources.map((source) => el('section', { class: 'stack', 'aria-label': productOf(known, source) }, el('h2', null, productOf(known, source)), el('ul', { class: 'screens-list' }, known.screens.filter((one) => one.source === source).map((one) => card(one))))),
    ),
  );
  return { update() {}, stop() {} };
}

/** @param {Screen} one */
function card(one) {
  const columns = one.columns.filter((column) => !isDetail(column)).map((column) => column.title?.text ?? column.id);
  return el('li', null, el('a', { class: 'screens-card', href: url.link(`/screens/${one.source}/${one.id}`), 'data-test': `screen-${one.source}-${one.id}` }, el('span', { class: 'screens-title' }, one.title.text), el('span', { class: 'muted small' }, columns.slice(0, 7).join(' · '), columns.length > 7 && ' …')));
}

/** @param {HTMLElement} region @param {string} name */
function missingPart(region, name) {
  fill(region, empty(t('screens.missing', { name }), null, el('a', { class: 'button', href: url.link('/screens') }, t('screens.to_list'))));
  return { update() {}, stop() {} };
}

/**
 * One screen.
 * @param {HTMLElement} region
 * @param {Screen} screen
 * @param {{screens: Screen[], names: Map<string, string>}} known
 */
function screenPart(region, screen, known) {
  const path = `/screens/${screen.source}/${screen.id}`;
  const state = { shown: /** @type {string | null} */ (null), ignored: '', details: false, wrap: false, asked: readAsked(new URLSearchParams(), screen) };
  const product = productOf(known, screen.source);
  /** @type {ReturnType<typeof screenSource> | null} */
  let source = null;
  /** Columns as an answer tells them: with their types. @type {Map<string, import('../screens/model.js').ScreenColumn>} */
  const types = new Map();
  document.title = `${screen.title.text} · ${product} · Kronika`;

  const change = (/** @type {Record<string, string | string[] | null>} */ changes) => url.change({ ...changes, event: null });
  const choosePeriod = (/** @type {import('../period.js').Period} */ { period, from, to }) => change({ period: period && period !== (screen.default_period ?? 'all') ? period : null, from: from ?? null, to: to ?? null });
  const picker = timePicker({ value: state.asked.period, onChange: choosePeriod });
  const filters = el('div', { class: 'screen-filters row wrap', role: 'group', 'aria-label': t('screens.filters') });
  const count = el('span', { class: 'muted', role: 'status' });
  const zoneNote = el('span', { class: 'row wrap small muted' });
  const others = known.screens.filter((one) => one.source === screen.source);
  const tabs = el('nav', { class: 'view-tabs', 'aria-label': product }, others.length > 1 && others.map((one) => el('a', { href: url.link(`/screens/${one.source}/${one.id}`), 'aria-current': one.id === screen.id ? 'page' : undefined }, one.title.text)));
  const more = menuButton({ label: t('core.more'), icon: 'more', class: 'quiet square' }, () => [
    { label: t('screens.details'), checked: state.details, run: () => change({ details: state.details ? null : '1' }) },
    { label: t('screens.wrap'), checked: state.wrap, note: 'w', run: wrap },
    'line',
    { label: t('screens.as_sql'), icon: 'sql', run: () => void openSql() },
    { label: t('screens.in_journal'), icon: 'journal', href: url.link('/', { source: screen.source, ...(screen.dataset && { dataset: screen.dataset }), ...state.asked.period }) },
    ...(may('export') ? [{ label: t('sql.export'), icon: /** @type {const} */ ('download'), run: () => void exportAll() }] : []),
  ]);
  const table = grid({
    label: screen.title.text,
    test: 'screen',
    columns: columns(),
    source: { size: 100, total: { value: 0, relation: 'gte' }, page: async () => [] },
    narrow: { columns: [narrowColumn()], row: 62, below: 620 },
    sort: { id: 'event_time', descending: true },
    onSort: (sort) => change({ order: sort && !sort.descending ? 'asc' : screen.oldest_first ? 'desc' : null }),
    onOpen: open,
    onActive: (row) => opened.isOpen() && open(row, 0, true),
    cellMenu: (row, column) => [{ label: t('core.copy'), icon: 'copy', run: () => void copy(column.text(row)) }],
    onTotal: tell,
    whenEmpty: nothing,
  });
  const opened = openedEvent({ region, onStep: (by) => table.step(by).row && open(/** @type {any} */ (table.step(0).row), 0, true), rowOf: (id) => /** @type {any} */ (table.loaded().find(([, row]) => row.event_id === id)?.[1]) ?? null });
  fill(
    region,
    el(
      'div',
      { class: 'page screen-page' },
      el('div', { class: 'page-head' }, el('a', { class: 'button quiet square', href: url.link('/screens'), 'aria-label': t('screens.to_list'), title: t('screens.to_list') }, icon('left')), el('h1', null, el('span', { class: 'screen-product' }, `${product} · `), screen.title.text), picker.element, more),
      others.length > 1 && tabs,
      el('div', { class: 'row wrap' }, presets(), filters, el('span', { class: 'grow' }), zoneNote, count),
      table.element,
    ),
  );

  /** The product's own words for periods. */
  function presets() {
    const words = screen.filters.find(isPeriodFilter)?.presets ?? [];
    return words.length > 0 && el('div', { class: 'group screen-presets', role: 'group', 'aria-label': t('time.period') }, words.map((word) => el('button', { data: { period: word }, on: { click: () => choosePeriod({ period: word }) } }, t(`time.${word}`))));
  }

  /** @returns {import('../parts/grid.js').Column[]} */
  function columns() {
    const wanted = screen.columns.filter((column) => state.details || !isDetail(column));
    return wanted.map((column, at) => ({
      id: column.column,
      title: (column.title?.text ?? column.id).replace(/^./u, (first) => first.toUpperCase()),
      hint: [column.title?.original, column.column].filter(Boolean).join(' · '),
      width: widthOf(column),
      grows: at === wanted.length - 1,
      mono: /(^|_)id$/.test(column.column),
      number: /_ms$/.test(column.column),
      sorts: column.column === 'event_time',
      cell: (row) => cellOf(types.get(column.column) ?? column, row),
      text: (row) => textOf(types.get(column.column) ?? column, row[column.column]),
    }));
  }

  /** A row where there is little room. @returns {import('../parts/grid.js').Column} */
  function narrowColumn() {
    const shown = screen.columns.filter((column) => !isDetail(column));
    return {
      id: 'row',
      title: screen.title.text,
      width: 280,
      grows: true,
      text: (row) => shown.map((column) => textOf(types.get(column.column) ?? column, row[column.column])).filter(Boolean).join(' · '),
      cell: (row) => {
        const cells = shown.filter((column) => column.column !== 'event_id').map((column) => cellOf(types.get(column.column) ?? column, row)).filter(Boolean);
        return [el('div', { class: 'cut' }, cells.slice(0, 2).flatMap((cell, at) => [at > 0 && ' · ', cell])), el('div', { class: 'cut' }, cells.slice(2, 6).flatMap((cell, at) => [at > 0 && ' · ', cell]))];
      },
    };
  }

  /** @param {Record<string, any>} row @param {number} [_index] @param {boolean} [step] */
  function open(row, _index, step = false) {
    if (row.event_id != null) opened.open({ ...row, source: screen.source, dataset: screen.dataset }, { step });
    else if (row.task_id != null) url.go(url.link(`/tasks/${encodeURIComponent(String(row.task_id))}`));
  }

  function tell() {
    const total = source?.total;
    fill(count, !total ? null : total.relation === 'eq' ? t('core.rows', { n: total.value }) : t('screens.at_least', { rows: number(total.value - 1) }));
  }

  function nothing() {
    const { filters: given, period } = state.asked;
    const clear = () => change({ ...Object.fromEntries(given.map(([key]) => [key, null])) });
    return empty(
      t(given.length > 0 ? 'screens.none_filtered' : 'screens.none'),
      screen.requires ? t('screens.requires', { what: screen.requires }) : null,
      ...(given.length > 0 ? [el('button', { on: { click: clear } }, t('screens.clear'))] : []),
      ...(period.period !== 'all' ? [el('button', { on: { click: () => change({ period: 'all', from: null, to: null }) } }, t('screens.all_time'))] : []),
    );
  }

  function wrap() {
    change({ wrap: state.wrap ? null : '1' });
  }

  async function explain() {
    const found = await get(path, toApi(state.asked, zone(), { explain: 'sql' }));
    return { sql: String(found.sql).replace(/ LIMIT \d+$/, ''), params: /** @type {Record<string, unknown>} */ (found.params ?? {}) };
  }

  async function openSql() {
    const { sql, params } = await explain();
    const value = (/** @type {unknown} */ one) => (typeof one === 'string' && !/^(-?\d|true$|false$|null$|"|\[)/.test(one) ? one : stringify(one, 0));
    url.go(url.link('/sql', { sql: `${sql}\nLIMIT 1000`, ...Object.fromEntries(Object.entries(params).map(([key, one]) => [`p.${key}`, value(one)])) }));
  }

  async function exportAll() {
    await load('sql');
    const { sql, params } = await explain();
    const total = source?.total;
    openExport({ sql, params, rows: total ? total.value - (total.relation === 'eq' ? 0 : 1) : 0, complete: total?.relation === 'eq', columns: screen.columns.map((column) => column.title?.text ?? column.id) });
  }

  function showZone() {
    const own = screen.zone;
    const same = !own || offset(Date.now(), own) === offset(Date.now(), zone());
    fill(zoneNote, !same && own && [icon('clock'), t('screens.zone', { product, zone: own }), el('button', { class: 'link', 'data-test': 'use-zone', on: { click: () => url.change({ tz: own }) } }, t('screens.use_zone'))]);
  }

  const forget = shortcut(
    { keys: 't', title: 'screens.keys_time', run: () => picker.open() },
    { keys: '[', title: 'screens.keys_before', run: () => picker.shift(-1) },
    { keys: ']', title: 'screens.keys_after', run: () => picker.shift(1) },
    { keys: 'w', title: 'screens.wrap', run: wrap },
    { keys: 'r', title: 'screens.again', run: () => ((state.shown = null), update(url.here())) },
  );

  /** @param {Place} now */
  function update(now) {
    const asked = readAsked(now.params, screen);
    state.asked = asked;
    if (asked.ignored.join() !== state.ignored) {
      state.ignored = asked.ignored.join();
      if (asked.ignored.length > 0) toast(t('core.ignored', { what: asked.ignored.join(', ') }), 'warning');
    }
    picker.set(asked.period);
    for (const button of region.querySelectorAll('.screen-presets button')) button.setAttribute('aria-pressed', String(/** @type {HTMLElement} */ (button).dataset.period === asked.period.period));
    const details = now.params.get('details') === '1';
    if (details !== state.details) {
      state.details = details;
      table.setColumns(columns());
    }
    const wraps = now.params.get('wrap') === '1';
    if (wraps !== state.wrap) {
      state.wrap = wraps;
      table.setWrap(wraps);
    }
    const key = JSON.stringify([asked.period, asked.oldestFirst, asked.filters, zone()]);
    if (key !== state.shown) {
      state.shown = key;
      showZone();
      fill(filters, filterControls(screen, asked, change), asked.filters.length > 1 && el('button', { class: 'link', on: { click: () => change(Object.fromEntries(asked.filters.map(([name]) => [name, null]))) } }, t('screens.clear')));
      table.setSort({ id: 'event_time', descending: !asked.oldestFirst });
      source = screenSource(path, () => toApi(asked, zone(), { lang: titleLanguage() }), (page) => page.columns.forEach((column) => types.set(column.column, { ...column, title: column.title })));
      table.setSource(source);
      tell();
    }
    void opened.update(now);
  }
  return {
    update,
    stop() {
      forget();
      opened.stop();
      table.stop();
    },
  };
}
