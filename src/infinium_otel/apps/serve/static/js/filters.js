/** The search and the filters over the list; their state is the address. */

import * as api from "./api.js";
import { el, settled } from "./dom.js";
import { line } from "./format.js";
import { icon } from "./icons.js";

export const NAMES = ["q", "since", "agent", "model", "errors", "sort"];

const PERIODS = [
  ["", "Any time"], ["15m", "Last 15 minutes"], ["1h", "Last hour"],
  ["24h", "Last 24 hours"], ["7d", "Last 7 days"],
];
const TYPING_MS = 150;

/** The filters that *search*, the query of an address, asks for. */
export function read(search) {
  const given = new URLSearchParams(search);
  return Object.fromEntries(
    NAMES.map((name) => [name, given.get(name) ?? ""]).filter(([, value]) => value),
  );
}

/** The address of the list with *filters*. */
export function address(filters) {
  const kept = Object.entries(filters).filter(([, value]) => value);
  return kept.length ? `/?${new URLSearchParams(kept)}` : "/";
}

export class Filters {
  /** @param {function(object, boolean): void} onChange gets the filters; true while typing */
  constructor(onChange) {
    this.onChange = onChange;
    this.now = {};
    const typed = settled(() => this.set("q", this.search.value.trim(), true), TYPING_MS);
    this.search = el("input", {
      type: "search", id: "search", placeholder: "Search names, texts, errors, ids",
      autocomplete: "off", spellcheck: "false", "aria-label": "Search", "aria-keyshortcuts": "/",
      on: { input: typed },
    });
    this.since = this.select("since", "Time", PERIODS);
    this.agent = this.select("agent", "Agent", [["", "All agents"]]);
    this.model = this.select("model", "Model", [["", "All models"]]);
    this.errors = el("button", {
      type: "button", class: "toggle", "aria-pressed": "false",
      on: { click: () => this.set("errors", this.now.errors ? "" : "1") },
    }, icon("error"), "Errors");
    this.reset = el("button", {
      type: "button", class: "quiet", hidden: true,
      on: { click: () => this.onChange({ sort: this.now.sort }, false) },
    }, "Clear");
    this.element = el(
      "div", { class: "filters", role: "search" },
      el("label", { class: "search" }, icon("search"), this.search, el("kbd", {}, "/")),
      el("div", { class: "choices" }, this.since, this.agent, this.model, this.errors, this.reset),
    );
  }

  select(name, label, options) {
    const select = el("select", {
      "aria-label": label, on: { change: () => this.set(name, select.value) },
    });
    fill(select, options);
    return select;
  }

  set(name, value, typing = false) {
    this.onChange({ ...this.now, [name]: value }, typing);
  }

  /** Show *filters* as they stand in the address. */
  show(filters) {
    this.now = filters;
    if (this.search.value.trim() !== (filters.q ?? "")) this.search.value = filters.q ?? "";
    this.showChoices();
    this.errors.setAttribute("aria-pressed", String(Boolean(filters.errors)));
    this.reset.hidden = NAMES.every((name) => name === "sort" || !filters[name]);
  }

  showChoices() {
    for (const name of ["since", "agent", "model"]) choose(this[name], this.now[name] ?? "");
  }

  /** Fetch the agents and models that there are; what is being typed stays. */
  async learn() {
    const known = await api.choices().catch(() => null);
    if (!known) return;
    const named = (values) => values.map((value) => [value, line(value, 60)]);
    fill(this.agent, [["", "All agents"], ...named(known.agents)]);
    fill(this.model, [["", "All models"], ...named(known.models)]);
    this.showChoices();
  }
}

function fill(select, options) {
  select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
}

/** Choose *value*; one from the address that is not offered is added. */
function choose(select, value) {
  if (![...select.options].some((option) => option.value === value)) {
    select.append(el("option", { value }, line(value, 60)));
  }
  select.value = value;
}
