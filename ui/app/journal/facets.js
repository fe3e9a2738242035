/**
 * The column of facets beside the list: whether it is shown, and which fields it counts. What is in it comes with code of its own
 * (facet-list.js) when the list has been asked for.
 */

import { el, icon } from '../dom.js';
import { t } from '../i18n.js';
import { late } from './late.js';

/** @typedef {import('./query.js').Query} Query */
/** @typedef {{fields: string[], open: string[], hidden: boolean}} Kept what the browser remembers */

const KEY = 'kronika.facets';
/** @type {Kept} */
const DEFAULT = { fields: ['source', 'dataset', 'module', 'event_type', 'outcome', 'action', 'object_type', 'actor_name', 'peer_name', 'http_status', 'level', 'pattern'], open: ['source', 'module', 'event_type', 'outcome'], hidden: false };

/** @returns {Kept} */
function kept() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    const texts = (/** @type {unknown} */ list, /** @type {string[]} */ or) => (Array.isArray(list) ? list.filter((one) => typeof one === 'string') : or);
    return { fields: texts(stored.fields, DEFAULT.fields), open: texts(stored.open, DEFAULT.open), hidden: stored.hidden === true };
  } catch {
    return DEFAULT;
  }
}

/**
 * @param {{columns: () => string[]}} of columns of the table
 */
export function facets({ columns }) {
  const state = { ...kept(), narrowOpen: false };
  const close = el('button', { class: 'quiet square facets-close', 'aria-label': t('core.close'), on: { click: () => toggle(false) } }, icon('close'));
  const button = el('button', { class: 'quiet square', 'aria-label': t('journal.facets.title'), title: t('journal.facets.title'), 'data-test': 'facets-toggle', on: { click: () => toggle() } }, icon('filter'));
  const remember = () => localStorage.setItem(KEY, JSON.stringify({ fields: state.fields, open: state.open, hidden: state.hidden }));
  const narrow = () => window.matchMedia('(max-width: 1100px)').matches;
  const visible = () => (narrow() ? state.narrowOpen : !state.hidden);
  const list = late(async () => (await import('./facet-list.js')).facetList({ state, columns, remember, visible }));
  const element = el('aside', { class: 'facets', 'aria-label': t('journal.facets.title'), 'data-test': 'facets' }, el('div', { class: 'facets-head' }, el('h2', null, t('journal.facets.title')), close), list.element);

  /** @param {boolean} [to] */
  function toggle(to = !visible()) {
    if (narrow()) state.narrowOpen = to;
    else state.hidden = !to;
    remember();
    showOrHide();
    if (to && narrow()) close.focus();
    if (!to) button.focus();
  }
  function showOrHide() {
    element.classList.toggle('is-hidden', state.hidden);
    element.classList.toggle('is-open', state.narrowOpen);
    button.setAttribute('aria-pressed', String(visible()));
    if (visible()) list.now()?.ask();
  }
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !narrow() || !state.narrowOpen) return;
    event.stopPropagation();
    toggle(false);
  });
  const onResize = () => showOrHide();
  window.addEventListener('resize', onResize);

  showOrHide();
  return {
    element,
    button,
    /** @param {Query} query */
    update: (query) => list.tell((one) => one.update(query)),
    /** Stops counting; what is there stays. */
    cancel: () => list.now()?.cancel(),
    /** Counts anew. */
    refresh: () => list.now()?.refresh(),
    stop() {
      list.stop();
      window.removeEventListener('resize', onResize);
    },
  };
}
