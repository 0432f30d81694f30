/**
 * Values and exact derivatives of formulas, computed by an Autograd Server. For browsers, and for Node 18 and newer.
 *
 *     import {Client} from "./autograd.mjs";
 *     const client = new Client("http://localhost:8080");
 *     const {outputs, gradients} = await client.valueAndGrad("y = sum(x ** 2)", {x: [1, 2, 3]});
 *     outputs.y.item();       // 14
 *     gradients.x.toArray();  // [2, 4, 6]
 *
 * A graph is a formula (text), a graph in the server's JSON form (an object), or client.graph("fit"): a graph that is
 * registered on the server under a name. Text is always a formula, so a name is never mistaken for one.
 *
 * Inputs are tensors by name. Numbers, true and false and nested arrays of them have no dtype: they take that of what
 * they stand for, float64 by default. BigInts are int64. Typed arrays keep their dtype and travel as bytes:
 * Float64Array, Float32Array, BigInt64Array, Int32Array; a Tensor gives them a shape. Answers are Tensors.
 */

const ARRAYS = {
  float64: Float64Array, float32: Float32Array, int64: BigInt64Array, int32: Int32Array, bool: Uint8Array,
};
/** Members of answers that hold tensors, and by how many names each is found. */
const TENSORS = {
  outputs: 1, gradients: 1, tangents: 1, products: 1, jacobians: 2, hessians: 2, jacobian: 0, hessian: 0, gradient: 0,
};
/** Members of requests that hold tensors by name. */
const NAMED_TENSORS = ["inputs", "cotangents", "tangents", "vectors", "defaults"];
const NAME_LISTS = ["of", "wrt", "outputs", "batch"];
const LONGEST_PAUSE = 30;
/** Of Node; browsers have none. */
const ENVIRONMENT = globalThis.process?.env ?? {};
/** How Node says that the other end closed a connection that was kept open. */
const CLOSED = ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"];
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * What the server refused, and why. `code` is for programs, such as "shape_mismatch"; `detail` is for people. `pointer`
 * is the place in the request, a JSON Pointer. For a mistake in a formula `line` and `column` count from 1, and
 * `excerpt` shows the place. `status` is the HTTP status. It has all members that the server sent.
 */
export class Problem extends Error {
  constructor(members) {
    const place = members.pointer ? ` at ${members.pointer}` : "";
    const excerpt = members.excerpt ? `\n${members.excerpt}` : "";
    super(`${members.detail} (${members.code ?? members.status}${place})${excerpt}`);
    Object.assign(this, members);
    this.name = "Problem";
  }
}

/** A tensor: `data`, a typed array in row-major order, `shape` and `dtype`. A "bool" has a Uint8Array of 0 and 1. */
export class Tensor {
  constructor(data, shape = [data.length], dtype = dtypeOf(data)) {
    if (!(data instanceof (ARRAYS[dtype] ?? Object))) throw new TypeError(`${dtype} needs a ${ARRAYS[dtype]?.name}`);
    const size = shape.reduce((product, length) => product * length, 1);
    if (data.length !== size) throw new RangeError(`[${shape}] has ${size} elements, the data ${data.length}`);
    Object.assign(this, {data, shape, dtype});
  }

  /** The number of a tensor that has one element. */
  item() {
    if (this.data.length !== 1) throw new RangeError(`one element is expected, the shape is [${this.shape}]`);
    return this.#value(0);
  }

  /** Nested arrays of numbers, BigInts (int64) or booleans; of a scalar just that. */
  toArray() {
    const nested = (start, [length, ...inner]) => {
      if (length === undefined) return this.#value(start);
      const step = inner.reduce((product, each) => product * each, 1);
      return Array.from({length}, (_, i) => nested(start + i * step, inner));
    };
    return nested(0, this.shape);
  }

  #value(index) {
    return this.dtype === "bool" ? this.data[index] === 1 : this.data[index];
  }
}

/** A server. Requests may be under way at the same time. */
export class Client {
  /**
   * @param url the server's address; default is the server that this module came from, else the environment's
   *   AUTOGRAD_URL, else http://127.0.0.1:8080.
   * @param token for a server that requires one; default is the environment's AUTOGRAD_TOKEN.
   * @param timeout seconds for one try of a request; the server ends the work then, too.
   * @param retries how often a request is sent again that the server had no time for (503, 429). Before each, the
   *   client waits as long as the server says in Retry-After, but no longer than 30 seconds.
   * @param onWarning takes each warning of an answer, {code, pointer, detail}.
   */
  constructor(url, {token = ENVIRONMENT.AUTOGRAD_TOKEN, timeout = 60, retries = 4, onWarning = ({detail}) => console.warn(detail)} = {}) {
    const local = ENVIRONMENT.AUTOGRAD_URL || "http://127.0.0.1:8080";
    const home = import.meta.url.startsWith("http") ? new URL(import.meta.url).origin : local;
    this.url = (url ?? home).replace(/\/+$/, "");
    this.headers = {"Request-Timeout": timeout.toFixed(3), ...(token ? {Authorization: `Bearer ${token}`} : {})};
    Object.assign(this, {timeout, retries, onWarning});
  }

