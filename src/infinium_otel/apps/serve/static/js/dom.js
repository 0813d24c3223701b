/**
 * Creates elements. Data always becomes text or an attribute's value, never markup.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes, listeners and children.
 * @param {string} name
 * @param {object} [attributes] `on` contains listeners; null and false omit one
 * @param {...(Node|string|null|Array)} children texts become text nodes
 */
export function el(name, attributes = {}, ...children) {
  return fillElement(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function svg(name, attributes = {}, ...children) {
  return fillElement(document.createElementNS(SVG, name), attributes, children);
}

function fillElement(element, { on = {}, ...attributes }, children) {
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

/** Announce *text* to screen readers. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** Whether *event* is a key press without modifiers, outside input fields. */
export function isShortcut(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return false;
  return !event.target.closest?.("input, select, textarea, dialog[open]");
}

/** *listener*, called once there were no calls for *ms*. */
export function debounce(listener, ms) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => listener(...args), ms);
  };
}
