/** Erasing all data of one person or object: preview with counts, start with a reason, progress, and the proof of what is left. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { bytes, number, time } from '../format.js';
import { t } from '../i18n.js';
import { keyNames } from '../jobs/exports.js';
import { confirm } from '../parts/dialog.js';
import { field, form, refusal, select, tick } from '../parts/form.js';
import { facts, figure, progressBar, stateBadge } from '../parts/plain.js';
import { poll } from '../parts/poll.js';
import { empty } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import { part, projectName } from './common.js';

/** @typedef {Record<string, any> & {id: string, stage: string}} Erasure as the API has it */

/** Stages in their order; the last two are ends. */
const STAGES = ['pending', 'places', 'rows', 'log', 'remains', 'files', 'proof', 'done'];
const COLUMNS = ['actor_id', 'actor_email', 'visitor_id', 'client_address', 'session_id', 'object'];

/** @param {Erasure} one */
const moves = (one) => one.stage !== 'done' && one.stage !== 'canceled';

/**
 * @param {HTMLElement} box
 * @returns {import('../routes.js').View}
 */
export function start(box) {
  const state = { shown: '' };
  const listed = el('section', { class: 'stack', 'data-test': 'erasures', 'aria-label': t('admin.erasures') });
  const load = async (/** @type {AbortSignal} */ signal) => {
    const [all, names] = await Promise.all([api.ask('GET', '/erasures', { params: { project: projectName() }, signal, project: '' }), keyNames()]);
    const text = JSON.stringify(all);
    if (text !== state.shown) {
      state.shown = text;
      drawList(listed, all, names, () => watch.now());
    }
    return all.some(moves);
  };
  const watch = poll(load, { quick: 2_000, slow: 20_000 });
  const view = part(box, 'erasure', [], async (region, signal) => {
    state.shown = '';
    fill(region, asking(() => watch.now()), listed);
    await load(signal);
  });
  return { update: view.update, stop: () => (watch.stop(), view.stop?.()) };
}

/** @param {() => void} started */
function asking(started) {
  const column = select(COLUMNS.map((one) => /** @type {[string, string]} */ ([one, one === 'object' ? t('admin.object') : one])), 'actor_id', { 'data-test': 'erase-column' });
  const other = el('input', { type: 'text', placeholder: t('admin.other_column'), 'aria-label': t('admin.other_column'), class: 'mono' });
  const value = el('input', { type: 'text', required: true, autocomplete: 'off', spellcheck: 'false', 'data-test': 'erase-value' });
  const mentions = tick(t('admin.mentions'), { checked: true, hint: t('admin.mentions_hint'), test: 'erase-mentions' });
  const exceptHeld = tick(t('admin.except_held'), { test: 'erase-except-held' });
  const reason = el('input', { type: 'text', 'data-test': 'erase-reason' });
  const outcome = el('div', { class: 'stack', role: 'status' });
  const question = () => {
    const of = other.value.trim() || column.value;
    const what = of === 'object' ? { object: value.value.trim() } : { column: of, value: value.value.trim() };
    return { project: projectName(), ...what, mentions: mentions.input.checked, except_held: exceptHeld.input.checked, reason: reason.value.trim() };
  };
  // A preview is of what was asked for then; another question hides it.
  for (const input of [column, other, value, mentions.input, exceptHeld.input]) input.addEventListener('input', () => fill(outcome));
  const preview = async () => {
    const asked = question();
    const answer = await api.ask('POST', '/erasures/preview', { body: { ...asked, reason: '' }, project: '' });
    fill(outcome, previewed(answer, field(t('admin.reason'), reason, t('admin.erase_reason_hint')), () => void begin(question(), answer, outcome, started)));
  };
  return el(
    'section',
    { class: 'panel stack' },
    el('h2', null, t('admin.erase_new')),
    el('p', { class: 'muted' }, t('admin.erase_what')),
    form({
      fields: [el('div', { class: 'fields' }, field(t('admin.column'), column), field(t('admin.other_column'), other, t('admin.other_column_hint')), field(t('admin.value'), value, t('admin.value_hint'))), mentions.element, exceptHeld.element],
      action: t('admin.preview'),
      onSubmit: preview,
      test: 'erase-form',
    }),
    outcome,
  );
}

/**
 * @param {Record<string, any>} answer
 * @param {HTMLElement} reason
 * @param {() => void} begin
 */
function previewed(answer, reason, begin) {
  return el(
    'div',
    { class: 'stack', 'data-test': 'erase-preview' },
    el('div', { class: 'equation' }, figure(t('admin.removed'), answer.rows, { tone: Number(answer.rows) > 0 ? 'bad' : '', test: 'preview-rows' }), figure(t('admin.blanked'), answer.mentions), figure(t('admin.held_rows'), answer.held, { tone: Number(answer.held) > 0 ? 'warn' : '' }), figure(t('admin.files_rewritten'), answer.files)),
    Number(answer.held) > 0 && el('p', { class: 'row' }, icon('pin'), t('admin.held_rows_what')),
    facts([t('admin.hash'), el('code', { class: 'break small' }, answer.value_hash)]),
    reason,
    el('div', { class: 'dialog-foot' }, el('button', { class: 'danger', 'data-test': 'erase-start', on: { click: begin } }, t('admin.erase_start'))),
  );
}

