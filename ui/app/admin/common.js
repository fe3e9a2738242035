/** What the parts of the administration share: the project they are about, forms in dialogs, quotas. */

import { project } from '../api.js';
import { el } from '../dom.js';
import { number } from '../format.js';
import { t } from '../i18n.js';
import { openDialog } from '../parts/dialog.js';
import { remember } from '../parts/focus.js';
import { field, form } from '../parts/form.js';
import { loader, skeleton } from '../parts/states.js';
import { session } from '../session.js';
import * as url from '../url.js';

/** The project that the administration is about: the page's. */
export function projectName() {
  return project() ?? session().key.project ?? session().projects[0] ?? 'default';
}

/**
 * A part of the administration: it loads when it opens, when the address asks for something else, and when it is told.
 * @param {HTMLElement} box
 * @param {string} name of the hook for tests
 * @param {string[]} asked parameters of the address that matter
 * @param {(region: HTMLElement, signal: AbortSignal, again: () => void) => Promise<void>} draw
 * @returns {import('../routes.js').View}
 */
export function part(box, name, asked, draw) {
  let last = /** @type {string | null} */ (null);
  const region = el('section', { class: 'stack', 'data-test': name }, skeleton(8));
  box.append(region);
  const load = loader(region);
  const again = () =>
    void load.run(async (signal) => {
      const giveBack = remember(region);
      await draw(region, signal, again);
      giveBack();
    });
  const update = (/** @type {url.Place} */ { params }) => {
    const now = JSON.stringify(['project', 'tz', ...asked].map((key) => params.get(key)));
    if (now === last) return;
    last = now;
    again();
  };
  update(url.here());
  return { update, stop: () => load.stop() };
}

/**
 * A form in a dialog, which closes when it was sent.
 * @param {{title: string, fields: import('../dom.js').Children, action: string, danger?: boolean, wide?: boolean, test?: string, onSubmit: () => Promise<unknown>}} of
 */
export function dialogForm({ title, fields, action, danger, wide, test, onSubmit }) {
  openDialog(
    title,
    (dialog) =>
      form({
        fields,
        action,
        danger,
        test,
        onCancel: dialog.close,
        onSubmit: async () => {
          await onSubmit();
          dialog.close();
        },
      }),
    { wide },
  );
}

/** @typedef {Record<string, any>} Quota as the API has it */

const RATES = ['requests_per_second', 'events_per_second', 'bytes_per_second', 'queries_at_once', 'bytes_scanned_per_day'];
/** Parts that are sizes, such as `20MiB`, and no numbers. */
const SIZES = new Set(['bytes_per_second', 'bytes_scanned_per_day']);

/**
 * Fields of a quota.
 * @param {Quota} [quota]
 * @returns {{element: HTMLElement, read: () => Quota}}
 */
export function quotaFields(quota = {}) {
  const inputs = RATES.map((name) => /** @type {const} */ ([name, el('input', { type: 'text', inputmode: SIZES.has(name) ? 'text' : 'numeric', value: quota[name] ?? '', placeholder: t('admin.quota_default'), 'data-test': `quota-${name}` })]));
  const element = el('div', { class: 'stack tight' }, el('div', { class: 'fields' }, inputs.map(([name, input]) => field(t(`admin.quota_${name}`), input, SIZES.has(name) ? t('admin.quota_size_hint') : undefined))), el('p', { class: 'small muted' }, t('admin.quota_hint')));
  const value = (/** @type {string} */ name, /** @type {string} */ text) => (SIZES.has(name) || !/^\d+$/.test(text) ? text : Number(text));
  return { element, read: () => Object.fromEntries(inputs.filter(([, input]) => input.value.trim() !== '').map(([name, input]) => [name, value(name, input.value.trim())])) };
}

/**
 * A quota in a few words; nothing where there is none of its own.
 * @param {Quota | undefined} quota
 */
export function quotaText(quota) {
  return Object.entries(quota ?? {})
    .filter(([, value]) => value != null)
    .map(([name, value]) => `${t(`admin.quota_${name}`)}: ${Number(value) === 0 ? t('admin.no_limit') : SIZES.has(name) ? value : number(value)}`);
}
