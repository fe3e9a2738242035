/**
 * The try-it editor: a mapping, a sample, and what each line of it becomes. What was changed is compared with the mapping in force.
 *
 * The API tries mappings that it has. A changed text is therefore stored under a name of its own, tried, and removed at once; only
 * administrators can do that.
 */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { confirm } from '../parts/dialog.js';
import { field, refusal } from '../parts/form.js';
import { toast } from '../parts/toast.js';
import { why } from '../parts/states.js';
import { may } from '../session.js';
import * as url from '../url.js';
import { drawTrial } from './rows.js';
import { isDocument, rows, wrongLine } from './trial.js';

/** Longest sample that the address keeps. */
const KEPT = 1_500;
const NEW = 'title = ""\nsource = ""\n\n[columns]\nevent_id = "id"\nevent_time = "time"\nmodule = { constant = "" }\nevent_type = "type"\nmessage = "message"\n';

/**
 * @typedef {object} Editor
 * @property {string} name '' of a new one
 * @property {string} stored the text in force
 * @property {HTMLTextAreaElement} text
 * @property {HTMLTextAreaElement} sample
 * @property {HTMLInputElement | null} given the name of a new one
 * @property {HTMLElement} wrong
 * @property {HTMLElement} outcome
 */

/**
 * @param {HTMLElement} region
 * @param {string} name
 * @param {URLSearchParams} params
 * @param {AbortSignal} signal
 */
export async function openEditor(region, name, params, signal) {
  const [stored, sample, known] = await Promise.all([
    name ? api.send('GET', `/mappings/${encodeURIComponent(name)}`, { signal }).then((answer) => answer.text()) : '',
    params.get('sample') ?? letterText(params.get('from'), signal),
    api.get('/mappings', undefined, signal),
  ]);
  const isOwn = known.some((/** @type {{name: string, origin: string}} */ one) => one.name === name && one.origin === 'user');
  const canWrite = may('admin');
  /** @type {Editor} */
  const editor = {
    name,
    stored,
    text: el('textarea', { class: 'mono mapping-text', spellcheck: 'false', value: stored || NEW, rows: 22, 'data-test': 'mapping-text' }),
    sample: el('textarea', { class: 'mono sample-text', spellcheck: 'false', value: sample, rows: 22, placeholder: '{"id": 1, "time": "2026-03-01T10:00:00Z"}', 'data-test': 'sample-text' }),
    given: name ? null : el('input', { type: 'text', pattern: '[a-z0-9][a-z0-9_\\-]*', required: true, placeholder: 'shop', 'data-test': 'mapping-name' }),
    wrong: el('div', { role: 'alert', 'data-test': 'mapping-wrong' }),
    outcome: el('div', { class: 'stack', role: 'status', 'aria-label': t('ingest.outcome'), 'data-test': 'trial' }),
  };
  const run = () => void guarded(editor, () => attempt(editor));
  for (const area of [editor.text, editor.sample]) area.addEventListener('keydown', (event) => event.key === 'Enter' && (event.ctrlKey || event.metaKey) && (event.preventDefault(), run()));
  fill(
    region,
    el(
      'div',
      { class: 'section-head' },
      el('a', { class: 'button quiet', href: url.link('/ingest/mappings') }, icon('left'), t('ingest.all_mappings')),
      name ? el('h2', null, name) : el('label', { class: 'inline grow' }, t('ingest.name'), editor.given),
      el('button', { class: 'primary', 'data-test': 'mapping-try', title: 'Ctrl+Enter', on: { click: run } }, icon('play'), t('ingest.try')),
      canWrite && el('button', { 'data-test': 'mapping-save', on: { click: () => void guarded(editor, () => save(editor)) } }, t('core.save')),
      canWrite && isOwn && el('button', { class: 'quiet square', 'aria-label': t('ingest.mapping_remove'), title: t('ingest.mapping_remove'), 'data-test': 'mapping-delete', on: { click: () => void guarded(editor, () => remove(editor)) } }, icon('trash')),
    ),
    el('div', { class: 'two-texts' }, field(t('ingest.mapping'), editor.text, canWrite ? t('ingest.mapping_hint') : t('ingest.mapping_read_only')), field(t('ingest.sample'), editor.sample, t('ingest.sample_hint'))),
    editor.wrong,
    editor.outcome,
  );
  if (sample) run();
}

