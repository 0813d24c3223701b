/** Dialogs: the JSON of a run, the shortcuts, and a question before deleting. */

import * as api from "./api.js";
import { copyButton, longText } from "./blocks.js";
import { el } from "./dom.js";
import { duration, line, moment, money } from "./format.js";
import { icon } from "./icons.js";

const FIRST = 50_000;
const SHORTCUTS = [
  ["/", "Search the list, or inside a run"], ["↑ ↓ or k j", "Move in the list or the steps"],
  ["Enter", "Open"], ["← →", "Close and open a branch of steps"],
  ["e", "Next error of a run"], ["Enter", "In the search of a run: the next place, with Shift the previous one"], ["Esc", "Close the step, go back to the list"],
  ["?", "Show these shortcuts"],
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

/** The run *id*, as received. */
export async function showJson(id) {
  const text = await api.body(id).catch((error) => error.message);
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // shown unchanged
  }
  open("JSON as received", el("div", { class: "block-head" }, copyButton(() => text, "Copy"),
    el("a", { class: "button quiet", href: `/api/tasks/${encodeURIComponent(id)}/body`, target: "_blank", rel: "noopener" }, "Open raw")),
  longText(shown, FIRST)).classList.add("json");
}

/** The shortcuts. */
export function showShortcuts() {
  open("Shortcuts", el("dl", { class: "keys" }, SHORTCUTS.map(([key, meaning]) =>
    [el("dt", {}, el("kbd", {}, key)), el("dd", {}, meaning)])));
}

/** Ask whether to delete a run; true if so. */
export function confirmRemoval() {
  return new Promise((resolve) => {
    const dialog = open("Delete this run?",
      el("p", {}, "The run and its spans are removed from this server's database. This cannot be undone."),
      el("div", { class: "block-head" },
        el("button", { type: "button", on: { click: () => dialog.close() } }, "Keep"),
        el("button", { type: "button", class: "danger", on: { click: () => dialog.close("delete") } }, "Delete")));
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "delete"));
  });
}

/** Choose a run to compare with *row*: the latest of the same agent. */
export async function chooseOther(row) {
  const found = await api.tasks({ agent: row.agent }, 0, 50).catch(() => ({ tasks: [] }));
  const others = found.tasks.filter((task) => task.trace_id !== row.trace_id);
  const address = (task) => `/compare?${new URLSearchParams({ a: task.trace_id, b: row.trace_id })}`;
  const dialog = open("Compare with", others.length ? null : el("p", {}, "There is no other run of this agent."),
    el("div", { class: "candidates" }, others.map((task) => el("a", {
      href: address(task), "data-route": true, on: { click: () => dialog.close() },
    }, el("span", {}, el("bdi", {}, line(task.name, 80)),
      task.answer ? el("bdi", { class: "sub" }, ` ${line(task.answer, 100)}`) : null),
    el("span", { class: "sub" }, [moment(task.ended_ms), duration(task.duration_s * 1000), money(task.cost_usd)].join(" · "))))));
}
