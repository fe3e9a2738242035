/**
 * How the engine runs a statement, for people: each step in words, indented under the one that takes its rows; with the
 * measured rows and times when it was run.
 */

import { post } from '../api.js';
import { el } from '../dom.js';
import { number } from '../format.js';
import { has, t } from '../i18n.js';

/** @typedef {{depth: number, operator: string, detail: string, metrics: Record<string, string>}} Step */

/**
 * The steps of a plan as the engine writes it: one a line, two spaces a level, measures behind `metrics=[…]`.
 * @param {string} text
 * @returns {Step[]}
 */
export function readPlan(text) {
  /** @type {Step[]} */
  const steps = [];
  for (const line of text.split('\n')) {
    const [, spaces = '', rest = ''] = /^(\s*)(.*)$/.exec(line) ?? [];
    if (rest === '') continue;
    const [body = '', measured = ''] = rest.split(/,? ?metrics=\[/);
    const colon = body.indexOf(':');
    const operator = (colon < 0 ? body : body.slice(0, colon)).replace(/,$/, '').trim();
    const detail = colon < 0 ? '' : shortened(body.slice(colon + 1).replace(/,$/, '').trim());
    steps.push({ depth: Math.floor(spaces.length / 2), operator, detail, metrics: metricsOf(measured.replace(/\]\s*$/, '')) });
  }
  return steps;
}

/**
 * Without the names of files, of which there may be thousands, and without the places of columns.
 * @param {string} detail
 */
function shortened(detail) {
  return detail.replace(/file_groups=\{[^}]*\}(?:, )?/g, '').replace(/(?<=[\w)])@\d+(?=[\s,\])]|$)/g, '').replace(/, file_type=\w+/, '');
}

/** @param {string} text */
function metricsOf(text) {
  /** @type {Record<string, string>} */
  const metrics = {};
  for (const found of text.matchAll(/(\w+)=([^,[\]]+)/g)) metrics[found[1] ?? ''] = (found[2] ?? '').trim();
  return metrics;
}

/**
 * Asks for the plan of a statement.
 * @param {string} sql
 * @param {unknown} params
 * @param {boolean} measure whether it is run, and measured
 * @param {AbortSignal} signal
 */
export async function fetchPlan(sql, params, measure, signal) {
  const bare = sql.replace(/^\s*explain\s+(analyze\s+)?(verbose\s+)?/i, '');
  const answer = await post('/query', { sql: `EXPLAIN ${measure ? 'ANALYZE ' : ''}${bare}`, params, format: 'json' }, { signal });
  /** @type {[string, string][]} */
  const rows = answer.rows;
  const of = (/** @type {string} */ kind) => rows.find(([type]) => type.toLowerCase().includes(kind))?.[1];
  return { text: of('physical') ?? of('metrics') ?? rows[0]?.[1] ?? '', logical: of('logical') ?? '' };
}

/**
 * The measures that tell most, in words.
 * @param {Record<string, string>} metrics
 */
function measures(metrics) {
  /** @type {string[]} */
  const told = [];
  const rows = metrics.output_rows;
  if (rows !== undefined) told.push(/^\d+$/.test(rows) ? t('core.rows', { n: Number(rows) }) : rows);
  if (metrics.elapsed_compute) told.push(metrics.elapsed_compute);
  for (const [name, value] of Object.entries(metrics)) {
    if (!/^(files|bytes|rows|spill|row_groups|pages)/.test(name) || /^0(\.0+)?( ?B)?$/.test(value)) continue;
    told.push(`${name.replaceAll('_', ' ')} ${/^\d+$/.test(value) ? number(value) : value}`);
  }
  return told;
}

/**
 * The plan as a list of steps.
 * @param {string} text
 */
export function planView(text) {
  const steps = readPlan(text);
  return el('ol', { class: 'sql-plan', 'data-test': 'plan' }, steps.map(stepView));
}

/** @param {Step} step */
function stepView(step) {
  const key = `sql.step_${step.operator}`;
  const told = measures(step.metrics);
  return el(
    'li',
    { style: { '--depth': String(step.depth) } },
    el('div', { class: 'sql-step' }, el('strong', null, has(key) ? t(key) : step.operator), has(key) && el('code', { class: 'muted' }, step.operator), told.length > 0 && el('span', { class: 'sql-measures' }, told.map((one) => el('span', { class: 'badge' }, one)))),
    step.detail !== '' && el('p', { class: 'mono muted break' }, step.detail),
  );
}
