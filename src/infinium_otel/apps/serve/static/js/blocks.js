/** Texts, tables and copies: the parts that the details of a run are made of. */

import { el, say } from "./dom.js";
import { size, times, visible } from "./format.js";
import { icon } from "./icons.js";

const FIRST = 2_000;
const MORE = 100_000;
const LONGEST_PRETTY = 200_000;
const DEEPEST = 4;

/** A button that copies what *text* gives. */
export function copyButton(text, label = "Copy") {
  const word = el("span", {}, label);
  const button = el("button", {
    type: "button", class: "quiet copy", on: { click: () => copy() },
  }, icon("copy"), word);

  async function copy() {
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(await text());
    } catch {
      said = "Not copied";
    }
    word.textContent = said;
    say(said);
    setTimeout(() => { word.textContent = label; }, 1500);
  }

  return button;
}

/** *text* set out over lines if it is JSON; itself if not. */
function pretty(text) {
  if (text.length > LONGEST_PRETTY || !/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** A titled text that can be copied; null if there is none. */
export function textBlock(title, text) {
  if (typeof text !== "string" || !text) return null;
  const laidOut = pretty(text);
  const isProse = laidOut === text && !/\n[ \t]/.test(text.slice(0, FIRST));
  return el("section", { class: isProse ? "block prose" : "block" },
    el("div", { class: "block-head" }, el("h3", {}, title), copyButton(() => text)),
    longText(laidOut));
}

/** *text* as it stands, the first part of it if it is long. */
export function longText(text, first = FIRST) {
  const shown = el("pre", { dir: "auto", tabindex: "0" });
  const holder = el("div", { class: "text" }, shown);
  let end = 0;

  function more(by) {
    const part = text.slice(end, end + by);
    shown.append(el("span", {}, visible(part)));
    end += part.length;
    button.hidden = end >= text.length;
    button.textContent = `Show more of ${size(text)}`;
  }

  const button = el("button", { type: "button", class: "more", on: { click: () => more(MORE) } });
  holder.append(button);
  more(text.length <= first * 1.2 ? text.length : first);
  return holder;
}

/** A table of names and values; null if there are none. */
export function table(title, values) {
  const entries = Object.entries(values ?? {}).filter(([, value]) => value !== null);
  if (!entries.length) return null;
  return el("section", { class: "block" },
    title ? el("div", { class: "block-head" }, el("h3", {}, title)) : null,
    el("dl", {}, entries.map(([name, value]) => [
      el("dt", {}, el("bdi", {}, visible(name.slice(0, 200)))),
      el("dd", { dir: "auto" }, written(value)),
    ])));
}

function written(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 1);
  return text.length > FIRST ? longText(text, 500) : visible(flat(value, text));
}

/** Short lists of words read better without their brackets. */
function flat(value, text) {
  const isWords = Array.isArray(value) && value.every((item) => typeof item === "string");
  return isWords && value.length <= DEEPEST ? value.join(", ") : text;
}

/** What went wrong: the type, the message, the stack. */
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
