"""Uses the Python client: client_test.py ADDRESS GUARDED TOKEN PROXY

ADDRESS is a server, GUARDED one that asks for TOKEN, PROXY what ../proxy.py printed. Values are compared with closed
forms, numbers with their bits.
"""

import contextlib
import json
import math
import os
import pickle
import random
import sys
import threading
import time
import urllib.request
import warnings

import numpy as np
import scipy.optimize
import scipy.special

from autograd_client import AutogradWarning, Client, Problem, flatten

ADDRESS, GUARDED, TOKEN, PROXY = sys.argv[1:]
RUN = os.getpid()
client = Client(ADDRESS)
random.seed(1)
numbers = np.random.default_rng(1)
passed = failed = 0


def check(what, holds, got=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print(f"FAILED python: {what}: {got}", flush=True)


def equal(what, got, expected, tolerance=0.0):
    """Of one dtype and shape, and as near as that."""
    got, expected = np.asarray(got), np.asarray(expected)
    same_kind = got.dtype == expected.dtype and got.shape == expected.shape
    near = same_kind and (
        got.size == 0 or np.all(np.abs(got - expected) <= tolerance * np.maximum(1, np.abs(expected)))
    )
    check(what, near, f"{got!r}, expected {expected!r}")


def same_bits(what, got, sent):
    """NaNs need only be NaNs."""
    got, sent = np.asarray(got), np.asarray(sent)
    nan = np.isnan(sent) if sent.dtype.kind == "f" else np.zeros(sent.shape, bool)
    clean = [np.where(nan, np.zeros((), each.dtype), each).tobytes() for each in (got, sent)]
    holds = got.dtype == sent.dtype and got.shape == sent.shape and clean[0] == clean[1]
    check(what, holds and (sent.dtype.kind != "f" or np.array_equal(np.isnan(got), nan)), f"{got!r}, sent {sent!r}")


def refused(what, call, **expected):
    try:
        check(what, False, f"not refused: {call()!r}")
    except Problem as problem:
        got = {name: getattr(problem, name) for name in expected}
        check(what, got == expected, f"{got}, expected {expected}")


@contextlib.contextmanager
def raises(what, kind):
    try:
        yield
    except kind:
        check(what, True)
    except Exception as error:  # noqa: BLE001, any other error is a failure
        check(what, False, repr(error))
    else:
        check(what, False, "nothing was raised")


def counts(key):
    with urllib.request.urlopen(f"{PROXY}/counts/python-{key}-{RUN}") as answer:
        return json.load(answer)


def derivatives():
    a, x = numbers.normal(size=(3, 4)), numbers.normal(size=4)
    outputs, gradients = client.value_and_grad("y = sum(exp(a @ x))", {"a": a, "x": x})
    weights = np.exp(a @ x)
    equal("value", outputs["y"], weights.sum(), 1e-14)
    equal("gradient of a vector", gradients["x"], a.T @ weights, 1e-13)
    equal("gradient of a matrix", gradients["a"], np.outer(weights, x), 1e-13)
    equal("evaluate", client.evaluate("y = a @ x", {"a": a, "x": x})["y"], a @ x, 1e-14)
    ct = numbers.normal(size=3)
    only_x = client.gradients("y = a @ x", {"a": a, "x": x}, wrt="x", cotangents={"y": ct})
    check("wrt takes one name", list(only_x) == ["x"], only_x)
    equal("cotangents", only_x["x"], a.T @ ct, 1e-14)
    equal("Jacobian", client.jacobian("y = a @ x", {"a": a, "x": x})["y"]["x"], a, 1e-15)
    stacked = client.jacobian("y = s * (a @ x)", {"a": a, "x": x, "s": 2.0}, wrt=["x", "s"], stacked=True)
    equal("stacked Jacobian", stacked, np.column_stack([2 * a, a @ x]), 1e-14)
    equal("Hessian", client.hessian("y = sum(x ** 3)", {"x": x})["x"]["x"], np.diag(6 * x), 1e-13)
    equal("stacked Hessian", client.hessian("y = sum(x ** 3)", {"x": x}, stacked=True), np.diag(6 * x), 1e-13)
    v = numbers.normal(size=4)
    equal("Hessian times vector", client.hvp("y = sum(x ** 3)", {"x": x}, {"x": v})["x"], 6 * x * v, 1e-13)
    outputs, tangents = client.jvp("y = sin(x)", {"x": x}, {"x": v})
    equal("jvp value", outputs["y"], np.sin(x), 1e-15)
    equal("jvp tangent", tangents["y"], np.cos(x) * v, 1e-14)
    each = client.gradients("y = k * x ** 2", {"x": x, "k": 3.0}, batch="x", per_example=True)
    equal("one gradient for each example", each["k"], x**2, 1e-14)
    graph = {"nodes": [{"op": "mul", "inputs": ["x", "c"], "outputs": ["y"]}], "constants": {"c": np.array([2.0, 3.0])}}
    equal("a graph as a dict, with an array in it", client.evaluate(graph, {"x": [1.0, 1.0]})["y"], [2.0, 3.0])
    answer = client.post("check", "y = sum(x ** 2)", {"x": x})
    check("check", answer["result"] == "passes", answer)
    check("headers of an answer", answer.headers["X-Request-Id"], answer.headers)


def exact_numbers():
    floats = [
        5e-324,
        -5e-324,
        2.2250738585072014e-308,
        -0.0,
        0.0,
        1e308,
        -1e308,
        0.1,
        1 / 3,
        math.nan,
        math.inf,
        -math.inf,
    ]
    for dtype in ("float64", "float32"):
        bits = numbers.integers(0, 256, 4000 * np.dtype(dtype).itemsize, np.uint8).view(dtype)
        with np.errstate(over="ignore", under="ignore"):
            special = np.array(floats).astype(dtype)
        same_bits(f"random bits of {dtype}", client.evaluate("y = x", {"x": bits})["y"], bits)
        same_bits(f"special numbers of {dtype}", client.evaluate("y = x", {"x": special})["y"], special)
        for number in special:
            same_bits(f"the scalar {number} of {dtype}", client.evaluate("y = x", {"x": number})["y"], number)
    same_bits("a list of floats", client.evaluate("y = x", {"x": floats})["y"], np.array(floats))
    for number in floats:
        same_bits(f"the float {number}", client.evaluate("y = x", {"x": number})["y"], np.float64(number))
    for dtype in ("int64", "int32"):
        limits = np.iinfo(dtype)
        whole = np.array([limits.min, limits.max, 0, -1, *numbers.integers(limits.min, limits.max, 100, dtype)], dtype)
        same_bits(f"random {dtype}", client.evaluate("y = x", {"x": whole})["y"], whole)
    same_bits(
        "an int beyond 2^53", client.evaluate("input x: int64[]\ny = x", {"x": 2**63 - 1})["y"], np.int64(2**63 - 1)
    )
    same_bits("bool", client.evaluate("y = ~x", {"x": np.array([[True], [False]])})["y"], np.array([[False], [True]]))
    shapes = [np.ones(()), np.ones(1), np.ones((1, 1)), np.ones(0), np.ones((0, 3)), np.ones((2, 0))]
    for array in shapes:
        same_bits(f"the shape {array.shape}", client.evaluate("y = x", {"x": array})["y"], array)
    square = numbers.normal(size=(3, 5))
    arranged = {
        "transposed": square.T,
        "Fortran's order": np.asfortranarray(square),
        "every second": square[::2, ::-2],
        "big-endian": square.astype(">f8"),
    }
    for name, array in arranged.items():
        same_bits(name, client.evaluate("y = x", {"x": array})["y"], np.array(array, "f8", order="C"))
    result = client.evaluate("y = x", {"x": square})["y"]
    result += 1  # must not be read-only
    check("a scalar is a NumPy scalar", isinstance(client.evaluate("y = x", {"x": 1.5})["y"], np.float64))
    equal(
        "numbers take the dtype of the request",
        client.evaluate("y = x", {"x": [1, 0.5]}, dtype="float32")["y"],
        np.array([1, 0.5], "float32"),
    )
    kept = client.evaluate("y = x", {"x": np.float64(0.1)}, dtype="float32")["y"]
    same_bits("a NumPy scalar keeps its dtype", kept, np.float64(0.1))
    equal(
        "a list is an index",
        client.evaluate("input x\ninput i: int64\ny = take(x, i)", {"x": square[0], "i": [2, 0]})["y"],
        square[0][[2, 0]],
    )


def errors():
    refused(
        "an unknown operator",
        lambda: client.evaluate("a = x\ny = a // 2", {"x": 1}),
        code="invalid_formula",
        status=400,
        pointer="/graph",
        line=2,
        column=7,
        excerpt="y = a // 2\n      ^",
    )
    refused(
        "shapes",
        lambda: client.evaluate("y = a @ b", {"a": np.ones((2, 3)), "b": np.ones((4, 5))}),
        code="shape_mismatch",
        status=422,
        line=1,
    )
    refused(
        "a misspelt option",
        lambda: client.evaluate("y = x", {"x": 1}, wtr=["x"]),
        code="unknown_member",
        pointer="/wtr",
    )
    refused("a missing input", lambda: client.evaluate("input x\ny = x"), code="input_mismatch", line=1)
    refused("an unknown endpoint", lambda: client.post("vjp", "y = x", {"x": 1}), status=404, code="not_found")
    refused(
        "a page instead of a problem",
        lambda: Client(f"{PROXY}/page/p").evaluate("y = x", {"x": 1}),
        status=502,
        code=None,
    )
    try:
        client.evaluate("y = a // 2", {"a": 1})
    except Problem as problem:
        copy = pickle.loads(pickle.dumps(problem))
        check("a problem can be pickled", (copy.code, str(copy)) == (problem.code, str(problem)), repr(copy))
        check("a problem shows the place", str(problem).endswith("y = a // 2\n      ^"), str(problem))
    with raises("float16 is no dtype", TypeError):
        client.evaluate("y = x", {"x": np.ones(2, "float16")})
    with raises("text is no tensor", TypeError):
        client.evaluate("y = x", {"x": "1"})
    with raises("inputs have names", TypeError):
        client.evaluate("y = x", [1, 2])
    with raises("an address has a scheme", ValueError):
        Client("localhost:8080")
    with raises("no server", ConnectionRefusedError):
        Client("http://127.0.0.1:9").evaluate("y = x", {"x": 1})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client.evaluate("y = x", {"x": 1.0, "z": 2.0})
    check("a warning", [w.category for w in caught] == [AutogradWarning] and "z" in str(caught[0].message), caught)
    check("a warning points at the caller", caught[0].filename == __file__, caught[0].filename)


def connections():
    started = time.monotonic()
    busy = Client(f"{PROXY}/busy/python-busy-{RUN}").evaluate("y = x + 1", {"x": 1.0})["y"]
    took = time.monotonic() - started
    check("503 twice, then an answer", busy == 2 and took >= 2 and counts("busy")["requests"] == 3, (busy, took))
    refused(
        "503 for ever",
        lambda: Client(f"{PROXY}/always-busy/python-always-{RUN}", retries=3).evaluate("y = x", {"x": 1}),
        status=503,
        code="overloaded",
    )
    check("a bounded number of tries", counts("always")["requests"] == 4, counts("always"))
    kept = Client(f"{PROXY}/plain/python-kept-{RUN}")
    total = sum(kept.evaluate("y = x", {"x": float(i)})["y"] for i in range(50))
    check(
        "one connection for 50 requests",
        total == 1225 and counts("kept") == {"requests": 50, "connections": 1},
        counts("kept"),
    )
    dropping = Client(f"{PROXY}/dropping/python-dropped-{RUN}")
    total = 0
    for i in range(5):
        total += dropping.evaluate("y = x", {"x": float(i)})["y"]
    check("a dropped connection is made again", total == 10 and counts("dropped")["requests"] == 5, counts("dropped"))

    shared, wrong = Client(f"{PROXY}/plain/python-threads-{RUN}"), []

    def work(worker):
        for i in range(25):
            x = np.arange(worker + 1.0) + i
            y = shared.gradients("y = sum(x ** 2)", {"x": x})["x"]
            if not np.array_equal(y, 2 * x):
                wrong.append((worker, i))

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = counts("threads")
    check("eight threads", not wrong and got["requests"] == 200 and got["connections"] == 8, (wrong, got))

    child = os.fork()
    if child == 0:
        same = all(kept.evaluate("y = x", {"x": float(i)})["y"] == i for i in range(20))
        os._exit(0 if same else 1)
    same = all(kept.evaluate("y = x", {"x": -float(i)})["y"] == -i for i in range(20))
    _, status = os.waitpid(child, 0)
    check(
        "a forked process has a connection of its own",
        same and status == 0 and counts("kept")["connections"] == 2,
        (same, status, counts("kept")),
    )

    equal("with a token", Client(GUARDED, token=TOKEN).evaluate("y = x", {"x": 1.0})["y"], 1.0)
    refused("without a token", lambda: Client(GUARDED).evaluate("y = x", {"x": 1}), status=401, code="unauthorized")
    large = np.zeros(2_000_000)
    refused("refused before the body is read", lambda: Client(GUARDED).evaluate("y = x", {"x": large}), status=401)


def solvers():
    rosenbrock = "f = sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)"
    f = client.fun_and_grad(rosenbrock, {"x": np.full(6, -0.5)})
    value, gradient = f(f.x0)
    equal("value for a solver", value, scipy.optimize.rosen(f.x0), 1e-14)
    equal("gradient for a solver", gradient, scipy.optimize.rosen_der(f.x0), 1e-13)
    equal("Hessian for a solver", f.hess(f.x0), scipy.optimize.rosen_hess(f.x0), 1e-13)
    v = numbers.normal(size=6)
    equal("Hessian times a direction", f.hessp(f.x0, v), scipy.optimize.rosen_hess(f.x0) @ v, 1e-12)
    for method, more in (("L-BFGS-B", {}), ("Newton-CG", {"hess": f.hess}), ("trust-ncg", {"hessp": f.hessp})):
        best = scipy.optimize.minimize(f, f.x0, jac=True, method=method, tol=1e-8, **more)
        equal(f"{method} finds the minimum", best.x, np.ones(6), 1e-4)

    x, t = numbers.normal(size=(40, 3)), numbers.normal(size=40)
    f = client.fun_and_grad(
        "r = x @ w + b - t\nloss = mean(r ** 2)\nreturn loss, r", {"w": np.zeros(3), "b": 0.0}, "loss", x=x, t=t
    )
    best = scipy.optimize.minimize(f, f.x0, jac=True, tol=1e-12)
    expected = np.linalg.lstsq(np.column_stack([x, np.ones(40)]), t, rcond=None)[0]
    fitted = f.unflatten(best.x)
    equal("a regression, one of several outputs", np.append(fitted["w"], fitted["b"]), expected, 1e-6)
    with raises("a vector output cannot be minimised", ValueError):
        client.fun_and_grad("y = x * 2", {"x": np.ones(2)})(np.ones(2))
    tensors = {"m": np.arange(6.0).reshape(2, 3), "s": 2.5, "h": np.ones(2, "float32")}
    vector, unflatten = flatten(tensors)
    back = unflatten(vector)
    check(
        "flatten and back",
        all(np.array_equal(back[n], tensors[n]) for n in tensors)
        and back["h"].dtype == np.float32
        and back["s"].shape == ()
        and list(vector) == [0, 1, 2, 3, 4, 5, 2.5, 1, 1],
        (vector, back),
    )
    with raises("a vector of another length", ValueError):
        unflatten(vector[1:])


def torch_functions():
    import torch

    f = Client(f"{PROXY}/plain/python-torch-{RUN}").torch_function("y = sum(sin(x) * w)", ["x", "w"])
    x = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64, requires_grad=True)
    w = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    y = f(x, w)
    (3 * y).backward()
    equal("torch: value", y.detach().numpy(), np.sum(np.sin([0.1, 0.2, 0.3]) * [1, -2, 3]), 1e-15)
    equal("torch: gradient", x.grad.numpy(), 3 * np.cos([0.1, 0.2, 0.3]) * [1, -2, 3], 1e-14)
    check("torch: a scalar and its gradient are one request", counts("torch")["requests"] == 1, counts("torch"))
    a = torch.tensor(numbers.normal(size=(2, 3)), requires_grad=True)
    b = torch.tensor(numbers.normal(size=3), requires_grad=True)
    two = client.torch_function("y = a @ b\nz = exp(b)\nreturn y, z", ["a", "b"])
    check("torch: gradcheck, two outputs", torch.autograd.gradcheck(two, (a, b)))
    picks = client.torch_function("y = take(x, i)", ["x", "i"])
    picked = picks(x, torch.tensor([2, 0]))
    x.grad = None
    (picked * torch.tensor([5.0, 7.0], dtype=torch.float64)).sum().backward()
    equal("torch: an integer input has no gradient", x.grad.numpy(), np.array([7.0, 0, 5.0]))
    single = torch.tensor([1.5], requires_grad=True)
    client.torch_function("y = x * 2", ["x"])(single).sum().backward()
    equal("torch: float32", single.grad.numpy(), np.array([2.0], "float32"))


