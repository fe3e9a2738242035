/** The ledger: sums that close, sources and their silence, gaps of numbers, sums by day, key and source, the last batches. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ago, number, time } from '../format.js';
import { t } from '../i18n.js';
import { dropJunk, isDay, redraw } from '../parts/focus.js';
import { table } from '../parts/plain.js';
import { poll } from '../parts/poll.js';
import { empty, loader, skeleton } from '../parts/states.js';
import * as url from '../url.js';
import { counts, equations, ofWholeProject } from './sums.js';

/** @typedef {Record<string, any>} Line a line of sums, a source, or a batch, as the API has it */

const APART = ['day', 'key', 'source'];
const BATCHES = 20;
const RULES = { by: (/** @type {string} */ by) => by.split(',').every((one) => APART.includes(one)), from: isDay, to: isDay };

/**
 * What the sums are apart by, as the address says it.
 * @param {URLSearchParams} params
 */
function apart(params) {
  const asked = (params.get('by') ?? 'source').split(',').filter((one) => APART.includes(one));
  return APART.filter((one) => asked.includes(one));
}

/** @param {URLSearchParams} params */
function question(params) {
  return { by: apart(params).join(','), from: params.get('from'), to: params.get('to'), key: params.get('key'), source: params.get('source') };
}

/**
 * @param {HTMLElement} box
 * @param {url.Place} place
 * @returns {import('../routes.js').View}
 */
export function start(box, place) {
  const state = { asked: /** @type {string | null} */ (null), shown: '' };
  const sums = el('div', { class: 'stack' }, skeleton(8));
  const batches = el('section', { class: 'panel', hidden: true, 'data-test': 'batches' });
  const load = loader(sums);
  const loadBatches = loader(batches);
  fill(box, sums, batches);
  const ask = async (/** @type {AbortSignal} */ signal) => {
    const answer = await api.get('/ingest/ledger', question(url.here().params), signal);
    const text = JSON.stringify(answer);
    if (text === state.shown && !sums.querySelector('.failed')) return false;
    // Typing in a filter is not disturbed; the next answer shows it.
    if (state.shown && sums.contains(document.activeElement) && document.activeElement?.matches('input')) return false;
    state.shown = text;
    redraw(sums, () => drawLedger(sums, answer));
    return true;
  };
  const askBatches = async (/** @type {AbortSignal} */ signal) => {
    const answer = await api.get('/ingest/ledger/batches', { limit: BATCHES }, signal);
    redraw(batches, () => drawBatches(batches, answer.batches));
  };
  const watch = poll(async (signal) => {
    if (state.asked !== null && !batches.hidden && (await ask(signal))) await askBatches(signal);
    return true;
  }, { quick: 5_000 });
  function update(/** @type {url.Place} */ { params }) {
    if (dropJunk(params, RULES)) return;
    const asked = JSON.stringify(['project', 'by', 'from', 'to', 'key', 'source', 'tz'].map((name) => params.get(name)));
    if (asked === state.asked) return;
    state.asked = asked;
    state.shown = '';
    void load.run(async (signal) => {
      batches.hidden = !(await ofWholeProject(sums, () => ask(signal)));
      if (!batches.hidden) void loadBatches.run(askBatches);
    });
  }
  update(place);
  return { update, stop: () => (watch.stop(), load.stop(), loadBatches.stop()) };
}

/**
 * @param {HTMLElement} box
 * @param {Line} answer
 */
