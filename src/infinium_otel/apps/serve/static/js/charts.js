/** Runs over time as charts: runs and errors, tokens, cost, latency. */

import uPlot from "../vendor/uplot/uPlot.esm.js";
import * as api from "./api.js";
import { el } from "./dom.js";
import { compact, count, line, moment, money } from "./format.js";

const HEIGHT = 150;
const COLOURS = ["--llm", "--tool", "--retrieval", "--check", "--agent", "--error", "--muted"];
const BY = [["", "All runs"], ["agent", "By agent"], ["model", "By model"]];
const seconds = (value) => (value === null ? "–" : `${Math.round(value * 100) / 100} s`);

/** By chart: title, what its lines are for one group, and how a value is written. */
const CHARTS = [
  ["Runs", [["runs", "runs"], ["fatal", "with errors"], ["recovered", "recovered"]], count],
  ["Tokens", [["prompt_tokens", "in"], ["completion_tokens", "out"]], compact],
  ["Cost", [["cost_usd", "cost"]], money],
  ["Latency", [["p50_s", "median"], ["p95_s", "95th percentile"]], seconds],
];

export class Charts {
  constructor() {
    this.by = "";
    this.plots = [];
    this.filters = {};
    this.choice = el("select", { "aria-label": "Group charts", on: { change: () => this.group() } },
      BY.map(([value, label]) => el("option", { value }, label)));
    this.grid = el("div", { class: "charts" });
    this.element = el("details", { class: "fold overview", on: { toggle: () => this.draw() } },
      el("summary", {}, "Charts"), el("div", { class: "choices" }, this.choice), this.grid);
    addEventListener("resize", () => this.resize());
  }

  group() {
    this.by = this.choice.value;
    this.draw();
  }

  /** Show the runs that *filters* select; nothing is fetched while the charts are closed. */
  show(filters) {
    this.filters = filters;
    this.draw();
  }

  async draw() {
    if (!this.element.open) return;
    this.aborting?.abort();
    this.aborting = new AbortController();
    const { signal } = this.aborting;
    let summary;
    try {
      summary = await api.summary(this.filters, this.by, signal);
    } catch (error) {
      if (error.name !== "AbortError") this.grid.replaceChildren(el("p", { class: "trouble" }, error.message));
      return;
    }
    if (signal.aborted) return;
    this.plots.forEach((plot) => plot.destroy());
    this.grid.replaceChildren();
    const holders = summary.groups.length ? CHARTS.map(([title]) => holderOf(title)) : [];
    this.grid.append(...holders); // all of them first: their widths depend on one another
    this.plots = holders.map((holder, place) => plot(holder, CHARTS[place], summary));
    requestAnimationFrame(() => this.resize());
    if (!this.plots.length) this.grid.append(el("p", { class: "sub" }, "No runs match"));
  }

  resize() {
    for (const plot of this.plots) {
      plot.setSize({ width: Math.max(200, plot.root.parentElement.clientWidth - 26), height: HEIGHT });
    }
  }
}

function holderOf(title) {
  return el("figure", { class: "chart" }, el("figcaption", {}, title));
}

/** A colour of the page, as a canvas can use it. */
function colourOf(holder, name) {
  const probe = el("i", {});
  probe.style.color = `var(${name})`;
  holder.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

function plot(holder, [title, lines, format], summary) {
  const named = namedLines(lines, summary.groups);
  const times = summary.groups[0].runs.map((_, place) => (summary.start_ms + place * summary.width_ms) / 1000);
  const colour = (name) => colourOf(holder, name);
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const points = times.length === 1;
  const made = new uPlot({
    width: Math.max(200, holder.clientWidth - 26), height: HEIGHT,
    cursor: { y: false },
    scales: { y: { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [axis, { ...axis, size: 58, values: (_, marks) => marks.map(format) }],
    series: [
      { value: (_, time) => (time === null ? "–" : moment(time * 1000)) },
      ...named.map(({ label, place }) => ({
        label, stroke: colour(COLOURS[place % COLOURS.length]), width: 2, spanGaps: true,
        points: { show: points }, value: (_, value) => format(value),
      })),
    ],
  }, [times, ...named.map(({ values }) => values)], holder);
  holder.append(numbers(title, times, named, format));
  return made;
}

/** A line per kind of value for one group; for several, the first kind of each. */
function namedLines(lines, groups) {
  if (groups.length === 1) {
    return lines.map(([key, label], place) => ({ label, place, values: groups[0][key] }));
  }
  const [key] = lines[0];
  return groups.map((group, place) => ({ label: line(group.name, 40) || "unknown", place, values: group[key] }));
}

/** The same numbers as a table, for those who do not see the chart. */
function numbers(title, times, named, format) {
  return el("table", { class: "unseen" }, el("caption", {}, title),
    el("tr", {}, el("th", {}, "Time"), named.map(({ label }) => el("th", {}, label))),
    times.map((time, place) => el("tr", {}, el("td", {}, new Date(time * 1000).toISOString()),
      named.map(({ values }) => el("td", {}, values[place] === null ? "–" : format(values[place]))))));
}
