/**
 * Markdown as elements. The text is untrusted: it is parsed into tokens by a library, and
 * the elements are built here, so no text ever becomes markup.
 */

import { lexer } from "../vendor/marked/marked.esm.js";
import { el } from "./dom.js";
import { visible } from "./format.js";

/** Longer texts are shown as they are: parsing would take too long. */
const LONGEST = 20_000;
const DEEPEST = 24;
const SAFE_ADDRESS = /^(https?:\/\/|mailto:)/i;

/** *text* as a list of elements; null if it is too long, or has no Markdown in it. */
export function markdown(text) {
  if (text.length > LONGEST || !/[*_`#>|\[-]|\d\./.test(text)) return null;
  let tokens;
  try {
    tokens = lexer(text, { gfm: true, breaks: true });
  } catch {
    return null; // nested deeper than the parser can follow
  }
  return blocks(tokens, 0);
}

function blocks(tokens, depth) {
  return tokens.map((token) => block(token, depth)).filter(Boolean);
}

function block(token, depth) {
  if (depth > DEEPEST) return raw(token);
  switch (token.type) {
    case "space":
    case "def":
    case "checkbox": // `list` shows it
      return null;
    case "heading":
      return el("p", { class: `heading heading-${token.depth}`, dir: "auto" }, inline(token, depth));
    case "paragraph":
      return el("p", { dir: "auto" }, inline(token, depth));
    case "code":
      return el("pre", { tabindex: "0", dir: "auto" }, el("code", {}, visible(token.text)));
    case "blockquote":
      return el("blockquote", {}, blocks(token.tokens, depth + 1));
    case "list":
      return list(token, depth);
    case "table":
      return table(token, depth);
    case "hr":
      return el("hr");
    case "text":
      return token.tokens ? el("p", { dir: "auto" }, inline(token, depth)) : raw(token);
    default:
      return raw(token); // HTML above all: it is shown, not used
  }
}

function raw(token) {
  return el("p", { class: "as-is", dir: "auto" }, visible(String(token.raw ?? "").trim()));
}

function list(token, depth) {
  const start = token.ordered && token.start > 1 ? token.start : null;
  return el(token.ordered ? "ol" : "ul", { start }, token.items.map((item) => {
    const mark = item.task ? (item.checked ? "☑ " : "☐ ") : "";
    const inner = item.loose ? blocks(item.tokens, depth + 1) : tight(item.tokens, depth + 1);
    return el("li", { dir: "auto" }, mark, inner);
  }));
}

/** The parts of an item without paragraphs of their own. */
function tight(tokens, depth) {
  return tokens.map((token) => (token.type === "text" || token.type === "paragraph"
    ? inline(token, depth) : block(token, depth))).filter(Boolean);
}

function table(token, depth) {
  const cell = (name) => (item) => el(name, { dir: "auto" }, inline(item, depth));
  return el("div", { class: "wide", tabindex: "0" }, el("table", {},
    el("thead", {}, el("tr", {}, token.header.map(cell("th")))),
    el("tbody", {}, token.rows.map((row) => el("tr", {}, row.map(cell("td")))))));
}

function inline(token, depth) {
  if (!token.tokens?.length) return visible(String(token.text ?? ""));
  if (depth > DEEPEST) return visible(token.raw ?? "");
  return token.tokens.map((part) => phrase(part, depth + 1)).filter((part) => part !== null);
}

function phrase(token, depth) {
  switch (token.type) {
    case "strong": return el("strong", {}, inline(token, depth));
    case "em": return el("em", {}, inline(token, depth));
    case "del": return el("del", {}, inline(token, depth));
    case "codespan": return el("code", {}, visible(token.text));
    case "br": return el("br");
    case "checkbox": return null;
    case "link": return link(token, depth);
    case "image": return `[image: ${visible(token.text || token.href)}]`;
    case "text":
    case "escape": return inline(token, depth);
    default: return visible(token.raw ?? "");
  }
}

/** A link that shows where it goes: its words may claim another place. */
function link(token, depth) {
  if (!SAFE_ADDRESS.test(token.href)) return visible(token.raw);
  return el("a", {
    href: token.href, title: visible(token.href), target: "_blank", rel: "noopener noreferrer nofollow",
  }, inline(token, depth));
}
