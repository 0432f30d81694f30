// The request as a command or a short program, with what each language has for HTTP. They run as they are pasted.

import {token} from "./client.js";
import {isJSON} from "./names.js";
import {membersOf, pathOf} from "./request.js";

/** Names of the snippets, with the words above them. */
export const SNIPPETS = {
  json: {title: state => `POST ${pathOf(state)}`, write: json},
  curl: {title: () => "In a shell", write: curl},
  python: {title: () => "Python 3, standard library", write: python},
  r: {title: () => "R, with httr2 and jsonlite", write: r},
  javascript: {title: () => "JavaScript: Node, Deno, or this page's console", write: javascript},
};

const addressOf = state => location.origin + pathOf(state);

/** Members on lines of their own, inputs too. */
function json(state) {
  return `{\n${
    membersOf(state)
      .map(([name, text]) => `  ${JSON.stringify(name)}: ${name === "inputs" ? inputLines(text) : text}`)
      .join(",\n")}\n}`;
}

function inputLines(text) {
  const entries = entriesOf(text);
  return entries.length ?
    `{\n${entries.map(([name, value]) => `    ${JSON.stringify(name)}: ${value}`).join(",\n")}\n  }` :
    "{}";
}

/** Members of an object's text with their texts as they stand, numbers digit for digit. */
function entriesOf(text) {
  const entries = [];
  let depth = 0, name = null, start = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]/g)) {
    const mark = match[0];
    if (mark === "{" || mark === "[") {
      if (++depth === 1) start = match.index + 1;
    } else if (mark === ":" && depth === 1 && name === null) {
      name = JSON.parse(text.slice(start, match.index));
      start = match.index + 1;
    } else if (depth === 1 && (mark === "," || mark === "}")) {
      if (name !== null) entries.push([name, text.slice(start, match.index).trim()]);
      name = null;
      start = match.index + 1;
    }
    if (mark === "}" || mark === "]") depth--;
  }
  return entries;
}

function curl(state) {
  const quoted = json(state).replaceAll("'", "'\\''");
  const bearer = token.get() ? ` \\\n  -H "Authorization: Bearer $AUTOGRAD_TOKEN"` : "";
  return `curl -s ${addressOf(state)}${bearer} -d '${quoted}'`;
}

function python(state) {
  const bearer = token.get() ? `\nheaders["Authorization"] = "Bearer " + os.environ["AUTOGRAD_TOKEN"]` : "";
  const members = membersOf(state).map(([name, text]) => {
    const value = name === "graph" && !isJSON(state.formula) ? "graph" :
      name === "inputs"                                      ? pythonInputs(text) :
                                                               pythonValue(text);
    return `    ${JSON.stringify(name)}: ${value},`;
  });
  return `import json${bearer && "\nimport os"}
import urllib.error
import urllib.request

${isJSON(state.formula) ? "" : `graph = ${pythonText(state.formula)}\n\n`}request = {
${members.join("\n")}
}
headers = {"Content-Type": "application/json"}${bearer}
body = json.dumps(request).encode()
call = urllib.request.Request("${addressOf(state)}", body, headers)
try:
    with urllib.request.urlopen(call) as reply:
        answer = json.load(reply)
except urllib.error.HTTPError as error:
    raise SystemExit(json.load(error)["detail"])

print(json.dumps(answer))
`;
}

function pythonInputs(text) {
  return `{\n${
    entriesOf(text)
      .map(([name, value]) => `        ${JSON.stringify(name)}: ${pythonValue(value)},`)
      .join("\n")}\n    }`;
}

const pythonValue = text => text.replace(/"(?:[^"\\]|\\.)*"|\btrue\b|\bfalse\b|\bnull\b/g,
  word => ({true: "True", false: "False", null: "None"})[word] ?? word);

function pythonText(text) {
  return /"""|\\/.test(text) || text.endsWith('"') ? JSON.stringify(text) :
    text.includes("\n")                            ? `"""\\\n${text}"""` :
                                                     JSON.stringify(text);
}

function javascript(state) {
  const bearer = token.get() ? `,\n    Authorization: \`Bearer \${process.env.AUTOGRAD_TOKEN}\`` : "";
  const isText = !isJSON(state.formula);
  const graph = state.formula.includes("\n") ? `\`${state.formula.replace(/[\\`]|\$\{/g, mark => `\\${mark}`)}\`` :
                                               JSON.stringify(state.formula);
  const members = membersOf(state).map(([name, text]) => `  ${name}: ${
                                         name === "graph" && isText ? graph :
                                           name === "inputs"        ? inputLines(text) :
                                                                      text},`);
  return `const request = {
${members.join("\n")}
};
const reply = await fetch("${addressOf(state)}", {
  method: "POST",
  headers: {"Content-Type": "application/json"${bearer}},
  body: JSON.stringify(request)
});
const answer = await reply.json();
if (!reply.ok) throw new Error(answer.detail);
console.log(JSON.stringify(answer));
`;
}

function r(state) {
  const members = membersOf(state).map(([name, text]) => {
    const value = name === "graph" && !isJSON(state.formula) ? rText(state.formula) :
      name === "inputs"                                      ? rInputs(text) :
                                                               rValue(JSON.parse(text));
    return `  ${rName(name)} = ${value}`;
  });
  const bearer = token.get() ? `  req_auth_bearer_token(Sys.getenv("AUTOGRAD_TOKEN")) |>\n` : "";
  return `library(httr2)
library(jsonlite)

body <- list(
${members.join(",\n")}
)
answer <- request("${addressOf(state)}") |>
${bearer}  req_body_raw(toJSON(body, auto_unbox = TRUE, digits = NA), type = "application/json") |>
  req_error(body = \\(reply) resp_body_json(reply, check_type = FALSE)$detail) |>
  req_perform() |>
  resp_body_json(simplifyVector = TRUE)

str(answer)
`;
}

const rName = name => /^[A-Za-z][A-Za-z0-9._]*$/.test(name) &&
    !/^(if|else|for|while|repeat|function|in|next|break|TRUE|FALSE|NULL|Inf|NaN|NA)$/.test(name) ?
  name :
  `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``;
/** A line end as it is; a backslash that was written stays before its letter. */
const rText = text => JSON.stringify(text).replace(/\\(.)/g, (escape, letter) => letter === "n" ? "\n" : escape);
const rInputs = text => `list(\n${
  entriesOf(text).map(([name, value]) => `    ${rName(name)} = ${rValue(JSON.parse(value))}`).join(",\n")}\n  )`;

/** Vectors are c(…), matrices rbind(…). One element alone is a list of one, which JSON writes in brackets. */
function rValue(value) {
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return rText(value);
  if (!Array.isArray(value)) {
    const entries = Object.entries(value);
    return entries.length ? `list(${entries.map(([name, item]) => `${rName(name)} = ${rValue(item)}`).join(", ")})` :
                            "setNames(list(), character())";
  }
  const isOf = kind => value.every(item => typeof item === kind);
  if (value.length > 0 && (isOf("number") || isOf("string") || isOf("boolean"))) {
    return value.length === 1 ? `I(${rValue(value[0])})` : `c(${value.map(rValue).join(", ")})`;
  }
  const isMatrix = value.length > 0 &&
    value.every(row => Array.isArray(row) && row.length === value[0].length && row.length > 0 &&
        row.every(item => typeof item === "number"));
  return isMatrix ? `rbind(${value.map(row => `c(${row.map(rValue).join(", ")})`).join(", ")})` :
                    `list(${value.map(rValue).join(", ")})`;
}
