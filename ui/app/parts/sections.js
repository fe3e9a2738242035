/** A view of several parts, each with an address of its own below the view's: `/ingest`, `/ingest/mappings`. */

import { el, fill } from '../dom.js';
import { t } from '../i18n.js';
import { segments } from '../routes.js';
import * as url from '../url.js';
import { viewTabs } from './plain.js';
import { failure, skeleton } from './states.js';
import { toast } from './toast.js';

/** @typedef {{start: (box: HTMLElement, place: url.Place) => import('../routes.js').View}} Module */

/**
 * @typedef {object} Part
 * @property {string} id what stands in the address; of the first part nothing does
 * @property {string} label
 * @property {() => Promise<Module>} open loads it
 */

/**
 * @param {HTMLElement} outlet
 * @param {url.Place} place
 * @param {{title: string, base: string, parts: Part[], name: string}} of
 * @returns {import('../routes.js').View}
 */
export function sections(outlet, place, { title, base, parts, name }) {
  const tabs = el('div');
  const box = el('div', { class: 'stack section-box' });
  fill(outlet, el('div', { class: ['page', name] }, el('header', { class: 'page-head' }, el('h1', null, title)), tabs, box));
  const tabOf = (/** @type {Part} */ one, /** @type {number} */ index) => ({ href: url.link(index === 0 ? base : `${base}/${one.id}`), label: one.label, test: `${name}-tab-${one.id}` });
  const state = { current: '', view: /** @type {import('../routes.js').View | null} */ (null), opening: 0 };

  /** @param {Part} part */
  async function open(part) {
    const mine = ++state.opening;
    state.view?.stop?.();
    state.view = null;
    state.current = part.id;
    fill(box, skeleton(8));
    try {
      const module = await part.open();
      if (mine !== state.opening) return;
      box.replaceChildren();
      state.view = module.start(box, url.here());
    } catch (error) {
      if (mine === state.opening) fill(box, failure(error, () => void open(part)));
    }
  }
  function update(/** @type {url.Place} */ at) {
    const asked = segments(at.path)[0];
    const found = parts.find((part) => part.id === (asked ?? parts[0]?.id));
    const part = found ?? parts[0];
    if (!part) return;
    if (!found) toast(t('core.ignored', { what: asked ?? '' }), 'warning');
    document.title = `${part.label} · ${title} · Kronika`;
    viewTabs(tabs, title, parts.map((one, index) => ({ ...tabOf(one, index), current: one === part })));
    if (part.id === state.current) state.view?.update(at);
    else void open(part);
  }
  update(place);
  return { update, stop: () => ((state.opening += 1), state.view?.stop?.()) };
}
