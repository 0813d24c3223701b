/** Texts, tables and copy buttons: the parts of a run's details. */

import { el, announce } from "./dom.js";
import { count, size, times, visible } from "./format.js";
import { icon } from "./icons.js";
import { standsFor } from "./reveal.js";

const FIRST = 2_000;
const MORE = 100_000;
/** Characters shown before and after a text that was found, and places shown of one text. */
const AROUND = 500;
const MOST_SKIPPED = 5_000;
const MOST_FOUND = 40;
const LONGEST_PRETTY = 200_000;
const DEEPEST = 4;

/** A button that copies the result of *text*. */
export function copyButton(text, label = "Copy") {
  const word = el("span", {}, label);
  const button = el("button", {
    type: "button", class: "quiet copy", on: { click: () => copy() },
  }, icon("copy"), word);

  async function copy() {
    let result = "Copied";
    try {
      await write(await text());
    } catch {
      result = "Not copied";
    }
    word.textContent = result;
    announce(result);
    setTimeout(() => { word.textContent = label; }, 1500);
  }

  return button;
}

/** Copy *text*; over plain http a browser has no clipboard for scripts, only a command. */
async function write(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = el("textarea", { class: "unseen", "aria-hidden": "true" });
  field.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  const before = document.activeElement;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus?.({ preventScroll: true });
  if (!done) throw new Error("the browser did not copy");
}

/** *text* indented if it is JSON; unchanged if not. */
function pretty(text) {
  if (text.length > LONGEST_PRETTY || !/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** A text with a title and a copy button; null without a text. */
export function textBlock(title, text) {
  if (typeof text !== "string" || !text) return null;
  const formatted = pretty(text);
  const isProse = formatted === text && !/\n[ \t]/.test(text.slice(0, FIRST));
  return el("section", { class: isProse ? "block prose" : "block" },
    el("div", { class: "block-head" }, el("h3", {}, title), copyButton(() => text)),
    longText(formatted));
}

/** *text* unchanged; only the first part of it if it is long. */
export function longText(text, first = FIRST) {
  const shown = el("pre", { dir: "auto", tabindex: "0" });
  const holder = el("div", { class: "text" }, shown);
  let [end, shownFound] = [0, 0];

  function more(by) {
    const part = text.slice(end, end + by);
    shown.append(el("span", {}, visible(part)));
    end += part.length;
    button.hidden = end >= text.length;
    button.textContent = `Show more of ${size(text)}`;
  }

  const button = el("button", { type: "button", class: "more", on: { click: () => more(MORE) } });
  /** Show the text around the first place that *search* finds; far away, not all before it. */
  function showFound(search) {
    const at = search(text.slice(end));
    if (at > MOST_SKIPPED) {
      const skipped = at - AROUND;
      shown.append(el("i", {}, ` … ${count(skipped)} characters are not shown … `));
      end += skipped;
    }
    more((at > MOST_SKIPPED ? AROUND : at) + MOST_SKIPPED);
    shownFound += 1;
  }

  standsFor(button, () => (shownFound < MOST_FOUND ? text.slice(end) : ""), showFound);
  holder.append(button);
  more(text.length <= first * 1.2 ? text.length : first);
  return holder;
}

/** A table of names and values; null without values. */
export function table(title, values) {
  const entries = Object.entries(values ?? {}).filter(([, value]) => value !== null);
  if (!entries.length) return null;
  return el("section", { class: "block" },
    title ? el("div", { class: "block-head" }, el("h3", {}, title)) : null,
    el("dl", {}, entries.map(([name, value]) => [
      el("dt", {}, el("bdi", {}, breakable(visible(name.slice(0, 200))))),
      el("dd", { dir: "auto" }, formatValue(value)),
    ])));
}

/** A dotted name that may break after its dots. */
function breakable(name) {
  return name.split(/(?<=[.])/).flatMap((part) => [part, el("wbr")]).slice(0, -1);
}

function formatValue(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 1);
  return text.length > FIRST ? longText(text, 500) : visible(flat(value, text));
}

/** Short lists of words are easier to read without brackets. */
function flat(value, text) {
  const isWords = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isWords && value.length <= DEEPEST ? value.join(", ") : text;
}

/** An error: the type, the message, the stack. */
export function errorBlock(error, onOpen = null) {
  const facts = [
    error.error_code && `code ${visible(String(error.error_code).slice(0, 80))}`,
    error.recoverable && "recovered",
    error.retry_count > 0 && `retried ${times(error.retry_count)}`,
  ].filter(Boolean);
  const stack = typeof error.stack_trace === "string" && error.stack_trace;
  return el("section", { class: "block failure" },
    el("div", { class: "block-head" },
      el("h3", {}, icon("error"), el("bdi", {}, visible(String(error.error_type ?? "error").slice(0, 200)))),
      onOpen ? el("button", { type: "button", class: "quiet", on: { click: onOpen } }, "Go to step") : null),
    el("div", { class: "prose" }, longText(String(error.message ?? ""))),
    facts.length ? el("p", { class: "sub" }, facts.join(" · ")) : null,
    stack ? el("details", { open: !onOpen },
      el("summary", {}, "Stack"), longText(stack), copyButton(() => stack, "Copy stack")) : null);
}
