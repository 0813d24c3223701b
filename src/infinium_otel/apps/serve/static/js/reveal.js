/** Parts of the page that are not in the document yet, and how a search finds them. */

const hidden = new WeakMap();

/**
 * Note that *element* stands for texts that are not shown.
 * @param {function(): any} contents what is not shown yet: texts, or lists and objects of them
 * @param {function(function(string): number): void} show shows what `search` finds in it
 */
export function standsFor(element, contents, show) {
  element.dataset.hides = "";
  hidden.set(element, { contents, show });
  return element;
}

/**
 * Show the parts of *host* in which *search* finds something; whether there were any.
 * @param {function(string): number} search where it begins; negative if it is not there
 */
export function reveal(host, search) {
  const matches = (text) => search(text) >= 0;
  let isChanged = false;
  for (const element of host.querySelectorAll("[data-hides]")) {
    const { contents, show } = hidden.get(element);
    if (!hasMatch(contents(), matches)) continue;
    show(search);
    isChanged = true;
  }
  for (const fold of host.querySelectorAll("details:not([open], [data-hides])")) {
    if (!matches(fold.textContent)) continue;
    fold.open = true;
    isChanged = true;
  }
  return isChanged;
}

function hasMatch(value, matches) {
  if (typeof value === "string") return matches(value);
  if (typeof value !== "object" || value === null) return matches(String(value ?? ""));
  return Object.entries(value).some(([name, item]) => matches(name) || hasMatch(item, matches));
}
