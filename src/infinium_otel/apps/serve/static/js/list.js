/** The list of runs: search, filters, rows, and new runs as they arrive. */

import { Charts } from "./charts.js";
import { debounce, el, isShortcut, announce } from "./dom.js";
import * as filtering from "./filters.js";
import { count, pluralize } from "./format.js";
import { PAGE, Pages } from "./pages.js";
import { headings, row, tick } from "./rows.js";
import { VirtualList } from "./virtual.js";
import { welcome } from "./welcome.js";

const TICK_MS = 20_000;
const FRESH_MS = 2_500;
/** Until what the server was not ready to show of an open run is requested again. */
const SOON_MS = 1_000;
const NEAR_TOP = 40;
const MOVES = {
  ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10,
  Home: -Infinity, End: Infinity,
};

export class List {
  /** @param {function(string, object): void} go navigates to a URL */
  constructor(host, go) {
    this.host = host;
    this.go = go;
    this.current = 0;
    this.fresh = new Set();
    this.missed = 0;
    this.refreshSoon = debounce(() => this.refresh(), SOON_MS);
    this.filters = new filtering.Filters((filters, typing) =>
      go(filtering.address(filters), { replace: typing, keep: true }),
    );
    this.heading = el("div", { class: "headings" });
    this.body = el("div", { class: "rows", role: "list", "aria-label": "Runs" });
    this.total = el("p", { class: "total" });
    this.trouble = el("p", { class: "trouble", role: "alert", hidden: true });
    this.empty = el("div", { class: "nothing", hidden: true });
    this.pill = el("button", {
      type: "button", class: "pill", hidden: true, on: { click: () => this.toTop() },
    });
    this.charts = new Charts();
    host.append(this.filters.element, this.charts.element, this.trouble, this.total, this.heading, this.body,
      this.empty, this.pill);
    this.pages = new Pages(() => this.draw(), (error) => this.fail(error));
    this.rows = new VirtualList(this.body, () => this.rowHeight(), (i) => this.row(i),
      (first, last) => this.pages.want(first, last));
    this.listen();
  }

  listen() {
    this.body.addEventListener("keydown", (event) => this.move(event));
    this.body.addEventListener("focusin", (event) => this.follow(event));
    document.addEventListener("keydown", (event) => this.shortcut(event));
    window.addEventListener("scroll", () => {
      if (window.scrollY < NEAR_TOP) this.pill.hidden = true;
    }, { passive: true });
    setInterval(() => tick(this.body), TICK_MS);
  }

  rowHeight() {
    return parseFloat(getComputedStyle(this.body).getPropertyValue("--row")) || 60;
  }

  /**
   * Show the list for *search*, the query of a URL.
   * @param {number} scroll the scroll position when the list was last shown
   */
  async show(search, scroll) {
    document.title = "Runs · infinium-otel";
    this.host.hidden = false;
    const filters = filtering.read(search);
    this.filters.show(filters);
    this.heading.replaceChildren(...headings(filters.sort, (sort) => this.sort(sort)));
    const key = JSON.stringify(filters);
    if (key !== this.shownFilters) {
      this.shownFilters = key;
      this.current = 0;
      this.filters.loadChoices();
      this.charts.show(filters);
      this.showing = this.pages.show(filters);
      await this.showing;
      if (this.pages.isCurrent === false) this.refreshSoon();
    }
    this.rows.place();
    window.scrollTo(0, scroll > NEAR_TOP ? scroll + this.missed * this.rowHeight() : scroll);
    this.missed = 0;
    this.rows.place();
    this.refocus();
  }

  /** Restore the focus after going back. */
  refocus() {
    if (this.opened === undefined || this.host.hidden) return;
    if (document.activeElement === document.body) this.rows.focus(this.opened);
    this.opened = undefined;
  }

  hide() {
    const index = this.rows.indexOfFocus();
    this.opened = index === null ? undefined : index;
    this.host.hidden = true;
  }

  sort(order) {
    this.go(filtering.address({ ...this.filters.now, sort: order }), { keep: true });
  }

  row(index) {
    const task = this.pages.at(index);
    const element = row(task, index, this.pages.count, index === this.current);
    if (task && this.fresh.has(task.trace_id)) element.classList.add("fresh");
    return element;
  }

