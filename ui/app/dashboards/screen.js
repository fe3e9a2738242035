/**
 * One dashboard: its period, its refreshing, its editing, and what becomes of it. Period, refreshing and editing are in the
 * address. Who leaves while something is not saved finds it again, and is warned before the browser forgets it.
 */

import { Problem, get } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { time, zone } from '../format.js';
import { t } from '../i18n.js';
import { shortcut } from '../keys.js';
import { confirm } from '../parts/dialog.js';
import { menuButton } from '../parts/menu.js';
import { timePicker } from '../parts/timepicker.js';
import { toast } from '../parts/toast.js';
import { between } from '../period.js';
import * as saved from '../saved.js';
import { periodOf } from '../sql/place.js';
import * as url from '../url.js';
import { watch } from './asking.js';
import { Board } from './board.js';
import { nameOf } from './list.js';
import { newTile, put, readBoard } from './model.js';
import { openNaming } from './naming.js';
import { openTileForm } from './tileform.js';

/** @typedef {import('./model.js').Tile} Tile */
/** @typedef {import('../period.js').Period} Period */

const DEFAULT_PERIOD = 'last_7d';
/** Seconds between questions of a dashboard that refreshes by itself. @type {Record<string, number>} */
const REFRESH = { '30s': 30, '1m': 60, '5m': 300, '15m': 900 };
/** Questions without news after which a moving window is asked anew, since it has moved on. */
const QUIET_MAX = 20;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What was changed and not saved, by dashboard, with the version that it was changed from. @type {Map<string, {tiles: Tile[], etag: string | null}>} */
const drafts = new Map();
window.addEventListener('beforeunload', (event) => drafts.size > 0 && event.preventDefault());

/** The period of the address. */
const periodNow = () => periodOf(url.here().params, DEFAULT_PERIOD).period;

/** Opens a dashboard for editing; the period stays. @param {string} id */
export function edit(id) {
  const { params } = url.here();
  const period = Object.fromEntries(['period', 'from', 'to'].map((name) => [name, params.get(name)]));
  url.go(url.link(`/dashboards/${encodeURIComponent(id)}`, { ...period, edit: '1' }));
}

export class Dashboard {
  /**
   * @param {{saved: saved.Saved, etag: string | null}} read
   * @param {import('../sql/named.js').NamedQuery[]} queries
   */
  constructor(read, queries) {
    this.one = read.saved;
    this.etag = read.etag;
    this.queries = queries;
    this.source = readBoard(read.saved.state).source;
    this.tiles = readBoard(read.saved.state).tiles;
    this.isMine = saved.isOwn(read.saved);
    const draft = drafts.get(this.one.id);
    if (draft) Object.assign(this, draft);
    /** Whether it opens with what was not saved. */
    this.goesOn = draft != null;
    /** The period and zone that the tiles show. @type {string | null} */
    this.loaded = null;
    this.ignored = '';
    this.every = '';
    /** @type {number | undefined} */
    this.timer = undefined;
    /** @type {ReturnType<typeof watch> | null} */
    this.probe = null;
    this.quiet = 0;
    this.asking = new AbortController();
    this.view = new Board({
      tile: { onBrush: (from, to) => this.choose(between(from, to)), onDrill: (filters, range) => this.drill(filters, range) },
      onChange: (tiles) => this.became(tiles),
      onEdit: (tile) => void openTileForm(tile, { title: t('dashboards.edit_tile'), action: t('dashboards.take'), period: periodNow(), queries, onDone: (now) => this.set(now) }),
      onAdd: () => this.add(),
    });
    this.picker = timePicker({ value: periodNow(), onChange: (period) => this.choose(period) });
    this.refresh = el('select', { 'data-test': 'refresh', 'aria-label': t('dashboards.refresh'), title: t('dashboards.refresh'), on: { change: () => url.change({ refresh: this.refresh.value }) } }, ['', ...Object.keys(REFRESH)].map((every) => el('option', { value: every }, every === '' ? t('dashboards.refresh_off') : t('dashboards.refresh_every', { time: every }))));
    this.tools = el('div', { class: 'row wrap' });
    this.note = el('div', { class: 'board-note', role: 'status' });
    this.heading = el('h1', null, nameOf(this.one));
    const back = el('a', { class: 'button quiet square', href: url.link('/dashboards'), 'aria-label': t('dashboards.all'), title: t('dashboards.all') }, icon('left'));
    const head = el('div', { class: 'page-head' }, back, this.heading, el('div', { class: 'row wrap board-controls' }, this.picker.element, this.refresh, this.tools));
    this.element = el('div', { class: 'page board-page', tabIndex: -1 }, head, this.note, el('p', { class: 'visually-hidden', id: 'dashboards-keys' }, t('dashboards.keys')), this.view.element);
    this.forget = this.keys();
    document.title = `${nameOf(this.one)} · Kronika`;
  }

