/** What is shown in place of an empty list. */

import { copyButton } from "./blocks.js";
import { el } from "./dom.js";

/** @param {boolean} isFiltered whether filters are set */
export function welcome(isFiltered) {
  if (isFiltered) {
    return [el("h2", {}, "No runs match"), el("p", {}, "Change the search or clear the filters.")];
  }
  const { origin } = location;
  return [
    el("h2", {}, "Waiting for the first run"),
    el("p", {}, "Runs appear here automatically. Send some in one of these ways:"),
    way("A Python program or an Infinium client, with any agent id and secret", [
      `export INFINIUM_BASE_URL=${origin}/api/v1`,
      "export INFINIUM_AGENT_ID=00000000-0000-4000-8000-000000000001",
      "export INFINIUM_AGENT_SECRET=any-eight-letters",
    ]),
    way("In the Python program, where it starts", [
      "from infinium_otel import register",
      "register(instrument=True)",
    ]),
    way("Any OpenTelemetry exporter, in any language", [
      `export OTEL_EXPORTER_OTLP_ENDPOINT=${origin}`,
      "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    ]),
  ];
}

function way(title, lines) {
  const text = lines.join("\n");
  return el("div", { class: "way" },
    el("div", { class: "block-head" }, el("h3", {}, title), copyButton(() => text)),
    el("pre", {}, text));
}
