/** The steps as bars over time, nested by parent: a tree for mouse and keyboard. */

import { el, isShortcut } from "./dom.js";
import { count, counted, duration, isNumber, line } from "./format.js";
import { icon } from "./icons.js";
import { KIND_NAMES, object, walk } from "./steps.js";
import { VirtualList } from "./virtual.js";

const ROW = 34;
const INDENT = 16;
const DEEPEST = 12;
const TICKS = 5;
const STEPS_OF_TIME = [1, 2, 5, 10, 20, 50, 100, 200, 500];
const MOVES = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10 };

export class Timeline {
  /** @param {function(Node|null, boolean): void} onChoose true if by mouse or Enter */
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.legend = el("div", { class: "legend" });
    this.axis = el("div", { class: "axis", "aria-hidden": "true" });
    this.tree = el("div", { class: "tree", role: "tree", "aria-label": "Steps" });
    this.note = el("p", { class: "sub", hidden: true });
    this.element = el("div", { class: "timeline" }, this.legend, this.note, this.axis, this.tree);
    this.rows = new VirtualList(this.tree, () => ROW, (index) => this.row(index));
    this.tree.addEventListener("keydown", (event) => this.press(event));
    this.tree.addEventListener("click", (event) => this.click(event));
  }

  /** Show a forest as `steps.forest` makes it. */
  show(forest) {
    this.forest = forest;
    this.closed = new Set();
    this.chosen = null;
    this.shown = [...walk(forest.roots)];
    this.current = 0;
    this.note.hidden = forest.timed || forest.nodes.length === 0;
    this.note.textContent = "The steps tell no start: they stand end to end.";
    this.legend.replaceChildren(...this.legendOf(forest.nodes));
    const step = roundStep(forest.span / TICKS);
    this.axis.replaceChildren(el("div", { class: "marks" },
      el("div", { class: "ruler" }, ticks(forest.span, step))));
    this.tree.style.setProperty("--grid", `${(step / forest.span) * 100}%`);
    this.rows.setCount(this.shown.length);
  }

  legendOf(nodes) {
    const kinds = Object.keys(KIND_NAMES).map((kind) => [
      kind, nodes.filter((node) => node.kind === kind).length,
    ]);
    const keys = kinds.filter(([, number]) => number).map(([kind, number]) =>
      el("span", { class: `key kind-${kind}` }, icon(kind), `${KIND_NAMES[kind]} `,
        el("b", {}, count(number))));
    const failed = nodes.filter((node) => isFailed(node)).length;
    if (failed) {
      keys.push(el("button", {
        type: "button", class: "key kind-error", title: "Go to the next error (e)",
        on: { click: () => this.nextError() },
      }, icon("error"), "Error ", el("b", {}, count(failed))));
    }
    return keys;
  }

  row(index) {
    const node = this.shown[index];
    const failed = isFailed(node);
    const isOpen = node.children.length ? String(!this.closed.has(node)) : null;
    return el("div", {
      class: `step kind-${node.kind}${failed ? " failed" : ""}`, role: "treeitem",
      tabindex: index === this.current ? "0" : "-1",
      "aria-level": node.depth + 1, "aria-expanded": isOpen,
      "aria-selected": String(node === this.chosen), "aria-label": spoken(node),
    }, this.label(node, failed), this.track(node),
    el("span", { class: "took" }, duration(node.length)));
  }

  label(node, failed) {
    const label = el("span", { class: "label" },
      node.children.length
        ? el("span", { class: "caret", "data-caret": true }, icon("caret"))
        : el("span", { class: "caret" }),
      icon(node.kind), el("bdi", { class: "what" }, titleOf(node)),
      failed ? icon("error") : null);
    label.style.paddingInlineStart = `${Math.min(node.depth, DEEPEST) * INDENT}px`;
    return label;
  }

  track(node) {
    const bar = el("span", { class: "bar" });
    const left = Math.min(100, (node.start / this.forest.span) * 100);
    const width = Math.min(100 - left, (node.length / this.forest.span) * 100);
    bar.style.setProperty("--left", `${left}%`);
    bar.style.setProperty("--width", `${width}%`);
    return el("span", { class: "track" }, bar);
  }

  click(event) {
    const index = Number(event.target.closest("[data-index]")?.dataset.index);
    if (!Number.isInteger(index)) return;
    if (event.target.closest("[data-caret]")) this.fold(this.shown[index]);
    else this.choose(index, true);
  }

  /** Choose the step at *index* of what is shown. */
  choose(index, isMeant) {
    this.turnTo(index);
    const before = this.chosen;
    this.chosen = this.shown[index];
    for (const node of [before, this.chosen]) this.rows.redrawRow(this.shown.indexOf(node));
    this.onChoose(this.chosen, isMeant);
  }

  /** Choose *node* wherever it is, and bring it into view. */
  open(node) {
    for (let above = node.parent; above; above = above.parent) this.closed.delete(above);
    this.reshow();
    const index = this.shown.indexOf(node);
    this.choose(index, false);
    this.rows.reveal(index);
  }

  /** Nothing is chosen any more; the focus stays where it was. */
  clear() {
    const index = this.shown.indexOf(this.chosen);
    this.chosen = null;
    this.rows.redrawRow(index);
    return index;
  }

  turnTo(index) {
    this.rows.rows.get(this.current)?.setAttribute("tabindex", "-1");
    this.current = index;
    this.rows.rows.get(index)?.setAttribute("tabindex", "0");
  }

  fold(node) {
    if (this.closed.has(node)) this.closed.delete(node);
    else this.closed.add(node);
    this.reshow();
  }

  reshow() {
    const at = this.shown[this.current];
    this.shown = [...walk(this.forest.roots, this.closed)];
    this.current = Math.max(0, this.shown.indexOf(at));
    this.rows.setCount(this.shown.length);
  }

  nextError() {
    const failed = this.forest.nodes.filter((node) => isFailed(node));
    const after = failed.find((node) => node.index > (this.chosen?.index ?? -1));
    const node = after ?? failed[0];
    if (!node) return;
    this.open(node);
    this.rows.focus(this.current);
    this.onChoose(node, true);
  }

  press(event) {
    if (!isShortcut(event)) return;
    const target = this.target(event.key);
    if (target !== null) {
      event.preventDefault();
      this.turnTo(target);
      this.rows.focus(target);
      if (this.chosen !== null) this.choose(target, false);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.choose(this.current, true);
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      event.preventDefault();
      this.sideways(event.key === "ArrowRight");
    }
  }

  target(key) {
    const last = this.shown.length - 1;
    if (key === "Home") return 0;
    if (key === "End") return last;
    if (!Object.hasOwn(MOVES, key)) return null;
    return Math.max(0, Math.min(last, this.current + MOVES[key]));
  }

  /** Right opens or goes in, left closes or goes out. */
  sideways(isRight) {
    const node = this.shown[this.current];
    const isShut = this.closed.has(node) || !node.children.length;
    if (isRight === isShut && node.children.length) this.fold(node);
    else if (isRight && node.children.length) this.current += 1;
    else if (!isRight && node.parent) this.current = this.shown.indexOf(node.parent);
    this.rows.redraw();
    this.rows.focus(this.current);
  }
}

