/** How long events stay: the policy of the project and of its modules, what would go, and letting it go. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { bytes, number, percent } from '../format.js';
import { t } from '../i18n.js';
import { confirm } from '../parts/dialog.js';
import { field, form, refusal, select } from '../parts/form.js';
import { figure, table } from '../parts/plain.js';
import { toast } from '../parts/toast.js';
import { part, projectName } from './common.js';
import { keepText } from './projects.js';
import * as url from '../url.js';

/** @param {HTMLElement} box */
export function start(box) {
  return part(box, 'retention', [], async (region, signal, again) => {
    const name = projectName();
    const answer = await api.ask('GET', `/retention/${name}`, { signal, project: '' });
    const plan = el('section', { class: 'panel stack', 'data-test': 'plan' });
    fill(region, policyPanel(answer, again), plan);
    fill(plan, el('div', { class: 'section-head' }, el('h2', null, t('admin.dry_run')), el('button', { 'data-test': 'dry-run', on: { click: () => void dryRun(plan, name) } }, icon('play'), t('admin.dry_run_now'))), el('p', { class: 'muted' }, t('admin.dry_run_what')));
  });
}

/**
 * How long, as a choice: as the server says, forever, or so many days.
 * @param {string | null | undefined} keep
 * @param {boolean} withDefault
 * @param {string} label
 */
function keepField(keep, withDefault, label) {
  const days = /^(\d+)d$/.exec(keep ?? '')?.[1];
  const kinds = /** @type {[string, string][]} */ ([...(withDefault ? [['', t('admin.as_server')]] : []), ['forever', t('admin.forever')], ['days', t('admin.so_many_days')]]);
  const kind = select(kinds, days ? 'days' : keep ?? (withDefault ? '' : 'days'), { 'aria-label': label, 'data-test': 'keep-kind' });
  const count = el('input', { type: 'number', min: '1', value: days ?? '90', class: 'days', 'aria-label': t('admin.so_many_days'), 'data-test': 'keep-days' });
  const follow = () => (count.hidden = kind.value !== 'days');
  kind.addEventListener('change', follow);
  follow();
  return { element: el('div', { class: 'row' }, kind, count), read: () => (kind.value === 'days' ? `${Number(count.value)}d` : kind.value || null) };
}

/**
 * @param {Record<string, any>} answer
 * @param {() => void} again
 */
function policyPanel(answer, again) {
  const whole = keepField(answer.policy.keep, true, t('admin.keep_project'));
  const rows = el('div', { class: 'stack tight', 'data-test': 'policy-modules' });
  // The empty name is that of events without a module: it is chosen, never left by mistake.
  const append = (/** @type {string | null} */ module, /** @type {string | null} */ keep) => {
    const name = el('input', { type: 'text', required: module !== '', value: module ?? '', hidden: module === '', 'aria-label': t('admin.module') });
    const how = keepField(keep, false, t('admin.keep_module'));
    const row = el('div', { class: 'row wrap', data: { module: module ?? undefined } }, name, module === '' && el('span', { class: 'policy-none' }, t('admin.no_module')), how.element, el('button', { type: 'button', class: 'quiet square', 'aria-label': t('admin.module_remove'), title: t('admin.module_remove'), on: { click: () => (row.remove(), follow()) } }, icon('close')));
    rows.append(Object.assign(row, { read: () => [name.value.trim(), how.read()] }));
    follow();
  };
  const add = el('button', { type: 'button', 'data-test': 'policy-add', on: { click: () => append(null, '90d') } }, icon('plus'), t('admin.module_add'));
  const addNone = el('button', { type: 'button', 'data-test': 'policy-add-none', on: { click: () => append('', '90d') } }, icon('plus'), t('admin.no_module_add'));
  const follow = () => (addNone.hidden = rows.querySelector('[data-module=""]') !== null);
  for (const [module, keep] of Object.entries(answer.policy.modules ?? {})) append(module, String(keep));
  const save = async () => {
    const modules = Object.fromEntries([...rows.children].map((row) => /** @type {any} */ (row).read()));
    await api.ask('PUT', `/retention/${answer.project}`, { body: { keep: whole.read(), modules }, project: '' });
    toast(t('admin.policy_saved'), 'success');
    again();
  };
  return el(
    'section',
    { class: 'panel stack', 'data-test': 'policy' },
    el('div', { class: 'section-head' }, el('h2', null, t('admin.policy_of', { name: answer.project })), el('span', { class: 'muted' }, t('admin.in_force', { keep: keepText(answer.keep) }))),
    form({
      fields: [field(t('admin.keep_project'), whole.element, Number(answer.floor_days) > 0 ? t('admin.floor', { n: Number(answer.floor_days) }) : undefined), el('div', { class: 'stack tight' }, el('h3', null, t('admin.modules')), rows, el('div', { class: 'row wrap' }, add, addNone))],
      action: t('core.save'),
      onSubmit: save,
      test: 'policy-form',
    }),
  );
}

