/**
 * The picture of a histogram: bars, axis, cursor, selection and tooltip. One focusable slider: arrows move the cursor over the
 * bars, with Shift they select, Enter zooms; a drag does the same.
 */

import { el, fill, svg } from '../dom.js';
import { number, short, time } from '../format.js';
import { t } from '../i18n.js';
import { niceTicks, stack, timeTicks } from './chart-scale.js';

/** @typedef {import('./histogram.js').Figures} Figures */

const HEIGHT = 92;
const AXIS = 18;
const TOP = 8;
/** Pixels that a pointer moves before it is a drag. */
const STILL = 4;

/**
 * A stretch of time in as few words as say it.
 * @param {number} from
 * @param {number} to
 * @param {string} [tz]
 */
export function rangeText(from, to, tz) {
  const [a, b] = [from, to].map((at) => time(new Date(at), { fraction: false, tz }));
  const seconds = !(a?.endsWith(':00') && b?.endsWith(':00'));
  const cut = (/** @type {string} */ text) => (seconds ? text : text.slice(0, 16));
  const [left, right] = [cut(a ?? ''), cut(b ?? '')];
  if (left.endsWith(' 00:00') && right.endsWith(' 00:00')) {
    const last = time(new Date(to - 1), { fraction: false, tz }).slice(0, 10);
    return left.slice(0, 10) === last ? last : `${left.slice(0, 10)} – ${last}`;
  }
  return left.slice(0, 10) === right.slice(0, 10) ? `${left} – ${right.slice(11)}` : `${left} – ${right}`;
}

/**
 * @param {{onZoom: (one: number, other: number) => void, onZoomOut: () => void}} options
 */
