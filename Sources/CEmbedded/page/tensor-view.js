// One tensor of an answer: a number, a table, or a picture with one slice of many axes at a time.

import {copyButton, el, setText} from "./dom.js";
import {patchTable} from "./field-table.js";
import {format} from "./numbers.js";
import {Picture} from "./picture.js";
import {flat, indexOf, sizeOf, typeText} from "./tensors.js";

const MOST_CELLS = 120, MOST_COLUMNS = 10;

export class TensorView {
  constructor(label, name) {
    this.name = name;
    this.type = el("span", {class: "type"});
    this.body = el("div", {class: "tensor-body"});
    this.copy = copyButton("Copy", () => JSON.stringify(this.tensor.data));
    this.copy.setAttribute("aria-label", `Copy ${name}`);
    this.node = el("section", {class: "tensor", "aria-label": name},
      el("header", {}, el("h4", {}, label), this.type, this.copy), this.body);
  }

  /** `shown` is the shape to draw, where that differs: a Hessian's is that of a matrix. */
  update(tensor, shown = tensor.shape) {
    this.tensor = tensor;
    this.shape = shown;
    setText(this.type, typeText(tensor));
    const kind = this.#kind();
    if (kind !== this.kind) this.#build(kind);
    this.node.dataset.kind = kind;
    this.#fill();
  }

  #kind() {
    const size = sizeOf(this.shape);
    if (this.shape.length === 0) return "scalar";
    if (size === 0) return "empty";
    const columns = this.shape.at(-1);
    const isTable = this.shape.length <= 2 && size <= MOST_CELLS &&
      (columns <= MOST_COLUMNS || (this.shape.length === 1 && size <= 16));
    return isTable ? "table" : "picture";
  }

  #build(kind) {
    this.kind = kind;
    this.picture = null;
    if (kind === "scalar") this.content = el("output", {class: "scalar"});
    else if (kind === "empty") this.content = el("p", {class: "hint"}, "no elements");
    else if (kind === "table") this.content = el("table", {class: "cells", "aria-label": this.name});
    else this.picture = new Picture(this.name);
    this.slice = this.slice ?? 0;
    this.slider = kind === "picture" ? this.#sliceSlider() : null;
    this.body.replaceChildren(...(kind === "table" ?
        [el("div", {class: "scroller", tabindex: "0", role: "group", "aria-label": this.name}, this.content)] :
        kind === "picture" ? [this.slider.row, this.picture.node] :
                             [this.content]));
  }

  #fill() {
    if (this.kind === "scalar") {
      const value = Array.isArray(this.tensor.data) ? flat(this.tensor.data)[0] : this.tensor.data;
      setText(this.content, format(value, 8));
      this.content.title = String(value);
    } else if (this.kind === "table") {
      const values = isNested(this.tensor, this.shape) ? this.tensor.data : null;
      patchTable(this.content, rowsOf(values, this.tensor, this.shape), value => format(value));
    } else if (this.kind === "picture") this.#fillPicture();
  }

  #fillPicture() {
    const rank = this.shape.length;
    const rows = rank === 1 ? 1 : this.shape[rank - 2], columns = this.shape[rank - 1];
    const leading = this.shape.slice(0, Math.max(rank - 2, 0));
    const count = sizeOf(leading);
    this.slice = Math.min(this.slice, count - 1);
    const {row, box, place} = this.slider;
    row.hidden = count === 1;
    box.max = count - 1;
    setText(place, `[${indexOf(this.slice, leading).join(", ")}, :, :]`);
    const all = flat(this.tensor.data);
    this.picture.update(all.slice(this.slice * rows * columns, (this.slice + 1) * rows * columns), rows, columns);
  }

  #sliceSlider() {
    const box = el("input", {type: "range", min: 0, step: 1, value: this.slice, "aria-label": `Slice of ${this.name}`});
    const place = el("output");
    box.addEventListener("input", () => {
      this.slice = Number(box.value);
      this.#fillPicture();
    });
    return {row: el("div", {class: "slice"}, place, box), box, place};
  }
}

const isNested = (tensor, shape) => shape.length === tensor.shape.length;

function rowsOf(nested, tensor, shape) {
  if (nested) return shape.length === 1 ? [nested] : nested;
  const values = flat(tensor.data), columns = shape.at(-1);
  return Array.from({length: values.length / columns}, (_, row) => values.slice(row * columns, (row + 1) * columns));
}
