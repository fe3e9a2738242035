/**
 * The address is the state: everything that a screen shows is in its path and its query string, so that a copied
 * address shows the same screen, Back undoes one action, and Refresh changes nothing.
 *
 * Views read {@link here} and change it by {@link go} (a new entry of the history: a filter, a period, an event) or
 * {@link adjust} (no entry: widths, scrolling). Whoever wants to know of changes listens by {@link onChange}.
 */

/** Parameters that stay when a link leads to another view. */
const KEPT = ['project', 'tz'];

/** @typedef {{path: string, params: URLSearchParams}} Place */

/** @type {Set<(place: Place) => void>} */
const listeners = new Set();

/** Where the page is. The parameters are a copy.
 * @returns {Place} */
export function here() {
  return { path: window.location.pathname, params: new URLSearchParams(window.location.search) };
}

/**
 * A query string that people can read: only what must be escaped is.
 * @param {URLSearchParams} params
 */
export function queryText(params) {
  const readable = (/** @type {string} */ text) =>
    encodeURIComponent(text).replace(/%(2C|3A|2F|40|3B|24|21|7E|28|29|2A|5B|5D)/gi, (code) => decodeURIComponent(code)).replace(/%20/g, '+');
  return [...params].map(([key, value]) => `${readable(key)}=${readable(value)}`).join('&');
}

/**
 * An address inside the page; what stays from view to view is added.
 * @param {string} path
 * @param {URLSearchParams | Record<string, string | string[] | null | undefined>} [params]
 */
export function link(path, params = {}) {
  const all = params instanceof URLSearchParams ? new URLSearchParams(params) : fromRecord(params);
  const now = here().params;
  for (const key of KEPT) {
    const value = now.get(key);
    if (value && !all.has(key)) all.set(key, value);
  }
  const text = queryText(all);
  return text ? `${path}?${text}` : path;
}

/** @param {Record<string, string | string[] | null | undefined>} record */
function fromRecord(record) {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(record)) {
    if (Array.isArray(value)) value.forEach((one) => params.append(key, one));
    else if (value != null) params.set(key, value);
  }
  return params;
}

/**
 * Goes to an address of the page, as a user's action: Back comes back.
 * @param {string} address
 */
export function go(address) {
  if (address === window.location.pathname + window.location.search) return;
  history.pushState(null, '', address);
  tell();
}

/**
 * Changes parameters of this place. `null` and `''` remove one; a list gives several values.
 * @param {Record<string, string | string[] | null>} changes
 * @param {{replace?: boolean}} [how] `replace`: without an entry of the history
 */
export function change(changes, { replace = false } = {}) {
  const { path, params: before } = here();
  const params = new URLSearchParams();
  const left = new Map(Object.entries(changes));
  const put = (/** @type {string} */ key) => {
    const value = left.get(key);
    for (const one of Array.isArray(value) ? value : [value]) if (one != null && (one !== '' || Array.isArray(value))) params.append(key, one);
    left.delete(key);
  };
  // What changes stays in its place: chips of a query do not jump.
  for (const [key, value] of before) {
    if (left.has(key)) put(key);
    else if (!(key in changes)) params.append(key, value);
  }
  for (const key of [...left.keys()]) put(key);
  const text = queryText(params);
  const address = text ? `${path}?${text}` : path;
  if (address === window.location.pathname + window.location.search) return;
  if (replace) history.replaceState(history.state, '', address);
  else history.pushState(null, '', address);
  tell();
}

/**
 * Changes parameters without an entry of the history and without telling anybody: widths, scrolling.
 * @param {Record<string, string | null>} changes
 */
export function adjust(changes) {
  const { path, params } = here();
  for (const [key, value] of Object.entries(changes)) {
    if (value) params.set(key, value);
    else params.delete(key);
  }
  const text = queryText(params);
  history.replaceState(history.state, '', text ? `${path}?${text}` : path);
}

/**
 * Calls on every change of the place, by {@link go}, {@link change} or the browser's buttons.
 * @param {(place: Place) => void} listener
 * @returns {() => void} stops
 */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell() {
  const place = here();
  for (const listener of [...listeners]) listener(place);
}

/** Follows the browser's buttons, and links inside of the page without loading it anew. */
export function begin() {
  window.addEventListener('popstate', tell);
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const anchor = event.target instanceof Element ? event.target.closest('a[href]') : null;
    if (!(anchor instanceof HTMLAnchorElement) || anchor.target || anchor.hasAttribute('download')) return;
    if (anchor.origin !== window.location.origin || anchor.pathname.startsWith('/api/') || anchor.hash) return;
    event.preventDefault();
    go(anchor.pathname + anchor.search);
  });
}
