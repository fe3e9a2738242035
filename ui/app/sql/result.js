/** What became of a statement: running with its counters and a stop, the answer as table, chart and plan, or what is wrong. */

import { el, fill, icon } from '../dom.js';
import { bytes, duration, number } from '../format.js';
import { t } from '../i18n.js';
import { failure, loader, skeleton } from '../parts/states.js';
import { tabs } from '../parts/tabs.js';
import { may } from '../session.js';
import { chartPane } from './chartpane.js';
import { fetchPlan, planView } from './plan.js';
import { answerTable } from './table.js';

/** @typedef {import('./answer.js').Answer} Answer */
/** @typedef {Record<string, string | null>} Changes */

/**
 * @typedef {object} Run what ran
 * @property {string} sql
 * @property {unknown} params
 * @property {boolean} named a named query: the page does not have its text
 */

/**
 * @typedef {object} ResultOptions
 * @property {(changes: Changes) => void} onChange of the address
 * @property {(from: number, to: number) => void} onBrush
 * @property {() => void} onStop
 * @property {(run: Run, answer: Answer) => void} onExport
 */

/** @param {ResultOptions} options */
export function resultRegion(options) {
  const status = el('div', { class: 'sql-status row wrap', role: 'status' });
  const body = el('div', { class: 'sql-answer' });
  const element = el('section', { class: 'sql-result', 'aria-label': t('sql.result'), 'data-test': 'result' }, status, body);
  /** @type {{answer: Answer | null, run: Run | null, shown: {update?: (params: URLSearchParams) => void, stop: () => void} | null, box: ReturnType<typeof tabs> | null, tab: string, timer: ReturnType<typeof setInterval> | undefined, sort: string | null, analyze: boolean}} */
  const state = { answer: null, run: null, shown: null, box: null, tab: 'table', timer: undefined, sort: null, analyze: false };

  function clear() {
    clearInterval(state.timer);
    state.shown?.stop();
    state.shown = null;
    state.box = null;
  }

  /** @param {URLSearchParams} params @param {string | null} tab */
  function draw(params, tab) {
    const { answer, run } = state;
    if (!answer || !run) return;
    clear();
    const shows = {
      table: (/** @type {HTMLElement} */ panel) => {
        const made = answerTable(answer, { label: t('sql.result'), sort: params.get('sort'), onSort: (sort) => options.onChange({ sort }) });
        state.sort = params.get('sort');
        panel.append(made.element);
        state.shown = { stop: made.stop, update: (now) => (now.get('sort') !== state.sort ? ((state.sort = now.get('sort')), made.sort(state.sort)) : undefined) };
      },
      chart: (/** @type {HTMLElement} */ panel) => {
        const made = chartPane(answer, { params, onChange: options.onChange, onBrush: options.onBrush });
        panel.append(made.element);
        state.shown = made;
      },
      plan: (/** @type {HTMLElement} */ panel) => {
        state.shown = planPanel(panel, run, params.get('analyze') === '1', options.onChange);
      },
    };
    const list = Object.entries(shows).filter(([id]) => id !== 'plan' || !run.named);
    state.tab = list.some(([id]) => id === tab) ? tab ?? 'table' : 'table';
    state.analyze = params.get('analyze') === '1';
    state.box = tabs(t('sql.result'), list.map(([id, show]) => ({ id, label: t(`sql.show_${id}`), show: (panel) => (state.shown?.stop(), (state.shown = null), show(panel)) })), state.tab, (id) => options.onChange({ tab: id === 'table' ? null : id }));
    fill(body, state.box);
  }

  return {
    element,
    /** Something began to run. */
    begin() {
      clear();
      state.answer = null;
      const began = performance.now();
      const clockText = el('span', null, t('sql.running'));
      const rows = el('span', { class: 'muted' });
      fill(status, el('span', { class: 'sql-spin', 'aria-hidden': 'true' }), clockText, rows, el('button', { 'data-test': 'stop', on: { click: options.onStop } }, icon('stop'), t('sql.stop')));
      status.hidden = false;
      fill(body, skeleton(8));
      element.setAttribute('aria-busy', 'true');
      state.timer = setInterval(() => (clockText.textContent = `${t('sql.running')} ${duration((performance.now() - began) * 1e6)}`), 250);
      return (/** @type {number} */ count) => (rows.textContent = t('core.rows', { n: count }));
    },
    /** @param {Run} run @param {Answer} answer @param {number} ms @param {URLSearchParams} params */
    show(run, answer, ms, params) {
      Object.assign(state, { answer, run });
      element.removeAttribute('aria-busy');
      fill(status, counters(answer, ms), el('span', { class: 'grow' }), !run.named && may('export') && el('button', { 'data-test': 'export', on: { click: () => options.onExport(run, answer) } }, icon('download'), t('sql.export')));
      draw(params, params.get('tab'));
    },
    /** @param {unknown} error @param {...HTMLElement} more what can be done */
    fail(error, ...more) {
      clear();
      element.removeAttribute('aria-busy');
      status.hidden = true;
      const told = failure(error);
      if (more.length > 0) told.append(el('div', { class: 'row center' }, more));
      fill(body, told);
    },
    /** @param {HTMLElement} content instead of an answer @param {string | null} [text] */
    say(content, text = null) {
      clear();
      state.answer = null;
      element.removeAttribute('aria-busy');
      status.hidden = text === null;
      fill(status, text);
      fill(body, content);
    },
    /** The address changed, and not what runs. @param {URLSearchParams} params */
    update(params) {
      if (!state.box) return;
      const tab = params.get('tab') ?? 'table';
      if (tab !== state.tab || (params.get('analyze') === '1') !== state.analyze) draw(params, tab);
      else state.shown?.update?.(params);
    },
    stop: clear,
  };
}

