// What a request was refused with, in words, beside the place that it is about.

import {el} from "./dom.js";

/** `mend(text)` puts a text that the server suggests in the place of the one that it refused. */
export function showProblem(host, facts, mend) {
  if (!facts) return host.replaceChildren();
  const place = facts.line ? `line ${facts.line}, column ${facts.column}` :
    facts.pointer && facts.pointer !== "/graph" ? facts.pointer :
                                                  "";
  const suggestions = suggestionsIn(facts.detail);
  const parts = [
    el("p", {class: "problem-title"}, el("strong", {}, facts.title ?? "Refused"),
      place && el("span", {class: "place"}, place)),
    el("p", {class: "problem-detail"}, facts.detail),
    facts.excerpt && el("pre", {class: "excerpt"}, facts.excerpt),
    suggestions.length > 0 &&
      el("p", {class: "suggestions"},
        suggestions.map(
          text => el("button", {type: "button", class: "suggestion", onclick: () => mend(text)}, `Write ${text}`))),
    facts.retryAfter && el("p", {class: "hint"}, `The server asks to wait ${facts.retryAfter} s.`),
  ];
  host.replaceChildren(...parts.filter(Boolean));
}

/** The names in "did you mean sum or cumsum?". */
export function suggestionsIn(detail) {
  const found = /did you mean ([^?]+)\?/.exec(detail ?? "");
  const names = found ? found[1].split(/,? or |, /) : [];
  return names.every(name => /^[\p{L}_][\p{L}\p{N}_.]*$/u.test(name)) ? names : [];
}
