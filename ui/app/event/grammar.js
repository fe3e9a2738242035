/** Which template tells an event, and what the template is made of: the part of sentences that needs no page. */

/** Ends of ids of kinds of events that say no more than the action itself. @type {Record<string, string[]>} */
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
  read: ['request', 'read', 'viewed'],
  other: [],
};

/**
 * The verb of an event. Where its source gives no action, the kind of event may end in one: `auction.created`, or
 * `label_created` of a label.
 * @param {string} action
 * @param {string | null} type of the object
 * @param {string | null | undefined} eventType
 */
export function verbOf(action, type, eventType) {
  // An export is not exported, it is made.
  if (action === type) return 'create';
  if (action !== 'other') return action;
  const last = String(eventType).split('.').pop() ?? '';
  const end = type && last.startsWith(`${type}_`) ? last.slice(type.length + 1) : last;
  return Object.entries(PLAIN).find(([, ends]) => /(ed|logged_in|sent)$/.test(end) && ends.includes(end))?.[0] ?? action;
}

/** What can itself be sent or received; of other things it is told by the product's title what was sent about them. */
const SENDABLE = new Set(['webhook', 'sms', 'email', 'message', 'mailing', 'campaign', 'call', 'file', 'feedback', 'catalog', 'invoice', 'notification']);

/**
 * The template of an event: a key of the texts.
 * @param {{verb: string, type: string | null, hasActor: boolean, hasObject: boolean, failed: boolean}} of
 * @returns {string}
 */
export function templateOf({ verb, type, hasActor, hasObject, failed }) {
  const isTold = !Object.hasOwn(PLAIN, verb) || verb === 'other' || ((verb === 'send' || verb === 'receive') && !SENDABLE.has(type ?? ''));
  if (!hasObject || isTold) return hasActor ? (hasObject ? 'act.told' : 'act.told_alone') : hasObject ? 'act.told_of' : 'act.told_only';
  return `act.${verb}${failed ? '.failed' : ''}${hasActor ? '' : '.none'}`;
}

/**
 * Whether the title of a kind of event only repeats its action.
 * @param {string | null | undefined} eventType
 * @param {string | null | undefined} action
 */
export function isPlain(eventType, action) {
  const ends = Object.hasOwn(PLAIN, action ?? '') ? PLAIN[action ?? ''] : undefined;
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
