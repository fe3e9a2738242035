/**
 * Saved screens: a name for what the address says. The open one is named in the address (`view=`); what was changed since is told,
 * and can be saved or taken back. A screen is kept by the server, for its key or for all of the project.
 */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { confirm, openDialog } from '../parts/dialog.js';
import { popover } from '../parts/menu.js';
import { empty, loader, skeleton, told } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import { may, session } from '../session.js';
import * as url from '../url.js';
import { read, text, toFilter } from './query.js';

/**
 * @typedef {object} Screen
 * @property {string} id
 * @property {string} name
 * @property {{address?: string}} state
 * @property {boolean} shared
 * @property {boolean} default
 * @property {boolean} [builtin]
 * @property {string} owner
 * @property {string} owner_name
 */
/** @typedef {{name: string, shared: boolean, default: boolean}} Said */
/** @typedef {{element: HTMLElement, update: () => void}} Saved */

/** Parameters that are no part of a screen: whose it is, what is open for a moment. */
const PASSING = ['project', 'tz', 'view', 'event', 'tab', 'live', 'find', 'lang', 'theme', 'embed', 'cursor'];

/**
 * The part of an address that makes a screen, in one order.
 * @param {URLSearchParams} params
 */
export function screenOf(params) {
  const kept = new URLSearchParams([...params].filter(([key]) => !PASSING.includes(key)));
  const sorted = [...new Set(kept.keys())].sort().flatMap((key) => kept.getAll(key).map((value) => [key, value]));
  return url.queryText(new URLSearchParams(sorted));
}

/** Screens of the project, asked when they are needed first. @type {{of: string | null, task: Promise<Screen[]> | null}} */
const cache = { of: null, task: null };

/** @returns {Promise<Screen[]>} */
function screens() {
  if (!cache.task || cache.of !== api.project()) {
    cache.of = api.project();
    const task = api.get('/views', { kind: 'journal' }).then((answer) => /** @type {Screen[]} */ (Array.isArray(answer) ? answer : answer.views));
    task.catch(() => (cache.task = null));
    cache.task = task;
  }
  return cache.task;
}

/** @returns {Saved} */
export function savedScreens() {
  /** @type {Screen | null} */
  let open = null;
  const button = el('button', { class: 'quiet saved-button', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', 'data-test': 'saved' });
  const revert = el('button', { class: 'quiet square', hidden: true, 'aria-label': t('journal.saved.revert'), title: t('journal.saved.revert'), 'data-test': 'saved-revert', on: { click: () => open && show(open) } }, icon('restore'));
  button.addEventListener('click', () => popover(button, (close) => panel(open, close, update), { label: t('journal.saved.title'), class: 'saved-panel' }));
  const draw = () => {
    const changed = open != null && isChanged(open);
    const name = open?.name ?? '';
    button.setAttribute('aria-label', open ? `${t('journal.saved.title')}: ${name}${changed ? `, ${t('journal.saved.changed')}` : ''}` : t('journal.saved.title'));
    button.title = open ? name : t('journal.saved.title');
    button.classList.toggle('square', !open);
    fill(button, icon('star'), open && el('span', { class: 'saved-name cut' }, name), changed && el('span', { class: 'badge warn' }, t('journal.saved.changed')));
    revert.hidden = !changed;
  };
  async function update() {
    const id = url.here().params.get('view');
    if (!id) open = null;
    else if (open?.id !== id) open = (await screens().catch(() => [])).find((one) => one.id === id) ?? null;
    draw();
  }
  draw();
  void begin();
  return { element: el('span', { class: 'row saved' }, button, revert), update: () => void update() };
}

/** @param {Screen} screen */
const isChanged = (screen) => screenOf(url.here().params) !== screenOf(new URLSearchParams(screen.state.address ?? ''));

/** Where nothing is asked yet, the reader's default screen. */
async function begin() {
  const { path, params } = url.here();
  if (path !== '/' || screenOf(params) !== '' || params.has('view')) return;
  const chosen = (await screens().catch(() => [])).find((one) => one.default);
  if (chosen && url.here().path === '/' && screenOf(url.here().params) === '' && !url.here().params.has('view')) show(chosen, true);
}

/**
 * Shows a screen as it was saved.
 * @param {Screen} screen
 * @param {boolean} [quietly] without an entry of the history
 */
function show(screen, quietly = false) {
  /** @type {Record<string, string | string[] | null>} */
  const changes = { view: screen.id, event: null, cursor: null };
  for (const key of url.here().params.keys()) if (!PASSING.includes(key)) changes[key] = null;
  const wanted = new URLSearchParams(screen.state.address ?? '');
  for (const key of wanted.keys()) if (!PASSING.includes(key)) changes[key] = wanted.getAll(key);
  url.change(changes, { replace: quietly });
}

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
function panel(open, close, update) {
  const region = el('div', { class: 'saved-list' }, skeleton(3));
  const after = async (/** @type {() => Promise<void>} */ work) => {
    close();
    try {
      await work();
      cache.task = null;
    } catch (error) {
      toast(told(error), 'failure');
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
 * @param {unknown} [state] the screen as it is shown, if not another one
 */
async function write(screen, said, state = stateOf()) {
  const answer = await api.send('GET', `/views/${encodeURIComponent(screen.id)}`);
  const tag = answer.headers.get('ETag');
  await api.put(`/views/${encodeURIComponent(screen.id)}`, { kind: 'journal', name: said.name, state, shared: said.shared, default: said.default }, tag ? { headers: { 'If-Match': tag } } : {});
  toast(t('journal.saved.saved', { name: said.name }), 'success');
}

async function saveNew() {
  const said = await ask(t('journal.saved.save_as'), { name: text(read(url.here().params)).slice(0, 80), shared: false, default: false });
  if (!said) return;
  const made = await api.post('/views', { kind: 'journal', state: stateOf(), ...said });
  cache.task = null;
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
  await api.del(`/views/${encodeURIComponent(screen.id)}`);
  cache.task = null;
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
