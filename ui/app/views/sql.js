/** The SQL console: an editor or the form of a named query, the answer under it, and beside it what can be asked. */

import { load } from '../i18n.js';
import { shortcut } from '../keys.js';
import { prepare } from '../parts/grid.js';
import { style } from '../routes.js';
import { Console } from '../sql/console.js';

/**
 * @param {HTMLElement} outlet
 * @param {import('../url.js').Place} place
 * @returns {Promise<import('../routes.js').View>}
 */
export async function start(outlet, place) {
  await Promise.all([prepare(), load('chart'), load('editor'), style('chart'), style('editor')]);
  const view = new Console();
  outlet.append(view.frame.element);
  view.update(place);
  const submit = () => {
    const form = view.frame.top.querySelector('form');
    if (form) form.requestSubmit();
    else view.run();
  };
  const forget = shortcut(
    { keys: 'Ctrl+Enter', title: 'sql.keys_run', typing: true, run: submit },
    { keys: '/', title: 'sql.keys_edit', run: () => view.code.area.focus() },
    { keys: 'Escape', title: 'sql.keys_stop', run: () => view.isRunning() && view.halt() },
    { keys: 't', title: 'sql.keys_time', run: () => view.shownPicker()?.open() },
    { keys: '[', title: 'sql.keys_before', run: () => view.shownPicker()?.shift(-1) },
    { keys: ']', title: 'sql.keys_after', run: () => view.shownPicker()?.shift(1) },
  );
  // What was typed survives the closing of the page.
  const keep = () => view.keep();
  window.addEventListener('pagehide', keep);
  return {
    update: (now) => view.update(now),
    stop() {
      window.removeEventListener('pagehide', keep);
      forget();
      view.stop();
    },
  };
}
