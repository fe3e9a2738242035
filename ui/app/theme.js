/** Light, dark, or as the system is; close or roomy rows. Chosen once, kept in the browser. */

/** @typedef {'system' | 'light' | 'dark'} Theme */
/** @typedef {'close' | 'roomy'} Density */

export const THEMES = /** @type {Theme[]} */ (['system', 'light', 'dark']);
export const DENSITIES = /** @type {Density[]} */ (['close', 'roomy']);

/** @returns {Theme} */
export function theme() {
  const asked = new URLSearchParams(window.location.search).get('theme') ?? localStorage.getItem('kronika.theme');
  return THEMES.find((one) => one === asked) ?? 'system';
}

/** @returns {Density} */
export function density() {
  const asked = localStorage.getItem('kronika.density');
  return DENSITIES.find((one) => one === asked) ?? 'close';
}

/** @param {Theme} chosen */
export function useTheme(chosen) {
  localStorage.setItem('kronika.theme', chosen);
  apply();
}

/** @param {Density} chosen */
export function useDensity(chosen) {
  localStorage.setItem('kronika.density', chosen);
  apply();
}

/** Shows the page as it was chosen. */
export function begin() {
  apply();
}

function apply() {
  const chosen = theme();
  document.documentElement.style.colorScheme = chosen === 'system' ? 'light dark' : chosen;
  document.documentElement.dataset.density = density();
  window.dispatchEvent(new CustomEvent('kronika-theme'));
}
