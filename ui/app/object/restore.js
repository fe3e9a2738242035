/** Putting a deleted object back: first what would come back, then, when somebody says so, the restore. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { eventHref } from '../event.js';
import { time } from '../format.js';
import { t } from '../i18n.js';
import { changeList, folded } from '../parts/diff.js';
import { openDialog } from '../parts/dialog.js';
import { jsonView } from '../parts/jsonview.js';
import { loader, skeleton, why } from '../parts/states.js';
import { toast } from '../parts/toast.js';
import { visible } from '../visible.js';

/**
 * @param {import('../views/object.js').Subject} subject
 * @param {() => void} again
 */
export function restore(subject, again) {
  openDialog(
    t('object.restore_title'),
    (dialog) => {
      const region = el('div', { class: 'stack', 'data-test': 'restore-preview' }, skeleton(6));
      const loading = loader(region);
      void loading.run(async (signal) => {
        const preview = await api.get(`${subject.path}/restore`, subject.place, signal);
        fill(region, content(preview, subject, () => (dialog.close(), again()), dialog.close));
      });
      return region;
    },
    { wide: true },
  );
}

/**
 * @param {any} preview
 * @param {import('../views/object.js').Subject} subject
 * @param {() => void} done
 * @param {() => void} cancel
 */
function content(preview, subject, done, cancel) {
  const reason = el('textarea', { rows: 2, maxLength: 2000, 'data-test': 'restore-reason' });
  const wrong = el('p', { class: 'field-error', role: 'alert' });
  const run = el('button', { class: 'primary', disabled: !preview.restorable, 'data-test': 'restore-run' }, icon('restore'), t('object.restore_now'));
  run.addEventListener('click', async () => {
    run.disabled = true;
    fill(wrong);
    try {
      const said = reason.value.trim();
      await api.post(`${subject.path}/restore`, said ? { reason: said } : {}, { params: subject.place });
      toast(t('object.restored'), 'success');
      done();
    } catch (error) {
      fill(wrong, why(error));
      run.disabled = false;
    }
  });
  const by = preview.deleted_by;
  return [
    el('p', null, el('strong', null, visible(String(preview.name ?? `${preview.type}:${preview.id}`))), by && [` · ${t('object.deleted_at')} `, el('a', { href: eventHref({ ...by, ...subject.place }) }, time(by.event_time, { fraction: false })), (by.actor_name ?? by.actor_id) && `, ${t('object.by')} ${visible(String(by.actor_name ?? by.actor_id))}`]),
    preview.not_restorable_because && el('p', { class: 'notice' }, icon('warning'), visible(preview.not_restorable_because)),
    !preview.complete && preview.payload && el('p', { class: 'notice' }, icon('info'), `${t('object.state.incomplete')}: ${preview.incomplete_because.map(visible).join('; ')}`),
    el('h3', null, t('object.restore_what')),
    preview.changes.length > 0 ? changeList(preview.changes) : el('p', { class: 'muted' }, t('event.changes.none')),
    preview.payload && folded(t('object.restore_payload'), () => jsonView(preview.payload, { label: t('object.restore_payload') })),
    el('label', null, t('object.restore_reason'), reason),
    wrong,
    el('footer', { class: 'dialog-foot' }, el('button', { on: { click: cancel } }, t('core.cancel')), run),
  ];
}
