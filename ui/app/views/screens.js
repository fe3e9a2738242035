/**
 * The source systems' own log screens, rebuilt: the columns, filters, titles and defaults that their users know. The list at
 * `/screens`, one at `/screens/SOURCE/SCREEN`.
 */

import { get, project } from '../api.js';
import { el, fill } from '../dom.js';
import { ready } from '../event.js';
import { load, t } from '../i18n.js';
import { learn } from '../journal/fields.js';
import { prepare } from '../parts/grid.js';
import { empty, loader, skeleton } from '../parts/states.js';
import { segments } from '../routes.js';
import { isDetail, knowProducts, titleLanguage, useProduct } from '../screens/cells.js';
import { ProductScreen } from '../screens/screen.js';
import * as url from '../url.js';

/** @typedef {import('../screens/model.js').Screen} Screen */
/** @typedef {{screens: Screen[], products: Map<string, string>}} Known */
/** @typedef {{update: (place: url.Place) => void, stop: () => void}} Part */

/**
 * @param {HTMLElement} outlet
 * @returns {Promise<import('../routes.js').View>}
 */
export async function start(outlet) {
  await Promise.all([prepare(), ready(), load('fields')]);
  const region = el('div', { class: 'screens' }, skeleton(8));
  fill(outlet, region);
  const asking = loader(region);
  /** @type {Known | null} */
  let known = null;
  /** @type {{key: string, part: Part} | null} */
  let shown = null;
  /** @param {url.Place} now */
  const update = (now) => {
    if (!known) return;
    const [source, id] = segments(now.path);
    const key = `${project()} ${source ?? ''} ${id ?? ''}`;
    if (shown?.key !== key) {
      shown?.part.stop();
      shown = { key, part: partOf(region, known, source, id) };
    }
    shown.part.update(now);
  };
  void asking.run(async (signal) => {
    known = await learnScreens(signal);
    if (!signal.aborted) update(url.here());
  });
  return {
    update,
    stop() {
      asking.stop();
      shown?.part.stop();
    },
  };
}

/**
 * The screens, what the products are called, and their words.
 * @param {AbortSignal} signal
 * @returns {Promise<Known>}
 */
async function learnScreens(signal) {
  const [answer, catalog] = await Promise.all([get('/screens', { lang: titleLanguage() }, signal), get('/catalog', { lang: titleLanguage() }, signal)]);
  /** @type {Screen[]} */
  const screens = answer.screens;
  const sources = [...new Set(screens.map((one) => one.source))];
  await Promise.all([learn(sources), knowProducts(sources)]);
  // `RemOnline (since renamed …)`: what it was called is enough.
  const name = (/** @type {any} */ one) => String(one.product?.name ?? one.source).replace(/ \(.*\)$/, '');
  return { screens, products: new Map(catalog.sources.map((/** @type {any} */ one) => [one.source, name(one)])) };
}

/**
 * @param {HTMLElement} region
 * @param {Known} known
 * @param {string | undefined} source
 * @param {string | undefined} id
 * @returns {Part}
 */
function partOf(region, known, source, id) {
  if (source === undefined) return listPart(region, known);
  const others = known.screens.filter((one) => one.source === source);
  const screen = others.find((one) => one.id === id || id === undefined);
  if (!screen) {
    fill(region, empty(t('screens.missing', { name: `${source}/${id ?? ''}` }), null, el('a', { class: 'button', href: url.link('/screens') }, t('screens.to_list'))));
    return { update() {}, stop() {} };
  }
  useProduct(source);
  const made = new ProductScreen(region, screen, { product: known.products.get(source) ?? source, others });
  fill(region, made.element);
  return made;
}

/** @param {HTMLElement} region @param {Known} known @returns {Part} */
function listPart(region, { screens, products }) {
  document.title = `${t('nav.screens')} · Kronika`;
  const sources = [...new Set(screens.map((one) => one.source))];
  const section = (/** @type {string} */ source) => el('section', { class: 'stack', 'aria-label': products.get(source) ?? source }, el('h2', null, products.get(source) ?? source), el('ul', { class: 'screens-list' }, screens.filter((one) => one.source === source).map(card)));
  fill(region, el('div', { class: 'page' }, el('div', { class: 'page-head' }, el('h1', null, t('nav.screens'))), el('p', { class: 'muted' }, t('screens.what')), sources.map(section)));
  return { update() {}, stop() {} };
}

/** @param {Screen} one */
function card(one) {
  const columns = one.columns.filter((column) => !isDetail(column)).map((column) => column.title?.text ?? column.id);
  return el('li', null, el('a', { class: 'screens-card', href: url.link(`/screens/${one.source}/${one.id}`), 'data-test': `screen-${one.source}-${one.id}` }, el('span', { class: 'screens-title' }, one.title.text), el('span', { class: 'muted small' }, columns.slice(0, 7).join(' · '), columns.length > 7 && ' …')));
}
