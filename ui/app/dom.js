/**
 * Making elements. Text is only ever text: nothing here takes markup, so whatever an event says is shown, never run.
 *
 * `el('button', {class: 'quiet', on: {click: save}}, 'Save')`; children are nodes, texts, numbers, lists of
 * them, or nothing (null, undefined, false).
 */

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Child | Child[]} Children */

/** Properties that are set as such and not as attributes. */
const PROPERTIES = new Set(['value', 'checked', 'disabled', 'hidden', 'selected', 'indeterminate', 'readOnly', 'open', 'tabIndex', 'htmlFor']);

/**
 * An element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any> | null} [props] `class`, `on` (listeners), `style` (by CSSOM, so that the policy allows it), `data`, properties and attributes; null, undefined and false leave an attribute out
 * @param {...Children} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, props, ...children) {
  const node = document.createElement(tag);
  set(node, props ?? {});
  add(node, children);
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any> | null} [props]
 * @param {...Children} children
 * @returns {SVGElementTagNameMap[T]}
 */
export function svg(tag, props, ...children) {
  const node = document.createElementNS(SVG, tag);
  set(node, props ?? {});
  add(node, children);
  return node;
}

/**
 * Sets properties, attributes and listeners.
 * @param {HTMLElement | SVGElement} node
 * @param {Record<string, any>} props
 */
export function set(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (name === 'class') {
      node.setAttribute('class', Array.isArray(value) ? value.filter(Boolean).join(' ') : value ?? '');
    } else if (name === 'style') {
      for (const [key, css] of Object.entries(value)) node.style.setProperty(key, css);
    } else if (name === 'data') {
      for (const [key, text] of Object.entries(value)) if (text != null) node.dataset[key] = String(text);
    } else if (name === 'href' && node instanceof HTMLAnchorElement) {
      const safe = safeHref(value);
      if (safe == null) node.removeAttribute('href');
      else node.setAttribute('href', safe);
    } else if (PROPERTIES.has(name)) {
      if (value != null) /** @type {any} */ (node)[name] = value;
    } else if (value == null || value === false) {
      node.removeAttribute(name);
    } else {
      node.setAttribute(name, value === true ? '' : String(value));
    }
  }
}

/**
 * A link's target if it leads to a page, else null: `javascript:`, `data:` and the like are no links.
 * @param {unknown} href
 * @returns {string | null}
 */
export function safeHref(href) {
  if (typeof href !== 'string' || href === '') return null;
  try {
    const url = new URL(href, window.location.href);
    return ['http:', 'https:', 'mailto:', 'blob:'].includes(url.protocol) ? href : null;
  } catch {
    return null;
  }
}

/**
 * Appends children.
 * @param {Node} node
 * @param {Children[]} children
 */
