/** The tokens of the design: colours with their contrast as it is now, type, distances. All is read from the page itself. */

import { el, icon } from '../dom.js';
import { t } from '../i18n.js';
import { table } from '../parts/plain.js';
import { contrast, read } from './colour.js';

/** Text roles on the grounds that they stand on, and the least contrast of each. */
const PAIRS = /** @type {[string, string, number][]} */ ([
  ['text', 'bg', 4.5], ['text', 'surface', 4.5], ['text', 'sunken', 4.5], ['text', 'selected', 4.5], ['text', 'hover', 4.5],
  ['muted', 'bg', 4.5], ['muted', 'surface', 4.5], ['muted', 'sunken', 4.5], ['muted', 'raised', 4.5],
  ['accent', 'surface', 4.5], ['accent', 'bg', 4.5], ['on-accent', 'accent-strong', 4.5],
  ['good', 'good-soft', 4.5], ['bad', 'bad-soft', 4.5], ['warn', 'warn-soft', 4.5], ['note', 'note-soft', 4.5],
  ['bad', 'surface', 4.5], ['warn', 'surface', 4.5], ['good', 'surface', 4.5],
  ['line-strong', 'surface', 3], ['focus', 'bg', 3],
]);
const MARKS = Array.from({ length: 8 }, (_, at) => `mark-${at + 1}`);
const SIZES = ['s', 'm', 'l', 'xl', 'xxl'];
const GAPS = [4, 8, 12, 16, 20, 24];

/**
 * A colour role as the browser computes it in the present theme.
 * @param {string} role
 */
function computed(role) {
  const probe = el('span', { class: 'visually-hidden', style: { color: `var(--${role})` } });
  document.body.append(probe);
  const text = getComputedStyle(probe).color;
  probe.remove();
  return text;
}

/** Colours with the contrast of each pair; drawn anew when the theme changes. */
export function colours() {
  const rows = [...PAIRS, ...MARKS.map((mark) => /** @type {[string, string, number]} */ ([mark, 'surface', 3]))].map(([front, back, least]) => {
    const [one, other] = [read(computed(front)), read(computed(back))];
    return { front, back, least, figure: one && other ? contrast(one, other) : 0 };
  });
  return table(
    t('kit.colours'),
    [
      { title: t('kit.sample'), cell: (row) => el('span', { class: 'kit-swatch', style: { color: `var(--${row.front})`, 'background-color': `var(--${row.back})` } }, row.front.startsWith('mark') || row.least === 3 ? el('span', { class: 'kit-mark' }) : 'Aa ąę Жя 09') },
      { title: t('kit.role'), cell: (row) => el('code', null, `--${row.front}`) },
      { title: t('kit.on'), cell: (row) => el('code', null, `--${row.back}`) },
      { title: t('kit.contrast'), number: true, cell: (row) => `${row.figure.toFixed(2)} : 1` },
      { title: t('kit.least'), cell: (row) => el('span', { class: ['badge', row.figure >= row.least ? 'good' : 'bad'] }, icon(row.figure >= row.least ? 'check' : 'warning'), `≥ ${row.least}`) },
    ],
    rows,
    (row) => ({ 'data-test': 'contrast', data: { pair: `${row.front} ${row.back}`, fits: String(row.figure >= row.least) } }),
  );
}

export function type() {
  const style = getComputedStyle(document.documentElement);
  return el(
    'div',
    { class: 'stack' },
    SIZES.map((size) => el('div', { class: 'kit-type' }, el('code', { class: 'muted' }, `--size-${size} ${style.getPropertyValue(`--size-${size}`).trim()}`), el('span', { style: { 'font-size': `var(--size-${size})` } }, t('kit.specimen')))),
    el('div', { class: 'kit-type' }, el('code', { class: 'muted' }, '--mono'), el('span', { class: 'mono' }, '0123456789 {}[]() => 9007199254740993')),
  );
}

export function distances() {
  return el('div', { class: 'row wrap kit-gaps' }, GAPS.map((gap) => el('figure', null, el('span', { class: 'kit-gap', style: { width: `${gap}px` } }), el('figcaption', { class: 'small muted' }, `${gap}`))));
}
