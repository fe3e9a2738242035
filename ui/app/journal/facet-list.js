/**
 * Facets: what of each field there is in the answer, counted by the server over all matches. A field that is filtered by
 * is counted without its own filter, so that its other values stay in sight. Only what is open is asked for.
 */

import './later.js';
import { get } from '../api.js';
import { el, fill, icon } from '../dom.js';
import { t } from '../i18n.js';
import { popover } from '../parts/menu.js';
import { failure, loader, skeleton } from '../parts/states.js';
import { TOP, facet, paramsOf } from './facet.js';
import { fieldList, label, learn, onTitles } from './fields.js';
import { toApi } from './query.js';

/** @typedef {import('./query.js').Query} Query */
/** @typedef {{values: {value: unknown, count: number}[], distinct: number, events: number}} Figures */

/** Words that have one value of each event. */
const WORDS = ['kind', 'actor_kind', 'level', 'hour', 'weekday', 'pattern'];
/** Columns of whole documents: nobody counts them. */
const DOCUMENTS = new Set(['raw', 'request_body', 'response_body', 'object_before', 'object_after', 'attributes', 'task_result', 'event_id']);

/**
 * @param {object} of
 * @param {import('./facets.js').Kept} of.state
 * @param {() => string[]} of.columns columns of the table
 * @param {() => void} of.remember
 * @param {() => boolean} of.visible whether anybody sees them
 */
