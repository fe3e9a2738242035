/** What is blanked in events before anything of them is stored: the project's own rules, and all that are in force. */

import * as api from '../api.js';
import { el, fill } from '../dom.js';
import { t } from '../i18n.js';
import { field, form, list } from '../parts/form.js';
import { toast } from '../parts/toast.js';
import { part, projectName } from './common.js';

const KINDS = /** @type {const} */ (['headers', 'parameters', 'paths']);
const EXAMPLES = { headers: 'x-shop-key', parameters: 'voucher', paths: 'customer.pesel\ncard.number' };

/** @param {HTMLElement} box */
export function start(box) {
  return part(box, 'redaction', [], async (region, signal, again) => {
    const name = projectName();
    const rules = await api.ask('GET', `/projects/${name}/redaction`, { signal, project: '' });
    const areas = KINDS.map((kind) => /** @type {const} */ ([kind, el('textarea', { class: 'mono', rows: 6, spellcheck: 'false', value: (rules.own[kind] ?? []).join('\n'), placeholder: EXAMPLES[kind], 'data-test': `redaction-${kind}` })]));
    const save = async () => {
      await api.ask('PUT', `/projects/${name}/redaction`, { body: Object.fromEntries(areas.map(([kind, area]) => [kind, list(area.value)])), project: '' });
      toast(t('admin.redaction_saved'), 'success');
      again();
    };
    const inherited = (/** @type {string} */ kind) => rules.in_force[kind].filter((/** @type {string} */ one) => !rules.own[kind].includes(one));
    fill(
      region,
      el('section', { class: 'panel stack' }, el('h2', null, t('admin.redaction_own', { name })), el('p', { class: 'muted' }, t('admin.redaction_what')), form({ fields: el('div', { class: 'fields' }, areas.map(([kind, area]) => field(t(`admin.redact_${kind}`), area, t(`admin.redact_${kind}_hint`)))), action: t('core.save'), onSubmit: save, test: 'redaction-form' })),
      el('section', { class: 'panel stack', 'data-test': 'redaction-in-force' }, el('h2', null, t('admin.redaction_server')), el('p', { class: 'muted' }, t('admin.redaction_server_what')), el('div', { class: 'fields' }, KINDS.map((kind) => el('div', null, el('h3', null, t(`admin.redact_${kind}`)), inherited(kind).length === 0 ? el('p', { class: 'muted' }, t('admin.none')) : el('ul', { class: 'tag-list' }, inherited(kind).map((/** @type {string} */ one) => el('li', null, el('code', null, one)))))))),
    );
  });
}
