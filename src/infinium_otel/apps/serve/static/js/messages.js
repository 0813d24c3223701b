/** A conversation: messages by role, with tool calls, results and reasoning. */

import { copyButton, longText, textBlock } from "./blocks.js";
import { el } from "./dom.js";
import { visible } from "./format.js";
import { icon } from "./icons.js";
import { markdown } from "./markdown.js";
import { standsFor } from "./reveal.js";

const ICONS = { assistant: "llm", tool: "tool", user: "agent" };
/** Messages that are shown at once: the newest; earlier ones on request. */
const LATEST = 12;

let showsRaw = false;

/** A titled list of messages; null without any. */
export function conversation(title, messages) {
  if (!messages?.length) return null;
  const holder = el("div", { class: "messages" });
  const isData = messages.every((message) => "data" in message);
  const mode = el("button", { type: "button", class: "quiet copy", on: { click: turn } });
  let first = Math.max(0, messages.length - LATEST);

  function turn() {
    showsRaw = !showsRaw;
    fill();
  }

  function fill() {
    mode.textContent = showsRaw ? "Show Markdown" : "Show raw";
    const showAll = () => { first = 0; fill(); };
    const earlier = standsFor(
      el("button", { type: "button", class: "more", on: { click: showAll } }, `Show ${first} earlier`),
      () => messages.slice(0, first), showAll,
    );
    holder.replaceChildren(...(first ? [earlier] : []), ...messages.slice(first).map(message));
  }

  fill();
  return el("section", { class: "block" },
    el("div", { class: "block-head" }, el("h3", {}, title),
      el("span", {}, isData ? null : mode, copyButton(() => toPlain(messages)))),
    holder);
}

function message(item) {
  return el("article", { class: `message role-${ICONS[item.role] ?? "other"}` },
    el("h4", {}, icon(ICONS[item.role] ?? "other"), el("bdi", {}, visible(String(item.role).slice(0, 60)))),
    item.reasoning ? el("details", { class: "reasoning" },
      el("summary", {}, "Reasoning"), prose(item.reasoning)) : null,
    item.text ? prose(item.text) : null,
    "data" in item ? data(item.data) : null,
    (item.calls ?? []).map(call),
    (item.results ?? []).map(result));
}

/** A text, as Markdown or as it is. */
export function prose(text) {
  const rendered = showsRaw ? null : markdown(text);
  return rendered ? el("div", { class: "markdown" }, rendered) : el("div", { class: "prose" }, longText(text));
}

function call(item) {
  return el("div", { class: "call" },
    el("p", {}, icon("tool"), " calls ", el("code", {}, visible(item.name)), id(item)),
    item.arguments === null ? el("p", { class: "sub" }, "Arguments were not recorded") : data(item.arguments));
}

function result(item) {
  return el("div", { class: item.failed ? "call failed" : "call" },
    el("p", {}, icon(item.failed ? "error" : "ok"), item.failed ? " failed " : " result ",
      item.name ? el("code", {}, visible(item.name)) : null, id(item)),
    data(item.result));
}

function id(item) {
  return item.id ? el("small", { class: "sub" }, ` ${visible(String(item.id).slice(0, 80))}`) : null;
}

/** Any value: a text as prose, everything else as indented JSON. */
export function data(value) {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? prose(value) : longText(JSON.stringify(value, null, 2), 1_000);
}

function toPlain(messages) {
  return JSON.stringify(messages, null, 2);
}

/** The tools that were offered; null without any. */
export function toolDefinitions(tools) {
  if (!tools?.length) return null;
  return el("details", { class: "block fold" },
    el("summary", {}, `Tools offered (${tools.length})`),
    tools.map((tool) => el("details", { class: "fold" },
      el("summary", {}, el("code", {}, visible(tool.name || "unnamed")), " ",
        el("span", { class: "sub" }, visible(tool.description.slice(0, 160)))),
      tool.description.length > 160 ? prose(tool.description) : null,
      textBlock("Schema", JSON.stringify(tool.schema ?? tool.recorded, null, 2)))));
}

/** Images, sounds and files; null without any. */
export function mediaList(media) {
  if (!media?.length) return null;
  return el("section", { class: "block" },
    el("div", { class: "block-head" }, el("h3", {}, "Media")),
    media.map((item) => el("figure", { class: "media" },
      item.url ? el("img", { src: item.url, alt: `${item.type} in a message`, loading: "lazy" }) : null,
      el("figcaption", { class: "sub" }, `${visible(item.type)} · ${bytes(item.bytes)}`))));
}

function bytes(amount) {
  return amount < 1_000 ? `${amount} B` : amount < 1e6 ? `${Math.round(amount / 1e3)} kB` : `${(amount / 1e6).toFixed(1)} MB`;
}
