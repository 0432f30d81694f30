/**
 * Uses the JavaScript client: client_test.mjs ADDRESS GUARDED TOKEN PROXY
 *
 * ADDRESS is a server, GUARDED one that asks for TOKEN, PROXY what ../proxy.py printed. Values are compared with closed
 * forms, numbers with their bits.
 */

import {Client, Problem, Tensor, flatten} from "../../../clients/javascript/autograd.mjs";

const [address, guarded, token, proxy] = process.argv.slice(2);
const warned = [];
const client = new Client(address, {onWarning: warning => warned.push(warning)});
const run = process.pid;
let passed = 0, failed = 0;

function check(what, holds, got) {
  holds ? passed++ : failed++;
  if (!holds) console.log(`FAILED javascript: ${what}:`, got);
}

/** Numbers, nested arrays or Tensors, as near as that. */
function equal(what, got, expected, tolerance = 0) {
  const plain = value => value instanceof Tensor ? value.toArray() : value;
  const near = (a, b) => {
    if (!Array.isArray(b)) return a === b || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b));
    return Array.isArray(a) && a.length === b.length && b.every((each, i) => near(a[i], each));
  };
  check(what, near(plain(got), plain(expected)), [plain(got), expected]);
}

/** NaNs need only be NaNs. */
function sameBits(what, got, data, shape = [data.length]) {
  const bits = array => new Uint8Array(array.map(value => value !== value ? 0 : value).buffer).join();
  const nans = array => Array.from(array, value => value !== value).join();
  const isSame = got.data.constructor === data.constructor && got.shape.join() === shape.join()
    && bits(got.data) === bits(data) && nans(got.data) === nans(data);
  check(what, isSame, [got, data]);
}

async function refused(what, call, expected, kind = Problem) {
  try {
    check(what, false, await call());
  } catch (error) {
    const isRight = error instanceof kind && Object.entries(expected).every(([name, value]) => error[name] === value);
    check(what, isRight, error);
  }
}

const counts = async key => (await fetch(`${proxy}/counts/${key}`)).json();

/** Uniform random bytes, the same each time. */
function randomBytes(count) {
  let state = 12345;
  return Uint8Array.from({length: count}, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24);
}

async function derivatives() {
  const a = [[1, 2], [3, 4], [5, -6]], x = [0.3, -0.2];
  const e = a.map(([p, q]) => Math.exp(p * x[0] + q * x[1]));
  const sum = values => values.reduce((total, value) => total + value, 0);
  const {outputs, gradients} = await client.valueAndGrad("y = sum(exp(a @ x))", {a, x});
  equal("value", outputs.y.item(), sum(e), 1e-14);
  equal("gradient of a vector", gradients.x, [0, 1].map(j => sum(a.map((row, i) => row[j] * e[i]))), 1e-13);
  equal("gradient of a matrix", gradients.a, e.map(value => x.map(each => value * each)), 1e-13);
  equal("evaluate", (await client.evaluate("y = a @ x", {a, x})).y, a.map(([p, q]) => p * x[0] + q * x[1]), 1e-15);
  const onlyX = await client.gradients("y = a @ x", {a, x}, {wrt: "x", cotangents: {y: [1, 0, 2]}});
  check("wrt takes one name", Object.keys(onlyX).join() === "x", onlyX);
  equal("cotangents", onlyX.x, [11, -10], 1e-15);
  equal("Jacobian", (await client.jacobian("y = a @ x", {a, x})).y.x, a);
  const stacked = await client.jacobian("y = s * (a @ x)", {a, x, s: 10}, {wrt: ["x", "s"], stacked: true});
  equal("stacked Jacobian", stacked, a.map(([p, q]) => [10 * p, 10 * q, p * x[0] + q * x[1]]), 1e-15);
  equal("Hessian", (await client.hessian("y = sum(x ** 3)", {x})).x.x, [[6 * x[0], 0], [0, 6 * x[1]]], 1e-15);
  equal("stacked Hessian", await client.hessian("y = sum(x ** 3)", {x}, {stacked: true}),
    [[6 * x[0], 0], [0, 6 * x[1]]], 1e-15);
  equal("Hessian times vector", (await client.hvp("y = sum(x ** 3)", {x}, {x: [2, 1]})).x, [12 * x[0], 6 * x[1]],
    1e-15);
  const along = await client.jvp("y = sin(x)", {x}, {x: [2, 1]});
  equal("jvp", along.tangents.y, [2 * Math.cos(x[0]), Math.cos(x[1])], 1e-15);
  const each = await client.gradients("y = k * x ** 2", {x, k: 3}, {batch: "x", per_example: true});
  equal("one gradient for each example", each.k, x.map(value => value ** 2), 1e-15);
  const graph = {nodes: [{op: "mul", inputs: ["x", "c"], outputs: ["y"]}], constants: {c: Float64Array.of(2, 3)}};
  equal("a graph as an object, with an array in it", (await client.evaluate(graph, {x: [1, 1]})).y, [2, 3]);
  check("check", (await client.post("check", "y = sum(x ** 2)", {x})).result === "passes");
  const f = client.funAndGrad("r = x @ w + b - t\nloss = sum(r ** 2)\nreturn loss, r", {w: [0, 0], b: 1},
    {x: a, t: [1, 2, 3]}, {of: "loss"});
  equal("a vector for a solver", Array.from(f.x0), [0, 0, 1]);
  const {value, gradient} = await f.valueAndGrad(f.x0);
  equal("value for a solver", value, 5);
  equal("gradient for a solver", Array.from(gradient), [-26, 16, -6]);
  equal("Hessian for a solver", await f.hessian(f.x0), [[70, -32, 18], [-32, 112, 0], [18, 0, 6]]);
  const tensors = {m: [[0, 1, 2], [3, 4, 5]], s: 2.5, h: Float32Array.of(1, 1)};
  const {vector, unflatten} = flatten(tensors);
  const back = unflatten(vector);
  equal("flatten", Array.from(vector), [0, 1, 2, 3, 4, 5, 2.5, 1, 1]);
  equal("unflatten", [back.m.toArray(), back.s.toArray(), back.h.toArray()], [tensors.m, 2.5, [1, 1]]);
  check("unflatten keeps float32", back.h.dtype === "float32", back.h);
  await refused("a vector of another length", () => unflatten([1, 2]), {}, RangeError);
}