/**
 * The text of a rejected line, to begin with.
 * @param {string | null} id
 * @param {AbortSignal} signal
 */
async function letterText(id, signal) {
  if (!id) return '';
  const batch = id.slice(0, id.lastIndexOf('.'));
  const { letters } = await api.get('/ingest/dead-letters', { batch, limit: 1000 }, signal);
  return letters.find((/** @type {{id: string}} */ one) => one.id === id)?.text ?? '';
}

/**
 * Runs what may be refused; a refusal stands below the texts, with the line that it is about.
 * @param {Editor} editor
 * @param {() => Promise<void>} work
 */
async function guarded(editor, work) {
  fill(editor.wrong);
  try {
    await work();
  } catch (error) {
    const line = error instanceof api.Problem && error.code === 'invalid_mapping' ? wrongLine(editor.text.value, error.message) : null;
    const text = line ? editor.text.value.split('\n')[line - 1] : null;
    fill(editor.wrong, el('div', { class: 'panel wrong' }, refusal(error), text != null && el('p', { class: 'row wrap' }, el('button', { class: 'link', on: { click: () => toLine(editor.text, line ?? 1) } }, t('ingest.to_line', { line: line ?? 1 })), el('code', { class: 'break' }, text))));
  }
}

/**
 * Marks a line and brings it into sight.
 * @param {HTMLTextAreaElement} area
 * @param {number} line from 1
 */
function toLine(area, line) {
  const lines = area.value.split('\n');
  const from = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  area.focus();
  area.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
  area.scrollTop = Math.max(0, (area.scrollHeight / lines.length) * (line - 4));
}

/** @param {Editor} editor */
async function attempt(editor) {
  const sample = editor.sample.value;
  if (sample.trim() === '') return fill(editor.outcome, el('p', { class: 'muted' }, t('ingest.no_sample')));
  url.adjust({ sample: sample.length <= KEPT ? sample : null });
  editor.outcome.setAttribute('aria-busy', 'true');
  try {
    const changed = editor.text.value !== editor.stored;
    const before = editor.name ? await tried(editor.name, sample) : null;
    const now = changed ? await triedText(editor.text.value, sample) : before;
    if (now) drawTrial(editor.outcome, rows(sample, now, changed ? before : null), changed && before !== null);
  } finally {
    editor.outcome.removeAttribute('aria-busy');
  }
  return undefined;
}

/**
 * @param {string} name
 * @param {string} sample
 * @returns {Promise<import('./trial.js').Trial>}
 */
function tried(name, sample) {
  return api.post(`/mappings/${encodeURIComponent(name)}/test`, sample, { headers: { 'Content-Type': isDocument(sample) ? 'application/json' : 'application/x-ndjson' } });
}

/**
 * Tries a text that is not stored.
 * @param {string} mapping
 * @param {string} sample
 * @returns {Promise<import('./trial.js').Trial>}
 */
const triedText = (mapping, sample) => api.post('/mapping-trials', { mapping, sample, format: isDocument(sample) ? 'json' : 'ndjson' });

/**
 * @param {string} name
 * @param {string} text
 */
function putText(name, text) {
  return api.put(`/mappings/${encodeURIComponent(name)}`, text, { headers: { 'Content-Type': 'application/toml' } });
}

/** @param {Editor} editor */
async function save(editor) {
  if (editor.given && !editor.given.reportValidity()) return;
  const name = editor.name || (editor.given?.value.trim() ?? '');
  await putText(name, editor.text.value);
  editor.stored = editor.text.value;
  toast(t('ingest.mapping_saved', { name }), 'success');
  if (!editor.name) url.go(url.link(`/ingest/mappings/${encodeURIComponent(name)}`, { sample: url.here().params.get('sample') }));
}

/** @param {Editor} editor */
async function remove(editor) {
  const sure = await confirm({ title: t('ingest.mapping_remove'), text: el('p', null, t('ingest.mapping_remove_sure', { name: editor.name })), action: t('core.delete'), danger: true });
  if (!sure) return;
  try {
    await api.del(`/mappings/${encodeURIComponent(editor.name)}`);
  } catch (error) {
    return toast(why(error), 'failure');
  }
  url.go(url.link('/ingest/mappings'));
}