  // All calls take `options`: the members of the server's documentation (outputs, of, wrt, batch: names; cotangents:
  // tensors by name; per_example, dtype, diagnose), and `signal`, an AbortSignal that ends the request.

  /** The graph's outputs: {y: Tensor, …}. */
  async evaluate(graph, inputs = {}, options = {}) {
    return (await this.post("evaluate", graph, inputs, {gradients: false, ...options})).outputs;
  }

  /** The gradients of the sum of all outputs, or of what `of` and `cotangents` say: each has the shape of its input. */
  async gradients(graph, inputs = {}, options = {}) {
    return (await this.post("evaluate", graph, inputs, options)).gradients;
  }

  /** {outputs, gradients}, of one request. */
  async valueAndGrad(graph, inputs = {}, options = {}) {
    const {outputs, gradients} = await this.post("evaluate", graph, inputs, options);
    return {outputs, gradients};
  }

  /** First derivatives: jacobians[y][x] has the shape of y followed by that of x; with `stacked: true` one matrix. */
  async jacobian(graph, inputs = {}, options = {}) {
    const answer = await this.post("jacobian", graph, inputs, options);
    return answer.jacobian ?? answer.jacobians;
  }

  /** Second derivatives of the sum of all outputs: hessians[x][w]; with `stacked: true` one matrix. */
  async hessian(graph, inputs = {}, options = {}) {
    const answer = await this.post("hessian", graph, inputs, options);
    return answer.hessian ?? answer.hessians;
  }

  /** {outputs, tangents}: derivatives of the outputs along `tangents`, a tensor for each input that changes. */
  async jvp(graph, inputs, tangents, options = {}) {
    const answer = await this.post("jvp", graph, inputs, {tangents, ...options});
    return {outputs: answer.outputs, tangents: answer.tangents};
  }

  /** The Hessian of the sum of all outputs times `vectors`: for each input a tensor of its shape. */
  async hvp(graph, inputs, vectors, options = {}) {
    return (await this.post("hvp", graph, inputs, {vectors, ...options})).products;
  }

  /** Posts to any endpoint that takes a graph, such as "evaluate", "check" or "inspect"; the whole answer. */
  async post(endpoint, graph, inputs = {}, {signal, ...members} = {}) {
    const isRegistered = graph instanceof RegisteredGraph;
    const request = {...(isRegistered ? {} : {graph}), inputs, ...members};
    if (!["check", "inspect"].includes(endpoint)) request.encoding = "base64";
    const path = `/v1${isRegistered ? pathOf(graph.name) : ""}/${endpoint}`;
    const answer = await this.#json("POST", path, requestText(request), {}, signal);
    if (request.encoding) {
      for (const name in TENSORS) if (name in answer) answer[name] = decoded(answer[name], TENSORS[name]);
    }
    answer.warnings?.forEach(warning => this.onWarning?.(warning));
    return answer;
  }

  /**
   * A scalar as a function of one vector, for solvers: {x0, valueAndGrad(v), hessian(v), unflatten(v)}. `x0` says
   * where the inputs that vary start; all others are `fixed`. `of` in `options` is what to minimise, if the graph has
   * several outputs.
   */
  funAndGrad(graph, x0, fixed = {}, options = {}) {
    const {vector, unflatten} = flatten(x0);
    const wrt = Object.keys(x0);
    const members = {...options, wrt, ...(options.of ? {outputs: options.of} : {})};
    return {
      x0: vector, unflatten,
      valueAndGrad: async at => {
        const {outputs, gradients} = await this.valueAndGrad(graph, {...fixed, ...unflatten(at)}, members);
        const values = Object.values(outputs);
        if (values.length !== 1 || values[0].shape.length) throw new RangeError("one scalar output is expected");
        return {value: values[0].item(), gradient: joined(wrt.map(name => gradients[name].data))};
      },
      hessian: at => this.hessian(graph, {...fixed, ...unflatten(at)}, {...members, stacked: true}),
    };
  }

