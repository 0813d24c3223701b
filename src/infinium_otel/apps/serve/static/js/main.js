/** The page: which view an address stands for, and the way from one to another. */

import { showKeys } from "./dialogs.js";
import { isShortcut } from "./dom.js";
import { List } from "./list.js";
import { follow } from "./live.js";
import { Task } from "./task.js";
import { themeButton } from "./theme.js";

const TASK = /^\/tasks\/([^/]+)$/;

const list = new List(document.getElementById("list"), go);
const task = new Task(document.getElementById("task"), go);
let cameFromList = false;

/**
 * Go to *address*.
 * @param {object} [how] `replace` the entry of the history, `keep` the place on the
 *   page, `quiet`: the view has changed already
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

/** Keep where the page stands, for the way back. */
function remember() {
  history.replaceState({ ...history.state, scroll: window.scrollY }, "");
}

function render() {
  const scroll = history.state?.scroll ?? 0;
  const found = TASK.exec(location.pathname);
  cameFromList = history.state?.fromList ?? false;
  if (found) {
    list.hide();
    task.show(decoded(found[1]), location.search, scroll);
  } else {
    task.hide();
    list.show(location.search, scroll);
  }
}

function decoded(text) {
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
  else go(new URL(link.href).pathname);
}

history.scrollRestoration = "manual";
document.addEventListener("click", onClick);
document.addEventListener("keydown", (event) => {
  if (event.key === "?" && isShortcut(event)) showKeys();
});
document.getElementById("keys").addEventListener("click", showKeys);
window.addEventListener("popstate", render);
window.addEventListener("pagehide", remember);
themeButton(document.getElementById("theme"));
follow(document.getElementById("live"), () => list.news());
render();
