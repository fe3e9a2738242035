/** The products behind the sources: where each is called when an object is to be restored. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { confirm } from '../parts/dialog.js';
import { field, list } from '../parts/form.js';
import { table } from '../parts/plain.js';
import { empty, why } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import * as url from '../url.js';
import { dialogForm, part, projectName } from './common.js';

/** @typedef {{source: string, url: string, object_types: string[]}} Product as the API has it */

/** @param {HTMLElement} box */
export function start(box) {
  return part(box, 'products', [], async (region, signal, again) => {
    /** @type {Product[]} */
    const all = await api.ask('GET', `/projects/${projectName()}/webhooks`, { signal, project: '' });
    fill(
      region,
      el('div', { class: 'section-head' }, el('p', { class: 'muted grow' }, t('admin.products_what')), el('a', { class: 'button', href: url.link('/alerts', { tab: 'deliveries' }) }, t('admin.deliveries')), el('button', { class: 'primary', 'data-test': 'product-new', on: { click: () => edit(null, again) } }, icon('plus'), t('admin.product_new'))),
      all.length === 0
        ? empty(t('admin.no_products'), t('admin.no_products_why'))
        : table(
            t('admin.products'),
            [
              { title: t('admin.source'), cell: (one) => el('strong', null, one.source) },
              { title: t('admin.address'), cell: (one) => el('code', { class: 'break' }, one.url) },
              { title: t('admin.object_types'), cell: (one) => one.object_types.join(', ') },
              { title: t('admin.actions'), quiet: true, cell: (one) => el('div', { class: 'actions' }, el('button', { on: { click: () => edit(one, again) } }, t('core.edit')), el('button', { class: 'quiet square', 'aria-label': t('admin.product_remove', { name: one.source }), title: t('core.delete'), on: { click: () => void remove(one, again) } }, icon('trash'))) },
            ],
            all,
            (one) => ({ 'data-test': 'product', data: { source: one.source } }),
          ),
    );
  });
}

/**
 * @param {Product | null} one
 * @param {() => void} again
 */
function edit(one, again) {
  const source = el('input', { type: 'text', required: true, autofocus: one === null, value: one?.source ?? '', readOnly: one !== null, 'data-test': 'product-source' });
  // What a list shows of the address may be only a part: it is typed anew.
  const address = el('input', { type: 'url', required: true, autofocus: one !== null, value: one && !one.url.includes('?***') ? one.url : '', 'data-test': 'product-url' });
  const secret = el('input', { type: 'text', required: true, minlength: 16, maxlength: 256, autocomplete: 'off', spellcheck: 'false', 'data-test': 'product-secret' });
  const types = el('input', { type: 'text', value: one?.object_types.join(', ') ?? '' });
  const fresh = el('button', { type: 'button', on: { click: () => (secret.value = random()) } }, t('admin.secret_make'));
  dialogForm({
    title: t('admin.product_new'),
    fields: [el('div', { class: 'fields' }, field(t('admin.source'), source), field(t('admin.object_types'), types, t('admin.object_types_hint'))), field(t('admin.address'), address), field(t('admin.secret'), secret, t('admin.secret_hint')), el('div', null, fresh)],
    action: t('core.save'),
    onSubmit: async () => {
      await api.ask('PUT', `/projects/${projectName()}/webhooks/${encodeURIComponent(source.value.trim())}`, { body: { url: address.value.trim(), secret: secret.value, object_types: list(types.value) }, project: '' });
      again();
    },
  });
}

/** A secret of 256 bits. */
function random() {
  return [...crypto.getRandomValues(new Uint8Array(32))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * @param {Product} one
 * @param {() => void} again
 */
async function remove(one, again) {
  if (!(await confirm({ title: t('admin.product_remove', { name: one.source }), text: el('p', null, t('admin.product_remove_sure')), action: t('core.delete'), danger: true }))) return;
  try {
    await api.ask('DELETE', `/projects/${projectName()}/webhooks/${encodeURIComponent(one.source)}`, { project: '' });
  } catch (error) {
    toast(why(error), 'failure');
  }
  again();
}
