/** The frame of a chart: where values stand in the picture, its axes and their words. */

import { svg } from '../dom.js';
import { number, short } from '../format.js';
import { niceTicks, spacing, stack, timeTicks } from './chart-scale.js';

/** @typedef {import('./chart-data.js').Data} Data */

/**
 * @typedef {object} Frame where things stand in the picture
 * @property {number} width
 * @property {number} height
 * @property {number} left
 * @property {number} right
 * @property {number} top
 * @property {number} bottom
 * @property {(at: number) => number} x middle of a place
 * @property {number} band width of a place
 * @property {(value: number) => number} y
 * @property {number[]} ticks of the vertical axis
 * @property {[number, number]} domain
 * @property {(value: number) => number} xOf place of a value of the horizontal axis
 */

const PAD = { top: 10, right: 12, bottom: 24 };

/**
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {number} width
 * @param {number} height
 * @returns {Frame}
 */
export function frameOf(data, hidden, width, height) {
  const shown = data.series.filter((_, at) => !hidden.has(at));
  const stacked = data.kind === 'bars' || data.kind === 'area';
  const columns = shown.map((series) => series.values);
  const tops = stacked ? (stack(columns).at(-1) ?? []).map((pair) => pair[1]) : columns.flat();
  const known = /** @type {number[]} */ ([...tops, ...columns.flat().filter((value) => value !== null && value < 0)].filter((value) => value !== null));
  // All but points stand on zero.
  let [low, high] = data.kind === 'scatter' && known.length > 0 ? [Infinity, -Infinity] : [0, 0];
  for (const value of known) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const ticks = niceTicks(low, high, Math.max(2, Math.floor((height - 40) / 45)), known.every(Number.isInteger));
  const words = tickWords(data);
  const left = Math.max(...ticks.map((tick) => words(tick).length)) * 7 + 12;
  const [bottom, top] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const inner = Math.max(10, width - left - PAD.right);
  const step = data.axis === 'time' ? data.step ?? spacing(/** @type {number[]} */ (data.xs)) : 0;
  const domain = domainOf(data, step);
  const scale = inner / (domain[1] - domain[0] || 1);
  const xOf = (/** @type {number} */ value) => left + (value - domain[0]) * scale;
  const middle = data.kind === 'bars' ? 0.5 : 0;
  const band = data.axis === 'text' ? inner / data.xs.length : Math.max(1, (step || 1) * scale);
  const x = data.axis === 'text' ? (/** @type {number} */ at) => left + (at + 0.5) * band : (/** @type {number} */ at) => xOf(Number(data.xs[at]) + middle * step);
  const span = height - PAD.top - PAD.bottom;
  return { width, height, left, right: PAD.right, top: PAD.top, bottom: PAD.bottom, x, band, xOf, domain, ticks, y: (value) => PAD.top + span * (1 - (value - bottom) / (top - bottom || 1)) };
}

/** How a value stands at the vertical axis. @param {Data} data */
const tickWords = (data) => data.tick ?? ((/** @type {number} */ value) => (Math.abs(value) < 10_000 ? number(value) : short(value)));

/**
 * What the horizontal axis spans.
 * @param {Data} data
 * @param {number} step
 * @returns {[number, number]}
 */
function domainOf(data, step) {
  if (data.axis === 'text') return [0, data.xs.length];
  let low = Infinity;
  let high = -Infinity;
  for (const x of data.xs) {
    low = Math.min(low, Number(x));
    high = Math.max(high, Number(x));
  }
  if (data.kind === 'bars') high += step;
  if (data.domain) [low, high] = [Math.min(low, data.domain[0]), Math.max(high, data.domain[1])];
  if (data.kind === 'scatter') {
    const ticks = data.axis === 'number' ? niceTicks(low, high, 6) : [low, high];
    [low, high] = [ticks[0] ?? low, ticks.at(-1) ?? high];
  }
  // One point stands in the middle.
  return high > low ? [low, high] : [low - (step || 1), high + (step || 1)];
}

/**
 * @param {Data} data
 * @param {Frame} frame
 */
export function axes(data, frame) {
  const words = tickWords(data);
  const base = frame.height - frame.bottom;
  const right = frame.width - frame.right;
  const lines = frame.ticks.map((value) => svg('path', { class: value === 0 ? 'chart-base' : 'chart-grid', d: `M${frame.left} ${Math.round(frame.y(value)) + 0.5}H${right}` }));
  const values = frame.ticks.map((value) => svg('text', { class: 'chart-tick', x: frame.left - 6, y: frame.y(value), 'text-anchor': 'end', 'dominant-baseline': 'central' }, words(value)));
  return [...lines, ...values, ...xTicks(data, frame, base)];
}

/**
 * Words under the horizontal axis; those that would touch the ones before them are left out.
 * @param {Data} data
 * @param {Frame} frame
 * @param {number} base
 */
function xTicks(data, frame, base) {
  let taken = -Infinity;
  /** @param {number} x @param {string} words @param {boolean} [strong] */
  const text = (x, words, strong = false) => {
    const half = words.length * (strong ? 3.8 : 3.4);
    // At the edges the words stay inside of the picture.
    const anchor = x - half < 0 ? 'start' : x + half > frame.width ? 'end' : 'middle';
    const left = anchor === 'start' ? x : anchor === 'end' ? x - 2 * half : x - half;
    if (left < taken) return null;
    taken = left + 2 * half + 8;
    return svg('text', { class: strong ? 'chart-tick strong' : 'chart-tick', x, y: base + 17, 'text-anchor': anchor }, words);
  };
  return places(data, frame).flatMap(({ x, words, strong, mark }) => [mark ? svg('path', { class: 'chart-base', d: `M${x.toFixed(1)} ${base}v4` }) : null, text(x, words, strong)]).filter((node) => node !== null);
}

/**
 * Where words stand under the horizontal axis.
 * @param {Data} data
 * @param {Frame} frame
 * @returns {{x: number, words: string, strong?: boolean, mark?: boolean}[]}
 */
function places(data, frame) {
  const inner = frame.width - frame.left - frame.right;
  const [from, to] = frame.domain;
  if (data.axis === 'time') return timeTicks(from, to, Math.max(2, Math.floor(inner / 84))).map((tick) => ({ x: frame.xOf(tick.at), words: tick.text, strong: tick.strong, mark: true }));
  if (data.axis === 'number') return niceTicks(from, to, Math.floor(inner / 80)).filter((value) => value >= from && value <= to).map((value) => ({ x: frame.xOf(value), words: number(value), mark: true }));
  const room = Math.max(3, Math.floor(frame.band / 6.8));
  const every = frame.band < 24 ? Math.ceil(24 / frame.band) : 1;
  return data.xs.flatMap((name, at) => (at % every ? [] : [{ x: frame.x(at), words: cut(String(name), room * every) }]));
}

/**
 * @param {string} words
 * @param {number} room characters
 */
const cut = (words, room) => (words.length > room ? `${words.slice(0, Math.max(1, room - 1))}…` : words);
