/** What the page asks of its server. */

/** A request that failed; `status` is 0 without an answer. */
export class Failed extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function ask(path, signal) {
  let reply;
  try {
    reply = await fetch(path, { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failed("The server does not answer.", 0);
  }
  if (reply.ok) return reply;
  const told = await reply.json().catch(() => ({}));
  throw new Failed(told.error ?? `The server answered ${reply.status}.`, reply.status);
}

/** A page of the list, for the filters as they stand in the address. */
export async function tasks(filters, offset, limit, signal) {
  const asked = new URLSearchParams({ ...filters, offset, limit });
  return (await ask(`/api/tasks?${asked}`, signal)).json();
}

export async function task(id, signal) {
  return (await ask(`/api/tasks/${encodeURIComponent(id)}`, signal)).json();
}

/** The text of a task as it was received. */
export async function body(id) {
  return (await ask(`/api/tasks/${encodeURIComponent(id)}/body`)).text();
}

export async function choices() {
  return (await ask("/api/choices")).json();
}
