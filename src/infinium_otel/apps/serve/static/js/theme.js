/** Light, dark, or the system's theme. */

import { icon } from "./icons.js";

const KEY = "infinium-otel.theme";
const NEXT = { system: "light", light: "dark", dark: "system" };
const LABEL = { system: "Auto", light: "Light", dark: "Dark" };

function readTheme() {
  try {
    const theme = localStorage.getItem(KEY);
    return theme in NEXT ? theme : "system";
  } catch {
    return "system";
  }
}

/** Make *button* switch between the themes. */
export function themeButton(button) {
  let theme = readTheme();

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
      // without storage the theme lasts until the page is closed
    }
    apply();
  });
  apply();
}
