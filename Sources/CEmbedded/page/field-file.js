// A tensor from a file: .csv, .npy or .safetensors.

import {el, setText} from "./dom.js";
import {showSmallGradient} from "./field-text.js";
import {shapeText} from "./tensors.js";

export class FileField {
  constructor(name, field, update) {
    this.name = name;
    this.send = update;
    this.choice =
      el("input", {type: "file", accept: ".csv,.tsv,.txt,.npy,.safetensors", "aria-label": `File for ${name}`});
    this.tensors = el("select", {"aria-label": `Tensor for ${name}`, hidden: true});
    this.facts = el("p", {class: "hint", role: "status"});
    this.gradients = el("table", {class: "cells gradients", hidden: true});
    this.node = el("div", {class: "file-field"}, this.choice, this.tensors, this.facts,
      el("div", {class: "scroller"}, this.gradients));
    this.choice.addEventListener("change", () => this.#read(this.choice.files[0]));
    this.tensors.addEventListener("change", () => this.#take(this.tensors.value));
    this.update(field);
  }

  update(field) {
    this.field = field;
    setText(this.facts,
      field.tensor ? `${field.name}: ${field.tensor.dtype} ${shapeText(field.tensor.shape)}` :
        field.name ? `${field.name} was chosen; links do not hold large files, so choose it again.` :
                     ".csv, .npy or .safetensors");
    return true;
  }

  showGradient(gradient, of) { showSmallGradient(this.gradients, this.name, gradient, of); }

  async #read(file) {
    if (!file) return;
    const {readTensors} = await import("./files.js");
    try {
      this.found = readTensors(file.name, await file.arrayBuffer());
    } catch (error) {
      setText(this.facts, `${file.name}: ${error.message}`);
      return;
    }
    this.fileName = file.name;
    const names = Object.keys(this.found);
    this.tensors.hidden = names.length < 2;
    this.tensors.replaceChildren(
      ...names.map(name => el("option", {value: name}, `${name} ${shapeText(this.found[name].shape)}`)));
    this.#take(names.includes(this.name) ? this.name : names[0]);
  }

  #take(name) {
    this.tensors.value = name;
    this.update({kind: "file", name: this.fileName, tensor: this.found[name]});
    this.send(this.field);
  }
}
