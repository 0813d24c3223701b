/** The page: which view a URL shows, and navigation between them. */

import { Compare } from "./compare.js";
import { showShortcuts } from "./dialogs.js";
import { isShortcut } from "./dom.js";
import { List } from "./list.js";
import { follow } from "./live.js";
import { Task } from "./task.js";
import { themeButton } from "./theme.js";

const TASK = /^\/tasks\/([^/]+)$/;

const list = new List(document.getElementById("list"), go);
const task = new Task(document.getElementById("task"), go, () => list.refresh());
const compare = new Compare(document.getElementById("compare"));
let cameFromList = false;

/**
 * Navigate to *address*.
 * @param {object} [how] `replace` the history entry, `keep` the scroll position,
 *   `quiet`: the view has changed already
 */
function go(address, { replace = false, keep = false, quiet = false } = {}) {
  remember();
  const state = { scroll: keep ? window.scrollY : 0, fromList: fromList() };
  if (replace) history.replaceState({ ...state, fromList: history.state?.fromList ?? false }, "", address);
  else history.pushState(state, "", address);
  if (!quiet) render();
}

function fromList() {
  return location.pathname === "/";
}

/** Store the scroll position, for going back. */
function remember() {
  history.replaceState({ ...history.state, scroll: window.scrollY }, "");
}

function render() {
  const scroll = history.state?.scroll ?? 0;
  const match = TASK.exec(location.pathname);
  cameFromList = history.state?.fromList ?? false;
  compare.hide();
  if (location.pathname === "/compare") {
    list.hide();
    task.hide();
    compare.show(location.search);
  } else if (match) {
    list.hide();
    task.show(decode(match[1]), location.search, scroll);
  } else {
    task.hide();
    list.show(location.search, scroll);
  }
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function onClick(event) {
  const link = event.target.closest("a[data-route], a[data-back]");
  const isPlain = event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || event.defaultPrevented) return;
  event.preventDefault();
  if ("back" in link.dataset && cameFromList) history.back();
  else {
    const { pathname, search } = new URL(link.href);
    go("back" in link.dataset ? pathname : pathname + search);
  }
}

history.scrollRestoration = "manual";
document.addEventListener("click", onClick);
document.addEventListener("keydown", (event) => {
  if (event.key === "?" && isShortcut(event)) showShortcuts();
});
document.getElementById("shortcuts").addEventListener("click", showShortcuts);
window.addEventListener("popstate", render);
window.addEventListener("pagehide", remember);
themeButton(document.getElementById("theme"));
follow(document.getElementById("live"), (kind, number) => {
  list.hear(kind, number);
  task.refresh();
});
render();
