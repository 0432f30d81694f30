// Numbers as text, and round numbers for axes and sliders.

/** Numbers of an answer: NaN and the infinities come as texts. */
export function asNumber(value) {
  return typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : Number(value ?? NaN);
}

/** At most `digits` significant digits; large and small numbers with an exponent. */
export function format(value, digits = 6) {
  if (typeof value !== "number") return String(value);
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return Object.is(value, -0) ? "-0" : String(value);
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e7) return value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e");
  const text = value.toPrecision(digits);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** For a cell of a table: nine characters at most, where three digits need no more. */
export function brief(value) {
  const text = format(value, 3);
  return text.length <= 8 || typeof value !== "number" ? text : value.toExponential(1).replace("e+", "e");
}

/** The JSON text of a number as somebody typed it, or null if it is none. */
export function numberText(typed) {
  const text = typed.trim();
  if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text)) return text;
  const word = {nan: "NaN", inf: "Infinity", infinity: "Infinity"}[text.replace(/^[-+]/, "").toLowerCase()];
  if (word) return JSON.stringify(text.startsWith("-") && word !== "NaN" ? "-" + word : word);
  const value = Number(text);
  return text !== "" && Number.isFinite(value) && !/^[-+]?0[xob]/i.test(text) ? String(value) : null;
}

/** The smallest of 1, 2, 5, 10, 20, … that is not below a positive size. */
export function roundUp(size) {
  const power = 10 ** Math.floor(Math.log10(size));
  const factor = [1, 2, 5, 10].find(step => step * power >= size * (1 - 1e-12));
  return Number((factor * power).toPrecision(12));
}

/** About `count` round numbers from `low` to `high`. */
export function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const step = roundUp((high - low) / count);
  const values = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) {
    values.push(Number((index * step).toPrecision(12)));
  }
  return values;
}

/** A slider's range for a number: zero stays at an end, so that a positive number stays positive. */
export function rangeAround(value) {
  if (!Number.isFinite(value) || value === 0) return [-1, 1];
  const end = roundUp(Math.abs(value) * 1.5);
  return value > 0 ? [0, end] : [-end, 0];
}

/** The least and the greatest of the finite numbers; [0, 1] if there are none. */
export function extent(...lists) {
  let low = Infinity, high = -Infinity;
  for (const list of lists) {
    for (const value of list) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return [0, 1];
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}

/** An extent with some room, out to round numbers, so that it stands still while numbers change a little. */
export function roundedExtent(...lists) {
  const [low, high] = extent(...lists);
  const step = roundUp((high - low) / 10);
  const round = value => Number(value.toPrecision(12));
  return [
    round(Math.floor((low - 0.02 * (high - low)) / step) * step),
    round(Math.ceil((high + 0.02 * (high - low)) / step) * step)
  ];
}
