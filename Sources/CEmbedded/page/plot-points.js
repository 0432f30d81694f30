// One request for all points of a plot: the plotted inputs carry an axis of examples, the others are shared.

import {numberText} from "./numbers.js";
import {bodyOf, fieldText, inputTexts, membersOf, objectText} from "./request.js";
import {flat, indexOf, shapeOf, sizeOf} from "./tensors.js";

const PLOTTED = new Set(["number", "vector", "matrix"]);
/** A choice of more would not be read. */
const MOST_CHOICES = 64;

/** Names of what can be plotted over: numbers, and elements as `w[0]`. */
export function plottable(state) {
  const names = [];
  for (const {name} of state.inputs) {
    const field = state.fields[name];
    if (!PLOTTED.has(field.kind)) continue;
    if (field.kind === "number") names.push(name);
    else names.push(...elements(name, shapeOf(parsed(field.text))));
  }
  return names.slice(0, MOST_CHOICES);
}

/** `y`, or `y[0]`, `y[1]`, … */
export function elements(name, shape) {
  if (!shape || shape.length === 0) return [name];
  return Array.from({length: Math.min(sizeOf(shape), MOST_CHOICES)},
    (_, position) => `${name}[${indexOf(position, shape).join(", ")}]`);
}

const parsed = text => {
  try {
    return JSON.parse(text);
  } catch { return null; }
};

/** The name and the position in row-major order of `w[0, 1]`. */
function parts(place, shape) {
  const found = /^(.*)\[([\d, ]+)\]$/.exec(place);
  if (!found) return [place, 0];
  return [
    found[1],
    found[2].split(",").reduce((position, index, axis) => position * (shape(found[1])[axis] ?? 1) + Number(index), 0)
  ];
}

/** The value that a place has now. */
export function valueAt(state, place) {
  const [name, position] = parts(place, name => shapeOf(parsed(state.fields[name].text)) ?? []);
  return flat(parsed(state.fields[name].text))[position];
}

/** The field with another value at a place. */
export function fieldWith(state, place, value) {
  const [name, position] = parts(place, name => shapeOf(parsed(state.fields[name].text)) ?? []);
  const field = state.fields[name];
  const text = numberText(String(value));
  if (field.kind === "number")
    return [name, {...field, text, range: [Math.min(field.range[0], value), Math.max(field.range[1], value)]}];
  let at = -1;
  return [name, {...field, text: field.text.replace(/[^\s,[\]]+/g, item => ++at === position ? text : item)}];
}

/**
 * The body that asks for `of` and its derivatives by `places` at all `points`, each a list of a number for each place.
 * `ofShape` is the output's; where it is no number, one element is differentiated.
 */
export function plotBody(state, places, points, of, ofShape) {
  const shape = name => shapeOf(parsed(state.fields[name].text)) ?? [];
  const targets = places.map(place => parts(place, shape));
  const names = [...new Set(targets.map(([name]) => name))];
  const tensors = names.map(name => [name, tensorText(state, name, shape(name), targets, points)]);
  const others = inputTexts(state).map(([name, text]) => tensors.find(tensor => tensor[0] === name) ?? [name, text]);
  const [output, position] = parts(of, () => ofShape);
  const size = sizeOf(ofShape);
  const seed = size === 1 && ofShape.length === 0 ? undefined : JSON.stringify({
    [output]: {
      shape: [points.length, ...ofShape],
      data: Array.from({length: points.length * size}, (_, index) => index % size === position ? 1 : 0)
    },
  });
  const list = JSON.stringify;
  return bodyOf(membersOf({...state, compute: "evaluate"}, {
    inputs: objectText(others),
    of: list([output]),
    outputs: list([output]),
    wrt: list(names),
    batch: list(names),
    cotangents: seed,
    encoding: '"flat"',
  }));
}

function tensorText(state, name, shape, targets, points) {
  const base = flat(parsed(fieldText(name, state.fields[name])));
  const data = points.map(point => {
    const values = [...base];
    targets.forEach(([target, position], index) => {
      if (target === name) values[position] = point[index];
    });
    return values.map(value => Number.isFinite(value) ? String(value) : JSON.stringify(String(value))).join(",");
  });
  return `{"shape": ${JSON.stringify([points.length, ...shape])}, "data": [${data.join(",")}]}`;
}

/** Values and derivatives of the answer at each point: `{values, slopes}`, a list of slopes for each place. */
export function plotted(state, answer, places, of, ofShape) {
  const shape = name => shapeOf(parsed(state.fields[name].text)) ?? [];
  const pick = (tensor, position) => {
    const all = flat(tensor.data), size = sizeOf(tensor.shape.slice(1));
    return Array.from({length: tensor.shape[0]}, (_, index) => all[index * size + position]);
  };
  const [output, position] = parts(of, () => ofShape);
  const values = pick(answer.outputs[output], position);
  const slopes = places.map(place => {
    const [name, at] = parts(place, shape);
    return pick(answer.gradients[name], at);
  });
  return {values, slopes};
}
