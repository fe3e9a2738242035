/** Keys: who may do what; making, rotating and revoking them. A secret is shown once. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ago, day, time } from '../format.js';
import { t } from '../i18n.js';
import { copyButton } from '../parts/copy.js';
import { confirm, openDialog } from '../parts/dialog.js';
import { field, tick } from '../parts/form.js';
import { menuButton } from '../parts/menu.js';
import { stateBadge, table } from '../parts/plain.js';
import { why } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import { may, session } from '../session.js';
import * as url from '../url.js';
import { dialogForm, part, quotaFields, quotaText } from './common.js';
import { createKey } from './newkey.js';

/** @typedef {Record<string, any> & {id: string, name: string, state: string}} Key as the API has it */

/** @param {HTMLElement} box */
export function start(box) {
  return part(box, 'keys', ['ended', 'here'], async (region, signal, again) => {
    const all = await api.ask('GET', '/keys', { signal, project: '' });
    draw(region, all, again);
  });
}

/** @param {Key} one */
const ended = (one) => one.state === 'revoked' || one.state === 'expired';

/**
 * @param {HTMLElement} region
 * @param {Key[]} all
 * @param {() => void} again
 */
function draw(region, all, again) {
  const { params } = url.here();
  const too = tick(t('admin.ended_too', { n: all.filter(ended).length }), { checked: params.get('ended') === '1', test: 'keys-ended' });
  too.input.addEventListener('change', () => url.change({ ended: too.input.checked ? '1' : null }));
  const here = tick(t('admin.this_project'), { checked: params.get('here') === '1', test: 'keys-here' });
  here.input.addEventListener('change', () => url.change({ here: here.input.checked ? '1' : null }));
  const shown = all.filter((one) => (params.get('ended') === '1' || !ended(one)) && (params.get('here') !== '1' || one.project === api.project()));
  fill(
    region,
    el('div', { class: 'section-head' }, el('div', { class: 'row wrap grow' }, here.element, (params.get('ended') === '1' || all.some(ended)) && too.element), el('button', { class: 'primary', 'data-test': 'key-new', on: { click: () => void createKey((made) => (showSecret(made, false), again())) } }, icon('plus'), t('admin.key_new'))),
    table(t('admin.keys'), columns(again), shown, (one) => ({ 'data-test': 'key', data: { id: one.id, state: one.state } })),
  );
}

/**
 * @param {() => void} again
 * @returns {import('../parts/plain.js').Column<Key>[]}
 */
function columns(again) {
  return [
    { title: t('admin.state'), cell: (one) => stateBadge(one.state, t(`admin.key_${one.state}`)) },
    { title: t('admin.key'), class: 'key-name', cell: (one) => [el('strong', null, one.name), one.id === session().key.id && el('span', { class: 'muted small' }, ` · ${t('admin.yours')}`), el('div', { class: 'small muted' }, el('code', null, one.id))] },
    { title: t('admin.scopes'), cell: (one) => el('div', { class: 'row wrap tags' }, one.scopes.map((/** @type {string} */ scope) => el('span', { class: ['badge', scope === 'admin' && 'warn'], title: t(`admin.scope_${scope.replaceAll('-', '_')}`) }, scope))) },
    { title: t('core.project'), cell: (one) => one.project ?? el('span', { class: 'muted' }, t('admin.every_project')) },
    { title: t('admin.limits'), class: 'key-limits', cell: limits },
    { title: t('admin.last_used'), class: 'nowrap', cell: (one) => (one.last_used_at ? el('time', { datetime: one.last_used_at, title: time(one.last_used_at) }, ago(one.last_used_at)) : el('span', { class: 'muted' }, t('admin.never'))) },
    { title: t('admin.expires'), class: 'nowrap', cell: (one) => (one.revoked_at ? el('time', { datetime: one.revoked_at, title: time(one.revoked_at) }, t('admin.revoked_when', { when: ago(one.revoked_at) })) : one.expires_at ? el('time', { datetime: one.expires_at, title: `${time(one.expires_at)} · ${ago(one.expires_at)}` }, day(one.expires_at)) : t('admin.never')) },
    { title: t('admin.actions'), quiet: true, cell: (one) => !ended(one) && el('div', { class: 'actions' }, menuButton({ label: t('admin.actions_of', { name: one.name }), icon: 'more', class: 'quiet square' }, () => actions(one, again))) },
  ];
}

