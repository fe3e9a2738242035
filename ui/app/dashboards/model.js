/** What a dashboard is made of, and what editing does to it. Pure: each change gives new tiles. */

/** @typedef {import('../i18n.js').Language} Language */
/** @typedef {Partial<Record<Language, string>>} Titles */
/** @typedef {'line' | 'bars' | 'stat' | 'table' | 'pie'} TileKind */
/** @typedef {'aggregate' | 'histogram' | 'facets' | 'query'} TileRoute */

/**
 * @typedef {object} Tile
 * @property {string} id
 * @property {Titles} titles
 * @property {TileKind} kind
 * @property {number} width columns, 1 to 4
 * @property {number} [height] rows, 1 to 4
 * @property {{route: TileRoute, name?: string, params: Record<string, any>}} ask
 * @property {Record<string, any>} [drill] the journal's filters that its figures are of
 */

/** @typedef {{titles: Titles, source: string | null, tiles: Tile[]}} Board */

export const KINDS = /** @type {TileKind[]} */ (['line', 'bars', 'stat', 'table', 'pie']);
export const ROUTES = /** @type {TileRoute[]} */ (['histogram', 'aggregate', 'facets', 'query']);
export const WIDEST = 4;
export const TALLEST = 4;

/** @param {number} value @param {number} most */
const within = (value, most) => Math.max(1, Math.min(most, Math.round(value) || 1));

/**
 * A dashboard as it was saved; what is none of ours is left out.
 * @param {any} state
 * @returns {Board}
 */
export function readBoard(state) {
  const tiles = Array.isArray(state?.tiles) ? state.tiles.filter((/** @type {any} */ tile) => tile && ROUTES.includes(tile.ask?.route)) : [];
  return {
    titles: state?.titles ?? {},
    source: typeof state?.source === 'string' ? state.source : null,
    tiles: tiles.map((/** @type {any} */ tile, /** @type {number} */ at) => ({
      ...tile,
      id: String(tile.id ?? `tile-${at + 1}`),
      titles: tile.titles ?? {},
      kind: KINDS.includes(tile.kind) ? tile.kind : 'table',
      width: within(Number(tile.width ?? 2), WIDEST),
      ask: { ...tile.ask, params: tile.ask.params ?? {} },
    })),
  };
}

/**
 * Rows that a tile takes.
 * @param {Tile} tile
 */
export const heightOf = (tile) => within(tile.height ?? (tile.kind === 'stat' ? 1 : 2), TALLEST);

/**
 * An id that no tile has.
 * @param {Tile[]} tiles
 */
export function freshId(tiles) {
  for (let at = tiles.length + 1; ; at += 1) if (!tiles.some((tile) => tile.id === `tile-${at}`)) return `tile-${at}`;
}

/**
 * Moves a tile to another place.
 * @param {Tile[]} tiles
 * @param {string} id
 * @param {number} to
 * @returns {Tile[]}
 */
export function moved(tiles, id, to) {
  const from = tiles.findIndex((tile) => tile.id === id);
  const place = Math.max(0, Math.min(tiles.length - 1, to));
  if (from < 0 || from === place) return tiles;
  const rest = tiles.filter((tile) => tile.id !== id);
  rest.splice(place, 0, /** @type {Tile} */ (tiles[from]));
  return rest;
}

/**
 * Makes a tile wider and taller, or less so.
 * @param {Tile[]} tiles
 * @param {string} id
 * @param {number} wider
 * @param {number} taller
 */
export const resized = (tiles, id, wider, taller) => tiles.map((tile) => (tile.id === id ? { ...tile, width: within(tile.width + wider, WIDEST), height: within(heightOf(tile) + taller, TALLEST) } : tile));

/** @param {Tile[]} tiles @param {string} id */
export const without = (tiles, id) => tiles.filter((tile) => tile.id !== id);

/**
 * Puts a tile in the place of the one with its id, or at the end.
 * @param {Tile[]} tiles
 * @param {Tile} tile
 */
export const put = (tiles, tile) => (tiles.some((one) => one.id === tile.id) ? tiles.map((one) => (one.id === tile.id ? tile : one)) : [...tiles, tile]);

/** Parameters of figures that are no filters. */
const FIGURES = new Set(['by', 'metric', 'of', 'step', 'top', 'fields', 'period', 'from', 'to', 'tz', 'explain', 'saved']);

/**
 * The journal's filters behind a tile: those that it names, else those of its figures.
 * @param {Tile} tile
 * @returns {Record<string, string | string[]>}
 */
export function filtersOf(tile) {
  const own = tile.ask.route === 'query' ? {} : Object.fromEntries(Object.entries(tile.ask.params).filter(([key]) => !FIGURES.has(key)));
  const all = { ...own, ...tile.drill };
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, Array.isArray(value) ? value.map(String) : typeof value === 'object' ? JSON.stringify(value) : String(value)]));
}

/**
 * The filter of one value of a field.
 * @param {string} field
 * @param {unknown} value
 * @returns {Record<string, string>}
 */
export function filterOf(field, value) {
  return value == null || value === '' ? { 'has!': field } : { [field]: String(value) };
}

/**
 * A tile to begin with.
 * @param {Tile[]} tiles
 * @returns {Tile}
 */
export const newTile = (tiles) => ({ id: freshId(tiles), titles: {}, kind: 'bars', width: 2, ask: { route: 'histogram', params: { by: 'outcome' } } });
