/** Making an alert, from a ready-made one, from the filter of the journal, or from nothing; and changing one. */

import * as api from '../api.js';
import { el, fill, icon } from '../dom.js';
import { t, has } from '../i18n.js';
import { copyButton } from '../parts/copy.js';
import { openDialog } from '../parts/dialog.js';
import { field, form, list, select, tick } from '../parts/form.js';
import { toast } from '../parts/toast.js';
import { zone } from '../format.js';
import { channelFields } from './channels.js';
import { METRICS, OPERATORS, fromText, hidesAddress, toText } from './question.js';

/** @typedef {import('./question.js').Alert} Alert */

/** A new alert that nobody filled in yet. */
const EMPTY = { name: '', enabled: true, filter: {}, metric: 'count', by: [], condition: { op: '>=', value: 1 }, window: '10m', every: '1m', for: '0s', clock: 'arrival', no_data: 'ok', channels: [] };

/**
 * Which alert to make: ready-made ones, or one's own.
 * @param {(alert: Alert) => void} choose
 * @param {() => void} onClose
 */
export async function chooseTemplate(choose, onClose) {
  /** @type {{id: string, description: string, alert: Alert}[]} */
  const templates = await api.get('/alerts/templates');
  const told = (/** @type {string} */ id, /** @type {string} */ part, /** @type {string} */ other) => (has(`alerts.template_${id}${part}`) ? t(`alerts.template_${id}${part}`) : other);
  let chosen = false;
  openDialog(
    t('alerts.new'),
    (dialog) => {
      const take = (/** @type {Alert} */ alert) => {
        chosen = true;
        dialog.close();
        choose(alert);
      };
      return el(
        'div',
        { class: 'templates' },
        el('button', { class: 'template', 'data-test': 'template-own', on: { click: () => take({ ...EMPTY }) } }, el('strong', null, t('alerts.own')), el('span', { class: 'muted' }, t('alerts.own_what'))),
        templates.map((one) => el('button', { class: 'template', 'data-test': `template-${one.id}`, on: { click: () => take({ ...EMPTY, filter: undefined, ...one.alert, name: told(one.id, '', one.alert.name) }) } }, el('strong', null, told(one.id, '', one.alert.name)), el('span', { class: 'muted' }, told(one.id, '_what', one.description)))),
      );
    },
    { onClose: () => chosen || onClose() },
  );
}

/**
 * An alert that asks for what the journal shows.
 * @param {Record<string, any>} filter
 * @returns {Alert}
 */
export function ofFilter(filter) {
  return { ...EMPTY, filter };
}

/**
 * The form of an alert, in a dialog.
 * @param {Alert} alert with an id if it is changed
 * @param {() => void} onClose
 * @param {() => void} onDone
 */
export function editAlert(alert, onClose, onDone) {
  const parts = inputs(alert);
  openDialog(
    alert.id ? t('alerts.edit') : t('alerts.new'),
    (dialog) =>
      form({
        fields: fields(parts, alert),
        action: alert.id ? t('core.save') : t('alerts.make'),
        onSubmit: async () => {
          const sent = read(parts);
          const made = alert.id ? await api.put(`/alerts/${alert.id}`, sent) : await api.post('/alerts', sent);
          dialog.close();
          toast(t(alert.id ? 'alerts.saved' : 'alerts.made', { name: made.name }), 'success');
          onDone();
          // What had a secret before is not shown again: only those of channels that are new here.
          const known = new Set((alert.channels ?? []).map((/** @type {{url?: string}} */ one) => one.url));
          showSecrets(made, known);
        },
        onCancel: dialog.close,
        test: 'alert-form',
      }),
    { wide: true, onClose },
  );
}

/** @param {Alert} alert */
function inputs(alert) {
  const text = (/** @type {string} */ name, /** @type {unknown} */ value, /** @type {Record<string, any>} */ props = {}) => el('input', { type: 'text', name, value: value ?? '', 'data-test': `alert-${name}`, ...props });
  const options = (/** @type {string} */ name, /** @type {string[]} */ all, /** @type {string} */ key) => all.map((one) => /** @type {[string, string]} */ ([one, key ? t(`alerts.${key}_${one}`) : one]));
  const quiet = alert.quiet ?? null;
  return {
    name: text('name', alert.name, { required: true, maxlength: 200, autofocus: true }),
    enabled: tick(t('alerts.enabled'), { checked: alert.enabled !== false, test: 'alert-enabled' }),
    kind: select([['filter', t('alerts.kind_filter')], ['sql', t('alerts.kind_sql')]], alert.sql ? 'sql' : 'filter', { 'data-test': 'alert-kind' }),
    filter: el('textarea', { class: 'mono', name: 'filter', rows: 4, spellcheck: 'false', value: toText(alert.filter), placeholder: 'outcome=failure\nmodule=couriers', 'data-test': 'alert-filter' }),
    sql: el('textarea', { class: 'mono', name: 'sql', rows: 6, spellcheck: 'false', value: alert.sql ?? '', placeholder: 'SELECT source, count(*) AS value FROM events WHERE observed_time >= $from AND observed_time < $to GROUP BY source', 'data-test': 'alert-sql' }),
    metric: select(options('metric', METRICS, 'metric'), alert.metric ?? 'count', { 'data-test': 'alert-metric' }),
    of: text('of', alert.of, { placeholder: 'duration_ns' }),
    by: text('by', (alert.by ?? []).join(', '), { placeholder: 'source, module' }),
    op: select(options('op', OPERATORS, ''), alert.condition?.op ?? '>=', { 'aria-label': t('alerts.op'), 'data-test': 'alert-op' }),
    value: el('input', { type: 'number', step: 'any', required: true, name: 'value', value: String(Number(alert.condition?.value ?? 1)), 'aria-label': t('alerts.value'), 'data-test': 'alert-value' }),
    window: text('window', alert.window, { required: true }),
    every: text('every', alert.every, { required: true }),
    for: text('for', alert.for ?? '0s'),
    repeat: text('repeat', alert.repeat, { placeholder: t('alerts.never') }),
    clock: select(options('clock', ['arrival', 'event'], 'clock'), alert.clock ?? 'arrival'),
    no_data: select(options('no_data', ['ok', 'alert', 'keep'], 'no_data'), alert.no_data ?? 'ok'),
    quiet: tick(t('alerts.quiet'), { checked: quiet !== null, test: 'alert-quiet' }),
    quietFrom: el('input', { type: 'time', value: quiet?.from ?? '22:00', 'aria-label': t('alerts.quiet_from') }),
    quietTo: el('input', { type: 'time', value: quiet?.to ?? '07:00', 'aria-label': t('alerts.quiet_to') }),
    quietZone: text('tz', quiet?.tz ?? zone(), { 'aria-label': t('core.zone') }),
    quietDays: quiet?.days ?? null,
    channels: channelFields(alert.channels ?? []),
  };
}

