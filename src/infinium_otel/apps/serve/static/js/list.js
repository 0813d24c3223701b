/** The list of runs: search, filters, rows, and what arrives while one looks. */

import { el, isShortcut, say } from "./dom.js";
import * as filtering from "./filters.js";
import { count, counted } from "./format.js";
import { Pages } from "./pages.js";
import { headings, row, tick } from "./rows.js";
import { VirtualList } from "./virtual.js";
import { welcome } from "./welcome.js";

const TICK_MS = 20_000;
const FRESH_MS = 2_500;
const NEAR_TOP = 40;
const MOVES = {
  ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: 10, PageUp: -10,
  Home: -Infinity, End: Infinity,
};

export class List {
  /** @param {function(string, object): void} go goes to another address */
  constructor(host, go) {
    this.host = host;
    this.go = go;
    this.current = 0;
    this.fresh = new Set();
    this.missed = 0;
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
    host.append(this.filters.element, this.trouble, this.total, this.heading, this.body,
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
   * Show the list that *search* asks for.
   * @param {number} scroll where the page stood when it was left
   */
  async show(search, scroll) {
    document.title = "Runs · infinium-otel";
    this.host.hidden = false;
    const filters = filtering.read(search);
    this.filters.show(filters);
    this.heading.replaceChildren(...headings(filters.sort, (sort) => this.sort(sort)));
    const asked = JSON.stringify(filters);
    if (asked !== this.asked) {
      this.asked = asked;
      this.current = 0;
      this.filters.learn();
      await this.pages.show(filters);
    }
    this.rows.place();
    window.scrollTo(0, scroll > NEAR_TOP ? scroll + this.missed * this.rowHeight() : scroll);
    this.missed = 0;
    this.rows.place();
    this.refocus();
  }

  /** Going back puts the focus where it was. */
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
    const made = row(task, index, this.pages.total, index === this.current);
    if (task && this.fresh.has(task.trace_id)) made.classList.add("fresh");
    return made;
  }

  draw() {
    const { total } = this.pages;
    const isFiltered = Object.keys(this.pages.filters).some((name) => name !== "sort");
    this.total.textContent = isFiltered ? `${counted(total, "run")} found` : counted(total, "run");
    this.current = Math.max(0, Math.min(this.current, total - 1));
    this.empty.hidden = total > 0;
    this.heading.hidden = total === 0;
    if (total === 0) this.empty.replaceChildren(...welcome(isFiltered));
    this.rows.setCount(total);
  }

  fail(error) {
    this.trouble.hidden = error === null;
    this.trouble.textContent = error?.message ?? "";
  }

  /** Tasks have arrived. */
  async news() {
    if (this.asked === undefined) return;
    const known = new Set([...this.pages.rows.values()].map((task) => task.trace_id));
    const moved = await this.pages.refresh();
    this.filters.learn();
    if (moved > 0) this.welcomeNew(moved, known);
  }

  welcomeNew(moved, known) {
    const now = [...this.pages.rows].filter(([index]) => index < moved);
    now.forEach(([, task]) => known.has(task.trace_id) || this.fresh.add(task.trace_id));
    setTimeout(() => this.fresh.clear(), FRESH_MS);
    this.current = this.current === 0 ? 0 : this.current + moved;
    if (this.opened !== undefined) this.opened += moved;
    if (this.host.hidden) {
      this.missed += moved;
      return;
    }
    say(`${counted(moved, "new run")}`);
    // whoever has scrolled down keeps the rows in front of them
    if (window.scrollY > NEAR_TOP) {
      window.scrollBy(0, moved * this.rowHeight());
      this.pill.textContent = `${count(moved)} new ↑`;
      this.pill.hidden = false;
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
    const target = Math.max(0, Math.min(this.pages.total - 1, this.current + by));
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
