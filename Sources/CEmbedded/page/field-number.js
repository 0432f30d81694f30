// A number with a slider, and its gradient.

import {el, setText} from "./dom.js";
import {format, numberText, rangeAround} from "./numbers.js";

/** Positions of a slider. */
const STEPS = 1000;

export class NumberField {
  constructor(name, field, update) {
    this.name = name;
    this.field = field;
    this.send = update;
    this.box = el("input", {
      type: "text",
      inputmode: "decimal",
      class: "number",
      value: shownText(field.text),
      "aria-label": name,
      autocomplete: "off"
    });
    this.slider = el("input", {type: "range", min: 0, max: STEPS, step: 1, "aria-label": `${name}, slider`});
    this.ends = [0, 1].map(end => el("input", {
      type: "text",
      inputmode: "decimal",
      class: "range-end",
      "aria-label": `${end ? "Greatest" : "Least"} value of ${name}'s slider`,
      autocomplete: "off",
    }));
    this.gradient = el("output", {class: "gradient"});
    this.node = el("div", {class: "number-field"}, this.box, this.ends[0], this.slider, this.ends[1], this.gradient);
    this.box.addEventListener("input", () => this.#typed());
    this.box.addEventListener("keydown", event => this.#step(event));
    this.slider.addEventListener("input", () => this.#dragged());
    this.ends.forEach((box, end) => box.addEventListener("change", () => this.#setEnd(end, box.value)));
    this.#place();
  }

  update(field) {
    this.field = field;
    if (document.activeElement !== this.box || numberText(this.box.value) !== field.text)
      this.box.value = shownText(field.text);
    this.#place();
    return true;
  }

  showGradient(gradient, of) {
    const value = gradient?.data;
    const isNumber = gradient !== undefined && gradient.shape.length === 0;
    setText(this.gradient, isNumber ? format(value, 5) : "");
    this.gradient.setAttribute("aria-label", `Gradient ${of ? `of ${of} ` : ""}with respect to ${this.name}`);
    this.gradient.classList.toggle("is-negative", value < 0);
  }

  #typed() {
    const text = numberText(this.box.value);
    this.box.setAttribute("aria-invalid", text === null ? "true" : "false");
    if (text === null) return this.#set({...this.field, text: this.box.value});
    const value = Number(JSON.parse(text));
    const [low, high] = this.field.range;
    const isInside = !Number.isFinite(value) || (low <= value && value <= high);
    this.#set({...this.field, text, range: isInside ? this.field.range : widened(this.field.range, value)});
    this.#place();
  }

  /** Arrow keys step as the slider does. */
  #step(event) {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const [low, high] = this.field.range;
    const value =
      Number(this.field.text) + (event.key === "ArrowUp" ? 1 : -1) * (high - low) / 100 * (event.shiftKey ? 10 : 1);
    if (!Number.isFinite(value)) return;
    this.box.value = rounded(value, high - low);
    this.#typed();
  }

  #dragged() {
    const [low, high] = this.field.range;
    const text = rounded(low + (high - low) * this.slider.value / STEPS, high - low);
    this.box.value = text;
    this.box.setAttribute("aria-invalid", "false");
    this.slider.setAttribute("aria-valuetext", text);
    this.#set({...this.field, text});
  }

  #setEnd(end, typed) {
    const value = Number(numberText(typed) ?? NaN);
    const range = [...this.field.range];
    range[end] = value;
    if (range[0] < range[1]) this.#set({...this.field, range});
    this.#place();
  }

  #set(field) {
    this.field = field;
    this.send(field);
  }

  #place() {
    const [low, high] = this.field.range;
    const value = Number(this.field.text);
    this.ends.forEach((box, end) => {
      if (document.activeElement !== box) box.value = format([low, high][end]);
    });
    if (!Number.isFinite(value)) return;
    this.slider.value = Math.round((value - low) / (high - low) * STEPS);
    this.slider.setAttribute("aria-valuetext", format(value));
  }
}

/** NaN and the infinities are quoted in JSON only. */
const shownText = text => text.replace(/^"(.*)"$/, "$1");

/** With as many digits as a step of the slider needs. */
function rounded(value, span) {
  const digits = Math.max(0, 3 - Math.floor(Math.log10(span)));
  return String(Number(value.toFixed(Math.min(digits, 12))));
}

function widened([low, high], value) {
  const [from, to] = rangeAround(value);
  return [Math.min(low, from), Math.max(high, to)];
}
