/** Beside the timeline: the run as a whole, or the step that was chosen. */

import { copyButton, errorBlock, table, textBlock } from "./blocks.js";
import { el } from "./dom.js";
import { count, duration, isNumber, money, visible } from "./format.js";
import { icon } from "./icons.js";
import { KIND_NAMES, object, objects } from "./steps.js";
import { titleOf } from "./timeline.js";
import { chart } from "./usage.js";

/** The run as a whole. */
export function overview(task, forest, onOpen) {
  const outcome = object(task.expected_outcome);
  const environment = object(task.environment);
  const { custom_tags: tags, ...facts } = environment;
  const { time_tracking: times, ...sections } = object(task.sections);
  return [
    ...objects(task.errors).slice(0, 50).map((error) => errorBlock(error, opener(error, forest, onOpen))),
    chart(task),
    textBlock("Input", task.input_summary),
    textBlock("Output", task.output_summary),
    textBlock("Objective", outcome.task_objective),
    table("Expected", rest(outcome, "task_objective")),
    ...Object.entries(sections).map(([name, section]) => table(titled(name), object(section))),
    table("Time", object(times)),
    table("Environment", facts),
    table("Tags", object(tags)),
  ].filter(Boolean);
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

function titled(name) {
  const words = visible(name.slice(0, 60)).replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** One step: what went in, what came out, what went wrong, what else is known. */
export function details(node, total, move, close) {
  const { step } = node;
  const tool = object(step.tool_call);
  const button = (label, by, disabled) => el("button", {
    type: "button", class: "quiet", disabled, on: { click: () => move(by) },
  }, label);
  const output = step.output_preview;
  return [
    el("div", { class: "panel-head" },
      el("h2", { tabindex: "-1", class: `kind-${node.kind}` }, icon(node.kind), el("bdi", {}, titleOf(node))),
      el("button", { type: "button", class: "quiet close", "aria-label": "Close the step", on: { click: close } }, icon("close"))),
    el("p", { class: "sub panel-line" },
      el("span", {}, `${KIND_NAMES[node.kind]} · step ${node.index + 1} of ${count(total)}`),
      el("span", { class: "moves" }, button("Previous", -1, node.index === 0),
        button("Next", 1, node.index === total - 1))),
    isObject(step.error) ? errorBlock(step.error) : null,
    el("p", { class: "described", dir: "auto" }, visible(String(step.description ?? "").slice(0, 2000))),
    facts(node),
    textBlock("Input", step.input_preview),
    textBlock("Output", output),
    tool.input_summary !== step.input_preview ? textBlock("Tool input", tool.input_summary) : null,
    tool.output_summary !== output && !isLonger(output, tool.output_summary)
      ? textBlock("Tool output", tool.output_summary) : null,
    table("Metadata", node.meta),
    el("div", { class: "block-head" }, copyButton(() => JSON.stringify(step, null, 2), "Copy step as JSON")),
  ].filter(Boolean);
}

function isObject(value) {
  return typeof value === "object" && value !== null;
}

/** Whether *text* already holds the beginning that *other* is. */
function isLonger(text, other) {
  return typeof text === "string" && typeof other === "string" && text.startsWith(other);
}

function facts(node) {
  const call = object(node.step.llm_call);
  const tool = object(node.step.tool_call);
  const known = [
    ["Took", duration(node.length)],
    ["Began after", duration(node.start)],
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