export function plot({ onZoom, onZoomOut }) {
  const tooltip = el('div', { class: 'histogram-tooltip', hidden: true, 'aria-hidden': 'true' });
  const picture = svg('svg', { class: 'histogram-svg', 'aria-hidden': 'true', height: HEIGHT + AXIS });
  const element = el('div', { class: 'histogram-plot', role: 'slider', tabIndex: 0, 'aria-label': t('journal.histogram.cursor'), 'aria-valuemin': 0, 'data-test': 'histogram-plot' }, picture, tooltip);
  const over = svg('g', null);
  /** @type {{figures: Figures | null, width: number, cursor: number | null, anchor: number | null}} */
  const s = { figures: null, width: 0, cursor: null, anchor: null };

  const last = () => (s.figures?.bars.length ?? 1) - 1;
  /** @param {number} at */
  const x = (at) => {
    const bars = s.figures?.bars ?? [];
    const [begin, end] = [bars[0]?.start ?? 0, bars.at(-1)?.end ?? 1];
    return ((at - begin) / Math.max(1, end - begin)) * s.width;
  };
  /** @param {PointerEvent} event */
  const barAt = (event) => {
    const place = event.clientX - picture.getBoundingClientRect().left;
    const found = s.figures?.bars.findIndex((bar) => x(bar.end) > place) ?? -1;
    return found < 0 ? last() : found;
  };

  /** Cursor, selection and tooltip. */
  function point() {
    const bars = s.figures?.bars ?? [];
    const bar = s.cursor == null ? null : bars[s.cursor];
    tooltip.hidden = !bar;
    if (!bar || s.cursor == null || !s.figures) return over.replaceChildren();
    const [first, end] = selected();
    const [from, to] = [bars[first] ?? bar, bars[end] ?? bar];
    fill(over, svg('rect', { class: s.anchor == null ? 'cursor' : 'brush', x: x(from.start), width: Math.max(1, x(to.end) - x(from.start)), y: 0, height: HEIGHT }));
    fill(tooltip, ...tooltipOf(s.figures, first, end));
    const middle = (x(from.start) + x(to.end)) / 2;
    const half = tooltip.offsetWidth / 2;
    tooltip.style.left = `${Math.max(half, Math.min(s.width - half, middle))}px`;
    element.setAttribute('aria-valuenow', String(s.cursor));
    element.setAttribute('aria-valuetext', spoken(s.figures, first, end));
  }

  /** @returns {[number, number]} */
  function selected() {
    const cursor = s.cursor ?? 0;
    return s.anchor == null ? [cursor, cursor] : [Math.min(s.anchor, cursor), Math.max(s.anchor, cursor)];
  }

  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = s.cursor ?? last();
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0, End: last() }[event.key];
    if (to !== undefined) {
      s.anchor = event.shiftKey ? (s.anchor ?? at) : null;
      s.cursor = Math.max(0, Math.min(last(), s.cursor == null ? at : to));
      point();
    } else if (event.key === 'Enter' && s.cursor != null) {
      const [first, end] = selected();
      onZoom(first, end);
    } else if (event.key === 'Escape' && (s.anchor != null || s.cursor != null)) clear();
    else if (event.key === '-') onZoomOut();
    else return;
    event.preventDefault();
  });
  element.addEventListener('focus', () => {
    if (s.cursor == null && element.matches(':focus-visible')) s.cursor = last();
    point();
  });
  element.addEventListener('blur', clear);

  let from = /** @type {number | null} */ (null);
  picture.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    from = event.clientX;
    s.cursor = barAt(event);
    s.anchor = s.cursor;
    picture.setPointerCapture(event.pointerId);
    point();
  });
  picture.addEventListener('pointermove', (event) => {
    // A finger only drags; it has no hover.
    if (from == null && event.pointerType !== 'mouse') return;
    s.cursor = barAt(event);
    if (from == null) s.anchor = null;
    point();
  });
  picture.addEventListener('pointerup', (event) => {
    if (from == null) return;
    const moved = Math.abs(event.clientX - from) > STILL;
    from = null;
    const [first, end] = selected();
    if (moved || event.pointerType === 'mouse') onZoom(first, end);
    else s.anchor = null;
    point();
  });
  picture.addEventListener('pointercancel', clear);
  picture.addEventListener('pointerleave', () => from == null && !element.matches(':focus-visible') && clear());

  function clear() {
    from = null;
    s.cursor = null;
    s.anchor = null;
    point();
  }

  return {
    element,
    /** Nothing is selected any more: other figures come. */
    forget() {
      s.anchor = null;
    },
    /** @param {Figures} figures */
    draw(figures) {
      const width = element.parentElement?.clientWidth ?? 0;
      if (width === 0) return;
      if (s.figures !== figures && s.cursor != null) s.cursor = element.matches(':focus-visible') ? Math.min(s.cursor, figures.bars.length - 1) : null;
      Object.assign(s, { figures, width });
      element.setAttribute('aria-valuemax', String(Math.max(0, figures.bars.length - 1)));
      element.setAttribute('aria-valuenow', String(s.cursor ?? figures.bars.length - 1));
      element.setAttribute('aria-valuetext', spoken(figures, 0, figures.bars.length - 1));
      picture.setAttribute('width', String(width));
      fill(picture, ...bars(figures, x), ...axis(figures, width, x), over);
      point();
    },
  };
}

/** @param {{x: number, y: number, width: number, height: number}[]} boxes */
const boxPath = (boxes) => boxes.map((box) => `M${box.x.toFixed(1)} ${box.y.toFixed(1)}h${box.width.toFixed(1)}v${box.height.toFixed(1)}h${(-box.width).toFixed(1)}z`).join('');

/** @param {Figures} figures */
function scaleOf({ bars, series }) {
  const most = Math.max(1, ...bars.map((_, at) => series.reduce((sum, one) => sum + (one.counts[at] ?? 0), 0)));
  const ticks = niceTicks(0, most, 3, true);
  const top = ticks.at(-1) ?? most;
  return { ticks, y: (/** @type {number} */ value) => HEIGHT - (value / top) * (HEIGHT - TOP) };
}

/**
 * Whole bars are full, partial ones hatched.
 * @param {Figures} figures
 * @param {(at: number) => number} x
 */
