/**
 * What stands around every view: navigation, project, zone, language, theme, who is signed in, and the bar that says when the
 * server is away.
 */

import { project } from './api.js';
import { el, fill, icon } from './dom.js';
import { BROWSER_ZONE, isZone, offset, zone } from './format.js';
import { LANGUAGES, NAMES, language, t, use } from './i18n.js';
import { all, shortcut } from './keys.js';
import { openDialog } from './parts/dialog.js';
import { menuButton, popover } from './parts/menu.js';
import { ROUTES } from './routes.js';
import { may, session, signOut } from './session.js';
import { DENSITIES, THEMES, density, theme, useDensity, useTheme } from './theme.js';
import * as url from './url.js';

/**
 * @typedef {object} Shell
 * @property {HTMLElement} root
 * @property {HTMLElement} outlet where a view stands
 * @property {(place: url.Place, route: import('./routes.js').Route | undefined) => void} update
 * @property {(state: import('./api.js').State) => void} setState
 */

/** @returns {Shell} */
export function makeShell() {
  const outlet = el('main', { id: 'view', tabIndex: -1 });
  const banner = el('div', { class: 'banner', role: 'status', 'aria-live': 'assertive', hidden: true });
  const entries = ROUTES.filter((route) => route.icon && may(route.scope));
  const links = entries.map((route) => el('a', { class: 'nav-link', href: route.path, data: { route: route.name } }, route.icon && icon(route.icon), el('span', null, t(`nav.${route.name}`))));
  const nav = el('nav', { class: 'side', 'aria-label': t('core.navigation') }, head(), el('div', { class: 'nav-links' }, links), foot());
  const bar = el(
    'header',
    { class: 'small-bar' },
    el('button', { class: 'quiet square', 'aria-label': t('core.navigation'), 'aria-expanded': 'false', on: { click: () => toggle() } }, icon('menu')),
    el('span', { class: 'brand' }, 'Kronika'),
  );
  const toggle = (open = !nav.classList.contains('open')) => {
    nav.classList.toggle('open', open);
    bar.firstElementChild?.setAttribute('aria-expanded', String(open));
  };
  const root = el('div', { class: 'shell' }, el('a', { class: 'skip', href: '#view', on: { click: (/** @type {Event} */ event) => (event.preventDefault(), outlet.focus()) } }, t('core.skip')), bar, nav, el('div', { class: 'stage' }, banner, outlet));
  keys();
  return {
    root,
    outlet,
    update(place, route) {
      root.classList.toggle('embedded', place.params.get('embed') === '1');
      toggle(false);
      for (const one of links) {
        const to = entries.find((entry) => entry.name === one.dataset.route);
        one.href = url.link(to?.path ?? '/');
        if (route && one.dataset.route === route.name) one.setAttribute('aria-current', 'page');
        else one.removeAttribute('aria-current');
      }
      nav.querySelector('.project-name')?.replaceChildren(project() ?? session().key.project ?? '');
      nav.querySelector('.zone-name')?.replaceChildren(zoneName());
    },
    setState(state) {
      banner.hidden = state === 'ok';
      fill(banner, icon('warning'), t(state === 'away' ? 'core.away' : 'core.signed_out'));
    },
  };
}

function head() {
  const { projects } = session();
  const name = el('span', { class: 'project-name grow' }, project() ?? session().key.project ?? '');
  const choose = () => projects.map((one) => ({ label: one, checked: one === project(), run: () => url.go(url.link(url.here().path === '/' ? '/' : (ROUTES.find((route) => route.icon && url.here().path.startsWith(route.path) && route.path !== '/')?.path ?? '/'), { project: one })) }));
  return el('div', { class: 'side-head' }, el('a', { class: 'brand', href: '/' }, 'Kronika'), projects.length > 1 ? projectButton(name, choose) : el('div', { class: 'project' }, name));
}

/**
 * @param {HTMLElement} name
 * @param {() => import('./parts/menu.js').Item[]} items
 */
function projectButton(name, items) {
  const button = menuButton({ label: t('core.project'), class: 'project', title: t('core.project') }, items);
  button.removeAttribute('aria-label');
  button.append(el('span', { class: 'visually-hidden' }, `${t('core.project')}: `), name, icon('down'));
  return button;
}

