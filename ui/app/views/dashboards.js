/** Dashboards: the list, and one with its tiles. The period, the refreshing and the editing are in the address. */

import { Problem, get, project } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { time, zone } from '../format.js';
import { load, t } from '../i18n.js';
import { learn } from '../journal/fields.js';
import { shortcut } from '../keys.js';
import { confirm, openDialog } from '../parts/dialog.js';
import { form, tick } from '../parts/form.js';
import { menuButton } from '../parts/menu.js';
import { loader, skeleton } from '../parts/states.js';
import { timePicker } from '../parts/timepicker.js';
import { toast } from '../parts/toast.js';
import { between } from '../period.js';
import { segments, style } from '../routes.js';
import * as saved from '../saved.js';
import { watch } from '../dashboards/asking.js';
import { boardView } from '../dashboards/board.js';
import { dashboardList, nameOf } from '../dashboards/list.js';
import { newTile, put, readBoard } from '../dashboards/model.js';
import { openTileForm } from '../dashboards/tileform.js';
import { namedQueries } from '../sql/named.js';
import { periodOf } from '../sql/place.js';
import * as url from '../url.js';

/** @typedef {import('../url.js').Place} Place */

const DEFAULT_PERIOD = 'last_7d';
/** Seconds between questions of a dashboard that refreshes by itself. @type {Record<string, number>} */
const REFRESH = { '30s': 30, '1m': 60, '5m': 300, '15m': 900 };

/**
 * @param {HTMLElement} outlet
 * @param {Place} place
 * @returns {Promise<import('../routes.js').View>}
 */
export async function start(outlet, place) {
  await Promise.all([load('chart'), style('chart')]);
  /** @type {{key: string, part: {update: (place: Place) => void, stop: () => void}} | null} */
  let shown = null;
  /** @param {Place} now */
  const update = (now) => {
    const [id] = segments(now.path);
    const key = `${project()} ${id ?? ''}`;
    if (shown?.key !== key) {
      shown?.part.stop();
      shown = { key, part: id === undefined ? listPart(outlet) : boardPart(outlet, id) };
    }
    shown.part.update(now);
  };
  update(place);
  return { update, stop: () => shown?.part.stop() };
}

/** @param {HTMLElement} outlet */
function listPart(outlet) {
  const region = el('div', null, skeleton(8));
  fill(outlet, region);
  document.title = `${t('nav.dashboards')} · Kronika`;
  const asking = loader(region);
  void asking.run(async (signal) => {
    const all = await saved.list('dashboard', signal);
    fill(region, dashboardList(all, { onNew: () => openNaming(t('dashboards.new'), { name: '', shared: false }, async (name, shared) => edit(await saved.create({ kind: 'dashboard', name, shared, state: { titles: {}, source: null, tiles: [] } }))) }));
  });
  return { update() {}, stop: () => asking.stop() };
}

/** @param {saved.Saved} one */
function edit(one) {
  const { params } = url.here();
  const period = Object.fromEntries(['period', 'from', 'to'].map((name) => [name, params.get(name)]));
  url.go(url.link(`/dashboards/${encodeURIComponent(one.id)}`, { ...period, edit: '1' }));
}

/**
 * @param {string} title
 * @param {{name: string, shared: boolean}} now
 * @param {(name: string, shared: boolean) => Promise<void>} onDone
 */
function openNaming(title, now, onDone) {
  const name = el('input', { type: 'text', required: true, maxlength: 200, value: now.name, autofocus: true, 'data-test': 'dashboard-name' });
  const share = tick(t('dashboards.share'), { checked: now.shared, hint: t('dashboards.share_hint') });
  openDialog(title, (dialog) => [form({ fields: [el('label', null, t('dashboards.name'), name), share.element], action: t('core.save'), test: 'dashboard-form', onCancel: dialog.close, onSubmit: async () => (await onDone(name.value.trim(), share.input.checked), dialog.close()) })]);
}

