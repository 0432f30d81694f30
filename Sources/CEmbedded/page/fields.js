// The fields of the inputs: one for each name that the formula takes and does not define.

import {el, setText} from "./dom.js";
import {FileField} from "./field-file.js";
import {NumberField} from "./field-number.js";
import {TableField} from "./field-table.js";
import {DefaultField, TextField} from "./field-text.js";
import {numberText, rangeAround} from "./numbers.js";
import {fieldOf, kindOf} from "./state.js";

const KINDS = {
  number: NumberField,
  vector: TableField,
  matrix: TableField,
  text: TextField,
  file: FileField,
  default: DefaultField
};

export class Fields {
  #shown = new Map();

  constructor(host, state) {
    this.host = host;
    this.state = state;
  }

  /** Shows the fields of the state; one that is there already keeps its cursor. */
  draw() {
    const names = this.state.inputs.map(input => input.name);
    for (const [name, shown] of this.#shown) {
      if (!names.includes(name)) {
        shown.row.remove();
        this.#shown.delete(name);
      }
    }
    names.forEach((name, index) => {
      const field = this.state.fields[name];
      const shown = this.#shown.get(name) ?? this.#add(name);
      if (this.host.children[index] !== shown.row) this.host.insertBefore(shown.row, this.host.children[index] ?? null);
      if (shown.field !== field) this.#fill(name, shown, field);
    });
  }

  #add(name) {
    const isDeclared = this.state.inputs.some(input => input.name === name && input.default !== undefined);
    const kinds = Object.keys(KINDS).filter(kind => kind !== "default" || isDeclared);
    const choice = el(
      "select", {class: "kind", "aria-label": `Kind of ${name}`}, kinds.map(kind => el("option", {value: kind}, kind)));
    const type = el("span", {class: "type"});
    const body = el("div", {class: "field-body"});
    const note = el("p", {class: "field-note", id: `note-${name}`, hidden: true});
    const row = el("section", {class: "field", "aria-label": `Input ${name}`},
      el("header", {}, el("h3", {}, name), type, choice), body, note);
    const shown = {row, body, note, choice, type, field: null, widget: null};
    choice.addEventListener("change", () => {
      this.state.setField(name, converted(this.state.fields[name], choice.value));
      this.draw();
      choice.focus();
    });
    this.#shown.set(name, shown);
    return shown;
  }

  #fill(name, shown, field) {
    const isSame = shown.field?.kind === field.kind;
    shown.field = field;
    shown.choice.value = field.kind;
    if (isSame && shown.widget.update(field)) return;
    const update = next => {
      shown.field = next;
      this.state.setField(name, next);
    };
    shown.widget = new KINDS[field.kind](name, field, update);
    shown.body.replaceChildren(shown.widget.node);
    shown.row.dataset.kind = field.kind;
  }

  /** Shows the types and gradients of an answer beside the inputs. */
  showGradients(gradients, of) {
    for (const [name, shown] of this.#shown) {
      const gradient = gradients?.[name];
      setText(shown.type, gradient && gradient.shape.length ? `[${gradient.shape.join(", ")}]` : "");
      shown.widget.showGradient(gradient, of);
    }
  }

  /** Marks the field that a problem points to; null takes all marks away. Answers whether there is such a field. */
  markFault(pointer, detail) {
    let isFound = false;
    for (const [name, shown] of this.#shown) {
      const isIt = pointer === `/inputs/${name}` || pointer?.startsWith(`/inputs/${name}/`) === true;
      isFound ||= isIt;
      shown.row.classList.toggle("faulty", isIt);
      shown.note.hidden = !isIt;
      setText(shown.note, isIt ? detail : "");
    }
    return isFound;
  }
}

/** The same value in a field of another kind, as far as it has one there. */
function converted(field, kind) {
  const text = field.kind === "file" && field.tensor ? JSON.stringify(field.tensor) : field.text ?? "1";
  if (kind === "text") return {kind, text};
  if (kind === "file") return {kind, name: "", tensor: undefined};
  if (kind === "default") return {kind, text};
  const numbers = numbersIn(text);
  if (kind === "number") return {kind, text: numbers[0], range: rangeAround(Number(numbers[0]))};
  if (kind === kindOf(text)) return fieldOf(text);
  if (kind === "vector") return {kind, text: `[${numbers.join(", ")}]`};
  return {kind, text: kindOf(text) === "vector" ? `[[${numbers.join(", ")}]]` : `[[${numbers[0]}]]`};
}

function numbersIn(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch { data = text; }
  const list = [data].flat(Infinity).map(value => numberText(String(value))).filter(value => value !== null);
  return list.length ? list : ["1"];
}
