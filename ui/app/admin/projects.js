/** Projects: what each takes, its quota; making and deleting them. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { bytes, number } from '../format.js';
import { t } from '../i18n.js';
import { confirm } from '../parts/dialog.js';
import { field } from '../parts/form.js';
import { menuButton } from '../parts/menu.js';
import { table } from '../parts/plain.js';
import { why } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import * as url from '../url.js';
import { dialogForm, part, projectName, quotaFields, quotaText } from './common.js';

/** @typedef {{name: string, quota?: Record<string, any>}} Project as the API has it */

/** Projects whose sizes are asked for at once; the others say theirs in the part for storage. */
const SIZED = 30;

/** @param {HTMLElement} box */
export function start(box) {
  return part(box, 'projects', [], async (region, signal, again) => {
    /** @type {Project[]} */
    const all = await api.ask('GET', '/projects', { signal, project: '' });
    const policies = await api.ask('GET', '/retention', { signal, project: '' });
    const sizes = new Map();
    draw(region, all, policies, sizes, again);
    await Promise.all(all.slice(0, SIZED).map(async ({ name }) => sizes.set(name, await api.ask('GET', `/projects/${name}/storage`, { signal, project: '' }).catch(() => null))));
    draw(region, all, policies, sizes, again);
  });
}

/**
 * @param {HTMLElement} region
 * @param {Project[]} all
 * @param {{project: string, keep: string}[]} policies
 * @param {Map<string, any>} sizes
 * @param {() => void} again
 */
function draw(region, all, policies, sizes, again) {
  const keep = new Map(policies.map((one) => [one.project, one.keep]));
  const events = (/** @type {string} */ name) => sizes.get(name) && Number(sizes.get(name).total.rows) + Number(sizes.get(name).hot.rows);
  fill(
    region,
    el('div', { class: 'section-head' }, el('p', { class: 'muted grow' }, t('admin.projects_what')), el('button', { class: 'primary', 'data-test': 'project-new', on: { click: () => create() } }, icon('plus'), t('admin.project_new'))),
    table(
      t('admin.projects'),
      [
        { title: t('admin.name'), cell: (one) => [el('a', { href: url.link('/', { project: one.name }) }, one.name), one.name === projectName() && el('span', { class: 'muted small' }, ` · ${t('admin.this_one')}`)] },
        { title: t('admin.events'), number: true, cell: (one) => number(events(one.name)) },
        { title: t('admin.size'), number: true, cell: (one) => sizes.get(one.name) && bytes(sizes.get(one.name).total.bytes) },
        { title: t('admin.keep'), cell: (one) => keepText(keep.get(one.name)) },
        { title: t('admin.quota'), cell: (one) => quotaText(one.quota).map((text) => el('div', { class: 'small' }, text)) },
        { title: t('admin.actions'), quiet: true, cell: (one) => !one.name.startsWith('_') && el('div', { class: 'actions' }, menuButton({ label: t('admin.actions_of', { name: one.name }), icon: 'more', class: 'quiet square' }, () => actions(one, again))) },
      ],
      all,
      (one) => ({ 'data-test': 'project', data: { name: one.name } }),
    ),
  );
}

/**
 * How long something is kept, in words.
 * @param {string | undefined | null} keep
 */
export function keepText(keep) {
  if (!keep) return '';
  const days = /^(\d+)d$/.exec(keep)?.[1];
  return keep === 'forever' ? t('admin.forever') : days ? t('admin.days', { n: Number(days) }) : keep;
}

/**
 * @param {Project} one
 * @param {() => void} again
 * @returns {(import('../parts/menu.js').Item | 'line')[]}
 */
function actions(one, again) {
  return [
    { label: t('admin.quota'), icon: 'edit', run: () => quota(one, again) },
    { label: t('admin.retention'), icon: 'clock', href: url.link('/admin/retention', { project: one.name }) },
    { label: t('admin.storage'), icon: 'dashboards', href: url.link('/admin/storage', { project: one.name }) },
    'line',
    { label: t('admin.project_delete'), icon: 'trash', danger: true, run: () => void remove(one) },
  ];
}

function create() {
  const name = el('input', { type: 'text', required: true, pattern: '[a-z0-9][a-z0-9\\-]{0,62}', autofocus: true, autocomplete: 'off', 'data-test': 'project-name' });
  const limits = quotaFields();
  dialogForm({
    title: t('admin.project_new'),
    fields: [field(t('admin.name'), name, t('admin.name_hint')), el('details', null, el('summary', null, t('admin.quota')), limits.element)],
    action: t('admin.create'),
    test: 'project-form',
    onSubmit: async () => {
      await api.ask('POST', '/projects', { body: { name: name.value.trim(), quota: limits.read() }, project: '' });
      // The list of projects stands in the frame of the page as well.
      window.location.assign(url.link('/admin', { project: name.value.trim() }));
    },
  });
}

/**
 * @param {Project} one
 * @param {() => void} again
 */
function quota(one, again) {
  const limits = quotaFields(one.quota);
  dialogForm({
    title: t('admin.quota_of', { name: one.name }),
    fields: limits.element,
    action: t('core.save'),
    wide: true,
    onSubmit: async () => {
      await api.ask('PUT', `/projects/${one.name}/quota`, { body: limits.read(), project: '' });
      again();
    },
  });
}

/** @param {Project} one */
async function remove(one) {
  const sure = await confirm({ title: t('admin.project_delete'), text: el('p', null, t('admin.project_delete_sure', { name: one.name })), action: t('admin.project_delete'), danger: true, word: one.name });
  if (!sure) return;
  try {
    await api.ask('DELETE', `/projects/${one.name}`, { params: { confirm: one.name }, project: '' });
    if (one.name === projectName()) localStorage.removeItem('kronika.project');
    window.location.assign(url.link('/admin', { project: one.name === projectName() ? null : projectName() }));
  } catch (error) {
    toast(why(error), 'failure');
  }
}