/**
 * What it cost, and whether something is missing.
 * @param {Answer} answer
 * @param {number} ms
 */
function counters(answer, ms) {
  const { stats } = answer;
  const parts = [answer.more ? t('sql.first_rows', { n: answer.rows.length }) : t('core.rows', { n: answer.rows.length }), duration((stats ? Number(stats.elapsed_ms) : ms) * 1e6)];
  if (stats?.files !== undefined) parts.push(t('sql.files', { n: Number(stats.files) }));
  if (stats?.rows_scanned !== undefined) parts.push(t('sql.scanned', { n: Number(stats.rows_scanned) }));
  if (Number(stats?.bytes_scanned ?? 0) > 0) parts.push(t('sql.read', { size: bytes(stats?.bytes_scanned) }));
  if (Number(stats?.bytes_spilled ?? 0) > 0) parts.push(t('sql.spilled', { size: bytes(stats?.bytes_spilled) }));
  return el(
    'span',
    { class: 'sql-counters', 'data-test': 'counters' },
    parts.map((part, at) => [at > 0 && el('span', { class: 'muted', 'aria-hidden': 'true' }, ' · '), el('span', { class: at === 0 ? '' : 'muted' }, part)]).flat(),
    answer.more && el('span', { class: 'badge warn' }, icon('warning'), t('sql.more_rows')),
    answer.truncated && el('span', { class: 'badge warn' }, icon('warning'), t('sql.truncated', { rows: number(answer.rows.length) })),
    stats?.partial && el('span', { class: 'badge warn' }, icon('warning'), t('sql.partial')),
  );
}

/**
 * @param {HTMLElement} panel
 * @param {Run} run
 * @param {boolean} analyze
 * @param {(changes: Changes) => void} onChange
 */
function planPanel(panel, run, analyze, onChange) {
  const area = el('div', null, skeleton(5));
  const load = loader(area);
  const measure = el('button', { 'aria-pressed': String(analyze), 'data-test': 'analyze', on: { click: () => onChange({ analyze: analyze ? null : '1' }) } }, icon('clock'), t('sql.measure'));
  fill(panel, el('div', { class: 'row wrap sql-plan-head' }, measure, el('span', { class: 'muted' }, t(analyze ? 'sql.measured_hint' : 'sql.plan_hint'))), area);
  void load.run(async (signal) => {
    const plan = await fetchPlan(run.sql, run.params, analyze, signal);
    fill(area, planView(plan.text), el('details', { class: 'sql-raw' }, el('summary', null, t('sql.plan_raw')), el('pre', { class: 'code' }, [plan.logical, plan.text].filter(Boolean).join('\n\n'))));
  });
  return { stop: () => load.stop() };
}
