/**
 * The page's start: language and session first, then the shell, then the view that the address names.
 */

import * as api from './api.js';
import { el, fill } from './dom.js';
import * as i18n from './i18n.js';
import * as keys from './keys.js';
import { toast } from './parts/toast.js';
import { failure } from './parts/states.js';
import { routeOf, style } from './routes.js';
import * as session from './session.js';
import { makeShell } from './shell.js';
import * as theme from './theme.js';
import * as url from './url.js';

/** @typedef {import('./routes.js').View} View */
/** @typedef {import('./routes.js').Route} Route */

/** @type {{view: View | null, route: Route | null, shell: import('./shell.js').Shell | null, opening: number}} */
const page = { view: null, route: null, shell: null, opening: 0 };

void begin();

async function begin() {
  theme.begin();
  url.begin();
  keys.begin();
  await i18n.use(i18n.preferred());
  const [core, known] = [i18n.load('core'), whoIsThere()];
  known.catch(() => undefined); // told below
  foresee(routeOf(url.here().path));
  await core;
  url.onChange((place) => void show(place));
  api.onState((state) => void follow(state));
  window.addEventListener('unhandledrejection', (event) => {
    if (event.reason instanceof DOMException && event.reason.name === 'AbortError') return event.preventDefault();
    if (event.reason instanceof api.Away || (event.reason instanceof api.Problem && event.reason.status === 401)) return event.preventDefault();
    toast(event.reason instanceof Error ? event.reason.message : String(event.reason), 'failure');
  });
  await known;
  await show(url.here());
}

/** Finds out who is signed in, and shows what the address says. */
async function enter() {
  await whoIsThere();
  await show(url.here());
}

/** Finds out who is signed in. */
async function whoIsThere() {
  // Whoever signs in is nobody yet: there is nothing to ask.
  if (routeOf(url.here().path)?.bare) return;
  try {
    await session.load();
  } catch (error) {
    if (!(error instanceof api.Away)) throw error;
  }
}

/**
 * Asks for texts and styles of a view before it is known that it will be shown.
 * @param {Route | undefined} route
 */
function foresee(route) {
  if (!route) return;
  void style(route.name);
  for (const part of [route.name, ...(route.texts ?? [])]) i18n.load(part).catch(() => undefined);
}

/** @param {url.Place} place */
async function show(place) {
  const route = routeOf(place.path);
  if (route?.bare) return open(route, place, document.body);
  if (!(await signedIn(place))) return undefined;
  if (chooseProject(place)) return undefined;
  if (!page.shell) {
    page.shell = makeShell();
    fill(document.body, page.shell.root);
  }
  page.shell.update(place, route);
  if (!route) return leaveFor(page.shell.outlet, failure(new Error(i18n.t('core.no_page', { path: place.path }))));
  if (page.view && page.route?.name === route.name) {
    page.route = route;
    page.view.update(place);
    return undefined;
  }
  return open(route, place, page.shell.outlet);
}

/**
 * Whether somebody is signed in; else leads to the sign-in, which comes back here.
 * @param {url.Place} place
 */
async function signedIn(place) {
  try {
    session.session();
    return true;
  } catch {
    if (api.serverState() === 'away') {
      leaveFor(document.body, el('main', { class: 'alone' }, el('p', { role: 'status' }, i18n.t('core.away'))));
      await api.untilBack();
      await enter();
      return false;
    }
    const back = place.path + window.location.search;
    page.shell = null;
    url.go(url.link('/login', back === '/' ? {} : { back }));
    return false;
  }
}

/**
 * Names the project in the address where the key may choose among several.
 * @param {url.Place} place
 * @returns {boolean} whether the address changed, and the change shows the view
 */
function chooseProject(place) {
  const { projects, key } = session.session();
  const named = place.params.get('project');
  if (named && (projects.includes(named) || projects.length === 0)) {
    localStorage.setItem('kronika.project', named);
    return false;
  }
  if (projects.length < 2 && !named) return false;
  const last = localStorage.getItem('kronika.project');
  const first = projects.find((name) => name === last) ?? projects.find((name) => name === key.project) ?? projects.find((name) => name === 'demo') ?? projects[0] ?? null;
  if (named && first) toast(i18n.t('core.no_project', { name: named }), 'warning');
  url.change({ project: first }, { replace: true });
  return true;
}

/**
 * @param {Element} outlet
 * @param {Element} content
 */
function leaveFor(outlet, content) {
  page.view?.stop?.();
  page.view = null;
  page.route = null;
  fill(outlet, content);
}

/**
 * Loads a view's module, texts and styles, and starts it.
 * @param {Route} route
 * @param {url.Place} place
 * @param {HTMLElement} outlet
 */
async function open(route, place, outlet) {
  const opening = ++page.opening;
  page.view?.stop?.();
  page.view = null;
  page.route = route;
  outlet.setAttribute('aria-busy', 'true');
  try {
    const [module] = await Promise.all([import(`/app/views/${route.name}.js`), i18n.load(route.name), style(route.name)]);
    if (opening !== page.opening) return;
    outlet.replaceChildren();
    document.title = `${i18n.t(`nav.${route.name}`)} · Kronika`;
    const view = await module.start(outlet, url.here());
    if (opening === page.opening) page.view = view;
    else view.stop?.();
  } catch (error) {
    if (opening !== page.opening) return;
    if (error instanceof TypeError && (await api.isAway())) return awaitReload();
    page.route = null;
    fill(outlet, failure(error, () => void open(route, url.here(), outlet)));
  } finally {
    if (opening === page.opening) outlet.removeAttribute('aria-busy');
  }
}

/** A module that could not be fetched is not fetched again by the same page. */
async function awaitReload() {
  await api.untilBack();
  window.location.reload();
}

/** @param {api.State} state */
async function follow(state) {
  page.shell?.setState(state);
  if (state === 'away') {
    await api.untilBack();
  } else if (state === 'signed-out' && page.shell) {
    await session.load();
    page.view?.stop?.();
    page.view = null;
    page.route = null;
    page.shell = null;
    await show(url.here());
  } else if (state === 'ok' && page.view) {
    // What was asked while the server was away is asked again.
    if (page.view.refresh) page.view.refresh();
    else if (page.route && page.shell) await open(page.route, url.here(), page.shell.outlet);
  }
}
