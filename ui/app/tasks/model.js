/** What tasks are, apart from how they are shown: states, shares, who began them, local moments. */

import { offset, zone } from '../format.js';

/**
 * @typedef {Record<string, any> & {task_id: string, source: string | null, tenant_id: string | null, task_status: string | null}} Task as the API has it
 */

/** States in the order of a task's life. */
export const STATES = ['enqueued', 'in_progress', 'done', 'failed', 'canceled'];

/**
 * Whether more reports are to come.
 * @param {Task} task
 */
export function moves(task) {
  return task.task_status === 'in_progress' || task.task_status === 'enqueued';
}

/**
 * Done so far, 0 to 1, where the task said it.
 * @param {Task} task
 */
export function share(task) {
  return task.task_progress == null ? null : Number(task.task_progress) / 100;
}

/**
 * What a task is, uniquely.
 * @param {Task} task
 */
export function keyOf(task) {
  return JSON.stringify([task.tenant_id, task.source, task.task_id]);
}

/**
 * Who began a task, as a name for people.
 * @param {Task} task
 */
export function starter(task) {
  const by = task.started_by ?? {};
  return by.actor_name ?? by.actor_email ?? by.actor_id ?? by.actor_type ?? null;
}

/**
 * The instant of a clock's reading in a zone, as the API takes it: `2026-03-01T12:00:00+01:00`.
 * @param {string} local `2026-03-01T12:00` or with seconds
 * @param {string} [tz]
 */
export function fromLocal(local, tz = zone()) {
  const text = local.length === 16 ? `${local}:00` : local;
  const guess = Date.parse(`${text}Z`);
  if (Number.isNaN(guess)) return '';
  // The offset holds at the instant, not at the guess: around a change of the clocks they differ.
  const first = offset(guess, tz);
  return text + offset(Date.parse(text + first), tz);
}

/**
 * What a clock in a zone shows at an instant, for a field of the browser.
 * @param {string} instant
 * @param {string} [tz]
 */
export function toLocal(instant, tz = zone()) {
  const at = Date.parse(instant);
  if (Number.isNaN(at)) return '';
  const shift = offset(at, tz);
  const minutes = (shift.startsWith('-') ? -1 : 1) * (Number(shift.slice(1, 3)) * 60 + Number(shift.slice(4, 6)));
  return new Date(at + minutes * 60_000).toISOString().slice(0, 19);
}
