"""Values and exact derivatives of formulas, computed by an Autograd Server.

    >>> from autograd_client import Client
    >>> client = Client("http://localhost:8080")
    >>> outputs, gradients = client.value_and_grad("y = sum(x ** 2)", {"x": [1.0, 2.0, 3.0]})
    >>> float(outputs["y"]), gradients["x"].tolist()
    (14.0, [2.0, 4.0, 6.0])

A graph is a formula (text), a graph in the server's JSON form (a dict), or `client.graph("fit")`: a graph that is
registered on the server under a name. Text is always a formula, so a name is never mistaken for one.

Inputs are tensors by name. An array keeps its dtype (float64, float32, int64, int32, bool) and travels as bytes, so
that no bit changes. A Python number, or lists of them, has no dtype: it takes that of what it stands for, float64 by
default. Answers are NumPy arrays, and NumPy scalars where the shape is ().

What the server refuses is raised as `Problem`. An answer's warnings become Python warnings, `AutogradWarning`.
"""

import base64
import collections.abc
import functools
import http.client
import json
import math
import os
import random
import threading
import time
import urllib.parse
import warnings

import numpy as np

__all__ = ["Client", "RegisteredGraph", "Objective", "Answer", "Problem", "AutogradWarning", "flatten"]

DTYPES = {"float64", "float32", "int64", "int32", "bool"}
#: Members of answers that hold tensors, and by how many names each is found.
TENSORS = {"outputs": 1, "gradients": 1, "tangents": 1, "products": 1, "jacobians": 2, "hessians": 2,
           "jacobian": 0, "hessian": 0, "gradient": 0}
LONGEST_PAUSE = 30


class AutogradWarning(UserWarning):
    """A part of a request that may be unintended, such as an input that is not used."""


class Problem(Exception):
    """What the server refused, and why.

    `code` is for programs, such as "shape_mismatch"; `detail` is for people. `pointer` is the place in the request, a
    JSON Pointer. For a mistake in a formula `line` and `column` count from 1, and `excerpt` shows the place. `status`
    is the HTTP status. What the problem does not have is None; `members` has all that the server sent.
    """

    NAMES = ("code", "status", "title", "detail", "pointer", "line", "column", "excerpt", "node", "operation", "reason",
             "limit", "value", "graph", "graph_pointer", "version", "request_id")

    def __init__(self, members):
        super().__init__(members)
        self.members = members
        for name in self.NAMES:
            setattr(self, name, members.get(name))

    def __str__(self):
        place = f" at {self.pointer}" if self.pointer else ""
        text = f"{self.detail or self.title} ({self.code or self.status}{place})"
        return f"{text}\n{self.excerpt}" if self.excerpt else text


class Answer(dict):
    """The members of an answer, tensors as arrays. `headers` has, among others, X-Request-Id and X-Graph-Version."""

    def __init__(self, members, headers):
        super().__init__(members)
        self.headers = headers


