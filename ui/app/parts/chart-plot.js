/**
 * Charts over two axes: lines, stacked areas, stacked bars, points. The plot is a slider for the keyboard: arrows move the
 * cursor, Shift with arrows chooses a stretch, Enter takes it.
 */

import { el, fill, set, svg } from '../dom.js';
import { number, short } from '../format.js';
import { endOf, lookOf, placeText, told } from './chart-data.js';
import { areaPath, boxPath, dash, linePath, markClass, shape, sign } from './chart-marks.js';
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
/** Pixels that a pointer moves before it brushes. */
const DRAG = 5;

/**
 * @param {import('./chart-data.js').Options} options
 * @returns {import('./chart-data.js').Drawn}
 */
export function plot(options) {
  const marks = svg('g');
  const over = svg('g', { class: 'chart-over' });
  const picture = svg('svg', { class: 'chart-svg', 'aria-hidden': 'true' }, marks, over);
  const tip = el('div', { class: 'chart-tip', hidden: true, 'aria-hidden': 'true' });
  const element = el('div', { class: 'chart-plot', role: 'slider', tabIndex: 0, 'aria-label': options.label, 'aria-valuemin': 0, 'data-test': 'chart' }, picture, tip);
  /** @type {{data: Data | null, hidden: Set<number>, frame: Frame | null, cursor: number, anchor: number | null, drag: {x: number, at: number} | null}} */
  const state = { data: null, hidden: new Set(), frame: null, cursor: -1, anchor: null, drag: null };

  function draw() {
    const { data, hidden } = state;
    const { clientWidth: width, clientHeight: height } = element;
    if (!data || width < 40 || height < 40) return;
    set(picture, { width, height, viewBox: `0 0 ${width} ${height}` });
    const frame = frameOf(data, hidden, width, height);
    state.frame = frame;
    marks.replaceChildren(...axes(data, frame), ...(data.kind === 'bars' ? bars(data, hidden, frame) : data.kind === 'scatter' ? points(data, hidden, frame) : lines(data, hidden, frame)));
    element.setAttribute('aria-valuemax', String(data.xs.length - 1));
    if (state.cursor >= data.xs.length) state.cursor = -1;
    point(state.cursor);
  }

  /** Puts the cursor on a place, or away. @param {number} at */
  function point(at) {
    const { data, frame, hidden } = state;
    state.cursor = at;
    over.replaceChildren();
    tip.hidden = at < 0;
    element.setAttribute('aria-valuenow', String(Math.max(0, at)));
    if (!data || !frame) return;
    element.setAttribute('aria-valuetext', at < 0 ? options.label : sentence(data, hidden, at));
    if (at < 0) return;
    over.append(...cursorMarks(data, hidden, frame, at, state.anchor));
    fill(tip, tipContent(data, hidden, state.anchor === null ? [at, at] : [Math.min(at, state.anchor), Math.max(at, state.anchor)]));
    const x = frame.x(at);
    const room = tip.offsetWidth + 14;
    tip.style.left = `${Math.max(0, x + room > frame.width && x > room ? x - room : Math.min(x + 14, frame.width - tip.offsetWidth))}px`;
    tip.style.top = `${frame.top}px`;
  }

  /** @param {PointerEvent} event */
  function nearest(event) {
    const { data, frame } = state;
    if (!data || !frame) return -1;
    const x = event.clientX - element.getBoundingClientRect().left;
    if (x < frame.left - 8 || x > frame.width - frame.right + 8) return -1;
    return nearestPlace(data, frame, x, data.kind === 'scatter' ? event.clientY - element.getBoundingClientRect().top : null, state.hidden);
  }

  function take() {
    const { data, anchor, cursor } = state;
    state.anchor = null;
    if (!data || cursor < 0) return;
    if (anchor === null || anchor === cursor) options.onPick?.({ at: cursor, series: null });
    else brush(data, anchor, cursor, options.onBrush);
    point(cursor);
  }

  const canBrush = () => Boolean(options.onBrush && state.data?.axis === 'time');
  set(element, {
    on: {
      pointermove(/** @type {PointerEvent} */ event) {
        const at = nearest(event);
        if (state.drag && canBrush() && Math.abs(event.clientX - state.drag.x) > DRAG) state.anchor = state.drag.at;
        if (at >= 0 || !state.drag) point(at);
        options.onHover?.(at < 0 ? null : at);
      },
      pointerleave() {
        if (state.drag || document.activeElement === element) return;
        point(-1);
        options.onHover?.(null);
      },
      pointerdown(/** @type {PointerEvent} */ event) {
        const at = nearest(event);
        if (event.button !== 0 || at < 0) return;
        state.drag = { x: event.clientX, at };
        if (canBrush()) element.setPointerCapture(event.pointerId);
      },
      pointerup(/** @type {PointerEvent} */ event) {
        const began = state.drag;
        state.drag = null;
        if (!began) return;
        // A stretch within one place is that place whole.
        if (state.anchor !== null && state.data) {
          brush(state.data, state.anchor, state.cursor, options.onBrush);
          state.anchor = null;
          point(state.cursor);
        } else if (Math.abs(event.clientX - began.x) <= DRAG && nearest(event) >= 0) options.onPick?.({ at: state.cursor, series: null });
      },
      pointercancel() {
        state.drag = null;
        state.anchor = null;
        point(-1);
      },
      keydown(/** @type {KeyboardEvent} */ event) {
        const { data } = state;
        if (!data) return;
        const last = data.xs.length - 1;
        const to = { ArrowRight: state.cursor + 1, ArrowLeft: state.cursor < 0 ? last : state.cursor - 1, Home: 0, End: last, PageUp: state.cursor - 10, PageDown: state.cursor + 10 }[event.key];
        if (to !== undefined) {
          if (event.shiftKey && canBrush()) state.anchor ??= Math.max(0, state.cursor);
          else state.anchor = null;
          point(Math.max(0, Math.min(last, to)));
        } else if (event.key === 'Enter' && state.cursor >= 0) take();
        else if (event.key === 'Escape' && (state.anchor !== null || state.cursor >= 0)) {
          state.anchor = null;
          state.drag = null;
          point(-1);
        } else return;
        event.preventDefault();
        event.stopPropagation();
      },
      blur() {
        state.anchor = null;
        point(-1);
      },
    },
  });
  return {
    element,
    draw(data, hidden) {
      state.data = data;
      state.hidden = hidden;
      element.classList.toggle('can-brush', canBrush());
      draw();
    },
    resize: draw,
  };
}

