/** Icons: each kind of step has its own shape, not only its own colour. */

import { svg } from "./dom.js";

const PATHS = {
  llm: "M8 1.2 9.7 6.3 14.8 8 9.7 9.7 8 14.8 6.3 9.7 1.2 8 6.3 6.3Z",
  tool: "M8 1.5 13.6 4.75v6.5L8 14.5 2.4 11.25v-6.5ZM8 5.6a2.4 2.4 0 1 0 0 4.8 2.4 2.4 0 0 0 0-4.8Z",
  agent: "M8 1.6a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM2.6 14.2c0-3 2.4-5.2 5.4-5.2s5.4 2.2 5.4 5.2Z",
  retrieval: "M7 1.6a5.4 5.4 0 1 0 3.1 9.8l3 3 1.4-1.4-3-3A5.4 5.4 0 0 0 7 1.6Zm0 2a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8Z",
  check: "M8 1.2 13.8 3.4v4.2c0 3.5-2.4 6-5.8 7.2-3.4-1.2-5.8-3.7-5.8-7.2V3.4Z",
  other: "M8 4.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6Z",
  error: "M8 1.4 15.2 14H.8ZM7.2 5.8v4h1.6v-4ZM7.2 11v1.6h1.6V11Z",
  recovered: "M8 2a6 6 0 1 1-5.7 4.1l1.9.6A4 4 0 1 0 8 4v2.4L4.4 3.2 8 0Z",
  ok: "m6.4 12.6-4-4 1.4-1.4 2.6 2.6 5.8-5.9 1.4 1.4Z",
  partial: "M8 1.6a6.4 6.4 0 1 0 0 12.8A6.4 6.4 0 0 0 8 1.6Zm0 2v8.8a4.4 4.4 0 0 1 0-8.8Z",
  running: "M8 1.6a6.4 6.4 0 1 1-6.4 6.4h2A4.4 4.4 0 1 0 8 3.6Z",
  caret: "M5.4 3.2 10.6 8l-5.2 4.8Z",
  back: "M9.8 2.6 11.2 4 7.2 8l4 4-1.4 1.4L4.4 8Z",
  close: "m3.4 4.8 1.4-1.4L8 6.6l3.2-3.2 1.4 1.4L9.4 8l3.2 3.2-1.4 1.4L8 9.4l-3.2 3.2-1.4-1.4L6.6 8Z",
  copy: "M5 1.6h8.4v9.6H11v3.2H2.6V4.8H5Zm1.6 1.6v1.6H11v4.8h.8V3.2Zm-2.4 3.2v6.4h5.2V6.4Z",
  search: "M7 1.6a5.4 5.4 0 1 0 3.1 9.8l3 3 1.4-1.4-3-3A5.4 5.4 0 0 0 7 1.6Zm0 2a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8Z",
};

/** The icon *name*; screen readers read *title*, and ignore an icon without one. */
export function icon(name, title = "") {
  const label = title ? { role: "img", "aria-label": title } : { "aria-hidden": "true" };
  return svg(
    "svg",
    { viewBox: "0 0 16 16", class: `icon icon-${name}`, ...label },
    svg("path", { d: PATHS[name] ?? PATHS.other, "fill-rule": "evenodd" }),
  );
}
