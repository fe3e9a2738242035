/**
 * Saved screens: a name for what the address says. The open one is named in the address (`view=`); what was changed since is told,
 * and can be saved or taken back. A screen is kept by the server, for its key or for all of the project.
 */

import './later.js';
import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { popover } from '../parts/menu.js';
import * as url from '../url.js';

/**
 * @typedef {object} Screen
 * @property {string} id
 * @property {string} name
 * @property {{address?: string}} state
 * @property {boolean} shared
 * @property {boolean} default
 * @property {boolean} [builtin]
 * @property {string} owner
 * @property {string} owner_name
 */
/** @typedef {{element: HTMLElement, update: () => void}} Saved */

/** Parameters that are no part of a screen: whose it is, what is open for a moment. */
const PASSING = ['project', 'tz', 'view', 'event', 'tab', 'live', 'find', 'lang', 'theme', 'embed', 'cursor'];

/**
 * The part of an address that makes a screen, in one order.
 * @param {URLSearchParams} params
 */
export function screenOf(params) {
  const kept = new URLSearchParams([...params].filter(([key]) => !PASSING.includes(key)));
  const sorted = [...new Set(kept.keys())].sort().flatMap((key) => kept.getAll(key).map((value) => [key, value]));
  return url.queryText(new URLSearchParams(sorted));
}

/** Screens of the project, asked when they are needed first. @type {{of: string | null, task: Promise<Screen[]> | null}} */
const cache = { of: null, task: null };

/** Asks anew when they are needed next. */
export const forget = () => (cache.task = null);

/** @returns {Promise<Screen[]>} */
export function screens() {
  if (!cache.task || cache.of !== api.project()) {
    cache.of = api.project();
    const task = /** @type {Promise<Screen[]>} */ (api.get('/views', { kind: 'journal' }));
    task.catch(() => (cache.task = null));
    cache.task = task;
  }
  return cache.task;
}

/** @returns {Saved} */
export function savedScreens() {
  /** @type {Screen | null} */
  let open = null;
  const button = el('button', { class: 'quiet saved-button', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', 'data-test': 'saved' });
  const revert = el('button', { class: 'quiet square', hidden: true, 'aria-label': t('journal.saved.revert'), title: t('journal.saved.revert'), 'data-test': 'saved-revert', on: { click: () => open && show(open) } }, icon('restore'));
  button.addEventListener('click', async () => {
    const { panel } = await import('./saved-panel.js');
    popover(button, (close) => panel(open, close, () => void update(true)), { label: t('journal.saved.title'), class: 'saved-panel' });
  });
  const draw = () => {
    const changed = open != null && isChanged(open);
    const name = open?.name ?? '';
    button.setAttribute('aria-label', open ? `${t('journal.saved.title')}: ${name}${changed ? `, ${t('journal.saved.changed')}` : ''}` : t('journal.saved.title'));
    button.title = open ? name : t('journal.saved.title');
    button.classList.toggle('square', !open);
    fill(button, icon('star'), open && el('span', { class: 'saved-name cut' }, name), changed && el('span', { class: 'badge warn' }, t('journal.saved.changed')));
    revert.hidden = !changed;
  };
  /** @param {boolean} [anew] it was written: what is known of it is old */
  async function update(anew = false) {
    const id = url.here().params.get('view');
    if (!id) open = null;
    else if (open?.id !== id || anew) open = (await screens().catch(() => [])).find((one) => one.id === id) ?? null;
    draw();
  }
  draw();
  void begin();
  return { element: el('span', { class: 'row saved' }, button, revert), update: () => void update() };
}

/** @param {Screen} screen */
export const isChanged = (screen) => screenOf(url.here().params) !== screenOf(new URLSearchParams(screen.state.address ?? ''));

/** Where nothing is asked yet, the reader's default screen. */
async function begin() {
  const { path, params } = url.here();
  if (path !== '/' || screenOf(params) !== '' || params.has('view')) return;
  const chosen = (await screens().catch(() => [])).find((one) => one.default);
  if (chosen && url.here().path === '/' && screenOf(url.here().params) === '' && !url.here().params.has('view')) show(chosen, true);
}

/**
 * Shows a screen as it was saved.
 * @param {Screen} screen
 * @param {boolean} [quietly] without an entry of the history
 */
export function show(screen, quietly = false) {
  /** @type {Record<string, string | string[] | null>} */
  const changes = { view: screen.id, event: null, cursor: null };
  for (const key of url.here().params.keys()) if (!PASSING.includes(key)) changes[key] = null;
  const wanted = new URLSearchParams(screen.state.address ?? '');
  for (const key of wanted.keys()) if (!PASSING.includes(key)) changes[key] = wanted.getAll(key);
  url.change(changes, { replace: quietly });
}
