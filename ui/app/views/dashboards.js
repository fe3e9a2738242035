/** Dashboards: the list, or one with its tiles. */

import { project } from '../api.js';
import { dashboardList } from '../dashboards/list.js';
import { readBoard } from '../dashboards/model.js';
import { openNaming } from '../dashboards/naming.js';
import { Dashboard, edit } from '../dashboards/screen.js';
import { el, fill } from '../dom.js';
import { load, t } from '../i18n.js';
import { learn } from '../journal/fields.js';
import { loader, skeleton } from '../parts/states.js';
import { segments, style } from '../routes.js';
import * as saved from '../saved.js';
import { namedQueries } from '../sql/named.js';
import * as url from '../url.js';

/** Source systems whose words tiles of all systems use. */
const SOURCES = ['idosell', 'expertsender', 'remonline', 'getcourse', 'voucherify'];

/** @typedef {{update: (place: url.Place) => void, stop: () => void}} Part */

/**
 * @param {HTMLElement} outlet
 * @param {url.Place} place
 * @returns {Promise<import('../routes.js').View>}
 */
export async function start(outlet, place) {
  await Promise.all([load('chart'), style('chart')]);
  /** @type {{key: string, part: Part} | null} */
  let shown = null;
  /** @param {url.Place} now */
  const update = (now) => {
    const [id] = segments(now.path);
    const key = `${project()} ${id ?? ''}`;
    if (shown?.key !== key) {
      shown?.part.stop();
      shown = { key, part: id === undefined ? listPart(outlet) : boardPart(outlet, id) };
    }
    shown.part.update(now);
  };
  update(place);
  return { update, stop: () => shown?.part.stop() };
}

/** @param {HTMLElement} outlet @returns {Part} */
function listPart(outlet) {
  const region = el('div', null, skeleton(8));
  fill(outlet, region);
  document.title = `${t('nav.dashboards')} · Kronika`;
  const asking = loader(region);
  const make = async (/** @type {string} */ name, /** @type {boolean} */ shared) => edit((await saved.create({ kind: 'dashboard', name, shared, state: { titles: {}, source: null, tiles: [] } })).id);
  void asking.run(async (signal) => {
    const all = await saved.list('dashboard', signal);
    fill(region, dashboardList(all, { onNew: () => openNaming(t('dashboards.new'), { name: '', shared: false }, make) }));
  });
  return { update() {}, stop: () => asking.stop() };
}

/** @param {HTMLElement} outlet @param {string} id @returns {Part} */
function boardPart(outlet, id) {
  const region = el('div', null, skeleton(8));
  fill(outlet, region);
  const asking = loader(region);
  /** @type {Dashboard | null} */
  let open = null;
  void asking.run(async (signal) => {
    const [read, queries] = await Promise.all([saved.read(id, signal), namedQueries(signal)]);
    const { source } = readBoard(read.saved.state);
    await learn(source ? [source] : SOURCES);
    if (signal.aborted) return;
    open = new Dashboard(read, queries);
    fill(region, open.element);
    open.update(url.here());
  });
  return {
    update: (now) => open?.update(now),
    stop() {
      asking.stop();
      open?.stop();
    },
  };
}
