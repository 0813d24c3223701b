/** The search and the filters above the list; the URL has their state. */

import * as api from "./api.js";
import { el, debounce } from "./dom.js";
import { line } from "./format.js";
import { icon } from "./icons.js";

const DETAILS = {
  session: "Session", user: "User", tag: "Tag", min_cost: "Cost from $", min_duration: "Duration from s",
};
export const NAMES = ["q", "since", "agent", "model", "errors", ...Object.keys(DETAILS), "sort"];
const HINTS = { tag: "tenant:acme", min_cost: "0.10", min_duration: "30" };
const ERRORS = [["", "All results"], ["1", "With errors"], ["fatal", "Not recovered"], ["rules", "Failed a rule"]];

const PERIODS = [
  ["", "Any time"], ["15m", "Last 15 minutes"], ["1h", "Last hour"],
  ["24h", "Last 24 hours"], ["7d", "Last 7 days"],
];
const TYPING_MS = 150;

/** The filters in *search*, the query of a URL. */
export function read(search) {
  const params = new URLSearchParams(search);
  return Object.fromEntries(
    NAMES.map((name) => [name, params.get(name) ?? ""]).filter(([, value]) => value),
  );
}

/** The URL of the list with *filters*. */
export function address(filters) {
  const used = Object.entries(filters).filter(([, value]) => value);
  return used.length ? `/?${new URLSearchParams(used)}` : "/";
}

export class Filters {
  /** @param {function(object, boolean): void} onChange receives the filters; true while typing */
  constructor(onChange) {
    this.onChange = onChange;
    this.now = {};
    const typed = debounce(() => this.set("q", this.search.value.trim(), true), TYPING_MS);
    this.search = el("input", {
      type: "search", id: "search", placeholder: "Search names, texts, errors, ids",
      autocomplete: "off", spellcheck: "false", "aria-label": "Search", "aria-keyshortcuts": "/",
      on: { input: typed },
    });
    this.since = this.select("since", "Time", PERIODS);
    this.agent = this.select("agent", "Agent", [["", "All agents"]]);
    this.model = this.select("model", "Model", [["", "All models"]]);
    this.errors = this.select("errors", "Errors", ERRORS);
    this.chips = el("div", { class: "chips" });
    this.more = el("details", { class: "more-filters" }, el("summary", { class: "button" }, "More filters"),
      el("form", { on: { submit: (event) => this.apply(event) } },
        Object.entries(DETAILS).map(([name, label]) => el("label", {}, label,
          el("input", { name, autocomplete: "off", placeholder: HINTS[name] ?? null }))),
        el("button", { type: "submit" }, "Apply")));
    this.exported = el("a", { class: "button", download: true }, "Export");
    this.reset = el("button", {
      type: "button", class: "quiet", hidden: true,
      on: { click: () => this.onChange({ sort: this.now.sort }, false) },
    }, "Clear");
    this.element = el(
      "div", { class: "filters", role: "search" },
      el("label", { class: "search" }, icon("search"), this.search, el("kbd", {}, "/")),
      el("div", { class: "choices" }, this.since, this.agent, this.model, this.errors, this.more, this.exported, this.reset),
      this.chips,
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

  /** Take what was typed into the further filters. */
  apply(event) {
    event.preventDefault();
    this.more.open = false;
    const typed = Object.fromEntries([...new FormData(event.target)].map(([name, value]) => [name, value.trim()]));
    this.onChange({ ...this.now, ...typed }, false);
  }

  /** A chip for each further filter in use, which removes it. */
  showChips() {
    this.chips.replaceChildren(...Object.entries(DETAILS).filter(([name]) => this.now[name]).map(([name, label]) =>
      el("button", {
        type: "button", class: "chip", "aria-label": `Remove the filter ${label}`, on: { click: () => this.set(name, "") },
      }, `${label}: `, el("bdi", {}, line(this.now[name], 60)), icon("close"))));
    for (const input of this.more.querySelectorAll("input")) input.value = this.now[input.name] ?? "";
  }

  /** Show *filters*, from the URL. */
  show(filters) {
    this.now = filters;
    if (this.search.value.trim() !== (filters.q ?? "")) this.search.value = filters.q ?? "";
    this.showChoices();
    this.showChips();
    this.exported.href = api.exportAddress(filters);
    this.reset.hidden = NAMES.every((name) => name === "sort" || !filters[name]);
  }

  showChoices() {
    for (const name of ["since", "agent", "model", "errors"]) choose(this[name], this.now[name] ?? "");
  }

  /** Fetch the agents and models to choose from. */
  async loadChoices() {
    const choices = await api.choices().catch(() => null);
    if (!choices) return;
    const toOptions = (values) => values.map((value) => [value, line(value, 60)]);
    fill(this.agent, [["", "All agents"], ...toOptions(choices.agents)]);
    fill(this.model, [["", "All models"], ...toOptions(choices.models)]);
    this.showChoices();
  }
}

function fill(select, options) {
  select.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
}

/** Choose *value*; one from the URL that is not an option yet is added. */
function choose(select, value) {
  if (![...select.options].some((option) => option.value === value)) {
    select.append(el("option", { value }, line(value, 60)));
  }
  select.value = value;
}