export function add(node, children) {
  for (const child of children) {
    if (Array.isArray(child)) add(node, child);
    else if (child == null || child === false) continue;
    else node.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * Puts children in the place of those that a node has.
 * @param {Element} node
 * @param {...Children} children
 */
export function fill(node, ...children) {
  node.replaceChildren();
  add(node, children);
}

/** Shapes of icons: strokes on a grid of 16. */
const ICONS = {
  journal: 'M3 4h10M3 8h7M3 12h4',
  tasks: 'M3 4l1 1 2-2M3 8.5l1 1 2-2M3 13l1 1 2-2M8.5 4H13M8.5 8.5H13M8.5 13H13',
  jobs: 'M8 2v7M5 6.5L8 9.5l3-3M3 12.5h10',
  sql: 'M3 5l3 3-3 3M8 11.5h5',
  dashboards: 'M3 13V8M6.5 13V4M10 13V9.5M13.5 13V6',
  screens: 'M2.5 3.5h11v7h-11zM6 13h4',
  ingest: 'M8 2v6M5.5 5.5L8 8l2.5-2.5M2.5 9v4h11V9',
  alerts: 'M4.5 11V7.5a3.5 3.5 0 017 0V11l1 1h-9zM7 13.5h2',
  admin: 'M8 5.8a2.2 2.2 0 100 4.4 2.2 2.2 0 000-4.4M8 2v2M8 12v2M2 8h2M12 8h2M3.8 3.8l1.4 1.4M10.8 10.8l1.4 1.4M12.2 3.8l-1.4 1.4M5.2 10.8l-1.4 1.4',
  search: 'M7 3a4 4 0 100 8 4 4 0 000-8M10 10l3.5 3.5',
  zoomout: 'M7 3a4 4 0 100 8 4 4 0 000-8M10 10l3.5 3.5M5.2 7h3.6',
  clock: 'M8 2.5a5.5 5.5 0 100 11 5.5 5.5 0 000-11M8 5v3.2l2 1.3',
  close: 'M4 4l8 8M12 4l-8 8',
  down: 'M4 6l4 4 4-4',
  up: 'M4 10l4-4 4 4',
  left: 'M10 4L6 8l4 4',
  right: 'M6 4l4 4-4 4',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  check: 'M3.5 8.5l3 3 6-7',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  link: 'M6.5 9.5l3-3M7 5l1.5-1.5a2.5 2.5 0 013.5 3.5L10.5 8.5M9 11l-1.5 1.5a2.5 2.5 0 01-3.5-3.5L5.5 7.5',
  share: 'M8 2.5v7M5.5 5L8 2.5 10.5 5M3.5 8v5.5h9V8',
  download: 'M8 2.5v7M5 7l3 3 3-3M3 13h10',
  play: 'M5 3.5l7 4.5-7 4.5z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  stop: 'M4 4h8v8H4z',
  refresh: 'M12.5 8a4.5 4.5 0 11-1.4-3.2M13 2.5V5.5h-3',
  filter: 'M2.5 3.5h11L9.5 8.5v4l-3 1.5v-5.5z',
  columns: 'M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10',
  star: 'M8 2.5l1.7 3.5 3.8.5-2.8 2.6.7 3.9L8 11.2 4.6 13l.7-3.9L2.5 6.5l3.8-.5z',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  menu: 'M2.5 4h11M2.5 8h11M2.5 12h11',
  grip: 'M6 4h.01M6 8h.01M6 12h.01M10 4h.01M10 8h.01M10 12h.01',
  sun: 'M8 5.2a2.8 2.8 0 100 5.6 2.8 2.8 0 000-5.6M8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1',
  moon: 'M13 9.5A5.5 5.5 0 016.5 3a5.5 5.5 0 106.5 6.5z',
  user: 'M8 3a2.5 2.5 0 100 5 2.5 2.5 0 000-5M3 13.5c.6-2.6 2.5-4 5-4s4.4 1.4 5 4',
  warning: 'M8 2.5L14 13H2zM8 6.5v3M8 11.3h.01',
  info: 'M8 2.5a5.5 5.5 0 100 11 5.5 5.5 0 000-11M8 7.5v3.5M8 5.2h.01',
  external: 'M9 3h4v4M13 3L7.5 8.5M11 9.5V13H3V5h3.5',
  trash: 'M3 4.5h10M6 4.5V3h4v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5',
  edit: 'M3 13l.6-2.8L10.8 3l2.2 2.2-7.2 7.2z',
  pin: 'M6 2.5h4l-.6 4 2.1 2.5h-7L6.6 6.5zM8 9v4.5',
  live: 'M8 7a1 1 0 100 2 1 1 0 000-2M5 5a4.2 4.2 0 000 6M11 5a4.2 4.2 0 010 6M3 3a7 7 0 000 10M13 3a7 7 0 010 10',
  full: 'M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3',
  wrap: 'M2.5 4h11M2.5 8h9a2 2 0 010 4H8M9.5 10.5L8 12l1.5 1.5M2.5 12h3',
  restore: 'M3.5 8a4.5 4.5 0 101.4-3.2M3 2.5v3h3',
  key: 'M10.5 3a2.5 2.5 0 100 5 2.5 2.5 0 000-5M8.7 7.3L3 13M5 11l1.5 1.5',
};

/** @typedef {keyof typeof ICONS} IconName */

/**
 * An icon, 16 pixels, in the colour of its text. It says nothing to a screen reader: the control has a label.
 * @param {IconName} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  return svg('svg', { class: 'icon', viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true', focusable: 'false' }, svg('path', { d: ICONS[name] }));
}

/** All names of icons, for the kit. */
export const iconNames = /** @type {IconName[]} */ (Object.keys(ICONS));

let ids = 0;
/**
 * An id that no other element has.
 * @param {string} [of]
 * @returns {string}
 */
export function newId(of = 'id') {
  ids += 1;
  return `${of}-${ids}`;
}
