/** Texts between quotes, for other languages than ours. Pure. */

/**
 * For a shell.
 * @param {string} text
 */
export const shellQuoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * For SQL.
 * @param {string} text
 */
export const sqlQuoted = (text) => `'${text.replaceAll("'", "''")}'`;
