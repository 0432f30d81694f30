// The request that a state stands for, as the text that is sent: numbers go out with the digits that somebody typed.

import {isJSON} from "./names.js";
import {OPTIONS} from "./state.js";

/** Thrown where a field or an option cannot be sent. */
export class Unreadable extends Error {
  constructor(pointer, detail) {
    super(detail);
    this.facts = {title: "Not sent", detail, pointer, code: "unreadable"};
  }
}

/** Members `[name, JSON text]` of the request. `overrides` replace members by name; undefined leaves one out. */
export function membersOf(state, overrides = {}) {
  const inputs = inputTexts(state);
  const members = [["graph", graphText(state.formula)]];
  if (inputs.length) members.push(["inputs", objectText(inputs)]);
  for (const option of OPTIONS) {
    const text = optionText(option, state);
    if (text !== null) members.push([option.name, text]);
  }
  for (const [name, text] of Object.entries(overrides)) {
    const place = members.findIndex(member => member[0] === name);
    if (place >= 0) members.splice(place, 1);
    if (text !== undefined) members.push([name, text]);
  }
  return members;
}

export const pathOf = state => `/v1/${state.compute}`;
export const bodyOf = members => objectText(members);

/** The inputs that are sent, with the JSON text of each. */
export function inputTexts(state) {
  return state.inputs.filter(({name}) => state.fields[name].kind !== "default")
    .map(({name}) => [name, fieldText(name, state.fields[name])]);
}

export function fieldText(name, field) {
  if (field.kind === "file") {
    if (field.tensor) return JSON.stringify(field.tensor);
    throw new Unreadable(
      `/inputs/${name}`, `${name} is read from a file: choose it${field.name ? ` (${field.name})` : ""}.`);
  }
  try {
    JSON.parse(field.text);
  } catch {
    throw new Unreadable(
      `/inputs/${name}`, field.text.trim() === "" ? `${name} has no value.` : `The value of ${name} is not JSON.`);
  }
  return field.text;
}

/** A formula goes as a text, a graph in JSON as it stands. */
function graphText(source) {
  if (!isJSON(source)) return JSON.stringify(source);
  try {
    JSON.parse(source);
  } catch (error) { throw new Unreadable("/graph", `The graph is not JSON: ${error.message}`); }
  return source;
}

function optionText({name, kind, only}, state) {
  const text = (state.options[name] ?? "").trim();
  if (only && !only.includes(state.compute)) return null;
  if (text === "") return only ? "{}" : null;
  if (kind === "choice") return JSON.stringify(text);
  if (kind === "names") return `[${namesIn(text).map(name => JSON.stringify(name)).join(", ")}]`;
  try {
    JSON.parse(text);
  } catch { throw new Unreadable(`/${name}`, `${name} is not JSON.`); }
  return text;
}

/** Names with commas between them; `none` stands for the empty list. */
export function namesIn(text) {
  return text.trim() === "none" ? [] : text.split(",").map(name => name.trim()).filter(name => name !== "");
}

export function objectText(members) {
  return `{${members.map(([name, text]) => `${JSON.stringify(name)}: ${text}`).join(", ")}}`;
}