/**
 * @param {Record<string, any>} body
 * @param {Record<string, any>} answer
 * @param {HTMLElement} outcome
 * @param {() => void} started
 */
async function begin(body, answer, outcome, started) {
  if (!body.reason) {
    toast(t('admin.erase_reason_missing'), 'warning');
    return;
  }
  const text = el('p', null, t('admin.erase_sure', { n: Number(answer.rows), name: body.project }));
  if (!(await confirm({ title: t('admin.erase_start'), text, action: t('admin.erase_start'), danger: true, word: body.project }))) return;
  try {
    await api.ask('POST', '/erasures', { body, project: '' });
    fill(outcome);
    started();
  } catch (error) {
    fill(outcome, el('div', { role: 'alert' }, refusal(error)));
  }
}

/**
 * @param {HTMLElement} box
 * @param {Erasure[]} all
 * @param {Map<string, string>} names of keys
 * @param {() => void} again
 */
function drawList(box, all, names, again) {
  const open = new Set([...box.querySelectorAll('details[open]')].map((one) => one.closest('[data-id]')?.getAttribute('data-id')));
  fill(box, el('h2', null, t('admin.erasures')), all.length === 0 ? empty(t('admin.no_erasures')) : all.map((one) => card(one, names, open.has(one.id), again)));
}

/**
 * @param {Erasure} one
 * @param {Map<string, string>} names
 * @param {boolean} open
 * @param {() => void} again
 */
function card(one, names, open, again) {
  const at = STAGES.indexOf(one.stage);
  const state = one.stage === 'done' ? 'done' : one.stage === 'canceled' ? 'canceled' : 'in_progress';
  const cancel = el('button', { 'data-test': 'erase-cancel', on: { click: () => void stop(one, again) } }, icon('stop'), t('core.cancel'));
  const details = el('details', { open }, el('summary', null, t('admin.erase_details')), counts(one));
  return el(
    'article',
    { class: 'panel stack tight', 'data-test': 'erasure-card', data: { id: one.id, stage: one.stage } },
    el('div', { class: 'row wrap' }, stateBadge(state, t(`admin.stage_${one.stage}`)), el('strong', null, one.column === 'object' ? t('admin.object') : one.column), el('span', { class: 'grow break' }, one.reason), moves(one) && cancel),
    moves(one) && progressBar(Math.max(0, at) / (STAGES.length - 1), t('admin.erase_progress')),
    one.problem && el('p', { class: 'row field-error' }, icon('warning'), one.problem),
    el('div', { class: 'small muted' }, `${time(one.at, { fraction: false })} · ${names.get(one.by) ?? one.by}`, one.ended_at && ` · ${t('admin.ended', { time: time(one.ended_at, { fraction: false }) })}`),
    proof(one.proof),
    details,
  );
}

/** @param {Record<string, any> | null | undefined} of */
function proof(of) {
  if (!of) return null;
  const clean = (of.found_in ?? []).length === 0 && Number(of.rows_left) === 0;
  return el(
    'div',
    { class: 'stack tight', 'data-test': 'proof' },
    el('p', { class: 'row' }, clean ? el('span', { class: 'badge good' }, icon('check'), t('admin.proof_clean')) : el('span', { class: 'badge warn' }, icon('warning'), t('admin.proof_left', { n: Number(of.rows_left) })), el('span', { class: 'small muted' }, t('admin.proof_read', { files: number(of.files_read), others: number(of.bytes_files), size: bytes(of.bytes_read) }))),
    (of.found_in ?? []).length > 0 && el('ul', { class: 'small' }, of.found_in.map((/** @type {string} */ where) => el('li', { class: 'break' }, where))),
  );
}

/** @param {Erasure} one */
function counts(one) {
  const all = Object.entries(one.counts ?? {}).filter(([, count]) => Number(count) > 0);
  return facts([t('admin.id'), el('code', { class: 'break' }, one.id)], [t('admin.hash'), el('code', { class: 'break small' }, one.value_hash)], ...all.map(([name, count]) => /** @type {[string, string]} */ ([t(`admin.erased_${name}`), number(/** @type {number} */ (count))])));
}

/**
 * @param {Erasure} one
 * @param {() => void} again
 */
async function stop(one, again) {
  if (!(await confirm({ title: t('admin.erase_cancel'), text: el('p', null, t('admin.erase_cancel_sure')), action: t('admin.erase_cancel'), danger: true }))) return;
  try {
    await api.ask('DELETE', `/erasures/${one.id}`, { project: '' });
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), 'failure');
  }
  again();
}
