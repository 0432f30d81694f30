// Requests to begin with. The first is what the page opens with.

import {fieldOf} from "./state.js";

const GRID = [[1, 2, 3], [4, 5, 6]];

/** Fields of values; `ranges` are those of the sliders. */
function fields(values, ranges = {}) {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => {
    const field = fieldOf(spaced(value));
    return [name, ranges[name] ? {...field, range: ranges[name]} : field];
  }));
}

const spaced = value => Array.isArray(value) ? `[${value.map(spaced).join(", ")}]` : JSON.stringify(value);

const lines = (...text) => text.join("\n");

const LEARNING_STEPS = 24;

/** Statements, several on a line. */
const inRows = (statements, count) =>
  statements.flatMap((_, index) => index % count ? [] : [statements.slice(index, index + count).join("; ")]);

/** Operands of a call that is open, several on a line; the last closes it. */
const operandRows = (operands, count) => inRows(operands, count).map(
  (row, index, all) => `  ${row.replaceAll("; ", ", ")}${index + 1 < all.length ? "," : ")"}`);

const upTo = (count, write) => Array.from({length: count}, (_, index) => write(index));

const learning = lines(
  "# A network that learns exclusive or: 24 steps of gradient",
  "# descent. The derivative by the rate goes through all of them.",
  "def predict(p, x) {",
  "  w = reshape(p[:6], shape=[2, 3])",
  "  sigmoid(tanh(x @ w + p[6:9]) @ p[9:12] + p[12])",
  "}",
  "def loss(p, x, y) {",
  "  q = predict(p, x)",
  "  mean(-y * log(q) - (1 - y) * log(1 - q))",
  "}",
  "def learn(p, x, y, rate) {",
  "  e = loss(p, x, y)",
  "  p - rate * grad(e, p)",
  "}",
  ...inRows(upTo(LEARNING_STEPS, step => `p${step + 1} = learn(${step ? `p${step}` : "start"}, x, y, rate)`), 2),
  `prediction = predict(p${LEARNING_STEPS}, x)`,
  "losses = stack(loss(start, x, y),",
  ...operandRows(upTo(LEARNING_STEPS / 2, index => `loss(p${2 * index + 2}, x, y)`), 3),
  "last = losses[-1]",
  `step = [${upTo(LEARNING_STEPS / 2 + 1, index => 2 * index).join(", ")}]`);

const TIMES = 25;

const population = lines(
  "# Prey and predators: 24 steps of the classical Runge-Kutta method.",
  "def slope(s, growth, appetite) {",
  "  stack(s[0] * (growth - appetite * s[1]), s[1] * (appetite * s[0] - 1))",
  "}",
  "def step(s, growth, appetite, h) {",
  "  k1 = slope(s, growth, appetite)",
  "  k2 = slope(s + h / 2 * k1, growth, appetite)",
  "  k3 = slope(s + h / 2 * k2, growth, appetite)",
  "  k4 = slope(s + h * k3, growth, appetite)",
  "  s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)",
  "}",
  "s1 = step(start, growth, appetite, h)",
  ...upTo(TIMES - 2, step => `s${step + 2} = step(s${step + 1}, growth, appetite, h)`),
  "path = stack(start,",
  ...operandRows(upTo(TIMES - 1, step => `s${step + 1}`), 12),
  "prey = path[:, 0]",
  "predators = path[:, 1]",
  `time = h * [${upTo(TIMES, step => step).join(", ")}]`,
  "final = prey[-1]");

