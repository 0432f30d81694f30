// The search of operations: what each is called, takes and does, its derivative, and the call to insert.

import {call, Problem} from "./client.js";
import {el, setText} from "./dom.js";

let list = null;

/** Opens the dialog; Enter puts a call of the chosen operation where the editor's cursor is. */
export async function openOperations(dialog, editor) {
  if (!dialog.firstChild) build(dialog, editor);
  if (!dialog.open) dialog.showModal();
  const search = dialog.querySelector("input");
  search.select();
  search.focus();
  if (list) return;
  try {
    list = (await call("/v1/operations")).data.operations;
    search.dispatchEvent(new Event("input"));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    setText(dialog.querySelector(".detail"), error.facts.detail);
  }
}

function build(dialog, editor) {
  const search = el("input", {
    type: "text",
    class: "search",
    placeholder: "Search: a name, or what it does",
    autocomplete: "off",
    role: "combobox",
    "aria-label": "Search the operations",
    "aria-expanded": "true",
    "aria-controls": "operation-list",
    "aria-autocomplete": "list",
  });
  const results =
    el("div", {id: "operation-list", class: "list", role: "listbox", "aria-label": "Operations", tabindex: "-1"});
  const detail = el("div", {class: "detail", tabindex: "0", role: "region", "aria-label": "The operation"});
  dialog.append(el("div", {class: "dialog-head"}, el("h2", {id: "operations-title"}, "Operations"),
                  el("button", {type: "button", class: "quiet", onclick: () => dialog.close()}, "Close")),
    el("div", {class: "dialog-body"}, search, el("div", {class: "split"}, results, detail)));

  let shown = [], chosen = 0;
  const insert = operation => {
    dialog.close();
    editor.insert(...callOf(operation));
  };
  const choose = index => {
    chosen = Math.min(Math.max(index, 0), shown.length - 1);
    [...results.children].forEach((option, at) => option.setAttribute("aria-selected", at === chosen));
    const option = results.children[chosen];
    search.setAttribute("aria-activedescendant", option?.id ?? "");
    option?.scrollIntoView({block: "nearest"});
    detail.replaceChildren(
      ...(shown[chosen] ? describe(shown[chosen], insert) :
                          [el("p", {class: "hint"}, list ? "No operation has these words." : "")]));
  };
  search.addEventListener("input", () => {
    shown = found(search.value);
    results.replaceChildren(...shown.map((operation, index) => el("div", {
      role: "option",
      id: `operation-${index}`,
      onclick: () => choose(index),
      ondblclick: () => insert(operation),
    },
                                           el("b", {}, operation.name), el("span", {}, operation.summary))));
    choose(0);
  });
  search.addEventListener("keydown", event => {
    const step = {ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8}[event.key];
    if (step) {
      event.preventDefault();
      choose(chosen + step);
    } else if (event.key === "Enter" && shown[chosen]) {
      event.preventDefault();
      insert(shown[chosen]);
    }
  });
}

/** Names that begin with the words first, then names that hold them, then texts that do. */
function found(typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const rank = ({name, summary, family, formula}) => {
    const text = `${name} ${summary} ${family} ${formula}`.toLowerCase();
    if (!words.every(word => text.includes(word))) return -1;
    return name === words[0]                   ? 0 :
      name.startsWith(words[0] ?? "")          ? 1 :
      words.every(word => name.includes(word)) ? 2 :
                                                 3;
  };
  return (list ?? [])
    .map(operation => [rank(operation), operation])
    .filter(([place]) => place >= 0)
    .sort((a, b) => words.length ? a[0] - b[0] : 0)
    .map(([, operation]) => operation);
}

/** The call as a text, and which part of it is selected: its first operand. */
function callOf({name, inputs, attributes}) {
  const operands = inputs.filter(input => input !== "…");
  const required = attributes.filter(attribute => attribute.required).map(attribute => `${attribute.name}=`);
  const text = `${name}(${[...operands, ...required].join(", ")})`;
  const from = name.length + 1;
  return [text, from, from + (operands[0]?.length ?? 0)];
}

function describe(operation, insert) {
  const [text] = callOf(operation);
  const facts = [
    ["Formula", operation.formula, "formula-text"],
    ["Derivative", operation.derivative, "formula-text"],
    ["Shape", operation.shape],
    ["Dtypes", operation.dtypes],
    ...operation.attributes.map(
      attribute => [`${attribute.name}${attribute.required ? "" : ` = ${JSON.stringify(attribute.default)}`}`,
        `${attribute.kind}: ${attribute.summary}`]),
    ["At edges", operation.conventions.join("; ")],
  ];
  return [
    el("h3", {}, text),
    el("p", {}, operation.summary),
    el("p", {class: "row"}, el("button", {type: "button", onclick: () => insert(operation)}, "Insert"),
      el("span", {class: "hint"}, operation.family)),
    el("dl", {}, facts.filter(([, fact]) => fact).map(([term, fact,
      style]) => el("div", {}, el("dt", {}, term), el("dd", {class: style}, fact)))),
  ];
}