export function facetList({ state, columns, remember, visible }) {
  /** @type {Query | null} */
  let asked = null;
  /** @type {Map<string, ReturnType<typeof facet>>} */
  const shown = new Map();
  const list = el('div', { class: 'facet-list' });
  const wrong = el('div');
  const add = el('button', { class: 'quiet facet-add', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', 'data-test': 'facet-add' }, icon('plus'), t('journal.facets.add'));
  add.addEventListener('click', () => popover(add, (close) => chooser(state.fields, (field) => (close(), insert(field))), { label: t('journal.facets.add'), class: 'facet-chooser' }));
  const differences = el('button', { class: 'quiet facet-add', 'aria-haspopup': 'dialog', 'data-test': 'differences-open', on: { click: async () => asked && (await import('./differences.js')).openDifferences(asked, state.fields) } }, icon('dashboards'), t('journal.differences.open'));
  const region = el('div', { class: 'facet-region' }, wrong, list);
  const element = el('div', { class: 'late' }, region, add, differences);
  const work = loader(region);

  /** @param {string} field */
  function made(field) {
    let one = shown.get(field);
    if (!one) {
      one = facet(field, {
        query: () => /** @type {Query} */ (asked),
        columns,
        isOpen: () => state.open.includes(field),
        onOpen(open) {
          state.open = open ? [...state.open, field] : state.open.filter((other) => other !== field);
          remember();
          if (open) void ask();
        },
        onRemove() {
          state.fields = state.fields.filter((other) => other !== field);
          remember();
          draw();
          add.focus();
        },
      });
      shown.set(field, one);
    }
    return one;
  }
  function draw() {
    const wanted = state.fields.map((field) => made(field).element);
    if (wanted.length !== list.childElementCount || wanted.some((one, at) => one !== list.children[at])) fill(list, wanted);
  }
  /** @param {string} field */
  function insert(field) {
    state.fields = [...state.fields, field];
    state.open = [...state.open, field];
    remember();
    draw();
    made(field).element.scrollIntoView({ block: 'nearest' });
    made(field).focus();
    void ask();
  }
  /** Asks for what is open and not of this query yet. */
  function ask() {
    const query = asked;
    if (!query || !visible()) return undefined;
    const of = toApi(query).toString();
    const wanted = state.fields.filter((field) => state.open.includes(field) && made(field).of !== of);
    if (wanted.length === 0) return undefined;
    return work.run(async (signal) => {
      try {
        await Promise.all(groups(wanted, query).map(([fields, params]) => fetchInto(fields, params, of, signal)));
        fill(wrong);
        region.classList.remove('is-old');
      } catch (error) {
        if (signal.aborted) throw error;
        // The facets that are there stay; what failed can be asked again.
        region.classList.add('is-old');
        fill(wrong, failure(error, () => void ask()));
      }
    });
  }
  /**
   * @param {string[]} fields
   * @param {URLSearchParams} params
   * @param {string} of
   * @param {AbortSignal} signal
   */
  async function fetchInto(fields, params, of, signal) {
    const answer = await get('/facets', params, signal);
    if (signal.aborted) return;
    for (const field of fields) made(field).show(answer.facets[field], of);
    const sources = (answer.facets.source?.values ?? []).map((/** @type {{value: unknown}} */ row) => String(row.value ?? ''));
    void learn(sources.filter(Boolean));
  }

  draw();
  const stopTitles = onTitles(() => shown.forEach((one) => one.retitle()));
  return {
    element,
    ask: () => void ask(),
    /** @param {Query} query */
    update(query) {
      asked = query;
      for (const one of shown.values()) one.mark(query);
      void ask();
    },
    /** Stops counting; what is there stays. */
    cancel() {
      if (region.getAttribute('aria-busy') === 'true') region.classList.add('is-old');
      work.stop();
    },
    /** Counts anew. */
    refresh() {
      for (const one of shown.values()) one.forget();
      void ask();
    },
    stop() {
      work.stop();
      stopTitles();
    },
  };
}

/**
 * Fields by the question that counts them: those that no filter is about together, each other one without its filters.
 * @param {string[]} fields
 * @param {Query} query
 * @returns {[string[], URLSearchParams][]}
 */
function groups(fields, query) {
  const isFiltered = (/** @type {string} */ field) => query.filters.some((one) => !one.off && one.field === field);
  const free = fields.filter((field) => !isFiltered(field));
  const alone = fields.filter(isFiltered).map((field) => /** @type {[string[], URLSearchParams]} */ ([[field], paramsOf(query, field)]));
  return free.length > 0 ? [[free, toApi(query, { fields: free.join(','), top: TOP })], ...alone] : alone;
}

/**
 * Choosing a field that is not there yet: columns, words, or the path of an attribute.
 * @param {string[]} present
 * @param {(field: string) => void} choose
 */
function chooser(present, choose) {
  const input = el('input', { type: 'search', autofocus: true, spellcheck: 'false', autocomplete: 'off', placeholder: t('journal.facets.find_field'), 'aria-label': t('journal.facets.find_field'), 'data-test': 'facet-find' });
  const list = el('div', { class: 'stack tight' }, skeleton(6));
  const one = (/** @type {string} */ field) => el('button', { type: 'button', class: 'quiet row', on: { click: () => choose(field) } }, el('span', { class: 'grow' }, label(field)), el('span', { class: 'mono muted small' }, field));
  const draw = async () => {
    const fields = (await fieldList()).filter((field) => !present.includes(field.name) && !DOCUMENTS.has(field.name) && (['text', 'number', 'boolean'].includes(field.kind) || WORDS.includes(field.name)));
    const wanted = input.value.trim().toLowerCase();
    const found = fields.filter((field) => field.name.includes(wanted) || label(field.name).toLowerCase().includes(wanted)).map((field) => field.name);
    if (/^(attributes|labels)\../.test(input.value.trim())) found.unshift(input.value.trim());
    fill(list, found.length > 0 ? found.map(one) : el('p', { class: 'muted' }, t('journal.facets.no_field')));
  };
  input.addEventListener('input', () => void draw());
  void draw();
  const first = (/** @type {Event} */ event) => {
    event.preventDefault();
    const button = list.querySelector('button');
    if (button) button.click();
  };
  return el('form', { class: 'stack', on: { submit: first } }, input, el('p', { class: 'muted small' }, t('journal.facets.attributes_hint')), list);
}
