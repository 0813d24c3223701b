/** What opens above the page: the JSON of a run, and the keys. */

import * as api from "./api.js";
import { copyButton, longText } from "./blocks.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";

const FIRST = 50_000;
const KEYS = [
  ["/", "Search"], ["↑ ↓ or k j", "Move in the list or the steps"],
  ["Enter", "Open"], ["← →", "Close and open a branch of steps"],
  ["e", "Next error of a run"], ["Esc", "Close the step, go back to the runs"],
  ["?", "These keys"],
];

function open(title, ...parts) {
  const dialog = el("dialog", { "aria-label": title, on: { close: () => dialog.remove() } },
    el("div", { class: "panel-head" }, el("h2", {}, title),
      el("button", {
        type: "button", class: "quiet close", "aria-label": "Close", on: { click: () => dialog.close() },
      }, icon("close"))),
    ...parts);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** The run *id* as it was received. */
export async function showJson(id) {
  const text = await api.body(id).catch((error) => error.message);
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // shown as it is
  }
  open("JSON as received", el("div", { class: "block-head" }, copyButton(() => text, "Copy"),
    el("a", { class: "button quiet", href: `/api/tasks/${encodeURIComponent(id)}/body`, target: "_blank", rel: "noopener" }, "Open raw")),
  longText(shown, FIRST)).classList.add("json");
}

/** The keys that the page knows. */
export function showKeys() {
  open("Keys", el("dl", { class: "keys" }, KEYS.map(([key, meaning]) =>
    [el("dt", {}, el("kbd", {}, key)), el("dd", {}, meaning)])));
}
