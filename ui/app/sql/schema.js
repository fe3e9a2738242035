/** What SQL can name here: tables, their columns, functions. Asked once for each project. */

import { Problem, get, project } from '../api.js';

/** @typedef {{name: string, type: string, description?: string}} SchemaColumn */
/** @typedef {{name: string, title?: string | null, description?: string | null, columns: SchemaColumn[]}} SchemaTable */
/** @typedef {{name: string, kind: string, syntax?: string, description?: string}} SchemaFunction */
/** @typedef {{tables: SchemaTable[], functions: SchemaFunction[]}} Schema */

/** @type {Map<string, Promise<Schema>>} */
const asked = new Map();

/** @returns {Promise<Schema>} */
export function schema() {
  const of = project() ?? '';
  let task = asked.get(of);
  if (!task) {
    task = load();
    asked.set(of, task);
    task.catch(() => asked.delete(of));
  }
  return task;
}

async function load() {
  const found = await get('/schema');
  return { tables: found.tables ?? [], functions: found.functions ?? [] };
}

/** @type {Map<string, Promise<string[]>>} */
const values = new Map();

/**
 * The values that a column has, the frequent ones first; none where it cannot be counted by values.
 * @param {string} column
 * @returns {Promise<string[]>}
 */
export function valuesOf(column) {
  const of = `${project()} ${column}`;
  let task = values.get(of);
  if (!task) {
    task = loadValues(column);
    values.set(of, task);
    task.catch(() => values.delete(of));
  }
  return task;
}

/** @param {string} column */
async function loadValues(column) {
  try {
    const found = await get('/facets', { fields: column, top: 50, period: 'all' });
    const facet = found.facets?.[column];
    return (facet?.values ?? []).map((/** @type {{value: unknown}} */ one) => one.value).filter((/** @type {unknown} */ value) => value != null).map(String);
  } catch (error) {
    // A list or a map has no values to count; that is no fault of whoever types.
    if (error instanceof Problem && error.status < 500) return [];
    throw error;
  }
}
