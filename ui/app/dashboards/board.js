/** The tiles of a dashboard: side by side, loaded a few at a time, and, while it is edited, moved and resized by mouse or keys. */

import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { menuButton } from '../parts/menu.js';
import { empty } from '../parts/states.js';
import { heightOf, moved, resized, without } from './model.js';
import { TileView, titleOf } from './tile.js';

/** @typedef {import('./model.js').Tile} Tile */

/** Tiles that ask at once: others of the page's calls get their turn. */
const AT_ONCE = 4;
/** What arrows do: to the side and down. @type {Record<string, [number, number]>} */
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @typedef {object} BoardOptions
 * @property {import('./tile.js').TileOptions} tile
 * @property {(tiles: Tile[]) => void} onChange while it is edited
 * @property {(tile: Tile) => void} onEdit
 * @property {() => void} onAdd
 */

export class Board {
  /** @param {BoardOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {Tile[]} */
    this.tiles = [];
    /** @type {Map<string, {key: string, view: TileView}>} */
    this.views = new Map();
    this.editing = false;
    /** @type {import('../period.js').Period | null} */
    this.period = null;
    /** @type {import('../sql/named.js').NamedQuery[]} */
    this.queries = [];
    /** Tiles that ask next. @type {TileView[]} */
    this.waiting = [];
    this.asking = 0;
    this.told = el('div', { class: 'visually-hidden', role: 'status' });
    this.place = el('div', { class: 'tiles', 'data-test': 'tiles' });
    this.element = el('div', { class: 'board' }, this.place, this.told);
  }

  /** @param {Tile[]} tiles @param {boolean} editing */
  show(tiles, editing) {
    this.tiles = tiles;
    this.editing = editing;
    this.ask(this.draw());
  }

  /** Asks for all tiles. @param {import('../period.js').Period} period @param {import('../sql/named.js').NamedQuery[]} queries */
  load(period, queries) {
    this.period = period;
    this.queries = queries;
    this.waiting = [];
    this.ask([...this.views.values()].map(({ view }) => view));
  }

  isBusy() {
    return this.asking > 0;
  }

  stop() {
    this.waiting = [];
    this.period = null;
    for (const { view } of this.views.values()) view.stop();
  }

  /** Puts the tiles where they belong; those that are other than before are made anew. @returns {TileView[]} these */
  draw() {
    /** @type {TileView[]} */
    const fresh = [];
    /** @type {typeof this.views} */
    const kept = new Map();
    for (const tile of this.tiles) {
      const key = JSON.stringify([tile.titles, tile.kind, tile.ask, tile.drill]);
      const old = this.views.get(tile.id);
      if (old?.key === key) kept.set(tile.id, old);
      else {
        old?.view.stop();
        const view = new TileView(tile, this.options.tile);
        fresh.push(view);
        kept.set(tile.id, { key, view });
      }
      kept.get(tile.id)?.view.resize(tile.width, heightOf(tile));
    }
    for (const [id, { view }] of this.views) if (!kept.has(id)) view.stop();
    this.views = kept;
    this.arrange();
    return fresh;
  }

  arrange() {
    const elements = [...this.views.values()].map(({ view }) => view.element);
    if (elements.length === 0) fill(this.place, empty(t('dashboards.no_tiles'), null, el('button', { class: 'primary', on: { click: this.options.onAdd } }, icon('plus'), t('dashboards.add'))));
    else if (elements.length !== this.place.childElementCount || elements.some((one, at) => this.place.children[at] !== one)) this.place.replaceChildren(...elements);
    this.element.classList.toggle('editing', this.editing);
    for (const { view } of this.views.values()) {
      view.head.querySelector('.tile-tools')?.remove();
      if (this.editing) view.head.append(this.tools(view));
    }
  }

  /** @param {Tile[]} tiles @param {string} id whose handle keeps the focus @param {string} words for screen readers */
  change(tiles, id, words) {
    this.tiles = tiles;
    this.ask(this.draw());
    this.options.onChange(tiles);
    this.told.textContent = words;
    const handle = this.views.get(id)?.view.element.querySelector('.tile-handle');
    if (handle instanceof HTMLElement) handle.focus();
  }

  /** @param {string} id */
  placeOf(id) {
    return this.tiles.findIndex((tile) => tile.id === id);
  }

  /** @param {string} id @param {number} by */
  move(id, by) {
    const tiles = moved(this.tiles, id, this.placeOf(id) + by);
    this.change(tiles, id, t('dashboards.moved', { at: tiles.findIndex((tile) => tile.id === id) + 1, n: tiles.length }));
  }

  /** @param {string} id @param {number} wider @param {number} taller */
  resize(id, wider, taller) {
    const tiles = resized(this.tiles, id, wider, taller);
    const now = tiles.find((tile) => tile.id === id);
    this.change(tiles, id, t('dashboards.resized', { width: now?.width ?? 1, height: now?.height ?? 1 }));
  }

  /** @param {TileView} view */
  remove(view) {
    this.change(without(this.tiles, view.tile.id), '', t('dashboards.removed', { title: titleOf(view.tile) }));
  }

  /** The handle and the menu of a tile while it is edited. @param {TileView} view */
  tools(view) {
    const { id } = view.tile;
    const title = titleOf(view.tile);
    const handle = el('button', { class: 'quiet square tile-handle', 'data-test': 'tile-handle', 'aria-label': t('dashboards.handle', { title }), title: t('dashboards.handle_hint'), 'aria-describedby': 'dashboards-keys' }, icon('grip'));
    handle.addEventListener('keydown', (event) => this.key(event, view));
    handle.addEventListener('pointerdown', (event) => this.drag(event, view));
    const more = menuButton({ label: t('dashboards.tile_menu', { title }), icon: 'more', class: 'quiet square' }, () => [
      { label: t('core.edit'), icon: 'edit', run: () => this.options.onEdit(this.tiles.find((tile) => tile.id === id) ?? view.tile) },
      'line',
      { label: t('dashboards.wider'), icon: 'plus', note: 'Shift+→', run: () => this.resize(id, 1, 0) },
      { label: t('dashboards.narrower'), icon: 'minus', note: 'Shift+←', run: () => this.resize(id, -1, 0) },
      { label: t('dashboards.taller'), icon: 'down', note: 'Shift+↓', run: () => this.resize(id, 0, 1) },
      { label: t('dashboards.lower'), icon: 'up', note: 'Shift+↑', run: () => this.resize(id, 0, -1) },
      { label: t('dashboards.earlier'), icon: 'left', note: '←', run: () => this.move(id, -1) },
      { label: t('dashboards.later'), icon: 'right', note: '→', run: () => this.move(id, 1) },
      'line',
      { label: t('dashboards.remove'), icon: 'trash', danger: true, run: () => this.remove(view) },
    ]);
    return el('div', { class: 'tile-tools' }, handle, more);
  }

  /** @param {KeyboardEvent} event @param {TileView} view */
  key(event, view) {
    const way = WAYS[event.key];
    if (event.key === 'Delete') this.remove(view);
    else if (!way) return;
    else if (event.shiftKey) this.resize(view.tile.id, way[0], way[1]);
    else this.move(view.tile.id, way[0] + way[1]);
    event.preventDefault();
    event.stopPropagation();
  }

  /** Takes a tile to where the pointer is. @param {PointerEvent} event @param {TileView} view */
  drag(event, view) {
    if (event.button !== 0) return;
    event.preventDefault();
    view.element.classList.add('dragged');
    // The document hears it: an element that moves to another place loses the pointer that it captured.
    const over = (/** @type {PointerEvent} */ now) => this.dragOver(now, view);
    const end = () => {
      document.removeEventListener('pointermove', over);
      document.removeEventListener('pointerup', end);
      document.removeEventListener('pointercancel', end);
      view.element.classList.remove('dragged');
      this.options.onChange(this.tiles);
    };
    document.addEventListener('pointermove', over);
    document.addEventListener('pointerup', end);
    document.addEventListener('pointercancel', end);
  }

  /** @param {PointerEvent} now @param {TileView} view */
  dragOver(now, view) {
    const under = document.elementsFromPoint(now.clientX, now.clientY).map((one) => one.closest('.tile')).find((one) => one && one !== view.element && this.place.contains(one));
    if (!(under instanceof HTMLElement)) return;
    const [from, to] = [this.placeOf(view.tile.id), this.placeOf(under.dataset.tile ?? '')];
    const box = under.getBoundingClientRect();
    const [across, down] = [now.clientX - box.left - box.width / 2, now.clientY - box.top - box.height / 2];
    // Only past the middle, or two tiles would change places for ever.
    if (to < 0 || (to > from ? across <= 0 && down <= 0 : across >= 0 && down >= 0)) return;
    this.tiles = moved(this.tiles, view.tile.id, to);
    this.place.insertBefore(view.element, to > from ? under.nextSibling : under);
  }

  /** Asks for tiles, a few at a time, from the top. @param {TileView[]} views */
  ask(views) {
    this.waiting.push(...views.filter((view) => !this.waiting.includes(view)));
    while (this.period && this.asking < AT_ONCE && this.waiting.length > 0) void this.next();
  }

  async next() {
    this.asking += 1;
    for (let view = this.waiting.shift(); view && this.period; view = this.waiting.shift()) await view.load(this.period, this.queries);
    this.asking -= 1;
  }
}
