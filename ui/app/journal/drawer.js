/**
 * One event beside the list: its sentence, how it ended, and tabs of what it has. It shows the row that is there already at once
 * and fills when the whole event has come. `j` and `k` step, one Escape closes and gives the focus back.
 */

import * as api from '../api.js';
import { datasetTitle, moduleTitle, withCatalogue } from '../catalog.js';
import { el, fill, icon } from '../dom.js';
import { eventHref, outcomeBadge, placeFrom, placeOf, ready, statusBadge } from '../event.js';
import { attachments, attachmentsOf } from '../event/attachments.js';
import { hasChanges, showChanges, snapshots } from '../event/changes.js';
import { copyItems } from '../event/copyas.js';
import { details } from '../event/details.js';
import { hasSide, showSide } from '../event/exchange.js';
import { missing, candidates } from '../event/missing.js';
import { showNeighbours } from '../event/neighbours.js';
import { showRaw } from '../event/raw.js';
import { ago, time } from '../format.js';
import { language, t } from '../i18n.js';
import { shortcut } from '../keys.js';
import { copy } from '../parts/copy.js';
import { menuButton } from '../parts/menu.js';
import { loader, skeleton } from '../parts/states.js';
import { tabs } from '../parts/tabs.js';
import { widthHandle } from '../parts/width.js';
import { sentence } from '../sentence.js';
import { change, here } from '../url.js';
import { visible } from '../visible.js';

/** @typedef {import('../event.js').Event} Event */
/** @typedef {{source?: string | null, dataset?: string | null, tenant_id?: string | null, tenant?: string | null, row?: Event | null}} Of which of the events with the id, and its row of the list if there is one */
/** @typedef {{onClose: () => void, onStep?: (by: 1 | -1) => void}} Options */
/** @typedef {{element: HTMLElement, show: (id: string, of?: Of) => void, hide: () => void, stop: () => void}} Drawer */

/**
 * @param {Options} options
 * @returns {Drawer}
 */
export function drawer({ onClose, onStep }) {
  const parts = frame(onStep, () => close(), () => state.event);
  const { element, title, meta, body } = parts;
  const loading = loader(body);
  /** @type {{key: string | null, event: Event, detail: any, tabbed: (HTMLElement & {choose: (id: string) => void}) | null, panel: ReturnType<typeof loader> | null, before: Element | null, keys: (() => void) | null, usual: string}} */
  const state = { key: null, event: {}, detail: null, tabbed: null, panel: null, before: null, keys: null, usual: '' };

  const hide = () => {
    if (element.hidden) return;
    loading.stop();
    state.panel?.stop();
    state.keys?.();
    const hadFocus = element.contains(document.activeElement) || document.activeElement === document.body;
    element.hidden = true;
    state.key = null;
    if (hadFocus && state.before instanceof HTMLElement && state.before.isConnected) state.before.focus();
    state.before = null;
  };
  const close = () => {
    hide();
    onClose();
  };
  const head = () => {
    fill(title, sentence(state.event, { most: 160 }));
    fill(meta, metaOf(state.event));
  };
  const drawTabs = () => {
    state.panel?.stop();
    const all = tabsOf(state.event, state.detail, (panel) => (state.panel = loader(panel)));
    state.usual = usualTab(all, state.event);
    const asked = here().params.get('tab');
    const chosen = all.some((tab) => tab.id === asked) ? asked : state.usual;
    state.tabbed = tabs(t('event.drawer'), all, chosen, (tab) => change({ tab }));
    fill(body, state.tabbed);
  };

  return {
    element,
    hide,
    stop: hide,
    show(id, of = {}) {
      const place = { ...placeFrom(here().params), ...placeOf({ ...of, tenant_id: of.tenant_id ?? of.tenant }) };
      const key = JSON.stringify([api.project(), id, place.source, place.dataset, place.tenant_id, language()]);
      if (state.key === key) return followTab(state);
      const first = element.hidden;
      Object.assign(state, { key, event: of.row ?? { event_id: id, ...place }, detail: null, tabbed: null });
      if (first) open(element, state, () => close());
      void ready().then(() => {
        if (state.key !== key) return;
        if (of.row) head();
        else fill(title, el('span', { class: 'mono' }, visible(id)));
        fill(body, skeleton(8));
        void loading.run(async (signal) => {
          try {
            state.detail = await api.get(`/events/${encodeURIComponent(id)}`, { ...place, lang: language(), neighbours: 'false' }, signal);
          } catch (error) {
            if (!(error instanceof api.Problem)) throw error;
            if (error.code === 'event_not_found') return void fill(body, await missing(of.row ?? null, signal));
            if (error.code === 'event_ambiguous') return fill(body, candidates(error.body.candidates ?? []));
            throw error;
          }
          state.event = state.detail.event;
          head();
          drawTabs();
        });
      });
    },
  };
}

/**
 * @param {HTMLElement} element
 * @param {{before: Element | null, keys: (() => void) | null}} state
 * @param {() => void} close
 */
function open(element, state, close) {
  state.before = document.activeElement;
  element.hidden = false;
  state.keys = shortcut({ keys: 'Escape', title: 'core.close', run: close });
  element.focus({ preventScroll: true });
}

/**
 * The address chose another tab of the same event.
 * @param {{tabbed: (HTMLElement & {choose: (id: string) => void}) | null, usual: string}} state
 */
