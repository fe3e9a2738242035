/** From a value to the list of events that have it: adds a filter to the journal's, or opens the journal with it. */

import { t } from '../i18n.js';
import { copy } from '../parts/copy.js';
import { plain } from '../parts/jsonview.js';
import { change, go, here, link } from '../url.js';

/**
 * Opens the list of events with a filter. In the journal it joins the present filters; from elsewhere it is over all time.
 * @param {string} key field and operator as the API has them: `module`, `module!`
 * @param {string} value
 */
export function filterBy(key, value) {
  const { path, params } = here();
  if (path !== '/') return go(listHref({ [key]: value }));
  const contrary = key.endsWith('!') ? key.slice(0, -1) : `${key}!`;
  return change({
    [key]: [...new Set([...params.getAll(key), value])],
    [contrary]: params.getAll(contrary).filter((one) => one !== value),
  });
}

/**
 * The list of events with filters, over all time.
 * @param {Record<string, string | string[] | null | undefined>} filters
 */
export function listHref(filters) {
  return link('/', { period: 'all', ...filters });
}

/**
 * What can be done with a value of a field: entries of a menu.
 * @param {string} field
 * @param {unknown} value
 * @returns {(import('../parts/menu.js').Item | 'line')[]}
 */
export function filterItems(field, value) {
  const text = plain(value);
  return [
    { label: t('event.filter.only'), icon: 'plus', run: () => filterBy(field, text) },
    { label: t('event.filter.not'), icon: 'minus', run: () => filterBy(`${field}!`, text) },
    { label: t('event.filter.has'), icon: 'filter', run: () => filterBy('has', field) },
  ];
}

/**
 * The same with copying.
 * @param {string} field
 * @param {unknown} value
 * @returns {(import('../parts/menu.js').Item | 'line')[]}
 */
export function valueItems(field, value) {
  return [...filterItems(field, value), 'line', { label: t('event.copy.value'), icon: 'copy', run: () => void copy(plain(value)) }];
}
