// Formulas that are shown, not edited.

import {el} from "./dom.js";
import {tokens} from "./lexer.js";

export function highlighted(source) {
  return tokens(source).map(token => token.kind === "blank" || token.kind === "line" ?
      token.text :
      el("span", {class: token.kind}, token.text));
}
