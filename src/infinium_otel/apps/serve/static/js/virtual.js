/** A list of any length; only the rows in view are in the document. */

import { el } from "./dom.js";

const BEYOND = 8;

export class VirtualList {
  /**
   * @param {HTMLElement} host is set to the height of the whole list
   * @param {function(): number} rowHeight in pixels; may change with the width
   * @param {function(number): HTMLElement} draw creates the row at an index
   * @param {function(number, number): void} [onRange] called with the range in view
   */
  constructor(host, rowHeight, draw, onRange = () => {}) {
    this.host = host;
    this.rowHeight = rowHeight;
    this.draw = draw;
    this.onRange = onRange;
    this.count = 0;
    this.rows = new Map();
    this.waiting = false;
    const later = () => this.later();
    window.addEventListener("scroll", later, { passive: true });
    window.addEventListener("resize", later);
    new ResizeObserver(later).observe(document.body);
  }

  setCount(count) {
    this.count = count;
    this.redraw();
  }

  /** Redraw every row in view. */
  redraw() {
    const focused = this.indexOfFocus();
    for (const row of this.rows.values()) row.remove();
    this.rows.clear();
    this.place();
    if (focused !== null) this.focus(Math.min(focused, this.count - 1));
  }

  /** Redraw one row, if it is in view. */
  redrawRow(index) {
    const old = this.rows.get(index);
    if (!old) return;
    const hadFocus = old.contains(document.activeElement);
    const row = this.createRow(index);
    old.replaceWith(row);
    if (hadFocus) this.focusable(row).focus({ preventScroll: true });
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.place();
    });
  }

  range() {
    const top = this.host.getBoundingClientRect().top;
    const height = this.rowHeight();
    const first = Math.max(0, Math.floor(-top / height) - BEYOND);
    const last = Math.ceil((window.innerHeight - top) / height) + BEYOND;
    return [first, Math.min(this.count, Math.max(first, last))];
  }

  place() {
    if (this.host.offsetParent === null) return;
    this.host.style.height = `${this.count * this.rowHeight()}px`;
    const [first, last] = this.range();
    const focused = this.indexOfFocus();
    for (const [index, row] of this.rows) {
      if ((index < first || index >= last) && index !== focused) {
        row.remove();
        this.rows.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) this.ensure(index);
    this.onRange(first, last);
  }

  ensure(index) {
    let row = this.rows.get(index);
    if (!row) {
      row = this.createRow(index);
      this.insert(index, row);
    }
    row.style.transform = `translateY(${index * this.rowHeight()}px)`;
    return row;
  }

  /** Rows are in order in the document, for screen readers. */
  insert(index, row) {
    let next = null;
    for (let other = index + 1; next === null && other < index + 200; other += 1) {
      next = this.rows.get(other) ?? null;
    }
    this.host.insertBefore(row, next);
  }

  createRow(index) {
    const row = this.draw(index) ?? el("div");
    row.dataset.index = index;
    row.style.transform = `translateY(${index * this.rowHeight()}px)`;
    this.rows.set(index, row);
    return row;
  }

  indexOfFocus() {
    const row = document.activeElement?.closest?.("[data-index]");
    return row && this.host.contains(row) ? Number(row.dataset.index) : null;
  }

  focusable(row) {
    return row.matches("[tabindex]") ? row : (row.querySelector("[tabindex]") ?? row);
  }

  /** Scroll a row into view, and focus it. */
  focus(index) {
    if (index < 0 || index >= this.count) return;
    this.reveal(index);
    this.focusable(this.ensure(index)).focus({ preventScroll: true });
  }

  /** Scroll only as far as needed to see a row. */
  reveal(index) {
    const height = this.rowHeight();
    const top = this.host.getBoundingClientRect().top + index * height;
    const above = this.host.previousElementSibling;
    const covered = above ? Math.max(0, above.getBoundingClientRect().bottom) : 0;
    const bottom = window.innerHeight - height - 12;
    if (top < covered) window.scrollBy(0, top - covered);
    else if (top > bottom) window.scrollBy(0, top - bottom);
  }
}
