/** One run: its header, the timeline, and the panel beside it. */

import * as api from "./api.js";
import { copyButton } from "./blocks.js";
import { chooseOther, confirmRemoval, showJson } from "./dialogs.js";
import { announce, debounce, el, isShortcut } from "./dom.js";
import { compact, count, duration, line, moment, money, pluralize, since, visible } from "./format.js";
import { icon } from "./icons.js";
import { Find } from "./find.js";
import { details, overview } from "./panel.js";
import { forest } from "./steps.js";
import { Timeline } from "./timeline.js";

/** Until an open run is fetched again without a notification. */
const OPEN_MS = 3_000;
const WIDE = matchMedia("(min-width: 1060px)");

export class Task {
  /**
   * @param {function(string, object): void} go navigates to a URL
   * @param {function(): void} onRemoved called when a run was deleted
   */
  constructor(host, go, onRemoved) {
    this.host = host;
    this.go = go;
    this.onRemoved = onRemoved;
    this.head = el("div", { class: "task-head" });
    this.timeline = new Timeline((node, isMeant) => this.choose(node, isMeant), () => this.refilter());
    this.panel = el("aside", { class: "panel", "aria-label": "Details" });
    this.find = new Find(this.panel, {
      id: () => this.id, timeline: this.timeline, onChange: () => this.keepAddress(),
    });
    this.timeline.tools.prepend(this.find.element);
    this.refreshSoon = debounce(() => this.refresh(), OPEN_MS);
    this.main = el("div", { class: "task-main" }, this.timeline.element, this.panel);
    host.append(this.head, this.main);
    document.addEventListener("keydown", (event) => this.shortcut(event));
  }

  /** Show the run *id*, and the step in *search*, the query of the URL, if any. */
  async show(id, search, scroll) {
    this.host.hidden = false;
    const params = new URLSearchParams(search);
    const number = Number(params.get("step")) || 0;
    if (id !== this.id) {
      this.id = id;
      this.main.hidden = true;
      this.head.replaceChildren(backLink(), el("p", { class: "sub" }, "Loading"));
      if (!(await this.load(id))) return;
      this.timeline.filter((params.get("kinds") ?? "").split(",").filter(Boolean));
      this.find.search(params.get("find") ?? "");
      window.scrollTo(0, scroll);
      this.head.querySelector("h1").focus({ preventScroll: true });
    }
    const wanted = this.forest?.nodes[number - 1] ?? null;
    if (wanted !== this.timeline.chosen) this.turnTo(wanted);
    document.title = this.title;
  }

  async load(id) {
    this.forest = null;
    try {
      const { task, ...row } = await api.task(id);
      if (id !== this.id) return false;
      this.task = task;
      this.row = row;
    } catch (error) {
      this.title = "Not found · infinium-otel";
      this.head.replaceChildren(backLink(), el("h1", { tabindex: "-1" }, "This run cannot be shown"),
        el("p", {}, visible(error.message)));
      this.id = null;
      return false;
    }
    this.title = `${line(this.row.name, 80)} · infinium-otel`;
    this.forest = forest(this.task);
    this.head.replaceChildren(...this.headOf());
    this.main.hidden = false;
    this.showSteps((steps) => this.timeline.show(steps));
    this.fill(null);
    if (this.row.open) this.refreshSoon();
    return true;
  }

  /** Fetch an open run again: it may have more steps, or be complete. */
  async refresh() {
    if (!this.row?.open || this.host.hidden || document.hidden) return;
    this.isStale = true;
    if (this.isRefreshing) return;
    this.isRefreshing = true;
    try {
      while (this.isStale) {
        this.isStale = false;
        await this.refreshOnce(this.id);
      }
    } finally {
      this.isRefreshing = false;
    }
    if (this.row?.open) this.refreshSoon();
  }

  async refreshOnce(id) {
    const found = await api.task(id).catch(() => null);
    if (!found || id !== this.id || this.host.hidden) return;
    const { task, ...row } = found;
    const isSame = JSON.stringify(found) === this.shown;
    this.shown = JSON.stringify(found);
    if (isSame) return;
    this.task = task;
    this.row = row;
    this.id = row.trace_id;
    this.forest = forest(task);
    this.title = document.title = `${line(row.name, 80)} · infinium-otel`;
    this.showHead();
    this.showSteps((steps) => this.timeline.update(steps));
    const { chosen } = this.timeline;
    // an ended step does not change: what is read in the panel stays
    if (!chosen || chosen.index !== this.filled?.index || !row.open) this.refill(chosen);
    this.keepAddress();
    if (this.find.text) this.find.search(this.find.text);
    announce(row.open ? pluralize(row.steps, "step") : "The run is complete");
  }

  /** The chips have changed: the address has them, and Next goes to another step. */
  refilter() {
    this.keepAddress();
    if (this.timeline.chosen) this.refill(this.timeline.chosen);
  }

  showHead() {
    const hadFocus = this.head.contains(document.activeElement);
    this.head.replaceChildren(...this.headOf());
    if (hadFocus) this.head.querySelector("h1").focus({ preventScroll: true });
  }

  refill(node) {
    const { scrollTop } = this.panel;
    this.fill(node);
    this.panel.scrollTop = scrollTop;
  }

  showSteps(show) {
    const isBare = this.forest.nodes.length === 0;
    show(this.forest);
    this.timeline.element.hidden = isBare;
    this.main.classList.toggle("bare", isBare);
  }

  /** Delete the run, once confirmed, and go back to the list. */
  async remove() {
    if (!(await confirmRemoval())) return;
    try {
      await api.remove(this.row.trace_id);
    } catch (error) {
      announce(error.message);
      return;
    }
    announce("Run deleted");
    this.id = null;
    this.go("/");
    this.onRemoved();
  }

