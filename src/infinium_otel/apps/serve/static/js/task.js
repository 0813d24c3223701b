/** One run: its head, the timeline, and the panel beside it. */

import * as api from "./api.js";
import { copyButton } from "./blocks.js";
import { showJson } from "./dialogs.js";
import { el, isShortcut } from "./dom.js";
import { compact, count, duration, line, moment, money, since, visible } from "./format.js";
import { icon } from "./icons.js";
import { details, overview } from "./panel.js";
import { forest } from "./steps.js";
import { Timeline } from "./timeline.js";

const WIDE = matchMedia("(min-width: 1060px)");

export class Task {
  /** @param {function(string, object): void} go goes to another address */
  constructor(host, go) {
    this.host = host;
    this.go = go;
    this.head = el("div", { class: "task-head" });
    this.timeline = new Timeline((node, isMeant) => this.choose(node, isMeant));
    this.panel = el("aside", { class: "panel", "aria-label": "Details" });
    this.main = el("div", { class: "task-main" }, this.timeline.element, this.panel);
    host.append(this.head, this.main);
    document.addEventListener("keydown", (event) => this.shortcut(event));
  }

  /** Show the run *id*, with the step of that number open if one is given. */
  async show(id, search, scroll) {
    this.host.hidden = false;
    const number = Number(new URLSearchParams(search).get("step")) || 0;
    if (id !== this.id) {
      this.id = id;
      this.main.hidden = true;
      this.head.replaceChildren(backLink(), el("p", { class: "sub" }, "Loading"));
      if (!(await this.load(id))) return;
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
    this.timeline.show(this.forest);
    this.timeline.element.hidden = this.forest.nodes.length === 0;
    this.main.classList.toggle("bare", this.forest.nodes.length === 0);
    this.fill(null);
    return true;
  }

  hide() {
    this.host.hidden = true;
    this.panel.classList.remove("open");
    document.body.classList.remove("sheet");
  }

  headOf() {
    const { row, task } = this;
    const described = String(task.description ?? "");
    const isTold = described && described !== task.name && described !== task.input_summary;
    return [
      el("div", { class: "task-top" }, backLink(),
        el("span", { class: "actions" },
          el("button", { type: "button", on: { click: () => showJson(row.trace_id) } }, "JSON"),
          copyButton(() => api.body(row.trace_id), "Copy JSON"))),
      el("h1", { tabindex: "-1", dir: "auto" }, visible(String(task.name).slice(0, 500))),
      el("p", { class: "sub byline" }, ...byline(row)),
      isTold ? el("p", { class: "description", dir: "auto" }, visible(described.slice(0, 2000))) : null,
      el("dl", { class: "stats" }, figures(row).map(([name, value, note, kind]) =>
        el("div", { class: kind ? `stat ${kind}` : "stat" },
          el("dt", {}, name), el("dd", {}, value, note ? el("small", {}, note) : null)))),
    ].filter(Boolean);
  }

  choose(node, isMeant) {
    this.fill(node);
    this.go(this.address(node), { replace: true, keep: true, quiet: true });
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

  address(node) {
    return `/tasks/${encodeURIComponent(this.id)}${node ? `?step=${node.index + 1}` : ""}`;
  }

  /** Fill the panel with a step, or with the run as a whole. */
  fill(node) {
    const { nodes } = this.forest;
    const parts = node
      ? details(node, nodes.length, (by) => this.timeline.open(nodes[node.index + by]), () => this.close())
      : overview(this.task, this.forest, (found) => this.timeline.open(found));
    this.panel.replaceChildren(...parts);
    this.panel.classList.toggle("open", node !== null);
    document.body.classList.toggle("sheet", node !== null);
    this.panel.scrollTop = 0;
  }

  close() {
    const index = this.timeline.clear();
    this.fill(null);
    this.go(this.address(null), { replace: true, keep: true, quiet: true });
    if (index >= 0) this.timeline.rows.focus(index);
  }

  shortcut(event) {
    if (this.host.hidden || !this.forest || !isShortcut(event)) return;
    if (event.key === "Escape") {
      if (this.timeline.chosen) this.close();
      else this.host.querySelector(".back").click();
    } else if (event.key === "e") {
      this.timeline.nextError();
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
    el("span", {}, row.source === "otlp" ? "over OTLP" : "over the Infinium API"),
    row.incomplete ? el("span", { class: "badge warn" }, icon("partial"), "incomplete") : null,
    el("span", { class: "ids" }, el("code", {}, line(row.otel_trace_id ?? row.trace_id, 64)),
      copyButton(() => row.otel_trace_id ?? row.trace_id, "Copy id")),
  ];
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
    ["Errors", count(row.errors), "", row.errors ? "kind-error" : ""],
  ];
}