/**
 * @param {Data} data
 * @param {number} a
 * @param {number} b
 * @param {((from: number, to: number) => void) | undefined} onBrush
 */
function brush(data, a, b, onBrush) {
  const from = Number(data.xs[Math.min(a, b)]);
  const last = Math.max(a, b);
  onBrush?.(from, data.step ? endOf(data, last) : Number(data.xs[last]) + spacing(/** @type {number[]} */ (data.xs)));
}

/**
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {number} width
 * @param {number} height
 * @returns {Frame}
 */
function frameOf(data, hidden, width, height) {
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
  const words = data.tick ?? ((/** @type {number} */ value) => (Math.abs(value) < 10_000 ? number(value) : short(value)));
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
function axes(data, frame) {
  const words = data.tick ?? ((/** @type {number} */ value) => (Math.abs(value) < 10_000 ? number(value) : short(value)));
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

/**
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {Frame} frame
 */
function bars(data, hidden, frame) {
  const gap = frame.band > 6 ? Math.min(8, frame.band * 0.18) : frame.band > 3 ? 1 : 0;
  const width = Math.max(1, frame.band - gap);
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
 * @param {Frame} frame
 * @param {number} x
 * @param {number | null} y where points lie anywhere, the nearest of both
 * @param {Set<number>} hidden
 */
function nearestPlace(data, frame, x, y, hidden) {
  let best = -1;
  let least = Infinity;
  for (let at = 0; at < data.xs.length; at += 1) {
    let distance = Math.abs(frame.x(at) - x);
    if (y !== null) {
      const rises = data.series.map((series, of) => (hidden.has(of) || series.values[at] == null ? Infinity : Math.abs(frame.y(series.values[at] ?? 0) - y)));
      distance = Math.hypot(distance, Math.min(...rises));
    }
    if (distance < least) [best, least] = [at, distance];
  }
  return best;
}

/**
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {Frame} frame
 * @param {number} at
 * @param {number | null} anchor
 */
function cursorMarks(data, hidden, frame, at, anchor) {
  const base = frame.height - frame.bottom;
  const half = data.kind === 'bars' ? frame.band / 2 : 0;
  const [from, to] = anchor === null ? [at, at] : [Math.min(at, anchor), Math.max(at, anchor)];
  const left = frame.x(from) - half;
  const width = frame.x(to) + half - left;
  const marks = [];
  if (width > 1) marks.push(svg('path', { class: anchor === null ? 'chart-band' : 'chart-brush', d: `M${left.toFixed(1)} ${frame.top}h${width.toFixed(1)}V${base}h${(-width).toFixed(1)}z` }));
  if (data.kind !== 'bars') {
    const x = frame.x(at);
    marks.push(svg('path', { class: 'chart-cursor', d: `M${x.toFixed(1)} ${frame.top}V${base}` }));
    const heights = data.kind === 'area' ? stack(data.series.map((series, of) => (hidden.has(of) ? series.values.map(() => null) : series.values))) : null;
    data.series.forEach((series, of) => {
      const value = heights ? heights[of]?.[at]?.[1] : series.values[at];
      if (!hidden.has(of) && value != null && series.values[at] != null) marks.push(svg('path', { class: `point ${markClass(lookOf(data, of))}`, d: shape(lookOf(data, of), x, frame.y(value), 4) }));
    });
  }
  return marks;
}

/**
 * @param {Data} data
 * @param {Set<number>} hidden
 * @param {[number, number]} range places, both included
 */
function tipContent(data, hidden, [from, to]) {
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
function sentence(data, hidden, at) {
  const parts = data.series.filter((series, of) => !hidden.has(of) && series.values[at] != null).map((series) => `${series.name} ${told(data, series.values[at])}`);
  return `${placeText(data, at)}: ${parts.join(', ') || '–'}`;
}
