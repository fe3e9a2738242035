/** The SQL console: an editor or the form of a named query, the answer under it, and beside it what can be asked. */

import { Problem, project, send } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { time, zone } from '../format.js';
import { load, t } from '../i18n.js';
import { shortcut } from '../keys.js';
import { editor as codeEditor } from '../parts/editor.js';
import { prepare } from '../parts/grid.js';
import { menuButton } from '../parts/menu.js';
import { empty, failure, loader } from '../parts/states.js';
import { timePicker } from '../parts/timepicker.js';
import { toast } from '../parts/toast.js';
import { between } from '../period.js';
import { style } from '../routes.js';
import * as saved from '../saved.js';
import { readAnswer } from '../sql/answer.js';
import { complete } from '../sql/complete.js';
import { openExport } from '../sql/exporting.js';
import { remember } from '../sql/history.js';
import { layout } from '../sql/layout.js';
import { library } from '../sql/library.js';
import { hasRange, namedForm, namedQueries } from '../sql/named.js';
import { boundsOf, chosen, fits, openParameters, periodOf, statementParams, valuesOf } from '../sql/place.js';
import { resultRegion } from '../sql/result.js';
import { openSave } from '../sql/saving.js';
import { placeOf, statementAt, statements, tokens } from '../sql/tokens.js';
import * as url from '../url.js';

/** @typedef {import('../url.js').Place} Place */

/** What stands in the editor at first. */
const EXAMPLE = `SELECT module, count(*) AS events, count(*) FILTER (WHERE outcome = 'failure') AS failures
FROM events
WHERE event_time >= $from AND event_time < $to
GROUP BY module
ORDER BY events DESC`;

/**
 * @param {HTMLElement} outlet
 * @param {Place} place
 * @returns {Promise<import('../routes.js').View>}
 */
export async function start(outlet, place) {
  await Promise.all([prepare(), load('chart'), load('editor'), style('chart'), style('editor')]);
  const view = console_(outlet);
  view.update(place);
  return view;
}

