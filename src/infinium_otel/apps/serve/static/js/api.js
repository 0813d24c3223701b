/** Requests to the server. */

/** A request failed; `status` is 0 without a response. */
export class RequestError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function request(path, signal, method = "GET") {
  let response;
  try {
    response = await fetch(path, { signal, method, headers: { Accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError("The server cannot be reached.", 0);
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new RequestError(body.error ?? `The server returned ${response.status}.`, response.status);
}

/** A page of the list, for the filters in the URL. */
export async function tasks(filters, offset, limit, signal) {
  const params = new URLSearchParams({ ...filters, offset, limit });
  return (await request(`/api/tasks?${params}`, signal)).json();
}

export async function task(id, signal) {
  return (await request(`/api/tasks/${encodeURIComponent(id)}`, signal)).json();
}

/** The text of a task, as received. */
export async function body(id) {
  return (await request(`/api/tasks/${encodeURIComponent(id)}/body`)).text();
}

export async function choices() {
  return (await request("/api/choices")).json();
}

/** The whole spans behind step *number*, counted from 1. */
export async function step(id, number, signal) {
  return (await request(`/api/tasks/${encodeURIComponent(id)}/steps/${number}`, signal)).json();
}

/** The numbers of the steps of run *id* that contain *text*, with all their spans. */
export async function search(id, text, signal) {
  return (await request(`/api/tasks/${encodeURIComponent(id)}/search?${new URLSearchParams({ q: text })}`, signal)).json();
}

/** Where the spans of run *id* can be downloaded. */
export function otlpAddress(id) {
  return `/api/tasks/${encodeURIComponent(id)}/otlp`;
}

/** Where the runs that *filters* select can be downloaded, as JSON Lines. */
export function exportAddress(filters) {
  return `/api/export?${new URLSearchParams(filters)}`;
}

/** Remove a run, and its spans. */
export async function remove(id) {
  return (await request(`/api/tasks/${encodeURIComponent(id)}`, undefined, "DELETE")).json();
}

/** The runs that *filters* select over time, grouped by agent, model or not at all. */
export async function summary(filters, by, signal) {
  return (await request(`/api/summary?${new URLSearchParams({ ...filters, by })}`, signal)).json();
}
