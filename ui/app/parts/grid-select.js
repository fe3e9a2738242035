/**
 * Which rows are selected, as stretches: a selection of a million rows is two numbers. And what is copied of rows. Pure.
 */

import { stringify } from '../json.js';

/** @typedef {[number, number]} Stretch first and last row */

export class Selection {
  constructor() {
    /** In order, apart from each other. @type {Stretch[]} */
    this.stretches = [];
    /** Where a stretch with Shift begins. */
    this.anchor = 0;
  }

  get size() {
    return this.stretches.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  }

  /** @param {number} index */
  has(index) {
    return this.stretches.some(([first, last]) => index >= first && index <= last);
  }

  clear() {
    this.stretches = [];
  }

  /**
   * Nothing but the rows from the anchor to here.
   * @param {number} index
   */
  extend(index) {
    this.stretches = [[Math.min(this.anchor, index), Math.max(this.anchor, index)]];
  }

  /**
   * One row more, or less.
   * @param {number} index
   */
  toggle(index) {
    this.anchor = index;
    this.stretches = this.has(index) ? this.stretches.flatMap((one) => without(one, index)) : joined([...this.stretches, [index, index]]);
  }

  /** @param {number} count */
  all(count) {
    this.stretches = count > 0 ? [[0, count - 1]] : [];
  }

  /**
   * Rows came in above: all are further down.
   * @param {number} by
   */
  shift(by) {
    this.anchor += by;
    this.stretches = this.stretches.map(([first, last]) => [first + by, last + by]);
  }
}

/**
 * @param {Stretch} stretch
 * @param {number} index
 * @returns {Stretch[]}
 */
function without([first, last], index) {
  if (index < first || index > last) return [[first, last]];
  return /** @type {Stretch[]} */ ([[first, index - 1], [index + 1, last]]).filter(([from, to]) => from <= to);
}

/**
 * @param {Stretch[]} stretches
 * @returns {Stretch[]}
 */
function joined(stretches) {
  /** @type {Stretch[]} */
  const made = [];
  for (const [first, last] of [...stretches].sort(([a], [b]) => a - b)) {
    const before = made[made.length - 1];
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else made.push([first, last]);
  }
  return made;
}

/** @typedef {'tsv' | 'csv' | 'json' | 'ndjson'} CopyFormat */
export const COPY_FORMATS = /** @type {CopyFormat[]} */ (['tsv', 'csv', 'json', 'ndjson']);

/**
 * @template T
 * @typedef {{title: string, id: string, text: (row: T) => string}} CopyColumn
 */

/**
 * Rows as a text for the clipboard: tables have the shown columns, JSON the rows whole.
 * @template T
 * @param {T[]} rows
 * @param {CopyColumn<T>[]} columns
 * @param {CopyFormat} format
 * @returns {string}
 */
export function copyText(rows, columns, format) {
  if (format === 'json') return stringify(rows);
  if (format === 'ndjson') return rows.map((row) => stringify(row, 0)).join('\n');
  const [separator, cell] = format === 'tsv' ? ['\t', tsv] : [',', csv];
  const line = (/** @type {string[]} */ cells) => cells.map(cell).join(separator);
  return [line(columns.map((column) => column.title)), ...rows.map((row) => line(columns.map((column) => column.text(row))))].join('\n');
}

/** A tab or a line break would be another cell. @param {string} text */
const tsv = (text) => (/[\t\r\n"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
/** @param {string} text */
const csv = (text) => (/[,\r\n"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
