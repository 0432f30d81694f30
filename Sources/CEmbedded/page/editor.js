// The editor of the formula: a textarea, over a painted copy of its text.

import {el, setText} from "./dom.js";
import {tokens} from "./lexer.js";
import {isJSON} from "./names.js";

const MOST_ROWS = 28;

export class Editor {
  #area = el("textarea", {
    id: "formula",
    class: "formula",
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
    autocorrect: "off",
    wrap: "off",
    "aria-label": "Formula",
    "aria-describedby": "problem",
    rows: 5,
  });
  #paint = el("pre", {class: "paint", "aria-hidden": "true"});
  #gutter = el("pre", {class: "gutter", "aria-hidden": "true"});
  /** Where a problem is: from and to, in UTF-16 units. */
  #fault = null;
  /** Where the cursor was when the editor lost the focus: closing a dialog gives the focus back, but not the cursor. */
  #left = [0, 0];

  /** `onChange` follows every change that a person makes, `onRun` Ctrl-Enter. */
  constructor(host, {onChange, onRun}) {
    host.append(el("div", {class: "gutter-box"}, this.#gutter), el("div", {class: "code"}, this.#paint, this.#area));
    this.#area.addEventListener("input", () => {
      this.#fault = null;
      this.#draw();
      onChange(this.#area.value);
    });
    this.#area.addEventListener("blur", () => {
      this.#left = [this.#area.selectionStart, this.#area.selectionEnd];
    });
    this.#area.addEventListener("scroll", () => this.#follow());
    this.#area.addEventListener("keydown", event => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      onRun();
    });
  }

  get text() { return this.#area.value; }

  set text(value) {
    if (value === this.#area.value) return;
    this.#area.value = value;
    this.#fault = null;
    this.#draw();
  }

  focus() { this.#area.focus(); }

  /** Underlines the token at a line and column, both from 1; null takes the line away. */
  markFault(place) {
    this.#fault = place && this.#rangeAt(place.line, place.column);
    this.#area.setAttribute("aria-invalid", place ? "true" : "false");
    this.#draw();
  }

  /** Puts a text in the place of the underlined token, as typing would: it can be taken back. */
  mend(text) {
    if (!this.#fault) return;
    this.#area.focus();
    this.#area.setSelectionRange(...this.#fault);
    this.#type(text);
  }

  /** Types a text at the cursor and selects its part from `from` to `to`. */
  insert(text, from = text.length, to = from) {
    const [start, end] = this.#left;
    this.#area.focus();
    this.#area.setSelectionRange(start, end);
    this.#type(text);
    this.#area.setSelectionRange(start + from, start + to);
  }

  /** The command keeps the history of changes, which assigning would lose. */
  #type(text) {
    if (document.execCommand("insertText", false, text)) return;
    this.#area.setRangeText(text, this.#area.selectionStart, this.#area.selectionEnd, "end");
    this.#area.dispatchEvent(new Event("input"));
  }

  /** Columns count code points; the text counts UTF-16 units. */
  #rangeAt(line, column) {
    const text = this.text;
    const lines = text.split(/\r\n|\r|\n/);
    let start = 0;
    for (let index = 0; index < line - 1 && index < lines.length; index++) {
      start += lines[index].length;
      start += text.startsWith("\r\n", start) ? 2 : 1;
    }
    start += [...(lines[line - 1] ?? "")].slice(0, column - 1).join("").length;
    const token = isJSON(text) ? null : tokens(text).find(token => token.start <= start && start < token.end);
    const end = token && token.kind !== "line" ? token.end : Math.min(start + 1, text.length);
    // At the end of a line there is nothing to underline: its last character stands in.
    return end > start ? [start, end] : [Math.max(0, start - 1), start];
  }

  #draw() {
    const text = this.text;
    this.#paint.replaceChildren(...this.#painted(text), "\n");
    const count = text.split("\n").length;
    setText(this.#gutter, Array.from({length: count}, (_, index) => index + 1).join("\n"));
    this.#area.rows = Math.min(Math.max(count, 4), MOST_ROWS);
  }

  #painted(text) {
    const list = isJSON(text) ? [{kind: "json", text, start: 0, end: text.length}] : tokens(text);
    return list.flatMap(token => this.#pieces(token).map(([piece, isFaulty]) => {
      if ((token.kind === "blank" || token.kind === "line") && !isFaulty) return piece;
      return el("span", {class: isFaulty ? `${token.kind} fault` : token.kind}, piece);
    }));
  }

  /** A token in pieces: before, in and behind the underlined range. */
  #pieces({text, start, end}) {
    const [from, to] = this.#fault ?? [0, 0];
    if (to <= start || from >= end) return [[text, false]];
    const cuts = [0, Math.max(from - start, 0), Math.min(to - start, text.length), text.length];
    return [0, 1, 2].map(index => [text.slice(cuts[index], cuts[index + 1]), index === 1]).filter(([
      piece
    ]) => piece !== "");
  }

  #follow() {
    this.#paint.style.transform = `translate(${-this.#area.scrollLeft}px, ${-this.#area.scrollTop}px)`;
    this.#gutter.style.transform = `translateY(${-this.#area.scrollTop}px)`;
  }
}
