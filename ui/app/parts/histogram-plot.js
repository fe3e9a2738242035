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

export class Plot {
  /** @type {Figures | null} */
  #figures = null;
  #width = 0;
  /** Bar under the cursor. @type {number | null} */
  #cursor = null;
  /** Where the selection begins. @type {number | null} */
  #anchor = null;
  /** Where the pointer went down. @type {number | null} */
  #from = null;
  #over = svg('g', null);
  #tooltip = el('div', { class: 'histogram-tooltip', hidden: true, 'aria-hidden': 'true' });
  #picture = svg('svg', { class: 'histogram-svg', 'aria-hidden': 'true', height: HEIGHT + AXIS });

  /** @param {{onZoom: (one: number, other: number) => void, onZoomOut: () => void}} options */
  constructor(options) {
    this.options = options;
    this.element = el('div', { class: 'histogram-plot', role: 'slider', tabIndex: 0, 'aria-label': t('journal.histogram.cursor'), 'aria-valuemin': 0, 'data-test': 'histogram-plot' }, this.#picture, this.#tooltip);
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.element.addEventListener('focus', () => {
      if (this.#cursor == null && this.#isFocused()) this.#cursor = this.#last;
      this.#point();
    });
    this.element.addEventListener('blur', () => this.#clear());
    this.#picture.addEventListener('pointerdown', (event) => this.#down(event));
    this.#picture.addEventListener('pointermove', (event) => this.#move(event));
    this.#picture.addEventListener('pointerup', (event) => this.#up(event));
    this.#picture.addEventListener('pointercancel', () => this.#clear());
    this.#picture.addEventListener('pointerleave', () => this.#from == null && !this.#isFocused() && this.#clear());
  }

  #isFocused() {
    return this.element.matches(':focus-visible');
  }

  get #last() {
    return (this.#figures?.bars.length ?? 1) - 1;
  }

  /** The place of an instant. @param {number} at */
  #x = (at) => {
    const bars = this.#figures?.bars ?? [];
    const [begin, end] = [bars[0]?.start ?? 0, bars.at(-1)?.end ?? 1];
    return ((at - begin) / Math.max(1, end - begin)) * this.#width;
  };

  /** @param {PointerEvent} event */
  #barAt(event) {
    const place = event.clientX - this.#picture.getBoundingClientRect().left;
    const found = this.#figures?.bars.findIndex((bar) => this.#x(bar.end) > place) ?? -1;
    return found < 0 ? this.#last : found;
  }

  /** @returns {[number, number]} */
  #selected() {
    const cursor = this.#cursor ?? 0;
    return this.#anchor == null ? [cursor, cursor] : [Math.min(this.#anchor, cursor), Math.max(this.#anchor, cursor)];
  }

  /** Shows cursor, selection and tooltip. */
  #point() {
    const bars = this.#figures?.bars ?? [];
    const bar = this.#cursor == null ? null : bars[this.#cursor];
    this.#tooltip.hidden = !bar;
    if (!bar || !this.#figures) return this.#over.replaceChildren();
    const [first, end] = this.#selected();
    const [from, to] = [bars[first] ?? bar, bars[end] ?? bar];
    const [left, right] = [this.#x(from.start), this.#x(to.end)];
    fill(this.#over, svg('rect', { class: this.#anchor == null ? 'cursor' : 'brush', x: left, width: Math.max(1, right - left), y: 0, height: HEIGHT }));
    fill(this.#tooltip, ...tooltipOf(this.#figures, first, end));
    const half = this.#tooltip.offsetWidth / 2;
    this.#tooltip.style.left = `${Math.max(half, Math.min(this.#width - half, (left + right) / 2))}px`;
    this.element.setAttribute('aria-valuenow', String(this.#cursor));
    return this.element.setAttribute('aria-valuetext', spoken(this.#figures, first, end));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.#cursor ?? this.#last;
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0, End: this.#last }[event.key];
    if (to !== undefined) {
      this.#anchor = event.shiftKey ? (this.#anchor ?? at) : null;
      this.#cursor = Math.max(0, Math.min(this.#last, this.#cursor == null ? at : to));
      this.#point();
    } else if (event.key === 'Enter' && this.#cursor != null) this.options.onZoom(...this.#selected());
    else if (event.key === 'Escape' && this.#cursor != null) this.#clear();
    else if (event.key === '-') this.options.onZoomOut();
    else return;
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0) return;
    this.#from = event.clientX;
    this.#cursor = this.#barAt(event);
    this.#anchor = this.#cursor;
    this.#picture.setPointerCapture(event.pointerId);
    this.#point();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    // A finger only drags; it has no hover.
    if (this.#from == null && event.pointerType !== 'mouse') return;
    this.#cursor = this.#barAt(event);
    if (this.#from == null) this.#anchor = null;
    this.#point();
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (this.#from == null) return;
    const moved = Math.abs(event.clientX - this.#from) > STILL;
    this.#from = null;
    // A tap shows the figures of a bar; a click is as good as a drag over it.
    if (moved || event.pointerType === 'mouse') this.options.onZoom(...this.#selected());
    else this.#anchor = null;
    this.#point();
  }

  #clear() {
    this.#from = null;
    this.#cursor = null;
    this.#anchor = null;
    this.#point();
  }

  /** Nothing is selected any more: other figures come. */
  forget() {
    this.#anchor = null;
  }

  /** @param {Figures} figures */
  draw(figures) {
    const width = this.element.parentElement?.clientWidth ?? 0;
    if (width === 0) return;
    const last = figures.bars.length - 1;
    if (this.#figures !== figures && this.#cursor != null) this.#cursor = this.#isFocused() ? Math.min(this.#cursor, last) : null;
    this.#figures = figures;
    this.#width = width;
    this.element.setAttribute('aria-valuemax', String(Math.max(0, last)));
    this.element.setAttribute('aria-valuenow', String(this.#cursor ?? last));
    this.element.setAttribute('aria-valuetext', spoken(figures, 0, last));
    this.#picture.setAttribute('width', String(width));
    fill(this.#picture, ...bars(figures, this.#x), ...axis(figures, width, this.#x), this.#over);
    this.#point();
  }
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