  hide() {
    this.host.hidden = true;
    this.panel.classList.remove("open");
    document.body.classList.remove("sheet");
  }

  headOf() {
    const { row, task } = this;
    const described = String(task.description ?? "");
    const isExtra = described && described !== task.name && described !== task.input_summary;
    return [
      el("div", { class: "task-top" }, backLink(),
        el("span", { class: "actions" },
          row.open ? null : el("button", { type: "button", on: { click: () => chooseOther(row) } }, "Compare"),
          el("button", { type: "button", on: { click: () => showJson(row.trace_id) } }, "JSON"),
          copyButton(() => api.body(row.trace_id), "Copy JSON"),
          row.open ? null : el("button", { type: "button", class: "quiet", on: { click: () => this.remove() } }, "Delete"))),
      el("h1", { tabindex: "-1", dir: "auto" }, visible(String(task.name).slice(0, 500))),
      el("p", { class: "sub byline" }, ...byline(row)),
      isExtra ? el("p", { class: "description", dir: "auto" }, visible(described.slice(0, 2000))) : null,
      el("dl", { class: "stats" }, figures(row).map(([name, value, note, kind]) =>
        el("div", { class: kind ? `stat ${kind}` : "stat" },
          el("dt", {}, name), el("dd", {}, value, note ? el("small", {}, note) : null)))),
    ].filter(Boolean);
  }

  choose(node, isMeant) {
    this.fill(node);
    this.find.show();
    this.keepAddress();
    if (isMeant && !WIDE.matches) this.panel.querySelector("h2")?.focus();
  }

  turnTo(node) {
    if (node) {
      this.timeline.open(node);
      return;
    }
    this.timeline.clear();
    this.fill(null);
  }

  /** Let the address have the open step, the kinds that are shown and what is sought. */
  keepAddress() {
    const { chosen, kinds } = this.timeline;
    const params = new URLSearchParams(Object.entries({
      step: chosen ? chosen.index + 1 : "", kinds: [...kinds].join(","), find: this.find.text,
    }).filter(([, value]) => value));
    const search = params.size ? `?${params}` : "";
    const address = `/tasks/${encodeURIComponent(this.id)}${search}`;
    if (address !== location.pathname + location.search) this.go(address, { replace: true, keep: true, quiet: true });
  }

  /** Fill the panel with a step, or with the run as a whole. */
  fill(node) {
    const { nodes } = this.forest;
    this.filled = node;
    const parts = node
      ? details(node, nodes.length, this.timeline, () => this.close(), this.id)
      : overview(this.task, this.forest, (found) => this.timeline.open(found), this.row.rules_found);
    this.panel.replaceChildren(...parts);
    this.panel.classList.toggle("open", node !== null);
    document.body.classList.toggle("sheet", node !== null);
    this.panel.scrollTop = 0;
  }

  close() {
    const index = this.timeline.clear();
    this.fill(null);
    this.find.show();
    this.keepAddress();
    if (index >= 0) this.timeline.rows.focus(index);
  }

  shortcut(event) {
    if (this.host.hidden || !this.forest || !isShortcut(event)) return;
    if (event.key === "Escape") {
      if (this.timeline.chosen) this.close();
      else this.host.querySelector(".back").click();
    } else if (event.key === "e") {
      this.timeline.nextError();
    } else if (event.key === "/") {
      event.preventDefault();
      this.find.input.focus();
    } else if (/^(j|k|ArrowDown|ArrowUp)$/.test(event.key) && !event.target.closest(".panel, .tree")) {
      if (!this.forest.nodes.length) return;
      event.preventDefault();
      this.timeline.rows.focus(this.timeline.current);
    }
  }
}

function backLink() {
  return el("a", { class: "back", href: "/", "data-back": true }, icon("back"), "Runs");
}

function byline(row) {
  const iso = new Date(row.ended_ms).toISOString();
  return [
    el("bdi", { class: "agent" }, icon("agent"), line(row.agent, 120) || "agent unknown"),
    el("time", { datetime: iso, title: since(row.ended_ms) }, moment(row.ended_ms)),
    el("span", {}, row.source === "otlp" ? "Source: OTLP" : "Source: Infinium API"),
    row.session ? who("Session", "session", row.session) : null,
    row.user ? who("User", "user", row.user) : null,
    row.open ? el("span", { class: "badge running" }, icon("running"), "running") : null,
    row.incomplete && !row.open ? el("span", { class: "badge warn" }, icon("partial"), "incomplete") : null,
    el("span", { class: "ids" }, el("code", {}, line(row.otel_trace_id ?? row.trace_id, 64)),
      copyButton(() => row.otel_trace_id ?? row.trace_id, "Copy id")),
  ];
}

/** A link to all runs with the same session or user. */
function who(label, name, value) {
  return el("a", { class: "who", href: `/?${new URLSearchParams({ [name]: value })}`, "data-route": true },
    `${label} `, el("bdi", {}, line(value, 60)));
}

function figures(row) {
  const both = `${compact(row.prompt_tokens)} in · ${compact(row.completion_tokens)} out`;
  return [
    ["Duration", duration(row.duration_s * 1000)],
    ["Steps", count(row.steps)],
    ["LLM calls", count(row.llm_calls), "", "kind-llm"],
    ["Tool calls", count(row.tool_calls), "", "kind-tool"],
    ["Tokens", compact(row.total_tokens), row.total_tokens === null ? "" : both],
    ["Cost", money(row.cost_usd)],
    ["Errors", count(row.errors), row.errors > row.fatal ? `${count(row.errors - row.fatal)} recovered` : "",
      row.fatal ? "kind-error" : ""],
  ];
}