function bars(figures, x) {
  const { ticks, y } = scaleOf(figures);
  const stacked = stack(figures.series.map((one) => one.counts));
  const lines = ticks.slice(1).map((tick) => svg('line', { class: 'grid-line', x1: 0, x2: '100%', y1: y(tick), y2: y(tick) }));
  const values = ticks.slice(1).map((tick) => svg('text', { class: 'grid-value', x: 2, y: y(tick) - 2 }, short(tick)));
  const hatch = svg('pattern', { id: 'histogram-hatch', width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' }, svg('rect', { class: 'hatch', width: 2.5, height: 5 }));
  const made = figures.series.map((one, series) => {
    const boxes = figures.bars.map((bar, at) => {
      const [below, above] = stacked[series]?.[at] ?? [0, 0];
      const wide = x(bar.end) - x(bar.start);
      // One event among a million is seen as well.
      const height = above > below ? Math.max(1, y(below) - y(above)) : 0;
      return { x: x(bar.start), y: y(below) - height, width: Math.max(0.5, wide - (wide > 4 ? 1 : 0)), height };
    });
    return svg('path', { class: `bar mark-${one.mark}`, d: boxPath(boxes.filter((box) => box.height > 0)) });
  });
  const tops = stacked.at(-1) ?? [];
  const partial = figures.bars.flatMap((bar, at) => (bar.partial ? [{ x: x(bar.start), y: y(tops[at]?.[1] ?? 0), width: x(bar.end) - x(bar.start), height: HEIGHT - y(tops[at]?.[1] ?? 0) }] : []));
  return [svg('defs', null, hatch), ...lines, ...made, svg('path', { class: 'partial', d: boxPath(partial), fill: 'url(#histogram-hatch)' }), ...values];
}

/** @param {Figures} figures @param {number} width @param {(at: number) => number} x */
function axis(figures, width, x) {
  const { bars, tz } = figures;
  const ticks = timeTicks(bars[0]?.start ?? 0, bars.at(-1)?.end ?? 1, Math.max(2, Math.floor(width / 96)), tz);
  return [
    svg('line', { class: 'base', x1: 0, x2: width, y1: HEIGHT + 0.5, y2: HEIGHT + 0.5 }),
    ...ticks.map((tick) => {
      const at = x(tick.at);
      const anchor = at < 24 ? 'start' : at > width - 24 ? 'end' : 'middle';
      return svg('g', { class: tick.strong ? 'tick strong' : 'tick' }, svg('line', { x1: at, x2: at, y1: HEIGHT, y2: HEIGHT + 4 }), svg('text', { x: at, y: HEIGHT + 15, 'text-anchor': anchor }, tick.text));
    }),
  ];
}

/** @param {Figures} figures @param {number} first @param {number} end */
function sums({ series }, first, end) {
  return series.map((one) => ({ one, count: one.counts.slice(first, end + 1).reduce((sum, count) => sum + count, 0) }));
}

/** @param {Figures} figures @param {number} first @param {number} end @returns {import('../dom.js').Children[]} */
function tooltipOf(figures, first, end) {
  const [from, to] = [figures.bars[first], figures.bars[end]];
  if (!from || !to) return [];
  const all = sums(figures, first, end);
  const total = all.reduce((sum, { count }) => sum + count, 0);
  return [
    el('div', { class: 'histogram-range' }, rangeText(from.from, to.to, figures.tz)),
    (from.partial || to.partial) && el('div', { class: 'muted' }, t('journal.histogram.partial')),
    el('div', { class: 'histogram-total' }, t('core.events', { n: total })),
    figures.series.length > 1 && all.filter(({ count }) => count > 0).map(({ one, count }) => el('div', { class: 'row between' }, el('span', { class: 'row' }, el('span', { class: `sign mark-${one.mark}` }), one.label), number(count))),
  ];
}

/** The same for screen readers. @param {Figures} figures @param {number} first @param {number} end */
function spoken(figures, first, end) {
  const [from, to] = [figures.bars[first], figures.bars[end]];
  if (!from || !to) return '';
  const all = sums(figures, first, end);
  const total = t('core.events', { n: all.reduce((sum, { count }) => sum + count, 0) });
  const parts = figures.series.length > 1 ? all.filter(({ count }) => count > 0).map(({ one, count }) => `${one.label} ${number(count)}`) : [];
  return [rangeText(from.from, to.to, figures.tz), total, ...parts].join(', ');
}
