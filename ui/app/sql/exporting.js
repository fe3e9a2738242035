/** Exporting an answer: what goes into the file is said before it starts; then it is a job. */

import { post } from '../api.js';
import { el } from '../dom.js';
import { number } from '../format.js';
import { t } from '../i18n.js';
import { openDialog } from '../parts/dialog.js';
import { form, select } from '../parts/form.js';
import { toast } from '../parts/toast.js';
import { go, link } from '../url.js';

const FORMATS = ['csv-safe', 'csv', 'ndjson', 'parquet', 'arrow'];

/**
 * @param {{sql: string, params: unknown, rows: number, complete: boolean, columns: string[]}} what `complete`: the rows are all there are
 */
export function openExport({ sql, params, rows, complete, columns }) {
  const format = select(FORMATS.map((name) => [name, t(`sql.format_${name.replace('-', '_')}`)]), 'csv-safe', { 'data-test': 'export-format' });
  openDialog(t('sql.export_title'), (dialog) => [
    el('dl', { class: 'facts' }, el('dt', null, t('sql.export_rows')), el('dd', null, complete ? number(rows) : t('sql.export_more', { n: rows })), el('dt', null, t('sql.export_columns')), el('dd', { class: 'break' }, `${columns.length}: ${columns.join(', ')}`), el('dt', null, t('sql.export_statement')), el('dd', null, el('pre', { class: 'code sql-exported' }, sql))),
    form({
      fields: [el('label', null, t('sql.export_format'), format), el('p', { class: 'muted small' }, t('sql.export_note'))],
      action: t('sql.export_start'),
      test: 'export-form',
      onCancel: dialog.close,
      onSubmit: async () => {
        await post('/exports', { sql, params, format: format.value });
        dialog.close();
        toast(t('sql.export_started'), 'success', { label: t('sql.export_show'), run: () => go(link('/jobs')) });
      },
    }),
  ]);
}
