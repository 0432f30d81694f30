// Formulas as tokens, for highlighting and for finding names. What a formula means is the server's to say.

const TOKEN = new RegExp(
  [
    "(?<blank>[ \\t\\u00a0]+)",
    "(?<line>\\r\\n|\\n|\\r)",
    "(?<comment>#[^\\r\\n]*)",
    `(?<text>"(?:[^"\\\\\\r\\n]|\\\\.)*"?|'(?:[^'\\\\\\r\\n]|\\\\.)*'?)`,
    "(?<name>`(?:[^`\\r\\n]|``)*`?|[\\p{XID_Start}_]\\p{XID_Continue}*)",
    "(?<number>(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][-+]?\\d+)?)",
    "(?<operator>\\*\\*|==|!=|<=|>=|\\.\\.\\.|\\.T\\b|[-+*/@%^~<>&|=.:])",
    "(?<bracket>[()[\\]{}])",
    "(?<comma>[,;])",
    "(?<other>[^])",
  ].join("|"),
  "gu");

const KEYWORDS = new Set(["def", "return"]);
const DECLARATIONS = new Set(["input", "const"]);
export const DTYPES = new Set(["float64", "float32", "int64", "int32", "bool"]);
export const LITERALS = new Set(["true", "false", "null", "None", "NaN", "Infinity"]);

/** Tokens `{kind, text, start, end}`; names that are words get the kinds keyword, dtype, literal and call. */
export function tokens(source) {
  const list = [];
  for (const match of source.matchAll(TOKEN)) {
    const kind = Object.keys(match.groups).find(name => match.groups[name] !== undefined);
    list.push({kind, text: match[0], start: match.index, end: match.index + match[0].length});
  }
  const solid = list.filter(token => token.kind !== "blank" && token.kind !== "comment");
  solid.forEach((token, index) => {
    if (token.kind === "name") token.kind = kindOfName(token, solid[index + 1]);
  });
  return list;
}

function kindOfName(token, next) {
  if (KEYWORDS.has(token.text)) return "keyword";
  if (DECLARATIONS.has(token.text)) return next?.kind === "name" ? "keyword" : "name";
  if (DTYPES.has(token.text)) return "dtype";
  if (LITERALS.has(token.text)) return "literal";
  return next?.text === "(" ? "call" : "name";
}

/** The name itself, without backticks. */
export const bare = text => text.startsWith("`") ? text.slice(1, -1).replaceAll("``", "`") : text;
