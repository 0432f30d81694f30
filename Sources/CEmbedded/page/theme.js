// Dark or light: as the system says, until a person chooses.

import {byId} from "./dom.js";

const KEY = "autograd-theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

export const isDark = () =>
  document.documentElement.dataset.theme === "dark" || (!document.documentElement.dataset.theme && dark.matches);

/** Prepares the switch; `onChange` follows, for what is painted with colours of its own. */
export function prepareTheme(onChange) {
  const saved = localStorage.getItem(KEY);
  if (saved === "dark" || saved === "light") document.documentElement.dataset.theme = saved;
  const button = byId("theme");
  const show = () => {
    button.setAttribute("aria-pressed", isDark());
    button.title = isDark() ? "Use light colours" : "Use dark colours";
    onChange();
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem(KEY, document.documentElement.dataset.theme);
    show();
  });
  dark.addEventListener("change", show);
  show();
}
