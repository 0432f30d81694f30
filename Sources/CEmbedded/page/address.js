// The state in the address behind #, in the form that GET /v1/evaluate has behind ?: graph, members, and inputs by
// name.

import {fieldOf, kindOf, OPTIONS} from "./state.js";

const MEMBERS = new Set(["graph", "inputs", "page", "compute", ...OPTIONS.map(option => option.name)]);
/** What a link may hold of one input that came from a file. */
const MOST_FILE_CHARACTERS = 20000;

export function fragmentOf(state) {
  const parameters = [["graph", state.formula]];
  if (state.compute !== "evaluate") parameters.push(["compute", state.compute]);
  for (const {name} of OPTIONS)
    if (state.options[name]) parameters.push([name, state.options[name]]);
  const reserved = [];
  const about = {};
  for (const {name} of state.inputs) {
    const field = state.fields[name];
    const text = sharedText(field);
    if (text !== null) (MEMBERS.has(name) ? reserved : parameters).push([name, text]);
    const more = whatElse(field, text);
    if (more) about[name] = more;
  }
  if (reserved.length)
    parameters.push(["inputs", `{${reserved.map(([name, text]) => `${JSON.stringify(name)}: ${text}`).join(", ")}}`]);
  const page = {tab: state.tab, chart: state.chart, plot: state.plot, fields: about};
  parameters.push(["page", JSON.stringify(page)]);
  return "#" + parameters.map(([name, text]) => `${escaped(name)}=${escaped(text)}`).join("&");
}

/** What a person reads in an address stays readable. */
function escaped(text) {
  return encodeURIComponent(text)
    .replace(/%(2C|3A|5B|5D|40|2F|7B|7D|28|29|2A)/g, code => decodeURIComponent(code))
    .replaceAll("%20", "+");
}

function sharedText(field) {
  if (field.kind === "default") return null;
  if (field.kind !== "file") return field.text;
  const text = field.tensor ? JSON.stringify(field.tensor) : "";
  return text !== "" && text.length <= MOST_FILE_CHARACTERS ? text : null;
}

function whatElse(field, text) {
  if (field.kind === "number") return {range: field.range};
  if (field.kind === "file") return {kind: "file", name: field.name};
  return field.kind === "default" || kindOf(text) !== field.kind ?
    {kind: field.kind, text: field.kind === "default" ? field.text : undefined} :
    null;
}

/** The content of a state, or null where the address holds none. */
export function contentOf(fragment) {
  const parameters = new URLSearchParams(fragment.replace(/^#/, ""));
  if (!parameters.has("graph")) return null;
  const page = parsed(parameters.get("page")) ?? {};
  const content =
    {formula: parameters.get("graph"), compute: parameters.get("compute") ?? "evaluate", options: {}, fields: {}};
  for (const key of ["tab", "chart", "plot"])
    if (page[key]) content[key] = page[key];
  const texts = [...parameters].filter(([name]) => !MEMBERS.has(name)).map(([name, text]) => [name, valueText(text)]);
  for (const [name, value] of Object.entries(parsed(parameters.get("inputs")) ?? {}))
    texts.push([name, JSON.stringify(value)]);
  for (const [name, text] of texts) content.fields[name] = fieldOf(text);
  for (const [name, more] of Object.entries(page.fields ?? {}))
    content.fields[name] = withMore(content.fields[name], more);
  for (const {name} of OPTIONS)
    if (parameters.has(name)) content.options[name] = parameters.get(name);
  return content;
}

function withMore(field, more) {
  if (more.kind === "file") return {kind: "file", name: more.name, tensor: field ? parsed(field.text) : undefined};
  return {
    ...(field ?? {text: "1"}),
    ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined))
  };
}

/** `1,2,3` stands for a list, as in addresses of requests. */
function valueText(text) {
  return parsed(text) === undefined && parsed(`[${text}]`) !== undefined ? `[${text}]` : text;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch { return undefined; }
}
