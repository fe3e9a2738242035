/** An answer as a chart, and which of its columns stand where; the choice is in the address. */

import { el, fill } from '../dom.js';
import { t } from '../i18n.js';
import { Chart } from '../parts/chart.js';
import { empty } from '../parts/states.js';
import { PLACES_MAX, chartData, choiceOf, isNumber, isText, suggest } from './axes.js';

/** @typedef {import('./answer.js').Answer} Answer */
/** @typedef {import('./axes.js').Choice} Choice */

/**
 * @param {Answer} answer
 * @param {{params: URLSearchParams, onChange: (changes: Record<string, string | null>) => void, onBrush: (from: number, to: number) => void}} of
 */
export function chartPane(answer, { params, onChange, onBrush }) {
  const first = suggest(answer.schema, answer.rows);
  if (!first) return { element: empty(t('sql.no_chart'), t('sql.no_chart_why')), update() {}, stop() {} };
  const picture = new Chart({ label: t('sql.chart'), onBrush });
  const controls = el('div', { class: 'sql-axes', role: 'group', 'aria-label': t('sql.axes') });
  const note = el('p', { class: 'muted small' });
  /** @param {URLSearchParams} now */
  const update = (now) => {
    const choice = choiceOf(answer.schema, now, first);
    fill(controls, ...selects(answer, choice, onChange));
    const data = chartData(answer.schema, answer.rows, choice, { none: t('sql.null'), rest: (n) => t('chart.rest', { n }) });
    picture.show(data);
    fill(note, data.xs.length >= PLACES_MAX ? t('sql.chart_cut', { n: PLACES_MAX }) : answer.more ? t('sql.chart_more', { n: answer.rows.length }) : null);
  };
  update(params);
  return { element: el('div', { class: 'sql-chart' }, controls, picture.element, note), update, stop: () => picture.stop() };
}

/**
 * @param {Answer} answer
 * @param {Choice} choice
 * @param {(changes: Record<string, string | null>) => void} onChange
 */
function selects(answer, choice, onChange) {
  const { schema } = answer;
  const names = schema.map((column) => column.name);
  const figures = schema.filter(isNumber).map((column) => column.name);
  const texts = schema.filter((column) => isText(column) && column.name !== choice.x).map((column) => column.name);
  const kinds = ['line', 'area', 'bars', 'rows', 'pie', 'scatter'].map((kind) => /** @type {[string, string]} */ ([kind, t(`sql.kind_${kind}`)]));
  const own = (/** @type {string[]} */ list) => list.map((name) => /** @type {[string, string]} */ ([name, name]));
  const parts = [
    pick(t('sql.kind'), kinds, choice.kind, (value) => onChange({ chart: value }), 'chart-kind'),
    pick(t('sql.axis_x'), own(choice.kind === 'scatter' ? [...new Set([...figures, choice.x])] : names), choice.x, (value) => onChange({ x: value }), 'chart-x'),
    pick(t('sql.axis_y'), own(figures), choice.y[0] ?? '', (value) => onChange({ y: value }), 'chart-y'),
  ];
  if (choice.kind !== 'pie' && texts.length > 0) parts.push(pick(t('sql.by'), [['none', t('sql.no_series')], ...own(texts)], choice.series ?? 'none', (value) => onChange({ series: value }), 'chart-series'));
  return parts;
}

/**
 * @param {string} label
 * @param {[string, string][]} options
 * @param {string} value
 * @param {(value: string) => void} onChoose
 * @param {string} test
 */
function pick(label, options, value, onChoose, test) {
  const select = el('select', { 'data-test': test, on: { change: () => onChoose(select.value) } }, options.map(([id, name]) => el('option', { value: id, selected: id === value }, name)));
  return el('label', { class: 'inline' }, el('span', { class: 'muted' }, label), select);
}
