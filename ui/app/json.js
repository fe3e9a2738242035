/**
 * JSON without losing a digit: a number that JavaScript cannot hold is kept as it was written.
 */

/** A number as it was written, where JavaScript's own would differ. */
export class Exact {
  /** @param {string} source */
  constructor(source) {
    /** @readonly */
    this.source = source;
  }
  toString() {
    return this.source;
  }
  toJSON() {
    const raw = /** @type {any} */ (JSON).rawJSON;
    return raw ? raw(this.source) : this.source;
  }
}

/**
 * Reads JSON.
 * @param {string} text
 * @returns {any}
 */
export function parse(text) {
  return JSON.parse(text, /** @type {any} */ (exactly));
}

/**
 * @param {string} _key
 * @param {unknown} value
 * @param {{source?: string}} [context]
 * @returns {unknown}
 */
function exactly(_key, value, context) {
  if (typeof value !== 'number' || context?.source === undefined) return value;
  return String(value) === context.source ? value : new Exact(context.source);
}

/**
 * The text of a value that {@link parse} gave, indented by two spaces.
 * @param {unknown} value
 * @param {number} [indent]
 * @returns {string}
 */
export function stringify(value, indent = 2) {
  return JSON.stringify(value, null, indent) ?? '';
}

/**
 * A value as it is copied: a text as it is, every digit of a number, JSON of anything larger.
 * @param {unknown} value
 * @returns {string}
 */
export function plain(value) {
  if (value == null) return '';
  return typeof value === 'object' && !(value instanceof Exact) ? stringify(value, 0) : String(value);
}