function followTab(state) {
  const tab = here().params.get('tab') ?? state.usual;
  const shown = state.tabbed?.querySelector('[role=tab][aria-selected=true]');
  if (tab && shown instanceof HTMLElement && shown.dataset.tab !== tab) state.tabbed?.choose(tab);
}

/**
 * What stands around the tabs.
 * @param {Options['onStep']} onStep
 * @param {() => void} close
 * @param {() => Event} event
 */
function frame(onStep, close, event) {
  const title = el('h2', { class: 'drawer-title', 'aria-live': 'polite', 'data-test': 'drawer-title' });
  const meta = el('div', { class: 'drawer-meta row wrap' });
  const body = el('div', { class: 'drawer-body' });
  const button = (/** @type {import('../dom.js').IconName} */ name, /** @type {string} */ label, /** @type {() => void} */ run, /** @type {string} */ test) =>
    el('button', { class: 'quiet square', 'aria-label': label, title: label, 'data-test': test, on: { click: run } }, icon(name));
  const step = onStep && [button('up', t('event.previous'), () => onStep(-1), 'drawer-previous'), button('down', t('event.next'), () => onStep(1), 'drawer-next')];
  const copies = menuButton({ label: t('event.copy_as'), icon: 'copy' }, () => copyItems(event, () => title.innerText));
  copies.classList.add('square');
  copies.dataset.test = 'drawer-copy';
  const share = button('link', t('event.copy.link'), () => void copy(window.location.origin + eventHref(event())), 'drawer-link');
  const element = el(
    'section',
    { class: 'drawer', 'aria-label': t('event.drawer'), tabIndex: -1, hidden: true, 'data-test': 'drawer' },
    el('header', { class: 'drawer-head' }, el('div', { class: 'row between' }, meta, el('div', { class: 'row drawer-tools' }, step, copies, share, button('close', t('core.close'), close, 'drawer-close'))), title),
    body,
  );
  element.prepend(widthHandle(element, { key: 'kronika.drawer', label: t('event.width'), least: 320, usual: 620 }));
  element.addEventListener('keydown', (pressed) => onKey(pressed, onStep, close));
  return { element, title, meta, body };
}

/**
 * @param {KeyboardEvent} pressed
 * @param {Options['onStep']} onStep
 * @param {() => void} close
 */
function onKey(pressed, onStep, close) {
  if (pressed.defaultPrevented || pressed.ctrlKey || pressed.metaKey || pressed.altKey) return;
  const typing = pressed.target instanceof Element && pressed.target.matches('input, select, textarea');
  if (pressed.key === 'Escape') close();
  else if (!typing && pressed.key === 'j' && onStep) onStep(1);
  else if (!typing && pressed.key === 'k' && onStep) onStep(-1);
  else return;
  pressed.preventDefault();
  pressed.stopPropagation();
}

/**
 * When, where and how it ended.
 * @param {Event} event
 */
function metaOf(event) {
  const where = el('span', { class: 'muted' }, visible([event.source, event.module].filter(Boolean).join(' · ')));
  withCatalogue(event.source, (of) => {
    where.textContent = visible([of.product, moduleTitle(of, event.module) ?? event.module ?? datasetTitle(of, event.dataset)].filter(Boolean).join(' · '));
  });
  return [event.event_time && el('time', { class: 'mono', datetime: event.event_time, title: `${event.event_time} · ${ago(event.event_time)}` }, time(event.event_time)), where, statusBadge(event), outcomeBadge(event)];
}

/**
 * The tabs that an event has something for.
 * @param {Event} event
 * @param {any} detail
 * @param {(panel: HTMLElement) => ReturnType<typeof loader>} load
 * @returns {import('../parts/tabs.js').Tab[]}
 */
function tabsOf(event, detail, load) {
  const files = attachmentsOf(event);
  /** @type {(import('../parts/tabs.js').Tab & {there: boolean})[]} */
  const all = [
    { id: 'changes', label: t('event.tab.changes'), count: event.changes?.length || null, there: hasChanges(event), show: (panel) => showChanges(panel, event, load(panel)) },
    { id: 'snapshot', label: t('event.tab.snapshot'), there: !hasChanges(event) && (event.object_before ?? event.object_after) != null, show: (panel) => fill(panel, snapshots(event)) },
    { id: 'request', label: t('event.tab.request'), there: hasSide(event, 'request'), show: (panel) => showSide(panel, event, 'request') },
    { id: 'response', label: t('event.tab.response'), there: hasSide(event, 'response'), show: (panel) => showSide(panel, event, 'response') },
    { id: 'files', label: t('event.tab.files'), count: files.length, there: files.length > 0, show: (panel) => fill(panel, attachments(event)) },
    { id: 'details', label: t('event.tab.details'), there: true, show: (panel) => fill(panel, details(event, detail?.explained)) },
    { id: 'near', label: t('event.tab.near'), there: true, show: (panel) => showNeighbours(panel, event, load(panel)) },
    { id: 'raw', label: t('event.tab.raw'), there: true, show: (panel) => showRaw(panel, event) },
  ];
  return all.filter((tab) => tab.there);
}

/**
 * What people look for first: the answer of what failed, changes, details.
 * @param {import('../parts/tabs.js').Tab[]} all
 * @param {Event} event
 */
function usualTab(all, event) {
  const has = (/** @type {string} */ id) => all.some((tab) => tab.id === id);
  if (event.outcome === 'failure' && has('response')) return 'response';
  return has('changes') ? 'changes' : has('snapshot') ? 'snapshot' : 'details';
}
