/**
 * The console: what the address asks for is in the editor and has run; what the editor holds goes into the address by running
 * it. A named query stands there as a form instead.
 */

import { Problem, project, send } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { time, zone } from '../format.js';
import { t } from '../i18n.js';
import { Editor } from '../parts/editor.js';
import { empty, failure, loader } from '../parts/states.js';
import { timePicker } from '../parts/timepicker.js';
import { toast } from '../parts/toast.js';
import { between } from '../period.js';
import * as saved from '../saved.js';
import * as url from '../url.js';
import { readAnswer } from './answer.js';
import { complete } from './complete.js';
import { draftOver, dropDraft, keepDraft } from './draft.js';
import { openExport } from './exporting.js';
import { frame } from './frame.js';
import { remember } from './history.js';
import { layout } from './layout.js';
import { library } from './library.js';
import { hasRange, namedForm, namedQueries } from './named.js';
import { boundsOf, chosen, fits, openParameters, periodOf, statementParams, valuesOf } from './place.js';
import { Result } from './result.js';
import { openSave } from './saving.js';
import { placeOf, statementAt, statements, tokens } from './tokens.js';

/** @typedef {import('../url.js').Place} Place */
/** @typedef {import('../period.js').Period} Period */
/** @typedef {Record<string, string | null>} Changes */

/** What stands in the editor at first. */
const EXAMPLE = `SELECT module, count(*) AS events, count(*) FILTER (WHERE outcome = 'failure') AS failures
FROM events
WHERE event_time >= $from AND event_time < $to
GROUP BY module
ORDER BY events DESC`;
/** How long after the last key what was typed is kept. */
const KEEP_AFTER = 300;

export class Console {
  constructor() {
    /** What has run, so that nothing else of the address runs it again. @type {string | null} */
    this.ran = null;
    /** The text of the address; null where it has none. @type {string | null} */
    this.base = null;
    /** @type {saved.Saved | null} */
    this.saved = null;
    /** @type {string | null} */
    this.etag = null;
    /** The named query whose form is shown. @type {string | null} */
    this.named = null;
    /** @type {import('../parts/timepicker.js').TimePicker | null} */
    this.namedPicker = null;
    this.ignored = '';
    this.turn = 0;
    this.typing = 0;
    this.drawnFields = '';
    this.code = new Editor({ label: t('sql.editor'), colour: tokens, suggest: complete, onRun: () => this.run(), onChange: () => this.changed(), onMove: () => this.tell(), onEscape: () => this.isRunning() && this.halt() });
    this.picker = timePicker({ value: periodOf(url.here().params).period, onChange: (period) => this.choosePeriod(period) });
    this.result = new Result({
      onChange: (changes) => url.change(changes),
      onBrush: (from, to) => this.choosePeriod(between(from, to)),
      onStop: () => this.halt(),
      onExport: (what, answer) => openExport({ sql: what.sql, params: what.params, rows: answer.rows.length, complete: !answer.more && !answer.truncated, columns: answer.schema.map((column) => column.name) }),
    });
    this.running = loader(this.result.element);
    this.library = this.makeLibrary();
    this.frame = frame({
      editor: this.code.element,
      picker: this.picker.element,
      library: this.library.element,
      result: this.result.element,
      onRun: () => this.run(),
      onFormat: () => this.code.replace(layout(this.code.value)),
      onSave: () => void this.save(),
      more: () => [
        { label: t('sql.save_as'), icon: 'plus', run: () => this.saveAs() },
        { label: t('sql.revert'), icon: 'restore', disabled: !this.saved || this.code.value === this.saved.state.sql, run: () => this.saved && this.code.replace(this.saved.state.sql) },
        { label: t('sql.new'), icon: 'edit', run: () => this.open({}) },
      ],
    });
  }

  makeLibrary() {
    const renamed = (/** @type {saved.Saved} */ now) => {
      if (now.id === this.saved?.id) void this.load(now.id).then(() => this.tell());
      this.library.refresh('saved');
    };
    return library({
      tab: localStorage.getItem('kronika.sql.library') ?? 'queries',
      onTab: (tab) => localStorage.setItem('kronika.sql.library', tab),
      onNamed: (name) => this.open({ query: name }),
      onSaved: (one) => this.open({ view: one.id }),
      onRename: (one) => openSave({ sql: one.state.sql, one, onSaved: renamed }),
      onHistory: (sql) => {
        this.leaveNamed();
        this.code.replace(sql);
      },
      onInsert: (text) => {
        this.leaveNamed();
        this.code.insert(text);
      },
    });
  }

