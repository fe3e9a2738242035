/**
 * Charts over two axes: lines, stacked areas, stacked bars, points. The plot is a slider for the keyboard: arrows move the
 * cursor, Shift with arrows chooses a stretch, Enter takes it.
 */

import { el, fill, set, svg } from '../dom.js';
import { endOf } from './chart-data.js';
import { cursorMarks, marks, sentence, tipContent } from './chart-draw.js';
import { axes, frameOf } from './chart-frame.js';
import { spacing } from './chart-scale.js';

/** @typedef {import('./chart-data.js').Data} Data */
/** @typedef {import('./chart-frame.js').Frame} Frame */

/** Pixels that a pointer moves before it brushes. */
const DRAG = 5;
/** Places that PageUp and PageDown pass. */
const LEAP = 10;

export class Plot {
  /** @param {import('./chart-data.js').Options} options */
  constructor(options) {
    this.options = options;
    /** @type {Data | null} */
    this.data = null;
    /** @type {Set<number>} */
    this.hidden = new Set();
    /** @type {Frame | null} */
    this.frame = null;
    this.cursor = -1;
    /** Where a stretch began. @type {number | null} */
    this.anchor = null;
    /** Where the pointer went down. @type {{x: number, at: number} | null} */
    this.pressed = null;
    this.marks = svg('g');
    this.over = svg('g', { class: 'chart-over' });
    this.picture = svg('svg', { class: 'chart-svg', 'aria-hidden': 'true' }, this.marks, this.over);
    this.tip = el('div', { class: 'chart-tip', hidden: true, 'aria-hidden': 'true' });
    this.element = el('div', { class: 'chart-plot', role: 'slider', tabIndex: 0, 'aria-label': options.label, 'aria-valuemin': 0, 'data-test': 'chart' }, this.picture, this.tip);
    set(this.element, {
      on: {
        pointermove: (/** @type {PointerEvent} */ event) => this.moved(event),
        pointerleave: () => this.left(),
        pointerdown: (/** @type {PointerEvent} */ event) => this.down(event),
        pointerup: (/** @type {PointerEvent} */ event) => this.up(event),
        pointercancel: () => this.reset(),
        keydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
        blur: () => this.reset(),
      },
    });
  }

  /** @param {Data} data @param {Set<number>} hidden */
  draw(data, hidden) {
    this.data = data;
    this.hidden = hidden;
    this.element.classList.toggle('can-brush', this.canBrush());
    this.resize();
  }

  resize() {
    const { data, hidden, element } = this;
    const { clientWidth: width, clientHeight: height } = element;
    if (!data || width < 40 || height < 40) return;
    set(this.picture, { width, height, viewBox: `0 0 ${width} ${height}` });
    this.frame = frameOf(data, hidden, width, height);
    this.marks.replaceChildren(...axes(data, this.frame), ...marks(data, hidden, this.frame));
    element.setAttribute('aria-valuemax', String(data.xs.length - 1));
    this.point(this.cursor < data.xs.length ? this.cursor : -1);
  }

  canBrush() {
    return Boolean(this.options.onBrush && this.data?.axis === 'time');
  }

  /** Puts the cursor on a place, or away. @param {number} at */
  point(at) {
    const { data, frame, hidden, anchor, element, tip } = this;
    this.cursor = at;
    this.over.replaceChildren();
    tip.hidden = at < 0;
    element.setAttribute('aria-valuenow', String(Math.max(0, at)));
    if (!data || !frame) return;
    element.setAttribute('aria-valuetext', at < 0 ? this.options.label : sentence(data, hidden, at));
    if (at < 0) return;
    this.over.append(...cursorMarks(data, hidden, frame, at, anchor));
    fill(tip, tipContent(data, hidden, anchor === null ? [at, at] : [Math.min(at, anchor), Math.max(at, anchor)]));
    const x = frame.x(at);
    const room = tip.offsetWidth + 14;
    // Beside the cursor, on the side that has room.
    tip.style.left = `${Math.max(0, x + room > frame.width && x > room ? x - room : Math.min(x + 14, frame.width - tip.offsetWidth))}px`;
    tip.style.top = `${frame.top}px`;
  }

  /** The place under the pointer; -1 beside of the plot. @param {PointerEvent} event */
  under(event) {
    const { data, frame } = this;
    if (!data || !frame) return -1;
    const box = this.element.getBoundingClientRect();
    const x = event.clientX - box.left;
    if (x < frame.left - 8 || x > frame.width - frame.right + 8) return -1;
    return nearestPlace(data, frame, x, data.kind === 'scatter' ? event.clientY - box.top : null, this.hidden);
  }

  /** @param {PointerEvent} event */
  moved(event) {
    const at = this.under(event);
    const { pressed } = this;
    if (pressed && this.canBrush() && Math.abs(event.clientX - pressed.x) > DRAG) this.anchor = pressed.at;
    if (at >= 0 || !pressed) this.point(at);
  }

  left() {
    if (!this.pressed && document.activeElement !== this.element) this.point(-1);
  }

  /** @param {PointerEvent} event */
  down(event) {
    const at = this.under(event);
    if (event.button !== 0 || at < 0) return;
    this.pressed = { x: event.clientX, at };
    if (this.canBrush()) this.element.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  up(event) {
    const { pressed } = this;
    this.pressed = null;
    if (!pressed) return;
    if (this.anchor !== null) this.take();
    else if (Math.abs(event.clientX - pressed.x) <= DRAG && this.under(event) >= 0) this.take();
  }

  /** Takes the stretch, or the place. */
  take() {
    const { data, anchor, cursor } = this;
    this.anchor = null;
    if (!data || cursor < 0) return;
    this.point(cursor);
    if (anchor !== null) brush(data, anchor, cursor, this.options.onBrush);
    else this.options.onPick?.({ at: cursor, series: null });
  }

  reset() {
    this.pressed = null;
    this.anchor = null;
    this.point(-1);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.data) return;
    const last = this.data.xs.length - 1;
    const { cursor } = this;
    const to = { ArrowRight: cursor + 1, ArrowLeft: cursor < 0 ? last : cursor - 1, Home: 0, End: last, PageUp: cursor - LEAP, PageDown: cursor + LEAP }[event.key];
    if (to !== undefined) {
      if (event.shiftKey && this.canBrush()) this.anchor ??= Math.max(0, cursor);
      else this.anchor = null;
      this.point(Math.max(0, Math.min(last, to)));
    } else if (event.key === 'Enter' && cursor >= 0) this.take();
    else if (event.key === 'Escape' && cursor >= 0) this.reset();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
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