function drawLedger(box, answer) {
  const { totals } = answer;
  if (Number(totals.received) + Number(totals.opening) === 0) {
    return fill(box, empty(t('ingest.nothing'), t('ingest.nothing_why'), el('a', { class: 'button', href: '/api/docs' }, icon('external'), t('core.api'))));
  }
  const aside = [
    Object.keys(totals.rejected_by).length > 0 && el('div', null, el('h3', null, t('ingest.rejected_by')), counts('code', totals.rejected_by)),
    Object.keys(totals.remarks).length > 0 && el('div', null, el('h3', null, t('ingest.remarks')), counts('remark', totals.remarks)),
    Number(totals.late) > 0 && el('div', null, el('h3', null, t('ingest.late')), el('p', null, t('ingest.late_count', { n: Number(totals.late) }))),
  ];
  return fill(
    box,
    el('section', { class: 'panel stack', 'data-test': 'sums' }, el('div', { class: 'section-head' }, el('h2', null, t('ingest.sums')), el('span', { class: 'muted small' }, t('ingest.began', { time: time(answer.began, { fraction: false }) }))), equations(totals), aside.some(Boolean) && el('div', { class: 'aside-counts' }, aside)),
    el('section', { class: 'panel', 'data-test': 'sources' }, el('h2', null, t('ingest.sources')), sources(answer.sources)),
    el('section', { class: 'panel stack', 'data-test': 'lines' }, linesHead(), lines(answer.lines)),
  );
}

/** @param {Line[]} all */
function sources(all) {
  const order = [...all].sort((a, b) => Number(b.silent) - Number(a.silent) || String(b.last_received).localeCompare(String(a.last_received)));
  return table(
    t('ingest.sources'),
    [
      { title: t('ingest.source'), cell: (one) => el('a', { href: url.link('/', { source: one.source, period: 'all' }) }, one.source) },
      { title: t('ingest.state'), cell: (one) => (one.silent ? el('span', { class: 'badge warn' }, icon('warning'), t('ingest.silent')) : el('span', { class: 'badge good' }, icon('check'), t('ingest.sends'))) },
      { title: t('ingest.last_received'), cell: (one) => moment(one.last_received) },
      { title: t('ingest.last_event'), cell: (one) => moment(one.last_event) },
      { title: t('ingest.sequences'), cell: sequences },
    ],
    order,
    (one) => ({ 'data-test': 'source', data: { id: one.source } }),
  );
}

/** @param {string | null} at */
function moment(at) {
  return at && el('time', { datetime: at, title: time(at) }, el('span', { class: 'nowrap' }, ago(at)), el('span', { class: 'muted small nowrap' }, ` · ${time(at, { fraction: false })}`));
}

/** @param {Line} source */
function sequences(source) {
  return (source.sequences ?? []).map((/** @type {Line} */ one) => {
    const place = [one.tenant_id, one.dataset].filter(Boolean).join(' · ');
    const range = `${number(one.first)}–${number(one.last)}`;
    if (Number(one.missing) === 0) return el('div', { class: 'small' }, `${place} `, el('span', { class: 'muted' }, t('ingest.no_gaps', { range })));
    const gaps = one.gaps.map((/** @type {[number, number]} */ [from, to]) => el('li', { class: 'mono' }, from === to ? number(from) : `${number(from)}–${number(to)}`));
    return el('details', { class: 'small', 'data-test': 'gaps' }, el('summary', null, `${place} `, el('span', { class: 'badge bad' }, icon('warning'), t('ingest.missing', { n: Number(one.missing) })), ` ${t('ingest.of_range', { range })}`), el('ul', null, gaps));
  });
}

function linesHead() {
  const { params } = url.here();
  const by = apart(params);
  const flip = (/** @type {string} */ one) => url.change({ by: APART.filter((other) => by.includes(other) !== (other === one)).join(',') || 'source' });
  const given = (/** @type {string} */ name, /** @type {string} */ type, /** @type {string} */ label) =>
    el('label', { class: 'inline' }, label, el('input', { type, value: params.get(name) ?? '', 'data-test': `ledger-${name}`, class: type === 'text' ? 'ledger-text' : '', on: { change: (/** @type {Event} */ event) => url.change({ [name]: /** @type {HTMLInputElement} */ (event.target).value.trim() }) } }));
  return el(
    'div',
    { class: 'stack tight' },
    el('div', { class: 'section-head' }, el('h2', null, t('ingest.lines')), el('span', { class: 'muted', id: 'ledger-by' }, t('ingest.by')), el('div', { class: 'group', role: 'group', 'aria-labelledby': 'ledger-by' }, APART.map((one) => el('button', { 'aria-pressed': String(by.includes(one)), 'data-test': `by-${one}`, on: { click: () => flip(one) } }, t(`ingest.by_${one}`))))),
    el('div', { class: 'row wrap' }, given('from', 'date', t('ingest.from')), given('to', 'date', t('ingest.to')), given('source', 'text', t('ingest.source')), given('key', 'text', t('ingest.key'))),
  );
}