export const EXAMPLES = [
  {
    id: "line", group: "Start", title: "A line through points",
    content: {
      formula: lines(
        "# A line through points, by least squares.", "line = slope * x + intercept", "loss = mean((line - y) ** 2)"),
      fields: fields({
        slope: 0.8, x: [0, 1, 2, 3, 4, 5, 6, 7], intercept: 0.5, y: [1.1, 1.4, 2.3, 2.4, 3.2, 3.3, 4.1, 4.2],
      }, {slope: [-1, 2], intercept: [-2, 4]}),
      options: {of: "loss", outputs: "loss, line"},
      chart: {x: "x", points: "y", lines: "line"},
      plot: {x: "slope", y: "intercept"},
    },
  },
  {
    id: "add", group: "Tensors", title: "Add: the shape stays",
    content: {formula: "y = x + c", fields: fields({x: GRID, c: [[10, 20, 30], [40, 50, 60]]})},
  },
  {
    id: "reshape", group: "Tensors", title: "Reshape: the gradient returns in x's shape",
    content: {
      formula: "y = reshape(x, shape=[6])", fields: fields({x: GRID}),
      options: {cotangents: '{"y": [1, 2, 3, 4, 5, 6]}'},
    },
  },
  {
    id: "transpose", group: "Tensors", title: "Transpose: the cotangent is transposed back",
    content: {formula: "y = x.T", fields: fields({x: GRID}), options: {cotangents: '{"y": [[1, 2], [3, 4], [5, 6]]}'}},
  },
  {
    id: "sum", group: "Tensors", title: "Sum: the gradient is broadcast",
    content: {formula: "y = sum(x, axis=0)", fields: fields({x: GRID}), options: {cotangents: '{"y": [1, 10, 100]}'}},
  },
  {
    id: "matmul", group: "Tensors", title: "Matrix product",
    content: {
      formula: "y = x @ w", fields: fields({x: GRID, w: [[1, 0, 2, 0], [0, 1, 0, 2], [1, 1, 1, 1]]}),
      options: {cotangents: '{"y": [[1, 0, 0, 2], [0, 3, 1, 0]]}'},
    },
  },
  {
    id: "split", group: "Tensors", title: "Separate: two outputs, one is used",
    content: {
      formula: lines("first, second = split(x)", "y = first * [10, 20, 30]"), fields: fields({x: GRID}),
      options: {of: "y", outputs: "second, y"},
    },
  },
  {
    id: "xor", group: "Models", title: "A network that learns exclusive or",
    content: {
      formula: learning,
      fields: fields({
        start: [1.4, 1.3, -1.3, -1.2, 1, 0.7, 0.5, -0.6, 0.3, 0.3, 0.2, -1, -0.2],
        x: [[0, 0], [0, 1], [1, 0], [1, 1]], y: [0, 1, 1, 0], rate: 4,
      }, {rate: [0, 6]}),
      options: {of: "last", wrt: "rate, start", outputs: "last, prediction, losses, step"},
      chart: {x: "step", points: "", lines: "losses"},
      plot: {x: "rate"},
    },
  },
  {
    id: "rosenbrock", group: "Models", title: "Rosenbrock's valley, with its Hessian",
    content: {
      formula: lines("# Its minimum is 0, at (1, 1).", "f = (1 - x) ** 2 + 100 * (y - x ** 2) ** 2"),
      compute: "hessian", fields: fields({x: -1.2, y: 1}, {x: [-2, 2], y: [-1, 3]}),
      plot: {x: "x", y: "y"},
    },
  },
  {
    id: "option-price", group: "Models", title: "Black-Scholes: a price and its Greeks",
    content: {
      formula: lines(
        "# A European call. Its gradients are delta, rho, vega, theta.",
        "deviation = volatility * sqrt(years)",
        "d1 = (log(spot / strike) + rate * years) / deviation + deviation / 2",
        "d2 = d1 - deviation",
        "price = spot * ndtr(d1) - strike * exp(-rate * years) * ndtr(d2)",
        "delta = grad(price, spot)",
        "gamma = grad(delta, spot)",
        "vanna = grad(delta, volatility)"),
      fields: fields({spot: 49, strike: 50, rate: 0.05, volatility: 0.2, years: 0.3846},
        {spot: [20, 100], strike: [20, 100], rate: [0, 0.2], volatility: [0.02, 0.8], years: [0.02, 2]}),
      options: {of: "price", outputs: "price, gamma, vanna"},
      plot: {x: "spot"},
    },
  },
  {
    id: "physics", group: "Models", title: "A physics-informed network",
    content: {
      formula: lines(
        "# A network u(t) with u'' + u = 0, u(0) = 1, u'(0) = 0: cos t.",
        "u = tanh(t[:, None] * w + b) @ v",
        "velocity = grad(u, t)",
        "acceleration = grad(velocity, t)",
        "residual = acceleration + u",
        "loss = mean(residual ** 2) + (u[0] - 1) ** 2 + velocity[0] ** 2",
        "solution = cos(t)"),
      fields: fields({
        t: upTo(17, index => index / 4), w: [0.52, 0.52, -0.51, -0.55], b: [-1.06, 0.69, 2.29, 0.54],
        v: [-1.74, 2.42, -2.46, 1.22],
      }),
      options: {of: "loss", wrt: "w, b, v", outputs: "loss, u, solution"},
      chart: {x: "t", points: "solution", lines: "u"},
      plot: {x: "v[0]"},
    },
  },
  {
    id: "equation", group: "Models", title: "A differential equation, step by step",
    content: {
      formula: population,
      fields: fields({start: [1, 0.5], growth: 1.1, appetite: 0.9, h: 0.4},
        {growth: [0.2, 2], appetite: [0.2, 2], h: [0.05, 0.5]}),
      options: {of: "final", wrt: "start, growth, appetite", outputs: "final, time, prey, predators"},
      chart: {x: "time", points: "", lines: "prey, predators"},
      plot: {x: "growth"},
    },
  },
];

/** Pairs of a group and its examples. */
export function byGroup() {
  const groups = new Map();
  for (const example of EXAMPLES) groups.set(example.group, [...(groups.get(example.group) ?? []), example]);
  return [...groups];
}
