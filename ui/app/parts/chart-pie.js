/** Rings: the shares of a whole. The list beside the ring names every piece with its figure, so that nothing is told by colour alone. */

import { el, fill, set, svg } from '../dom.js';
import { percent, short } from '../format.js';
import { t } from '../i18n.js';
import { LOOKS, markClass, sign, slicePath } from './chart-marks.js';
import { lookAt, sum, told } from './chart-data.js';

/**
 * @param {import('./chart-data.js').Options} options
 * @returns {import('./chart-data.js').Drawn}
 */
export function ring(options) {
  const picture = svg('svg', { class: 'chart-ring', viewBox: '0 0 120 120', role: 'img', 'aria-label': options.label });
  const list = el('div', { class: 'chart-parts', role: 'list' });
  return {
    element: el('div', { class: 'chart-pie' }, picture, list),
    draw(data) {
      const parts = gather(data);
      const total = sum(parts.map((part) => part.value));
      /** @type {SVGPathElement[]} */
      const slices = [];
      let from = 0;
      parts.forEach((part, at) => {
        const to = from + (total > 0 ? part.value / total : 0);
        slices.push(svg('path', { d: slicePath(60, 60, 56, 34, from, to), class: `slice ${markClass(lookOfPart(part, at))}` }, svg('title', null, `${part.name}: ${told(data, part.value)}`)));
        from = to;
      });
      picture.replaceChildren(...slices, svg('text', { x: 60, y: 60, class: 'chart-total', 'text-anchor': 'middle', 'dominant-baseline': 'central' }, total < 100_000 ? told(data, total) : short(total)));
      fill(list, parts.map((part, at) => entry(data, part, at, total, slices, options.onPick)));
    },
  };
}

/** @typedef {{name: string, value: number, at: number | null}} Part `at` is its place; the rest has none */

/** The rest is grey. @param {Part} part @param {number} at */
const lookOfPart = (part, at) => (part.at === null ? LOOKS - 1 : lookAt(at));

/**
 * The parts, those beyond the looks as one.
 * @param {import('./chart-data.js').Data} data
 * @returns {Part[]}
 */
function gather(data) {
  /** @type {Part[]} */
  const parts = data.xs.map((name, at) => ({ name: String(name), value: Math.max(0, data.series[0]?.values[at] ?? 0), at }));
  parts.sort((a, b) => b.value - a.value);
  if (parts.length <= LOOKS) return parts;
  const rest = parts.splice(LOOKS - 1);
  return [...parts, { name: t('chart.rest', { n: rest.length }), value: sum(rest.map((part) => part.value)), at: null }];
}

/**
 * @param {import('./chart-data.js').Data} data
 * @param {Part} part
 * @param {number} at
 * @param {number} total
 * @param {SVGPathElement[]} slices
 * @param {import('./chart-data.js').Options['onPick']} onPick
 */
function entry(data, part, at, total, slices, onPick) {
  const mark = (/** @type {boolean} */ on) => slices.forEach((slice, other) => set(slice, { 'data-dim': on && other !== at }));
  const place = part.at;
  const name = onPick && place !== null ? el('button', { class: 'link chart-name', on: { click: () => onPick({ at: place, series: null }) } }, part.name) : el('span', { class: 'chart-name' }, part.name);
  return el(
    'div',
    { class: 'chart-part', role: 'listitem', on: { pointerenter: () => mark(true), pointerleave: () => mark(false), focusin: () => mark(true), focusout: () => mark(false) } },
    sign(lookOfPart(part, at)),
    name,
    el('span', { class: 'chart-value' }, told(data, part.value)),
    el('span', { class: 'chart-value muted' }, percent(part.value, total)),
  );
}
