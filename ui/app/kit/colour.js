/** Contrast of two colours, by WCAG 2.2; colours as the browser computes them. */

/** @typedef {[red: number, green: number, blue: number]} Colour 0 to 255 */

/**
 * Reads `rgb(…)` or `color(srgb …)`; null where it is something else.
 * @param {string} text
 * @returns {Colour | null}
 */
export function read(text) {
  const numbers = (/\((?:srgb )?([^)]+)\)/.exec(text)?.[1] ?? '').split(/[\s,/]+/).filter(Boolean).map(Number);
  const [red, green, blue] = numbers;
  if (red === undefined || green === undefined || blue === undefined || numbers.some(Number.isNaN)) return null;
  return text.startsWith('color') ? [red * 255, green * 255, blue * 255] : [red, green, blue];
}

/** @param {Colour} colour */
function luminance(colour) {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
}

/**
 * @param {Colour} one
 * @param {Colour} other
 */
export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}
