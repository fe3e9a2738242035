/** The menu of saved screens: choose one, save this one, name, share, delete. */

import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { confirm, openDialog } from '../parts/dialog.js';
import { empty, loader, skeleton, why } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import * as saved from '../saved.js';
import { may, session } from '../session.js';
import * as url from '../url.js';
import { read, text, toFilter } from './query.js';
import { forget, isChanged, screenOf, screens, show } from './saved.js';

/** @typedef {import('./saved.js').Screen} Screen */
/** @typedef {{name: string, shared: boolean, default: boolean}} Said */

/** Whether the reader may change a screen. @param {Screen} screen */
const mine = (screen) => !screen.builtin && (screen.owner === session().key.id || may('admin'));

/** What is saved of the screen that is shown. */
function stateOf() {
  const { params } = url.here();
  const query = read(params);
  return { address: screenOf(params), text: text(query), filter: toFilter(query), columns: params.get('columns')?.split(',') ?? null, sort: params.get('sort') };
}

/**
 * @param {Screen | null} open
 * @param {() => void} close
 * @param {() => void} update
 */
export function panel(open, close, update) {
  const region = el('div', { class: 'saved-list' }, skeleton(3));
  const after = async (/** @type {() => Promise<void>} */ work) => {
    close();
    try {
      await work();
      forget();
    } catch (error) {
      toast(why(error), 'failure');
    }
    update();
  };
  const action = (/** @type {string} */ test, /** @type {import('../dom.js').IconName} */ name, /** @type {string} */ label, /** @type {() => Promise<void>} */ run) => el('button', { class: 'quiet row', 'data-test': test, on: { click: () => void after(run) } }, icon(name), label);
  void loader(region).run(async () => {
    const all = await screens();
    fill(region, all.length === 0 ? empty(t('journal.saved.none'), t('journal.saved.none_detail')) : all.map((screen) => entry(screen, open, close)));
  });
  const changed = open != null && isChanged(open);
  return el(
    'div',
    { class: 'stack tight' },
    region,
    el('hr'),
    open && changed && mine(open) && action('saved-update', 'check', t('journal.saved.update', { name: open.name }), () => write(open, open)),
    open && changed && action('saved-back', 'restore', t('journal.saved.revert'), async () => show(open)),
    action('saved-new', 'plus', t('journal.saved.save_as'), saveNew),
    open && mine(open) && action('saved-edit', 'edit', t('journal.saved.edit', { name: open.name }), () => edit(open)),
    open && mine(open) && action('saved-delete', 'trash', t('journal.saved.delete', { name: open.name }), () => remove(open)),
  );
}

/**
 * @param {Screen} screen
 * @param {Screen | null} open
 * @param {() => void} close
 */
function entry(screen, open, close) {
  const notes = [screen.default && t('journal.saved.is_default'), screen.shared && t('journal.saved.is_shared', { name: screen.owner_name ?? '' })].filter(Boolean).join(' · ');
  return el(
    'button',
    { class: 'quiet row saved-entry', 'aria-pressed': String(screen.id === open?.id), 'data-test': 'saved-entry', on: { click: () => (close(), show(screen)) } },
    icon(screen.default ? 'pin' : 'star'),
    el('span', { class: 'grow break' }, screen.name),
    notes && el('span', { class: 'muted small' }, notes),
  );
}

/**
 * Changes a screen; refused where somebody else changed it in between.
 * @param {Screen} screen
 * @param {Said} said
 * @param {Record<string, any>} [state] the screen as it is shown, if not another one
 */
async function write(screen, said, state = stateOf()) {
  const { etag } = await saved.read(screen.id);
  await saved.replace(screen.id, { kind: 'journal', name: said.name, state, shared: said.shared, default: said.default }, etag);
  toast(t('journal.saved.saved', { name: said.name }), 'success');
}

async function saveNew() {
  const said = await ask(t('journal.saved.save_as'), { name: text(read(url.here().params)).slice(0, 80), shared: false, default: false });
  if (!said) return;
  const made = await saved.create({ kind: 'journal', state: stateOf(), ...said });
  forget();
  url.change({ view: made.id });
  toast(t('journal.saved.saved', { name: said.name }), 'success');
}

/** @param {Screen} screen */
async function edit(screen) {
  const said = await ask(t('journal.saved.edit', { name: screen.name }), screen);
  if (!said) return;
  await write(screen, said, screen.state);
  Object.assign(screen, said);
}

/** @param {Screen} screen */
async function remove(screen) {
  const yes = await confirm({ title: t('journal.saved.delete', { name: screen.name }), text: t(screen.shared ? 'journal.saved.delete_shared' : 'journal.saved.delete_own'), action: t('core.delete'), danger: true });
  if (!yes) return;
  await saved.remove(screen.id);
  forget();
  url.change({ view: null });
}

/**
 * Asks for a name, who sees it, and whether it is shown first.
 * @param {string} title
 * @param {Said} now
 * @returns {Promise<Said | null>}
 */
function ask(title, now) {
  return new Promise((resolve) => {
    /** @type {Said | null} */
    let said = null;
    openDialog(
      title,
      (dialog) => {
        const name = el('input', { type: 'text', value: now.name, required: true, maxlength: 200, autofocus: true, 'data-test': 'saved-name' });
        const shared = el('input', { type: 'checkbox', checked: now.shared, disabled: session().restricted, 'data-test': 'saved-shared' });
        const first = el('input', { type: 'checkbox', checked: now.default, 'data-test': 'saved-default' });
        const submit = (/** @type {Event} */ event) => {
          event.preventDefault();
          said = { name: name.value.trim(), shared: shared.checked, default: first.checked };
          if (said.name) dialog.close();
          else said = null;
        };
        return el(
          'form',
          { class: 'stack', on: { submit } },
          el('label', null, t('journal.saved.name'), name),
          el('label', { class: 'check' }, shared, t('journal.saved.share')),
          el('label', { class: 'check' }, first, t('journal.saved.make_default')),
          el('footer', { class: 'dialog-foot' }, el('button', { type: 'button', on: { click: dialog.close } }, t('core.cancel')), el('button', { class: 'primary', 'data-test': 'saved-save' }, t('core.save'))),
        );
      },
      { onClose: () => resolve(said) },
    );
  });
}
