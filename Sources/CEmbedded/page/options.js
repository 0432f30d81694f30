// The members of a request beside graph and inputs, as a form.

import {el} from "./dom.js";
import {valuesOf} from "./names.js";
import {COMPUTATIONS, OPTIONS} from "./state.js";

export class Options {
  #boxes = new Map();
  #rows = new Map();

  constructor(host, state) {
    this.state = state;
    this.compute = el("select", {id: "compute"}, COMPUTATIONS.map(([value, label]) => el("option", {value}, label)));
    this.compute.addEventListener("change", () => {
      state.compute = this.compute.value;
      this.draw();
      state.changed("option");
    });
    this.names = el("datalist", {id: "value-names"});
    host.append(
      this.#row("compute", "compute", "", this.compute), ...OPTIONS.map(option => this.#option(option)), this.names);
  }

  #option({name, kind, choices, label, hint}) {
    const id = `option-${name}`;
    const box = kind === "choice" ?
      el("select", {id}, choices.map(choice => el("option", {value: choice}, choice || "float64 (default)"))) :
      el("input", {
        id,
        type: "text",
        autocomplete: "off",
        spellcheck: "false",
        list: kind === "names" ? "value-names" : null,
        "aria-describedby": `${id}-hint`
      });
    box.addEventListener("change", () => {
      this.state.options[name] = box.value.trim();
      this.state.changed("option");
    });
    this.#boxes.set(name, box);
    return this.#row(name, label, hint, box);
  }

  #row(name, label, hint, box) {
    const row = el("div", {class: "option"}, el("label", {for: box.id
    }, label), box, el("span", {class: "hint", id: `${box.id}-hint`}, hint));
    this.#rows.set(name, row);
    return row;
  }

  draw() {
    this.compute.value = this.state.compute;
    for (const {name, only} of OPTIONS) {
      const box = this.#boxes.get(name);
      if (document.activeElement !== box) box.value = this.state.options[name] ?? "";
      this.#rows.get(name).hidden = only !== undefined && !only.includes(this.state.compute);
    }
    this.names.replaceChildren(...valuesOf(this.state.formula).map(value => el("option", {value})));
  }

  /** How many members differ from what they are by default, for the heading. */
  get count() {
    return OPTIONS.filter(({name}) => this.state.options[name]).length + (this.state.compute === "evaluate" ? 0 : 1);
  }

  markFault(pointer) {
    let isFound = false;
    for (const [name, box] of this.#boxes) {
      const isIt = pointer === `/${name}` || pointer?.startsWith(`/${name}/`) === true;
      box.setAttribute("aria-invalid", isIt);
      isFound ||= isIt;
    }
    return isFound;
  }
}
