/** The design system's living page, `/ui/kit`: tokens with their contrast as it is now, every part in its states, all icons. */

import { el, fill } from '../dom.js';
import { t } from '../i18n.js';
import { buttons, fields, icons, lists, marks, openers, states } from '../kit/parts.js';
import { colours, distances, type } from '../kit/tokens.js';
import { DENSITIES, THEMES, density, theme, useDensity, useTheme } from '../theme.js';

/**
 * @param {HTMLElement} outlet
 * @returns {import('../routes.js').View}
 */
export function start(outlet) {
  const palette = el('div');
  const switches = el('div', { class: 'row wrap' });
  const section = (/** @type {string} */ name, /** @type {import('../dom.js').Children[]} */ ...content) => el('section', { class: 'panel', id: name, 'data-test': `kit-${name}` }, el('h2', null, t(`kit.${name}`)), el('div', { class: 'stack' }, ...content));
  const names = ['colours', 'type', 'distances', 'buttons', 'fields', 'marks', 'openers', 'lists', 'states', 'icons'];
  fill(
    outlet,
    el(
      'div',
      { class: 'page kit' },
      el('header', { class: 'page-head' }, el('h1', null, t('nav.kit')), switches),
      el('p', { class: 'muted' }, t('kit.what')),
      el('nav', { class: 'row wrap', 'aria-label': t('kit.contents') }, names.map((name) => el('button', { class: 'link', on: { click: () => document.getElementById(name)?.scrollIntoView({ block: 'start' }) } }, t(`kit.${name}`)))),
      section('colours', el('p', { class: 'muted' }, t('kit.colours_what')), palette),
      section('type', type()),
      section('distances', distances()),
      section('buttons', buttons()),
      section('fields', fields()),
      section('marks', marks()),
      section('openers', openers()),
      section('lists', lists()),
      section('states', states()),
      section('icons', icons()),
    ),
  );
  const draw = () => {
    fill(switches, group(t('kit.theme'), THEMES, theme(), useTheme, 'theme'), group(t('kit.density'), DENSITIES, density(), useDensity, 'density'));
    fill(palette, colours());
  };
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  window.addEventListener('kronika-theme', draw);
  system.addEventListener('change', draw);
  draw();
  return {
    update() {},
    stop() {
      window.removeEventListener('kronika-theme', draw);
      system.removeEventListener('change', draw);
    },
  };
}

/**
 * Choices beside each other.
 * @param {string} label
 * @param {readonly string[]} all
 * @param {string} chosen
 * @param {(one: any) => void} choose
 * @param {string} key of the texts
 */
function group(label, all, chosen, choose, key) {
  return el('div', { class: 'group', role: 'group', 'aria-label': label }, all.map((one) => el('button', { 'aria-pressed': String(one === chosen), on: { click: () => choose(one) } }, t(`core.${key}_${one}`))));
}
