/** The panel beside the timeline: the run as a whole, or the chosen step. */

import { copyButton, errorBlock, table, textBlock } from "./blocks.js";
import { el } from "./dom.js";
import { count, duration, isNumber, money, visible } from "./format.js";
import { icon } from "./icons.js";
import { contents, loadStep, recorded } from "./span.js";
import { KIND_NAMES, object, objects } from "./steps.js";
import { titleOf } from "./timeline.js";
import { chart } from "./usage.js";

const EVALUATION = "evaluation.";
const PROMPT = "prompt.";

/**
 * The run as a whole.
 * @param {object|null} found what the server's rules found, by rule
 */
export function overview(task, forest, onOpen, found) {
  const outcome = object(task.expected_outcome);
  const environment = object(task.environment);
  const { custom_tags: tags, ...facts } = environment;
  const { time_tracking: times, ...sections } = object(task.sections);
  const [scores, versions, others] = splitTags(object(tags));
  return [
    ...objects(task.errors).slice(0, 50).map((error) => errorBlock(error, opener(error, forest, onOpen))),
    ruleTable(found),
    table("Evaluations", scores),
    table("Prompts", versions),
    chart(task),
    textBlock("Input", task.input_summary),
    textBlock("Output", task.output_summary),
    textBlock("Objective", outcome.task_objective),
    table("Expected", rest(outcome, "task_objective")),
    ...Object.entries(sections).map(([name, section]) => table(toTitle(name), object(section))),
    table("Time", object(times)),
    table("Environment", facts),
    table("Tags", others),
  ].filter(Boolean);
}

/** The results of evaluations among the tags, the versions of prompts, and the other tags. */
function splitTags(tags) {
  const [scores, versions, others] = [{}, {}, {}];
  for (const [name, value] of Object.entries(tags)) {
    if (name.startsWith(EVALUATION)) scores[name.slice(EVALUATION.length)] = value;
    else if (name.startsWith(PROMPT)) versions[name.slice(PROMPT.length)] = `version ${value}`;
    else others[name] = value;
  }
  return [scores, versions, others];
}

/** The stored prompts that a call was made with, by name, each with its version. */
function prompts(meta) {
  const found = objects(meta.prompts).map((each) => [
    text(each.name) ?? text(each.id) ?? "unnamed",
    [each.version === undefined ? null : `version ${String(each.version).slice(0, 200)}`, text(each.source)]
      .filter(Boolean).join(" · "),
  ]);
  return table("Prompts", Object.fromEntries(found));
}

/** Each rule with its result; it says that this is no judgement. */
function ruleTable(found) {
  const lines = Object.entries(object(found)).map(([rule, { label, explanation }]) =>
    [rule, [label, explanation].filter(Boolean).join(" · ")]);
  const shown = table("Rules of this server", Object.fromEntries(lines));
  if (shown) shown.append(el("p", { class: "sub" }, "Fixed conditions in a file of rules; nothing is learned or judged."));
  return shown;
}

/** The evaluations of a step, each with its result and its explanation. */
function evaluations(meta) {
  const found = objects(meta.evaluations).map((each) => {
    const label = text(each.label) ?? (text(each.error) ? `error: ${text(each.error)}` : null);
    const score = each.score === undefined ? null : String(each.score).slice(0, 40);
    const result = score && label ? `${score} (${label})` : score ?? label ?? "";
    return [String(each.name), [result, each.explanation].filter(Boolean).join(" · ")];
  });
  return table("Evaluations", Object.fromEntries(found));
}

function opener(error, forest, onOpen) {
  const node = forest.nodes.find(({ step }) => {
    const own = object(step.error);
    return own.error_type === error.error_type && own.message === error.message;
  });
  return node ? () => onOpen(node) : null;
}

function rest(values, ...without) {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !without.includes(name)));
}

function toTitle(name) {
  const words = visible(name.slice(0, 60)).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** One step: input, output, error and metadata; more once its spans are loaded. */
export function details(node, total, timeline, close, id) {
  const { step } = node;
  const tool = object(step.tool_call);
  const button = (label, by) => el("button", {
    type: "button", class: "quiet", disabled: !timeline.neighbour(node, by),
    on: { click: () => timeline.open(timeline.neighbour(node, by)) },
  }, label);
  const output = step.output_preview;
  const previews = el("div", { class: "blocks" }, [
    textBlock("Input", step.input_preview),
    textBlock("Output", output),
    tool.input_summary !== step.input_preview ? textBlock("Tool input", tool.input_summary) : null,
    tool.output_summary !== output && !isLonger(output, tool.output_summary)
      ? textBlock("Tool output", tool.output_summary) : null,
  ]);
  const spans = el("div", { class: "blocks" });
  showSpans(id, node.index + 1, previews, spans);
  return [
    el("div", { class: "panel-head" },
      el("h2", { tabindex: "-1", class: `kind-${node.kind}` }, icon(node.kind), el("bdi", {}, titleOf(node))),
      el("button", { type: "button", class: "quiet close", "aria-label": "Close the step", on: { click: close } }, icon("close"))),
    el("p", { class: "sub panel-line" },
      el("span", {}, `${KIND_NAMES[node.kind]} · step ${node.index + 1} of ${count(total)}`),
      el("span", { class: "moves" }, button("Previous", -1), button("Next", 1))),
    isObject(step.error) ? errorBlock(step.error) : null,
    el("p", { class: "described", dir: "auto" }, visible(String(step.description ?? "").slice(0, 2000))),
    facts(node),
    evaluations(node.meta),
    prompts(node.meta),
    previews,
    spans,
    table("Metadata", rest(node.meta, "evaluations", "prompts")),
    el("div", { class: "block-head" }, copyButton(() => JSON.stringify(step, null, 2), "Copy step as JSON")),
  ].filter(Boolean);
}

/** Replace the previews by the whole texts, and add the spans, if the server has them. */
async function showSpans(id, number, previews, spans) {
  let view;
  try {
    view = await loadStep(id, number);
  } catch (error) {
    spans.replaceChildren(el("p", { class: "sub" }, `The spans of this step cannot be shown: ${visible(error.message)}`));
    return;
  }
  if (!view) return;
  const whole = contents(view);
  if (whole.length) previews.replaceChildren(...whole);
  spans.replaceChildren(...recorded(view, id));
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

/** Whether *text* begins with *other*. */
function isLonger(text, other) {
  return typeof text === "string" && typeof other === "string" && text.startsWith(other);
}

function facts(node) {
  const call = object(node.step.llm_call);
  const tool = object(node.step.tool_call);
  const known = [
    ["Took", duration(node.length)],
    ["Start offset", duration(node.start)],
    ["Model", text(call.model)],
    ["Provider", text(call.provider)],
    ["Tokens in", number(call.prompt_tokens)],
    ["Tokens out", number(call.completion_tokens)],
    ["Cost", isNumber(node.meta.cost_usd) ? money(node.meta.cost_usd) : null],
    ["Temperature", number(call.temperature)],
    ["Purpose", text(call.purpose)],
    ["Tool", text(tool.tool_name)],
    ["HTTP status", number(tool.http_status)],
    ["Action", text(node.step.action)],
  ].filter(([, value]) => value !== null);
  return el("dl", { class: "facts" }, known.map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, el("bdi", {}, value)))));
}

function text(value) {
  return typeof value === "string" && value ? visible(value.slice(0, 300)) : null;
}

function number(value) {
  return isNumber(value) ? count(value) : null;
}