function zoneName() {
  const name = zone();
  return `${name === 'UTC' ? 'UTC' : (name.split('/').pop() ?? name).replaceAll('_', ' ')} ${offset(Date.now(), name)}`;
}

function foot() {
  const zoneButton = el('button', { class: 'quiet side-button', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', title: t('core.zone') }, icon('clock'), el('span', { class: 'visually-hidden' }, `${t('core.zone')}: `), el('span', { class: 'zone-name' }, zoneName()));
  zoneButton.addEventListener('click', () => popover(zoneButton, zonePanel, { label: t('core.zone') }));
  const me = menuButton({ label: t('core.account'), icon: 'user', class: 'quiet side-button', text: session().key.name }, () => [
    { label: t('core.help_keys'), note: '?', run: showKeys },
    { label: t('core.api'), icon: 'external', href: '/api/docs' },
    'line',
    ...LANGUAGES.map((one) => ({ label: NAMES[one], checked: one === language(), run: () => void chooseLanguage(one) })),
    'line',
    ...THEMES.map((one) => ({ label: t(`core.theme_${one}`), checked: one === theme(), run: () => useTheme(one) })),
    'line',
    ...DENSITIES.map((one) => ({ label: t(`core.density_${one}`), checked: one === density(), run: () => useDensity(one) })),
    'line',
    { label: t('core.sign_out'), run: () => void leave(false) },
    { label: t('core.sign_out_everywhere'), run: () => void leave(true) },
  ]);
  return el('div', { class: 'side-foot' }, zoneButton, me);
}

/** @param {(close: () => void) => void} close */
function zonePanel(close) {
  const names = [...new Set(['UTC', BROWSER_ZONE, 'Europe/Warsaw', 'Europe/Moscow', 'Europe/London', 'America/New_York'])];
  const input = el('input', { type: 'text', list: 'zones', placeholder: 'Europe/Warsaw', autocomplete: 'off', 'aria-label': t('core.zone'), autofocus: true });
  const list = el('datalist', { id: 'zones' }, Intl.supportedValuesOf('timeZone').map((name) => el('option', { value: name })));
  const wrong = el('p', { class: 'field-error', role: 'alert' });
  const take = (/** @type {string} */ name) => {
    if (!isZone(name)) return fill(wrong, t('core.no_zone', { name }));
    localStorage.setItem('kronika.tz', name);
    /** @type {() => void} */ (/** @type {unknown} */ (close))();
    return url.change({ tz: name });
  };
  return el(
    'form',
    { class: 'stack zone-panel', on: { submit: (/** @type {Event} */ event) => (event.preventDefault(), take(input.value.trim())) } },
    el('label', null, t('core.zone'), input),
    list,
    wrong,
    el('div', { class: 'stack tight' }, names.map((name) => el('button', { type: 'button', class: 'quiet row', 'aria-pressed': String(name === zone()), on: { click: () => take(name) } }, el('span', { class: 'grow' }, name === BROWSER_ZONE ? `${name} · ${t('core.this_browser')}` : name), el('span', { class: 'muted' }, offset(Date.now(), name))))),
  );
}

/** @param {import('./i18n.js').Language} to */
async function chooseLanguage(to) {
  localStorage.setItem('kronika.lang', to);
  await use(to);
  // Every text of every view stands in its old language: the page begins anew, at the same address.
  const { params } = url.here();
  if (params.has('lang')) url.adjust({ lang: null });
  window.location.reload();
}

/** @param {boolean} everywhere */
async function leave(everywhere) {
  await signOut(everywhere);
  window.location.assign('/login');
}

/** Shortcuts that hold in every view. */
function keys() {
  shortcut(
    { keys: '?', title: 'core.help_keys', run: showKeys },
    { keys: 'u', title: 'core.keys_utc', run: () => url.change({ tz: zone() === 'UTC' ? BROWSER_ZONE : 'UTC' }) },
    ...ROUTES.filter((route) => route.keys && may(route.scope)).map((route) => ({ keys: route.keys ?? '', title: `nav.${route.name}`, run: () => url.go(url.link(route.path)) })),
  );
}

function showKeys() {
  const shown = new Map(all().map((one) => [one.keys, one.title]));
  openDialog(t('core.help_keys'), () =>
    el('dl', { class: 'keys' }, [...shown].map(([key, title]) => el('div', null, el('dt', null, key.split(' ').map((part) => el('kbd', null, part))), el('dd', null, t(title))))),
  );
}

