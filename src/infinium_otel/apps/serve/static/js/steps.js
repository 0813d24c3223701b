/** The steps of a task as a tree in time. */

import { isNumber } from "./format.js";

const KINDS = {
  agent: "agent", subagent: "agent", workflow: "agent",
  retrieval: "retrieval", embedding: "retrieval", rerank: "retrieval", memory: "retrieval",
  guardrail: "check", evaluator: "check",
};
export const KIND_NAMES = {
  llm: "LLM call", tool: "Tool", agent: "Agent", retrieval: "Retrieval",
  check: "Check", other: "Other",
};

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** *value* if it is an object, else an empty one: received JSON may have any shape. */
export function object(value) {
  return isObject(value) ? value : {};
}

/** The objects in *value*, a list or anything else. */
export function objects(value) {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function kindOf(step) {
  if (isObject(step.llm_call) && !/^(embedding|rerank)$/.test(step.action)) return "llm";
  if (isObject(step.tool_call)) return "tool";
  return Object.hasOwn(KINDS, step.action) ? KINDS[step.action] : "other";
}

/**
 * One step in the tree.
 * @typedef {object} Node
 * @property {object} step as received
 * @property {number} index its place in the task
 * @property {string} kind
 * @property {number} start ms from the beginning of the run
 * @property {number} length ms
 * @property {Node|null} parent
 * @property {Node[]} children sorted by time
 * @property {number} depth
 */

/**
 * The steps of *task* as a forest.
 * @returns {{nodes: Node[], roots: Node[], span: number, timed: boolean}} `timed` is
 *   false if steps have no start time: they are then placed end to end
 */
export function forest(task) {
  const nodes = objects(task.steps).map((step, index) => ({
    step, index, kind: kindOf(step), parent: null, children: [], depth: 0,
    meta: object(step.metadata), length: lengthOf(step), start: startOf(step),
  }));
  const timed = nodes.length > 0 && nodes.every((node) => node.start !== null);
  const span = timed ? fromFirst(nodes, task) : endToEnd(nodes, task);
  linkParents(nodes);
  const roots = nodes.filter((node) => node.parent === null);
  const inTime = (a, b) => a.start - b.start || a.index - b.index;
  nodes.forEach((node) => node.children.sort(inTime));
  roots.sort(inTime);
  for (const node of walk(roots)) node.depth = node.parent ? node.parent.depth + 1 : 0;
  return { nodes, roots, span, timed };
}

function lengthOf(step) {
  const length = step.duration_ms ?? object(step.llm_call).latency_ms ?? object(step.tool_call).duration_ms;
  return isNumber(length) && length > 0 ? length : 0;
}

function startOf(step) {
  const start = Date.parse(object(step.metadata).start_time);
  return Number.isNaN(start) ? null : start;
}

/** Make the starts relative to the run's; returns the length of the run. */
function fromFirst(nodes, task) {
  const start = Date.parse(object(object(task.sections).time_tracking).start_time);
  const first = nodes.reduce((least, node) => Math.min(least, node.start), Infinity);
  const zero = Number.isNaN(start) || start > first ? first : start;
  nodes.forEach((node) => { node.start -= zero; });
  return spanOf(nodes, task);
}

function endToEnd(nodes, task) {
  let end = 0;
  for (const node of nodes) {
    node.start = end;
    end += node.length;
  }
  return spanOf(nodes, task);
}

function spanOf(nodes, task) {
  const end = nodes.reduce((most, node) => Math.max(most, node.start + node.length), 0);
  const duration = isNumber(task.duration) ? task.duration * 1000 : 0;
  // a duration far longer than the steps would squeeze them into a corner
  return Math.max(end, duration <= end * 3 ? duration : 0, 1);
}

/** Set every step's parent, by span id. Ids may be missing, duplicate or cyclic. */
function linkParents(nodes) {
  const bySpan = new Map();
  for (const node of [...nodes].reverse()) {
    for (const id of spanIds(node.meta)) bySpan.set(id, node);
  }
  for (const node of nodes) {
    const parent = bySpan.get(node.meta["otel.parent_span_id"]);
    if (parent && parent !== node) node.parent = parent;
  }
  breakCycles(nodes);
  for (const node of nodes) node.parent?.children.push(node);
}

function spanIds(meta) {
  const folded = meta["otel.folded_span_ids"];
  const ids = [...(Array.isArray(folded) ? folded : []), meta["otel.span_id"]];
  return ids.filter((id) => typeof id === "string" && id);
}

function breakCycles(nodes) {
  const visited = new Set();
  for (const node of nodes) {
    const way = new Set();
    let at = node;
    while (at && !visited.has(at) && !way.has(at)) {
      way.add(at);
      at = at.parent;
    }
    if (at && way.has(at)) at.parent = null;
    way.forEach((one) => visited.add(one));
  }
}

/** Every node below *roots*, parents first, except below *closed* ones. */
export function* walk(roots, closed = new Set()) {
  const open = [...roots].reverse();
  while (open.length) {
    const node = open.pop();
    yield node;
    if (!closed.has(node)) {
      for (let i = node.children.length - 1; i >= 0; i -= 1) open.push(node.children[i]);
    }
  }
}
