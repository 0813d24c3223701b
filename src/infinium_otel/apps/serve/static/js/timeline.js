/** The steps as bars over time, nested by parent: a tree for mouse and keyboard. */

import { Axis } from "./axis.js";
import { el, isShortcut } from "./dom.js";
import { count, pluralize, duration, isNumber, line } from "./format.js";
import { icon } from "./icons.js";
import { KIND_NAMES, object, walk } from "./steps.js";
import { VirtualList } from "./virtual.js";

const ROW = 34;
const INDENT = 16;
const DEEPEST = 12;
const MOVES = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10 };

export class Timeline {
  /**
   * @param {function(Node|null, boolean): void} onChoose true if by mouse or Enter
   * @param {function(): void} onFilter called when the kinds that are shown have changed
   */
  constructor(onChoose, onFilter) {
    this.onChoose = onChoose;
    this.onFilter = onFilter;
    this.kinds = new Set();
    this.hits = new Set();
    this.legend = el("div", { class: "legend" });
    this.axis = new Axis(() => this.reshow());
    this.axis.focus = () => this.chosen && this.chosen.start + this.chosen.length / 2;
    this.none = el("p", { class: "sub", hidden: true }, "No step is of these kinds and in this part of the run.");
    this.tree = el("div", { class: "tree", role: "tree", "aria-label": "Steps" });
    this.note = el("p", { class: "sub", hidden: true });
    this.tools = el("div", { class: "tools" }, this.axis.controls);
    this.element = el("div", { class: "timeline" }, this.legend, this.tools, this.note, this.axis.element, this.tree, this.none);
    this.rows = new VirtualList(this.tree, () => ROW, (index) => this.row(index));
    this.tree.addEventListener("keydown", (event) => this.press(event));
    this.tree.addEventListener("click", (event) => this.click(event));
  }

  /** Show a forest built by `steps.forest`. */
  show(forest) {
    this.forest = forest;
    this.closed = new Set();
    this.chosen = null;
    this.current = 0;
    this.note.hidden = forest.timed || forest.nodes.length === 0;
    this.note.textContent = "The steps have no start times: they are shown end to end.";
    this.legend.replaceChildren(...this.legendOf(forest.nodes));
    this.axis.reset(forest.span);
    this.place();
  }

  /** The steps that are shown: open, of the wanted kinds and in the part that is zoomed into. */
  place() {
    this.tree.style.setProperty("--grid", this.axis.grid);
    this.tree.style.setProperty("--offset", this.axis.offset);
    this.kept = this.isFiltered ? withParents(this.forest.nodes.filter((node) => this.wants(node))) : null;
    this.shown = [...walk(this.forest.roots, this.closed)].filter((node) => !this.kept || this.kept.has(node));
    this.none.hidden = this.shown.length > 0 || !this.isFiltered;
    this.rows.setCount(this.shown.length);
  }

  get isFiltered() {
    return this.kinds.size > 0 || this.axis.isZoomed;
  }

  wants(node) {
    const isKind = !this.kinds.size || this.kinds.has(node.kind) || (isFailed(node) && this.kinds.has("error"));
    return isKind && this.axis.contains(node.start, node.length);
  }

  /** Show only steps of *kinds*; all without any. */
  filter(kinds) {
    this.kinds = new Set(kinds.filter((kind) => kind === "error" || Object.hasOwn(KIND_NAMES, kind)));
    this.legend.replaceChildren(...this.legendOf(this.forest.nodes));
    this.reshow();
  }

  toggle(kind) {
    const kinds = new Set(this.kinds);
    if (!kinds.delete(kind)) kinds.add(kind);
    this.filter([...kinds]);
    this.legend.querySelector(`[data-kind="${kind}"]`)?.focus();
    this.onFilter();
  }

  /** The next step after *node*, or before it, of those that the chips and the zoom show. */
  neighbour(node, by) {
    const { nodes } = this.forest;
    let index = node.index + by;
    while (nodes[index] && this.isFiltered && !this.wants(nodes[index])) index += by;
    return nodes[index] ?? null;
  }

  /** All steps from top to bottom, the closed ones too. */
  ordered() {
    return [...walk(this.forest.roots)];
  }

  /** Mark the steps with *indexes*, in which a text was found. */
  mark(indexes) {
    this.hits = new Set(indexes);
    this.rows.redraw();
  }

  /** Show *forest*, what has become of the one that is shown; folds and choice stay. */
  update(forest) {
    const [closed, chosen, current] = [
      new Set([...this.closed].map(keyOf)), keyOf(this.chosen), keyOf(this.shown[this.current]),
    ];
    const { from, to, isZoomed } = this.axis;
    this.show(forest);
    if (isZoomed) Object.assign(this.axis, { from, to });
    this.axis.draw();
    this.closed = new Set(forest.nodes.filter((node) => closed.has(keyOf(node))));
    this.chosen = forest.nodes.find((node) => keyOf(node) === chosen) ?? null;
    this.place();
    this.current = Math.max(0, this.shown.findIndex((node) => keyOf(node) === current));
    this.rows.redraw();
  }

