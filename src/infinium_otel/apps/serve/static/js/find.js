/** The search inside a run: the steps with a text, and its places in the panel. */

import * as api from "./api.js";
import { announce, debounce, el } from "./dom.js";
import { count, pluralize } from "./format.js";
import { icon } from "./icons.js";
import { Marks, toPattern } from "./marks.js";

const TYPING_MS = 200;

export class Find {
  /**
   * @param {HTMLElement} panel where the places are marked
   * @param {object} run `id()`, `timeline`, `onChange()` when the text has changed
   */
  constructor(panel, run) {
    this.run = run;
    this.marks = new Marks(panel);
    this.steps = [];
    this.text = "";
    this.input = el("input", {
      type: "search", placeholder: "Find in this run", "aria-label": "Find in this run",
      autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/",
      on: { input: debounce(() => this.type(), TYPING_MS), keydown: (event) => this.press(event) },
    });
    this.state = el("span", { class: "sub", role: "status" });
    this.moves = el("span", { class: "moves", hidden: true },
      el("button", { type: "button", class: "quiet", "aria-label": "Previous place", on: { click: () => this.move(-1) } }, "↑"),
      el("button", { type: "button", class: "quiet", "aria-label": "Next place", on: { click: () => this.move(1) } }, "↓"));
    this.element = el("div", { class: "find", role: "search" },
      el("label", { class: "search" }, icon("search"), this.input), this.state, this.moves);
  }

  type() {
    this.search(this.input.value);
    this.run.onChange();
  }

  /** Find *text* in the run; "" ends the search. */
  async search(text) {
    this.text = text.trim();
    if (this.input.value.trim() !== this.text) this.input.value = text;
    this.aborting?.abort();
    this.aborting = new AbortController();
    const { signal } = this.aborting;
    const pattern = toPattern(this.text);
    let found = { steps: [] };
    try {
      if (pattern) found = await api.search(this.run.id(), this.text, signal);
    } catch (error) {
      if (error.name !== "AbortError") this.state.textContent = error.message;
      return;
    }
    if (signal.aborted) return;
    this.steps = found.steps.map((number) => number - 1);
    this.run.timeline.mark(this.steps);
    this.marks.find(pattern);
    this.show();
  }

  /** Show which of the found steps is open. */
  show() {
    const { chosen } = this.run.timeline;
    const place = chosen ? this.order().indexOf(chosen.index) + 1 : 0;
    const total = this.steps.length;
    this.moves.hidden = total === 0;
    this.state.textContent = !this.text ? ""
      : total === 0 ? "Not found" : place ? `${count(place)} of ${pluralize(total, "step")}` : pluralize(total, "step");
  }

  /** The found steps in the order of the timeline. */
  order() {
    const places = new Map(this.run.timeline.ordered().map((node, place) => [node.index, place]));
    return [...this.steps].sort((a, b) => places.get(a) - places.get(b));
  }

  /** Go to the next place in the open step, or in the next step that has one. */
  move(by) {
    const { timeline } = this.run;
    const order = this.order();
    if (!order.length) return;
    const isIn = timeline.chosen && order.includes(timeline.chosen.index);
    if (isIn && this.marks.move(by)) return;
    timeline.open(timeline.forest.nodes[nextAfter(order, timeline, by)]);
    this.marks.enter(by);
    this.show();
    announce(this.state.textContent);
  }

  press(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      this.move(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      if (this.input.value) {
        this.input.value = "";
        this.type();
      } else {
        this.input.blur();
      }
    }
  }
}

/** The step of *order* behind the chosen one, or before it; around the ends. */
function nextAfter(order, timeline, by) {
  const places = new Map(timeline.ordered().map((node, place) => [node.index, place]));
  const here = timeline.chosen ? places.get(timeline.chosen.index) : -1;
  const ahead = order.filter((index) => (by > 0 ? places.get(index) > here : places.get(index) < here));
  return (by > 0 ? ahead[0] : ahead.at(-1)) ?? order.at(by > 0 ? 0 : -1);
}
