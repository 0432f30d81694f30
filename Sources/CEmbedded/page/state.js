// What a person has entered: the one place where it is kept. A link holds exactly this.

import {inputsOf, valuesOf} from "./names.js";
import {numberText, rangeAround} from "./numbers.js";
import {shapeOf} from "./tensors.js";

/** Members of a request that are no inputs, in the order in which they are sent. `names` are lists of names. */
export const OPTIONS = [
  {
    name: "dtype",
    kind: "choice",
    choices: ["", "float64", "float32"],
    label: "dtype",
    hint: "of numbers that have none"
  },
  {name: "of", kind: "names", label: "differentiate", hint: "default: the graph's outputs"},
  {name: "wrt", kind: "names", label: "with respect to", hint: "default: every floating input"},
  {name: "outputs", kind: "names", label: "show", hint: "values to return; default: the graph's outputs"},
  {name: "batch", kind: "names", label: "batch", hint: "inputs with a leading axis of examples"},
  {name: "cotangents", kind: "json", label: "cotangents", hint: "weights of the outputs, {\"y\": [1, 0]}"},
  {name: "tangents", kind: "json", label: "tangents", hint: "the direction, {\"x\": [1, 0]}", only: ["jvp"]},
  {name: "vectors", kind: "json", label: "vectors", hint: "for each input a tensor, {\"x\": [1, 0]}", only: ["hvp"]},
];

export const COMPUTATIONS = [
  ["evaluate", "outputs and gradients"],
  ["hessian", "Hessian"],
  ["jacobian", "Jacobian"],
  ["jvp", "along a direction (jvp)"],
  ["hvp", "Hessian times vectors (hvp)"],
  ["check", "check by differences"],
];

const EMPTY = {
  formula: "",
  compute: "evaluate",
  fields: {},
  options: {},
  chart: {},
  plot: {},
  tab: "answer"
};

export class State {
  #listeners = new Set();

  constructor() { this.load({}); }

  /** Takes a whole new state, such as an example or a link. */
  load(content) {
    Object.assign(this, structuredClone({...EMPTY, ...content}));
    this.#known = new Set(valuesOf(this.formula));
    this.sync();
  }

  /** Inputs of the formula as it stands now; fields of others are kept, for a name that comes back. */
  sync() {
    this.inputs = inputsOf(this.formula).filter(input => input.name !== "");
    for (const {name, default: text} of this.inputs)
      this.fields[name] ??= fieldOf(text === undefined ? "1" : literalText(text), text);
  }

  /**
   * Names that the formula no longer has leave the options and the chart: they were chosen for what stood there before.
   * A name that it never had stays, for the server to refuse. Answers whether any left.
   */
  dropGone() {
    const now = new Set(valuesOf(this.formula));
    const gone = [...this.#known].filter(name => !now.has(name));
    this.#known = now;
    if (!gone.length) return false;
    const without = text =>
      text.split(",").map(name => name.trim()).filter(name => name && !gone.includes(name)).join(", ");
    for (const {name, kind} of OPTIONS) {
      const text = this.options[name];
      if (text)
        this.options[name] = kind === "names" ? without(text) : kind === "json" ? withoutMembers(text, gone) : text;
    }
    for (const key of Object.keys(this.chart)) this.chart[key] = without(this.chart[key]);
    return true;
  }

  #known = new Set();

  /** Calls `listener(what)` after each change: "formula", "field", "option", "view" or "all". */
  onChange(listener) { this.#listeners.add(listener); }

  changed(what) {
    if (what === "formula" || what === "all") this.sync();
    for (const listener of this.#listeners) listener(what);
  }

  setField(name, field) {
    this.fields[name] = field;
    this.changed("field");
  }
}

function withoutMembers(text, names) {
  let data;
  try {
    data = JSON.parse(text);
  } catch { return text; }
  const kept = Object.entries(data).filter(([name]) => !names.includes(name));
  return kept.length === Object.keys(data).length ? text : kept.length ? JSON.stringify(Object.fromEntries(kept)) : "";
}

/** A field for a JSON text. `text` is null where a declared default is no JSON: then the server takes its own. */
export function fieldOf(text, fallback = "1") {
  if (text === null) return {kind: "default", text: fallback};
  const kind = kindOf(text);
  return kind === "number" ? {kind, text, range: rangeAround(Number(text))} : {kind, text};
}

export function kindOf(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch { return "text"; }
  if (typeof data === "number") return "number";
  const shape = Array.isArray(data) ? shapeOf(data) : null;
  const isPlain = shape !== null &&
    data.flat(Infinity).every(value => numberText(String(value)) !== null && typeof value !== "boolean");
  if (!isPlain || shape.includes(0)) return "text";
  return shape.length === 1 ? "vector" : shape.length === 2 ? "matrix" : "text";
}

/** The JSON text of a formula's literal, or null if JSON has none. */
function literalText(text) {
  if (/^(true|false)$/.test(text)) return text;
  if (!text.startsWith("[")) return numberText(text);
  const json = text.replace(/-?\b(NaN|Infinity)\b/g, word => JSON.stringify(word))
                 .replace(/,\s*\]/g, "]")
                 .replace(/(^|[[,\s-])\./g, "$10.");
  try {
    JSON.parse(json);
  } catch { return null; }
  return json;
}
