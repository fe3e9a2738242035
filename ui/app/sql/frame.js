/** What the console is made of: its elements and where they stand. What they do is in console.js. */

import { el, icon } from '../dom.js';
import { t } from '../i18n.js';
import { menuButton } from '../parts/menu.js';

/**
 * @typedef {object} FrameOptions
 * @property {HTMLElement} editor
 * @property {HTMLElement} picker
 * @property {HTMLElement} library
 * @property {HTMLElement} result
 * @property {() => void} onRun
 * @property {() => void} onFormat
 * @property {() => void} onSave
 * @property {() => (import('../parts/menu.js').Item | 'line')[]} more
 */

/** @param {FrameOptions} options */
export function frame(options) {
  const name = el('span', { class: 'sql-name' });
  const where = el('span', { class: 'muted small', 'aria-live': 'polite' });
  const fields = el('div', { class: 'sql-fields' });
  const bar = el(
    'div',
    { class: 'sql-bar row wrap' },
    el('button', { class: 'primary', 'data-test': 'run', title: `${t('sql.run')} (Ctrl+Enter)`, on: { click: options.onRun } }, icon('play'), t('sql.run')),
    el('button', { 'data-test': 'format', on: { click: options.onFormat } }, t('sql.format')),
    el('button', { 'data-test': 'save', on: { click: options.onSave } }, icon('star'), t('core.save')),
    menuButton({ label: t('core.more'), icon: 'more', class: 'quiet square' }, options.more),
    options.picker,
    el('span', { class: 'grow' }),
    where,
  );
  const toggle = el('button', { 'aria-expanded': 'false', class: 'sql-toggle', 'data-test': 'library', on: { click: () => showSide(!element.classList.contains('with-side')) } }, icon('menu'), t('sql.library'));
  const top = el('div', { class: 'sql-top' });
  const side = el('aside', { class: 'sql-side', 'aria-label': t('sql.library') }, options.library);
  const element = el('div', { class: 'sql page' }, el('div', { class: 'page-head' }, el('h1', null, t('nav.sql'), name), toggle), el('div', { class: 'sql-parts' }, side, el('div', { class: 'sql-main' }, top, options.result)));

  /** Where there is little room, the library opens on demand. @param {boolean} on */
  function showSide(on) {
    element.classList.toggle('with-side', on);
    toggle.setAttribute('aria-expanded', String(on));
  }
  return { element, name, where, fields, top, writing: el('div', { class: 'stack tight' }, options.editor, fields, bar), showSide };
}