async function exactNumbers() {
  const floats = [5e-324, -5e-324, 2.2250738585072014e-308, -0, 0, 1e308, -1e308, 0.1, 1 / 3, NaN, Infinity,
    -Infinity, 1e21];
  sameBits("an array of numbers", (await client.evaluate("y = x", {x: floats})).y, Float64Array.from(floats));
  for (const number of floats) {
    sameBits(`the number ${number}`, (await client.evaluate("y = x", {x: number})).y, Float64Array.of(number), []);
  }
  const bytes = randomBytes(32000);
  for (const Elements of [Float64Array, Float32Array, BigInt64Array, Int32Array]) {
    const data = new Elements(bytes.slice().buffer);
    sameBits(`random bits of ${Elements.name}`, (await client.evaluate("y = x", {x: data})).y, data);
    const part = data.subarray(3, 7);
    sameBits(`a part of a ${Elements.name}`, (await client.evaluate("y = x", {x: new Tensor(part, [2, 2])})).y,
      part.slice(), [2, 2]);
  }
  const big = BigInt64Array.of(9223372036854775807n, -9223372036854775808n, 9007199254740993n);
  sameBits("BigInts", (await client.evaluate("y = x", {x: Array.from(big)})).y, big);
  sameBits("a BigInt", (await client.evaluate("y = x", {x: big[0]})).y, big.slice(0, 1), []);
  const bools = (await client.evaluate("y = ~x", {x: [[true], [false]]})).y;
  check("bool", bools.dtype === "bool" && bools.shape.join() === "2,1" && bools.toArray().join() === "false,true",
    bools);
  const one = new Tensor(Uint8Array.of(1), [], "bool");
  check("a Tensor of bool", (await client.evaluate("y = x", {x: one})).y.item() === true);
  for (const shape of [[], [1], [1, 1], [0], [0, 3], [2, 0]]) {
    const data = new Float64Array(shape.reduce((product, length) => product * length, 1));
    sameBits(`the shape [${shape}]`, (await client.evaluate("y = x", {x: new Tensor(data, shape)})).y, data, shape);
  }
  check("no elements as nested arrays",
    JSON.stringify(new Tensor(new Float64Array(0), [2, 0]).toArray()) === "[[],[]]");
  const float32 = (await client.evaluate("y = x", {x: [0.1]}, {dtype: "float32"})).y;
  sameBits("numbers take the dtype of the request", float32, Float32Array.of(0.1));
  await refused("bytes are no tensor", () => client.evaluate("y = x", {x: new Uint8Array(2)}), {}, TypeError);
  await refused("a shape of another size", () => new Tensor(new Float64Array(2), [3]), {}, RangeError);
  await refused("a dtype of another array", () => new Tensor(new Float64Array(2), [2], "float32"), {}, TypeError);
}

async function errors() {
  await refused("an unknown operator", () => client.evaluate("a = x\ny = a // 2", {x: 1}),
    {code: "invalid_formula", status: 400, pointer: "/graph", line: 2, column: 7, excerpt: "y = a // 2\n      ^"});
  await refused("shapes", () => client.evaluate("y = a @ b", {a: [[1, 2]], b: [1]}),
    {code: "shape_mismatch", status: 422});
  await refused("a misspelt option", () => client.evaluate("y = x", {x: 1}, {wtr: ["x"]}),
    {code: "unknown_member", pointer: "/wtr"});
  await refused("ragged arrays", () => client.evaluate("y = x", {x: [[1], [1, 2]]}), {code: "ragged_array"});
  await refused("an unknown endpoint", () => client.post("vjp", "y = x", {x: 1}), {status: 404, code: "not_found"});
  await refused("a page instead of a problem", () => new Client(`${proxy}/page/p`).evaluate("y = x", {x: 1}),
    {status: 502});
  await refused("no server", () => new Client("http://127.0.0.1:9").evaluate("y = x", {x: 1}), {}, TypeError);
  await refused("a request that was given up", () => client.evaluate("y = x", {x: 1}, {signal: AbortSignal.abort()}),
    {name: "AbortError"}, Error);
  await client.evaluate("y = x", {x: 1, z: 2});
  check("a warning", warned.length === 1 && warned[0].code === "unused_input" && warned[0].pointer === "/inputs/z",
    warned);
}

