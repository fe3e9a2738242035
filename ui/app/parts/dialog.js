/** Modal dialogs: the browser's own `<dialog>`, which keeps the focus inside and gives it back. */

import { el, icon, newId } from '../dom.js';
import { t } from '../i18n.js';

/**
 * @typedef {object} Dialog
 * @property {HTMLDialogElement} element
 * @property {HTMLElement} body
 * @property {() => void} close
 */

/**
 * Opens a dialog.
 * @param {string} title
 * @param {(dialog: Dialog) => import('../dom.js').Children} content
 * @param {{wide?: boolean, onClose?: () => void}} [how]
 * @returns {Dialog}
 */
export function openDialog(title, content, { wide = false, onClose } = {}) {
  const id = newId('dialog');
  const element = el('dialog', { class: wide ? 'wide' : '', 'aria-labelledby': id });
  const body = el('div', { class: 'dialog-body' });
  const close = () => element.close();
  element.append(
    el('header', { class: 'dialog-head' }, el('h2', { id }, title), el('button', { class: 'quiet square', 'aria-label': t('core.close'), on: { click: close } }, icon('close'))),
    body,
  );
  element.addEventListener('close', () => {
    element.remove();
    onClose?.();
  });
  element.addEventListener('pointerdown', (event) => {
    if (event.target === element) close();
  });
  const dialog = { element, body, close };
  const made = content(dialog);
  body.append(...[made].flat(2).filter((node) => node instanceof Node));
  document.body.append(element);
  element.showModal();
  const first = body.querySelector('[autofocus]') ?? body.querySelector('input, select, textarea, button');
  if (first instanceof HTMLElement) first.focus();
  return dialog;
}

/**
 * Asks before something is done.
 * @param {{title: string, text: import('../dom.js').Children, action: string, danger?: boolean, word?: string}} of `word` must be typed first
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, action, danger = false, word }) {
  return new Promise((resolve) => {
    let yes = false;
    openDialog(
      title,
      (dialog) => {
        const typed = word ? el('input', { type: 'text', autocomplete: 'off', 'aria-label': t('core.type_word', { word }) }) : null;
        const ok = el('button', { class: danger ? 'danger' : 'primary', disabled: Boolean(word), on: { click: () => ((yes = true), dialog.close()) } }, action);
        typed?.addEventListener('input', () => (ok.disabled = typed.value !== word));
        return [
          el('div', { class: 'stack' }, text),
          word && el('p', null, t('core.type_word', { word })),
          typed,
          el('footer', { class: 'dialog-foot' }, el('button', { on: { click: () => dialog.close() } }, t('core.cancel')), ok),
        ].filter((node) => node instanceof Node);
      },
      { onClose: () => resolve(yes) },
    );
  });
}
