// The Plot tab: a value over one input with its derivative, or over two with gradients, all points in one request.

import {post} from "./client.js";
import {drawContours} from "./contour.js";
import {drawCurve} from "./curve.js";
import {el, setText} from "./dom.js";
import {format, numberText} from "./numbers.js";
import {elements, fieldWith, plotBody, plottable, plotted, valueAt} from "./plot-points.js";
import {saveDrawing} from "./svg-file.js";

const POINTS = 241, GRID = 41;

export class PlotTab {
  constructor(state, use) {
    this.state = state;
    this.use = use;
    this.choices = {};
    this.ranges = {};
    this.drawing = el("div", {class: "drawing"});
    this.readout = el("output", {class: "readout"});
    this.message = el("p", {class: "refused"});
    this.node = el("div", {class: "view", "data-view": "plot"},
      el("div", {class: "plot-controls"}, this.#axis("x", "Over"), this.#axis("y", "and"),
        el("div", {class: "row"}, this.#choice("of", "Value"),
          el("button", {type: "button", class: "quiet", onclick: () => this.#save()}, "Save SVG"))),
      this.message, this.drawing, this.readout);
    new ResizeObserver(() => {
      if (this.drawn) this.#draw();
    }).observe(this.drawing);
  }

  #choice(key, label) {
    const select = el("select");
    select.addEventListener("change", () => {
      const ranges = {...this.state.plot.ranges};
      this.#set({[key]: select.value, ranges});
    });
    this.choices[key] = select;
    return el("label", {}, label, " ", select);
  }

  #axis(key, label) {
    const ends = ["from", "to"].map((word, end) => {
      const box = el("input", {
        type: "text",
        inputmode: "decimal",
        class: "plot-end",
        "aria-label": `${label === "Over" ? "First" : "Second"} input, ${word}`
      });
      box.addEventListener("change", () => this.#setEnd(key, end, box.value));
      return box;
    });
    this.ranges[key] = ends;
    return el("div", {class: "row"}, this.#choice(key, label),
      el("span", {class: "ends"}, el("span", {class: "hint"}, "from"), ends[0], el("span", {class: "hint"}, "to"),
        ends[1]));
  }

  #set(change) {
    this.state.plot = {...this.state.plot, ...change};
    this.state.changed("option");
  }

  #setEnd(key, end, typed) {
    const place = this.plan[key];
    const range = [...this.#range(place)];
    range[end] = Number(numberText(typed) ?? NaN);
    if (range[0] < range[1]) this.#set({ranges: {...this.state.plot.ranges, [place]: range}});
    else this.#showControls();
  }

  /** A number's range is that of its slider; an element's goes round its value. */
  #range(place) {
    const chosen = this.state.plot.ranges?.[place];
    if (chosen) return chosen;
    const field = this.state.fields[place];
    if (field?.kind === "number") return field.range;
    const value = valueAt(this.state, place);
    const reach = Math.max(1, Math.abs(value));
    return [value - 2 * reach, value + 2 * reach].map(end => Number(end.toPrecision(3)));
  }

  async update(signal, answer) {
    this.answer = answer;
    this.plan = this.#planned(answer);
    if (!this.plan) return;
    this.#showControls();
    const {x, y, of, ofShape} = this.plan;
    const places = y ? [x, y] : [x];
    const points = this.#points(x, y);
    const {data} = await post("/v1/evaluate", plotBody(this.state, places, points, of, ofShape), signal);
    this.drawn = {...this.plan, points, ...plotted(this.state, data, places, of, ofShape)};
    setText(this.message, "");
    this.#draw();
  }

  refuse(facts) {
    this.drawn = null;
    this.drawing.replaceChildren();
    setText(this.readout, "");
    setText(this.message, facts.detail);
  }

  redraw() {
    if (this.drawn) this.#draw();
  }

  /** What is plotted: as chosen where that is still there, else the first that can be. */
  #planned(answer) {
    const inputs = plottable(this.state);
    const outputs = Object.entries(answer?.outputs ?? {}).filter(([, tensor]) => tensor.dtype.startsWith("float"));
    if (!inputs.length || !outputs.length) {
      this.refuse(
        {detail: !inputs.length ? "There is no number to plot over." : "There is no floating-point value to plot."});
      return null;
    }
    if (this.state.options.batch) {
      this.refuse({detail: "A plot makes a batch of its own: leave the option batch empty."});
      return null;
    }
    const places = outputs.flatMap(([name, tensor]) => elements(name, tensor.shape));
    const {x, y, of} = this.state.plot;
    const first = inputs.includes(x) ? x : inputs[0];
    const value =
      places.includes(of) ? of : places.find(place => place === (this.state.options.of ?? "").trim()) ?? places[0];
    const name = value.replace(/\[[\d, ]+\]$/, "");
    const shape = outputs.find(([output]) => output === value || output === name)[1].shape;
    return {x: first, y: inputs.includes(y) && y !== first ? y : "", of: value, ofShape: shape, inputs, places};
  }

  #points(x, y) {
    const along = (place, count) => {
      const [low, high] = this.#range(place);
      return Array.from({length: count}, (_, index) => low + (high - low) * index / (count - 1));
    };
    if (!y) return along(x, POINTS).map(value => [value]);
    return along(y, GRID).flatMap(second => along(x, GRID).map(first => [first, second]));
  }

  #showControls() {
    const {x, y, of, inputs, places} = this.plan;
    fill(this.choices.x, inputs, x);
    fill(this.choices.y, ["", ...inputs.filter(name => name !== x)], y);
    fill(this.choices.of, places, of);
    for (const [key, place] of [["x", x], ["y", y]]) {
      this.ranges[key][0].parentNode.hidden = !place;
      if (place)
        this.#range(place).forEach((value, end) => {
          if (document.activeElement !== this.ranges[key][end]) this.ranges[key][end].value = format(value);
        });
    }
  }

  #draw() {
    const {x, y} = this.drawn;
    const width = this.drawing.clientWidth || 600;
    const here = [x, y].filter(Boolean).map(place => valueAt(this.state, place));
    const options = {
      ...this.drawn,
      width,
      here,
      xRange: this.#range(x),
      yRange: y && this.#range(y),
      tell: text => setText(this.readout, text),
      choose: values => this.#choose(values),
    };
    const isFocused = this.drawing.contains(document.activeElement);
    const nodes = y ? drawContours(options, GRID) : drawCurve(options);
    this.drawing.replaceChildren(...nodes);
    if (isFocused) this.drawing.querySelector("[tabindex]")?.focus();
  }

  /** A click takes the point for the inputs. */
  #choose(values) {
    [this.drawn.x, this.drawn.y].filter(Boolean).forEach((place, index) => {
      const [low, high] = this.#range(place);
      const digits = Math.max(0, 3 - Math.floor(Math.log10(high - low)));
      this.use({field: fieldWith(this.state, place, Number(values[index].toFixed(Math.min(digits, 12))))});
    });
  }

  #save() {
    const drawing = this.drawing.querySelector("svg");
    if (drawing)
      saveDrawing(
        drawing, "plot.svg", [0, 0, Number(drawing.getAttribute("width")), Number(drawing.getAttribute("height"))]);
  }
}

function fill(select, names, chosen) {
  const key = names.join("\n");
  if (select.dataset.names !== key) {
    select.dataset.names = key;
    select.replaceChildren(...names.map(name => el("option", {value: name}, name || "nothing else")));
  }
  select.value = chosen;
}
