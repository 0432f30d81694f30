// A row of tabs, as the ARIA practices describe it: arrow keys go through the tabs, Tab goes on into the panel.

import {el} from "./dom.js";

export class Tabs {
  #tabs = new Map();

  /** `names` are pairs of a tab's name and its label; all tabs show the one panel, whose content is the listener's. */
  constructor(list, panel, names, onChoose) {
    this.panel = panel;
    for (const [name, label] of names) {
      const tab = el("button", {
        type: "button",
        role: "tab",
        id: `tab-${name}`,
        "aria-controls": panel.id,
        onclick: () => this.choose(name, onChoose)
      },
        label);
      this.#tabs.set(name, tab);
      list.append(tab);
    }
    list.addEventListener("keydown", event => {
      const all = [...this.#tabs.keys()];
      const now = all.indexOf(this.chosen);
      const next = {ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: all.length - 1}[event.key];
      if (next === undefined) return;
      event.preventDefault();
      const name = all[(next + all.length) % all.length];
      this.choose(name, onChoose);
      this.#tabs.get(name).focus();
    });
  }

  has(name) { return this.#tabs.has(name); }

  choose(name, onChoose = () => {}) {
    this.chosen = name;
    for (const [other, tab] of this.#tabs) {
      tab.setAttribute("aria-selected", other === name);
      tab.tabIndex = other === name ? 0 : -1;
    }
    // The first tab is in view from the start: asking would lay the page out once more.
    if (this.hasMoved) this.#tabs.get(name).scrollIntoView({block: "nearest", inline: "nearest"});
    this.hasMoved = true;
    this.panel.setAttribute("aria-labelledby", `tab-${name}`);
    onChoose(name);
  }
}
