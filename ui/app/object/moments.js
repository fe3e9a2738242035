/** The object's own events in order, by which its moments are chosen: a state lies between two of them. */

import * as api from '../api.js';
import { time } from '../format.js';
import { sentenceText } from '../sentence.js';

/** @typedef {import('../event.js').Event} Event */

/** Most moments of the slider; an object with more shows its last ones. */
const MOMENTS_MAX = 1_000;
const FIELDS = 'event_id,event_time,source,dataset,tenant_id,module,event_type,action,message,outcome,actor_type,actor_id,actor_name,actor_email,object_type,object_id,object_name';

/**
 * @param {import('../views/object.js').Subject} subject
 * @param {AbortSignal} signal
 * @returns {Promise<{events: Event[], more: boolean}>} oldest first
 */
export async function moments(subject, signal) {
  const params = { ...subject.place, object_type: subject.type, object_id: subject.id, visibility: ['general', 'object'], period: 'all', sort: '-event_time', limit: MOMENTS_MAX, fields: FIELDS, total: 'none' };
  const { events, next } = await api.get('/events', params, signal);
  return { events: events.reverse(), more: next != null };
}

/**
 * A moment as a line of text.
 * @param {Event} event
 */
export function momentText(event) {
  return `${time(event.event_time)} — ${sentenceText(event)}`;
}

/**
 * The place of an instant in a list: the last event that is not after it.
 * @param {Event[]} events
 * @param {string | null} at
 */
export function placeOfMoment(events, at) {
  if (!at) return events.length - 1;
  const exact = events.findLastIndex((event) => event.event_time === at);
  if (exact >= 0) return exact;
  const wanted = Date.parse(at);
  const before = events.findLastIndex((event) => Date.parse(event.event_time) <= wanted);
  return Math.max(0, before);
}
