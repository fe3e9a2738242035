/** What became of a statement: running with its counters and a stop, the answer as table, chart and plan, or what is wrong. */

import { el, fill, icon } from '../dom.js';
import { bytes, duration, number } from '../format.js';
import { t } from '../i18n.js';
import { failure, loader, skeleton } from '../parts/states.js';
import { tabs } from '../parts/tabs.js';
import { may } from '../session.js';
import { here } from '../url.js';
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

/** @typedef {{update?: (params: URLSearchParams) => void, stop: () => void}} Shown what a tab shows */

export class Result {
  /** @param {ResultOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {Answer | null} */
    this.answer = null;
    /** @type {Run | null} */
    this.run = null;
    /** @type {Shown | null} */
    this.shown = null;
    /** Tab and mode of what is shown; null where no answer is. @type {string | null} */
    this.look = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.status = el('div', { class: 'sql-status row wrap', role: 'status' });
    this.body = el('div', { class: 'sql-answer' });
    this.element = el('section', { class: 'sql-result', 'aria-label': t('sql.result'), 'data-test': 'result' }, this.status, this.body);
  }

  stop() {
    clearInterval(this.timer);
    this.shown?.stop();
    this.shown = null;
    this.look = null;
  }

  /**
   * Something began to run.
   * @returns {(rows: number) => void} to be told how many rows came
   */
  begin() {
    this.stop();
    this.answer = null;
    const began = performance.now();
    const time = el('span', null, t('sql.running'));
    const rows = el('span', { class: 'muted' });
    fill(this.status, el('span', { class: 'sql-spin', 'aria-hidden': 'true' }), time, rows, el('button', { 'data-test': 'stop', on: { click: this.options.onStop } }, icon('stop'), t('sql.stop')));
    this.status.hidden = false;
    fill(this.body, skeleton(8));
    this.element.setAttribute('aria-busy', 'true');
    this.timer = setInterval(() => (time.textContent = `${t('sql.running')} ${duration((performance.now() - began) * 1e6)}`), 250);
    return (count) => (rows.textContent = t('core.rows', { n: count }));
  }

  /** @param {Run} run @param {Answer} answer @param {number} ms @param {URLSearchParams} params */
  show(run, answer, ms, params) {
    this.run = run;
    this.answer = answer;
    this.element.removeAttribute('aria-busy');
    fill(this.status, counters(answer, ms), el('span', { class: 'grow' }), !run.named && may('export') && el('button', { 'data-test': 'export', on: { click: () => this.options.onExport(run, answer) } }, icon('download'), t('sql.export')));
    this.draw(params);
  }

  /** @param {unknown} error @param {...HTMLElement} more what can be done */
  fail(error, ...more) {
    const told = failure(error);
    if (more.length > 0) told.append(el('div', { class: 'row center' }, more));
    this.say(told);
  }

  /** Shows something instead of an answer. @param {HTMLElement} content */
  say(content) {
    this.stop();
    this.answer = null;
    this.element.removeAttribute('aria-busy');
    this.status.hidden = true;
    fill(this.body, content);
  }

  /** The address changed, and not what runs. @param {URLSearchParams} params */
  update(params) {
    if (this.look === null) return;
    if (lookOf(params) !== this.look) this.draw(params);
    else this.shown?.update?.(params);
  }

  /** @param {URLSearchParams} params */
  draw(params) {
    const { answer, run } = this;
    if (!answer || !run) return;
    this.stop();
    const { onChange, onBrush } = this.options;
    /** @type {Record<string, (panel: HTMLElement) => Shown>} */
    const shows = {
      table: (panel) => tablePanel(panel, answer, here().params, onChange),
      chart: (panel) => {
        const made = chartPane(answer, { params: here().params, onChange, onBrush });
        panel.append(made.element);
        return made;
      },
      ...(run.named ? {} : { plan: (panel) => planPanel(panel, run, here().params.get('analyze') === '1', onChange) }),
    };
    const tab = params.get('tab') ?? '';
    const box = tabs(t('sql.result'), Object.entries(shows).map(([id, show]) => ({ id, label: t(`sql.show_${id}`), show: (panel) => this.put(id, show, panel) })), tab in shows ? tab : 'table', (id) => onChange({ tab: id === 'table' ? null : id }));
    fill(this.body, box);
  }

  /** Shows a tab. The address may say so only afterwards: then it is there already. @param {string} id @param {(panel: HTMLElement) => Shown} show @param {HTMLElement} panel */
  put(id, show, panel) {
    this.shown?.stop();
    this.shown = show(panel);
    const { params } = here();
    params.set('tab', id);
    this.look = lookOf(params);
  }
}

/** What of the address makes the answer look otherwise. @param {URLSearchParams} params */
const lookOf = (params) => `${params.get('tab') ?? 'table'} ${params.get('analyze') ?? ''}`;

/**
 * @param {HTMLElement} panel
 * @param {Answer} answer
 * @param {URLSearchParams} params
 * @param {(changes: Changes) => void} onChange
 * @returns {Shown}
 */
function tablePanel(panel, answer, params, onChange) {
  let sort = params.get('sort');
  const made = answerTable(answer, { label: t('sql.result'), sort, onSort: (by) => onChange({ sort: by }) });
  panel.append(made.element);
  return {
    stop: made.stop,
    update(now) {
      if (now.get('sort') === sort) return;
      sort = now.get('sort');
      made.sort(sort);
    },
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
 * @returns {Shown}
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
