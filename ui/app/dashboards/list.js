/** All dashboards: those that came with the program, by source system, and those that people made; each with a small picture of what is on it. */

import { el, icon, svg } from '../dom.js';
import { ago } from '../format.js';
import { pick, t } from '../i18n.js';
import { empty } from '../parts/states.js';
import { isOwn } from '../saved.js';
import { link } from '../url.js';
import { heightOf, readBoard } from './model.js';
import { titleOf } from './tile.js';

/** @typedef {import('../saved.js').Saved} Saved */
/** @typedef {import('./model.js').Tile} Tile */

/**
 * @param {Saved[]} all
 * @param {{onNew: () => void}} of
 */
export function dashboardList(all, { onNew }) {
  const ready = all.filter((one) => one.builtin);
  const made = all.filter((one) => !one.builtin);
  return el(
    'div',
    { class: 'page' },
    el('div', { class: 'page-head' }, el('h1', null, t('nav.dashboards')), el('button', { class: 'primary', 'data-test': 'new-dashboard', on: { click: onNew } }, icon('plus'), t('dashboards.new'))),
    el('section', { class: 'stack', 'aria-label': t('dashboards.own') }, el('h2', null, t('dashboards.own')), made.length > 0 ? el('ul', { class: 'cards-grid' }, made.map(card)) : empty(t('dashboards.no_own'), t('dashboards.no_own_hint'))),
    ready.length > 0 && el('section', { class: 'stack', 'aria-label': t('dashboards.ready') }, el('h2', null, t('dashboards.ready')), el('ul', { class: 'cards-grid' }, ready.map(card))),
  );
}

/** @param {Saved} one */
export function nameOf(one) {
  return (one.builtin && pick(one.state.titles)) || one.name;
}

/** @param {Saved} one */
function card(one) {
  const board = readBoard(one.state);
  const note = one.builtin ? t('dashboards.tiles', { n: board.tiles.length }) : [one.shared ? (isOwn(one) ? t('dashboards.shared') : t('dashboards.shared_by', { name: one.owner_name ?? '' })) : t('dashboards.private'), one.updated_at && ago(one.updated_at)].filter(Boolean).join(' · ');
  return el(
    'li',
    null,
    el('a', { class: 'dash-card', href: link(`/dashboards/${encodeURIComponent(one.id)}`), 'data-test': `dashboard-${one.id}` }, picture(board.tiles), el('span', { class: 'dash-card-title' }, nameOf(one)), el('span', { class: 'muted small' }, note), el('span', { class: 'muted small dash-card-tiles' }, board.tiles.map(titleOf).join(' · '))),
  );
}

/** Where each tile lies in a grid of four columns. @param {Tile[]} tiles */
function places(tiles) {
  /** @type {{tile: Tile, x: number, y: number}[]} */
  const placed = [];
  let [x, y, row] = [0, 0, 0];
  for (const tile of tiles) {
    if (x + tile.width > 4) [x, y, row] = [0, y + row, 0];
    placed.push({ tile, x, y });
    x += tile.width;
    row = Math.max(row, heightOf(tile));
  }
  return { placed, height: y + row };
}

/**
 * The tiles in small, each with the sign of its kind.
 * @param {Tile[]} tiles
 */
function picture(tiles) {
  const { placed, height } = places(tiles);
  const [width, tall] = [40, 18];
  return svg(
    'svg',
    { class: 'dash-picture', viewBox: `0 0 ${4 * width} ${Math.max(4, height) * tall}`, preserveAspectRatio: 'xMidYMin slice', 'aria-hidden': 'true' },
    placed.map(({ tile, x, y }) => {
      const box = { x: x * width + 2, y: y * tall + 2, w: tile.width * width - 4, h: heightOf(tile) * tall - 4 };
      return svg('g', null, svg('rect', { class: 'box', x: box.x, y: box.y, width: box.w, height: box.h, rx: 2 }), svg('path', { class: `glyph ${tile.kind}`, d: glyph(tile.kind, box) }));
    }),
  );
}

/**
 * @param {Tile['kind']} kind
 * @param {{x: number, y: number, w: number, h: number}} box
 */
function glyph(kind, { x, y, w, h }) {
  const [left, top, right, bottom] = [x + 5, y + 5, x + w - 5, y + h - 4];
  const [wide, tall] = [right - left, bottom - top];
  if (kind === 'line') return `M${left} ${bottom - tall * 0.3}L${left + wide * 0.25} ${top + tall * 0.45}L${left + wide * 0.5} ${bottom - tall * 0.35}L${left + wide * 0.75} ${top}L${right} ${top + tall * 0.4}`;
  if (kind === 'bars') return [0.5, 0.9, 0.4, 0.7, 1, 0.6].map((share, at) => `M${left + ((at + 0.5) * wide) / 6} ${bottom}v${-tall * share}`).join('');
  if (kind === 'pie') return `M${x + w / 2} ${y + h / 2}m${-tall / 2} 0a${tall / 2} ${tall / 2} 0 1 0 ${tall} 0a${tall / 2} ${tall / 2} 0 1 0 ${-tall} 0M${x + w / 2} ${top}V${y + h / 2}H${x + w / 2 + tall / 2}`;
  if (kind === 'table') return [0, 0.33, 0.66, 1].map((share) => `M${left} ${top + tall * share}H${share === 0 ? right : left + wide * (0.9 - share * 0.3)}`).join('');
  return `M${left} ${y + h / 2}h${Math.min(14, wide)}`;
}