class Client:
    """A connection to a server. Threads may share a client: each has a connection of its own, which stays open.

    url: default is the environment's AUTOGRAD_URL, else http://127.0.0.1:8080.
    token: for a server that requires one; default is the environment's AUTOGRAD_TOKEN.
    timeout: seconds for one try of a request; the server ends the work then, too.
    retries: how often a request is sent again that the server had no time for (503, 429). Before each, the client waits
        as long as the server says in Retry-After, but no longer than 30 seconds.

    All calls that compute take these options, as the server documents them: outputs, of, wrt, batch (names, or a list
    of them), cotangents (tensors by name), per_example, dtype, diagnose.
    """

    def __init__(self, url=None, token=None, timeout=60.0, retries=4):
        url = urllib.parse.urlsplit(url or os.environ.get("AUTOGRAD_URL") or "http://127.0.0.1:8080")
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(f"an address such as http://localhost:8080 is expected, got {url.geturl()!r}")
        self._kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        self._place, self._base = url.netloc.rpartition("@")[2], url.path.rstrip("/")
        self._headers = {"Accept": "application/json", "Request-Timeout": f"{timeout:.3f}"}
        token = token or os.environ.get("AUTOGRAD_TOKEN")
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self.timeout, self.retries = timeout, retries
        self._local = threading.local()

    # Values and derivatives

    def evaluate(self, graph, inputs=None, **options):
        """The graph's outputs, arrays by name."""
        return self.post("evaluate", graph, inputs, gradients=False, **options)["outputs"]

    def gradients(self, graph, inputs=None, **options):
        """The gradients of the sum of all outputs, or of what `of` and `cotangents` say, by name: each has the shape of
        its input. Without `wrt`: for all floating-point inputs."""
        return self.value_and_grad(graph, inputs, **options)[1]

    def value_and_grad(self, graph, inputs=None, **options):
        """Outputs and gradients, of one request: two dicts of arrays by name."""
        answer = self.post("evaluate", graph, inputs, **options)
        return answer["outputs"], answer["gradients"]

    def jacobian(self, graph, inputs=None, stacked=False, **options):
        """First derivatives: jacobians[y][x] has the shape of y followed by that of x.
        With stacked=True one matrix, of all outputs by all inputs, in the order of `of` and `wrt`."""
        answer = self.post("jacobian", graph, inputs, stacked=stacked, **options)
        return answer["jacobian" if stacked else "jacobians"]

    def hessian(self, graph, inputs=None, stacked=False, **options):
        """Second derivatives of the sum of all outputs: hessians[x][w] has the shape of x followed by that of w.
        With stacked=True one square matrix of all inputs, in the order of `wrt`."""
        answer = self.post("hessian", graph, inputs, stacked=stacked, **options)
        return answer["hessian" if stacked else "hessians"]

    def jvp(self, graph, inputs, tangents, **options):
        """Outputs, and their derivatives along `tangents`, a tensor for each input that changes: two dicts."""
        answer = self.post("jvp", graph, inputs, tangents=tangents, **options)
        return answer["outputs"], answer["tangents"]

    def hvp(self, graph, inputs, vectors, **options):
        """The Hessian of the sum of all outputs times `vectors`: for each input a tensor of its shape, by name."""
        return self.post("hvp", graph, inputs, vectors=vectors, **options)["products"]

    def post(self, endpoint, graph, inputs=None, **members):
        """Posts to any endpoint that takes a graph, such as "evaluate" or "check"; returns the whole Answer."""
        request = {} if isinstance(graph, RegisteredGraph) else {"graph": graph}
        request["inputs"] = _encoded_all(inputs or {})
        if endpoint not in ("check", "inspect"):
            request["encoding"] = "base64"
        for name, value in members.items():
            if name in ("of", "wrt", "outputs", "batch") and isinstance(value, str):
                value = [value]
            elif name in ("cotangents", "tangents", "vectors") and value is not None:
                value = _encoded_all(value)
            if value is not None and not (name == "stacked" and value is False):
                request[name] = value
        path = f"/v1{_path(graph.name)}/{endpoint}" if isinstance(graph, RegisteredGraph) else f"/v1/{endpoint}"
        answer, headers = self._json("POST", path, request)
        for name, depth in TENSORS.items() if "encoding" in request else ():
            if name in answer:
                answer[name] = _decoded(answer[name], depth)
        for warning in answer.get("warnings", ()):
            text = f"{warning['detail']} ({warning['code']} at {warning['pointer']})"
            warnings.warn(text, AutogradWarning, stacklevel=3)
        return Answer(answer, headers)

    def fun_and_grad(self, graph, x0, of=None, /, **fixed):
        """The `Objective` that solvers minimise: the value and the gradient as functions of one vector.

            objective = client.fun_and_grad("loss = mean((x @ w - t) ** 2)", {"w": np.zeros(3)}, x=x, t=t)
            best = scipy.optimize.minimize(objective, objective.x0, jac=True)
            w = objective.unflatten(best.x)["w"]

        x0: where to start, a dict of arrays. These inputs vary, all others are `fixed`.
        of: the name of the value to minimise, a scalar; default is the graph's only output.
        """
        return Objective(self, graph, x0, of, fixed)

    # Registered graphs

    def graph(self, name):
        """The graph that is registered as `name`, its newest version; "fit@3" is always version 3. Asks the server
        nothing. It can stand wherever a graph can, and has all calls itself: client.graph("fit").evaluate({"x": x})."""
        return RegisteredGraph(self, name)

    def put(self, name, graph, description=None, defaults=None, if_match=None, create=False, content_type=None):
        """Registers a graph; returns what `get` returns. What differs from the newest version becomes the next one.

        graph: a formula, a dict, or the bytes of a file (safetensors, or ONNX with content_type "application/onnx").
        defaults: inputs that requests may leave out, tensors by name.
        if_match: a version; replaces only that. create: only if there is no such graph.
            Otherwise the Problem is "precondition_failed".
        """
        if isinstance(graph, RegisteredGraph):
            graph = graph.source()
        headers = {}
        if if_match is not None:
            headers.update(_matching(if_match))
        if create:
            headers["If-None-Match"] = "*"
        if isinstance(graph, bytes):
            headers["Content-Type"] = content_type or "application/octet-stream"
            return self._json("PUT", f"/v1{_path(name)}", graph, headers)[0]
        body = {"graph": graph}
        if description:
            body["description"] = description
        if defaults:
            body["defaults"] = _encoded_all(defaults)
        return self._json("PUT", f"/v1{_path(name)}", body, headers)[0]

    def get(self, name):
        """What is known about a registered graph: version, inputs, outputs, text and more."""
        return self._json("GET", f"/v1{_path(name)}")[0]

    def source(self, name):
        """The bytes that were registered."""
        return self._send("GET", f"/v1{_path(name)}/source", headers={"Accept": "*/*"})[1]

    def versions(self, name):
        """All versions, the oldest first: a list of dicts."""
        return self._json("GET", f"/v1{_path(name)}/versions")[0]["versions"]

    def delete(self, name, if_match=None):
        """Removes a registered graph and all its versions; with if_match only if that is the newest version."""
        self._send("DELETE", f"/v1{_path(name)}", headers={} if if_match is None else _matching(if_match))

    def list(self, prefix=""):
        """The registered graphs whose names begin with `prefix`, in order: an iterator of dicts."""
        after = None
        while True:
            query = {name: value for name, value in (("prefix", prefix), ("after", after), ("limit", 1000)) if value}
            page = self._json("GET", f"/v1/graphs?{urllib.parse.urlencode(query)}")[0]
            yield from page["graphs"]
            after = page["next"]
            if after is None:
                return

    # Other frameworks

    def torch_function(self, graph, names):
        """A function of tensors of PyTorch, with gradients: its arguments are the inputs `names`, in this order. It
        returns a tensor, or a tuple if the graph has several outputs."""
        from .torch_function import torch_function

        return torch_function(self, graph, names)

    def jax_function(self, graph, names):
        """A function of arrays of JAX, with gradients, for jit, grad and vmap: its arguments are the inputs `names`, in
        this order. It returns an array, or a tuple if the graph has several outputs. JAX makes float32 of numbers
        unless jax_enable_x64 is set."""
        from .jax_function import jax_function

        return jax_function(self, graph, names)

    # HTTP

    def _json(self, method, path, body=None, headers=None):
        """Sends a request, JSON unless it is bytes; returns the answer's members and headers."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, allow_nan=False, default=_encoded).encode()
            headers["Content-Type"] = "application/json"
        response, data = self._send(method, path, body, headers)
        return json.loads(data), response.headers

    def _send(self, method, path, body=None, headers=None):
        """Sends a request until the server has time for it; returns the response and its body, or raises a Problem."""
        for tries_left in range(self.retries, -1, -1):
            response, data = self._exchange(method, self._base + path, body, {**self._headers, **(headers or {})})
            if response.status < 400:
                return response, data
            if response.status not in (429, 503) or not tries_left:
                break
            after = response.headers.get("Retry-After", "1")
            # A little more than asked for, at random, so that many clients do not come back at the same moment.
            time.sleep(min(float(after) if after.isdigit() else 1.0, LONGEST_PAUSE) + random.uniform(0, 0.1))
        try:
            problem = json.loads(data)
        except ValueError:
            problem = None
        if not isinstance(problem, dict) or "code" not in problem:  # not from this server: a proxy's page, perhaps
            problem = {"title": response.reason, "detail": data[:200].decode(errors="replace") or response.reason}
        raise Problem({"status": response.status, **problem})

    def _exchange(self, method, path, body, headers):
        """One request and its response. A kept connection may have been closed at its other end: then the request is
        sent once more on a new one. That is safe for what computes and reads. What writes always gets a new connection,
        so that it is never sent twice."""
        connection = self._connection(method in ("GET", "POST"))
        while True:
            is_used = connection.sock is not None
            try:
                try:
                    connection.request(method, path, body, headers)
                except (BrokenPipeError, ConnectionResetError):
                    if is_used:
                        raise
                    # The server may have refused before it read the body: then there is a response.
                response = connection.getresponse()
                return response, response.read()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                connection.close()
                if not is_used:
                    raise
            except BaseException:
                connection.close()
                raise

    def _connection(self, may_be_used):
        """This thread's connection. A forked process must not use its parent's."""
        owner, connection = getattr(self._local, "connection", (None, None))
        if owner != os.getpid():
            connection = self._kind(self._place, timeout=self.timeout)
            self._local.connection = (os.getpid(), connection)
        elif not may_be_used:
            connection.close()
        return connection


class RegisteredGraph:
    """A graph that is registered on the server: `name` is "fit", the newest version, or "fit@3", that version.

    It has the calls of `Client`, without the first argument: evaluate, gradients, value_and_grad, jacobian, hessian,
    jvp, hvp, fun_and_grad; get, source, versions.
    """

    CALLS = ("evaluate", "gradients", "value_and_grad", "jacobian", "hessian", "jvp", "hvp", "fun_and_grad")
    ABOUT = ("get", "source", "versions")

    def __init__(self, client, name):
        self.client, self.name = client, name
        for call in self.CALLS:
            setattr(self, call, functools.partial(getattr(client, call), self))
        for call in self.ABOUT:
            setattr(self, call, functools.partial(getattr(client, call), name))

    def pinned(self):
        """The version that is the newest now, such as "fit@3": a solver's function must not change while it runs."""
        return self if "@" in self.name else RegisteredGraph(self.client, f"{self.name}@{self.get()['version']}")

    def __repr__(self):
        return f"<registered graph {self.name!r}>"


