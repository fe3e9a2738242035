/** Making and changing a tile: what it is of, how it looks, and how that looks now. */

import { el, fill } from '../dom.js';
import { LANGUAGES, language, t } from '../i18n.js';
import { isField } from '../journal/query.js';
import { fieldList, label } from '../journal/fields.js';
import { keyOf } from '../journal/query.js';
import { parseText, text as queryText } from '../journal/terms.js';
import { openDialog } from '../parts/dialog.js';
import { field, form, select } from '../parts/form.js';
import { KINDS, ROUTES, filtersOf } from './model.js';
import { TileView, titleOf } from './tile.js';

/** @typedef {import('./model.js').Tile} Tile */
/** @typedef {import('../sql/named.js').NamedQuery} NamedQuery */

const METRICS = ['count', 'distinct', 'sum', 'avg', 'min', 'max', 'p50', 'p90', 'p95', 'p99'];
const STEPS = ['', '5m', '15m', '1h', '6h', '1d', '1w', '1mo'];
/** Which looks a route has. @type {Record<string, readonly string[]>} */
const LOOKS = { histogram: ['bars', 'line', 'stat', 'pie', 'table'], aggregate: KINDS, facets: ['bars', 'pie', 'table', 'stat'], query: KINDS };

/**
 * @param {Tile} tile
 * @param {{title: string, action: string, period: import('../period.js').Period, queries: NamedQuery[], onDone: (tile: Tile) => void}} of
 */
export async function openTileForm(tile, { title, action, period, queries, onDone }) {
  const fields = await fieldList();
  const names = fields.filter((one) => one.kind !== 'list').map((one) => one.name);
  let now = structuredClone(tile);
  const parts = el('div', { class: 'stack' });
  const preview = el('div', { class: 'tile-preview' });
  const wrong = el('p', { class: 'field-error', role: 'alert' });
  /** @type {TileView | null} */
  let view = null;
  let waiting = 0;

  /** @param {Partial<Tile>} change */
  const change = (change) => {
    now = { ...now, ...change };
    clearTimeout(waiting);
    waiting = setTimeout(show, 350);
  };
  const show = () => {
    view?.stop();
    view = new TileView(now, {});
    fill(preview, view.element);
    void view.load(period, queries);
  };
  /** @param {string} name @param {string} value */
  const param = (name, value) => {
    const params = { ...now.ask.params };
    if (value === '') delete params[name];
    else params[name] = value;
    change({ ask: { ...now.ask, params } });
  };

  const draw = () => {
    name.placeholder = titleOf({ ...now, titles: {} });
    fill(parts, ...sections({ tile: now, now: () => now, names, numbers: fields.filter((one) => one.kind === 'number').map((one) => one.name), queries, change, param, redraw: draw, wrong }), wrong);
  };
  const name = el('input', { type: 'text', maxlength: 120, value: titleOf(now) === t(`dashboards.route_${now.ask.route}`) ? '' : titleOf(now), placeholder: titleOf({ ...now, titles: {} }), autofocus: true, 'data-test': 'tile-title', on: { input: () => change({ titles: name.value.trim() === '' ? {} : Object.fromEntries(LANGUAGES.map((one) => [one, one === language() || !now.titles[one] || Object.values(tile.titles).every((same) => same === tile.titles.en) ? name.value.trim() : now.titles[one] ?? name.value.trim()])) }) } });
  draw();
  openDialog(
    title,
    (dialog) => [
      el('div', { class: 'tile-form' }, form({ fields: [field(t('dashboards.title'), name), parts], action, test: 'tile-form', onCancel: dialog.close, onSubmit: async () => (onDone(now), dialog.close()) }), preview),
    ],
    { wide: true, onClose: () => (clearTimeout(waiting), view?.stop()) },
  );
  show();
}

/**
 * @typedef {object} Sections
 * @property {Tile} tile as it is drawn
 * @property {() => Tile} now as it was changed since
 * @property {string[]} names
 * @property {string[]} numbers
 * @property {NamedQuery[]} queries
 * @property {(change: Partial<Tile>) => void} change
 * @property {(name: string, value: string) => void} param
 * @property {() => void} redraw
 * @property {HTMLElement} wrong
 */

/** @param {Sections} of */
function sections(of) {
  const { tile, change, redraw, queries } = of;
  const { route } = tile.ask;
  const looks = LOOKS[route] ?? KINDS;
  const onRoute = (/** @type {string} */ value) => {
    const next = /** @type {import('./model.js').TileRoute} */ (value);
    const filters = route === 'query' ? {} : filtersOf(tile);
    const params = /** @type {Record<string, any>} */ ({ histogram: { by: 'outcome', ...filters }, aggregate: { by: 'module', metric: 'count', top: '10', ...filters }, facets: { fields: 'module', top: '10', ...filters }, query: {} })[next];
    change({ kind: LOOKS[next]?.includes(tile.kind) ? tile.kind : 'bars', drill: undefined, ask: next === 'query' ? { route: next, name: queries.find((one) => !one.error)?.name ?? '', params } : { route: next, params } });
    redraw();
  };
  return [
    el('div', { class: 'tile-fields' }, field(t('dashboards.of'), choose(ROUTES.map((one) => [one, t(`dashboards.route_${one}`)]), route, onRoute, 'tile-route')), field(t('dashboards.look'), choose(looks.map((one) => [one, t(`dashboards.kind_${one}`)]), tile.kind, (value) => change({ kind: /** @type {Tile['kind']} */ (value) }), 'tile-kind')), field(t('dashboards.width'), choose(['1', '2', '3', '4'].map((one) => [one, one]), String(tile.width), (value) => change({ width: Number(value) }), 'tile-width'))),
    route === 'query' ? queryPart(of) : figurePart(of),
    route === 'query' ? null : filterPart(of),
  ].filter((one) => one !== null);
}

