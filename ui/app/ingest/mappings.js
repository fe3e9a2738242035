/** Mappings: the list, and the editor of one, which shows row by row what becomes of a sample. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { table } from '../parts/plain.js';
import { empty, loader, skeleton } from '../parts/states.js';
import { segments } from '../routes.js';
import { may, session } from '../session.js';
import * as url from '../url.js';
import { openEditor } from './editor.js';

/**
 * Which mapping the address opens: its name, '' for a new one, null for the list.
 * @param {url.Place} place
 */
function opened(place) {
  const name = segments(place.path)[1];
  return name ?? (place.params.get('new') === '1' ? '' : null);
}

/**
 * @param {HTMLElement} box
 * @param {url.Place} place
 * @returns {import('../routes.js').View}
 */
export function start(box, place) {
  const state = { asked: /** @type {string | null} */ (null) };
  const region = el('section', { class: 'stack', 'aria-label': t('ingest.mappings'), 'data-test': 'mappings' }, skeleton(8));
  const load = loader(region);
  fill(box, region);
  function update(/** @type {url.Place} */ at) {
    const name = opened(at);
    const asked = JSON.stringify([at.params.get('project'), name, at.params.get('from')]);
    if (asked === state.asked) return undefined;
    state.asked = asked;
    if (!may('ingest')) return fill(region, empty(t('ingest.may_not'), t('ingest.may_not_why', { key: session().key.name })));
    return void load.run(async (signal) => {
      if (name === null) drawList(region, await api.get('/mappings', undefined, signal));
      else await openEditor(region, name, at.params, signal);
    });
  }
  update(place);
  return { update, stop: () => load.stop() };
}

/**
 * @param {HTMLElement} region
 * @param {{name: string, title: string, origin: string}[]} all
 */
function drawList(region, all) {
  fill(
    region,
    el('div', { class: 'section-head' }, el('p', { class: 'muted grow' }, t('ingest.mappings_what')), may('admin') && el('a', { class: 'button', href: url.link('/ingest/mappings', { new: '1' }), 'data-test': 'mapping-new' }, icon('plus'), t('ingest.mapping_new'))),
    table(
      t('ingest.mappings'),
      [
        { title: t('ingest.name'), cell: (one) => el('a', { href: url.link(`/ingest/mappings/${encodeURIComponent(one.name)}`) }, one.name) },
        { title: t('ingest.title'), cell: (one) => one.title },
        { title: t('ingest.origin'), cell: (one) => el('span', { class: ['badge', one.origin === 'user' && 'note'] }, t(`ingest.origin_${one.origin}`)) },
      ],
      all,
      (one) => ({ 'data-test': 'mapping', data: { name: one.name } }),
    ),
  );
}