  keys() {
    return shortcut(
      { keys: 'f', title: 'dashboards.full', run: () => this.toggleFull() },
      { keys: 'r', title: 'dashboards.again', run: () => this.reload() },
      { keys: 't', title: 'dashboards.keys_time', run: () => this.picker.open() },
      { keys: '[', title: 'dashboards.keys_before', run: () => this.picker.shift(-1) },
      { keys: ']', title: 'dashboards.keys_after', run: () => this.picker.shift(1) },
    );
  }

  /** @param {Period} period */
  choose({ period, from, to }) {
    url.change({ period: period && period !== DEFAULT_PERIOD ? period : null, from: from ?? null, to: to ?? null });
  }

  /**
   * The events behind figures.
   * @param {Record<string, string | string[]>} filters
   * @param {Period | null} range of one mark
   */
  drill(filters, range) {
    url.go(url.link('/', { ...(this.source ? { source: this.source } : {}), ...filters, ...(range ?? periodNow()) }));
  }

  isEditing() {
    return this.isMine && url.here().params.get('edit') === '1';
  }

  isChanged() {
    return JSON.stringify(this.tiles) !== JSON.stringify(readBoard(this.one.state).tiles);
  }

  add() {
    void openTileForm(newTile(this.tiles), { title: t('dashboards.add'), action: t('dashboards.add'), period: periodNow(), queries: this.queries, onDone: (tile) => this.set(tile) });
  }

  /** @param {Tile} tile */
  set(tile) {
    this.became(put(this.tiles, tile));
    this.view.show(this.tiles, this.isEditing());
  }

  /** @param {Tile[]} tiles not saved yet */
  became(tiles) {
    this.tiles = tiles;
    if (this.isChanged()) drafts.set(this.one.id, { tiles, etag: this.etag });
    else drafts.delete(this.one.id);
    this.drawTools();
  }

  drawTools() {
    if (this.isEditing()) return fill(this.tools, el('button', { 'data-test': 'add-tile', on: { click: () => this.add() } }, icon('plus'), t('dashboards.add')), el('button', { class: 'primary', 'data-test': 'save-dashboard', on: { click: () => void this.save() } }, t('core.save')), el('button', { 'data-test': 'leave-editing', on: { click: () => void this.leave() } }, this.isChanged() ? t('core.cancel') : t('dashboards.done')));
    const again = el('button', { class: 'quiet square', 'aria-label': t('dashboards.again'), title: `${t('dashboards.again')} (r)`, 'data-test': 'reload', on: { click: () => this.reload() } }, icon('refresh'));
    const full = el('button', { class: 'quiet square', 'aria-label': t('dashboards.full'), title: `${t('dashboards.full')} (f)`, 'data-test': 'full', on: { click: () => this.toggleFull() } }, icon('full'));
    return fill(this.tools, again, full, menuButton({ label: t('core.more'), icon: 'more', class: 'quiet square' }, () => this.menu()), !this.isMine && el('button', { 'data-test': 'copy-dashboard', on: { click: () => this.copy() } }, icon('copy'), t('dashboards.copy_edit')));
  }

  /** @returns {(import('../parts/menu.js').Item | 'line')[]} */
  menu() {
    /** @type {import('../parts/menu.js').Item} */
    const copy = { label: t('dashboards.copy'), icon: 'copy', run: () => this.copy() };
    if (!this.isMine) return [copy];
    return [
      { label: t('core.edit'), icon: 'edit', run: () => url.change({ edit: '1' }) },
      { label: t('dashboards.rename'), icon: 'share', run: () => this.rename() },
      copy,
      'line',
      { label: t('core.delete'), icon: 'trash', danger: true, run: () => void this.remove() },
    ];
  }

  /** @param {{name?: string, shared?: boolean, tiles?: Tile[]}} what is other than before */
  async replace({ name = this.one.name, shared = this.one.shared, tiles }) {
    const state = tiles ? { ...this.one.state, tiles } : this.one.state;
    const kept = await saved.replace(this.one.id, { kind: 'dashboard', name, shared, state }, this.etag);
    this.one = kept.saved;
    this.etag = kept.etag ?? (await saved.read(this.one.id)).etag;
  }

