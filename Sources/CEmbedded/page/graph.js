// The Graph tab: values and operations forward, and beside them the way of the gradients back.

import {el, svg} from "./dom.js";
import {layout} from "./graph-layout.js";
import {modelOf} from "./graph-model.js";
import {inspectAll} from "./inspect.js";
import {PanZoom} from "./panzoom.js";
import {saveDrawing} from "./svg-file.js";

/** Of the monospaced font at 12 pixels. */
const CHARACTER = 7.25, LINE = 16, PADDING = 8, TITLE = 30, BETWEEN = 70;
/** A drawing of more boxes shows nothing that a person could follow. */
const MOST_BOXES = 700;

export class GraphTab {
  constructor(state) {
    this.state = state;
    this.drawing = svg("svg", {class: "graph", tabindex: "0", role: "group"});
    this.size = el("span", {class: "hint"});
    const tool = (label, title, action) =>
      el("button", {type: "button", class: "quiet", title, "aria-label": title, onclick: action}, label);
    this.tools = el("div", {class: "graph-tools"}, tool("+", "Zoom in", () => this.panZoom?.zoom(1.25)),
      tool("−", "Zoom out", () => this.panZoom?.zoom(0.8)),
      tool("Fit", "Show all of the graph", () => this.panZoom?.fit()),
      tool("Save SVG", "Save the drawing as SVG", () => saveDrawing(this.drawing, "graph.svg", this.box)), this.size);
    this.message = el("p", {class: "refused", hidden: true});
    this.node = el("div", {class: "view", "data-view": "graph"}, this.tools, this.message, this.drawing);
  }

  async update(signal) {
    const report = await inspectAll(this.state, signal);
    const key = JSON.stringify([report.graph, report.values, report.of, report.wrt]);
    if (key === this.key) return;
    this.key = key;
    const model = modelOf(report);
    if (model.boxes.length > MOST_BOXES) {
      return this.refuse({detail: `The graph has ${model.boxes.length} inputs and operations: too many to draw.`}, key);
    }
    this.#show(true);
    this.#draw(model, report);
  }

  refuse(facts, key = null) {
    this.key = key;
    this.#show(false);
    this.message.textContent = facts.detail;
  }

  #show(isDrawn) {
    this.drawing.toggleAttribute("hidden", !isDrawn);
    this.tools.hidden = !isDrawn;
    this.message.hidden = isDrawn;
  }

  #draw({boxes, arrows}, report) {
    for (const box of boxes) {
      const widest = Math.max(...box.lines.concat(box.back).map(line => [...line].length));
      Object.assign(box, {
        width: widest * CHARACTER + 2 * PADDING,
        height: Math.max(box.lines.length, box.back.length) * LINE + PADDING
      });
    }
    const {centres, paths, width, height} = layout(boxes, arrows);
    const isDifferentiated = boxes.some(box => box.isBackward);
    const offset = Math.max(width, 80) + BETWEEN;
    const forward = svg("g", {transform: `translate(0 ${TITLE})`}, arrows.map((_, index) => edge(paths[index])),
      boxes.map(box => this.#box(box, centres.get(box.id), false)));
    const backward = svg("g", {class: "backward", transform: `translate(${offset} ${TITLE})`},
      arrows.map((arrow, index) => arrow.isBackward && edge([...paths[index]].reverse())),
      boxes.filter(box => box.isBackward).map(box => this.#box(box, centres.get(box.id), true)));
    const titles = svg("g", {class: "side-title"}, title("Forward", width / 2),
      isDifferentiated && title(`Backward, from ${report.of.join(" + ")}`, offset + width / 2));
    const all = isDifferentiated ? offset + width : width;
    const operations = boxes.filter(box => box.kind === "operation").length;
    this.drawing.replaceChildren(titles, forward, isDifferentiated ? backward : "");
    this.drawing.setAttribute("aria-label",
      `Graph of ${operations} operations. ${boxes.map(box => box.lines.join(", ")).join("; ")}`.slice(0, 600));
    this.size.textContent = `${operations} operations, ${boxes.length - operations} inputs and constants`;
    this.box = [-12, -4, all + 24, height + TITLE + 20];
    this.panZoom ??= new PanZoom(this.drawing, {width: all, height: height + TITLE});
    Object.assign(this.panZoom, {width: all, height: height + TITLE + 8});
    this.panZoom.fit();
  }

  redraw() {}

  #box(box, {x, y}, isBack) {
    const lines = isBack ? box.back : box.lines;
    const kind = `${box.kind} ${box.isOutput ? "output" : ""}`;
    const top = y - (lines.length - 1) * LINE / 2;
    return svg("g", {class: kind}, svg("rect", {
      x: x - box.width / 2,
      y: y - box.height / 2,
      width: box.width,
      height: box.height,
      rx: box.kind === "operation" ? 4 : box.height / 2
    }),
      lines.map(
        (line, index) => svg("text", {x, y: top + index * LINE + 4, class: lineClass(box, index, isBack)}, line)));
  }
}

function lineClass(box, index, isBack) {
  if (isBack) return index === 1 && box.kind === "input" ? "type-line" : null;
  if (box.kind === "operation") return index === 0 ? "operation-line" : null;
  return index === 1 ? "type-line" : null;
}

const title = (text, x) => svg("text", {x, y: 12}, text);

/** A curve through the points, with a head at its end. */
function edge(points) {
  const end = points.at(-1), before = points.at(-2);
  const down = Math.sign(end.y - before.y) || 1;
  let d = `M${points[0].x} ${points[0].y}`;
  points.slice(1).forEach((point, index) => {
    const from = points[index], middle = (from.y + point.y) / 2;
    d += `C${from.x} ${middle} ${point.x} ${middle} ${point.x} ${point.y}`;
  });
  return [svg("path", {class: "edge", d}), svg("path", {class: "head", d: `M${end.x} ${end.y}l-4 ${-7 * down}h8z`})];
}
