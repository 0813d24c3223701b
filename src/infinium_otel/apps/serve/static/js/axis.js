/** The time axis above the steps: round marks, and a part of the run to zoom into. */

import { el } from "./dom.js";
import { duration } from "./format.js";

const TICKS = 5;
const STEPS_OF_TIME = [1, 2, 5, 10, 20, 50, 100, 200, 500];
const CLOSER = 0.5;
/** The shortest part of a run that can be shown, ms. */
const SHORTEST = 1;
/** Pixels that a pointer moves before it selects a part. */
const CLICK = 4;

export class Axis {
  /** @param {function(): void} onZoom called when another part is to be shown */
  constructor(onZoom) {
    this.onZoom = onZoom;
    this.element = el("div", { class: "axis", "aria-hidden": "true", title: "Drag to zoom, double-click to show all" });
    this.selection = el("span", { class: "selection", hidden: true });
    this.out = zoomButton("Zoom out", "−", () => this.scale(1 / CLOSER));
    this.in = zoomButton("Zoom in", "+", () => this.scale(CLOSER));
    this.all = zoomButton("Show the whole run", "All", () => this.show(0, this.span));
    this.controls = el("span", { class: "zoom", role: "group", "aria-label": "Zoom" }, this.out, this.in, this.all);
    this.element.addEventListener("pointerdown", (event) => this.press(event));
    this.element.addEventListener("dblclick", () => this.show(0, this.span));
  }

  /** Show a run of *span* ms; *around* is where the buttons zoom in. */
  reset(span, keep = false) {
    const before = keep && this.isZoomed ? [this.from, this.to] : [0, span];
    this.span = span;
    [this.from, this.to] = before;
    this.draw();
  }

  get isZoomed() {
    return this.from > 0 || this.to < this.span;
  }

  get length() {
    return this.to - this.from;
  }

  /** Where *at*, ms, is in what is shown, as a share of its width. */
  place(at) {
    return (at - this.from) / this.length;
  }

  /** Whether a step from *start* on, *length* ms long, is in what is shown. */
  contains(start, length) {
    return start <= this.to && start + length >= this.from;
  }

  show(from, to) {
    const length = Math.min(this.span, Math.max(SHORTEST, to - from));
    this.from = Math.max(0, Math.min(from, this.span - length));
    this.to = this.from + length;
    this.draw();
    this.onZoom();
  }

  /** Zoom around the step that `focus` gives, or around the middle. */
  scale(by) {
    const middle = this.focus?.() ?? (this.from + this.to) / 2;
    const length = this.length * by;
    this.show(middle - length / 2, middle + length / 2);
  }

  draw() {
    const step = roundStep(this.length / TICKS);
    this.grid = `${(step / this.length) * 100}%`;
    const first = Math.ceil(this.from / step) * step;
    // CSS counts the position of a background in what is left beside its image
    this.offset = `${(this.place(first) / (1 - step / this.length)) * 100}%`;
    this.ruler = el("div", { class: "ruler" }, this.ticks(first, step), this.selection);
    this.element.replaceChildren(el("div", { class: "marks" }, this.ruler));
    this.all.disabled = this.out.disabled = !this.isZoomed;
  }

  /** Marks at round times, *step* apart. */
  ticks(first, step) {
    const marks = [];
    for (let at = first; at <= this.to && marks.length < TICKS * 3; at += step) {
      const mark = el("span", { class: "tick" }, at === 0 ? "0" : shortTime(at, step));
      mark.style.setProperty("--at", `${this.place(at) * 100}%`);
      marks.push(mark);
    }
    return marks;
  }

  /** Select a part by dragging. */
  press(event) {
    const box = this.ruler.getBoundingClientRect();
    const share = ({ clientX }) => Math.max(0, Math.min(1, (clientX - box.left) / box.width));
    const begin = share(event);
    const move = (now) => {
      const [low, high] = [begin, share(now)].sort((a, b) => a - b);
      this.selection.hidden = false;
      this.selection.style.setProperty("--from", `${low * 100}%`);
      this.selection.style.setProperty("--width", `${(high - low) * 100}%`);
    };
    const finish = (now) => {
      this.element.removeEventListener("pointermove", move);
      this.selection.hidden = true;
      const [low, high] = [begin, share(now)].sort((a, b) => a - b);
      if (now.type !== "pointerup" || (high - low) * box.width < CLICK) return;
      this.show(this.from + low * this.length, this.from + high * this.length);
    };
    this.element.setPointerCapture(event.pointerId);
    this.element.addEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel"]) this.element.addEventListener(end, finish, { once: true });
  }
}

function zoomButton(label, sign, zoom) {
  return el("button", { type: "button", class: "quiet", "aria-label": label, title: label, on: { click: zoom } }, sign);
}

function shortTime(ms, step) {
  if (ms < 1000) return `${Number(ms.toPrecision(4))} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(step < 10 ? 3 : step < 100 ? 2 : step < 1000 ? 1 : 0)} s`;
  return duration(ms);
}

function roundStep(rough) {
  if (rough > 30_000) return Math.max(1, Math.round(rough / 60_000)) * 60_000;
  const scale = 10 ** Math.floor(Math.log10(Math.max(rough, 0.1)));
  return STEPS_OF_TIME.map((step) => step * scale).find((step) => step >= rough) ?? rough;
}
