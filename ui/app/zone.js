/**
 * Clocks of time zones: what they show at an instant, and at which instant they show a time. Pure.
 */

/** @typedef {{year: number, month: number, day: number, hour: number, minute: number, second: number}} Local */

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} tz */
function formatOf(tz) {
  let found = formats.get(tz);
  if (!found) {
    found = new Intl.DateTimeFormat('en-US', { timeZone: tz, calendar: 'gregory', numberingSystem: 'latn', era: 'short', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' });
    formats.set(tz, found);
  }
  return found;
}

/**
 * What the clocks of a zone show.
 * @param {number} at milliseconds
 * @param {string} tz
 * @returns {Local}
 */
export function partsIn(at, tz) {
  /** @type {Record<string, string>} */
  const parts = {};
  for (const { type, value } of formatOf(tz).formatToParts(at)) parts[type] = value;
  const number = (/** @type {string} */ name) => Number(parts[name]);
  const year = parts.era === 'BC' ? 1 - number('year') : number('year');
  return { year, month: number('month'), day: number('day'), hour: number('hour'), minute: number('minute'), second: number('second') };
}

/** @param {Partial<Local> & {year: number}} local */
function asUtc({ year, month = 1, day = 1, hour = 0, minute = 0, second = 0 }) {
  const date = new Date(0);
  // Not Date.UTC: it takes the years 0 to 99 for those of the last century.
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getTime();
}

/**
 * The instant at which the clocks of a zone show a time: the first of two; where they jump over it, that of the jump.
 * Days and months that are too large go on into the next.
 * @param {Partial<Local> & {year: number}} local
 * @param {string} tz
 * @returns {number} milliseconds
 */
export function instantIn(local, tz) {
  const wanted = asUtc(local);
  const ahead = (/** @type {number} */ at) => asUtc(partsIn(at, tz)) - Math.floor(at / 1000) * 1000;
  const tries = [ahead(wanted - 86_400_000), ahead(wanted + 86_400_000)].map((offset) => wanted - offset);
  const found = tries.filter((at) => at + ahead(at) === wanted);
  if (found.length > 0) return Math.min(...found);
  let [from, to] = [Math.min(...tries), Math.max(...tries)];
  const after = ahead(to);
  while (to - from > 1000) {
    const middle = from + Math.floor((to - from) / 2000) * 1000;
    if (ahead(middle) === after) to = middle;
    else from = middle;
  }
  return to;
}

/**
 * Some days later, by the calendar.
 * @param {{year: number, month: number, day: number}} date
 * @param {number} days
 */
export function plusDays({ year, month, day }, days) {
  const date = new Date(asUtc({ year, month, day: day + days }));
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/**
 * The day of the week, 1 (Monday) to 7.
 * @param {{year: number, month: number, day: number}} date
 */
export function weekday(date) {
  return new Date(asUtc(date)).getUTCDay() || 7;
}

/**
 * The week of a day by ISO 8601: weeks begin on Monday, the first one holds the first Thursday.
 * @param {{year: number, month: number, day: number}} date
 */
export function weekOf(date) {
  const thursday = plusDays(date, 4 - weekday(date));
  const since = (asUtc(thursday) - asUtc({ year: thursday.year })) / 86_400_000;
  return { year: thursday.year, week: Math.floor(since / 7) + 1 };
}

/**
 * The Monday of a week.
 * @param {number} year
 * @param {number} week
 */
export function mondayOf(year, week) {
  const fourth = { year, month: 1, day: 4 };
  return plusDays(fourth, 1 - weekday(fourth) + (week - 1) * 7);
}