class Objective:
    """A scalar as a function of one vector, for solvers: `objective(v)` is (value, gradient).

    x0: the start as a vector. unflatten(v): the dict of arrays that the vector v stands for.
    """

    def __init__(self, client, graph, x0, of, fixed):
        self.x0, self.unflatten = flatten(x0)
        self._client, self._graph, self._wrt = client, graph, list(x0)
        self._options = {"wrt": self._wrt, **({} if of is None else {"of": [of], "outputs": [of]})}
        self._fixed = _encoded_all(fixed)

    def __call__(self, vector):
        outputs, gradients = self._client.value_and_grad(self._graph, self._inputs(vector), **self._options)
        values = list(outputs.values())
        if len(values) != 1 or np.shape(values[0]) != ():
            shapes = ", ".join(f"{name} {list(np.shape(value))}" for name, value in outputs.items())
            raise ValueError(f"one scalar is expected to minimise; the outputs are {shapes}")
        return float(values[0]), self._vector(gradients)

    def hess(self, vector):
        """The Hessian at v, a matrix."""
        return self._client.hessian(self._graph, self._inputs(vector), stacked=True, **self._options)

    def hessp(self, vector, direction):
        """The Hessian at v times a direction, without making the matrix."""
        products = self._client.hvp(self._graph, self._inputs(vector), self.unflatten(direction), **self._options)
        return self._vector(products)

    def _inputs(self, vector):
        return {**self._fixed, **self.unflatten(vector)}

    def _vector(self, tensors):
        return np.concatenate([np.ravel(tensors[name]) for name in self._wrt]).astype(np.float64)


