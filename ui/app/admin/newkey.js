/** The form of a new key: what it may do, in which project, what of it, how much, how long. */

import * as api from '../api.js';
import { el } from '../dom.js';
import { t } from '../i18n.js';
import { field, list, select, tick } from '../parts/form.js';
import { session } from '../session.js';
import { dialogForm, projectName, quotaFields } from './common.js';

const SCOPES = ['query', 'export', 'ingest', 'restore', 'admin', 'audit-read'];
/** Restrictions that are lists, and what they look like. */
const LISTS = /** @type {[string, string][]} */ ([['modules', 'order*, payments'], ['tenant_ids', 'shop-1001'], ['datasets', 'event_log'], ['unit_ids', '2'], ['object_types', 'order'], ['objects', 'customer:17'], ['masked_columns', 'actor_email'], ['sources', '10.0.0.0/8']]);

/** @param {(made: any) => void} onMade */
export async function createKey(onMade) {
  const name = el('input', { type: 'text', required: true, autofocus: true, autocomplete: 'off', 'data-test': 'key-name' });
  const scopes = SCOPES.map((scope) => tick(scope, { value: scope, checked: scope === 'query', hint: t(`admin.scope_${scope.replaceAll('-', '_')}`), test: `scope-${scope}` }));
  const projects = session().projects.filter((one) => !one.startsWith('_'));
  const project = select(projects.map((one) => /** @type {[string, string]} */ ([one, one])), projectName(), { 'data-test': 'key-project' });
  const life = el('input', { type: 'text', placeholder: '365d', 'data-test': 'key-expires' });
  const source = el('input', { type: 'text' });
  const mapping = el('input', { type: 'text' });
  const limits = restrictionFields();
  const quota = quotaFields();
  const chosen = () => scopes.map(({ input }) => input).filter((input) => input.checked).map((input) => input.value);
  const follow = () => {
    const all = chosen();
    // Keys of the administration have no project of their own.
    project.disabled = all.includes('admin') || all.includes('audit-read');
    sending.hidden = !all.includes('ingest');
  };
  const sending = el('div', { class: 'fields' }, field(t('admin.source'), source, t('admin.source_hint')), field(t('admin.mapping'), mapping, t('admin.mapping_hint')));
  for (const { input } of scopes) input.addEventListener('change', follow);
  follow();
  dialogForm({
    title: t('admin.key_new'),
    wide: true,
    test: 'key-form',
    fields: [
      el('div', { class: 'fields' }, field(t('admin.key_for'), name, t('admin.key_for_hint')), field(t('core.project'), project), field(t('admin.expires_in'), life, t('admin.expires_hint'))),
      el('fieldset', null, el('legend', null, t('admin.scopes')), el('div', { class: 'stack tight' }, scopes.map(({ element }) => element))),
      sending,
      el('details', null, el('summary', null, t('admin.restrictions')), limits.element),
      el('details', null, el('summary', null, t('admin.quota')), quota.element),
    ],
    action: t('admin.key_make'),
    onSubmit: async () => {
      const all = chosen();
      if (all.length === 0) throw new Error(t('admin.no_scope'));
      const body = { name: name.value.trim(), scopes: all, project: project.disabled ? undefined : project.value, expires_in: life.value.trim() || undefined, source: source.value.trim() || undefined, mapping: mapping.value.trim() || undefined, restrictions: limits.read(), quota: quota.read() };
      onMade(await api.ask('POST', '/keys', { body, project: '' }));
    },
  });
}

function restrictionFields() {
  const lists = LISTS.map(([name, example]) => /** @type {const} */ ([name, el('input', { type: 'text', placeholder: example, 'data-test': `only-${name}` })]));
  const days = el('input', { type: 'number', min: '1', placeholder: '90' });
  const general = tick(t('admin.only_general_only'));
  const element = el('div', { class: 'stack tight' }, el('p', { class: 'small muted' }, t('admin.restrictions_hint')), el('div', { class: 'fields' }, lists.map(([name, input]) => field(t(`admin.only_${name}`), input)), field(t('admin.only_lookback_days'), days)), general.element);
  const read = () => ({
    ...Object.fromEntries(lists.filter(([, input]) => input.value.trim() !== '').map(([name, input]) => [name, list(input.value)])),
    ...(days.value ? { lookback_days: Number(days.value) } : {}),
    ...(general.input.checked ? { general_only: true } : {}),
  });
  return { element, read };
}
