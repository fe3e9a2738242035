/** Rejected lines: how many of which reason, the newest ones, downloading them all, and sending them again with a mended mapping. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { ago, number, time } from '../format.js';
import { t } from '../i18n.js';
import { openDialog } from '../parts/dialog.js';
import { field, form, select } from '../parts/form.js';
import { redraw } from '../parts/focus.js';
import { longText, table } from '../parts/plain.js';
import { empty, loader, skeleton } from '../parts/states.js';
import { may } from '../session.js';
import * as url from '../url.js';
import { named, ofWholeProject } from './sums.js';

/** @typedef {Record<string, any> & {id: string}} Letter as the API has it */

const LIMIT = 200;

/** @param {URLSearchParams} params */
function which(params) {
  return { code: params.get('code'), batch: params.get('batch'), key: params.get('key'), mapping: params.get('mapping') };
}

/**
 * @param {HTMLElement} box
 * @param {url.Place} place
 * @returns {import('../routes.js').View}
 */
export function start(box, place) {
  const state = { asked: /** @type {string | null} */ (null), chosen: /** @type {Set<string>} */ (new Set()) };
  const region = el('section', { class: 'stack', 'data-test': 'rejected', 'aria-label': t('ingest.rejected') }, skeleton(8));
  const load = loader(region);
  fill(box, region);
  const again = () => {
    state.chosen.clear();
    void load.run(async (signal) => {
      const { params } = url.here();
      const ask = (/** @type {Record<string, any>} */ asked) => api.get('/ingest/dead-letters', asked, signal);
      await ofWholeProject(region, async () => {
        const wanted = which(params);
        const isNarrow = Object.values(wanted).some(Boolean);
        const [shown, all] = await Promise.all([ask({ ...wanted, limit: LIMIT }), isNarrow ? ask({ limit: 1 }) : null]);
        redraw(region, () => draw(region, all ?? shown, shown, state.chosen, again));
      });
    });
  };
  function update(/** @type {url.Place} */ { params }) {
    const asked = JSON.stringify([params.get('project'), which(params), params.get('tz')]);
    if (asked === state.asked) return;
    state.asked = asked;
    again();
  }
  update(place);
  return { update, stop: () => load.stop() };
}

/**
 * @param {HTMLElement} region
 * @param {Record<string, any>} all counts of everything that is kept
 * @param {Record<string, any>} shown what the address asks for
 * @param {Set<string>} chosen ids
 * @param {() => void} again
 */
function draw(region, all, shown, chosen, again) {
  const { params } = url.here();
  if (Number(all.count) === 0) return fill(region, empty(t('ingest.no_rejected'), t('ingest.no_rejected_why')));
  const narrow = Object.entries(which(params)).filter(([name, value]) => value && name !== 'code');
  const code = params.get('code');
  const chip = (/** @type {string | null} */ of, /** @type {string} */ label, /** @type {number} */ count) =>
    el('button', { 'aria-pressed': String(code === of), title: of ?? '', 'data-test': `code-${of ?? 'all'}`, on: { click: () => url.change({ code: of }) } }, label, el('span', { class: 'count' }, number(count)));
  const replay = el('button', { class: 'primary', 'data-test': 'replay', on: { click: () => replayDialog(Number(shown.count), [...chosen], again) } }, icon('refresh'), t('ingest.replay'));
  fill(
    region,
    el('p', { class: 'muted' }, t('ingest.rejected_what', { n: Number(all.count) }), all.oldest != null && ` ${t('ingest.oldest', { when: ago(new Date(Number(all.oldest) / 1000)) })}`),
    el('div', { class: 'row wrap', role: 'group', 'aria-label': t('ingest.reasons') }, chip(null, t('ingest.all_reasons'), all.count), Object.entries(all.codes).map(([name, count]) => chip(name, named('code', name), count))),
    narrow.length > 0 && el('div', { class: 'row wrap' }, narrow.map(([name, value]) => el('span', { class: 'chip' }, el('button', { class: 'chip-text', 'aria-label': t('ingest.unfilter', { what: `${name}=${value}` }), on: { click: () => url.change({ [name]: null }) } }, `${t(`ingest.${name}`)}: ${value}`, icon('close'))))),
    el('div', { class: 'section-head' }, el('span', { class: 'grow muted' }, t('ingest.shown_of', { n: Number(shown.count), shown: shown.letters.length })), el('a', { class: 'button', href: api.href('/ingest/dead-letters/download', which(params)), download: 'rejected.ndjson', 'data-test': 'rejected-download' }, icon('download'), t('ingest.download_all')), may('ingest') && replay),
    shown.letters.length === 0 ? empty(t('ingest.none_fit'), null, el('button', { on: { click: () => url.change({ code: null, batch: null, key: null, mapping: null }) } }, t('ingest.clear'))) : letters(shown.letters, chosen),
  );
  return undefined;
}

/**
 * @param {Letter[]} all
 * @param {Set<string>} chosen
 */
