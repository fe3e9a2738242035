/** How two texts differ, word by word: the part that needs no page. */

/** @typedef {{kind: 'same' | 'del' | 'ins', text: string}} Piece */

/** Most words of each text; longer ones are compared line by line on the server. */
export const WORDS_MAX = 3_000;
/** Most differences that are looked for before the texts count as different altogether. */
const DISTANCE_MAX = 400;

/**
 * Words, spaces and signs of a text: joined they are the text.
 * @param {string} text
 */
function tokens(text) {
  return text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? [];
}

/**
 * The pieces of both texts in order, or null where they have too little in common or are too long to be shown as one.
 * @param {string} before
 * @param {string} after
 * @returns {Piece[] | null}
 */
export function words(before, after) {
  const [a, b] = [tokens(before), tokens(after)];
  if (a.length > WORDS_MAX || b.length > WORDS_MAX) return null;
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const middle = shortest(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  if (!middle) return null;
  const pieces = joined([...a.slice(0, head).map(same), ...middle, ...a.slice(a.length - tail).map(same)]);
  const kept = pieces.reduce((sum, piece) => sum + (piece.kind === 'same' ? piece.text.trim().length : 0), 0);
  return kept * 3 >= Math.min(before.length, after.length) ? pieces : null;
}

/** @param {string} text @returns {Piece} */
function same(text) {
  return { kind: 'same', text };
}

/**
 * The shortest way from one list to the other (Myers 1986): greedy, remembering the furthest points of each distance.
 * @param {string[]} a
 * @param {string[]} b
 * @returns {Piece[] | null}
 */
function shortest(a, b) {
  const limit = Math.min(a.length + b.length, DISTANCE_MAX);
  /** @type {Map<number, number>[]} */
  const trace = [];
  let furthest = new Map([[1, 0]]);
  for (let distance = 0; distance <= limit; distance += 1) {
    trace.push(new Map(furthest));
    const next = new Map(furthest);
    for (let k = -distance; k <= distance; k += 2) {
      let x = down(k, distance, next) ? next.get(k + 1) ?? 0 : (next.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && x - k >= 0 && a[x] === b[x - k]) x += 1;
      next.set(k, x);
      if (x >= a.length && x - k >= b.length) return back(trace, a, b);
    }
    furthest = next;
  }
  return null;
}

/**
 * @param {number} k
 * @param {number} distance
 * @param {Map<number, number>} furthest
 */
function down(k, distance, furthest) {
  return k === -distance || (k !== distance && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
}

/**
 * @param {Map<number, number>[]} trace
 * @param {string[]} a
 * @param {string[]} b
 * @returns {Piece[]}
 */
function back(trace, a, b) {
  /** @type {Piece[]} */
  const pieces = [];
  let [x, y] = [a.length, b.length];
  for (let distance = trace.length - 1; distance >= 0; distance -= 1) {
    const furthest = trace[distance] ?? new Map();
    const k = x - y;
    const from = down(k, distance, furthest) ? k + 1 : k - 1;
    const fromX = distance === 0 ? 0 : furthest.get(from) ?? 0;
    const fromY = distance === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY) {
      pieces.push(same(a[x - 1] ?? ''));
      x -= 1;
      y -= 1;
    }
    if (distance === 0) break;
    if (x === fromX) pieces.push({ kind: 'ins', text: b[y - 1] ?? '' });
    else pieces.push({ kind: 'del', text: a[x - 1] ?? '' });
    [x, y] = [fromX, fromY];
  }
  return pieces.reverse();
}

/**
 * Neighbours of one kind as one piece; what goes stands before what comes.
 * @param {Piece[]} pieces
 */
function joined(pieces) {
  /** @type {Piece[]} */
  const found = [];
  let [del, ins] = ['', ''];
  const flush = () => {
    if (del) found.push({ kind: 'del', text: del });
    if (ins) found.push({ kind: 'ins', text: ins });
    del = ins = '';
  };
  for (const piece of pieces) {
    if (piece.kind === 'del') del += piece.text;
    else if (piece.kind === 'ins') ins += piece.text;
    // A single space between two changes reads better as a part of them.
    else if (piece.text === ' ' && del && ins) [del, ins] = [`${del} `, `${ins} `];
    else {
      flush();
      const last = found.at(-1);
      if (last?.kind === 'same') last.text += piece.text;
      else found.push({ ...piece });
    }
  }
  flush();
  return found;
}