  legendOf(nodes) {
    const kinds = Object.keys(KIND_NAMES).map((kind) => [
      kind, nodes.filter((node) => node.kind === kind).length,
    ]);
    const failed = nodes.filter((node) => isFailed(node)).length;
    const keys = [...kinds, ["error", failed]].filter(([kind, number]) => number || this.kinds.has(kind));
    return keys.map(([kind, number]) => this.key(kind, number));
  }

  /** A chip that shows only the steps of *kind*. */
  key(kind, number) {
    const label = KIND_NAMES[kind] ?? "Error";
    return el("button", {
      type: "button", class: `key kind-${kind}`, "data-kind": kind, "aria-pressed": String(this.kinds.has(kind)),
      title: `Show only: ${label}`, on: { click: () => this.toggle(kind) },
    }, icon(kind), `${label} `, el("b", {}, count(number)));
  }

  row(index) {
    const node = this.shown[index];
    const failed = isFailed(node);
    const isOpen = node.children.length ? String(!this.closed.has(node)) : null;
    return el("div", {
      class: ["step", `kind-${node.kind}`, failed ? "failed" : "", this.hits.has(node.index) ? "hit" : "",
        this.kept && !this.wants(node) ? "around" : ""].filter(Boolean).join(" "),
      role: "treeitem",
      tabindex: index === this.current ? "0" : "-1",
      "aria-level": node.depth + 1, "aria-expanded": isOpen,
      "aria-selected": String(node === this.chosen), "aria-label": toLabel(node),
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
    if (!this.axis.contains(node.start, node.length)) return el("span", { class: "track" });
    const left = Math.max(0, Math.min(1, this.axis.place(node.start)));
    const right = Math.max(left, Math.min(1, this.axis.place(node.start + node.length)));
    bar.style.setProperty("--left", `${left * 100}%`);
    bar.style.setProperty("--width", `${(right - left) * 100}%`);
    return el("span", { class: "track" }, bar);
  }

  click(event) {
    const index = Number(event.target.closest("[data-index]")?.dataset.index);
    if (!Number.isInteger(index)) return;
    if (event.target.closest("[data-caret]")) this.fold(this.shown[index]);
    else this.choose(index, true);
  }

  /** Choose the shown step at *index*. */
  choose(index, isMeant) {
    this.turnTo(index);
    const before = this.chosen;
    this.chosen = this.shown[index];
    for (const node of [before, this.chosen]) this.rows.redrawRow(this.shown.indexOf(node));
    this.onChoose(this.chosen, isMeant);
  }

  /** Choose *node*, and scroll it into view. */
  open(node) {
    for (let above = node.parent; above; above = above.parent) this.closed.delete(above);
    if (this.kept && !this.kept.has(node)) this.showAll();
    this.reshow();
    const index = this.shown.indexOf(node);
    this.choose(index, false);
    this.rows.reveal(index);
  }

  /** Clear the choice; returns the index that had it. */
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
    this.place();
    this.current = Math.max(0, this.shown.indexOf(at));
    this.rows.redraw();
  }

  /** Drop the chips and the zoom: a step outside them is opened. */
  showAll() {
    this.axis.reset(this.forest.span);
    this.kinds = new Set();
    this.legend.replaceChildren(...this.legendOf(this.forest.nodes));
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

  /** Right opens or descends, left closes or ascends. */
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

/** *nodes* and everything above them. */
function withParents(nodes) {
  const kept = new Set();
  for (const node of nodes) {
    for (let at = node; at && !kept.has(at); at = at.parent) kept.add(at);
  }
  return kept;
}

/** What a step is recognized by when its run is fetched again. */
function keyOf(node) {
  return node && (node.meta["otel.span_id"] ?? node.index);
}

export function isFailed(node) {
  return typeof node.step.error === "object" && node.step.error !== null;
}

/** The short title of a step. */
export function titleOf(node) {
  const call = object(node.step.llm_call);
  const tool = object(node.step.tool_call);
  if (node.kind === "llm" && call.model) return line(call.model, 120);
  if (node.kind === "tool" && tool.tool_name) return line(tool.tool_name, 120);
  const described = String(node.step.description || node.step.action || "step");
  return line(node.kind === "agent" ? described.replace(/^Ran agent /, "") : described, 160);
}

function toLabel(node) {
  const call = object(node.step.llm_call);
  const tokens = (call.prompt_tokens ?? 0) + (call.completion_tokens ?? 0);
  return [
    KIND_NAMES[node.kind], titleOf(node), duration(node.length),
    isNumber(tokens) && tokens ? pluralize(tokens, "token") : "",
    isFailed(node) ? "failed" : "",
  ].filter(Boolean).join(", ");
}