  /** Another text: a query, something saved, or nothing. @param {Record<string, string>} params */
  open(params) {
    this.frame.showSide(false);
    dropDraft();
    const { params: now } = url.here();
    const kept = Object.fromEntries(['period', 'from', 'to'].map((key) => [key, now.get(key)]));
    url.go(url.link('/sql', { ...kept, ...params }));
    if (Object.keys(params).length === 0) this.code.value = EXAMPLE;
  }

  leaveNamed() {
    if (!this.named) return;
    const given = Object.keys(valuesOf(url.here().params)).map((key) => [`p.${key}`, null]);
    url.change({ query: null, tab: null, ...Object.fromEntries(given) });
  }

  changed() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.keep(), KEEP_AFTER);
    this.tell();
  }

  keep() {
    clearTimeout(this.typing);
    if (this.named) return;
    if (this.code.value === (this.base ?? EXAMPLE)) dropDraft();
    else keepDraft(this.base, this.code.value);
  }

  /** Says which statement runs, which parameters it has, and whether it was changed since it was saved. */
  tell() {
    const { code, frame: { where, name } } = this;
    const all = statements(code.value);
    const { start, end } = code.selection();
    const at = statementAt(all, start);
    where.textContent = start !== end ? t('sql.selected', { n: end - start }) : all.length > 1 ? t('sql.statement_of', { at: at + 1, n: all.length }) : '';
    code.mark(all.length > 1 ? all[at] ?? null : null);
    const { range, others } = openParameters(all[at]?.text ?? '');
    this.picker.element.hidden = !range;
    this.drawFields(others);
    const one = this.saved;
    fill(name, one && [' · ', one.name, code.value !== one.state.sql && el('span', { class: 'badge note' }, t('sql.changed'))]);
  }

  /** Fields of the parameters that the time picker does not give. @param {string[]} names */
  drawFields(names) {
    if (names.join(' ') === this.drawnFields) return;
    this.drawnFields = names.join(' ');
    const values = valuesOf(url.here().params);
    const runs = (/** @type {KeyboardEvent} */ event) => event.key === 'Enter' && this.run();
    fill(this.frame.fields, names.map((one) => el('label', { class: 'inline' }, el('span', { class: 'mono' }, `$${one}`), el('input', { type: 'text', name: one, value: values[one] ?? '', placeholder: 'null', spellcheck: 'false', autocomplete: 'off', 'data-test': `param-${one}`, on: { keydown: runs } }))));
  }

  /** @param {Period} period */
  choosePeriod({ period, from, to }) {
    const changes = { period: period ?? null, from: from ?? null, to: to ?? null };
    // What was typed meanwhile runs with it.
    if (this.named) url.change(changes);
    else void this.execute(changes);
  }

  run() {
    void this.execute({});
  }

  again() {
    this.ran = null;
    this.update(url.here());
  }

  halt() {
    this.running.stop();
    this.result.say(empty(t('sql.stopped'), t('sql.stopped_hint'), el('button', { on: { click: () => this.again() } }, icon('play'), t('sql.run'))));
  }

  isRunning() {
    return this.result.element.getAttribute('aria-busy') === 'true';
  }

  /**
   * Writes what the editor holds into the address, which runs it; what is there already runs again.
   * @param {Changes} more
   */
  async execute(more) {
    this.code.close();
    const text = this.code.value;
    const { start, end } = this.code.selection();
    const isPart = end > start && text.slice(start, end).trim() !== '';
    const all = statements(text);
    if (all.length === 0) return this.code.area.focus();
    /** @type {Changes} */
    const changes = { at: all.length > 1 && !isPart ? String(statementAt(all, start) + 1) : null, part: isPart ? `${start}-${end}` : null, query: null, sort: null, ...more };
    for (const input of this.frame.fields.querySelectorAll('input')) changes[`p.${input.name}`] = input.value === '' ? null : input.value;
    Object.assign(changes, await this.textChanges(text));
    dropDraft();
    this.base = text;
    return this.go(changes);
  }

  /** Changes the address and runs what it asks for, also where nothing changed. @param {Changes} changes */
  go(changes) {
    this.ran = null;
    const before = this.turn;
    url.change(changes);
    if (this.turn === before) this.update(url.here());
  }

  /**
   * The text in the address, or where it is saved.
   * @param {string} text
   * @returns {Promise<Changes>}
   */
  async textChanges(text) {
    const one = this.saved;
    if (one && one.state.sql === text) return { sql: null, view: one.id };
    if (fits(text)) return { sql: text, view: one && !one.state.draft ? one.id : null };
    // Too long for an address: it is kept with the project, as the reader's own.
    const mine = one?.state.draft && saved.isOwn(one) ? one : null;
    const what = /** @type {const} */ ({ kind: 'sql', name: mine?.name ?? t('sql.draft_of', { time: time(Date.now(), { fraction: false }) }), state: { sql: text, draft: true } });
    const id = mine ? (await saved.replace(mine.id, what, this.etag)).saved.id : (await saved.create(what)).id;
    await this.load(id);
    this.library.refresh('saved');
    return { sql: null, view: id };
  }

  /** @param {string} id */
  async load(id) {
    const read = await saved.read(id);
    this.saved = read.saved;
    this.etag = read.etag;
  }

  async save() {
    const one = this.saved;
    if (!one || !saved.isOwn(one) || one.state.draft) return this.saveAs();
    if (one.state.sql === this.code.value) return toast(t('sql.saved_already'), 'info');
    await saved.replace(one.id, { kind: 'sql', name: one.name, state: { ...one.state, sql: this.code.value }, shared: one.shared }, this.etag);
    return this.settle(one.id);
  }

  saveAs() {
    openSave({ sql: this.code.value, onSaved: (one) => void this.settle(one.id) });
  }

  /** The editor holds what is saved under this id now. @param {string} id */
  async settle(id) {
    await this.load(id);
    this.base = this.saved?.state.sql ?? null;
    dropDraft();
    url.change({ view: id, sql: null });
    this.library.refresh('saved');
    toast(t('sql.saved', { name: this.saved?.name ?? '' }), 'success');
    this.tell();
  }

  /**
   * Runs something and shows what becomes of it.
   * @param {import('./result.js').Run} what
   * @param {(signal: AbortSignal) => Promise<Response>} ask
   * @param {number} start where the statement begins in the editor
   */
  ask(what, ask, start) {
    const onRows = this.result.begin();
    const began = performance.now();
    this.code.error(null);
    void this.running.run(async (signal) => {
      const abort = new AbortController();
      try {
        const answer = await readAnswer(await ask(AbortSignal.any([signal, abort.signal])), { stop: () => abort.abort(), onRows });
        if (signal.aborted) return;
        const ms = answer.stats ? Number(answer.stats.elapsed_ms) : performance.now() - began;
        if (!what.named) remember({ sql: what.sql, at: Date.now(), rows: answer.rows.length, ms, failed: false });
        this.result.show(what, answer, ms, url.here().params);
      } catch (error) {
        if (signal.aborted) return;
        if (!what.named) remember({ sql: what.sql, at: Date.now(), rows: null, ms: null, failed: true });
        this.refuse(error, what, start);
      }
      this.library.refresh('history');
    });
  }

  /** Says what is wrong, and where. @param {unknown} error @param {import('./result.js').Run} what @param {number} start */
  refuse(error, what, start) {
    const again = el('button', { on: { click: () => this.again() } }, icon('refresh'), t('core.again'));
    if (!(error instanceof Problem) || !error.position || what.named) return this.result.fail(error, again);
    // The page shows the place itself.
    if (error.hint?.startsWith('`position`')) error.hint = undefined;
    const text = this.code.value;
    const at = start + placeOf(what.sql, error.position);
    const token = tokens(text).find((one) => one.start <= at && at < one.end);
    this.code.error({ start: at, end: Math.max(at + 1, token?.end ?? at + 1) });
    const place = { line: text.slice(0, at).split('\n').length, column: at - text.lastIndexOf('\n', at - 1) };
    return this.result.fail(error, el('button', { class: 'primary', 'data-test': 'go-error', on: { click: () => this.code.go(at) } }, t('sql.go_to', place)), again);
  }

  /** @param {Place} now */
  update(now) {
    this.turn += 1;
    const { period, ignored } = periodOf(now.params);
    if (ignored.join() !== this.ignored) {
      this.ignored = ignored.join();
      if (ignored.length > 0) toast(t('core.ignored', { what: ignored.join(', ') }), 'warning');
    }
    this.picker.set(period);
    const named = now.params.get('query');
    if (named) return void this.showNamed(named, now, period);
    this.named = null;
    if (!this.frame.writing.isConnected) fill(this.frame.top, this.frame.writing);
    return void this.showText(now, period);
  }

  /** @param {string | null} id of something saved @returns {Promise<boolean>} whether it is there, and still wanted */
  async follow(id) {
    if (id === (this.saved?.id ?? null)) return true;
    const { turn } = this;
    this.saved = null;
    if (!id) return true;
    try {
      await this.load(id);
      return turn === this.turn;
    } catch (error) {
      if (turn === this.turn) this.result.say(failure(error));
      return false;
    }
  }

  /** @param {Place} now @param {Period} period */
  async showText(now, period) {
    if (!(await this.follow(now.params.get('view')))) return;
    document.title = `${this.saved?.name ?? t('nav.sql')} · Kronika`;
    const text = now.params.get('sql') ?? this.saved?.state.sql ?? null;
    this.put(text);
    const one = text === null ? null : chosen(text, now.params);
    if (!one) {
      this.ran = null;
      this.running.stop();
      return this.result.say(empty(t('sql.start'), t('sql.start_hint')));
    }
    const values = valuesOf(now.params);
    const params = statementParams(one.sql, values, boundsOf(period, Date.now(), zone()));
    const key = JSON.stringify([project(), one.sql, values, openParameters(one.sql).range && [period, zone()]]);
    if (key === this.ran) return this.result.update(now.params);
    this.ran = key;
    return this.ask({ sql: one.sql, params, named: false }, (signal) => send('POST', '/query', { body: { sql: one.sql, params, format: 'json' }, signal }), one.start);
  }

  /** Puts the text of the address into the editor, or what was typed over it before. @param {string | null} text */
  put(text) {
    if (text !== this.base || this.code.value === '') {
      this.base = text;
      this.code.value = draftOver(text) ?? text ?? EXAMPLE;
    }
    this.tell();
  }

  /** @param {string} named @param {Place} now @param {Period} period */
  async showNamed(named, now, period) {
    const { turn } = this;
    const values = valuesOf(now.params);
    const all = await namedQueries().catch((error) => (error instanceof Error ? error : new Error(String(error))));
    if (turn !== this.turn) return;
    if (all instanceof Error) return this.result.say(failure(all));
    const query = all.find((one) => one.name === named);
    if (!query || query.error) return this.result.say(empty(t('sql.no_query', { name: named }), null, el('button', { on: { click: () => this.open({}) } }, t('sql.new'))));
    document.title = `${query.title ?? named} · Kronika`;
    if (this.named !== named || !this.frame.top.querySelector('.sql-named')) this.putForm(query, values, period);
    this.namedPicker?.set(period);
    if (query.parameters?.some((parameter) => parameter.required && !values[parameter.name])) return this.result.say(empty(t('sql.fill_in'), null));
    const bounds = hasRange(query) ? boundsOf(period, Date.now(), zone()) : {};
    const key = JSON.stringify([project(), named, values, hasRange(query) && [period, zone()]]);
    if (key === this.ran) return this.result.update(now.params);
    this.ran = key;
    return this.ask({ sql: '', params: null, named: true }, (signal) => send('GET', `/queries/${encodeURIComponent(named)}`, { params: { ...bounds, ...values, format: 'json' }, signal }), 0);
  }

  /** @param {import('./named.js').NamedQuery} query @param {Record<string, string>} values @param {Period} period */
  putForm(query, values, period) {
    this.ran = null;
    this.named = query.name;
    const run = (/** @type {Record<string, string>} */ given) => this.go({ sort: null, ...Object.fromEntries(Object.entries(given).map(([key, value]) => [`p.${key}`, value === '' ? null : value])) });
    const made = namedForm(query, { values, period, onPeriod: (chosen) => this.choosePeriod(chosen), onRun: run });
    this.namedPicker = made.picker;
    fill(this.frame.top, made.element, el('div', { class: 'row' }, el('button', { class: 'link', 'data-test': 'to-editor', on: { click: () => this.open({}) } }, icon('left'), t('sql.to_editor'))));
  }

  /** The time picker that is shown, if one is. */
  shownPicker() {
    if (this.named) return this.namedPicker;
    return this.picker.element.hidden ? null : this.picker;
  }

  stop() {
    this.keep();
    this.running.stop();
    this.result.stop();
  }
}
