/** The fetched rows of the list, by index: the open runs first, then the stored ones. */

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
    this.requested = new Set();
    this.open = [];
    this.shown = null;
    this.total = null;
    this.version = (this.version ?? 0) + 1;
  }

  /** Fetch the list for *filters*; the old rows stay until then. */
  async show(filters) {
    this.filters = filters;
    const before = { rows: this.rows, total: this.total, open: this.open };
    this.clear();
    Object.assign(this, before);
    const page = await this.fetch(0);
    if (page) this.replace(page);
  }

  replace(page) {
    this.version += 1;
    this.rows = new Map();
    this.requested = new Set([0]);
    this.keep(page);
  }

  /** The row at *index*; null until it is fetched. */
  at(index) {
    return this.open[index] ?? this.rows.get(index - this.open.length) ?? null;
  }

  /** How many rows there are. */
  get count() {
    return this.open.length + (this.total ?? 0);
  }

  /** Fetch what is missing from *first* up to *last*. */
  async want(first, last) {
    const begin = Math.max(0, first - this.open.length);
    const end = last - this.open.length;
    for (let page = Math.floor(begin / PAGE); page * PAGE < end; page += 1) {
      if (this.requested.has(page) || this.total === null) continue;
      this.requested.add(page);
      const { version } = this;
      const found = await this.fetch(page * PAGE);
      if (version !== this.version) return; // the rows have moved: this page is fetched again
      if (found) this.keep(found);
      else this.requested.delete(page);
    }
  }

  /**
   * Fetch new rows; returns how many there are, and how far the first known row has moved.
   *
   * Tasks never change. Most arrive on top: then all known rows just move. Where one has
   * arrived further down or was removed, the rows below are fetched again. An open run that
   * is complete becomes the first stored one: nothing moves. Not to be called again before
   * it has returned. Nothing is drawn if nothing has changed: `isSame`.
   */
  async refresh() {
    const page = await this.fetch(0);
    // what is known now, not before the request: the filters may have changed meanwhile
    const before = this.total;
    const first = this.rows.get(0)?.trace_id;
    if (!page || before === null) return { added: 0, moved: 0 };
    const shown = JSON.stringify([page.total, page.tasks, page.open]);
    const isSame = shown === this.shown;
    this.shown = shown;
    if (isSame) {
      this.note(page);
      return { added: 0, moved: 0, isSame };
    }
    const opened = page.open.length - this.open.length;
    const added = Math.max(page.total - before + opened, 0);
    const place = page.tasks.findIndex((task) => task.trace_id === first);
    if (place < 0 || page.total !== before + place) {
      this.replace(page);
      return { added, moved: place < 0 ? added : place + opened };
    }
    this.version += 1;
    this.rows = new Map([...this.rows].map(([index, row]) => [index + place, row]));
    this.requested = new Set([0]);
    this.keep(page);
    return { added, moved: place + opened };
  }

  async fetch(offset) {
    const { signal } = this.aborting;
    try {
      const page = await api.tasks({ ...this.filters, open: offset === 0 ? "1" : "" }, offset, PAGE, signal);
      if (signal.aborted) return null;
      this.onFailure(null);
      return page;
    } catch (error) {
      if (error.name !== "AbortError") this.onFailure(error);
      return null;
    }
  }

  /** Note how new *page* is. */
  note(page) {
    this.isCurrent = page.open_is_current;
    this.seen = { tasks: page.last, open: page.version };
  }

  keep(page) {
    page.tasks.forEach((row, place) => this.rows.set(page.offset + place, row));
    this.total = page.total;
    if (page.offset === 0) {
      this.open = inOldOrder(page.open.map((row) => ({ ...row, open: true })), this.open);
      this.note(page);
    }
    this.onRows();
  }
}

/** *rows* in the order of *before*, new ones first: open runs do not overtake one another. */
function inOldOrder(rows, before) {
  const places = new Map(before.map((row, place) => [row.otel_trace_id, place]));
  return rows.sort((a, b) => (places.get(a.otel_trace_id) ?? -1) - (places.get(b.otel_trace_id) ?? -1));
}
