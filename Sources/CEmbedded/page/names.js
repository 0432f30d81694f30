// Finds the inputs that a graph asks for, so that there is a field for each before anything is sent. The server has the
// last word.

import {bare, tokens} from "./lexer.js";

export const isJSON = source => /^\s*\{/.test(source);

/** Inputs `{name, default}` in the order of fields; `default` is the text of a literal, if the graph declares one. */
export function inputsOf(source) { return isJSON(source) ? inputsOfJSON(source) : new FormulaNames(source).inputs(); }

/** All names that a graph uses or defines, for fields that take a name. */
export function valuesOf(source) {
  if (isJSON(source)) {
    const graph = parsed(source);
    return [...new Set([
      ...inputsOfJSON(source).map(input => input.name), ...(graph?.nodes ?? []).flatMap(node => node?.outputs ?? [])
    ])];
  }
  const names = new FormulaNames(source);
  const inputs = names.inputs().map(input => input.name);
  return [...new Set([...inputs, ...names.defined])];
}

function parsed(source) {
  try {
    return JSON.parse(source);
  } catch { return null; }
}

function inputsOfJSON(source) {
  const graph = parsed(source);
  if (!graph || !Array.isArray(graph.nodes)) return [];
  if (Array.isArray(graph.inputs)) return graph.inputs.map(input => ({name: String(input?.name)}));
  const defined = new Set([...graph.nodes.flatMap(node => node?.outputs ?? []), ...Object.keys(graph.constants ?? {})]);
  const numbers = new Set(["NaN", "Infinity", "-Infinity"]);
  const used =
    graph.nodes.flatMap(node => node?.inputs ?? []).filter(name => typeof name === "string" && !numbers.has(name));
  return [...new Set(used)].filter(name => !defined.has(name)).map(name => ({name}));
}

/** Walks the statements of a formula once. */
class FormulaNames {
  defined = new Set();
  #used = new Set();
  #declared = [];

  constructor(source) {
    this.source = source;
    this.list = tokens(source).filter(token => token.kind !== "blank" && token.kind !== "comment");
    for (const statement of this.#statements()) this.#read(statement);
  }

  inputs() {
    if (this.#declared.length) return this.#declared;
    return [...this.#used].map(name => ({name}));
  }

  /**
   * Cuts at line ends and `;` where no bracket is open and the line does not go on. Bodies of functions have names of
   * their own.
   */
  * #statements() {
    let statement = [], depth = 0, braces = 0;
    for (const token of this.list) {
      if (token.kind === "bracket") {
        if (token.text === "{") braces++;
        else if (token.text === "}") {
          braces--;
          statement = [];
          continue;
        } else depth += "([".includes(token.text) ? 1 : -1;
      }
      if (braces > 0) continue;
      const last = statement.at(-1);
      const ends = token.text === ";" || token.kind === "line";
      if (!ends) statement.push(token);
      else if (depth <= 0 && !(token.kind === "line" && last?.kind === "operator" && last.text !== ".T")) {
        if (statement.length) yield statement;
        statement = [];
        depth = 0;
      }
    }
    if (statement.length) yield statement;
  }

  #read(statement) {
    const [first, second] = statement;
    if (first.text === "def") return;
    if (first.kind === "keyword" && first.text === "input") return this.#declare(statement);
    if (first.kind === "keyword" && first.text === "const") return void this.defined.add(bare(second.text));
    const equals = statement.findIndex(token => token.text === "=");
    const targets = equals > 0 ? statement.slice(0, equals) : [];
    const isAssignment = targets.length > 0 && targets.every(token => token.kind === "name" || token.text === ",");
    this.#use(isAssignment ? statement.slice(equals + 1) : statement);
    if (!isAssignment) return;
    for (const token of targets)
      if (token.kind === "name" && token.text !== "_") this.defined.add(bare(token.text));
  }

  #declare(statement) {
    const name = bare(statement[1].text);
    const equals = statement.findIndex(token => token.text === "=");
    const value = equals < 0 ? undefined : this.source.slice(statement[equals].end, statement.at(-1).end).trim();
    this.#declared.push({name, default: value});
  }

  /** Names in an expression: not those of attributes, nor functions as their values. */
  #use(list) {
    list.forEach((token, index) => {
      if (token.kind !== "name" || token.text === "_") return;
      if (list[index + 1]?.text === "=" || list[index - 1]?.text === "=") return;
      if (list[index - 1]?.text === "." || this.defined.has(bare(token.text))) return;
      this.#used.add(bare(token.text));
    });
  }
}
