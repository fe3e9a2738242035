/** Saving a statement under a name, for oneself or for all of the project. */

import { el } from '../dom.js';
import { t } from '../i18n.js';
import { openDialog } from '../parts/dialog.js';
import { form, tick } from '../parts/form.js';
import * as saved from '../saved.js';

/**
 * Asks for a name and saves; a statement that is given is renamed.
 * @param {{sql: string, one?: saved.Saved, onSaved: (one: saved.Saved) => void}} what
 */
export function openSave({ sql, one, onSaved }) {
  const name = el('input', { type: 'text', required: true, maxlength: 200, value: one?.name ?? firstWords(sql), autofocus: true, 'data-test': 'save-name' });
  const share = tick(t('sql.share'), { checked: one?.shared ?? false, hint: t('sql.share_hint'), test: 'save-shared' });
  openDialog(one ? t('sql.rename') : t('sql.save_title'), (dialog) => [
    form({
      fields: [el('label', null, t('sql.name'), name), share.element],
      action: t('core.save'),
      test: 'save-form',
      onCancel: dialog.close,
      onSubmit: async () => {
        const what = /** @type {const} */ ({ kind: 'sql', name: name.value.trim(), state: one ? { ...one.state, draft: undefined } : { sql }, shared: share.input.checked });
        if (one) {
          const { etag } = await saved.read(one.id);
          const kept = await saved.replace(one.id, what, etag);
          onSaved(kept.saved);
        } else onSaved(await saved.create(what));
        dialog.close();
      },
    }),
  ]);
  name.select();
}

/**
 * A name to begin with: the comment at the top, else nothing.
 * @param {string} sql
 */
function firstWords(sql) {
  return /^\s*--\s*(?:title:\s*)?(.{1,80})/.exec(sql)?.[1]?.trim() ?? '';
}
