/** One row of the list, and its column headings. */

import { el } from "./dom.js";
import { compact, count, pluralize, duration, line, moment, money, since, UNKNOWN } from "./format.js";
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
 * @param {object|null} task null until it is fetched
 * @param {number} place from 0, of *total*
 */
export function row(task, place, total, isCurrent) {
  const position = { role: "listitem", "aria-posinset": place + 1, "aria-setsize": total };
  if (!task) return el("div", { class: "row empty", ...position });
  const link = el("a", {
    href: `/tasks/${encodeURIComponent(task.trace_id)}`, class: "run", "data-route": true,
    tabindex: isCurrent ? "0" : "-1",
  }, ...cells(task));
  return el("div", { class: task.open ? "row open" : "row", ...position, "data-id": task.trace_id }, link);
}

function cells(task) {
  return [
    el("span", { class: "c-state" }, state(task)),
    el("span", { class: "c-name" }, el("bdi", { class: "name" }, line(task.name)), preview(task), models(task)),
    el("span", { class: "c-agent" }, el("bdi", {}, line(task.agent, 80) || UNKNOWN)),
    el("span", { class: "c-when" }, when(task)),
    el("span", { class: "c-facts" },
      task.rules_failed ? el("span", { class: "c-rules failed-rules" }, `${count(task.rules_failed)} failed`) : null,
      el("span", { class: "c-duration" }, duration(task.duration_s * 1000)),
      steps(task),
      el("span", { class: "c-tokens", title: tokens(task) }, compact(task.total_tokens), unit("tokens")),
      el("span", { class: "c-cost" }, money(task.cost_usd))),
    el("span", { class: "c-errors" }, errors(task)),
  ];
}

/** The question and the answer, each cut; empty for a run without either. */
function preview(task) {
  if (!task.question && !task.answer) return null;
  return el("span", { class: "preview" },
    el("bdi", { class: "question" }, line(task.question, 200)),
    task.answer ? el("bdi", { class: "answer" }, `→ ${line(task.answer, 200)}`) : null);
}

function state(task) {
  if (task.open) return icon("running", "Running");
  if (task.fatal) return icon("error", "With errors");
  if (task.errors) return icon("recovered", "Recovered from errors");
  return task.incomplete ? icon("partial", "Incomplete") : icon("ok", "Without errors");
}

function models(task) {
  const named = task.models.slice(0, SHOWN_MODELS).map((model) => line(model, 60)).join(", ");
  const more = task.models.length - SHOWN_MODELS;
  const text = more > 0 ? `${named} and ${more} more` : named;
  const prefix = task.open ? "running · " : task.incomplete ? "incomplete · " : "";
  const found = rules(task);
  return el("bdi", { class: "sub" }, found, (found && text ? " · " : "") + prefix + text);
}

/** What the server's rules found; empty for a run that was not checked. */
function rules(task) {
  if (!task.rules) return null;
  if (!task.rules_failed) return el("span", {}, `${pluralize(task.rules, "rule")}, none failed`);
  return el("span", { class: "failed-rules" }, `${count(task.rules_failed)} of ${pluralize(task.rules, "rule")} failed`);
}

function when(task) {
  if (task.open) return el("span", { title: `Last step ended ${moment(task.ended_ms)}` }, "running");
  const iso = new Date(task.ended_ms).toISOString();
  return el("time", { datetime: iso, title: moment(task.ended_ms) }, since(task.ended_ms));
}

function steps(task) {
  const title = `${pluralize(task.llm_calls, "LLM call")}, ${pluralize(task.tool_calls, "tool call")}`;
  return el("span", { class: "c-steps", title }, count(task.steps), unit(task.steps === 1 ? "step" : "steps"));
}

function unit(word) {
  return el("i", { class: "unit" }, ` ${word}`);
}

function tokens(task) {
  return `${count(task.prompt_tokens)} in, ${count(task.completion_tokens)} out`;
}

function errors(task) {
  if (!task.errors) return el("span", { class: "none", "aria-label": "none" }, "–");
  if (!task.fatal) return el("span", { class: "badge mild" }, `${count(task.errors)} recovered`);
  return el("span", { class: "badge" }, pluralize(task.fatal, "error"));
}

/** Update the relative times inside *host*. */
export function tick(host) {
  for (const time of host.querySelectorAll("time")) {
    time.textContent = since(Date.parse(time.dateTime));
  }
}