/**
 * @param {[string, string][]} options
 * @param {string} value
 * @param {(value: string) => void} onChoose
 * @param {string} test
 */
function choose(options, value, onChoose, test) {
  const input = select(options, value, { 'data-test': test, on: { change: () => onChoose(input.value) } });
  return input;
}

/** @param {Sections} of */
function figurePart({ tile, names, numbers, param, redraw }) {
  const { route, params } = tile.ask;
  const fieldOptions = (/** @type {string[]} */ list, /** @type {string | null} */ none) => /** @type {[string, string][]} */ ([...(none === null ? [] : [['', none]]), ...list.map((name) => [name, label(name)])]);
  const of = (/** @type {string} */ name) => String(params[name] ?? '');
  const parts = [];
  if (route === 'aggregate') parts.push(field(t('dashboards.metric'), choose(METRICS.map((one) => [one, t(`dashboards.metric_${one}`)]), of('metric') || 'count', (value) => (param('metric', value), param('of', value === 'count' ? '' : of('of') || (value === 'distinct' ? 'actor_id' : 'duration_ns')), redraw()), 'tile-metric')));
  if (route === 'aggregate' && of('metric') !== '' && of('metric') !== 'count') parts.push(field(t('dashboards.metric_of'), choose(fieldOptions(of('metric') === 'distinct' ? names : numbers, null), of('of'), (value) => param('of', value), 'tile-of')));
  if (route === 'facets') parts.push(field(t('dashboards.field'), choose(fieldOptions(names, null), of('fields'), (value) => param('fields', value), 'tile-field')));
  else parts.push(field(t('dashboards.by'), choose(fieldOptions(names, t('dashboards.not_split')), of('by'), (value) => param('by', value), 'tile-by')));
  if (route === 'aggregate') parts.push(field(t('dashboards.step'), choose(STEPS.map((one) => [one, one === '' ? t('dashboards.no_step') : one]), of('step'), (value) => param('step', value), 'tile-step')));
  const top = el('input', { type: 'number', min: 1, max: 100, value: of('top') || '10', on: { change: () => param('top', top.value) } });
  parts.push(field(t('dashboards.top'), top));
  return el('div', { class: 'tile-fields' }, parts);
}

/** @param {Sections} of */
function queryPart({ tile, now, queries, change, redraw }) {
  const known = queries.filter((one) => !one.error);
  const query = known.find((one) => one.name === tile.ask.name);
  const picked = choose(known.map((one) => [one.name, one.title ?? one.name]), tile.ask.name ?? '', (value) => (change({ ask: { route: 'query', name: value, params: {} } }), redraw()), 'tile-query');
  const inputs = (query?.parameters ?? []).filter((parameter) => parameter.name !== 'from' && parameter.name !== 'to');
  return el(
    'div',
    { class: 'stack' },
    field(t('dashboards.query'), picked, query?.description),
    el('div', { class: 'tile-fields' }, inputs.map((parameter) => {
      const input = el('input', { type: 'text', value: String(tile.ask.params[parameter.name] ?? ''), placeholder: parameter.default ?? '', on: { change: () => change({ ask: { ...now().ask, params: Object.fromEntries(Object.entries({ ...now().ask.params, [parameter.name]: input.value }).filter(([, value]) => value !== '')) } }) } });
      return field(parameter.name, input, parameter.meaning);
    })),
  );
}

/** The filter of a tile as a line of text, in the journal's own words. @param {Sections} of */
function filterPart({ tile, now, change, wrong }) {
  const filters = Object.entries(filtersOf(tile)).filter(([key]) => key !== 'q');
  const written = queryText({ filters: filters.map(([key, value]) => ({ field: key.replace(/[!~^<>]+$/, ''), op: /** @type {any} */ (`${/[!~^<>]+$/.exec(key)?.[0] ?? ''}=`), values: [value].flat(), off: false })), q: String(tile.ask.params.q ?? '') });
  const input = el('input', { type: 'text', value: written, placeholder: 'module:couriers outcome:failure', spellcheck: 'false', 'data-test': 'tile-filter' });
  input.addEventListener('change', () => {
    const parsed = parseText(input.value, isField);
    fill(wrong, parsed.problems.length > 0 ? t('dashboards.wrong_filter', { text: input.value.slice(parsed.problems[0]?.at ?? 0) }) : null);
    if (parsed.problems.length > 0) return;
    const { ask } = now();
    const kept = Object.entries(ask.params).filter(([key]) => !(key in filtersOf({ ...now(), drill: undefined })));
    /** @type {Record<string, any>} */
    const params = Object.fromEntries(kept);
    delete params.q;
    for (const one of parsed.filters) if (!one.off) params[keyOf(one)] = [...[params[keyOf(one)] ?? []].flat(), ...one.values];
    if (parsed.q) params.q = parsed.q;
    if (parsed.groups.length > 0) params.filter = parsed.groups;
    change({ drill: undefined, ask: { ...ask, params } });
  });
  return field(t('dashboards.filter'), input, t('dashboards.filter_hint'));
}