/**
 * @param {ReturnType<typeof inputs>} of
 * @param {Alert} alert
 */
function fields(of, alert) {
  const byFilter = el('div', { class: 'stack' }, field(t('alerts.filter'), of.filter, t('alerts.filter_hint')), el('div', { class: 'fields' }, field(t('alerts.metric'), of.metric), field(t('alerts.of'), of.of, t('alerts.of_hint')), field(t('alerts.by'), of.by, t('alerts.by_hint'))));
  const bySql = el('div', { class: 'stack' }, field('SQL', of.sql, t('alerts.sql_hint')));
  const quiet = el('div', { class: 'row wrap' }, of.quietFrom, '–', of.quietTo, of.quietZone);
  const follow = () => {
    byFilter.hidden = of.kind.value === 'sql';
    bySql.hidden = of.kind.value !== 'sql';
    of.of.disabled = of.metric.value === 'count';
    quiet.hidden = !of.quiet.input.checked;
  };
  for (const one of [of.kind, of.metric, of.quiet.input]) one.addEventListener('change', follow);
  follow();
  const more = el('details', null, el('summary', null, t('alerts.more')), el('div', { class: 'stack' }, el('div', { class: 'fields' }, field(t('alerts.for'), of.for, t('alerts.for_hint')), field(t('alerts.repeat'), of.repeat, t('alerts.repeat_hint')), field(t('alerts.clock'), of.clock), field(t('alerts.no_data'), of.no_data)), of.quiet.element, quiet));
  if (alert.quiet || alert.repeat || (alert.for && alert.for !== '0s')) more.open = true;
  return [
    el('div', { class: 'fields' }, field(t('alerts.name'), of.name), field(t('alerts.kind'), of.kind)),
    byFilter,
    bySql,
    el('div', { class: 'fields' }, el('label', { class: 'field' }, t('alerts.line'), el('div', { class: 'row' }, of.op, of.value)), field(t('alerts.window'), of.window, t('alerts.window_hint')), field(t('alerts.every'), of.every, t('alerts.every_hint'))),
    el('fieldset', null, el('legend', null, t('alerts.channels')), hidesAddress(alert) && el('p', { class: 'row' }, icon('warning'), t('alerts.address_hidden')), of.channels.element),
    more,
    of.enabled.element,
  ];
}

/** @param {ReturnType<typeof inputs>} of */
function read(of) {
  const bySql = of.kind.value === 'sql';
  const optional = (/** @type {HTMLInputElement} */ input) => input.value.trim() || undefined;
  return {
    name: of.name.value.trim(),
    enabled: of.enabled.input.checked,
    ...(bySql ? { sql: of.sql.value } : { filter: readFilter(of.filter), metric: of.metric.value, of: of.metric.value === 'count' ? undefined : optional(of.of), by: list(of.by.value) }),
    condition: { op: of.op.value, value: Number(of.value.value) },
    window: optional(of.window),
    every: optional(of.every),
    for: optional(of.for),
    repeat: optional(of.repeat),
    clock: of.clock.value,
    no_data: of.no_data.value,
    quiet: of.quiet.input.checked ? { tz: of.quietZone.value.trim(), from: of.quietFrom.value, to: of.quietTo.value, ...(of.quietDays ? { days: of.quietDays } : {}) } : undefined,
    channels: of.channels.read(),
  };
}

/** @param {HTMLTextAreaElement} area */
function readFilter(area) {
  try {
    return fromText(area.value);
  } catch (error) {
    area.focus();
    throw new Error(t('alerts.filter_wrong', { why: error instanceof Error ? error.message : String(error) }));
  }
}

/**
 * Secrets of webhooks, which are shown only now.
 * @param {Alert} made
 * @param {Set<string | undefined>} known addresses that had one
 */
function showSecrets(made, known) {
  const all = (made.channels ?? []).map((/** @type {{type: string, url?: string}} */ channel, /** @type {number} */ at) => ({ url: channel.url ?? '', secret: made.secrets?.[at] ?? null })).filter((/** @type {{url: string, secret: string | null}} */ one) => one.secret && !known.has(one.url));
  if (all.length === 0) return;
  const box = el('div', { class: 'stack' });
  fill(box, el('p', null, t('alerts.secret_once')), all.map((/** @type {{url: string, secret: string}} */ one) => el('div', null, el('div', { class: 'small muted break' }, one.url), el('div', { class: 'row' }, el('code', { class: 'break', 'data-test': 'alert-secret' }, one.secret), copyButton(one.secret)))));
  openDialog(t('alerts.secrets'), () => box);
}