function letters(all, chosen) {
  const choose = (/** @type {Event} */ event, /** @type {Letter} */ one) => void (/** @type {HTMLInputElement} */ (event.target).checked ? chosen.add(one.id) : chosen.delete(one.id));
  // The label makes the target large enough for a finger.
  const box = (/** @type {Letter} */ one) =>
    el('label', { class: 'check choose' }, el('input', { type: 'checkbox', disabled: one.cut, 'data-test': 'choose', on: { change: (/** @type {Event} */ event) => choose(event, one) } }), el('span', { class: 'visually-hidden' }, t('ingest.choose_line', { line: one.line, batch: one.batch })));
  const at = (/** @type {Letter} */ one) => new Date(Number(one.received_at) / 1000).toISOString();
  return table(
    t('ingest.rejected'),
    [
      { title: t('ingest.choose'), quiet: true, cell: box },
      { title: t('ingest.received_at'), class: 'nowrap', cell: (one) => el('time', { datetime: at(one), title: ago(at(one)) }, time(at(one), { fraction: false })) },
      { title: t('ingest.reason'), cell: (one) => [named('code', one.code), el('div', { class: 'small muted' }, el('code', null, one.code))] },
      { title: t('ingest.text'), class: 'letter-text', cell: (one) => [longText(one.text), one.cut && el('span', { class: 'badge warn' }, icon('warning'), t('ingest.cut'))] },
      { title: t('ingest.sent_by'), cell: (one) => [one.source, one.key && el('code', { class: 'small' }, ` ${one.key}`), one.mapping && el('div', { class: 'small' }, el('a', { href: url.link(`/ingest/mappings/${encodeURIComponent(one.mapping)}`, { from: one.id }) }, t('ingest.mapping_of', { name: one.mapping })))] },
      { title: t('ingest.line'), number: true, cell: (one) => [number(one.line), el('div', { class: 'small muted letter-batch', title: one.batch }, el('a', { href: url.link('/ingest/rejected', { batch: one.batch }) }, t('ingest.batch')))] },
      { title: t('ingest.try'), quiet: true, cell: (one) => may('ingest') && el('a', { class: 'button quiet', href: one.mapping ? url.link(`/ingest/mappings/${encodeURIComponent(one.mapping)}`, { from: one.id }) : url.link('/ingest/mappings', { new: '1', from: one.id }), 'data-test': 'letter-try' }, t('ingest.try')) },
    ],
    all,
    (one) => ({ 'data-test': 'letter', data: { id: one.id } }),
  );
}

/**
 * @param {number} count lines that the filters find
 * @param {string[]} ids those that were ticked
 * @param {() => void} again
 */
async function replayDialog(count, ids, again) {
  const mappings = await api.get('/mappings').catch(() => []);
  openDialog(t('ingest.replay'), (dialog) => {
    const own = /** @type {[string, string]} */ (['', t('ingest.own_mapping')]);
    const mapping = select([own, ...mappings.map((/** @type {{name: string, title: string}} */ one) => /** @type {[string, string]} */ ([one.name, `${one.name} · ${one.title}`]))], '', { 'data-test': 'replay-mapping' });
    const outcome = el('div', { role: 'status' });
    const send = async () => {
      const body = { ...(ids.length > 0 ? { ids } : { which: which(url.here().params) }), mapping: mapping.value || null };
      const total = { sent: 0, accepted: 0, duplicates: 0, rejected: 0, cut: 0 };
      /** @type {Record<string, any>} */
      let answer;
      let errors = /** @type {Record<string, any>[]} */ ([]);
      do {
        answer = await api.post('/ingest/dead-letters/replay', body);
        for (const name of /** @type {(keyof typeof total)[]} */ (Object.keys(total))) total[name] += Number(answer[name]);
        errors = [...errors, ...answer.errors].slice(0, 20);
        fill(outcome, replayed(total, errors));
        // What is refused again stays on the list: only while something leaves it there is more to send.
      } while (answer.more && Number(answer.accepted) + Number(answer.duplicates) > 0);
      again();
    };
    return form({
      fields: [el('p', null, ids.length > 0 ? t('ingest.replay_chosen', { n: ids.length }) : t('ingest.replay_all', { n: count })), field(t('ingest.read_with'), mapping, t('ingest.read_with_what')), outcome],
      action: t('ingest.replay_send'),
      onSubmit: send,
      onCancel: dialog.close,
      test: 'replay-form',
    });
  });
}

/**
 * @param {Record<string, number>} total
 * @param {Record<string, any>[]} errors
 */
function replayed(total, errors) {
  return el(
    'div',
    { class: 'stack tight', 'data-test': 'replayed' },
    el('p', null, icon(total.rejected ? 'warning' : 'check'), ' ', t('ingest.replayed', { sent: total.sent ?? 0, accepted: total.accepted ?? 0, duplicates: total.duplicates ?? 0, rejected: total.rejected ?? 0 })),
    (total.cut ?? 0) > 0 && el('p', { class: 'muted' }, t('ingest.replay_cut', { n: total.cut ?? 0 })),
    errors.length > 0 && el('ul', { class: 'small' }, errors.map((one) => el('li', { class: 'break' }, el('code', null, one.code), ` ${one.message}`))),
  );
}
