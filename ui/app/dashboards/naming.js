/** Asking for the name of a dashboard, and whether the project shares it. */

import { el } from '../dom.js';
import { t } from '../i18n.js';
import { openDialog } from '../parts/dialog.js';
import { form, tick } from '../parts/form.js';

/**
 * @param {string} title
 * @param {{name: string, shared: boolean}} now
 * @param {(name: string, shared: boolean) => Promise<void>} onDone
 */
export function openNaming(title, now, onDone) {
  const name = el('input', { type: 'text', required: true, maxlength: 200, value: now.name, autofocus: true, 'data-test': 'dashboard-name' });
  const share = tick(t('dashboards.share'), { checked: now.shared, hint: t('dashboards.share_hint') });
  openDialog(title, (dialog) => [
    form({
      fields: [el('label', null, t('dashboards.name'), name), share.element],
      action: t('core.save'),
      test: 'dashboard-form',
      onCancel: dialog.close,
      onSubmit: async () => {
        await onDone(name.value.trim(), share.input.checked);
        dialog.close();
      },
    }),
  ]);
}
