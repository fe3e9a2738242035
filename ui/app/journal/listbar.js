/** The line above the list: how many events, what is new, what is selected, and how the list is shown. */

import { el, fill, icon } from '../dom.js';
import { number } from '../format.js';
import { t } from '../i18n.js';
import { COPY_FORMATS } from '../parts/grid-select.js';
import { menuButton, popover } from '../parts/menu.js';

/** @typedef {import('../parts/grid.js').Grid} Grid */

/**
 * @param {object} options
 * @param {() => Grid} options.grid
 * @param {import('./live.js').Live} options.live
 * @param {() => string[]} options.columns
 * @param {(ids: string[]) => void} options.onColumns
 * @param {() => void} options.onRefresh
 * @param {() => void} options.onStop
 * @param {() => void} options.onWrap
 * @param {() => void} options.onChart
 */
export function listBar({ grid, live, columns, onColumns, onRefresh, onStop, onWrap, onChart }) {
  const total = el('span', { class: 'list-total', role: 'status', 'data-test': 'total' });
  const selected = el('span', { class: 'row list-selected', hidden: true, 'data-test': 'selected' });
  const button = (/** @type {import('../dom.js').IconName} */ name, /** @type {string} */ key, /** @type {() => void} */ run, /** @type {string} */ test) =>
    el('button', { class: 'quiet square', 'aria-label': t(key), title: t(key), 'data-test': test, on: { click: run } }, icon(name));
  const stop = button('stop', 'journal.list.stop', onStop, 'stop');
  const refresh = button('refresh', 'journal.list.refresh', onRefresh, 'refresh');
  const wrap = button('wrap', 'journal.list.wrap', onWrap, 'wrap');
  const chart = button('dashboards', 'journal.histogram.show', onChart, 'histogram-show');
  const choose = button('columns', 'journal.columns.choose', () => undefined, 'columns');
  choose.setAttribute('aria-haspopup', 'dialog');
  choose.setAttribute('aria-expanded', 'false');
  choose.addEventListener('click', async () => {
    const { columnPicker } = await import('./columnpicker.js');
    popover(choose, () => columnPicker(columns, onColumns), { label: t('journal.columns.choose'), class: 'columns-popover' });
  });
  stop.hidden = true;
  const copies = menuButton({ label: t('core.copy'), text: t('core.copy'), icon: 'copy' }, () => COPY_FORMATS.map((format) => ({ label: t(`journal.list.copy_${format}`), run: () => void grid().copy(format) })));
  copies.dataset.test = 'copy-rows';
  const count = el('strong', null);
  fill(selected, count, copies, el('button', { class: 'quiet', 'data-test': 'select-none', on: { click: () => (grid().clearSelection(), grid().focus()) } }, t('journal.list.select_none')));
  return {
    element: el('div', { class: 'list-bar no-print' }, total, live.fresh, selected, el('span', { class: 'grow' }), live.state, live.toggle, live.pause, chart, wrap, choose, refresh, stop),
    /** @param {{value: number, relation: 'eq' | 'gte'} | null} known */
    setTotal(known) {
      // Nobody wants every event of the tail to be read out.
      total.setAttribute('aria-live', live.isOn() ? 'off' : 'polite');
      const text = known == null ? '' : t('core.events', { n: known.value });
      const shown = known?.relation === 'gte' ? t('journal.list.at_least', { events: text }) : text;
      if (total.textContent !== shown) fill(total, shown);
    },
    /** @param {number} n */
    setSelected(n) {
      selected.hidden = n === 0;
      if (n > 0) fill(count, t('journal.list.selected', { n, shown: number(n) }));
    },
    /** @param {boolean} busy */
    setBusy(busy) {
      stop.hidden = !busy;
      refresh.hidden = busy;
    },
    /** @param {boolean} on */
    setWrap: (on) => wrap.setAttribute('aria-pressed', String(on)),
    /** @param {boolean} hidden */
    setChart: (hidden) => void (chart.hidden = !hidden),
  };
}
