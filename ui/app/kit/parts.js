/** Every part in its states, as views use them. */

import { Problem } from '../api.js';
import { el, icon, iconNames } from '../dom.js';
import { t } from '../i18n.js';
import { copyButton } from '../parts/copy.js';
import { confirm, openDialog } from '../parts/dialog.js';
import { field, form, select, tick } from '../parts/form.js';
import { menuButton } from '../parts/menu.js';
import { facts, figure, longText, progressBar, stateBadge, table } from '../parts/plain.js';
import { empty, failure, skeleton } from '../parts/states.js';
import { tabs } from '../parts/tabs.js';
import { toast } from '../parts/toast.js';

export function buttons() {
  return el(
    'div',
    { class: 'row wrap' },
    el('button', { class: 'primary' }, t('kit.primary')),
    el('button', null, t('kit.plain')),
    el('button', null, icon('download'), t('core.download')),
    el('button', { class: 'danger' }, t('core.delete')),
    el('button', { class: 'quiet' }, t('kit.quiet')),
    el('button', { class: 'link' }, t('kit.link')),
    el('button', { class: 'quiet square', 'aria-label': t('core.close'), title: t('core.close') }, icon('close')),
    el('button', { disabled: true }, t('kit.disabled')),
    el('button', { class: 'primary', disabled: true }, t('kit.disabled')),
    el('div', { class: 'group', role: 'group', 'aria-label': t('kit.group') }, ['1', '2', '3'].map((one) => el('button', { 'aria-pressed': String(one === '2') }, one))),
    copyButton('kronika'),
  );
}

export function fields() {
  const text = (/** @type {Record<string, any>} */ props) => el('input', { type: 'text', ...props });
  return el(
    'div',
    { class: 'fields' },
    field(t('kit.text'), text({ value: 'Zażółć gęślą jaźń' }), t('kit.hint')),
    field(t('kit.placeholder'), text({ placeholder: 'krn_…' })),
    field(t('kit.disabled'), text({ disabled: true, value: '42' })),
    field(t('kit.choice'), select([['a', t('kit.first')], ['b', t('kit.second')]], 'a')),
    field(t('kit.day'), el('input', { type: 'date', value: '2026-03-29' })),
    field(t('kit.range'), el('input', { type: 'range', value: '30' })),
    field(t('kit.area'), el('textarea', { class: 'mono', rows: 3, value: 'module=couriers\noutcome!=success' })),
    el('div', { class: 'stack tight' }, tick(t('kit.tick'), { checked: true }).element, tick(t('kit.tick')).element),
    form({ fields: field(t('kit.refused'), text({ value: 'x' })), action: t('kit.send'), onSubmit: async () => { throw new Error(t('kit.refusal')); } }),
  );
}

export function marks() {
  return el(
    'div',
    { class: 'stack' },
    el('div', { class: 'row wrap' }, ['', 'good', 'bad', 'warn', 'note'].map((tone) => el('span', { class: ['badge', tone] }, icon('info'), tone || t('kit.plain')))),
    el('div', { class: 'row wrap' }, ['enqueued', 'in_progress', 'done', 'failed', 'canceled', 'firing', 'pending', 'disabled'].map((state) => stateBadge(state, t(`kit.state_${state}`)))),
    el('div', { class: 'row wrap' }, [['', 'module=couriers'], ['not', 'outcome!=success'], ['off', 'actor=ann']].map(([kind, text]) => el('span', { class: ['chip', kind] }, el('button', { class: 'chip-text' }, text), el('button', { 'aria-label': t('kit.chip_remove', { what: text }) }, icon('close'))))),
    el('div', { class: 'row wrap' }, el('span', null, el('kbd', null, 'g'), el('kbd', null, 'j')), el('span', null, el('kbd', null, 'Ctrl'), el('kbd', null, 'Enter'))),
    el('div', { class: 'kit-narrow' }, progressBar(0.62, t('kit.progress')), progressBar(null, t('kit.progress_unknown'))),
    el('div', { class: 'row wrap kit-figures' }, figure(t('kit.count'), '9007199254740993'), figure(t('kit.warned'), 12, { tone: 'warn' }), figure(t('kit.failed'), 3, { tone: 'bad' })),
  );
}

export function openers() {
  const items = () => /** @type {(import('../parts/menu.js').Item | 'line')[]} */ ([{ label: t('core.edit'), icon: 'edit', note: 'e' }, { label: t('kit.first'), checked: true }, { label: t('kit.second'), checked: false }, 'line', { label: t('kit.disabled'), disabled: true }, { label: t('core.delete'), icon: 'trash', danger: true }]);
  return el(
    'div',
    { class: 'row wrap' },
    menuButton({ label: t('kit.menu'), text: t('kit.menu'), class: '' }, items),
    el('button', { 'data-test': 'kit-dialog', on: { click: () => openDialog(t('kit.dialog'), () => el('p', null, t('kit.dialog_text'))) } }, t('kit.dialog')),
    el('button', { 'data-test': 'kit-confirm', on: { click: () => void confirm({ title: t('kit.confirm'), text: el('p', null, t('kit.confirm_text')), action: t('core.delete'), danger: true, word: 'shop' }) } }, t('kit.confirm')),
    /** @type {const} */ (['info', 'success', 'warning', 'failure']).map((kind) => el('button', { 'data-test': `kit-toast-${kind}`, on: { click: () => toast(t(`kit.toast_${kind}`), kind) } }, t(`kit.toast_${kind}`))),
  );
}

export function lists() {
  const rows = [{ id: 'aa_0adad13d6f057f088e', name: t('kit.first'), count: '1042', share: 1 }, { id: 'aa_0c1f0e77aa0000001', name: t('kit.second'), count: '9007199254740993', share: 0.15 }];
  return el(
    'div',
    { class: 'stack' },
    table(t('kit.table'), [
      { title: t('kit.name'), cell: (row) => [el('a', { href: '/ui/kit' }, row.name), el('div', { class: 'small muted' }, el('code', null, row.id))] },
      { title: t('kit.progress'), cell: (row) => progressBar(row.share, row.name) },
      { title: t('kit.count'), number: true, cell: (row) => row.count },
    ], rows),
    facts([t('kit.name'), t('kit.first')], [t('kit.count'), '42'], [t('kit.left_out'), null]),
    longText(`{"message": "${'Kronika '.repeat(40)}"}`),
    el('p', null, el('del', null, t('kit.before')), ' ', el('ins', null, t('kit.after'))),
    el('pre', { class: 'code', tabIndex: 0 }, '{\n  "event_type": "label.created"\n}'),
    tabs(t('kit.tabs'), [{ id: 'one', label: t('kit.first'), count: 3, show: (panel) => panel.append(t('kit.first')) }, { id: 'two', label: t('kit.second'), show: (panel) => panel.append(t('kit.second')) }], 'one'),
  );
}

export function states() {
  const refused = new Problem(400, { title: t('kit.refused'), detail: t('kit.refusal'), code: 'example', hint: t('kit.hint'), request_id: '01a21d7fba23757a' });
  return el('div', { class: 'kit-states' }, el('div', { class: 'panel' }, el('h3', null, t('kit.waiting')), skeleton(4)), el('div', { class: 'panel' }, empty(t('kit.empty'), t('kit.empty_why'), el('button', null, t('kit.empty_do')))), el('div', { class: 'panel' }, failure(refused, () => toast(t('core.again')))));
}

export function icons() {
  return el('ul', { class: 'kit-icons' }, iconNames.map((name) => el('li', null, icon(name), el('code', { class: 'small' }, name))));
}
