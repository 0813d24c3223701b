/** Light, dark, or as the system has it. */

import { icon } from "./icons.js";

const KEY = "infinium-otel.theme";
const NEXT = { system: "light", light: "dark", dark: "system" };
const LABEL = { system: "Auto", light: "Light", dark: "Dark" };

function stored() {
  try {
    const theme = localStorage.getItem(KEY);
    return theme in NEXT ? theme : "system";
  } catch {
    return "system";
  }
}

/** Let *button* go through the themes. */
export function themeButton(button) {
  let theme = stored();

  function apply() {
    document.documentElement.dataset.theme = theme;
    button.replaceChildren(icon("partial"), LABEL[theme]);
    button.setAttribute("aria-label", `Theme: ${LABEL[theme]}`);
  }

  button.addEventListener("click", () => {
    theme = NEXT[theme];
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // a browser that keeps nothing still changes the theme
    }
    apply();
  });
  apply();
}
