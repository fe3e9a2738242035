/** What the other files of the grid ask of its state: its rows and its columns. */

/** @typedef {import('./grid.js').State} State */

/** A row of several lines is taken for so many rows high, before it is seen. */
export const WRAPPED = 2;

/** @param {State} s */
export const visibleColumns = (s) => (s.isNarrow && s.options.narrow ? s.options.narrow.columns : s.columns);
/** @param {State} s */
export const count = (s) => s.fresh.length + (s.source.total?.value ?? 0);
/** @param {State} s @param {number} index */
export const rowAt = (s, index) => (index < s.fresh.length ? s.fresh[index] : s.pages.row(index - s.fresh.length));