  async save() {
    try {
      await this.replace({ tiles: this.tiles });
      drafts.delete(this.one.id);
      toast(t('dashboards.saved'), 'success');
      url.change({ edit: null });
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 412) throw error;
      // Somebody else was quicker: theirs stays, or ours takes its place.
      const other = await saved.read(this.one.id);
      if (!(await confirm({ title: t('dashboards.conflict'), text: t('dashboards.conflict_text', { time: time(other.saved.updated_at ?? '', { fraction: false }) }), action: t('dashboards.overwrite'), danger: true }))) return;
      this.etag = other.etag;
      await this.save();
    }
  }

  async leave() {
    if (this.isChanged() && !(await confirm({ title: t('dashboards.leave'), text: t('dashboards.leave_text'), action: t('dashboards.throw_away'), danger: true }))) return;
    this.became(readBoard(this.one.state).tiles);
    url.change({ edit: null });
  }

  rename() {
    openNaming(t('dashboards.rename'), this.one, async (name, shared) => {
      await this.replace({ name, shared });
      this.heading.textContent = name;
    });
  }

  copy() {
    openNaming(t('dashboards.copy'), { name: t('dashboards.copy_of', { name: nameOf(this.one) }), shared: false }, async (name, shared) => edit((await saved.create({ kind: 'dashboard', name, shared, state: { ...this.one.state, tiles: this.tiles } })).id));
  }

  async remove() {
    if (!(await confirm({ title: t('dashboards.delete'), text: t('dashboards.delete_text', { name: this.one.name }), action: t('core.delete'), danger: true }))) return;
    await saved.remove(this.one.id);
    drafts.delete(this.one.id);
    url.go(url.link('/dashboards'));
  }

  toggleFull() {
    if (document.fullscreenElement) void document.exitFullscreen();
    else this.element.requestFullscreen().catch(() => toast(t('dashboards.no_full'), 'warning'));
  }

  reload() {
    this.quiet = 0;
    this.probe = watch(periodNow());
    this.view.load(periodNow(), this.queries);
    void this.tellEmpty();
    // What is asked first is what later answers are compared with.
    void this.probe.changed(this.asking.signal);
  }

  /** Where nothing is in the period at all, says where something is. */
  async tellEmpty() {
    this.asking.abort();
    const mine = new AbortController();
    this.asking = mine;
    const of = this.source ? { source: this.source } : {};
    const { rows } = await get('/aggregate', { ...of, metric: 'count', ...periodNow(), tz: zone() }, mine.signal);
    if (Number(rows[0]?.value ?? 0) > 0) return fill(this.note);
    const last = await get('/events', { ...of, period: 'all', limit: 1, fields: 'event_time', total: 'none' }, mine.signal);
    const at = last.events?.[0]?.event_time;
    // The month that ends with the last event.
    const end = at ? Math.ceil((Date.parse(at) + 1) / HOUR) * HOUR : 0;
    return fill(this.note, icon('info'), el('span', null, t(at ? 'dashboards.no_data_until' : 'dashboards.no_data', { time: at ? time(at, { fraction: false }) : '' })), at && el('button', { 'data-test': 'go-to-data', on: { click: () => this.choose(between(end - 30 * DAY, end)) } }, t('dashboards.go_there')));
  }

  /** Asks whether anything happened; only then, or when the window has moved on far, the tiles are asked. */
  async look() {
    if (document.hidden || this.isEditing() || this.view.isBusy()) return;
    try {
      this.quiet += 1;
      const changed = await this.probe?.changed(this.asking.signal);
      if (changed || this.quiet > QUIET_MAX) this.reload();
    } catch (error) {
      // The shell tells of a server that is away, and of a session that ended; both are asked for again by it.
      if (error instanceof DOMException || (error instanceof Problem && error.status === 401)) return;
      throw error;
    }
  }

  /** @param {string} every */
  follow(every) {
    if (every === this.every) return;
    this.every = every;
    this.refresh.value = every;
    clearInterval(this.timer);
    this.timer = every === '' ? undefined : window.setInterval(() => void this.look(), (REFRESH[every] ?? 60) * 1000);
  }

  /** @param {url.Place} now */
  update(now) {
    if (this.goesOn) {
      this.goesOn = false;
      toast(t('dashboards.goes_on'));
      if (now.params.get('edit') !== '1') return url.change({ edit: '1' }, { replace: true });
    }
    const { period, ignored } = periodOf(now.params, DEFAULT_PERIOD);
    const every = now.params.get('refresh') ?? '';
    if (every !== '' && !(every in REFRESH)) ignored.push(`refresh=${every}`);
    if (ignored.join() !== this.ignored) {
      this.ignored = ignored.join();
      if (ignored.length > 0) toast(t('core.ignored', { what: ignored.join(', ') }), 'warning');
    }
    this.picker.set(period);
    this.follow(every in REFRESH ? every : '');
    this.drawTools();
    this.view.show(this.tiles, this.isEditing());
    const key = JSON.stringify([period, zone()]);
    if (key === this.loaded) return;
    this.loaded = key;
    this.reload();
  }

  stop() {
    this.forget();
    clearInterval(this.timer);
    this.asking.abort();
    this.view.stop();
  }
}
