/** News from the server: calls back when tasks have arrived. */

/**
 * @param {HTMLElement} sign says whether the connection stands
 * @param {function(): void} onNews
 */
export function follow(sign, onNews) {
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
      const isNews = now !== last;
      last = now;
      if (isNews) onNews();
    });
  }

  // a page nobody looks at takes no connection: a browser has few for one server
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