  // Registered graphs

  /** The graph that is registered as `name`, its newest version; "fit@3" is always version 3. Makes no request. */
  graph(name) {
    return new RegisteredGraph(this, name);
  }

  /**
   * Registers a graph, text or an object; returns what `get` returns. `defaults` are inputs that requests may leave
   * out. `ifMatch` (a version) replaces only that one, `create: true` nothing; else the code is "precondition_failed".
   */
  async put(name, graph, {description, defaults, ifMatch, create} = {}) {
    const headers = {...matching(ifMatch), ...(create ? {"If-None-Match": "*"} : {})};
    return this.#json("PUT", `/v1${pathOf(name)}`, requestText({graph, description, defaults}), headers);
  }

  /** What is known about a registered graph: version, inputs, outputs, text and more. */
  async get(name) {
    return this.#json("GET", `/v1${pathOf(name)}`);
  }

  /** All versions of a registered graph, the oldest first. */
  async versions(name) {
    return (await this.#json("GET", `/v1${pathOf(name)}/versions`)).versions;
  }

  /** Removes a registered graph and all its versions; with `ifMatch` only if that is the newest version. */
  async delete(name, {ifMatch} = {}) {
    await this.#send("DELETE", `/v1${pathOf(name)}`, undefined, matching(ifMatch));
  }

  /** The bytes that were registered, as text or, with `as: "arrayBuffer"`, as they are. */
  async source(name, {as = "text"} = {}) {
    return (await this.#send("GET", `/v1${pathOf(name)}/source`, undefined, {Accept: "*/*"}))[as]();
  }

  /** The registered graphs whose names begin with `prefix`, in order: for await (const graph of client.list()). */
  async *list(prefix = "") {
    let after = null;
    do {
      const query = new URLSearchParams({limit: 1000, ...(prefix ? {prefix} : {}), ...(after ? {after} : {})});
      const page = await this.#json("GET", `/v1/graphs?${query}`);
      yield* page.graphs;
      after = page.next;
    } while (after !== null);
  }

  async #json(method, path, body, headers, signal) {
    return (await this.#send(method, path, body, {Accept: "application/json", ...headers}, signal)).json();
  }

  /** Sends a request until the server has time for it; throws a Problem unless the status is below 400. */
  async #send(method, path, body, headers, signal) {
    const type = body === undefined ? {} : {"Content-Type": "application/json"};
    const options = {method, body, headers: {...this.headers, ...type, ...headers}};
    for (let triesLeft = this.retries; ; triesLeft--) {
      const response = await this.#fetch(this.url + path, options, signal);
      if (response.ok) return response;
      const problem = await response.json().catch(() => null);
      if (triesLeft <= 0 || ![429, 503].includes(response.status)) {
        const fallback = {status: response.status, detail: response.statusText || `HTTP status ${response.status}`};
        throw new Problem({...fallback, ...problem});
      }
      const after = Number(response.headers.get("Retry-After") ?? 1);
      // A little more than asked for, at random, so that many clients do not come back at the same moment.
      const pause = Math.min(after >= 0 ? after : 1, LONGEST_PAUSE) + Math.random() * 0.1;
      await new Promise(resolve => setTimeout(resolve, 1000 * pause));
      signal?.throwIfAborted();
    }
  }

  /** fetch; again if a kept connection turns out to be closed, unless the request writes. There may be several. */
  async #fetch(url, options, signal) {
    for (let triesLeft = ["GET", "POST"].includes(options.method) ? 3 : 0; ; triesLeft--) {
      const timeout = AbortSignal.timeout(1000 * this.timeout);
      // Node 18 cannot join two signals: there the caller's goes first.
      const both = signal && AbortSignal.any ? AbortSignal.any([signal, timeout]) : signal ?? timeout;
      try {
        return await fetch(url, {...options, signal: both});
      } catch (error) {
        if (!CLOSED.includes(error.cause?.code) || triesLeft <= 0) throw error;
      }
    }
  }
}

/** A version, or its entity tag with the quotes that it has in answers. */
function matching(version) {
  return version === undefined ? {} : {"If-Match": `"${String(version).replaceAll('"', "")}"`};
}

/** A graph that is registered on the server. It has the calls of Client, without the first argument. */
export class RegisteredGraph {
  constructor(client, name) {
    Object.assign(this, {client, name});
  }