def jax_functions():
    import jax

    jax.config.update("jax_enable_x64", True)
    f = client.jax_function("y = sum(sin(x) * w)", ["x", "w"])
    x, w = jax.numpy.array([0.1, 0.2, 0.3]), jax.numpy.array([1.0, -2.0, 3.0])
    equal("jax: value", f(x, w), np.sum(np.sin(x) * w), 1e-15)
    equal("jax: gradient", jax.grad(f)(x, w), np.cos(x) * np.asarray(w), 1e-14)
    equal("jax: jit of a gradient", jax.jit(jax.grad(lambda x: 3 * f(x, w)))(x), 3 * np.cos(x) * np.asarray(w), 1e-14)
    rows = jax.numpy.stack([x, 2 * x])
    equal("jax: vmap of a gradient", jax.vmap(jax.grad(f), (0, None))(rows, w), np.cos(rows) * np.asarray(w), 1e-14)
    two = client.jax_function("y = a @ b\nz = exp(b)\nreturn y, z", ["a", "b"])
    a, b = jax.numpy.array(numbers.normal(size=(2, 3))), jax.numpy.array(numbers.normal(size=3))
    equal("jax: reverse mode through two outputs", jax.jacrev(lambda b: two(a, b)[0])(b), np.asarray(a), 1e-14)
    equal(
        "jax: a sum of both", jax.grad(lambda b: sum(map(jax.numpy.sum, two(a, b))))(b), np.sum(a, 0) + np.exp(b), 1e-13
    )
    picks = client.jax_function("y = take(x, i)", ["x", "i"])
    equal(
        "jax: an integer input has no gradient",
        jax.grad(lambda x: picks(x, jax.numpy.array([2, 0])) @ jax.numpy.array([5.0, 7.0]))(x),
        np.array([7.0, 0, 5.0]),
    )
    single = jax.numpy.array([1.5], "float32")
    equal(
        "jax: float32",
        jax.grad(lambda x: client.jax_function("y = x * 2", ["x"])(x).sum())(single),
        np.array([2.0], "float32"),
    )


