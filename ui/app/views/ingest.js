/** What came in and what became of it: `/ingest` the ledger, `/ingest/rejected` rejected lines, `/ingest/mappings` mappings. */

import { t } from '../i18n.js';
import { sections } from '../parts/sections.js';

/**
 * @param {HTMLElement} outlet
 * @param {import('../url.js').Place} place
 * @returns {import('../routes.js').View}
 */
export function start(outlet, place) {
  return sections(outlet, place, {
    title: t('nav.ingest'),
    base: '/ingest',
    name: 'ingest',
    parts: [
      { id: 'ledger', label: t('ingest.ledger'), open: () => import('../ingest/ledger.js') },
      { id: 'rejected', label: t('ingest.rejected'), open: () => import('../ingest/rejected.js') },
      { id: 'mappings', label: t('ingest.mappings'), open: () => import('../ingest/mappings.js') },
    ],
  });
}
