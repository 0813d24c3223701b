/** Notifications from the server: calls back when runs have arrived or changed. */

/**
 * @param {HTMLElement} sign shows whether the connection is open
 * @param {function(string, number): void} onChange receives "tasks" with the number of the
 *   newest task, or "open" with a number that grows with every change of an open run
 */
export function follow(sign, onChange) {
  let source = null;
  let last = -1;

  function show(state, text) {
    sign.dataset.state = state;
    sign.textContent = text;
  }

  function open() {
    source = new EventSource(`/api/live?after=${Math.max(last, 0)}`);
    source.addEventListener("open", () => show("on", "live"));
    source.addEventListener("error", () => show("off", "reconnecting"));
    source.addEventListener("tasks", (event) => {
      const now = Number(event.data);
      const isNew = now !== last;
      last = now;
      if (isNew) onChange("tasks", now);
    });
    source.addEventListener("open-runs", (event) => onChange("open", Number(event.data)));
  }

  // a hidden page uses no connection: browsers allow six per server over HTTP/1.1
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (source === null) {
      open();
    }
  });
  open();
}