/** @param {Key} one */
function limits(one) {
  const restrictions = Object.entries(one.restrictions ?? {}).filter(([, value]) => value != null && value !== false && !(Array.isArray(value) && value.length === 0));
  return [
    restrictions.map(([name, value]) => el('div', { class: 'small break' }, el('span', { class: 'muted' }, `${t(`admin.only_${name}`)}${value === true ? '' : ': '}`), value === true ? '' : Array.isArray(value) ? value.join(', ') : String(value))),
    quotaText(one.quota).map((text) => el('div', { class: 'small' }, text)),
    one.source && el('div', { class: 'small' }, el('span', { class: 'muted' }, `${t('admin.source')}: `), one.source),
    one.mapping && el('div', { class: 'small' }, el('span', { class: 'muted' }, `${t('admin.mapping')}: `), one.mapping),
    one.previous_secret_until && el('div', { class: 'small' }, t('admin.previous_until', { time: time(one.previous_secret_until, { fraction: false }) })),
  ].flat();
}

/**
 * @param {Key} one
 * @param {() => void} again
 * @returns {(import('../parts/menu.js').Item | 'line')[]}
 */
function actions(one, again) {
  return [
    { label: t('admin.rotate'), icon: 'refresh', run: () => rotate(one, again) },
    { label: t('admin.quota'), icon: 'edit', run: () => quota(one, again) },
    ...(may('audit-read') ? [{ label: t('admin.its_audit'), icon: /** @type {const} */ ('journal'), href: url.link('/', { project: '_audit', actor_id: one.id, period: 'last_7d' }) }] : []),
    'line',
    { label: t('admin.revoke'), icon: 'trash', danger: true, run: () => void revoke(one, again) },
  ];
}

/**
 * @param {Key} one
 * @param {() => void} again
 */
function rotate(one, again) {
  const overlap = el('input', { type: 'text', placeholder: '24h', 'data-test': 'rotate-overlap' });
  const life = el('input', { type: 'text', placeholder: '365d' });
  dialogForm({
    title: t('admin.rotate_of', { name: one.name }),
    fields: [el('p', null, t('admin.rotate_what')), el('div', { class: 'fields' }, field(t('admin.overlap'), overlap, t('admin.overlap_hint')), field(t('admin.expires_in'), life, t('admin.expires_hint')))],
    action: t('admin.rotate'),
    test: 'rotate-form',
    onSubmit: async () => {
      const made = await api.ask('POST', `/keys/${one.id}/rotate`, { body: { overlap: overlap.value.trim() || undefined, expires_in: life.value.trim() || undefined }, project: '' });
      again();
      showSecret(made, true);
    },
  });
}

/**
 * @param {Key} one
 * @param {() => void} again
 */
function quota(one, again) {
  const parts = quotaFields(one.quota);
  dialogForm({
    title: t('admin.quota_of', { name: one.name }),
    fields: parts.element,
    action: t('core.save'),
    wide: true,
    onSubmit: async () => {
      await api.ask('PUT', `/keys/${one.id}/quota`, { body: parts.read(), project: '' });
      again();
    },
  });
}

/**
 * @param {Key} one
 * @param {() => void} again
 */
async function revoke(one, again) {
  const own = one.id === session().key.id;
  const sure = await confirm({ title: t('admin.revoke'), text: el('p', null, t(own ? 'admin.revoke_own' : 'admin.revoke_sure', { name: one.name })), action: t('admin.revoke'), danger: true, word: own ? one.name : undefined });
  if (!sure) return;
  try {
    await api.ask('DELETE', `/keys/${one.id}`, { project: '' });
    toast(t('admin.revoked', { name: one.name }), 'success');
  } catch (error) {
    toast(why(error), 'failure');
  }
  again();
}

/**
 * The secret of a key, this once.
 * @param {Key & {secret: string}} made
 * @param {boolean} rotated
 */
function showSecret(made, rotated) {
  openDialog(t('admin.secret_of', { name: made.name }), (dialog) => [
    el('p', { class: 'row' }, icon('key'), t('admin.secret_once')),
    el('div', { class: 'row secret' }, el('code', { class: 'break grow', 'data-test': 'key-secret' }, made.secret), copyButton(made.secret, t('admin.copy_secret'))),
    rotated && made.previous_secret_until && el('p', { class: 'muted' }, t('admin.previous_until', { time: time(made.previous_secret_until, { fraction: false }) })),
    el('div', { class: 'dialog-foot' }, el('button', { class: 'primary', on: { click: dialog.close } }, t('admin.kept_it'))),
  ]);
}
