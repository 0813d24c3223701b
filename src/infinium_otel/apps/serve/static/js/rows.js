/** One row of the list, and its column headings. */

import { el } from "./dom.js";
import { compact, count, counted, duration, line, moment, money, since, UNKNOWN } from "./format.js";
import { icon } from "./icons.js";

export const COLUMNS = [
  ["name", "Run", "name"], ["agent", "Agent", null], ["when", "When", ""],
  ["duration", "Duration", "duration"], ["steps", "Steps", "steps"],
  ["tokens", "Tokens", "tokens"], ["cost", "Cost", "cost"], ["errors", "Errors", "errors"],
];
const SHOWN_MODELS = 2;

/** The headings; one that can be sorted by is a button. */
export function headings(sort, onSort) {
  return COLUMNS.map(([name, label, order]) => {
    if (order === null) return el("span", { class: `c-${name}` }, label);
    const isOn = order === (sort ?? "");
    return el("button", {
      type: "button", class: `c-${name}`, "aria-pressed": String(isOn),
      title: `Sort by ${label.toLowerCase()}`, on: { click: () => onSort(order) },
    }, label);
  });
}

/**
 * The row of a task, a link to it.
 * @param {object|null} task null while it is on its way
 * @param {number} place from 0, of *total*
 */
export function row(task, place, total, isCurrent) {
  const position = { role: "listitem", "aria-posinset": place + 1, "aria-setsize": total };
  if (!task) return el("div", { class: "row empty", ...position });
  const link = el("a", {
    href: `/tasks/${encodeURIComponent(task.trace_id)}`, class: "run", "data-route": true,
    tabindex: isCurrent ? "0" : "-1",
  }, ...cells(task));
  return el("div", { class: "row", ...position, "data-id": task.trace_id }, link);
}

function cells(task) {
  return [
    el("span", { class: "c-state" }, state(task)),
    el("span", { class: "c-name" }, el("bdi", { class: "name" }, line(task.name)), models(task)),
    el("span", { class: "c-agent" }, el("bdi", {}, line(task.agent, 80) || UNKNOWN)),
    el("span", { class: "c-when" }, when(task)),
    el("span", { class: "c-facts" },
      el("span", { class: "c-duration" }, duration(task.duration_s * 1000)),
      steps(task),
      el("span", { class: "c-tokens", title: tokens(task) }, compact(task.total_tokens), unit("tokens")),
      el("span", { class: "c-cost" }, money(task.cost_usd))),
    el("span", { class: "c-errors" }, errors(task)),
  ];
}

function state(task) {
  if (task.errors) return icon("error", "With errors");
  return task.incomplete ? icon("partial", "Incomplete") : icon("ok", "Without errors");
}

function models(task) {
  const named = task.models.slice(0, SHOWN_MODELS).map((model) => line(model, 60)).join(", ");
  const more = task.models.length - SHOWN_MODELS;
  const said = more > 0 ? `${named} and ${more} more` : named;
  return el("bdi", { class: "sub" }, task.incomplete ? `incomplete · ${said}` : said);
}

function when(task) {
  const iso = new Date(task.ended_ms).toISOString();
  return el("time", { datetime: iso, title: moment(task.ended_ms) }, since(task.ended_ms));
}

function steps(task) {
  const told = `${counted(task.llm_calls, "LLM call")}, ${counted(task.tool_calls, "tool call")}`;
  return el("span", { class: "c-steps", title: told }, count(task.steps), unit("steps"));
}

function unit(word) {
  return el("i", { class: "unit" }, ` ${word}`);
}

function tokens(task) {
  return `${count(task.prompt_tokens)} in, ${count(task.completion_tokens)} out`;
}

function errors(task) {
  if (!task.errors) return el("span", { class: "none", "aria-label": "none" }, "–");
  return el("span", { class: "badge" }, counted(task.errors, "error"));
}

/** Bring the relative times below *host* up to date. */
export function tick(host) {
  for (const time of host.querySelectorAll("time")) {
    time.textContent = since(Date.parse(time.dateTime));
  }
}
