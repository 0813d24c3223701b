/** A chart of tokens and cost by model. */

import { el, svg } from "./dom.js";
import { count, pluralize, isNumber, line, money } from "./format.js";
import { object, objects } from "./steps.js";

const MOST = 12;
const WIDTH = 300;
const THICK = 10;

/** Sums by model, the largest first: from the steps, else from the calls, else the total. */
export function byModel(task) {
  const usage = object(task.llm_usage);
  const steps = objects(task.steps).filter((step) => object(step.llm_call).model);
  let calls = steps.map((step) => ({ ...step.llm_call, cost: object(step.metadata).cost_usd }));
  if (!calls.length) calls = objects(usage.calls);
  if (!calls.length && usage.model) {
    calls = [{ ...usage, cost: usage.estimated_cost_usd, calls: usage.api_calls_count }];
  }
  const sums = new Map();
  for (const call of calls) {
    const sum = sums.get(call.model) ?? { model: call.model, input: 0, output: 0, cost: null, calls: 0 };
    sum.input += number(call.prompt_tokens);
    sum.output += number(call.completion_tokens);
    sum.calls += isNumber(call.calls) ? call.calls : 1;
    if (isNumber(call.cost)) sum.cost = (sum.cost ?? 0) + call.cost;
    sums.set(call.model, sum);
  }
  // with one model the total cost is its cost, even if its calls have no price
  const [only] = sums.values();
  if (sums.size === 1 && only.cost === null && isNumber(usage.estimated_cost_usd)) {
    only.cost = usage.estimated_cost_usd;
  }
  return [...sums.values()].sort((a, b) => b.input + b.output - (a.input + a.output));
}

function number(value) {
  return isNumber(value) && value > 0 ? value : 0;
}

/** The chart; null without model calls. */
export function chart(task) {
  const all = byModel(task);
  if (!all.length) return null;
  const most = Math.max(1, ...all.map((sum) => sum.input + sum.output));
  const maxCost = Math.max(0, ...all.map((sum) => sum.cost ?? 0));
  const hidden = all.length - MOST;
  return el("section", { class: "block usage" },
    el("div", { class: "block-head" }, el("h3", {}, "Tokens and cost by model"), key()),
    all.slice(0, MOST).map((sum) => figure(sum, most, maxCost)),
    hidden > 0 ? el("p", { class: "sub" }, `and ${pluralize(hidden, "more model")}`) : null);
}

function key() {
  return el("span", { class: "chart-key" },
    swatch("input"), "in", swatch("output"), "out", swatch("cost"), "cost");
}

function swatch(part) {
  return svg("svg", { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" },
    svg("rect", { class: `part-${part}`, width: 10, height: 10, rx: 2 }));
}

function figure(sum, most, maxCost) {
  const tokens = `${count(sum.input)} in, ${count(sum.output)} out`;
  const label = `${sum.model}: ${tokens}, ${money(sum.cost)}, ${pluralize(sum.calls, "call")}`;
  return el("figure", { class: "model" },
    el("figcaption", {},
      el("bdi", { class: "name" }, line(sum.model, 80)),
      el("span", { class: "sub" }, pluralize(sum.calls, "call"))),
    bars(sum, most, maxCost, label),
    el("p", { class: "sub numbers" }, el("span", {}, tokens), el("b", {}, money(sum.cost))));
}

function bars(sum, most, maxCost, label) {
  const input = (sum.input / most) * WIDTH;
  const output = (sum.output / most) * WIDTH;
  const isPriced = sum.cost !== null && maxCost > 0;
  const height = isPriced ? THICK + 8 : THICK;
  return svg("svg", {
    class: "bars", viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: "none",
    role: "img", "aria-label": label, height,
  },
  svg("rect", { class: "part-rest", width: WIDTH, height: THICK }),
  svg("rect", { class: "part-input", width: input, height: THICK }),
  svg("rect", { class: "part-output", x: input, width: output, height: THICK }),
  isPriced
    ? svg("rect", { class: "part-cost", y: THICK + 3, width: (sum.cost / maxCost) * WIDTH, height: 5 })
    : null);
}
