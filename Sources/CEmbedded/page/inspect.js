// What /v1/inspect says of the graph. It is asked again only where the graph, the types or the options changed, not for
// other numbers.

import {post} from "./client.js";
import {bodyOf, inputTexts, membersOf} from "./request.js";
import {shapeOf} from "./tensors.js";

const cache = new Map();
const MOST_KEPT = 8;
const MEMBERS = new Set(["graph", "inputs", "dtype", "of", "wrt", "outputs", "batch"]);

/** The report on a state's graph: `text`, `graph`, `gradient_text`, `values`, `cost` and more. */
export function inspect(state, signal) { return report(bodyOf(membersForTypes(state)), signal); }

/** The same with a name and a type for every value: values without a name are called `·1`, `·2`, … */
export async function inspectAll(state, signal) {
  const first = await inspect(state, signal);
  const {graph, names} = named(first.graph, new Set(Object.keys(first.values)));
  const members = membersForTypes(state).map(([name, text]) => [name, name === "graph" ? JSON.stringify(graph) : text]);
  const second = await report(bodyOf(members), signal);
  return {...second, graph, nameless: names, gradient_text: first.gradient_text};
}

async function report(body, signal) {
  const known = cache.get(body);
  if (known) return known;
  const {data} = await post("/v1/inspect", body, signal);
  cache.set(body, data);
  if (cache.size > MOST_KEPT) cache.delete(cache.keys().next().value);
  return data;
}

/** Members of the request, with types in the place of numbers, so that a slider changes nothing. */
function membersForTypes(state) {
  const types = Object.fromEntries(inputTexts(state).map(([name, text]) => [name, typeOf(text)]));
  return membersOf(state, {inputs: JSON.stringify(types)}).filter(([name]) => MEMBERS.has(name));
}

function typeOf(text) {
  const value = JSON.parse(text);
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    const shape = value.shape ?? (Array.isArray(value.data) ? shapeOf(value.data) : []);
    return {dtype: value.dtype, shape};
  }
  const isBool = [value].flat(Infinity).some(item => typeof item === "boolean");
  return {dtype: isBool ? "bool" : undefined, shape: Array.isArray(value) ? shapeOf(value) ?? [] : []};
}

function named(graph, taken) {
  const names = new Map();
  const other = name => {
    if (typeof name !== "string" || !/^_\d+$/.test(name)) return name;
    if (!names.has(name)) names.set(name, fresh(name, taken));
    return names.get(name);
  };
  const nodes = graph.nodes.map(node => ({...node, inputs: node.inputs.map(other), outputs: node.outputs.map(other)}));
  return {graph: {...graph, nodes, outputs: graph.outputs?.map(other)}, names: new Set(names.values())};
}

function fresh(name, taken) {
  let found = `·${name.slice(1)}`;
  while (taken.has(found)) found = `·${found}`;
  return found;
}
