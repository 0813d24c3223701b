/** The whole spans behind a step: conversation, tools, parameters, and all as recorded. */

import * as api from "./api.js";
import { copyButton, table } from "./blocks.js";
import { el } from "./dom.js";
import { duration, visible } from "./format.js";
import { standsFor } from "./reveal.js";
import { conversation, mediaList, toolDefinitions } from "./messages.js";

const PARAMETERS = {
  model_requested: "Model requested", model: "Model", provider: "Provider", operation: "Operation",
  temperature: "Temperature", top_p: "Top p", max_tokens: "Max tokens", streaming: "Streaming",
  finish_reasons: "Finish reasons", response_id: "Response id", ttft_ms: "First chunk (ms)",
  conversation_id: "Session", user_id: "User", input_tokens: "Input tokens",
  output_tokens: "Output tokens", cache_read_tokens: "Read from cache",
  cache_write_tokens: "Written to cache", reasoning_tokens: "Reasoning tokens",
};

/** What is kept of the spans of step *number* of run *id*; null if nothing is. */
export async function loadStep(id, number, signal) {
  const view = await api.step(id, number, signal);
  return view.kept ? view : null;
}

/** The conversation of a step; empty if no span has one. */
export function contents(view) {
  return [
    conversation("System", view.system),
    conversation("Input", view.input),
    conversation("Output", view.output),
    mediaList(view.media),
  ].filter(Boolean);
}

/** Tools, parameters, each span as it was recorded, and a link to all of run *id*. */
export function recorded(view, id) {
  const parameters = Object.fromEntries(Object.entries(view.parameters)
    .map(([name, value]) => [PARAMETERS[name] ?? name, value]));
  return [
    toolDefinitions(view.tools),
    fold("Parameters", Object.keys(parameters).length, parameters, () => [table("", parameters)]),
    ...view.spans.map((span, index) => spanFold(span, index, view.spans.length)),
    el("p", {}, el("a", { class: "button", href: api.otlpAddress(id), download: true }, "Download the run's spans (OTLP)")),
  ].filter(Boolean);
}

/** A closed section with *contents*, filled when it is first opened. */
function fold(title, amount, contents, fill) {
  if (!amount) return null;
  const isFilled = () => element.children.length > 1;
  const element = el("details", {
    class: "block fold", on: { toggle: () => element.open && !isFilled() && element.append(...fill().filter(Boolean)) },
  }, el("summary", {}, title, amount > 1 ? ` (${amount})` : ""));
  return standsFor(element, () => (element.open ? "" : contents), () => { element.open = true; });
}

function spanFold(span, index, total) {
  const title = total === 1 ? "Span as recorded" : `Span ${index + 1} of ${total}: ${visible(span.name.slice(0, 80))}`;
  return fold(title, 1, span, () => [
    table("", {
      Name: span.name, Kind: span.kind, Scope: span.scope || "none", Start: span.start_time ?? "unknown",
      Duration: duration(span.duration_ms), Status: [span.status, span.status_message].filter(Boolean).join(": "),
      "Span id": span.span_id, "Parent id": span.parent_id ?? "none",
    }),
    span.dropped_attributes ? el("p", { class: "sub" },
      `The SDK's limits dropped ${span.dropped_attributes} attributes of this span.`) : null,
    table("Attributes", span.attributes),
    ...span.events.map((event) => table(`Event ${visible(event.name.slice(0, 80))} at ${duration(Math.max(0, event.offset_ms))}`,
      Object.keys(event.attributes).length ? event.attributes : { attributes: "none" })),
    ...span.links.map((link) => table("Link", { "Trace id": link.trace_id, "Span id": link.span_id, ...link.attributes })),
    table("Resource", span.resource),
    copyButton(() => JSON.stringify(span, null, 2), "Copy span as JSON"),
  ]);
}