export function isFailed(node) {
  return typeof node.step.error === "object" && node.step.error !== null;
}

/** What a step is called where there is little room. */
export function titleOf(node) {
  const call = object(node.step.llm_call);
  const tool = object(node.step.tool_call);
  if (node.kind === "llm" && call.model) return line(call.model, 120);
  if (node.kind === "tool" && tool.tool_name) return line(tool.tool_name, 120);
  const described = String(node.step.description || node.step.action || "step");
  return line(node.kind === "agent" ? described.replace(/^Ran agent /, "") : described, 160);
}

function spoken(node) {
  const call = object(node.step.llm_call);
  const tokens = (call.prompt_tokens ?? 0) + (call.completion_tokens ?? 0);
  return [
    KIND_NAMES[node.kind], titleOf(node), duration(node.length),
    isNumber(tokens) && tokens ? counted(tokens, "token") : "",
    isFailed(node) ? "failed" : "",
  ].filter(Boolean).join(", ");
}

/** Round times along the top, *step* apart. */
function ticks(span, step) {
  const marks = [];
  for (let at = 0; at <= span && marks.length < TICKS * 3; at += step) {
    const mark = el("span", { class: "tick" }, at === 0 ? "0" : shortTime(at, step));
    mark.style.setProperty("--at", `${(at / span) * 100}%`);
    marks.push(mark);
  }
  return marks;
}

function shortTime(ms, step) {
  if (ms < 1000) return `${ms} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(step < 1000 ? 1 : 0)} s`;
  return duration(ms);
}

function roundStep(rough) {
  if (rough > 30_000) return Math.max(1, Math.round(rough / 60_000)) * 60_000;
  const scale = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  return STEPS_OF_TIME.map((step) => step * scale).find((step) => step >= rough) ?? rough;
}
