// The Derivative tab: the gradients as a formula, and what the request costs.

import {copyButton, el} from "./dom.js";
import {highlighted} from "./highlight.js";
import {inspect} from "./inspect.js";
import {format} from "./numbers.js";

export class DerivativeTab {
  constructor(state, use) {
    this.state = state;
    this.use = use;
    this.node = el("div", {class: "view", "data-view": "derivative"});
  }

  async update(signal) {
    const report = await inspect(this.state, signal);
    if (report === this.report) return;
    this.report = report;
    this.node.replaceChildren(report.gradient_text === null ?
        el("p", {class: "hint"}, "Nothing is differentiated: no input is floating, or the options name none.") :
        this.#gradient(report),
      block("The graph, in its canonical form", report.text), this.#cost(report));
  }

  refuse(facts) {
    this.report = null;
    this.node.replaceChildren(el("p", {class: "refused"}, facts.detail));
  }

  #gradient({gradient_text: text, of, wrt}) {
    const open = el("button", {type: "button", class: "quiet", onclick: () => this.#open(text)}, "Open as formula");
    return block(`Gradient of ${of.join(" + ")} with respect to ${wrt.join(", ")}`, text, open);
  }

  /** The gradients become the formula: they can be plotted, and differentiated again. */
  #open(text) { this.use({content: {formula: text, fields: this.state.fields, tab: "answer"}}); }

  #cost({cost, plan, admitted, limit}) {
    const facts = [
      ["operations with gradients", cost.nodes],
      ["floating-point operations", cost.flops],
      ["memory", bytes(cost.peak_bytes)],
      ["answer at most", bytes(cost.answer_bytes)],
      ["instructions", plan.instructions],
    ];
    return el("section", {class: "block"}, el("header", {}, el("h2", {}, "Cost")),
      el("dl", {class: "figures"}, facts.map(([name,
        value]) => el("div", {}, el("dt", {}, name), el("dd", {}, typeof value === "number" ? format(value) : value)))),
      !admitted && el("p", {class: "refused"}, limit.detail));
  }
}

function block(title, text, ...actions) {
  return el("section", {class: "block"},
    el("header", {}, el("h2", {}, title), ...actions, copyButton("Copy", () => text)),
    el("pre", {class: "code-block", tabindex: "0", role: "group", "aria-label": title}, highlighted(text)));
}

function bytes(count) {
  const unit = ["B", "KB", "MB", "GB"].findIndex((_, index) => count < 1000 ** (index + 1));
  const index = unit < 0 ? 3 : unit;
  return `${format(count / 1000 ** index, 3)} ${["B", "KB", "MB", "GB"][index]}`;
}