  draw() {
    const { total, count: rowCount, open } = this.pages;
    const isFiltered = Object.keys(this.pages.filters).some((name) => name !== "sort");
    this.total.textContent = [
      isFiltered ? `${pluralize(total, "run")} found` : pluralize(total, "run"),
      open.length ? `${count(open.length)} running` : "",
    ].filter(Boolean).join(" · ");
    this.current = Math.max(0, Math.min(this.current, rowCount - 1));
    this.empty.hidden = rowCount > 0;
    this.heading.hidden = this.body.hidden = rowCount === 0;
    if (rowCount === 0) this.empty.replaceChildren(...welcome(isFiltered));
    this.rows.setCount(rowCount);
  }

  fail(error) {
    this.trouble.hidden = error === null;
    this.trouble.textContent = error?.message ?? "";
  }

  /** Fetch what has changed, unless the list has it already. */
  async hear(kind, number) {
    await this.showing;
    if (this.pages.seen?.[kind] !== number) this.refresh();
  }

  /**
   * Fetch the tasks that have arrived, one request after the other: two responses to
   * requests at the same time would move the rows twice.
   */
  async refresh() {
    this.isStale = true;
    if (this.isRefreshing) return;
    this.isRefreshing = true;
    try {
      while (this.isStale) {
        this.isStale = false;
        await this.refreshOnce();
      }
    } finally {
      this.isRefreshing = false;
    }
  }

  async refreshOnce() {
    if (this.shownFilters === undefined) return;
    await this.showing;
    const known = new Set([...this.pages.rows.values()].map((task) => task.trace_id));
    const { added, moved, isSame } = await this.pages.refresh();
    if (!isSame) this.filters.loadChoices();
    if (added > 0 || moved !== 0) this.welcomeNew(added, moved, known);
    if (this.pages.isCurrent === false) this.refreshSoon();
  }

  welcomeNew(added, moved, known) {
    const now = [...this.pages.rows].filter(([index]) => index < PAGE);
    now.forEach(([, task]) => known.has(task.trace_id) || this.fresh.add(task.trace_id));
    setTimeout(() => this.fresh.clear(), FRESH_MS);
    this.current = this.current === 0 ? 0 : this.current + moved;
    if (this.opened !== undefined) this.opened += moved;
    if (this.host.hidden) {
      this.missed += moved;
      return;
    }
    if (added > 0) announce(pluralize(added, "new run"));
    // keep the visible rows in place if the page is scrolled down
    if (moved !== 0 && window.scrollY > NEAR_TOP) {
      window.scrollBy(0, moved * this.rowHeight());
      this.pill.textContent = `${count(added)} new ↑`;
      this.pill.hidden = added === 0;
    }
    this.rows.redraw();
  }

  toTop() {
    window.scrollTo({ top: 0 });
    this.pill.hidden = true;
    this.rows.place();
    this.rows.focus(0);
  }

  follow(event) {
    const index = Number(event.target.closest("[data-index]")?.dataset.index);
    if (!Number.isInteger(index) || index === this.current) return;
    const before = this.rows.rows.get(this.current)?.querySelector("a");
    before?.setAttribute("tabindex", "-1");
    event.target.setAttribute("tabindex", "0");
    this.current = index;
  }

  move(event) {
    const by = MOVES[event.key];
    if (by === undefined || !isShortcut(event)) return;
    event.preventDefault();
    const target = Math.max(0, Math.min(this.pages.count - 1, this.current + by));
    this.rows.focus(target);
  }

  shortcut(event) {
    if (this.host.hidden) return;
    if (event.key === "Escape" && event.target === this.filters.search) {
      if (this.filters.search.value) this.filters.set("q", "");
      else this.rows.focus(this.current);
    } else if (event.key === "Enter" && event.target === this.filters.search) {
      this.rows.focus(0);
    } else if (event.key === "/" && isShortcut(event)) {
      event.preventDefault();
      this.filters.search.focus();
    } else if ((event.key === "j" || event.key === "ArrowDown") && event.target === document.body) {
      event.preventDefault();
      this.rows.focus(this.current);
    }
  }
}
