/** The left edge of a panel at the right: drags its width, by the mouse and by the arrow keys; kept in this browser. */

import { el } from '../dom.js';

/**
 * @param {HTMLElement} panel
 * @param {{key: string, label: string, least: number, usual: number}} of `key`: where the width is kept
 * @returns {HTMLElement}
 */
export function widthHandle(panel, { key, label, least, usual }) {
  const most = () => Math.max(least, window.innerWidth - 120);
  const clamp = (/** @type {number} */ width) => Math.round(Math.min(Math.max(width, least), most()));
  let width = Number(localStorage.getItem(key)) || usual;
  const handle = el('div', { class: 'width-handle', role: 'separator', 'aria-orientation': 'vertical', 'aria-label': label, tabIndex: 0, 'aria-valuemin': least });
  const set = (/** @type {number} */ to, keep = true) => {
    width = clamp(to);
    panel.style.setProperty('--width', `${width}px`);
    handle.setAttribute('aria-valuenow', String(width));
    handle.setAttribute('aria-valuemax', String(most()));
    if (keep) localStorage.setItem(key, String(width));
  };
  set(width, false);
  handle.addEventListener('pointerdown', (down) => {
    down.preventDefault();
    handle.setPointerCapture(down.pointerId);
    const right = panel.getBoundingClientRect().right;
    const move = (/** @type {PointerEvent} */ at) => set(right - at.clientX, false);
    const end = () => {
      handle.removeEventListener('pointermove', move);
      set(width);
    };
    handle.addEventListener('pointermove', move);
    handle.addEventListener('lostpointercapture', end, { once: true });
  });
  handle.addEventListener('dblclick', () => set(usual));
  handle.addEventListener('keydown', (pressed) => {
    const by = { ArrowLeft: 24, ArrowRight: -24 }[pressed.key];
    if (by === undefined) return;
    pressed.preventDefault();
    set(width + by);
  });
  return handle;
}
