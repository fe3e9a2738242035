/**
 * Where a grid stands in its rows. A browser's elements end at some millions of pixels, so beyond that the scrollbar is a
 * scale of the rows: small movements go row by row, long ones (the thumb) by share. Pure: numbers only.
 */

/** Tallest element that every browser still places exactly enough. */
export const TALLEST = 8_000_000;
/** A movement of more than this many screens is the thumb's. */
const SCREENS = 3;

export class Track {
  constructor() {
    this.count = 0;
    this.row = 28;
    this.view = 0;
    /** Pixels of the rows above the window, as if nothing were scaled. */
    this.top = 0;
    /** The scroller's own position that belongs to it. */
    this.seen = 0;
  }

  /** Pixels of all rows. */
  get whole() {
    return this.count * this.row;
  }

  /** Height of the element that scrolls. */
  get height() {
    return Math.min(this.whole, Math.max(TALLEST, this.view));
  }

  get scaled() {
    return this.whole > this.height;
  }

  get most() {
    return Math.max(0, this.whole - this.view);
  }

  get #mostSeen() {
    return Math.max(0, this.height - this.view);
  }

  /** The scroller's position for the present top. */
  place() {
    return this.scaled ? (this.top / this.most) * this.#mostSeen : this.top;
  }

  /**
   * The scroller moved.
   * @param {number} position
   * @returns {number | null} where the scroller must be put, if elsewhere
   */
  moved(position) {
    if (!this.scaled) {
      this.top = Math.max(0, Math.min(this.most, position));
      this.seen = position;
      return null;
    }
    const by = position - this.seen;
    const byShare = Math.abs(by) > SCREENS * this.view;
    this.top = byShare ? (position / this.#mostSeen) * this.most : this.top + by;
    this.top = Math.max(0, Math.min(this.most, this.top));
    this.seen = position;
    // At an end of the scrollbar that is none of the rows.
    const atEnd = (position <= 0 && this.top > 0) || (position >= this.#mostSeen - 1 && this.top < this.most);
    return atEnd && !byShare ? this.settle() : null;
  }

  /**
   * Puts the scroller where the rows are, after small movements.
   * @returns {number | null} the position, if it differs
   */
  settle() {
    const place = this.place();
    if (Math.abs(place - this.seen) < 1) return null;
    this.seen = place;
    return place;
  }

  /**
   * Goes to a place among the rows.
   * @param {number} top
   * @returns {number} the scroller's position
   */
  go(top) {
    this.top = Math.max(0, Math.min(this.most, top));
    this.seen = this.place();
    return this.seen;
  }

  /** First row that shows, whole or in part. */
  get first() {
    return Math.max(0, Math.min(this.count - 1, Math.floor(this.top / this.row)));
  }

  /** Rows that have room, those in part as well. */
  get shown() {
    return Math.ceil(this.view / this.row) + 1;
  }

  /** Whole rows of a screen. */
  get page() {
    return Math.max(1, Math.floor(this.view / this.row));
  }

  /**
   * The top at which a row shows whole, with the least movement.
   * @param {number} index
   */
  topFor(index) {
    const at = index * this.row;
    if (at < this.top) return at;
    return at + this.row > this.top + this.view ? at + this.row - this.view : this.top;
  }
}
