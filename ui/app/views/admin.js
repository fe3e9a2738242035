/** The administration: projects, keys, how long events stay, holds, erasures, redaction, products, storage, health; each below `/admin`. */

import { el, fill } from '../dom.js';
import { t } from '../i18n.js';
import { sections } from '../parts/sections.js';
import { empty } from '../parts/states.js';
import { may, session } from '../session.js';

/**
 * @param {HTMLElement} outlet
 * @param {import('../url.js').Place} place
 * @returns {import('../routes.js').View}
 */
export function start(outlet, place) {
  if (!may('admin')) {
    fill(outlet, el('div', { class: 'page' }, el('h1', null, t('nav.admin')), empty(t('admin.may_not'), t('admin.may_not_why', { key: session().key.name }))));
    return { update() {} };
  }
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
