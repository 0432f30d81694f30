// A vector as a row of cells, a matrix as a table of them, with their gradients.

import {el, setText} from "./dom.js";
import {brief, numberText} from "./numbers.js";

/** Larger ones are shown as text: nobody edits thousands of cells. */
const MOST_CELLS = 400;

export class TableField {
  constructor(name, field, update) {
    this.name = name;
    this.send = update;
    this.table = el("table", {class: "cells"});
    this.gradients = el("table", {class: "cells gradients"});
    this.buttons = el("div", {class: "table-buttons"});
    this.large = el("p", {class: "hint"});
    this.node = el("div", {class: "table-field"}, el("div", {class: "scroller", tabindex: "-1"}, this.table),
      this.buttons, this.large, el("div", {class: "scroller"}, this.gradients));
    this.update(field);
    this.table.addEventListener("input", event => this.#typed(event.target));
    this.table.addEventListener("keydown", event => this.#move(event));
    this.table.addEventListener("paste", event => this.#paste(event));
  }

  update(field) {
    if (field.text === this.field?.text) return true;
    this.field = field;
    this.isVector = field.kind === "vector";
    const data = JSON.parse(field.text);
    this.rows = (this.isVector ? [data] : data).map(row => row.map(String));
    this.#draw();
    return true;
  }

  showGradient(gradient, of) {
    const isShown = gradient !== undefined && gradient.shape.length === (this.isVector ? 1 : 2) && this.isSmall;
    this.gradients.hidden = !isShown;
    if (!isShown) return;
    const rows = this.isVector ? [gradient.data] : gradient.data;
    this.gradients.setAttribute("aria-label", `Gradient ${of ? `of ${of} ` : ""}with respect to ${this.name}`);
    patchTable(this.gradients, rows);
  }

  get isSmall() { return this.rows.length * (this.rows[0]?.length ?? 0) <= MOST_CELLS; }

  #draw() {
    const isSmall = this.isSmall;
    this.table.hidden = !isSmall;
    setText(
      this.large, isSmall ? "" : `${this.rows.length} × ${this.rows[0].length} numbers: choose text to edit them.`);
    this.#drawButtons(isSmall);
    if (!isSmall) return;
    const isSameSize =
      this.table.rows.length === this.rows.length && this.table.rows[0].cells.length === this.rows[0].length;
    if (!isSameSize) {
      this.table.replaceChildren(...this.rows.map((row, i) => el("tr", {}, row.map((_, j) => el("td", {}, el("input", {
        type: "text",
        inputmode: "decimal",
        autocomplete: "off",
        "aria-label": `${this.name} ${this.#place(i, j)}`
      }))))));
    }
    this.rows.forEach((row, i) => row.forEach((text, j) => {
      const box = this.#box(i, j);
      if (box.value !== text) box.value = text;
      box.setAttribute("aria-invalid", "false");
    }));
  }

  #place(i, j) { return this.isVector ? `[${j}]` : `[${i}, ${j}]`; }
  #box(i, j) { return this.table.rows[i]?.cells[j]?.firstChild; }

  #drawButtons(isSmall) {
    const add = (label, title, action) => el("button",
      {type: "button", class: "quiet small", "aria-label": `${title} of ${this.name}`, title, onclick: action}, label);
    const last = this.rows[0].length - 1;
    const columns = [
      add("+ column", "Add a column", () => this.#set(this.rows.map(row => [...row, "0"]))),
      last > 0 && add("− column", "Remove the last column", () => this.#set(this.rows.map(row => row.slice(0, -1)))),
    ];
    const rows = this.isVector ? [] : [
      add("+ row", "Add a row", () => this.#set([...this.rows, this.rows[0].map(() => "0")])),
      this.rows.length > 1 && add("− row", "Remove the last row", () => this.#set(this.rows.slice(0, -1))),
    ];
    if (this.isVector)
      columns.forEach(button => {
        if (button) button.textContent = button.textContent.replace("column", "number");
      });
    const held =
      document.activeElement?.closest?.(".table-buttons") === this.buttons ? document.activeElement.textContent : null;
    this.buttons.replaceChildren(...(isSmall ? [...rows, ...columns] : []).filter(Boolean));
    if (held) [...this.buttons.children].find(button => button.textContent === held)?.focus();
  }

  #set(rows) {
    this.rows = rows;
    this.#draw();
    this.#commit();
  }

  #commit() {
    const lines = this.rows.map(row => `[${row.map(text => numberText(text) ?? JSON.stringify(text)).join(", ")}]`);
    this.field = {kind: this.field.kind, text: this.isVector ? lines[0] : `[${lines.join(", ")}]`};
    this.send(this.field);
  }

  #typed(box) {
    const cell = box.closest("td");
    this.rows[cell.parentNode.rowIndex][cell.cellIndex] = box.value.trim();
    box.setAttribute("aria-invalid", numberText(box.value) === null ? "true" : "false");
    this.#commit();
  }

  /** Up, down and Enter go to another row; left and right leave a cell at its ends. */
  #move(event) {
    const cell = event.target.closest("td");
    const box = event.target;
    const isAtStart = box.selectionEnd === 0, isAtEnd = box.selectionStart === box.value.length;
    const step = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      Enter: [1, 0],
      ArrowLeft: isAtStart && [0, -1],
      ArrowRight: isAtEnd && [0, 1],
    }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = this.#box(cell.parentNode.rowIndex + step[0], cell.cellIndex + step[1]);
    if (!next) return;
    event.preventDefault();
    next.focus();
    next.select();
  }

  /** Cells that were copied from a spreadsheet fill this cell and those to its right and below. */
  #paste(event) {
    const text = event.clipboardData.getData("text").trim();
    if (!/[\t\n,; ]/.test(text)) return;
    const lines = text.split(/\r\n|\n|\r/).map(line => line.trim().split(line.includes("\t") ? /\t/ : /[,;\s]+/));
    if (!lines.flat().every(item => numberText(item) !== null)) return;
    event.preventDefault();
    const cell = event.target.closest("td");
    const pasted = this.isVector ? [lines.flat()] : lines;
    const width = Math.max(this.rows[0].length, ...pasted.map(line => line.length + cell.cellIndex));
    const height = Math.max(this.rows.length, pasted.length + cell.parentNode.rowIndex);
    const rows = Array.from({length: height},
      (_, i) => Array.from({length: width},
        (_, j) => pasted[i - cell.parentNode.rowIndex]?.[j - cell.cellIndex] ?? this.rows[i]?.[j] ?? "0"));
    this.#set(rows);
  }
}

/** Writes numbers into a table, making cells only where its size changes. */
export function patchTable(table, rows, write = brief) {
  const isSameSize =
    table.rows.length === rows.length && rows.every((row, i) => table.rows[i].cells.length === row.length);
  if (!isSameSize) table.replaceChildren(...rows.map(row => el("tr", {}, row.map(() => el("td")))));
  rows.forEach((row, i) => row.forEach((value, j) => {
    const cell = table.rows[i].cells[j];
    setText(cell, write(value));
    cell.classList.toggle("is-negative", value < 0);
  }));
}
