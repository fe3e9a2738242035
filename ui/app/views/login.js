/** Signing in: with a key, or by a link that opens once (`/login#link=…`; a fragment never reaches the server's log). */

import { el, fill } from '../dom.js';
import { LANGUAGES, NAMES, language, t } from '../i18n.js';
import { told } from '../parts/states.js';
import { signIn } from '../session.js';

/**
 * @param {HTMLElement} outlet
 * @param {import('../url.js').Place} place
 * @returns {import('../routes.js').View}
 */
export function start(outlet, place) {
  const wrong = el('p', { class: 'field-error', role: 'alert' });
  const key = el('input', { type: 'password', name: 'key', autocomplete: 'current-password', required: true, autofocus: true, spellcheck: 'false', placeholder: 'krn_…' });
  const button = el('button', { class: 'primary' }, t('login.sign_in'));
  /** @param {{key: string} | {link: string}} by */
  const enter = async (by) => {
    button.disabled = true;
    try {
      await signIn(by);
      // Anew, so that nothing of an earlier reader is left in the page.
      window.location.replace(back(place));
    } catch (error) {
      fill(wrong, 'link' in by ? t('login.link_used') : told(error));
      button.disabled = false;
      key.focus();
    }
  };
  const form = el(
    'form',
    { class: 'stack', on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), void enter({ key: key.value.trim() })) } },
    el('label', null, t('login.key'), key),
    wrong,
    button,
  );
  const languages = el('p', { class: 'row center' }, LANGUAGES.map((one) => el('button', { class: 'link', lang: one, 'aria-pressed': String(one === language()), on: { click: () => (localStorage.setItem('kronika.lang', one), window.location.assign('/login')) } }, NAMES[one])));
  fill(outlet, el('main', { class: 'alone' }, el('h1', { class: 'brand' }, 'Kronika'), el('p', { class: 'muted' }, t('login.what')), form, languages));
  const link = new URLSearchParams(window.location.hash.slice(1)).get('link');
  if (link) {
    history.replaceState(null, '', window.location.pathname + window.location.search);
    void enter({ link });
  } else {
    key.focus();
  }
  return { update() {} };
}

/**
 * Where to go afterwards: a page of this server only.
 * @param {import('../url.js').Place} place
 */
function back(place) {
  const asked = place.params.get('back') ?? '/';
  return asked.startsWith('/') && !asked.startsWith('//') && !asked.startsWith('/\\') ? asked : '/';
}
