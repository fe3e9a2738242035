/** Legal holds: what must stay whatever a policy or an erasure says. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { time } from '../format.js';
import { t } from '../i18n.js';
import { field, list } from '../parts/form.js';
import { table } from '../parts/plain.js';
import { empty } from '../parts/states.js';
import { keyNames } from '../jobs/exports.js';
import { dialogForm, part, projectName } from './common.js';

/** @typedef {Record<string, any> & {id: string}} Hold as the API has it */

/** @param {HTMLElement} box */
export function start(box) {
  return part(box, 'holds', [], async (region, signal, again) => {
    const [all, names] = await Promise.all([api.ask('GET', '/holds', { params: { project: projectName() }, signal, project: '' }), keyNames()]);
    draw(region, all, names, again);
  });
}

/**
 * @param {HTMLElement} region
 * @param {Hold[]} all
 * @param {Map<string, string>} names of keys
 * @param {() => void} again
 */
function draw(region, all, names, again) {
  const who = (/** @type {string} */ id) => names.get(id) ?? id;
  fill(
    region,
    el('div', { class: 'section-head' }, el('p', { class: 'muted grow' }, t('admin.holds_what')), el('button', { class: 'primary', 'data-test': 'hold-new', on: { click: () => place(again) } }, icon('plus'), t('admin.hold_new'))),
    all.length === 0
      ? empty(t('admin.no_holds'), t('admin.no_holds_why', { name: projectName() }))
      : table(
          t('admin.holds'),
          [
            { title: t('admin.state'), cell: (one) => (one.lifted ? el('span', { class: 'badge' }, icon('check'), t('admin.lifted')) : el('span', { class: 'badge warn' }, icon('pin'), t('admin.hold_in_force'))) },
            { title: t('admin.reason'), cell: (one) => [el('span', { class: 'break' }, one.reason), one.lifted && el('div', { class: 'small muted break' }, t('admin.lifted_by', { who: who(one.lifted.by), time: time(one.lifted.at, { fraction: false }), reason: one.lifted.reason }))] },
            { title: t('admin.covers'), cell: covers },
            { title: t('admin.placed'), cell: (one) => [time(one.placed_at, { fraction: false }), el('div', { class: 'small muted' }, who(one.placed_by))] },
            { title: t('admin.id'), cell: (one) => el('code', { class: 'small break' }, one.id) },
            { title: t('admin.actions'), quiet: true, cell: (one) => !one.lifted && el('div', { class: 'actions' }, el('button', { 'data-test': 'hold-lift', on: { click: () => lift(one, again) } }, t('admin.lift'))) },
          ],
          all,
          (one) => ({ 'data-test': 'hold', data: { id: one.id } }),
        ),
  );
}

/** @param {Hold} one */
function covers(one) {
  const parts = [
    one.modules?.length > 0 && `${t('admin.modules')}: ${one.modules.map((/** @type {string} */ name) => name || t('admin.no_module')).join(', ')}`,
    (one.from || one.to) && `${one.from ?? '…'} – ${one.to ?? '…'}`,
    one.object && `${t('admin.object')}: ${one.object}`,
    one.actor && `${t('admin.actor')}: ${one.actor}`,
  ].filter(Boolean);
  return parts.length === 0 ? t('admin.whole_project') : parts.map((text) => el('div', { class: 'break' }, text));
}

/** @param {() => void} again */
function place(again) {
  const text = (/** @type {string} */ test, /** @type {Record<string, any>} */ props = {}) => el('input', { type: 'text', 'data-test': `hold-${test}`, ...props });
  const reason = text('reason', { required: true, autofocus: true });
  const modules = text('modules');
  const from = el('input', { type: 'date', 'data-test': 'hold-from' });
  const to = el('input', { type: 'date' });
  const object = text('object', { placeholder: 'order:1042' });
  const actor = text('actor', { placeholder: 'ann@example.com' });
  const given = (/** @type {HTMLInputElement} */ input) => input.value.trim() || undefined;
  dialogForm({
    title: t('admin.hold_new'),
    test: 'hold-form',
    fields: [field(t('admin.reason'), reason, t('admin.hold_reason_hint')), el('p', { class: 'muted' }, t('admin.hold_parts')), el('div', { class: 'fields' }, field(t('admin.modules'), modules, t('admin.behind_commas')), field(t('admin.object'), object), field(t('admin.actor'), actor), field(t('admin.first_day'), from), field(t('admin.last_day'), to))],
    action: t('admin.hold_place'),
    onSubmit: async () => {
      await api.ask('POST', '/holds', { body: { project: projectName(), reason: reason.value.trim(), modules: list(modules.value), from: given(from), to: given(to), object: given(object), actor: given(actor) }, project: '' });
      again();
    },
  });
}

/**
 * @param {Hold} one
 * @param {() => void} again
 */
function lift(one, again) {
  const reason = el('input', { type: 'text', required: true, autofocus: true, 'data-test': 'lift-reason' });
  dialogForm({
    title: t('admin.lift_of'),
    fields: [el('p', null, t('admin.lift_what', { reason: one.reason })), field(t('admin.lift_reason'), reason)],
    action: t('admin.lift'),
    danger: true,
    onSubmit: async () => {
      await api.ask('POST', `/holds/${one.id}/lift`, { body: { reason: reason.value.trim() }, project: '' });
      again();
    },
  });
}
