// The Answer tab: outputs and derivatives, warnings, and a chart of values against values.

import {Chart} from "./chart.js";
import {el} from "./dom.js";
import {format} from "./numbers.js";
import {TensorView} from "./tensor-view.js";
import {sizeOf} from "./tensors.js";

export class AnswerView {
  #views = new Map();

  constructor(host, state) {
    this.state = state;
    this.chart = new Chart(state);
    this.warnings = el("ul", {class: "warnings", hidden: true});
    this.groups = el("div", {class: "groups"});
    this.host = host;
    host.append(this.warnings, this.chart.node, this.groups);
  }

  /** Shows an answer of the endpoint; what is there already is patched, so that numbers move and nothing jumps. */
  show(answer, compute) {
    this.#showWarnings(answer.warnings ?? []);
    if (compute === "check") {
      this.chart.node.hidden = true;
      this.groups.replaceChildren(checkTable(answer));
      this.#layout = null;
      return;
    }
    const groups = groupsOf(answer, this.#differentiated());
    const layout = JSON.stringify(groups.map(({title, entries}) => [title, entries.map(entry => entry.key)]));
    if (layout !== this.#layout) this.#build(groups, layout);
    for (const {entries} of groups)
      for (const entry of entries) this.#views.get(entry.key).update(entry.tensor, entry.shape);
    this.chart.show(answer);
  }

  #layout = null;

  #differentiated() {
    const names = (this.state.options.of ?? "").split(",").map(name => name.trim()).filter(Boolean);
    return names.length === 1 ? names[0] : null;
  }

  #build(groups, layout) {
    this.#layout = layout;
    this.#views.clear();
    this.groups.replaceChildren(...groups.map(
      ({title, entries}) => el("section", {class: "group"}, el("h3", {}, title), entries.map(({key, label, name}) => {
        const view = new TensorView(label, name);
        this.#views.set(key, view);
        return view.node;
      }))));
  }

  #showWarnings(warnings) {
    this.warnings.hidden = warnings.length === 0;
    const texts = warnings.map(({detail, line}) => line ? `${detail} (line ${line})` : detail);
    const isSame = this.warnings.children.length === texts.length &&
      texts.every((text, index) => this.warnings.children[index].textContent === text);
    if (!isSame) this.warnings.replaceChildren(...texts.map(text => el("li", {}, text)));
  }
}

/** What an answer holds, as groups of labelled tensors. */
function groupsOf(answer, of) {
  const groups = [];
  const add = (title, kind, entries) => {
    if (entries.length) groups.push({title, entries: entries.map(entry => ({key: `${kind}/${entry.name}`, ...entry}))});
  };
  const named = (tensors, label, name) =>
    Object.entries(tensors ?? {}).map(([key, tensor]) => ({tensor, label: label(key), name: name(key)}));
  const by = of ?? Object.keys(answer.outputs ?? {}).slice(0, 2).join(" + ");
  const only = of ?? (Object.keys(answer.outputs ?? {}).length === 1 ? by : null);
  add("Outputs", "outputs", named(answer.outputs, key => key, key => key));
  add("Tangents", "tangents", named(answer.tangents, key => `d ${key}`, key => `Tangent of ${key}`));
  add(only ? `Gradient of ${only}` : "Gradients", "gradients",
    named(answer.gradients, key => `∂${only ?? ""}/∂${key}`, key => `Gradient with respect to ${key}`));
  add("Second derivatives", "hessians",
    pairs(answer.hessians, (a, b) => `∂²${only ?? ""}/∂${a}∂${b}`, "Hessian"));
  add("First derivatives", "jacobians", pairs(answer.jacobians, (a, b) => `∂${a}/∂${b}`, "Jacobian"));
  add("Hessian times vectors", "products", named(answer.products, key => `H·v, ${key}`, key => `Product for ${key}`));
  return groups;
}

/** Derivatives by two names are drawn as one matrix: the first's elements down, the second's across. */
function pairs(table, label, word) {
  return Object.entries(table ?? {}).flatMap(([first, row]) => Object.entries(row).map(([second, tensor]) => {
    const shape = tensor.shape.length <= 2 ? tensor.shape : matrixShape(tensor.shape);
    return {tensor, label: label(first, second), name: `${word} of ${first} and ${second}`, shape};
  }));
}

/** Half of the axes down, the other half across. */
function matrixShape(shape) {
  const half = Math.ceil(shape.length / 2);
  return [sizeOf(shape.slice(0, half)), sizeOf(shape.slice(half))];
}

function checkTable(answer) {
  const rows = Object.entries(answer.inputs ?? {});
  const columns = [...new Set(rows.flatMap(([, facts]) => Object.keys(facts)))];
  const shown = value => typeof value === "number" ? format(value) :
    value === null                                 ? "" :
    typeof value === "object"                      ? JSON.stringify(value) :
                                                     String(value);
  const verdict = answer.result ?? (answer.passed ? "passes" : "fails");
  return el("section", {class: "group"}, el("h3", {}, "Gradients against central differences"),
    el("p", {class: `verdict ${verdict}`}, verdict, answer.reason ? `: ${answer.reason}` : ""),
    el("div", {class: "scroller", tabindex: "0", role: "group", "aria-label": "The check of each input"},
      el("table", {class: "facts"},
        el("thead", {},
          el("tr", {}, el("th", {scope: "col"}, "input"),
            columns.map(name => el("th", {scope: "col"}, name.replaceAll("_", " "))))),
        el("tbody", {},
          rows.map(([name, facts]) => el("tr", {}, el("th", {scope: "row"}, name),
                     columns.map(column => el("td", {}, shown(facts[column])))))))));
}