/** @param {HTMLElement} outlet */
function console_(outlet) {
  /** @type {{ran: string | null, base: string | null, saved: saved.Saved | null, etag: string | null, named: string | null, start: number, ignored: string, turn: number}} */
  const state = { ran: null, base: null, saved: null, etag: null, named: null, start: 0, ignored: '', turn: 0 };
  const draftName = () => `kronika.sql.draft.${project() ?? ''}`;
  let drafting = 0;

  const code = codeEditor({
    label: t('sql.editor'),
    colour: tokens,
    suggest: complete,
    onRun: run,
    onChange() {
      clearTimeout(drafting);
      drafting = setTimeout(keepDraft, 300);
      tell();
    },
    onMove: tell,
  });
  const result = resultRegion({
    onChange: (changes) => url.change(changes),
    onBrush: (from, to) => choosePeriod(between(from, to)),
    onStop: stop,
    onExport: (what, answer) => openExport({ sql: what.sql, params: what.params, rows: answer.rows.length, complete: !answer.more && !answer.truncated, columns: answer.schema.map((column) => column.name) }),
  });
  const running = loader(result.element);
  const side = library({
    tab: localStorage.getItem('kronika.sql.library') ?? 'queries',
    onTab: (tab) => localStorage.setItem('kronika.sql.library', tab),
    onNamed: (name) => open({ query: name }),
    onSaved: (one) => open({ view: one.id }),
    onRename: (one) => openSave({ sql: one.state.sql, one, onSaved: (now) => (now.id === state.saved?.id && (state.saved = now), side.refresh('saved'), tell()) }),
    onHistory: (sql) => (leaveNamed(), code.replace(sql), code.area.focus()),
    onInsert: (text) => (leaveNamed(), code.insert(text)),
  });

  const name = el('span', { class: 'sql-name' });
  const where = el('span', { class: 'muted small', 'aria-live': 'polite' });
  const picker = timePicker({ value: periodOf(url.here().params).period, onChange: choosePeriod });
  const fields = el('div', { class: 'sql-fields' });
  const bar = el(
    'div',
    { class: 'sql-bar row wrap' },
    el('button', { class: 'primary', 'data-test': 'run', title: `${t('sql.run')} (Ctrl+Enter)`, on: { click: run } }, icon('play'), t('sql.run')),
    el('button', { 'data-test': 'format', on: { click: () => code.replace(layout(code.value)) } }, t('sql.format')),
    el('button', { 'data-test': 'save', on: { click: save } }, icon('star'), t('core.save')),
    menuButton({ label: t('core.more'), icon: 'more', class: 'quiet square' }, () => [
      { label: t('sql.save_as'), icon: 'plus', run: saveAs },
      { label: t('sql.revert'), icon: 'restore', disabled: !state.saved || code.value === state.saved.state.sql, run: () => state.saved && code.replace(state.saved.state.sql) },
      { label: t('sql.new'), icon: 'edit', run: () => open({}) },
    ]),
    picker.element,
    el('span', { class: 'grow' }),
    where,
  );
  const top = el('div', { class: 'sql-top' });
  const writing = el('div', { class: 'stack tight' }, code.element, fields, bar);
  const toggle = el('button', { 'aria-expanded': 'false', class: 'sql-toggle', on: { click: () => showSide(!page.classList.contains('with-side')) } }, icon('menu'), t('sql.library'));
  const page = el('div', { class: 'sql page' }, el('div', { class: 'page-head' }, el('h1', null, t('nav.sql'), name), toggle), el('div', { class: 'sql-parts' }, el('aside', { class: 'sql-side', 'aria-label': t('sql.library') }, side.element), el('div', { class: 'sql-main' }, top, result.element)));
  fill(outlet, page);

  /** @param {boolean} on */
  function showSide(on) {
    page.classList.toggle('with-side', on);
    toggle.setAttribute('aria-expanded', String(on));
  }

  /** Another text: a query, something saved, or nothing. @param {Record<string, string>} params */
  function open(params) {
    showSide(false);
    localStorage.removeItem(draftName());
    const { params: now } = url.here();
    const kept = Object.fromEntries(['period', 'from', 'to'].map((key) => [key, now.get(key)]));
    if (Object.keys(params).length === 0) state.base = null;
    url.go(url.link('/sql', { ...kept, ...params }));
  }

  function leaveNamed() {
    if (!state.named) return;
    url.change({ query: null, tab: null, ...Object.fromEntries(Object.keys(valuesOf(url.here().params)).map((key) => [`p.${key}`, null])) });
  }

  function keepDraft() {
    clearTimeout(drafting);
    if (state.named) return;
    if (code.value === (state.base ?? EXAMPLE)) localStorage.removeItem(draftName());
    else localStorage.setItem(draftName(), JSON.stringify({ base: state.base, text: code.value }));
  }

  /** Which statement runs, which parameters it has, whether it was changed since it was saved. */
  function tell() {
    const all = statements(code.value);
    const at = statementAt(all, code.selection().start);
    const { start: from, end: to } = code.selection();
    where.textContent = from !== to ? t('sql.selected', { n: to - from }) : all.length > 1 ? t('sql.statement_of', { at: at + 1, n: all.length }) : '';
    code.mark(all.length > 1 && all[at] ? all[at] : null);
    const { range, others } = openParameters(all[at]?.text ?? '');
    picker.element.hidden = !range;
    drawFields(others);
    const one = state.saved;
    fill(name, one && [' · ', one.name, code.value !== one.state.sql && el('span', { class: 'badge note' }, t('sql.changed'))]);
  }

  let drawn = '';
  /** @param {string[]} names */
  function drawFields(names) {
    if (names.join(' ') === drawn) return;
    drawn = names.join(' ');
    const values = valuesOf(url.here().params);
    fill(fields, names.map((one) => el('label', { class: 'inline' }, el('span', { class: 'mono' }, `$${one}`), el('input', { type: 'text', name: one, value: values[one] ?? '', placeholder: 'null', spellcheck: 'false', autocomplete: 'off', on: { keydown: (/** @type {KeyboardEvent} */ event) => event.key === 'Enter' && run() } }))));
  }

  /** @param {import('../period.js').Period} period */
  function choosePeriod({ period, from, to }) {
    // What was typed meanwhile runs with it.
    if (state.named) url.change({ period: period ?? null, from: from ?? null, to: to ?? null });
    else go({ period: period ?? null, from: from ?? null, to: to ?? null });
  }

  function run() {
    void go({});
  }

  /**
   * Writes what the editor holds into the address, which runs it; what is there already runs again.
   * @param {Record<string, string | null>} more
   */
  async function go(more) {
    code.close();
    const text = code.value;
    const { start: from, end: to } = code.selection();
    const isPart = to > from && text.slice(from, to).trim() !== '';
    const all = statements(text);
    if (all.length === 0) return code.area.focus();
    const at = statementAt(all, from) + 1;
    /** @type {Record<string, string | null>} */
    const changes = { at: all.length > 1 && !isPart ? String(at) : null, part: isPart ? `${from}-${to}` : null, query: null, sort: null, ...more };
    for (const input of fields.querySelectorAll('input')) changes[`p.${input.name}`] = input.value === '' ? null : input.value;
    Object.assign(changes, await textChanges(text));
    localStorage.removeItem(draftName());
    state.ran = null;
    state.base = text;
    const before = state.turn;
    url.change(changes);
    if (state.turn === before) update(url.here());
    return undefined;
  }

  /**
   * The text in the address, or where it is saved.
   * @param {string} text
   * @returns {Promise<Record<string, string | null>>}
   */
  async function textChanges(text) {
    if (state.saved && state.saved.state.sql === text) return { sql: null, view: state.saved.id };
    if (fits(text)) return { sql: text, view: state.saved?.id ?? null };
    // Too long for an address: it is kept with the project, as the reader's own.
    const what = /** @type {const} */ ({ kind: 'sql', name: t('sql.draft_of', { time: time(Date.now(), { fraction: false }) }), state: { sql: text, draft: true } });
    const mine = state.saved?.state.draft && saved.isOwn(state.saved) ? state.saved : null;
    const kept = mine ? await saved.replace(mine.id, { ...what, name: mine.name }, state.etag) : { saved: await saved.create(what), etag: null };
    state.saved = kept.saved;
    state.etag = kept.etag ?? (await saved.read(kept.saved.id)).etag;
    side.refresh('saved');
    return { sql: null, view: kept.saved.id };
  }

  async function save() {
    const one = state.saved;
    if (!one || !saved.isOwn(one) || one.state.draft) return saveAs();
    if (one.state.sql === code.value) return toast(t('sql.saved_already'), 'info');
    const kept = await saved.replace(one.id, { kind: 'sql', name: one.name, state: { ...one.state, sql: code.value }, shared: one.shared }, state.etag);
    return settle(kept.saved, kept.etag);
  }

  function saveAs() {
    openSave({ sql: code.value, onSaved: (one) => void saved.read(one.id).then((read) => settle(read.saved, read.etag)) });
  }

  /** @param {saved.Saved} one @param {string | null} etag */
  function settle(one, etag) {
    Object.assign(state, { saved: one, etag, base: one.state.sql });
    localStorage.removeItem(draftName());
    url.change({ view: one.id, sql: null });
    side.refresh('saved');
    toast(t('sql.saved', { name: one.name }), 'success');
    tell();
  }

  function stop() {
    running.stop();
    result.say(empty(t('sql.stopped'), t('sql.stopped_hint'), el('button', { on: { click: () => ((state.ran = null), update(url.here())) } }, icon('play'), t('sql.run'))));
  }

  /**
   * Runs what the address asks for.
   * @param {import('../sql/result.js').Run} what
   * @param {(signal: AbortSignal) => Promise<Response>} ask
   * @param {number} start where the statement begins in the editor
   */
  function execute(what, ask, start) {
    const onRows = result.begin();
    const began = performance.now();
    code.error(null);
    void running.run(async (signal) => {
      const abort = new AbortController();
      const ends = AbortSignal.any([signal, abort.signal]);
      try {
        const answer = await readAnswer(await ask(ends), { stop: () => abort.abort(), onRows });
        if (signal.aborted) return;
        const ms = answer.stats ? Number(answer.stats.elapsed_ms) : performance.now() - began;
        if (!what.named) remember({ sql: what.sql, at: Date.now(), rows: answer.rows.length, ms, failed: false });
        result.show(what, answer, ms, url.here().params);
      } catch (error) {
        if (signal.aborted) return;
        if (!what.named) remember({ sql: what.sql, at: Date.now(), rows: null, ms: null, failed: true });
        refuse(error, what.sql, start);
      }
      side.refresh('history');
    });
  }

  /** @param {unknown} error @param {string} sql @param {number} start */
  function refuse(error, sql, start) {
    const again = el('button', { on: { click: () => ((state.ran = null), update(url.here())) } }, icon('refresh'), t('core.again'));
    if (!(error instanceof Problem) || !error.position || state.named) return result.fail(error, again);
    // The page shows the place itself.
    if (error.hint?.startsWith('`position`')) error.hint = undefined;
    const at = start + placeOf(sql, error.position);
    const token = tokens(code.value).find((one) => one.start <= at && at < one.end);
    code.error({ start: at, end: Math.max(at + 1, token?.end ?? at + 1) });
    const line = code.value.slice(0, at).split('\n').length;
    const column = at - code.value.lastIndexOf('\n', at - 1);
    return result.fail(error, el('button', { class: 'primary', 'data-test': 'go-error', on: { click: () => code.go(at) } }, t('sql.go_to', { line, column })), again);
  }

  /** @param {Place} now */
  function update(now) {
    state.turn += 1;
    const { period, ignored } = periodOf(now.params);
    if (ignored.join() !== state.ignored) {
      state.ignored = ignored.join();
      if (ignored.length > 0) toast(t('core.ignored', { what: ignored.join(', ') }), 'warning');
    }
    picker.set(period);
    const named = now.params.get('query');
    document.title = `${named ?? state.saved?.name ?? t('nav.sql')} · Kronika`;
    if (named) return void showNamed(named, now, period);
    state.named = null;
    if (!writing.isConnected) fill(top, writing);
    return void showText(now, period);
  }

  /**
   * @param {Place} now
   * @param {import('../period.js').Period} period
   */
  async function showText(now, period) {
    const id = now.params.get('view');
    const turn = state.turn;
    if (id !== (state.saved?.id ?? null)) {
      state.saved = null;
      if (id) {
        try {
          const read = await saved.read(id);
          if (turn !== state.turn) return;
          Object.assign(state, { saved: read.saved, etag: read.etag });
        } catch (error) {
          if (turn === state.turn) result.say(failure(error));
          return;
        }
      }
    }
    const text = now.params.get('sql') ?? state.saved?.state.sql ?? null;
    show(text);
    const one = text === null ? null : chosen(text, now.params);
    if (!one) {
      state.ran = null;
      running.stop();
      return result.say(empty(t('sql.start'), t('sql.start_hint')));
    }
    const params = statementParams(one.sql, valuesOf(now.params), boundsOf(period, Date.now(), zone()));
    const key = JSON.stringify([project(), one.sql, valuesOf(now.params), openParameters(one.sql).range && [period, zone()]]);
    if (key === state.ran) return result.update(now.params);
    state.ran = key;
    return execute({ sql: one.sql, params, named: false }, (signal) => send('POST', '/query', { body: { sql: one.sql, params, format: 'json' }, signal }), one.start);
  }

  /** Puts the text of the address into the editor, or what was typed over it before. @param {string | null} text */
  function show(text) {
    if (text !== state.base || code.value === '') {
      state.base = text;
      let draft = null;
      try {
        draft = JSON.parse(localStorage.getItem(draftName()) ?? 'null');
      } catch {
        localStorage.removeItem(draftName());
      }
      code.value = draft?.base === text && typeof draft?.text === 'string' ? draft.text : text ?? EXAMPLE;
    }
    tell();
  }

  /**
   * @param {string} named
   * @param {Place} now
   * @param {import('../period.js').Period} period
   */
  async function showNamed(named, now, period) {
    const turn = state.turn;
    const values = valuesOf(now.params);
    const isOther = state.named !== named;
    state.named = named;
    const all = await namedQueries().catch((error) => error);
    if (turn !== state.turn) return;
    if (all instanceof Error) return result.say(failure(all));
    const query = /** @type {import('../sql/named.js').NamedQuery[]} */ (all).find((one) => one.name === named);
    if (!query || query.error) return result.say(empty(t('sql.no_query', { name: named }), null, el('button', { on: { click: () => open({}) } }, t('sql.new'))));
    if (isOther || !top.querySelector('.sql-named')) {
      state.ran = null;
      const made = namedForm(query, { values, period, onPeriod: choosePeriod, onRun: (given) => runNamed(given) });
      fill(top, made.element, el('div', { class: 'row' }, el('button', { class: 'link', on: { click: () => open({}) } }, icon('left'), t('sql.to_editor'))));
      picker.set(period);
      namedPicker = made.picker;
    }
    namedPicker?.set(period);
    const missing = query.parameters?.some((parameter) => parameter.required && !values[parameter.name]);
    if (missing) return result.say(empty(t('sql.fill_in'), null));
    const bounds = hasRange(query) ? boundsOf(period, Date.now(), zone()) : {};
    const key = JSON.stringify([project(), named, values, hasRange(query) && [period, zone()]]);
    if (key === state.ran) return result.update(now.params);
    state.ran = key;
    return execute({ sql: '', params: null, named: true }, (signal) => send('GET', `/queries/${encodeURIComponent(named)}`, { params: { ...bounds, ...values, format: 'json' }, signal }), 0);
  }

  /** @type {import('../parts/timepicker.js').TimePicker | null} */
  let namedPicker = null;

  /** @param {Record<string, string>} given */
  function runNamed(given) {
    state.ran = null;
    const before = state.turn;
    url.change({ sort: null, ...Object.fromEntries(Object.entries(given).map(([key, value]) => [`p.${key}`, value === '' ? null : value])) });
    if (state.turn === before) update(url.here());
  }

  const shownPicker = () => (state.named ? namedPicker : picker.element.hidden ? null : picker);
  const forget = shortcut(
    { keys: 'Ctrl+Enter', title: 'sql.keys_run', typing: true, run: () => (state.named ? /** @type {HTMLFormElement | null} */ (top.querySelector('form'))?.requestSubmit() : run()) },
    { keys: '/', title: 'sql.keys_edit', run: () => code.area.focus() },
    { keys: 'Escape', title: 'sql.keys_stop', typing: true, run: () => result.element.getAttribute('aria-busy') === 'true' && stop() },
    { keys: 't', title: 'sql.keys_time', run: () => shownPicker()?.open() },
    { keys: '[', title: 'sql.keys_before', run: () => shownPicker()?.shift(-1) },
    { keys: ']', title: 'sql.keys_after', run: () => shownPicker()?.shift(1) },
  );
  window.addEventListener('pagehide', keepDraft);
  return {
    update,
    stop() {
      keepDraft();
      window.removeEventListener('pagehide', keepDraft);
      forget();
      running.stop();
      result.stop();
    },
  };
}
