/**
 * The server's public API: nothing here can do what a program with a key cannot.
 *
 * Every call names the project of the page. A refusal is a {@link Problem}; a server that does not answer is an
 * {@link Away}, and {@link onState} tells the shell. Calls take a signal: what is aborted here stops there as well.
 */

import { parse } from './json.js';
import { here, queryText } from './url.js';

/** A refusal of the server (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {Record<string, any>} body
   */
  constructor(status, body) {
    super(body.detail ?? body.title ?? `status ${status}`);
    this.status = status;
    /** Stable code, by which the page translates. @type {string} */
    this.code = body.code ?? 'unknown';
    /** @type {string | undefined} */
    this.title = body.title;
    /** @type {string | undefined} */
    this.hint = body.hint;
    /** @type {string | undefined} */
    this.requestId = body.request_id;
    /** Where a statement is wrong, counted from 1. @type {{line: number, column: number} | undefined} */
    this.position = body.position;
    /** Everything else that the answer says. */
    this.body = body;
  }
}

/** The server did not answer. */
export class Away extends Error {}

/** @typedef {'ok' | 'away' | 'signed-out'} State */

/** @type {State} */
let state = 'ok';
/** @type {Set<(state: State) => void>} */
const watchers = new Set();

/** @param {(state: State) => void} watcher */
export function onState(watcher) {
  watchers.add(watcher);
}

/** @param {State} now */
function become(now) {
  if (state === now) return;
  state = now;
  for (const watcher of watchers) watcher(now);
}

/** How the server is, as of the last call. */
export function serverState() {
  return state;
}

/** @typedef {URLSearchParams | Record<string, any>} Params */

/**
 * The query string of a call.
 * @param {Params | undefined} params lists repeat their name; null and undefined are left out
 * @returns {string}
 */
function query(params) {
  if (!params) return '';
  const all = params instanceof URLSearchParams ? params : new URLSearchParams();
  if (!(params instanceof URLSearchParams)) {
    for (const [key, value] of Object.entries(params)) {
      for (const one of Array.isArray(value) ? value : [value]) if (one != null) all.append(key, String(one));
    }
  }
  const text = queryText(all);
  return text ? `?${text}` : '';
}

/** The project of the page, or null where the key has only one. */
export function project() {
  return here().params.get('project');
}

/**
 * @typedef {object} Options
 * @property {Params} [params]
 * @property {unknown} [body] sent as JSON
 * @property {AbortSignal} [signal]
 * @property {Record<string, string>} [headers]
 * @property {string} [project] another project than the page's; '' names none
 */

/**
 * A call; the answer as it is.
 * @param {string} method
 * @param {string} path below `/api/v1`, with its slash
 * @param {Options} [options]
 * @returns {Promise<Response>}
 */
export async function send(method, path, { params, body, signal, headers, project: other } = {}) {
  const named = other ?? project();
  /** @type {Record<string, string>} */
  const sent = { Accept: 'application/json', ...headers };
  if (named) sent['Kronika-Project'] = named;
  if (body !== undefined) sent['Content-Type'] ??= 'application/json';
  let answer;
  try {
    answer = await fetch(`/api/v1${path}${query(params)}`, {
      method,
      headers: sent,
      body: body === undefined ? undefined : typeof body === 'string' || body instanceof Blob ? body : JSON.stringify(body),
      signal,
      cache: 'no-store',
    });
  } catch (error) {
    if (signal?.aborted || (error instanceof DOMException && error.name === 'AbortError')) throw error;
    become('away');
    throw new Away(String(error));
  }
  if (answer.ok || answer.status === 304) {
    become('ok');
    return answer;
  }
  const problem = new Problem(answer.status, await problemBody(answer));
  if (answer.status === 401) become('signed-out');
  else if (answer.status !== 503) become('ok');
  throw problem;
}

/** @param {Response} answer */
async function problemBody(answer) {
  try {
    return parse(await answer.text());
  } catch {
    return { title: answer.statusText };
  }
}

/**
 * A call whose answer is JSON; every digit is kept.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function ask(method, path, options) {
  const answer = await send(method, path, options);
  if (answer.status === 204) return null;
  const text = await answer.text();
  return text === '' ? null : parse(text);
}

/**
 * @param {string} path
 * @param {Params} [params]
 * @param {AbortSignal} [signal]
 */
export const get = (path, params, signal) => ask('GET', path, { params, signal });
/**
 * @param {string} path
 * @param {unknown} [body]
 * @param {Options} [options]
 */
export const post = (path, body, options) => ask('POST', path, { ...options, body });
/**
 * @param {string} path
 * @param {unknown} body
 * @param {Options} [options]
 */
export const put = (path, body, options) => ask('PUT', path, { ...options, body });
/**
 * @param {string} path
 * @param {Options} [options]
 */
export const del = (path, options) => ask('DELETE', path, options);

/**
 * A link to what the browser itself fetches: a file. It cannot send a header, so the address names the project.
 * @param {string} path
 * @param {Params} [params]
 */
export function href(path, params) {
  const all = params instanceof URLSearchParams ? new URLSearchParams(params) : new URLSearchParams(query(params).slice(1));
  const named = project();
  if (named) all.set('kronika-project', named);
  return `/api/v1${path}${query(all)}`;
}

/** @typedef {{id: string | undefined, event: string, data: string}} Message */

/**
 * A stream of server-sent events. It ends when the server ends it; the caller begins anew with the last id.
 * @param {string} path
 * @param {Options & {lastId?: string}} [options]
 * @returns {AsyncGenerator<Message>}
 */
export async function* stream(path, { lastId, headers, ...options } = {}) {
  const sent = { ...headers, Accept: 'text/event-stream', ...(lastId ? { 'Last-Event-ID': lastId } : {}) };
  const answer = await send('GET', path, { ...options, headers: sent });
  if (!answer.body) return;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const message = messageOf(part);
        if (message) yield message;
      }
    }
  } catch (error) {
    if (options.signal?.aborted) return;
    become('away');
    throw new Away(String(error));
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/**
 * @param {string} part the lines of one event
 * @returns {Message | null}
 */
function messageOf(part) {
  /** @type {Message} */
  const message = { id: undefined, event: 'message', data: '' };
  /** @type {string[]} */
  const data = [];
  for (const line of part.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, '');
    const field = line.slice(0, colon);
    if (field === 'id') message.id = value;
    else if (field === 'event') message.event = value;
    else if (field === 'data') data.push(value);
  }
  if (data.length === 0 && message.id === undefined) return null;
  message.data = data.join('\n');
  return message;
}

/** Whether the server does not answer at all; whoever watches is told. */
export async function isAway() {
  try {
    await fetch('/livez', { cache: 'no-store' });
    return false;
  } catch {
    become('away');
    return true;
  }
}

/** Waits until the server answers again, then says so to whoever watches. */
export async function untilBack() {
  for (let wait = 500; ; wait = Math.min(wait * 1.6, 5_000)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    try {
      const answer = await fetch('/readyz', { cache: 'no-store' });
      if (answer.ok) return become('ok');
    } catch {
      // Still away.
    }
  }
}
