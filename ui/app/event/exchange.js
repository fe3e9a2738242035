/** What was sent and what came back: address, status, headers, body readable and raw, as a file. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { placeOf, statusBadge } from '../event.js';
import { bytes, duration } from '../format.js';
import { t } from '../i18n.js';
import { copyButton } from '../parts/copy.js';
import { folded } from '../parts/diff.js';
import { isBranch, jsonView } from '../parts/jsonview.js';
import { textNode, visible } from '../visible.js';
import { byteLength, read } from './body.js';

/** @typedef {import('../event.js').Event} Event */
/** @typedef {'request' | 'response'} Side */

/** Characters of a body that are shown at once. */
const SHOWN_MAX = 100_000;
/** A stored file up to this size is shown in the page. */
const FETCH_MAX = 1_000_000;

/**
 * Whether an event has a request, or a response, to show. Rows of lists leave the bodies out and say their sizes.
 * @param {Event} event
 * @param {Side} side
 */
export function hasSide(event, side) {
  const file = fileOf(event, side);
  const body = event[`${side}_body`] != null || Number(event[`${side}_body_size`] ?? 0) > 0 || isBranch(event[`${side}_headers`]) || file != null;
  return body || (side === 'request' && (event.url != null || event.http_method != null));
}

/**
 * The stored file of a body that is too big for a column.
 * @param {Event} event
 * @param {Side} side
 */
function fileOf(event, side) {
  return Array.isArray(event.attachments) ? event.attachments.find((one) => one.role === side) : undefined;
}

/**
 * @param {HTMLElement} panel
 * @param {Event} event whole
 * @param {Side} side
 */
export function showSide(panel, event, side) {
  const headers = event[`${side}_headers`];
  fill(panel, head(event, side), isBranch(headers) && Object.keys(headers).length > 0 && folded(t('event.exchange.headers', { n: Object.keys(headers).length }), () => pairs(Object.entries(headers))), bodyOf(event, side));
}

/**
 * @param {Event} event
 * @param {Side} side
 */
function head(event, side) {
  const line = side === 'request' ? [event.http_method && el('strong', { class: 'mono' }, event.http_method), event.url && el('span', { class: 'mono break', dir: 'ltr' }, textNode(String(event.url)))] : [statusBadge(event), event.duration_ns != null && el('span', { class: 'muted' }, duration(event.duration_ns)), event.error_message && el('span', { class: 'break', dir: 'auto' }, visible(String(event.error_message)))];
  return el('div', { class: 'row wrap exchange-head' }, line, event.peer_name && el('span', { class: 'muted' }, `${t(`event.exchange.${side === 'request' ? 'to' : 'from'}`)} `, el('bdi', null, visible(event.peer_name))));
}

/**
 * @param {[string, unknown][]} all
 */
function pairs(all) {
  return el('dl', { class: 'facts mono small' }, all.map(([name, value]) => el('div', { class: 'fact' }, el('dt', null, visible(name)), el('dd', null, el('span', { class: 'fact-value', dir: 'auto' }, visible(String(value)))))));
}

/**
 * @param {Event} event
 * @param {Side} side
 */
function bodyOf(event, side) {
  const text = event[`${side}_body`];
  const file = fileOf(event, side);
  const size = event[`${side}_body_size`] ?? file?.size;
  const content = el('div', { class: 'exchange-body' });
  const type = event[`${side}_content_type`] ?? file?.content_type;
  const path = `/events/${encodeURIComponent(event.event_id)}/${side}`;
  const there = typeof text === 'string' || file != null;
  const cut = typeof text === 'string' && size != null && Number(size) > byteLength(text);
  const raw = { on: false, text: typeof text === 'string' ? text : '' };
  const toggle = el('button', { class: 'quiet', 'aria-pressed': 'false', hidden: typeof text !== 'string', 'data-test': 'body-raw', on: { click: () => ((raw.on = !raw.on), draw()) } }, t('event.exchange.raw'));
  const copies = copyButton(() => raw.text, t('event.exchange.copy_body'));
  copies.hidden = typeof text !== 'string';
  const draw = () => {
    toggle.setAttribute('aria-pressed', String(raw.on));
    fill(content, raw.on ? plainText(raw.text) : readable(raw.text, type, t(`event.tab.${side}`)));
  };
  if (typeof text === 'string') draw();
  else if (file) fill(content, stored(path, event, file, (found) => ((raw.text = found), (toggle.hidden = copies.hidden = false), draw())));
  else fill(content, el('p', { class: 'muted' }, t('event.exchange.no_body')));
  return el(
    'section',
    { class: 'stack tight' },
    there && el('div', { class: 'row wrap between panel-head' }, el('span', { class: 'muted' }, [type, size != null && bytes(size)].filter(Boolean).join(' · ')), el('span', { class: 'row' }, toggle, copies, el('a', { class: 'button quiet', href: api.href(path, placeOf(event)), download: '', 'data-test': `download-${side}` }, icon('download'), t('core.download')))),
    cut && el('p', { class: 'notice' }, icon('warning'), file ? t('event.exchange.cut_stored', { size: bytes(size) }) : t('event.exchange.cut', { size: bytes(size), shown: bytes(byteLength(String(text))) })),
    content,
  );
}

/**
 * A body that is kept as a file: shown on demand where it is small enough.
 * @param {string} path
 * @param {Event} event
 * @param {any} file
 * @param {(text: string) => void} show
 */
function stored(path, event, file, show) {
  if (Number(file.size) > FETCH_MAX || !/json|xml|text|html|urlencoded|javascript|csv/i.test(file.content_type ?? '')) return el('p', { class: 'muted' }, t('event.exchange.as_file'));
  const button = el('button', null, t('event.exchange.show_file', { size: bytes(file.size) }));
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      show(await (await api.send('GET', path, { params: placeOf(event), headers: { Accept: '*/*' } })).text());
    } finally {
      button.disabled = false;
    }
  });
  return button;
}

/**
 * @param {string} text
 * @param {string | undefined} type
 * @param {string} label
 */
function readable(text, type, label) {
  if (text === '') return el('p', { class: 'muted' }, t('event.exchange.no_body'));
  const found = read(text, type);
  if (found.kind === 'json') return jsonView(found.value, { label });
  if (found.kind === 'form') return pairs(found.pairs);
  return plainText(found.kind === 'xml' ? found.text : text);
}

/**
 * A text as it is; what is long comes in pieces.
 * @param {string} text
 * @returns {HTMLElement}
 */
export function plainText(text) {
  const block = el('pre', { class: 'code', tabIndex: 0, dir: 'auto' }, visible(text.slice(0, SHOWN_MAX)));
  if (text.length <= SHOWN_MAX) return block;
  let shown = SHOWN_MAX;
  const more = el('button', null);
  const label = () => (more.textContent = t('event.json.rest', { n: text.length - shown }));
  more.addEventListener('click', () => {
    block.append(visible(text.slice(shown, shown + SHOWN_MAX * 4)));
    shown += SHOWN_MAX * 4;
    if (shown >= text.length) more.remove();
    else label();
  });
  label();
  return el('div', { class: 'stack tight' }, block, more);
}
