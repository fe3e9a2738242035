/** The administration: projects, keys, how long events stay, holds, erasures, redaction, products, storage, health; each below `/admin`. */

import { t } from '../i18n.js';
import { sections } from '../parts/sections.js';

/**
 * @param {HTMLElement} outlet
 * @param {import('../url.js').Place} place
 * @returns {import('../routes.js').View}
 */
export function start(outlet, place) {
  const part = (/** @type {string} */ id, /** @type {() => Promise<any>} */ open) => ({ id, label: t(`admin.${id}`), open });
  return sections(outlet, place, {
    title: t('nav.admin'),
    base: '/admin',
    name: 'admin',
    parts: [
      part('projects', () => import('../admin/projects.js')),
      part('keys', () => import('../admin/keys.js')),
      part('retention', () => import('../admin/retention.js')),
      part('holds', () => import('../admin/holds.js')),
      part('erasure', () => import('../admin/erasure.js')),
      part('redaction', () => import('../admin/redaction.js')),
      part('products', () => import('../admin/products.js')),
      part('storage', () => import('../admin/storage.js')),
      part('health', () => import('../admin/health.js')),
    ],
  });
}
