/**
 * Changes field by field: path, what was (−), what is (+). A sign and `<del>`/`<ins>` say it as well as the colour.
 *
 * Takes changes as `/events/{id}/changes` and `/objects/…/diff` give them: `path`, `op`, `before`, `after`, `parts`, `text_diff`,
 * meanings. Long texts are told word by word, longer ones by the server's unified difference; lists of
 * objects part by part; whatever is long opens on demand.
 */

import { el, fill, icon } from '../dom.js';
import { words } from '../event/words.js';
import { pick, t } from '../i18n.js';
import { stringify } from '../json.js';
import { textNode, visible } from '../visible.js';
import { isBranch, jsonView } from './jsonview.js';
import { openMenu } from './menu.js';

/**
 * @typedef {object} Change
 * @property {string} path
 * @property {'add' | 'remove' | 'replace' | 'set'} op
 * @property {unknown} [before]
 * @property {unknown} [after]
 * @property {any} [before_meaning]
 * @property {any} [after_meaning]
 * @property {Change[]} [parts]
 * @property {{unified?: string, added: number, removed: number, skipped?: string}} [text_diff]
 * @property {string[]} [event_ids] the events that made it
 */

/** @typedef {{items?: (change: Change) => (import('./menu.js').Item | 'line')[], events?: (ids: string[]) => HTMLElement}} Options */

/** Changes that are shown at once. */
const CHUNK = 80;
/** A value of more characters opens on demand. */
const INLINE_MAX = 240;
const TEXT_MAX = 4_000;
/** Texts of more lines are compared line by line. */
const WORDS_LINES = 12;

/**
 * @param {Change[]} changes
 * @param {Options} [options]
 * @returns {HTMLElement}
 */
export function changeList(changes, options = {}) {
  const list = el('ul', { class: 'changes', 'data-test': 'changes' });
  const grow = (/** @type {number} */ from) => {
    list.append(...changes.slice(from, from + CHUNK).map((change) => one(change, options, change.path)));
    const rest = changes.length - from - CHUNK;
    if (rest <= 0) return;
    const more = el('li', null, el('button', { class: 'link', on: { click: () => (more.remove(), grow(from + CHUNK)) } }, t('event.changes.more', { n: rest })));
    list.append(more);
  };
  grow(0);
  return list;
}

/**
 * @param {Change} change
 * @param {Options} options
 * @param {string} label
 * @returns {HTMLElement}
 */
function one(change, options, label) {
  const parts = change.parts ?? [];
  const item = el('li', { class: 'change' }, el('div', { class: 'change-path' }, sign(change.op), pathButton(change, options, label)));
  if (parts.length > 0) {
    const inner = parts.map((part) => one(part, options, part.path.startsWith(`${change.path}.`) ? part.path.slice(change.path.length + 1) : part.path));
    item.append(el('ul', { class: 'changes inner' }, inner), folded(t('event.changes.whole'), () => values({ ...change, parts: [] })));
  } else item.append(values(change));
  if (change.event_ids && options.events) item.append(options.events(change.event_ids));
  return item;
}

/** @param {Change['op']} op */
function sign(op) {
  const name = { add: 'plus', remove: 'minus', replace: 'edit', set: 'edit' }[op] ?? 'edit';
  return el('span', { class: `change-op ${op}`, title: t(`event.op.${op}`) }, icon(/** @type {import('../dom.js').IconName} */ (name)), el('span', { class: 'visually-hidden' }, t(`event.op.${op}`)));
}

/**
 * @param {Change} change
 * @param {Options} options
 * @param {string} label
 */
function pathButton(change, options, label) {
  const items = options.items?.(change) ?? [];
  const name = el('bdi', null, visible(label));
  if (items.length === 0) return el('span', { class: 'mono', title: change.path }, name);
  const button = el('button', { class: 'json-key mono', 'aria-haspopup': 'menu', 'aria-expanded': 'false', title: change.path }, name);
  button.addEventListener('click', () => openMenu(button, change.path, items));
  return button;
}

/**
 * Both values of a change.
 * @param {Change} change
 * @returns {HTMLElement}
 */
