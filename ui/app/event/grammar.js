/** Which template tells an event, and what the template is made of: the part of sentences that needs no page. */

/** Ends of ids of kinds of events that say no more than the action itself. */
const PLAIN = {
  create: ['created', 'added', 'create'],
  update: ['changed', 'updated', 'edited', 'update'],
  delete: ['deleted', 'removed', 'delete'],
  restore: ['restored', 'restore'],
  login: ['logged_in', 'login'],
  send: ['sent', 'send'],
  receive: ['received'],
  start: ['started'],
  stop: ['stopped'],
  complete: ['completed', 'finished'],
  reopen: ['reopened'],
  export: ['exported', 'created'],
  import: ['imported'],
  read: ['request', 'read'],
  other: [],
};

/**
 * The template of an event: a key of the texts.
 * @param {{action: string, hasActor: boolean, hasObject: boolean, failed: boolean}} of
 * @returns {string}
 */
export function templateOf({ action, hasActor, hasObject, failed }) {
  const known = Object.hasOwn(PLAIN, action) && action !== 'other' ? action : null;
  if (!hasObject || !known) return hasActor ? (hasObject ? 'act.told' : 'act.told_alone') : hasObject ? 'act.told_of' : 'act.told_only';
  return `act.${known}${failed ? '.failed' : ''}${hasActor ? '' : '.none'}`;
}

/**
 * Whether the title of a kind of event only repeats its action.
 * @param {string | null | undefined} eventType
 * @param {string | null | undefined} action
 */
export function isPlain(eventType, action) {
  const ends = Object.hasOwn(PLAIN, action ?? '') ? /** @type {Record<string, string[]>} */ (PLAIN)[action ?? ''] : undefined;
  return ends?.includes(String(eventType).split('.').pop() ?? '') ?? false;
}

/**
 * The parts of a template: texts, and the names of what goes between them.
 * @param {string} template
 * @returns {(string | {place: string})[]}
 */
export function partsOf(template) {
  return template.split(/(\{\w+\})/).filter(Boolean).map((part) => (/^\{\w+\}$/.test(part) ? { place: part.slice(1, -1) } : part));
}
