/**
 * Shortcuts: one table, which the help (`?`) shows. Nothing fires while somebody types, or in an open dialog, unless
 * the shortcut says so.
 */

/**
 * @typedef {object} Shortcut
 * @property {string} keys `j`, `?`, `Ctrl+Enter`, or a sequence `g j`
 * @property {string} title key of the text that the help shows
 * @property {(event: KeyboardEvent) => void} [run] without it the help tells of the keys, which some control itself listens to
 * @property {boolean} [typing] also while somebody types
 */

/** @type {Set<Shortcut>} */
const shortcuts = new Set();
let pending = '';
let pendingSince = 0;

/**
 * Adds shortcuts until the returned function is called.
 * @param {Shortcut[]} added
 * @returns {() => void}
 */
export function shortcut(...added) {
  for (const one of added) shortcuts.add(one);
  return () => {
    for (const one of added) shortcuts.delete(one);
  };
}

/** All shortcuts, for the help. */
export function all() {
  return [...shortcuts];
}

/** @param {KeyboardEvent} event */
function named(event) {
  const modifier = event.ctrlKey || event.metaKey ? 'Ctrl+' : event.altKey ? 'Alt+' : '';
  const shift = event.shiftKey && event.key.length > 1 ? 'Shift+' : '';
  return modifier + shift + event.key;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input:not([type=checkbox],[type=radio],[type=range],[type=button]), textarea, select'));
}

/** @param {KeyboardEvent} event */
function pressesControl({ key, target }) {
  return (key === 'Enter' || key === ' ') && target instanceof Element && target.closest('button, a[href], summary, [role=button], [role=option], [role=tab], input[type=checkbox], input[type=radio]') !== null;
}

/** Listens to the keyboard, once. */
export function begin() {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const typing = isTyping(event.target);
    const name = named(event);
    // Enter and Space press the control that has the focus; a menu takes letters for itself.
    if (pressesControl(event)) return;
    const inDialog = document.querySelector('dialog[open]') !== null || (event.target instanceof Element && event.target.closest('.popover') !== null);
    const sequence = event.timeStamp - pendingSince < 1_200 && pending ? `${pending} ${name}` : '';
    const fits = (/** @type {Shortcut} */ one) => one.run != null && (sequence ? one.keys === sequence : one.keys === name) && (one.typing || (!typing && !inDialog));
    const found = [...shortcuts].reverse().find(fits);
    pending = '';
    if (found) {
      event.preventDefault();
      found.run?.(event);
    } else if (!typing && !inDialog && [...shortcuts].some((one) => one.keys.startsWith(`${name} `))) {
      pending = name;
      pendingSince = event.timeStamp;
    }
  });
}
