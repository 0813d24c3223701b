/** The places of a text in a part of the page, marked without changing the document. */

import { reveal } from "./reveal.js";

const MOST = 2_000;
const BLOCKS = "p, pre, li, td, th, dd, dt, h2, h3, h4, summary, figcaption, button";
const LONGEST = 2_000_000;

/** What finds *text* in any case, with any white space between its words; null without a text. */
export function toPattern(text) {
  const words = text.trim().split(/\s+/).filter(Boolean);
  if (!words.length) return null;
  return new RegExp(words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("\\s+"), "giu");
}

export class Marks {
  /** @param {HTMLElement} host whatever it shows later is marked too */
  constructor(host) {
    this.host = host;
    this.ranges = [];
    this.at = -1;
    this.pattern = null;
    this.observer = new MutationObserver(() => this.later());
  }

  /** Mark every place of *pattern*; null marks nothing. */
  find(pattern) {
    this.observer.disconnect();
    this.pattern = pattern;
    this.at = -1;
    this.mark();
    if (pattern) this.observer.observe(this.host, { childList: true, subtree: true, attributeFilter: ["open"] });
  }

  later() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.mark());
  }

  mark() {
    this.ranges = [];
    if (this.pattern) {
      reveal(this.host, (text) => text.slice(0, LONGEST).search(this.pattern));
      this.ranges = collectRanges(this.host, this.pattern);
    }
    if (this.wanted && this.ranges.length) this.turnTo(this.wanted === "last" ? this.ranges.length - 1 : 0);
    this.paint();
  }

  /** Go to the next or the previous place; false if there is none in that direction. */
  move(by) {
    const to = this.at + by;
    if (to < 0 || to >= this.ranges.length) return false;
    this.turnTo(to);
    this.paint();
    return true;
  }

  /** Go to the first or the last place as soon as there is one. */
  enter(by) {
    this.at = -1;
    this.wanted = by > 0 ? "first" : "last";
    this.mark();
  }

  turnTo(place) {
    this.at = place;
    this.wanted = null;
    const { startContainer } = this.ranges[place];
    startContainer.parentElement.scrollIntoView({ block: "nearest" });
    scrollTo(this.host, this.ranges[place]);
  }

  paint() {
    if (!globalThis.CSS?.highlights) return; // an older browser: found, and not marked
    CSS.highlights.set("found", new Highlight(...this.ranges));
    const now = this.ranges[this.at];
    CSS.highlights.set("found-now", now ? new Highlight(now) : new Highlight());
  }
}

/** Scroll the boxes around *range*, up to *host*, so that it can be seen. */
function scrollTo(host, range) {
  for (let box = range.startContainer.parentElement; box; box = box === host ? null : box.parentElement) {
    if (box.scrollHeight <= box.clientHeight) continue;
    const [inner, outer] = [range.getBoundingClientRect(), box.getBoundingClientRect()];
    if (inner.top < outer.top || inner.bottom > outer.bottom) {
      box.scrollTop += inner.top - outer.top - box.clientHeight / 3;
    }
  }
}

function collectRanges(host, pattern) {
  const pieces = collectPieces(host);
  const text = pieces.map(({ gap, node }) => gap + node.data).join("");
  const ranges = [];
  let piece = 0;
  for (const match of text.matchAll(pattern)) {
    if (ranges.length >= MOST) break;
    const range = document.createRange();
    const [begin, end] = [match.index, match.index + match[0].length];
    while (pieces[piece].end <= begin) piece += 1;
    let last = piece;
    while (pieces[last].end < end) last += 1;
    range.setStart(pieces[piece].node, Math.max(0, begin - pieces[piece].start));
    range.setEnd(pieces[last].node, end - pieces[last].start);
    ranges.push(range);
  }
  return ranges;
}

/** The visible texts of *host* in order; texts of different blocks do not join. */
function collectPieces(host) {
  const walker = document.createTreeWalker(host, NodeFilter.SHOW_TEXT);
  const pieces = [];
  let [end, before] = [0, null];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const block = node.parentElement.closest(BLOCKS);
    if (!node.data || block?.matches("button") || !node.parentElement.checkVisibility()) continue;
    const gap = block !== before && pieces.length ? "\n" : "";
    const start = end + gap.length;
    end = start + node.data.length;
    pieces.push({ node, gap, start, end });
    before = block;
  }
  return pieces;
}