/**
 * One dashboard.
 * @param {HTMLElement} outlet
 * @param {string} id
 */
function boardPart(outlet, id) {
  const region = el('div', null, skeleton(8));
  fill(outlet, region);
  const asking = loader(region);
  /** @type {ReturnType<typeof openBoard> | null} */
  let open = null;
  void asking.run(async (signal) => {
    const [read, queries] = await Promise.all([saved.read(id, signal), namedQueries(signal)]);
    const board = readBoard(read.saved.state);
    await learn(board.source ? [board.source] : ['idosell', 'expertsender', 'remonline', 'getcourse', 'voucherify']);
    if (signal.aborted) return;
    open = openBoard(region, read, queries);
    open.update(url.here());
  });
  return {
    update: (/** @type {Place} */ now) => open?.update(now),
    stop() {
      asking.stop();
      open?.stop();
    },
  };
}

/**
 * @param {HTMLElement} region
 * @param {{saved: saved.Saved, etag: string | null}} read
 * @param {import('../sql/named.js').NamedQuery[]} queries
 */
function openBoard(region, read, queries) {
  const board = readBoard(read.saved.state);
  /** @type {{one: saved.Saved, etag: string | null, tiles: import('../dashboards/model.js').Tile[], loaded: string | null, ignored: string, timer: number | undefined, probe: ReturnType<typeof watch> | null, since: number, asking: AbortController}} */
  const state = { one: read.saved, etag: read.etag, tiles: board.tiles, loaded: null, ignored: '', timer: undefined, probe: null, since: 0, asking: new AbortController() };
  const isMine = saved.isOwn(state.one);
  const period = () => periodOf(url.here().params, DEFAULT_PERIOD).period;
  const editing = () => isMine && url.here().params.get('edit') === '1';
  const isChanged = () => JSON.stringify(state.tiles) !== JSON.stringify(readBoard(state.one.state).tiles);
  const choosePeriod = (/** @type {import('../period.js').Period} */ { period: word, from, to }) => url.change({ period: word && word !== DEFAULT_PERIOD ? word : null, from: from ?? null, to: to ?? null });

  const view = boardView({
    tile: {
      onBrush: (from, to) => choosePeriod(between(from, to)),
      onDrill: (filters, range) => url.go(url.link('/', { ...(board.source ? { source: board.source } : {}), ...filters, ...(range ?? period()) })),
    },
    onChange(tiles) {
      state.tiles = tiles;
      drawTools();
    },
    onEdit: (tile) => void openTileForm(tile, { title: t('dashboards.edit_tile'), action: t('dashboards.take'), period: period(), queries, onDone: set }),
    onAdd: add,
  });

  /** @param {import('../dashboards/model.js').Tile} tile */
  function set(tile) {
    state.tiles = put(state.tiles, tile);
    view.show(state.tiles, editing());
    drawTools();
  }

  function add() {
    void openTileForm(newTile(state.tiles), { title: t('dashboards.add'), action: t('dashboards.add'), period: period(), queries, onDone: set });
  }

  const picker = timePicker({ value: period(), onChange: choosePeriod });
  const refresh = el('select', { 'data-test': 'refresh', 'aria-label': t('dashboards.refresh'), title: t('dashboards.refresh'), on: { change: () => url.change({ refresh: refresh.value }) } }, ['', ...Object.keys(REFRESH)].map((one) => el('option', { value: one }, one === '' ? t('dashboards.refresh_off') : t('dashboards.refresh_every', { time: one }))));
  const tools = el('div', { class: 'row wrap' });
  const note = el('div', { class: 'board-note' });
  const heading = el('h1', null, nameOf(state.one));
  const root = el('div', { class: 'page board-page', tabIndex: -1 }, el('div', { class: 'page-head' }, el('a', { class: 'button quiet square', href: url.link('/dashboards'), 'aria-label': t('dashboards.all'), title: t('dashboards.all') }, icon('left')), heading, el('div', { class: 'row wrap board-controls' }, picker.element, refresh, tools)), note, el('p', { class: 'visually-hidden', id: 'dashboards-keys' }, t('dashboards.keys')), view.element);
  fill(region, root);
  document.title = `${nameOf(state.one)} · Kronika`;

  function drawTools() {
    const again = el('button', { class: 'quiet square', 'aria-label': t('dashboards.again'), title: `${t('dashboards.again')} (r)`, on: { click: reload } }, icon('refresh'));
    const full = el('button', { class: 'quiet square', 'aria-label': t('dashboards.full'), title: `${t('dashboards.full')} (f)`, 'data-test': 'full', on: { click: toggleFull } }, icon('full'));
    if (editing()) return fill(tools, el('button', { 'data-test': 'add-tile', on: { click: add } }, icon('plus'), t('dashboards.add')), el('button', { class: 'primary', 'data-test': 'save-dashboard', on: { click: () => void save() } }, t('core.save')), el('button', { on: { click: () => void leave() } }, isChanged() ? t('core.cancel') : t('dashboards.done')));
    return fill(tools, again, full, menuButton({ label: t('core.more'), icon: 'more', class: 'quiet square' }, () => [
      ...(isMine ? [{ label: t('core.edit'), icon: /** @type {const} */ ('edit'), run: () => url.change({ edit: '1' }) }, { label: t('dashboards.rename'), icon: /** @type {const} */ ('edit'), run: rename }] : []),
      { label: t('dashboards.copy'), icon: 'copy', run: copy },
      ...(isMine ? [/** @type {'line'} */ ('line'), { label: t('core.delete'), icon: /** @type {const} */ ('trash'), danger: true, run: () => void remove() }] : []),
    ]), !isMine && el('button', { 'data-test': 'copy-dashboard', on: { click: copy } }, icon('copy'), t('dashboards.copy_edit')));
  }

  async function save() {
    try {
      const what = /** @type {const} */ ({ kind: 'dashboard', name: state.one.name, shared: state.one.shared, state: { ...state.one.state, tiles: state.tiles } });
      const kept = await saved.replace(state.one.id, what, state.etag);
      Object.assign(state, { one: kept.saved, etag: kept.etag ?? (await saved.read(state.one.id)).etag });
      toast(t('dashboards.saved'), 'success');
      url.change({ edit: null });
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 412) throw error;
      // Somebody else was quicker: theirs is shown, or ours takes its place.
      const other = await saved.read(state.one.id);
      if (!(await confirm({ title: t('dashboards.conflict'), text: t('dashboards.conflict_text', { time: time(other.saved.updated_at ?? '') }), action: t('dashboards.overwrite'), danger: true }))) return;
      state.etag = other.etag;
      await save();
    }
  }

  async function leave() {
    if (isChanged() && !(await confirm({ title: t('dashboards.leave'), text: t('dashboards.leave_text'), action: t('dashboards.throw_away'), danger: true }))) return;
    state.tiles = readBoard(state.one.state).tiles;
    url.change({ edit: null });
  }

  function rename() {
    openNaming(t('dashboards.rename'), state.one, async (name, shared) => {
      const kept = await saved.replace(state.one.id, { kind: 'dashboard', name, shared, state: state.one.state }, state.etag);
      Object.assign(state, { one: kept.saved, etag: kept.etag ?? (await saved.read(state.one.id)).etag });
      heading.textContent = name;
    });
  }

  function copy() {
    openNaming(t('dashboards.copy'), { name: t('dashboards.copy_of', { name: nameOf(state.one) }), shared: false }, async (name, shared) => edit(await saved.create({ kind: 'dashboard', name, shared, state: { ...state.one.state, tiles: state.tiles } })));
  }

  async function remove() {
    if (!(await confirm({ title: t('dashboards.delete'), text: t('dashboards.delete_text', { name: state.one.name }), action: t('core.delete'), danger: true }))) return;
    await saved.remove(state.one.id);
    url.go(url.link('/dashboards'));
  }

  function toggleFull() {
    if (document.fullscreenElement) void document.exitFullscreen();
    else root.requestFullscreen().catch(() => toast(t('dashboards.no_full'), 'warning'));
  }

  function reload() {
    state.since = Date.now();
    state.probe = watch(period());
    view.load(period(), queries);
    void tellEmpty();
  }

  /** Where nothing is in the period at all, says where something is. */
  async function tellEmpty() {
    state.asking.abort();
    const mine = new AbortController();
    state.asking = mine;
    fill(note);
    const of = board.source ? { source: board.source } : {};
    const { rows } = await get('/aggregate', { ...of, metric: 'count', ...period(), tz: zone() }, mine.signal);
    if (Number(rows[0]?.value ?? 0) > 0) return;
    const last = await get('/events', { ...of, period: 'all', limit: 1, fields: 'event_time', total: 'none' }, mine.signal);
    const at = (last.events ?? last.rows)?.[0]?.event_time;
    fill(note, icon('info'), el('span', null, t(at ? 'dashboards.no_data_until' : 'dashboards.no_data', { time: at ? time(at, { fraction: false }) : '' })), at && el('button', { 'data-test': 'go-to-data', on: { click: () => goTo(at) } }, t('dashboards.go_there')));
  }

  /** The month that ends with a moment. @param {string} at */
  function goTo(at) {
    const end = Math.ceil((Date.parse(at) + 1) / 3_600_000) * 3_600_000;
    choosePeriod(between(end - 30 * 86_400_000, end));
  }

  /** Asks whether anything happened; only then, or when the window has moved on, the tiles are asked. */
  async function look() {
    if (document.hidden || editing() || view.isBusy()) return;
    const seconds = REFRESH[url.here().params.get('refresh') ?? ''] ?? 0;
    try {
      const changed = await state.probe?.changed(state.asking.signal);
      if (changed || Date.now() - state.since > seconds * 20_000) reload();
    } catch (error) {
      if (error instanceof DOMException) return;
      // The shell tells of a server that is away, and asks again when it is back.
      if (error instanceof Problem && error.status === 401) return;
      throw error;
    }
  }

  /** @param {string} every */
  function follow(every) {
    if (refresh.value === every && state.timer !== undefined) return;
    refresh.value = every;
    clearInterval(state.timer);
    state.timer = every === '' ? undefined : window.setInterval(() => void look(), (REFRESH[every] ?? 60) * 1000);
  }

  const forget = shortcut(
    { keys: 'f', title: 'dashboards.full', run: toggleFull },
    { keys: 'r', title: 'dashboards.again', run: reload },
    { keys: 't', title: 'dashboards.keys_time', run: () => picker.open() },
    { keys: '[', title: 'dashboards.keys_before', run: () => picker.shift(-1) },
    { keys: ']', title: 'dashboards.keys_after', run: () => picker.shift(1) },
  );

  return {
    /** @param {Place} now */
    update(now) {
      const { period: of, ignored } = periodOf(now.params, DEFAULT_PERIOD);
      const every = now.params.get('refresh') ?? '';
      if (every !== '' && !(every in REFRESH)) ignored.push(`refresh=${every}`);
      if (ignored.join() !== state.ignored) {
        state.ignored = ignored.join();
        if (ignored.length > 0) toast(t('core.ignored', { what: ignored.join(', ') }), 'warning');
      }
      picker.set(of);
      follow(every in REFRESH ? every : '');
      drawTools();
      view.show(state.tiles, editing());
      const key = JSON.stringify([of, zone()]);
      if (key === state.loaded) return;
      state.loaded = key;
      reload();
    },
    stop() {
      forget();
      clearInterval(state.timer);
      state.asking.abort();
      view.stop();
    },
  };
}
