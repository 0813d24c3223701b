/**
 * Makes elements. Whatever comes from outside becomes text or an attribute's value:
 * nothing in this page takes markup.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes, listeners and children.
 * @param {string} name
 * @param {object} [attributes] `on` holds listeners; null and false leave one out
 * @param {...(Node|string|null|Array)} children texts become text nodes
 */
export function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, { on = {}, ...attributes }, children) {
  for (const [event, listener] of Object.entries(on)) {
    element.addEventListener(event, listener);
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== ""));
  return element;
}

/** Say *text* to whoever listens instead of looking. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** True if *event* is a plain key press outside of fields. */
export function isShortcut(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return false;
  return !event.target.closest?.("input, select, textarea, dialog[open]");
}

/** *listener*, called once things have been quiet for *ms*. */
export function settled(listener, ms) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => listener(...given), ms);
  };
}
