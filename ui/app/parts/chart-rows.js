/** Horizontal bars: names in full, a bar and its figure; the names are text, so that long ones wrap and can be selected. */

import { el, fill } from '../dom.js';
import { markClass } from './chart-marks.js';
import { lookOf, told } from './chart-data.js';

/** Rows that are shown. */
const ROWS_MAX = 200;

/**
 * @param {import('./chart-data.js').Options} options
 * @returns {import('./chart-data.js').Drawn}
 */
export function rows(options) {
  const list = el('div', { class: 'chart-rows scroll', role: 'list', 'aria-label': options.label, tabIndex: 0 });
  return {
    element: list,
    draw(data, hidden) {
      const shown = data.series.filter((_, at) => !hidden.has(at));
      const totals = data.xs.map((_, at) => shown.reduce((all, series) => all + Math.max(0, series.values[at] ?? 0), 0));
      const most = Math.max(...totals, 0) || 1;
      fill(list, data.xs.slice(0, ROWS_MAX).map((name, at) => row(data, hidden, at, String(name), totals[at] ?? 0, most, options.onPick)));
    },
  };
}

/**
 * @param {import('./chart-data.js').Data} data
 * @param {Set<number>} hidden
 * @param {number} at
 * @param {string} name
 * @param {number} total
 * @param {number} most
 * @param {import('./chart-data.js').Options['onPick']} onPick
 */
function row(data, hidden, at, name, total, most, onPick) {
  const pieces = data.series.map((series, of) => {
    const value = series.values[at] ?? 0;
    if (hidden.has(of) || value <= 0) return null;
    return el('span', { class: `chart-piece ${markClass(lookOf(data, of))}`, title: data.series.length > 1 ? `${series.name}: ${told(data, value)}` : undefined, style: { width: `${(100 * value) / most}%` } });
  });
  // Of one series the value itself is told: it may be below zero, or none.
  const value = data.series.length === 1 ? told(data, data.series[0]?.values[at]) : told(data, total);
  return el(
    'div',
    { class: 'chart-row', role: 'listitem' },
    onPick ? el('button', { class: 'link chart-name', on: { click: () => onPick({ at, series: null }) } }, name) : el('span', { class: 'chart-name' }, name),
    el('span', { class: 'chart-value' }, value),
    el('span', { class: 'chart-track', 'aria-hidden': 'true' }, pieces),
  );
}