/** @param {Line[]} all */
function lines(all) {
  if (all.length === 0) return empty(t('ingest.no_lines'), null, el('button', { on: { click: () => url.change({ from: null, to: null, source: null, key: null }) } }, t('ingest.clear')));
  const by = apart(url.here().params);
  /** @type {import('../parts/plain.js').Column<Line>[]} */
  const first = by.map((one) => ({ title: t(`ingest.by_${one}`), cell: (line) => (one === 'day' && line.day === 'earlier' ? t('ingest.earlier') : one === 'key' ? el('code', null, line.key ?? t('ingest.server')) : line[one]) }));
  const sum = (/** @type {string} */ name) => ({ title: t(`ingest.${name}`), number: true, cell: (/** @type {Line} */ line) => number(line[name]) });
  return table(
    t('ingest.lines'),
    [
      ...first,
      sum('batches'),
      sum('received'),
      sum('accepted'),
      sum('duplicates'),
      { title: t('ingest.rejected_lines'), number: true, cell: (line) => (Number(line.rejected) > 0 ? el('span', { class: 'warn-text', title: by_code(line.rejected_by) }, number(line.rejected)) : number(line.rejected)) },
      sum('late'),
      { title: t('ingest.last_received'), cell: (line) => line.last_received && el('time', { datetime: line.last_received, title: time(line.last_received) }, ago(line.last_received)) },
    ],
    all,
    () => ({ 'data-test': 'ledger-line' }),
  );
}

/** @param {Record<string, number>} counts */
function by_code(counts) {
  return Object.entries(counts).map(([code, count]) => `${code}: ${number(count)}`).join('\n');
}

/**
 * @param {HTMLElement} box
 * @param {Line[]} all
 */
function drawBatches(box, all) {
  const total = (/** @type {Record<string, number>} */ counts) => Object.values(counts).reduce((sum, count) => sum + Number(count), 0);
  const at = (/** @type {Line} */ one) => new Date(Number(one.received_at) / 1000).toISOString();
  fill(
    box,
    el('h2', null, t('ingest.last_batches')),
    all.length === 0
      ? el('p', { class: 'muted' }, t('core.nothing'))
      : table(
          t('ingest.last_batches'),
          [
            { title: t('ingest.received_at'), class: 'nowrap', cell: (one) => el('time', { datetime: at(one), title: ago(at(one)) }, time(at(one))) },
            { title: t('ingest.batch'), cell: (one) => (one.batch ? el('code', { class: 'small' }, one.batch) : el('span', { class: 'badge bad' }, icon('close'), t('ingest.refused_whole'))) },
            { title: t('ingest.source'), cell: (one) => one.sources.join(', ') },
            { title: t('ingest.key'), cell: (one) => one.key && el('code', { class: 'small' }, one.key) },
            { title: t('ingest.received'), number: true, cell: (one) => number(one.received) },
            { title: t('ingest.accepted'), number: true, cell: (one) => number(one.accepted) },
            { title: t('ingest.duplicates'), number: true, cell: (one) => number(one.duplicates) },
            { title: t('ingest.rejected_lines'), number: true, cell: (one) => (total(one.rejected) > 0 ? el('a', { href: url.link('/ingest/rejected', { batch: one.batch }), title: by_code(one.rejected) }, number(total(one.rejected))) : '0') },
          ],
          all,
          () => ({ 'data-test': 'batch' }),
        ),
  );
}
