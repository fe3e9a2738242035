/** Figures in Prometheus' text format, as far as the page shows them. */

/** @typedef {{name: string, labels: Record<string, string>, value: number}} Sample */

/**
 * Reads samples; comments and what is no sample are left out.
 * @param {string} text
 * @returns {Sample[]}
 */
export function samples(text) {
  /** @type {Sample[]} */
  const all = [];
  for (const line of text.split('\n')) {
    const found = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/i.exec(line);
    if (!found?.[1]) continue;
    /** @type {Record<string, string>} */
    const labels = {};
    for (const [, name, value] of (found[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) if (name) labels[name] = (value ?? '').replace(/\\(.)/g, (_all, char) => (char === 'n' ? '\n' : char));
    all.push({ name: found[1], labels, value: Number(found[3]) });
  }
  return all;
}

/**
 * The sum of a figure over all its labels; null where there is none.
 * @param {Sample[]} all
 * @param {string} name
 * @param {Record<string, string>} [labels]
 */
export function sum(all, name, labels = {}) {
  const fit = all.filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value));
  return fit.length === 0 ? null : fit.reduce((total, one) => total + one.value, 0);
}

/**
 * A share of a histogram: the bound below which so many of its values lie, in seconds; null where nothing was counted.
 * @param {Sample[]} all
 * @param {string} name without `_bucket`
 * @param {number} share
 */
export function quantile(all, name, share) {
  /** @type {Map<number, number>} */
  const bounds = new Map();
  for (const one of all) if (one.name === `${name}_bucket`) bounds.set(Number(one.labels.le === '+Inf' ? Infinity : one.labels.le), (bounds.get(Number(one.labels.le === '+Inf' ? Infinity : one.labels.le)) ?? 0) + one.value);
  const sorted = [...bounds].sort((a, b) => a[0] - b[0]);
  const total = sorted.at(-1)?.[1] ?? 0;
  if (total === 0) return null;
  return sorted.find(([, count]) => count >= total * share)?.[0] ?? null;
}