function values(change) {
  const { before, after } = change;
  if (typeof before === 'string' && typeof after === 'string' && !isShort(before) && linesOf(before) <= WORDS_LINES && linesOf(after) <= WORDS_LINES) {
    const pieces = words(before, after);
    if (pieces) return el('p', { class: 'change-text', dir: 'auto' }, pieces.map((piece) => (piece.kind === 'same' ? visible(piece.text) : el(piece.kind, null, visible(piece.text)))));
  }
  if (change.text_diff?.unified) return unified(change.text_diff.unified, change);
  const lines = el('div', { class: isShort(before) && isShort(after) ? 'change-values short' : 'change-values' });
  // Of `set` the old value is not known, which is not the same as none.
  if (before !== undefined) lines.append(line('del', before, change.before_meaning));
  if (after !== undefined) lines.append(line('ins', after, change.after_meaning));
  if (change.text_diff?.skipped) lines.append(el('p', { class: 'muted small' }, t('event.changes.too_long')));
  return lines;
}

/** @param {string} text */
function linesOf(text) {
  return text.split('\n', WORDS_LINES + 1).length;
}

/**
 * Whether a value fits beside another in one line.
 * @param {unknown} value
 */
function isShort(value) {
  return value !== undefined && !isBranch(value) && String(value).length <= 24;
}

/**
 * @param {'del' | 'ins'} tag
 * @param {unknown} value
 * @param {any} meaning
 */
function line(tag, value, meaning) {
  const said = meaning == null ? '' : meaningText(meaning);
  return el('div', { class: `change-line ${tag}` }, el('span', { class: 'change-sign', 'aria-hidden': 'true' }, tag === 'del' ? '−' : '+'), el(tag, { dir: 'auto' }, shown(value)), said && el('span', { class: 'muted change-meaning' }, said));
}

/** @param {any} meaning */
export function meaningText(meaning) {
  if (typeof meaning === 'string') return `(${meaning})`;
  const words = pick(meaning.text ?? meaning.meaning ?? meaning.title ?? meaning);
  return words ? `(${words})` : '';
}

/**
 * A value in a line, or, where it is long, its beginning and the rest on demand.
 * @param {unknown} value
 * @returns {import('../dom.js').Child[]}
 */
function shown(value) {
  if (typeof value === 'string') {
    if (value === '') return [el('span', { class: 'muted' }, t('event.value.empty'))];
    return value.length > TEXT_MAX ? [longText(value)] : [textNode(value)];
  }
  const text = stringify(value, isBranch(value) ? 1 : 0).replace(/\n\s*/g, ' ');
  if (!isBranch(value) || text.length <= INLINE_MAX) return [el('span', { class: 'mono' }, visible(text))];
  const size = Array.isArray(value) ? t('event.value.items', { n: value.length }) : t('event.value.fields', { n: Object.keys(value).length });
  return [folded(size, () => jsonView(value, { label: size }))];
}

/** @param {string} value */
function longText(value) {
  const node = el('span', null, visible(value.slice(0, TEXT_MAX)), '… ');
  node.append(el('button', { class: 'link', on: { click: () => fill(node, visible(value)) } }, t('event.json.rest', { n: value.length - TEXT_MAX })));
  return node;
}

/**
 * What opens on demand, and is made then.
 * @param {string} label
 * @param {() => HTMLElement} make
 */
export function folded(label, make) {
  const details = el('details', { class: 'folded' }, el('summary', null, label));
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) details.append(make());
  });
  return details;
}

/**
 * A unified difference, its lines marked.
 * @param {string} text
 * @param {Change} change
 */
function unified(text, change) {
  const lines = text.split('\n').filter((line) => !/^(---|\+\+\+) |^\\/.test(line) && line !== '');
  const block = el('div', { class: 'unified', role: 'group', 'aria-label': change.path, tabIndex: 0 });
  const grow = (/** @type {number} */ from) => {
    block.append(...lines.slice(from, from + 400).map(unifiedLine));
    const rest = lines.length - from - 400;
    if (rest <= 0) return;
    const more = el('button', { class: 'link', on: { click: () => (more.remove(), grow(from + 400)) } }, t('event.changes.more_lines', { n: rest }));
    block.append(more);
  };
  grow(0);
  return block;
}

/** @param {string} line */
function unifiedLine(line) {
  if (line.startsWith('@@')) return el('div', { class: 'unified-gap muted' }, '⋯');
  const kind = line.startsWith('+') ? 'ins' : line.startsWith('-') ? 'del' : null;
  const words = visible(line.slice(1)) || ' ';
  return el('div', { class: `unified-line ${kind ?? ''}` }, el('span', { class: 'change-sign', 'aria-hidden': 'true' }, kind === 'ins' ? '+' : kind === 'del' ? '−' : ''), kind ? el(kind, { dir: 'auto' }, words) : el('span', { dir: 'auto' }, words));
}
