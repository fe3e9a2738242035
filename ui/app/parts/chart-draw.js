/** What stands in the frame of a chart: bars, lines, areas, points, and the cursor over them. */

import { el, svg } from '../dom.js';
import { lookOf, placeText, told } from './chart-data.js';
import { areaPath, boxPath, dash, linePath, markClass, shape, sign } from './chart-marks.js';
import { stack } from './chart-scale.js';

/** @typedef {import('./chart-data.js').Data} Data */
/** @typedef {import('./chart-frame.js').Frame} Frame */

/** Pixels of the widest bar: one alone would be a wall. */
const WIDEST = 72;

/**
 * The marks of all series.
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {Frame} frame
 */
export function marks(data, hidden, frame) {
  if (data.kind === 'bars') return bars(data, hidden, frame);
  return data.kind === 'scatter' ? points(data, hidden, frame) : lines(data, hidden, frame);
}

/**
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {Frame} frame
 */
function bars(data, hidden, frame) {
  const gap = frame.band > 6 ? Math.min(8, frame.band * 0.18) : frame.band > 3 ? 1 : 0;
  const width = Math.max(1, Math.min(WIDEST, frame.band - gap));
  const shown = data.series.map((series, at) => (hidden.has(at) ? series.values.map(() => null) : series.values));
  const heights = stack(shown);
  return data.series.map((_, of) => {
    const boxes = (heights[of] ?? []).flatMap(([below, above], at) => {
      const value = shown[of]?.[at] ?? 0;
      // Below zero nothing is stacked: such a bar hangs from the base.
      const [low, high] = value < 0 ? [value, 0] : [below, above];
      return high > low ? [{ x: frame.x(at) - width / 2, y: frame.y(high), width, height: Math.max(1, frame.y(low) - frame.y(high)) }] : [];
    });
    return svg('path', { class: `bar ${markClass(lookOf(data, of))}`, d: boxPath(boxes) });
  });
}

/**
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {Frame} frame
 */
function lines(data, hidden, frame) {
  const area = data.kind === 'area';
  const heights = area ? stack(data.series.map((series, at) => (hidden.has(at) ? series.values.map(() => null) : series.values))) : null;
  return data.series.flatMap((series, of) => {
    if (hidden.has(of)) return [];
    const spots = series.values.map((value, at) => {
      const height = heights ? heights[of]?.[at]?.[1] ?? null : value;
      return height === null ? null : /** @type {[number, number]} */ ([frame.x(at), frame.y(height)]);
    });
    const line = svg('path', { class: `line ${markClass(lookOf(data, of))}`, d: linePath(spots), 'stroke-dasharray': area ? null : dash(lookOf(data, of)) || null });
    const dots = spots.length <= 32 && !area ? svg('path', { class: `point ${markClass(lookOf(data, of))}`, d: spots.map((spot) => (spot ? shape(lookOf(data, of), spot[0], spot[1], 2.5) : '')).join('') }) : null;
    if (!area) return dots ? [line, dots] : [line];
    const lower = series.values.map((_, at) => /** @type {[number, number]} */ ([frame.x(at), frame.y(heights?.[of]?.[at]?.[0] ?? 0)]));
    return [svg('path', { class: `area ${markClass(lookOf(data, of))}`, d: areaPath(/** @type {[number, number][]} */ (spots), lower) }), line];
  });
}

/**
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {Frame} frame
 */
function points(data, hidden, frame) {
  return data.series.map((series, of) => svg('path', { class: `point ${markClass(lookOf(data, of))}`, d: hidden.has(of) ? '' : series.values.map((value, at) => (value === null ? '' : shape(lookOf(data, of), frame.x(at), frame.y(value), 3))).join('') }));
}

/**
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {Frame} frame
 * @param {number} at
 * @param {number | null} anchor
 */
export function cursorMarks(data, hidden, frame, at, anchor) {
  const base = frame.height - frame.bottom;
  const half = data.kind === 'bars' ? frame.band / 2 : 0;
  const [from, to] = anchor === null ? [at, at] : [Math.min(at, anchor), Math.max(at, anchor)];
  const left = frame.x(from) - half;
  const width = frame.x(to) + half - left;
  const drawn = [];
  if (width > 1) drawn.push(svg('path', { class: anchor === null ? 'chart-band' : 'chart-brush', d: `M${left.toFixed(1)} ${frame.top}h${width.toFixed(1)}V${base}h${(-width).toFixed(1)}z` }));
  if (data.kind !== 'bars') {
    const x = frame.x(at);
    drawn.push(svg('path', { class: 'chart-cursor', d: `M${x.toFixed(1)} ${frame.top}V${base}` }));
    const heights = data.kind === 'area' ? stack(data.series.map((series, of) => (hidden.has(of) ? series.values.map(() => null) : series.values))) : null;
    data.series.forEach((series, of) => {
      const value = heights ? heights[of]?.[at]?.[1] : series.values[at];
      if (!hidden.has(of) && value != null && series.values[at] != null) drawn.push(svg('path', { class: `point ${markClass(lookOf(data, of))}`, d: shape(lookOf(data, of), x, frame.y(value), 4) }));
    });
  }
  return drawn;
}

/**
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {[number, number]} range places, both included
 */
export function tipContent(data, hidden, [from, to]) {
  const title = from === to ? placeText(data, from) : `${placeText(data, from).split(' – ')[0]} – ${placeText(data, to).split(' – ').at(-1)}`;
  // Figures of lines (a percentile, say) cannot be added up.
  const adds = from !== to && (data.kind === 'bars' || data.kind === 'area');
  const value = (/** @type {import('./chart-data.js').Series} */ series) => (adds ? total(series.values, from, to) : from === to ? series.values[from] : null);
  const shown = data.series.map((series, at) => ({ series, at })).filter(({ series, at }) => !hidden.has(at) && (data.series.length < 6 || (value(series) ?? 0) !== 0));
  return [
    el('p', { class: 'chart-tip-title' }, title),
    el('dl', null, shown.map(({ series, at }) => el('div', null, el('dt', null, sign(lookOf(data, at), data.kind === 'line'), series.name), el('dd', null, told(data, value(series)))))),
  ];
}

/**
 * Sum over a stretch.
 * @param {(number | null)[]} values
 * @param {number} from
 * @param {number} to
 */
const total = (values, from, to) => values.slice(from, to + 1).reduce((/** @type {number} */ all, value) => all + (value ?? 0), 0);

/**
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {number} at
 */
export function sentence(data, hidden, at) {
  const parts = data.series.filter((series, of) => !hidden.has(of) && series.values[at] != null).map((series) => `${series.name} ${told(data, series.values[at])}`);
  return `${placeText(data, at)}: ${parts.join(', ') || '–'}`;
}
