/** The tiles of a dashboard: side by side, loaded a few at a time, and, while it is edited, moved and resized by mouse or keys. */

import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { menuButton } from '../parts/menu.js';
import { empty } from '../parts/states.js';
import { moved, resized, without } from './model.js';
import { tileView, titleOf } from './tile.js';

/** @typedef {import('./model.js').Tile} Tile */
/** @typedef {ReturnType<typeof tileView>} TileView */

/** Tiles that ask at once: others of the page's calls get their turn. */
const AT_ONCE = 4;

/**
 * @typedef {object} BoardOptions
 * @property {import('./tile.js').TileOptions} tile
 * @property {(tiles: Tile[]) => void} onChange while it is edited
 * @property {(tile: Tile) => void} onEdit
 * @property {() => void} onAdd
 */

/** @param {BoardOptions} options */
export function boardView(options) {
  const told = el('div', { class: 'visually-hidden', role: 'status' });
  const place = el('div', { class: 'tiles', 'data-test': 'tiles' });
  const element = el('div', { class: 'board' }, place, told);
  /** @type {{tiles: Tile[], views: Map<string, {key: string, view: TileView}>, editing: boolean, period: import('../period.js').Period | null, queries: import('../sql/named.js').NamedQuery[], waiting: TileView[], asking: number}} */
  const state = { tiles: [], views: new Map(), editing: false, period: null, queries: [], waiting: [], asking: 0 };

  function draw() {
    const kept = new Map();
    /** @type {TileView[]} */
    const fresh = [];
    for (const tile of state.tiles) {
      const key = JSON.stringify([tile.titles, tile.kind, tile.ask, tile.drill]);
      const old = state.views.get(tile.id);
      let view = old?.view;
      if (!old || !view || old.key !== key) {
        old?.view.stop();
        view = tileView(tile, options.tile);
        fresh.push(view);
      }
      view.element.style.setProperty('--columns', String(tile.width));
      view.element.style.setProperty('--rows', String(tile.height ?? (tile.kind === 'stat' ? 1 : 2)));
      kept.set(tile.id, { key, view });
    }
    for (const [id, { view }] of state.views) if (!kept.has(id)) view.stop();
    state.views = kept;
    const elements = state.tiles.map((tile) => kept.get(tile.id)?.view.element).filter((one) => one instanceof Node);
    if (elements.length === 0) fill(place, empty(t('dashboards.no_tiles'), null, el('button', { class: 'primary', on: { click: options.onAdd } }, icon('plus'), t('dashboards.add'))));
    else if (elements.some((one, at) => place.children[at] !== one) || place.childElementCount !== elements.length) place.replaceChildren(...elements);
    decorate();
    return fresh;
  }

  /** Handles of tiles while they are edited. */
  function decorate() {
    element.classList.toggle('editing', state.editing);
    for (const { view } of state.views.values()) {
      view.element.querySelector('.tile-tools')?.remove();
      if (state.editing) view.element.querySelector('.tile-head')?.append(tools(view));
    }
  }

  /** @param {Tile[]} tiles @param {string} id @param {string} words */
  function change(tiles, id, words) {
    state.tiles = tiles;
    loadAll(draw());
    options.onChange(tiles);
    told.textContent = words;
    const handle = state.views.get(id)?.view.element.querySelector('.tile-handle');
    if (handle instanceof HTMLElement) handle.focus();
  }

  /** @param {string} id */
  const at = (id) => state.tiles.findIndex((tile) => tile.id === id);
  /** @param {string} id @param {number} by */
  const move = (id, by) => {
    const tiles = moved(state.tiles, id, at(id) + by);
    change(tiles, id, t('dashboards.moved', { at: tiles.findIndex((tile) => tile.id === id) + 1, n: tiles.length }));
  };
  /** @param {string} id @param {number} wider @param {number} taller */
  const resize = (id, wider, taller) => {
    const tiles = resized(state.tiles, id, wider, taller);
    const now = tiles.find((tile) => tile.id === id);
    change(tiles, id, t('dashboards.resized', { width: now?.width ?? 1, height: now?.height ?? 1 }));
  };

  /** @param {TileView} view */
  function tools(view) {
    const { id } = view.tile;
    const title = titleOf(view.tile);
    const handle = el('button', { class: 'quiet square tile-handle', 'data-test': 'tile-handle', 'aria-label': t('dashboards.handle', { title }), title: t('dashboards.handle_hint'), 'aria-describedby': 'dashboards-keys', on: { keydown: (/** @type {KeyboardEvent} */ event) => keys(event, id), pointerdown: (/** @type {PointerEvent} */ event) => drag(event, view) } }, icon('grip'));
    const more = menuButton({ label: t('dashboards.tile_menu', { title }), icon: 'more', class: 'quiet square' }, () => [
      { label: t('core.edit'), icon: 'edit', run: () => options.onEdit(state.tiles.find((tile) => tile.id === id) ?? view.tile) },
      'line',
      { label: t('dashboards.wider'), icon: 'plus', note: 'Shift+→', run: () => resize(id, 1, 0) },
      { label: t('dashboards.narrower'), icon: 'minus', note: 'Shift+←', run: () => resize(id, -1, 0) },
      { label: t('dashboards.taller'), icon: 'down', note: 'Shift+↓', run: () => resize(id, 0, 1) },
      { label: t('dashboards.lower'), icon: 'up', note: 'Shift+↑', run: () => resize(id, 0, -1) },
      { label: t('dashboards.earlier'), icon: 'left', note: '←', run: () => move(id, -1) },
      { label: t('dashboards.later'), icon: 'right', note: '→', run: () => move(id, 1) },
      'line',
      { label: t('dashboards.remove'), icon: 'trash', danger: true, run: () => change(without(state.tiles, id), '', t('dashboards.removed', { title })) },
    ]);
    return el('div', { class: 'tile-tools' }, handle, more);
  }

  /** @param {KeyboardEvent} event @param {string} id */
  function keys(event, id) {
    const ways = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] });
    const way = ways[event.key];
    if (event.key === 'Delete') change(without(state.tiles, id), '', t('dashboards.removed', { title: '' }));
    else if (!way) return;
    else if (event.shiftKey) resize(id, way[0], way[1]);
    else move(id, way[0] + way[1]);
    event.preventDefault();
    event.stopPropagation();
  }

  /** Takes a tile to where the pointer is. @param {PointerEvent} event @param {TileView} view */
  function drag(event, view) {
    if (event.button !== 0) return;
    const handle = /** @type {HTMLElement} */ (event.currentTarget);
    handle.setPointerCapture(event.pointerId);
    view.element.classList.add('dragged');
    const over = (/** @type {PointerEvent} */ now) => {
      const under = document.elementsFromPoint(now.clientX, now.clientY).map((one) => one.closest('.tile')).find((one) => one && one !== view.element && place.contains(one));
      if (!(under instanceof HTMLElement)) return;
      const to = at(under.dataset.tile ?? '');
      const box = under.getBoundingClientRect();
      const from = at(view.tile.id);
      // Only past the middle, or two tiles would change places for ever.
      const past = to > from ? now.clientX > box.left + box.width / 2 || now.clientY > box.top + box.height / 2 : now.clientX < box.left + box.width / 2 || now.clientY < box.top + box.height / 2;
      if (to < 0 || to === from || !past) return;
      state.tiles = moved(state.tiles, view.tile.id, to);
      place.insertBefore(view.element, to > from ? under.nextSibling : under);
    };
    const end = () => {
      handle.removeEventListener('pointermove', over);
      view.element.classList.remove('dragged');
      options.onChange(state.tiles);
    };
    handle.addEventListener('pointermove', over);
    handle.addEventListener('pointerup', end, { once: true });
    handle.addEventListener('pointercancel', end, { once: true });
  }

  /** Asks for tiles, a few at a time, from the top. @param {TileView[]} views */
  function loadAll(views) {
    state.waiting.push(...views.filter((view) => !state.waiting.includes(view)));
    if (!state.period) return;
    while (state.asking < AT_ONCE && state.waiting.length > 0) void next();
  }

  async function next() {
    state.asking += 1;
    for (let view = state.waiting.shift(); view && state.period; view = state.waiting.shift()) await view.load(state.period, state.queries);
    state.asking -= 1;
  }

  return {
    element,
    /**
     * @param {Tile[]} tiles
     * @param {boolean} editing
     */
    show(tiles, editing) {
      state.tiles = tiles;
      state.editing = editing;
      loadAll(draw());
    },
    /** @param {import('../period.js').Period} period @param {import('../sql/named.js').NamedQuery[]} queries */
    load(period, queries) {
      state.period = period;
      state.queries = queries;
      state.waiting = [];
      loadAll([...state.views.values()].map(({ view }) => view));
    },
    tiles: () => state.tiles,
    isBusy: () => place.querySelector('.tile[aria-busy]') !== null,
    stop() {
      state.waiting = [];
      state.period = null;
      for (const { view } of state.views.values()) view.stop();
    },
  };
}