def flatten(tensors):
    """The elements of a dict of arrays as one float64 vector, and the function that makes a dict of a vector again.
    Arrays of floats keep their dtype there; other numbers become float64."""
    arrays = {name: np.asarray(value) for name, value in tensors.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu":
            raise TypeError(f"{name}: only numbers can vary, not {array.dtype}")
    if not arrays:
        raise ValueError("nothing varies: the dict is empty")
    ends = np.cumsum([array.size for array in arrays.values()])

    def unflatten(vector):
        vector = np.asarray(vector, np.float64)
        if vector.shape != (ends[-1],):
            raise ValueError(f"a vector of {ends[-1]} elements is expected, got the shape {vector.shape}")
        parts = np.split(vector, ends[:-1])
        return {name: part.reshape(array.shape).astype(array.dtype if array.dtype.kind == "f" else np.float64)
                for (name, array), part in zip(arrays.items(), parts)}

    return np.concatenate([array.ravel() for array in arrays.values()]).astype(np.float64), unflatten


def _matching(version):
    """The condition for a version, which may be an entity tag with the quotes that it has in answers."""
    return {"If-Match": '"' + str(version).strip('"') + '"'}


def _path(name):
    return f"/graphs/{urllib.parse.quote(name, safe='@')}"


def _encoded_all(tensors):
    if not isinstance(tensors, collections.abc.Mapping):
        raise TypeError(f"tensors by name are expected, such as {{'x': x}}; got {type(tensors).__name__}")
    return {name: _encoded(value, name) for name, value in tensors.items()}


def _encoded(value, name="a tensor"):
    """What stands for a tensor in a request: plain numbers as they are, arrays as bytes."""
    if isinstance(value, dict):  # written as the server reads it
        return value
    if _is_plain(value):
        return _plain(value)
    array = np.asarray(value)
    if array.dtype.name not in DTYPES:
        raise TypeError(f"{name}: {array.dtype} is no dtype of the server; convert it with astype to one of "
                        "float64, float32, int64, int32, bool")
    data = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return {"dtype": array.dtype.name, "shape": list(array.shape), "encoding": "base64",
            "data": base64.b64encode(data).decode()}


def _is_plain(value):
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return isinstance(value, (bool, int, float)) and not isinstance(value, np.generic)


def _plain(value):
    if isinstance(value, (list, tuple)):
        return list(map(_plain, value))
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _decoded(value, depth):
    if depth:
        return {name: _decoded(part, depth - 1) for name, part in value.items()}
    little = np.dtype(value["dtype"]).newbyteorder("<")
    array = np.ndarray(value["shape"], little, bytearray(base64.b64decode(value["data"])))
    return array.astype(little.newbyteorder("="), copy=False)[()]
