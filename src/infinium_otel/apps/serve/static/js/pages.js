/** The rows of the list that have been fetched, by their place in it. */

import * as api from "./api.js";

export const PAGE = 100;

export class Pages {
  /**
   * @param {function(): void} onRows called when rows or their number have changed
   * @param {function(Error|null): void} onFailure called with null when it works again
   */
  constructor(onRows, onFailure) {
    this.onRows = onRows;
    this.onFailure = onFailure;
    this.filters = {};
    this.clear();
  }

  clear() {
    this.aborting?.abort();
    this.aborting = new AbortController();
    this.rows = new Map();
    this.asked = new Set();
    this.total = null;
  }

  /** Forget everything and fetch what *filters* ask for; keep the old rows till then. */
  async show(filters) {
    this.filters = filters;
    const before = { rows: this.rows, total: this.total };
    this.clear();
    Object.assign(this, before);
    const page = await this.fetch(0);
    if (page) this.replace(page);
  }

  replace(page) {
    this.rows = new Map();
    this.asked = new Set([0]);
    this.keep(page);
  }

  /** The row at *index*; null until it is here. */
  at(index) {
    return this.rows.get(index) ?? null;
  }

  /** Fetch what is missing from *first* up to *last*. */
  async want(first, last) {
    for (let page = Math.floor(first / PAGE); page * PAGE < last; page += 1) {
      if (this.asked.has(page) || this.total === null) continue;
      this.asked.add(page);
      const found = await this.fetch(page * PAGE);
      if (found) this.keep(found);
      else this.asked.delete(page);
    }
  }

  /**
   * Take in what is new; tell how far the rows that were here have moved down.
   *
   * Tasks never change, so in the order of arrival everything just moves.
   */
  async refresh() {
    const before = this.total;
    const page = await this.fetch(0);
    if (!page) return 0;
    if (before === null) return 0;
    const moved = page.total - before;
    if (this.filters.sort || moved < 0 || moved > PAGE) {
      this.replace(page);
      return this.filters.sort ? 0 : Math.max(moved, 0);
    }
    this.rows = new Map([...this.rows].map(([index, row]) => [index + moved, row]));
    this.asked = new Set([0]);
    this.keep(page);
    return moved;
  }

  async fetch(offset) {
    const { signal } = this.aborting;
    try {
      const page = await api.tasks(this.filters, offset, PAGE, signal);
      if (signal.aborted) return null;
      this.onFailure(null);
      return page;
    } catch (error) {
      if (error.name !== "AbortError") this.onFailure(error);
      return null;
    }
  }

  keep(page) {
    page.tasks.forEach((row, place) => this.rows.set(page.offset + place, row));
    this.total = page.total;
    this.onRows();
  }
}
