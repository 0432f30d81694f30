// The tabs JSON, curl, Python, R and JavaScript: the request as it would be written there.

import {copyButton, el, setText} from "./dom.js";
import {SNIPPETS} from "./snippets.js";

/** More than anybody reads; copying takes all of it. */
const MOST_SHOWN = 20000;

export class CodeTab {
  constructor(state) {
    this.state = state;
    this.title = el("h2");
    this.code = el("pre", {class: "code-block", tabindex: "0", role: "group"});
    this.answer = el("pre", {class: "code-block wraps", tabindex: "0", role: "group", "aria-label": "The answer"});
    this.answerBlock = el("section", {class: "block"},
      el("header", {}, el("h2", {}, "The answer"), copyButton("Copy", () => JSON.stringify(this.data))), this.answer);
    this.node = el("div", {class: "view", "data-view": "code"},
      el("section", {class: "block"}, el("header", {}, this.title, copyButton("Copy", () => this.text)), this.code),
      this.answerBlock);
  }

  update(_signal, answer) {
    const {title, write} = SNIPPETS[this.state.tab];
    this.text = write(this.state);
    this.data = answer;
    setText(this.title, title(this.state));
    this.code.setAttribute("aria-label", title(this.state));
    setText(this.code, cut(this.text));
    this.answerBlock.hidden = this.state.tab !== "json" || !answer;
    if (!this.answerBlock.hidden) setText(this.answer, cut(pretty(answer)));
  }

  refuse(facts) {
    setText(this.code, facts.detail);
    this.answerBlock.hidden = true;
  }
}

const cut = text => text.length > MOST_SHOWN ?
  `${text.slice(0, MOST_SHOWN)}\n… ${text.length - MOST_SHOWN} more characters; Copy takes all.` :
  text;

/** A line for each tensor. */
function pretty(answer) {
  const members = Object.entries(answer).map(([name, value]) => {
    if (value === null || typeof value !== "object" || Array.isArray(value))
      return `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`;
    const lines = Object.entries(value).map(([key, item]) => `    ${JSON.stringify(key)}: ${JSON.stringify(item)}`);
    return `  ${JSON.stringify(name)}: {\n${lines.join(",\n")}\n  }`;
  });
  return `{\n${members.join(",\n")}\n}`;
}
