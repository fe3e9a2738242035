/**
 * What opens beside a button: a menu of choices, or a panel of anything. One at a time; Escape, a click elsewhere and
 * leaving by Tab close it, and the focus goes back to the button.
 */

import { el, icon, newId } from '../dom.js';

/** @type {(() => void) | null} */
let closeOpen = null;

/**
 * Opens a panel beside a button, or closes it if it is open.
 * @param {HTMLElement} anchor
 * @param {(close: () => void) => HTMLElement} make content of the panel
 * @param {{label?: string, role?: string, class?: string, onClose?: () => void}} [how]
 */
export function popover(anchor, make, { label, role = 'dialog', class: extra = '', onClose } = {}) {
  const wasOpen = anchor.getAttribute('aria-expanded') === 'true';
  closeOpen?.();
  if (wasOpen) return;
  const close = () => {
    if (closeOpen !== close) return;
    closeOpen = null;
    document.removeEventListener('pointerdown', outside, true);
    window.removeEventListener('resize', place);
    growing.disconnect();
    anchor.setAttribute('aria-expanded', 'false');
    const hadFocus = panel.contains(document.activeElement) || document.activeElement === document.body;
    panel.remove();
    if (hadFocus && anchor.isConnected) anchor.focus();
    onClose?.();
  };
  const outside = (/** @type {Event} */ event) => {
    const target = /** @type {Node} */ (event.target);
    if (!panel.contains(target) && !anchor.contains(target)) close();
  };
  const panel = el('div', { class: `popover ${extra}`, role, 'aria-label': label, tabIndex: -1, id: newId('popover') });
  panel.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  panel.addEventListener('focusout', (event) => {
    const to = /** @type {Node | null} */ (event.relatedTarget);
    if (to && !panel.contains(to) && !anchor.contains(to)) close();
  });
  const place = () => {
    const at = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = panel;
    const top = at.bottom + height + 8 > window.innerHeight && at.top > height + 8 ? at.top - height - 4 : at.bottom + 4;
    panel.style.top = `${Math.max(8, Math.min(top, window.innerHeight - height - 8))}px`;
    panel.style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - width - 8))}px`;
  };
  // What is filled later may not end outside of the window.
  const growing = new ResizeObserver(place);
  closeOpen = close;
  panel.append(make(close));
  // Inside of an open modal dialog, or it would lie behind it and be inert; else inside of the page's landmark.
  (anchor.closest('dialog') ?? document.getElementById('view') ?? document.body).append(panel);
  anchor.setAttribute('aria-expanded', 'true');
  place();
  document.addEventListener('pointerdown', outside, true);
  window.addEventListener('resize', place);
  growing.observe(panel);
  const first = panel.querySelector('[autofocus]') ?? panel.querySelector('input, select, [role^=menuitem], button, a[href]');
  (first instanceof HTMLElement ? first : panel).focus();
}

/**
 * @typedef {object} Item
 * @property {string} label
 * @property {import('../dom.js').IconName} [icon]
 * @property {string} [note] at the right: a shortcut, a count
 * @property {boolean} [checked] makes it a choice
 * @property {boolean} [disabled]
 * @property {boolean} [danger]
 * @property {() => void} [run]
 * @property {string} [href] a link instead
 */

/**
 * A button that opens a menu.
 * @param {{label: string, icon?: import('../dom.js').IconName, class?: string, text?: string, title?: string}} of `text` is shown; without it the icon alone, `label` for screen readers
 * @param {() => (Item | 'line')[]} items made when it opens
 * @returns {HTMLButtonElement}
 */
export function menuButton(of, items) {
  const button = el(
    'button',
    { class: of.class ?? 'quiet', 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'aria-label': of.text ? undefined : of.label, title: of.title ?? (of.text ? undefined : of.label) },
    of.icon && icon(of.icon),
    of.text,
    of.text && icon('down'),
  );
  button.addEventListener('click', () => openMenu(button, of.label, items()));
  return button;
}

/**
 * Opens a menu beside an element.
 * @param {HTMLElement} anchor
 * @param {string} label
 * @param {(Item | 'line')[]} items
 */
export function openMenu(anchor, label, items) {
  popover(anchor, (close) => menu(items, close), { label, role: 'menu', class: 'menu' });
}

/**
 * @param {(Item | 'line')[]} items
 * @param {() => void} close
 */
function menu(items, close) {
  const list = el('div', { role: 'none' }, items.map((item) => (item === 'line' ? el('hr', { role: 'separator' }) : entry(item, close))));
  list.addEventListener('keydown', (event) => {
    const all = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('[role^=menuitem]:not([aria-disabled=true])')]);
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
      const rest = [...all.slice(at + 1), ...all.slice(0, at + 1)];
      rest.find((one) => one.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    }
  });
  return list;
}

/**
 * @param {Item} item
 * @param {() => void} close
 */
function entry(item, close) {
  const content = [item.icon ? icon(item.icon) : item.checked ? icon('check') : el('span', { class: 'icon' }), el('span', { class: 'grow' }, item.label), item.note && el('span', { class: 'note' }, item.note)];
  const role = item.checked === undefined ? 'menuitem' : 'menuitemradio';
  if (item.href) return el('a', { role, href: item.href, tabIndex: -1, on: { click: close } }, content);
  const run = () => {
    if (item.disabled) return;
    close();
    item.run?.();
  };
  return el('button', { role, tabIndex: -1, class: item.danger ? 'danger' : '', 'aria-checked': item.checked === undefined ? undefined : String(item.checked), 'aria-disabled': item.disabled ? 'true' : undefined, on: { click: run } }, content);
}
