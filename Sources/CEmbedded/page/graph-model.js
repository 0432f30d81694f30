// A report of /v1/inspect as boxes and arrows: inputs and operations with their values, and which of them gradients
// flow through.

import {shapeText} from "./tensors.js";

const shapeWord = type => type?.shape.length ? shapeText(type.shape) : "";
const typeWord = type => `${shapeWord(type) || "scalar"}${dtypeWord(type)}`;
const dtypeWord = type => type === undefined || type.dtype === "float64" ? "" : ` ${type.dtype}`;

/** Boxes `{id, kind, lines, back, isOutput, isBackward}` and arrows `{from, to, isBackward}` between their ids. */
export function modelOf(report) {
  const {graph, values, nameless} = report;
  const boxes = [];
  const makers = new Map();
  const add = (box, names) => {
    boxes.push({isOutput: false, ...box, id: boxes.length, names});
    for (const name of names) makers.set(name, boxes.length - 1);
  };
  for (const name of Object.keys(report.inputs)) {
    const back = [`∂${name}`, shapeWord(values[name]) || "scalar"];
    add({kind: "input", lines: [name, typeWord(values[name])], back}, [name]);
  }
  for (const name of Object.keys(graph.constants ?? {})) {
    add({kind: "constant", lines: [name, typeWord(values[name])], back: []}, [name]);
  }
  graph.nodes.forEach(node => add(operationBox(node, values, nameless), node.outputs));
  const arrows = arrowsOf(graph.nodes, makers);
  const outputs = new Set(graph.outputs ?? []);
  const taken = new Set(graph.nodes.flatMap(node => node.inputs.filter(input => typeof input === "string")));
  for (const box of boxes)
    box.isOutput = box.names.some(
      name => outputs.size ? outputs.has(name) : box.kind === "operation" && !taken.has(name) && !nameless.has(name));
  markBackward(boxes, arrows, makers, report);
  return {boxes, arrows};
}

function operationBox(node, values, nameless) {
  const literals =
    node.inputs.filter(input => typeof input !== "string" || ["NaN", "Infinity", "-Infinity"].includes(input))
      .map(literalWord);
  const attributes = Object.entries(node.attributes ?? {}).map(([name,
    value]) => name === "function" ? value : `${name}=${literalWord(value)}`);
  const results = node.outputs.map(
    name =>
      (nameless.has(name) ? typeWord(values[name]) : `${name} ${shapeWord(values[name])}${dtypeWord(values[name])}`)
        .trim());
  const backName = name => nameless.has(name) ? `∂(${node.op})` : `∂${name}`;
  const back = node.outputs.map(name => `${backName(name)} ${shapeWord(values[name])}`.trim());
  return {kind: "operation", lines: [[node.op, ...literals, ...attributes].join(" "), ...results], back};
}

function literalWord(value) {
  const text = Array.isArray(value) || (value !== null && typeof value === "object") ?
    JSON.stringify(value.data ?? value) :
    String(value);
  return text.length > 18 ? `${text.slice(0, 16)}…` : text;
}

function arrowsOf(nodes, makers) {
  const arrows = [];
  for (const node of nodes) {
    const to = makers.get(node.outputs[0]);
    const sources = new Set(node.inputs.filter(input => typeof input === "string")
                              .map(input => makers.get(input))
                              .filter(from => from !== undefined));
    for (const from of sources) arrows.push({from, to, isBackward: false});
  }
  return arrows;
}

/** Gradients flow through what depends on an input of `wrt` and leads to a value of `of`, where it is floating. */
function markBackward(boxes, arrows, makers, report) {
  const isFloating = box => box.names.some(name => report.values[name]?.dtype.startsWith("float"));
  const reach = (starts, from, to) => {
    const found = new Set(starts);
    const waiting = [...found];
    const next = new Map();
    for (const arrow of arrows) next.set(arrow[from], [...(next.get(arrow[from]) ?? []), arrow[to]]);
    while (waiting.length)
      for (const id of next.get(waiting.pop()) ?? [])
        if (!found.has(id) && isFloating(boxes[id])) {
          found.add(id);
          waiting.push(id);
        }
    return found;
  };
  const known = names => names.map(name => makers.get(name)).filter(id => id !== undefined);
  const forward = reach(known(report.wrt), "from", "to");
  const backward = reach(known(report.of), "to", "from");
  for (const box of boxes) box.isBackward = forward.has(box.id) && backward.has(box.id);
  for (const arrow of arrows) arrow.isBackward = boxes[arrow.from].isBackward && boxes[arrow.to].isBackward;
}
