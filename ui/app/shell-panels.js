/** What the shell opens: the choice of the time zone, and the help about shortcuts. */

import { el, fill } from './dom.js';
import { BROWSER_ZONE, isZone, offset, zone } from './format.js';
import { t } from './i18n.js';
import { all } from './keys.js';
import { openDialog } from './parts/dialog.js';
import * as url from './url.js';

/** @param {(close: () => void) => void} close */
export function zonePanel(close) {
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

/** Lists the shortcuts that hold now. */
export function showKeys() {
  const shown = new Map(all().map((one) => [one.keys, one.title]));
  openDialog(t('core.help_keys'), () =>
    el('dl', { class: 'keys' }, [...shown].map(([key, title]) => el('div', null, el('dt', null, key.split(' ').map((part) => el('kbd', null, part))), el('dd', null, t(title))))),
  );
}

