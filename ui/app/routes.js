/**
 * The views: their addresses, what they load, and who may see them. A view's module, texts and styles are fetched
 * when it is opened first.
 */

/** @typedef {import('./url.js').Place} Place */

/**
 * @typedef {object} View what `start` of a view's module gives
 * @property {(place: Place) => void} update the address changed and is still this view's
 * @property {() => void} [refresh] ask everything again: the server was away; without it the view is started anew
 * @property {() => void} [stop] another view comes: abort calls, remove listeners of the document
 */

/**
 * @typedef {object} Route
 * @property {string} name file of the module, of its texts and of its style sheet; `nav.NAME` is its title
 * @property {string} path
 * @property {boolean} [below] whether it takes everything below its path too
 * @property {import('./dom.js').IconName} [icon] in the navigation, if it is there
 * @property {string} scope that its calls need
 * @property {string} [keys] shortcut that leads there
 * @property {boolean} [bare] shown without the shell, to anybody
 * @property {string[]} [texts] parts of texts that its modules will ask for, so that they come at once and not in turn
 */

/** Of the journal, which is opened most. */
const JOURNAL_TEXTS = ['fields', 'words', 'time', 'grid'];

/** @type {Route[]} */
export const ROUTES = [
  { name: 'journal', path: '/', icon: 'journal', scope: 'query', keys: 'g j', texts: JOURNAL_TEXTS },
  { name: 'journal', path: '/events', below: true, scope: 'query', texts: JOURNAL_TEXTS },
  { name: 'dashboards', path: '/dashboards', below: true, icon: 'dashboards', scope: 'query', keys: 'g d' },
  { name: 'sql', path: '/sql', icon: 'sql', scope: 'query', keys: 'g s' },
  { name: 'screens', path: '/screens', below: true, icon: 'screens', scope: 'query', keys: 'g v' },
  { name: 'tasks', path: '/tasks', below: true, icon: 'tasks', scope: 'query', keys: 'g t' },
  { name: 'session', path: '/sessions', below: true, icon: 'user', scope: 'query', keys: 'g e' },
  { name: 'jobs', path: '/jobs', icon: 'jobs', scope: 'query', keys: 'g x' },
  { name: 'alerts', path: '/alerts', icon: 'alerts', scope: 'query', keys: 'g a' },
  { name: 'ingest', path: '/ingest', below: true, icon: 'ingest', scope: 'query', keys: 'g i' },
  { name: 'admin', path: '/admin', below: true, icon: 'admin', scope: 'admin', keys: 'g m' },
  { name: 'object', path: '/objects', below: true, scope: 'query' },
  { name: 'actor', path: '/actors', below: true, scope: 'query' },
  { name: 'actor', path: '/visitors', below: true, scope: 'query' },
  { name: 'kit', path: '/ui/kit', scope: '', bare: false },
  { name: 'login', path: '/login', scope: '', bare: true },
];

/**
 * The view of a path.
 * @param {string} path
 * @returns {Route | undefined}
 */
export function routeOf(path) {
  return ROUTES.find((route) => route.path === path || (route.below && path.startsWith(`${route.path}/`)));
}

/**
 * What stands behind the path of a view, decoded: `/objects/order/42` gives `['order', '42']`.
 * @param {string} path
 * @returns {string[]}
 */
export function segments(path) {
  return path.split('/').slice(2).filter(Boolean).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
}

/** @type {Map<string, Promise<void>>} */
const sheets = new Map();

/**
 * Loads a style sheet of `/style` once.
 * @param {string} name
 * @returns {Promise<void>}
 */
export function style(name) {
  let task = sheets.get(name);
  if (!task) {
    task = new Promise((resolve) => {
      const sheet = document.createElement('link');
      sheet.rel = 'stylesheet';
      sheet.href = `/style/${name}.css`;
      sheet.addEventListener('load', () => resolve());
      // A view without its styles is ugly, not broken.
      sheet.addEventListener('error', () => resolve());
      document.head.append(sheet);
    });
    sheets.set(name, task);
  }
  return task;
}