/**
 * @param {HTMLElement} box
 * @param {string} name
 */
async function dryRun(box, name) {
  const head = /** @type {HTMLElement} */ (box.firstElementChild);
  box.setAttribute('aria-busy', 'true');
  try {
    const plan = await api.ask('GET', `/retention/${name}/plan`, { project: '' });
    fill(box, head, planned(plan, box));
  } catch (error) {
    fill(box, head, refusal(error));
  } finally {
    box.removeAttribute('aria-busy');
  }
}

/**
 * @param {Record<string, any>} plan
 * @param {HTMLElement} box
 */
function planned(plan, box) {
  const held = plan.held ?? {};
  const nothing = Number(plan.rows) === 0;
  return el(
    'div',
    { class: 'stack', 'data-test': 'plan-answer' },
    el('div', { class: 'equation' }, figure(t('admin.events'), plan.rows, { tone: nothing ? '' : 'warn', test: 'plan-rows' }), figure(t('admin.size'), bytes(plan.bytes) || '0 B'), figure(t('admin.partitions'), plan.partitions), figure(t('admin.files'), plan.files), figure(t('admin.share'), percent(Number(plan.percent), 100) || '0 %')),
    nothing ? el('p', { class: 'muted' }, t('admin.nothing_goes')) : el('p', null, t('admin.goes_from_to', { from: plan.oldest, to: plan.newest })),
    plan.clock && el('p', { class: 'row field-error' }, icon('warning'), plan.clock),
    Number(held.rows) > 0 && el('p', { class: 'row' }, icon('pin'), t('admin.held_back', { n: Number(held.rows) }), el('a', { href: url.link('/admin/holds') }, t('admin.holds'))),
    plan.modules.length > 0 &&
      table(
        t('admin.dry_run'),
        [
          { title: t('admin.module'), cell: (one) => one.module ?? el('span', { class: 'muted' }, t('admin.no_module')) },
          { title: t('admin.keep'), cell: (one) => keepText(one.keep) },
          { title: t('admin.events'), number: true, cell: (one) => number(one.rows) },
          { title: t('admin.size'), number: true, cell: (one) => bytes(one.bytes) },
          { title: t('admin.partitions'), number: true, cell: (one) => number(one.partitions) },
          { title: t('admin.from_to'), class: 'nowrap', cell: (one) => `${one.oldest} – ${one.newest}` },
        ],
        /** @type {Record<string, any>[]} */ (plan.modules),
      ),
    !nothing && el('div', { class: 'dialog-foot' }, el('button', { class: 'danger', 'data-test': 'retention-run', on: { click: () => void run(plan, box) } }, t('admin.let_go'))),
  );
}

/**
 * @param {Record<string, any>} plan
 * @param {HTMLElement} box
 */
async function run(plan, box) {
  const text = el('p', null, t('admin.let_go_sure', { n: Number(plan.rows), size: bytes(plan.bytes), name: plan.project }));
  if (!(await confirm({ title: t('admin.let_go'), text, action: t('admin.let_go'), danger: true, word: plan.project }))) return;
  const head = /** @type {HTMLElement} */ (box.firstElementChild);
  try {
    const done = await api.ask('POST', `/retention/${plan.project}/run`, { body: { confirm: plan.plan }, project: '' });
    fill(box, head, el('p', { class: 'row', role: 'status' }, icon('check'), t('admin.gone', { n: Number(done.rows), size: bytes(done.bytes) })));
  } catch (error) {
    fill(box, head, refusal(error));
  }
}
