/**
 * Tables of known size (`table.plain`), states with a shape and a word, bars of progress, and small pieces of lists.
 * Where a table has no room, each row becomes a card in which every value has its column's title beside it: whether there is
 * room depends on the language as much as on the screen, so it is measured.
 */

import { el, fill, icon } from '../dom.js';
import { number, percent } from '../format.js';
import { t } from '../i18n.js';
import { visible } from '../visible.js';

/**
 * @template T
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: T) => import('../dom.js').Children} cell
 * @property {boolean} [number] at the right
 * @property {string} [class] of its cells
 * @property {boolean} [quiet] the title is for screen readers only
 */

/**
 * A table.
 * @template T
 * @param {string} caption what it is of, for screen readers
 * @param {Column<T>[]} columns
 * @param {readonly T[]} rows
 * @param {(row: T) => Record<string, any>} [props] of a row: `class`, `data-test`, …
 * @returns {HTMLElement}
 */
export function table(caption, columns, rows, props = () => ({})) {
  const head = columns.map((column) => el('th', { scope: 'col', role: 'columnheader', class: column.number ? 'number' : column.class }, column.quiet ? el('span', { class: 'visually-hidden' }, column.title) : column.title));
  const line = (/** @type {T} */ row) =>
    el('tr', { role: 'row', ...props(row) }, columns.map((column) => cell(column, row)));
  const whole = el(
    'table',
    { class: 'plain cards', role: 'table' },
    el('caption', { class: 'visually-hidden' }, caption),
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, head)),
    el('tbody', { role: 'rowgroup' }, rows.map(line)),
  );
  const rule = el('div', { class: 'cards-rule' });
  widths.observe(rule);
  return el('div', { class: 'cards-box' }, rule, whole);
}

/** Measures by a line of no height above each table, which changes with the room and never with the table. */
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const box = target.parentElement;
    const whole = target.nextElementSibling;
    if (!box || !(whole instanceof HTMLElement) || box.clientWidth === 0) continue;
    box.classList.remove('as-cards');
    box.classList.toggle('as-cards', whole.offsetWidth > box.clientWidth + 1);
  }
});

/**
 * @template T
 * @param {Column<T>} column
 * @param {T} row
 */
function cell(column, row) {
  // In one piece: as a card, a cell is a grid of title and content.
  const content = el('div', null, column.cell(row));
  const props = { role: 'cell', class: [column.number && 'number', column.class], data: { label: column.quiet ? '' : column.title } };
  return el('td', props, (content.textContent || content.firstElementChild) && content);
}

/**
 * The parts of a view that have addresses of their own.
 * @param {HTMLElement} holder
 * @param {string} label
 * @param {{href: string, label: string, current: boolean, test?: string}[]} parts none: nothing is shown
 */
export function viewTabs(holder, label, parts) {
  const hadFocus = holder.contains(document.activeElement);
  fill(holder, parts.length > 0 && tabLinks(label, parts));
  const current = holder.querySelector('[aria-current]');
  if (!(current instanceof HTMLElement)) return;
  current.scrollIntoView({ inline: 'nearest', block: 'nearest' });
  if (hadFocus) current.focus({ preventScroll: true });
}

/**
 * @param {string} label
 * @param {{href: string, label: string, current: boolean, test?: string}[]} parts
 */
function tabLinks(label, parts) {
  return el('nav', { class: 'view-tabs', 'aria-label': label }, parts.map((part) => el('a', { href: part.href, 'aria-current': part.current ? 'page' : undefined, 'data-test': part.test }, part.label)));
}

/** @typedef {'good' | 'bad' | 'warn' | 'note' | ''} Tone */

/** Shape and tone of the states of tasks, exports, jobs, deliveries and alerts. */
const STATES = /** @type {Record<string, [Tone, import('../dom.js').IconName]>} */ ({
  enqueued: ['', 'clock'], pending: ['warn', 'clock'], new: ['', 'clock'], held: ['', 'pause'], rotating: ['note', 'refresh'],
  in_progress: ['note', 'play'], done: ['good', 'check'], ok: ['good', 'check'], active: ['good', 'check'], delivered: ['good', 'check'],
  failed: ['bad', 'close'], dead: ['bad', 'close'], revoked: ['', 'close'], firing: ['bad', 'warning'], no_data: ['warn', 'info'],
  canceled: ['', 'stop'], stopped: ['warn', 'stop'], disabled: ['', 'pause'], expired: ['', 'clock'],
});

/**
 * A state: a shape, a word and a colour.
 * @param {string} state
 * @param {string} word in the reader's language
 */
export function stateBadge(state, word) {
  const [tone, shape] = STATES[state] ?? ['', 'info'];
  return el('span', { class: ['badge state-badge', tone], data: { state } }, icon(shape), word);
}

/**
 * How far something is: a bar and its percentage; without a share only that it goes on.
 * @param {number | null} share 0 to 1
 * @param {string} label what is on its way
 */
export function progressBar(share, label) {
  const known = share != null && Number.isFinite(share);
  return el(
    'div',
    { class: 'progress-line' },
    el('progress', { max: 1, value: known ? Math.max(0, Math.min(1, share)) : undefined, 'aria-label': label }),
    el('span', { class: 'small muted nowrap' }, known ? percent(share, 1) || '0 %' : '…'),
  );
}

/**
 * Facts, a name and a value each; those without a value are left out.
 * @param {([string, import('../dom.js').Children] | null | false | undefined)[]} rows
 */
export function facts(...rows) {
  const shown = rows.filter((row) => row && row[1] != null && row[1] !== '' && !(Array.isArray(row[1]) && row[1].length === 0));
  return el('dl', { class: 'facts' }, shown.flatMap((row) => (row ? [el('dt', null, row[0]), el('dd', null, row[1])] : [])));
}

/**
 * A number with what is counted below it.
 * @param {string} label
 * @param {number | string | {toString(): string} | null | undefined} value
 * @param {{tone?: Tone, title?: string, test?: string}} [how]
 */
export function figure(label, value, { tone = '', title, test } = {}) {
  return el('div', { class: ['figure', tone], title, 'data-test': test }, el('strong', null, typeof value === 'string' && !/^-?\d+$/.test(value) ? value : number(value ?? 0)), el('span', { class: 'small muted' }, label));
}

/**
 * A text that may be long: the beginning, and the whole behind a click.
 * @param {string} source
 * @param {number} [most] characters shown at once
 */
export function longText(source, most = 160) {
  const text = visible(source);
  if (text.length <= most) return el('code', { class: 'break' }, text);
  const rest = el('details', { class: 'long-text' }, el('summary', null, el('code', { class: 'break' }, `${text.slice(0, most)}…`), el('span', { class: 'small muted' }, ` ${t('core.more')}`)), el('pre', { class: 'code' }, text));
  return rest;
}

/**
 * A name as the API has it, in words where there is no text of it: `goods_import` → `goods import`.
 * @param {string | null | undefined} name
 */
export function words(name) {
  return visible((name ?? '').replaceAll('_', ' '));
}
