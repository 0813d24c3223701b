/** Two runs side by side: their figures, aligned steps, and texts as a diff. */

import { diffArrays } from "../vendor/diff/diff/array.js";
import { diffWordsWithSpace } from "../vendor/diff/diff/word.js";
import * as api from "./api.js";
import { el } from "./dom.js";
import { compact, count, duration, isNumber, line, moment, money, visible } from "./format.js";
import { icon } from "./icons.js";
import { forest, object, walk } from "./steps.js";
import { titleOf } from "./timeline.js";

const LONGEST = 20_000;
const NAMED = { "evaluation.": "Evaluation", "prompt.": "Prompt" };
const FIGURES = [
  ["Duration", (row) => row.duration_s * 1000, duration], ["Steps", (row) => row.steps, count],
  ["LLM calls", (row) => row.llm_calls, count], ["Tool calls", (row) => row.tool_calls, count],
  ["Tokens in", (row) => row.prompt_tokens, compact], ["Tokens out", (row) => row.completion_tokens, compact],
  ["Cost", (row) => row.cost_usd, money], ["Errors", (row) => row.errors, count],
];

export class Compare {
  constructor(host) {
    this.host = host;
  }

  /** Show the runs that *search*, the query of the URL, names as `a` and `b`. */
  async show(search) {
    this.host.hidden = false;
    document.title = "Compare · infinium-otel";
    const params = new URLSearchParams(search);
    this.host.replaceChildren(back(), el("p", { class: "sub" }, "Loading"));
    try {
      const [a, b] = await Promise.all(["a", "b"].map((name) => api.task(params.get(name) ?? "")));
      this.host.replaceChildren(back(), ...view(a, b));
      this.host.querySelector("h1").focus({ preventScroll: true });
    } catch (error) {
      this.host.replaceChildren(back(), el("h1", { tabindex: "-1" }, "These runs cannot be compared"),
        el("p", {}, visible(error.message)));
    }
  }

  hide() {
    this.host.hidden = true;
  }
}

function back() {
  return el("a", { class: "back", href: "/", "data-back": true }, icon("back"), "Runs");
}

function view(a, b) {
  return [
    el("h1", { tabindex: "-1" }, "Two runs compared"),
    el("div", { class: "wide" }, el("table", { class: "figures" },
      el("thead", {}, el("tr", {}, el("th", {}, ""), heading(a), heading(b), el("th", {}, "Difference"))),
      el("tbody", {}, FIGURES.map((figure) => figureRow(figure, a, b)), namedRows(a, b)))),
    textDiff("Input", a.task.input_summary, b.task.input_summary),
    textDiff("Output", a.task.output_summary, b.task.output_summary),
    el("h2", {}, "Steps"),
    el("ol", { class: "aligned" }, alignSteps(a.task, b.task).map(stepRow)),
  ].filter(Boolean);
}

function heading(run) {
  return el("th", {}, el("a", { href: `/tasks/${encodeURIComponent(run.trace_id)}`, "data-route": true }, el("bdi", {}, line(run.name, 80))),
    el("small", {}, moment(run.ended_ms)));
}

function figureRow([name, get, format], a, b) {
  const [before, after] = [get(a), get(b)];
  return el("tr", {}, el("th", {}, name), el("td", {}, format(before)), el("td", {}, format(after)),
    el("td", {}, difference(before, after, format)));
}

/** The results of the evaluations and the versions of the prompts of either run, by name. */
function namedRows(a, b) {
  const tags = [a, b].map((run) => object(object(run.task.environment).custom_tags));
  return Object.entries(NAMED).flatMap(([prefix, title]) => {
    const [before, after] = tags.map((each) => new Map(
      Object.entries(each).filter(([name]) => name.startsWith(prefix))));
    return [...new Set([...before.keys(), ...after.keys()])].map((name) =>
      namedRow(`${title} ${name.slice(prefix.length)}`, before.get(name), after.get(name)));
  });
}

function namedRow(title, before, after) {
  const show = (value) => value === undefined ? "–" : el("bdi", {}, line(String(value), 80));
  return el("tr", {}, el("th", {}, line(title, 80)), el("td", {}, show(before)), el("td", {}, show(after)),
    el("td", {}, before === after ? "same" : "–"));
}

function difference(before, after, format) {
  if (!isNumber(before) || !isNumber(after)) return "–";
  if (format(before) === format(after)) return "same";
  const sign = after > before ? "+" : "−";
  const share = before ? ` (${sign}${Math.round((Math.abs(after - before) / before) * 100)} %)` : "";
  return `${sign}${format(Math.abs(after - before))}${share}`;
}

/** What was removed and added between two texts; null if both are empty. */
export function textDiff(title, before, after) {
  const [old, now] = [before, after].map((text) => String(text ?? "").slice(0, LONGEST));
  if (!old && !now) return null;
  const parts = diffWordsWithSpace(old, now, { timeout: 500 })
    ?? [{ value: old, removed: true }, { value: now, added: true }];
  return el("section", { class: "block" },
    el("div", { class: "block-head" }, el("h3", {}, parts.some((part) => part.added || part.removed) ? title : `${title} (same)`)),
    el("pre", { class: "diff", dir: "auto", tabindex: "0" }, parts.map((part) =>
      el(part.added ? "ins" : part.removed ? "del" : "span", {}, visible(part.value)))));
}

/**
 * The steps of both runs in order, each paired with its counterpart.
 * @returns {{a: object|null, b: object|null}[]} a step that only one run has is alone
 */
export function alignSteps(a, b) {
  const [first, second] = [a, b].map((task) => [...walk(forest(task).roots)]);
  const key = (node) => `${node.kind} ${node.depth} ${titleOf(node)}`;
  const parts = diffArrays(first.map(key), second.map(key), { timeout: 2_000 })
    ?? [{ count: first.length, removed: true }, { count: second.length, added: true }];
  const rows = [];
  let [x, y] = [0, 0];
  for (const { count: amount, added, removed } of parts) {
    for (let place = 0; place < amount; place += 1) {
      rows.push({ a: added ? null : first[x++], b: removed ? null : second[y++] });
    }
  }
  return rows;
}

function stepRow({ a, b }) {
  const node = a ?? b;
  const state = a && b ? "both" : a ? "removed" : "added";
  const row = el("details", { class: `step-pair ${state}`, on: { toggle: fill } },
    el("summary", { class: `kind-${node.kind} depth-${Math.min(node.depth, 6)}` },
      el("span", { class: "what" }, icon(node.kind), " ", el("bdi", {}, titleOf(node))),
      el("span", { class: "sub" }, state === "both" ? changes(a, b) : state === "added" ? "only in the second" : "only in the first")));

  function fill() {
    if (!row.open || row.children.length > 1) return;
    const side = (name) => textDiff(name === "input_preview" ? "Input" : "Output", a?.step[name], b?.step[name]);
    row.append(...[side("input_preview"), side("output_preview")].filter(Boolean));
  }

  return el("li", {}, row);
}

function changes(a, b) {
  const took = `${duration(a.length)} → ${duration(b.length)}`;
  const isSame = a.step.output_preview === b.step.output_preview && a.step.input_preview === b.step.input_preview;
  return isSame ? took : `${took} · texts differ`;
}