def registered_graphs():
    name = f"clients-python-{os.getpid()}"
    info = client.put(name, "y = sum(k * x ** 2)", description="a test", defaults={"k": np.float64(3)}, create=True)
    try:
        first = info["version"]
        equal("evaluate by name", client.graph(name).evaluate({"x": [1.0, 2.0]})["y"], 15.0)
        equal("the same through the client", client.evaluate(client.graph(name), {"x": [1.0, 2.0]})["y"], 15.0)
        equal("gradients by name", client.graph(name).gradients({"x": [1.0, 2.0]})["x"], [6.0, 12.0])
        pinned = client.graph(name).pinned()
        check("a pinned version", pinned.name == f"{name}@{first}", pinned.name)
        refused("it exists", lambda: client.put(name, "y = x", create=True), status=412, code="precondition_failed")
        second = client.put(name, "y = sum(x ** 3)", if_match=first)
        check("the next version", second["version"] == first + 1, second)
        refused("it has changed", lambda: client.put(name, "y = x", if_match=first), status=412)
        refused("by its entity tag", lambda: client.put(name, "y = x", if_match=f'"{first}"'), status=412)
        equal("the newest", client.graph(name).evaluate({"x": [2.0]})["y"], 8.0)
        equal("the old one", pinned.evaluate({"x": [2.0]})["y"], 12.0)
        f = client.graph(name).fun_and_grad({"x": np.array([2.0])})
        check("a solver by name", f(f.x0)[0] == 8 and f(f.x0)[1].tolist() == [12], f(f.x0))
        check("get", client.get(name)["version"] == first + 1, client.get(name))
        check("versions", [v["version"] for v in client.versions(name)] == [first, first + 1], client.versions(name))
        check("source", b"x ** 3" in client.source(name), client.source(name))
        check("list", name in [g["name"] for g in client.list("clients-python")])
        names = [f"{name}.{i}" for i in range(3)]
        for each in names:
            client.put(each, "y = x")
        check("list by prefix", [g["name"] for g in client.list(name + ".")] == names, list(client.list(name + ".")))
        for each in names:
            client.delete(each)
        refused(
            "a mistake in a stored graph",
            lambda: client.put(name, "y = x // 2"),
            code="invalid_formula",
            line=1,
            column=7,
        )
    finally:
        client.delete(name)
    refused("it is gone", lambda: client.get(name), status=404)


def main():
    parts = [derivatives, exact_numbers, errors, connections, solvers]
    for module, part in (("torch", torch_functions), ("jax", jax_functions)):
        try:
            __import__(module)
            parts.append(part)
        except ImportError:
            print(f"python: {module} is not installed: its functions are not tested")
    try:
        list(client.list("none"))
        parts.append(registered_graphs)
    except Problem as problem:
        check("only a server without registered graphs has no list", problem.status == 404, problem)
        print("python: the server has no registered graphs: they are not tested")
    for part in parts:
        part()
    print(f"python: {passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
