/** Tabs: one panel at a time, arrows move between them. */

import { el, newId } from '../dom.js';

/**
 * @typedef {object} Tab
 * @property {string} id
 * @property {string} label
 * @property {string | number | null} [count]
 * @property {(panel: HTMLElement) => void} show fills the panel, each time the tab is chosen
 */

/**
 * @param {string} label what the tabs are of
 * @param {Tab[]} tabs
 * @param {string | null} chosen
 * @param {(id: string) => void} [onChoose]
 * @returns {HTMLElement & {choose: (id: string) => void}}
 */
export function tabs(label, tabs, chosen, onChoose) {
  const base = newId('tabs');
  const panel = el('div', { role: 'tabpanel', class: 'tab-panel', tabIndex: 0 });
  const buttons = tabs.map((tab) =>
    el(
      'button',
      { role: 'tab', id: `${base}-${tab.id}`, data: { tab: tab.id }, 'aria-controls': `${base}-panel`, on: { click: () => choose(tab.id, true) } },
      tab.label,
      tab.count != null && el('span', { class: 'count' }, tab.count),
    ),
  );
  panel.id = `${base}-panel`;
  const list = el('div', { role: 'tablist', 'aria-label': label, class: 'tabs' }, buttons);
  list.addEventListener('keydown', (event) => {
    const at = buttons.findIndex((button) => button === document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = buttons[(to + buttons.length) % buttons.length];
    next?.focus();
    next?.click();
  });
  /**
   * @param {string} id
   * @param {boolean} [told]
   */
  function choose(id, told = false) {
    const tab = tabs.find((one) => one.id === id) ?? tabs[0];
    if (!tab) return;
    for (const button of buttons) {
      const is = button.dataset.tab === tab.id;
      button.setAttribute('aria-selected', String(is));
      button.tabIndex = is ? 0 : -1;
      if (is) panel.setAttribute('aria-labelledby', button.id);
    }
    panel.replaceChildren();
    tab.show(panel);
    if (told) onChoose?.(tab.id);
  }
  choose(chosen ?? tabs[0]?.id ?? '');
  return Object.assign(el('div', { class: 'tabbed' }, list, panel), { choose: (/** @type {string} */ id) => choose(id) });
}
