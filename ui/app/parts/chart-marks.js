/**
 * Marks of charts as SVG paths: one path a series, however many points it has.
 */

import { svg } from '../dom.js';

/** Shapes of points and of the legend's signs: series differ by shape and dash as well as by colour. */
const SHAPES = ['circle', 'square', 'up', 'diamond', 'down', 'plus', 'cross', 'ring'];
/** Dashes of lines. */
const DASHES = ['', '6 3', '2 3', '8 3 2 3', '10 4', '4 2', '1 4', '12 3 3 3'];

/** How many series have looks of their own; later ones share those of the first. */
export const LOOKS = SHAPES.length;

/**
 * @param {number} at number of the series
 */
export const dash = (at) => DASHES[at % LOOKS] ?? '';

/**
 * The class that colours a series.
 * @param {number} at
 */
export const markClass = (at) => `mark-${(at % LOOKS) + 1}`;

/**
 * The outline of a point.
 * @param {number} at number of the series
 * @param {number} x
 * @param {number} y
 * @param {number} r
 */
export function shape(at, x, y, r) {
  const f = (/** @type {number} */ value) => value.toFixed(1);
  switch (SHAPES[at % LOOKS]) {
    case 'square':
      return `M${f(x - r)} ${f(y - r)}h${f(2 * r)}v${f(2 * r)}h${f(-2 * r)}z`;
    case 'up':
      return `M${f(x)} ${f(y - r * 1.2)}L${f(x + r * 1.15)} ${f(y + r * 0.9)}H${f(x - r * 1.15)}z`;
    case 'down':
      return `M${f(x)} ${f(y + r * 1.2)}L${f(x + r * 1.15)} ${f(y - r * 0.9)}H${f(x - r * 1.15)}z`;
    case 'diamond':
      return `M${f(x)} ${f(y - r * 1.3)}L${f(x + r * 1.3)} ${f(y)}L${f(x)} ${f(y + r * 1.3)}L${f(x - r * 1.3)} ${f(y)}z`;
    case 'plus':
      return `M${f(x - r * 1.2)} ${f(y - r * 0.4)}h${f(r * 2.4)}v${f(r * 0.8)}h${f(-r * 2.4)}zM${f(x - r * 0.4)} ${f(y - r * 1.2)}h${f(r * 0.8)}v${f(r * 2.4)}h${f(-r * 0.8)}z`;
    case 'cross':
      return `M${f(x - r)} ${f(y - r * 0.6)}L${f(x - r * 0.6)} ${f(y - r)}L${f(x + r)} ${f(y + r * 0.6)}L${f(x + r * 0.6)} ${f(y + r)}zM${f(x + r)} ${f(y - r * 0.6)}L${f(x + r * 0.6)} ${f(y - r)}L${f(x - r)} ${f(y + r * 0.6)}L${f(x - r * 0.6)} ${f(y + r)}z`;
    case 'ring':
      return `${circle(x, y, r * 1.2)}M${f(x - r * 0.6)} ${f(y)}a${f(r * 0.6)} ${f(r * 0.6)} 0 1 0 ${f(r * 1.2)} 0a${f(r * 0.6)} ${f(r * 0.6)} 0 1 0 ${f(-r * 1.2)} 0z`;
    default:
      return circle(x, y, r);
  }
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} r
 */
function circle(x, y, r) {
  const f = (/** @type {number} */ value) => value.toFixed(1);
  return `M${f(x - r)} ${f(y)}a${f(r)} ${f(r)} 0 1 1 ${f(2 * r)} 0a${f(r)} ${f(r)} 0 1 1 ${f(-2 * r)} 0z`;
}

/**
 * A line through the points; a missing value breaks it, and one that stands alone is a dot.
 * @param {([number, number] | null)[]} points
 */
export function linePath(points) {
  let path = '';
  points.forEach((point, at) => {
    if (!point) return;
    const begins = !points[at - 1];
    path += `${begins ? 'M' : 'L'}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    if (begins && !points[at + 1]) path += 'h0.01';
  });
  return path;
}

/**
 * The area between two lines over the same places.
 * @param {[number, number][]} upper
 * @param {[number, number][]} lower
 */
export function areaPath(upper, lower) {
  if (upper.length === 0) return '';
  const text = (/** @type {[number, number]} */ [x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  return `M${upper.map(text).join('L')}L${[...lower].reverse().map(text).join('L')}z`;
}

/**
 * @param {{x: number, y: number, width: number, height: number}[]} boxes
 */
export function boxPath(boxes) {
  return boxes.map(({ x, y, width, height }) => `M${x.toFixed(1)} ${y.toFixed(1)}h${width.toFixed(1)}v${height.toFixed(1)}h${(-width).toFixed(1)}z`).join('');
}

/**
 * A piece of a ring.
 * @param {number} cx
 * @param {number} cy
 * @param {number} outer
 * @param {number} inner
 * @param {number} from share of the circle, 0 to 1
 * @param {number} to
 */
export function slicePath(cx, cy, outer, inner, from, to) {
  // A full circle has no arc of its own: its end would be its beginning.
  const end = Math.min(to, from + 0.99999);
  const at = (/** @type {number} */ share, /** @type {number} */ r) => {
    const angle = share * 2 * Math.PI - Math.PI / 2;
    return `${(cx + r * Math.cos(angle)).toFixed(2)} ${(cy + r * Math.sin(angle)).toFixed(2)}`;
  };
  const large = end - from > 0.5 ? 1 : 0;
  return `M${at(from, outer)}A${outer} ${outer} 0 ${large} 1 ${at(end, outer)}L${at(end, inner)}A${inner} ${inner} 0 ${large} 0 ${at(from, inner)}z`;
}

/**
 * The sign of a series in a legend or a tooltip.
 * @param {number} at
 * @param {boolean} [line] drawn as a line
 */
export function sign(at, line = false) {
  return svg(
    'svg',
    { class: `sign ${markClass(at)}`, viewBox: '0 0 20 12', width: 20, height: 12, 'aria-hidden': 'true' },
    line && svg('path', { d: 'M0 6H20', class: 'line', 'stroke-dasharray': dash(at) || null }),
    svg('path', { d: shape(at, 10, 6, line ? 3 : 4), class: 'point' }),
  );
}