async function connections() {
  const started = performance.now();
  const busy = (await new Client(`${proxy}/busy/js-busy-${run}`).evaluate("y = x + 1", {x: 1})).y.item();
  const took = performance.now() - started;
  check("503 twice, then an answer", busy === 2 && took >= 2000 && (await counts(`js-busy-${run}`)).requests === 3,
    [busy, took]);
  await refused("503 for ever",
    () => new Client(`${proxy}/always-busy/js-always-${run}`, {retries: 3}).evaluate("y = x", {x: 1}),
    {status: 503, code: "overloaded"});
  check("a bounded number of tries", (await counts(`js-always-${run}`)).requests === 4);
  const kept = new Client(`${proxy}/plain/js-kept-${run}`);
  let total = 0;
  for (let i = 0; i < 50; i++) total += (await kept.evaluate("y = x", {x: i})).y.item();
  const {requests, connections} = await counts(`js-kept-${run}`);
  // Node may open a second one before it sees that the first is free.
  check("connections are kept for 50 requests", total === 1225 && requests === 50 && connections <= 2,
    [total, connections]);
  const dropping = new Client(`${proxy}/dropping/js-dropped-${run}`);
  total = 0;
  for (let i = 0; i < 5; i++) total += (await dropping.evaluate("y = x", {x: i})).y.item();
  const {requests: answered, connections: used} = await counts(`js-dropped-${run}`);
  check("a dropped connection is made again", total === 10 && answered === 5 && used === 5, [total, answered, used]);
  const many = await Promise.all(Array.from({length: 20}, (_, i) => kept.gradients("y = x ** 2", {x: i})));
  equal("twenty requests at once", many.map(gradients => gradients.x.item()),
    Array.from({length: 20}, (_, i) => 2 * i));
  equal("with a token", (await new Client(guarded, {token}).evaluate("y = x", {x: 1})).y, 1);
  await refused("without a token", () => new Client(guarded).evaluate("y = x", {x: 1}),
    {status: 401, code: "unauthorized"});
}

async function registeredGraphs() {
  const name = `clients-js-${process.pid}`;
  const {version: first} = await client.put(name, "y = sum(k * x ** 2)",
    {description: "a test", defaults: {k: 3}, create: true});
  const graph = client.graph(name);
  try {
    equal("evaluate by name", (await graph.evaluate({x: [1, 2]})).y, 15);
    equal("the same through the client", (await client.evaluate(graph, {x: [1, 2]})).y, 15);
    equal("gradients by name", (await graph.gradients({x: [1, 2]})).x, [6, 12]);
    const pinned = await graph.pinned();
    check("a pinned version", pinned.name === `${name}@${first}`, pinned.name);
    await refused("it exists", () => client.put(name, "y = x", {create: true}),
      {status: 412, code: "precondition_failed"});
    const second = await client.put(name, "y = sum(x ** 3)", {ifMatch: first});
    check("the next version", second.version === first + 1, second);
    await refused("it has changed", () => client.put(name, "y = x", {ifMatch: first}), {status: 412});
    await refused("by its entity tag", () => client.put(name, "y = x", {ifMatch: `"${first}"`}),
      {status: 412, code: "precondition_failed"});
    check("source", (await graph.source()).includes("sum(x ** 3)"));
    equal("the newest", (await graph.evaluate({x: [2]})).y, 8);
    equal("the old one", (await pinned.evaluate({x: [2]})).y, 12);
    const f = graph.funAndGrad({x: [2]});
    equal("a solver by name", Array.from((await f.valueAndGrad(f.x0)).gradient), [12]);
    check("get", (await graph.get()).version === first + 1);
    equal("versions", (await graph.versions()).map(({version}) => version), [first, first + 1]);
    for (const i of [0, 1, 2]) await client.put(`${name}.${i}`, "y = x");
    const names = [];
    for await (const each of client.list(`${name}.`)) names.push(each.name);
    check("list by prefix", names.join() === [0, 1, 2].map(i => `${name}.${i}`).join(), names);
    for (const each of names) await client.delete(each);
  } finally {
    await client.delete(name);
  }
  await refused("it is gone", () => client.get(name), {status: 404});
}

for (const part of [derivatives, exactNumbers, errors, connections]) await part();
const status = (await fetch(`${address}/v1/graphs`)).status;
if (status === 200) await registeredGraphs();
else {
  check("only a server without registered graphs has no list", status === 404, status);
  console.log("javascript: the server has no registered graphs: they are not tested");
}
console.log(`javascript: ${passed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
