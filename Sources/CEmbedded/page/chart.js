// Vectors of the answer and of the inputs against one of them: data as points, models as lines.

import {frame, path} from "./axes.js";
import {el, svg} from "./dom.js";
import {extent, roundedExtent} from "./numbers.js";
import {namesIn} from "./request.js";
import {flat} from "./tensors.js";

export class Chart {
  constructor(state) {
    this.state = state;
    this.drawing = el("div", {class: "drawing"});
    this.legend = el("p", {class: "legend"});
    this.boxes = Object.fromEntries(
      [["x", "Across"], ["points", "Points"], ["lines", "Lines"]].map(([key, label]) => [key, this.#box(key, label)]));
    this.node = el("figure", {class: "answer-chart"}, this.drawing, this.legend,
      el("details", {class: "chart-settings"}, el("summary", {}, "Chart"),
        el("div", {class: "row"}, Object.values(this.boxes).map(box => box.label))));
    new ResizeObserver(([{contentRect}]) => {
      // A chart that is drawn anew for each answer does not ask for its width each time, which would lay the page out.
      const isOther = contentRect.width > 0 && contentRect.width !== this.width;
      if (isOther) this.width = contentRect.width;
      if (isOther && this.answer) this.show(this.answer);
    }).observe(this.drawing);
  }

  #box(key, text) {
    const input = el("input", {
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      list: "value-names",
      placeholder: key === "x" ? "a vector" : "vectors, with commas"
    });
    input.addEventListener("change", () => {
      this.state.chart = {...this.state.chart, [key]: input.value.trim()};
      this.state.changed("view");
      if (this.answer) this.show(this.answer);
    });
    return {input, label: el("label", {}, text, " ", input)};
  }

  show(answer) {
    this.answer = answer;
    const {x = "", points = "", lines = ""} = this.state.chart;
    for (const [key, {input}] of Object.entries(this.boxes))
      if (document.activeElement !== input) input.value = this.state.chart[key] ?? "";
    const across = this.#values(x);
    const series = [["points", points], ["lines", lines]].flatMap(
      ([kind, names]) => namesIn(names).map(name => ({kind, name, values: this.#values(name)})));
    const drawn = across ? series.filter(({values}) => values?.length === across.length) : [];
    this.node.hidden = this.#candidates() === 0;
    this.drawing.hidden = this.legend.hidden = drawn.length === 0;
    if (!drawn.length) return;
    this.#draw(x, across, drawn);
  }

  /** The vectors that could be drawn: with fewer than two there is nothing to choose. */
  #candidates() {
    const vectors = Object.values(this.answer.outputs ?? {}).filter(tensor => tensor.shape.length === 1).length;
    return vectors + this.state.inputs.filter(({name}) => this.state.fields[name].kind === "vector").length >= 2;
  }

  #values(name) {
    const output = this.answer.outputs?.[name];
    if (output) return output.shape.length === 1 || output.shape[1] === 1 ? flat(output.data) : null;
    const field = this.state.inputs.some(input => input.name === name) ? this.state.fields[name] : null;
    if (field?.kind !== "vector" && field?.kind !== "matrix") return null;
    try {
      return flat(JSON.parse(field.text));
    } catch { return null; }
  }

  #draw(x, across, series) {
    this.width ||= this.drawing.clientWidth;
    const width = this.width || 560;
    const height = Math.round(Math.min(Math.max(width * 0.46, 190), 300));
    const names = series.map(({name}) => name);
    const chart = frame({
      width,
      height,
      x: padded(extent(across)),
      y: roundedExtent(...series.map(({values}) => values)),
      xLabel: x,
      label: `${names.join(" and ")} against ${x}`,
    });
    series.forEach(({kind, values}, index) => {
      const style = `series-${index % 4}`;
      if (kind === "lines")
        chart.marks.append(
          svg("path", {class: `curve ${style}`, d: path(...sorted(across, values), chart.x, chart.y)}));
      else
        chart.marks.append(...across.map(
          (value, i) => svg("circle", {class: `point ${style}`, cx: chart.x(value), cy: chart.y(values[i]), r: 3.5})));
    });
    this.drawing.replaceChildren(chart.node);
    const isSame = this.legend.dataset.names === names.join();
    if (isSame) return;
    this.legend.dataset.names = names.join();
    this.legend.replaceChildren(
      ...series.map(({kind, name}, index) => el("span", {class: `key ${kind} series-${index % 4}`}, name)));
  }
}

const padded = ([low, high]) => [low - 0.03 * (high - low), high + 0.03 * (high - low)];

/** A line goes from left to right whatever the order of its points. */
function sorted(xs, ys) {
  const order = xs.map((_, index) => index).sort((a, b) => xs[a] - xs[b]);
  return [order.map(index => xs[index]), order.map(index => ys[index])];
}