  /** The version that is the newest now, such as "fit@3": a solver's function must not change while it runs. */
  async pinned() {
    return this.name.includes("@") ? this : this.client.graph(`${this.name}@${(await this.get()).version}`);
  }
}
for (const call of ["evaluate", "gradients", "valueAndGrad", "jacobian", "hessian", "jvp", "hvp", "funAndGrad"]) {
  RegisteredGraph.prototype[call] = function (...rest) { return this.client[call](this, ...rest); };
}
for (const call of ["get", "source", "versions"]) {
  RegisteredGraph.prototype[call] = function () { return this.client[call](this.name); };
}

/** All elements of {w: tensor, …} as one Float64Array, and the function that makes Tensors of such a vector again. */
export function flatten(tensors) {
  const parts = Object.entries(tensors).map(([name, value]) => [name, value instanceof Tensor ? value : dense(value)]);
  const length = parts.reduce((sum, [, {data}]) => sum + data.length, 0);
  const unflatten = vector => {
    if (vector.length !== length) throw new RangeError(`${length} elements are expected, got ${vector.length}`);
    let start = 0;
    return Object.fromEntries(parts.map(([name, {data, shape, dtype}]) => {
      const Elements = dtype === "float32" ? Float32Array : Float64Array;
      return [name, new Tensor(Elements.from(vector.slice(start, start += data.length)), shape)];
    }));
  };
  return {vector: joined(parts.map(([, {data}]) => data)), unflatten};
}

function joined(arrays) {
  return Float64Array.from(arrays.flatMap(array => Array.from(array, Number)));
}

/** Numbers and nested arrays as a Tensor of float64. */
function dense(value) {
  if (ArrayBuffer.isView(value)) return new Tensor(value);
  const shape = [];
  for (let part = value; Array.isArray(part); part = part[0]) shape.push(part.length);
  return new Tensor(Float64Array.from([value].flat(Infinity)), shape);
}

function dtypeOf(data) {
  const found = Object.keys(ARRAYS).find(dtype => dtype !== "bool" && data instanceof ARRAYS[dtype]);
  if (!found) {
    const arrays = "Float64Array, Float32Array, BigInt64Array or Int32Array";
    const name = data?.constructor?.name;
    throw new TypeError(`a tensor is a ${arrays}, or new Tensor(data, shape, "bool"), not a ${name}`);
  }
  return found;
}

function requestText(request) {
  const written = {...request};
  for (const name of NAME_LISTS) if (typeof request[name] === "string") written[name] = [request[name]];
  for (const name of NAMED_TENSORS) {
    if (request[name]) {
      written[name] = Object.fromEntries(Object.entries(request[name]).map(([key, value]) => [key, encoded(value)]));
    }
  }
  return text(written);
}

/** BigInts get their dtype; what else has none stays as it is. */
function encoded(value) {
  const isBig = each => Array.isArray(each) ? each.length > 0 && each.every(isBig) : typeof each === "bigint";
  return isBig(value) ? {dtype: "int64", data: value} : value;
}

/** JSON, in which every number keeps its bits: JSON.stringify writes -0 as 0 and NaN as null, and refuses BigInts. */
function text(value) {
  if (typeof value === "bigint") return String(value);
  if (Object.is(value, -0)) return "-0.0";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : `"${value}"`;
  if (Array.isArray(value)) return `[${value.map(text).join(",")}]`;
  if (ArrayBuffer.isView(value)) return text(new Tensor(value));
  if (value instanceof Tensor) {
    const {dtype, shape, data} = value;
    return JSON.stringify({dtype, shape, encoding: "base64", data: base64(bytesOf(data))});
  }
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${text(member)}`).join(",")}}`;
}

function decoded(value, depth) {
  if (depth) return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, decoded(part, depth - 1)]));
  const bytes = Uint8Array.from(atob(value.data), character => character.charCodeAt(0));
  const width = ARRAYS[value.dtype].BYTES_PER_ELEMENT;
  return new Tensor(new ARRAYS[value.dtype](inNativeOrder(bytes, width).buffer), value.shape, value.dtype);
}

function bytesOf(data) {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return inNativeOrder(IS_LITTLE_ENDIAN ? bytes : bytes.slice(), data.BYTES_PER_ELEMENT);
}

/** The server's bytes are little-endian; elsewhere those of each element are turned round, in place. */
function inNativeOrder(bytes, width) {
  for (let i = 0; !IS_LITTLE_ENDIAN && i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
  return bytes;
}

function base64(bytes) {
  let characters = "";
  for (let i = 0; i < bytes.length; i += 0x8000) characters += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(characters);
}

function pathOf(name) {
  return `/graphs/${encodeURIComponent(name).replace("%40", "@")}`;
}
