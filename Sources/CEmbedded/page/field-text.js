// A box for JSON, for tensors of any rank and dtype; and the field of an input that keeps the formula's default.

import {el, setText} from "./dom.js";
import {patchTable} from "./field-table.js";

export class TextField {
  constructor(name, field, update) {
    this.name = name;
    this.box = el("textarea", {
      class: "json",
      spellcheck: "false",
      autocomplete: "off",
      rows: 3,
      "aria-label": `${name}, as JSON`,
      placeholder: '[[1, 2], [3, 4]] or {"dtype": "int64", "data": [0, 2]}',
    });
    this.gradients = el("table", {class: "cells gradients", hidden: true});
    this.node = el("div", {class: "text-field"}, this.box, el("div", {class: "scroller"}, this.gradients));
    this.update(field);
    this.box.addEventListener("input", () => update({kind: "text", text: this.box.value}));
  }

  update(field) {
    if (this.box.value !== field.text) this.box.value = field.text;
    return true;
  }

  showGradient(gradient, of) { showSmallGradient(this.gradients, this.name, gradient, of); }
}

export class DefaultField {
  constructor(name, field) {
    this.name = name;
    this.value = el("code");
    this.gradients = el("table", {class: "cells gradients", hidden: true});
    this.node = el("div", {class: "text-field"}, el("p", {class: "hint"}, "as the formula declares it: ", this.value),
      el("div", {class: "scroller"}, this.gradients));
    this.update(field);
  }

  update(field) {
    setText(this.value, field.text.length > 60 ? `${field.text.slice(0, 60)}…` : field.text);
    return true;
  }

  showGradient(gradient, of) { showSmallGradient(this.gradients, this.name, gradient, of); }
}

/** Up to a table of 12 columns; larger ones are in the answer. */
export function showSmallGradient(table, name, gradient, of) {
  const shape = gradient?.shape ?? [];
  table.hidden =
    !gradient || shape.length > 2 || shape.at(-1) > 12 || shape.includes(0) || (shape.length === 2 && shape[0] > 12);
  if (table.hidden) return;
  table.setAttribute("aria-label", `Gradient ${of ? `of ${of} ` : ""}with respect to ${name}`);
  patchTable(table, shape.length === 0 ? [[gradient.data]] : shape.length === 1 ? [gradient.data] : gradient.data);
}
