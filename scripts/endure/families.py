"""Graphs that a client could think of to make the server work: each family is a function of a size.

A family gives nodes and inputs, and further members of the request. The same graph is sent to every endpoint that takes graphs."""

import random
import string

from endure.wire import post

FAMILIES = {}
# Where a graph can be sent: the path, and the members of the request that it needs.
ENDPOINTS = {
    "evaluate": ("evaluate", {}), "values": ("evaluate", {"gradients": False}), "jvp": ("jvp", {"tangents": {}}), "jacobian": ("jacobian", {}),
    "hessian": ("hessian", {}), "hvp": ("hvp", {"vectors": {}}), "check": ("check", {}), "inspect": ("inspect", {}),
    "inspect hessian": ("inspect", {"for": "hessian"}),
    "inspect jacobian": ("inspect", {"for": "jacobian"}),
}


def request(made, endpoint, *headers):
    """What a family made, as bytes: nodes, inputs, and perhaps members of the request, and of the graph."""
    nodes, inputs, members, parts = (*made, {}, {})[:4]
    path, more = ENDPOINTS[endpoint]
    return post(f"/v1/{path}", {"graph": {"nodes": nodes, **parts}, "inputs": inputs, **members, **more}, *headers)


def family(start=512, most=1 << 22):
    """Sizes are doubled from `start` on, up to `most`."""
    def add(function):
        FAMILIES[function.__name__] = (function, start, most)
        return function
    return add


def node(op, inputs, outputs, **attributes):
    made = {"op": op, "inputs": inputs if isinstance(inputs, list) else [inputs],
            "outputs": outputs if isinstance(outputs, list) else [outputs]}
    if attributes:
        made["attributes"] = attributes
    return made


def chained(op, count, more=(), **attributes):
    """y0 = x, then each of the last: more operands may follow, "y" stands for the last."""
    return [node(op, [f"y{i}", *(f"y{i}" if each == "y" else each for each in more)], f"y{i + 1}", **attributes) for i in range(count)]


SCALAR, VECTOR = {"y0": 0.5}, {"y0": [0.5, 0.25, 0.125]}


# Chains and fans

@family()
def chain_of_sin(n):
    return chained("sin", n), SCALAR


@family()
def chain_of_squares(n):
    return chained("mul", n, ["y"]), SCALAR


@family()
def chain_of_sums_with_itself(n):
    return chained("add", n, ["y"]), SCALAR


@family()
def chain_of_tanh_of_vectors(n):
    return chained("tanh", n), VECTOR


@family()
def chain_backwards(n):
    return chained("sin", n)[::-1], SCALAR


@family()
def fan_out(n):
    return [node("sin", "x", f"y{i}") for i in range(n)], {"x": 0.5}


@family()
def fan_out_and_in(n):
    return [node("mul", ["x", i + 0.5], f"y{i}") for i in range(n)] + [node("stack", [f"y{i}" for i in range(n)], "y"), node("sum", "y", "s")], {"x": 0.5}


@family()
def equal_nodes(n):
    return [node("sin", "x", f"y{i}") for i in range(n)] + [node("add", ["y0", f"y{n - 1}"], "s")], {"x": 0.5}, {"outputs": ["s"]}


@family()
def unneeded_nodes(n):
    return [node("mul", ["x", i + 0.5], f"y{i}") for i in range(n)], {"x": 0.5}, {"outputs": ["y0"]}


@family()
def lattice(n):
    """Every value is used twice, so that there are 2^n paths."""
    nodes = []
    for i in range(n):
        nodes += [node("sin", f"a{i}", f"u{i}"), node("cos", f"a{i}", f"v{i}"), node("mul", [f"u{i}", f"v{i}"], f"a{i + 1}")]
    return nodes, {"a0": 0.5}


@family()
def everything_with_everything(n):
    """About 2n^0.5 values, each multiplied with each."""
    side = max(2, int(n ** 0.5))
    nodes = [node("sin", f"x{i}", f"s{i}") for i in range(side)]
    nodes += [node("mul", [f"s{i}", f"s{j}"], f"p{i}_{j}") for i in range(side) for j in range(side)]
    nodes += [node("stack", [f"p{i}_{j}" for i in range(side) for j in range(side)], "y"), node("sum", "y", "s")]
    return nodes, {f"x{i}": 0.5 for i in range(side)}


# Inputs and outputs

@family()
def scalar_inputs_stacked(n):
    names = [f"a{i}" for i in range(n)]
    return [node("stack", names, "v"), node("sin", "v", "w"), node("sum", "w", "y")], {name: 0.5 for name in names}


@family()
def scalar_inputs_multiplied(n):
    names = [f"a{i}" for i in range(n)]
    nodes = [node("mul", ["a0", "a1"], "p1")] + [node("mul", [f"p{i - 1}", f"a{i}"], f"p{i}") for i in range(2, n)]
    return nodes, {name: 1.01 for name in names}


@family()
def scalar_inputs_and_outputs(n):
    return [node("sin", f"a{i}", f"y{i}") for i in range(n)], {f"a{i}": 0.5 for i in range(n)}


@family()
def vector_input(n):
    return [node("sin", "x", "s"), node("sum", "s", "y")], {"x": [0.5] * n}


@family()
def vector_input_dense_hessian(n):
    return [node("sum", "x", "t"), node("sin", "t", "y")], {"x": [0.5] * n}


@family()
def vector_to_vector(n):
    return [node("cumsum", "x", "s", axis=0), node("sin", "s", "y")], {"x": [0.5] * n}


@family()
def batch_of_vectors(n):
    return [node("sin", "x", "s"), node("mul", ["s", "w"], "y")], {"x": [0.5] * n, "w": 0.5}, {"batch": ["x"], "per_example": True}


@family()
def batched_inputs(n):
    names = [f"a{i}" for i in range(n)]
    return [node("stack", names, "v"), node("sum", "v", "y")], {name: [0.5, 0.25] for name in names}, {"batch": names}


@family()
def constants(n):
    return ([node("mul", ["x", f"c{i}"], f"y{i}") for i in range(n)], {"x": 0.5}, {"outputs": ["y0"]}, {"constants": {f"c{i}": i + 0.5 for i in range(n)}})


@family()
def declared_inputs(n):
    declared = [{"name": f"a{i}", "shape": ["n", None]} for i in range(n)]
    return [node("sum", f"a{i}", f"y{i}") for i in range(n)], {f"a{i}": [[0.5]] for i in range(n)}, {"outputs": ["y0"]}, {"inputs": declared}


# Derivatives in graphs

@family(start=1)
def grads_around_grads(n):
    nodes = [node("mul", ["x", "x"], "f0")]
    for i in range(n):
        nodes += [node("sin", f"f{i}", f"s{i}"), node("mul", [f"s{i}", f"f{i}"], f"t{i}"), node("grad", [f"t{i}", "x"], f"f{i + 1}")]
    return nodes, {"x": 0.5}


@family(start=1)
def grads_around_grads_alone(n):
    nodes = [node("exp", "x", "e"), node("tanh", "e", "f0")]
    return nodes + [node("grad", [f"f{i}", "x"], f"f{i + 1}") for i in range(n)], {"x": 0.5}


@family()
def grad_of_each_in_a_chain(n):
    return chained("sin", n) + [node("grad", [f"y{i + 1}", "y0"], f"g{i}") for i in range(n)], SCALAR


@family()
def grad_by_each_in_a_chain(n):
    return chained("sin", n) + [node("grad", [f"y{n}", f"y{i}"], f"g{i}") for i in range(n)], SCALAR


@family()
def equal_grads(n):
    return [node("sin", "x", "y")] + [node("grad", ["y", "x"], f"g{i}") for i in range(n)], {"x": 0.5}


@family()
def grads_in_a_concat(n):
    nodes = [node("sin", "x", "s"), node("sum", "s", "t")]
    nodes += [node("mul", ["t", i + 0.5], f"t{i}") for i in range(n)] + [node("grad", [f"t{i}", "x"], f"g{i}") for i in range(n)]
    return nodes + [node("concat", [f"g{i}" for i in range(n)], "y", axis=0)], {"x": [0.5, 0.25]}


@family()
def split_with_grads(n):
    nodes = [node("split", "x", [f"p{i}" for i in range(n)], axis=0), node("sum", "p0", "s")]
    return nodes + [node("grad", ["s", "x"], f"g{i}") for i in range(n // 5)], {"x": [0.5] * n}, {"outputs": ["s"]}


@family()
def split_with_grads_of_each(n):
    parts = [f"p{i}" for i in range(n)]
    nodes = [node("split", "x", parts, axis=0)] + [node("sum", part, f"s{part}") for part in parts]
    return nodes + [node("grad", [f"s{part}", "x"], f"g{part}") for part in parts], {"x": [0.5] * n}, {"outputs": ["sp0"]}


@family()
def grad_by_many(n):
    names = [f"a{i}" for i in range(n)]
    nodes = [node("stack", names, "v"), node("sin", "v", "w"), node("sum", "w", "y")]
    return nodes + [node("grad", ["y", *names], [f"g{i}" for i in range(n)])], {name: 0.5 for name in names}


@family()
def grads_by_many_each(n):
    side = max(2, int(n ** 0.5))
    names = [f"a{i}" for i in range(side)]
    nodes = [node("stack", names, "v"), node("sin", "v", "w"), node("sum", "w", "y")]
    nodes += [node("mul", ["y", k + 0.5], f"y{k}") for k in range(side)]
    nodes += [node("grad", [f"y{k}", *names], [f"g{k}_{i}" for i in range(side)]) for k in range(side)]
    return nodes, {name: 0.5 for name in names}


# Shapes and indices

@family()
def large_shape(n):
    return [node("broadcast_to", "x", "b", shape=[n]), node("exp", "b", "e"), node("sum", "e", "y")], {"x": 0.5}


@family()
def large_answers(n):
    """Each of n outputs has n numbers."""
    return [node("broadcast_to", "x", "b", shape=[n])] + [node("neg", "b", f"y{i}") for i in range(n)], {"x": 1.2345678901234567}


@family()
def empty_lists(n):
    return [node("broadcast_to", "x", "y", shape=[n, 0])], {"x": {"shape": [0], "data": []}}


@family()
def split_into_many(n):
    return [node("split", "x", [f"p{i}" for i in range(n)], axis=0)], {"x": [0.5] * n}


@family()
def concat_of_one_value(n):
    return [node("concat", ["x"] * n, "y", axis=0), node("sum", "y", "s")], {"x": [0.5, 0.25]}


@family()
def stack_of_one_value(n):
    return [node("stack", ["x"] * n, "y", axis=0), node("sum", "y", "s")], {"x": [0.5, 0.25]}


@family(start=1)
def concat_doubling(n):
    return chained("concat", n, ["y"], axis=0), {"y0": [0.5]}


@family(start=1)
def outer_doubling(n):
    nodes = []
    for i in range(n):
        nodes += [node("outer", [f"y{i}", f"y{i}"], f"o{i}"), node("reshape", f"o{i}", f"y{i + 1}", shape=[-1])]
    return nodes, {"y0": [0.5, 0.25]}


@family(start=1)
def kron_doubling(n):
    return chained("kron", n, ["y"]), {"y0": [[0.5, 0.25]]}


@family()
def kron_of_vectors(n):
    return [node("broadcast_to", "x", "b", shape=[n, 1]), node("broadcast_to", "x", "c", shape=[1, n]), node("kron", ["b", "c"], "k"),
            node("sum", "k", "y")], {"x": 0.5}


@family()
def outer_of_vectors(n):
    return [node("broadcast_to", "x", "b", shape=[n]), node("sin", "b", "c"), node("outer", ["c", "c"], "k"), node("sum", "k", "y")], {"x": 0.5}


def shape_chain(op, inputs=None, **attributes):
    """A family that repeats an operation on shapes; no instruction may be needed for any."""
    def made(n):
        return chained(op, n, **attributes), inputs or {"y0": [[0.5, 0.25], [0.125, 0.5]]}
    made.__name__ = f"chain_of_{op}"
    family()(made)


shape_chain("slice", {"y0": [0.5, 0.25, 0.125]}, starts=[0], ends=[3])
shape_chain("flip", axis=[0])
shape_chain("transpose", axes=[1, 0])
shape_chain("roll", shift=1, axis=0)
shape_chain("pad", widths=[[1, 1], [0, 0]])
shape_chain("tile", repetitions=[1, 1])
shape_chain("cumsum", axis=0)
shape_chain("cumprod", axis=0)
shape_chain("sort", axis=0)
shape_chain("softmax", axis=0)
shape_chain("logcumsumexp", axis=0)
shape_chain("reshape", shape=[2, 2])
shape_chain("broadcast_to", shape=[2, 2])
shape_chain("matrix_power", n=3)
shape_chain("inv")
shape_chain("expm")
shape_chain("cholesky")


@family()
def slices_that_shrink(n):
    return [node("slice", f"y{i}", f"y{i + 1}", starts=[1]) for i in range(n)], {"y0": [0.5] * (n + 1)}


@family()
def slices_summed(n):
    nodes = [node("slice", "x", f"p{i}", starts=[i], ends=[i + 1]) for i in range(n)] + [node("add", ["p0", "p1"], "s1")]
    return nodes + [node("add", [f"s{i - 1}", f"p{i}"], f"s{i}") for i in range(2, n)], {"x": [0.5] * n}


@family()
def diff_many_times(n):
    return [node("broadcast_to", "x", "b", shape=[2 * n]), node("diff", "b", "y", n=n)], {"x": 0.5}


@family()
def take_long_list(n):
    return [node("take", ["x", [0] * n], "t", axis=0), node("sum", "t", "y")], {"x": [0.5, 0.25]}


@family()
def takes_of_long_constant(n):
    return [node("take", ["x", {"dtype": "int64", "shape": [1000], "data": [0] * 1000}], f"t{i}", axis=0) for i in range(n)], {"x": [0.5, 0.25]}, \
        {"outputs": ["t0"]}


@family()
def scatter_adds(n):
    return chained("scatter_add", n, [[0, 1], [1.5, 2.5]], axis=0), {"y0": [0.5, 0.25]}


@family()
def axes_list(n):
    return [node("sum", "x", "y", axis=[0] * n)], {"x": [0.5]}


@family()
def shape_list(n):
    return [node("reshape", "x", "y", shape=[1] * n)], {"x": 0.5}


@family()
def quantiles_list(n):
    return [node("quantile", "x", "y", q=[i / n for i in range(n)], axis=0)], {"x": [0.5, 0.25, 0.75]}


@family()
def split_sizes_list(n):
    return [node("split", "x", [f"p{i}" for i in range(n)], axis=0, splits=[1] * n)], {"x": [0.5] * n}, {"outputs": ["p0"]}


# Products

@family(start=2)
def einsum_one_letter(n):
    return [node("einsum", ["x"] * n, "y", equation=",".join(["a"] * n) + "->a")], {"x": [0.5, 0.25]}


@family(start=2)
def einsum_chain_of_matrices(n):
    letters = string.ascii_letters
    terms = [letters[i % 52] + letters[(i + 1) % 52] for i in range(n)]
    return [node("einsum", ["x"] * n, "y", equation=",".join(terms) + "->")], {"x": [[0.5, 0.25], [0.125, 0.5]]}


@family(start=2)
def einsum_scalars(n):
    return [node("einsum", ["x"] * n, "y", equation="," * (n - 1) + "->")], {"x": 0.5}


@family(start=2, most=52)
def einsum_many_letters(n):
    letters = string.ascii_letters[:n]
    return [node("einsum", ["x"] * n, "y", equation=",".join(letters) + "->")], {"x": [0.5]}


@family(start=1)
def einsums_chained(n):
    return chained("einsum", n, ["y"] * 255, equation=",".join(["a"] * 256) + "->a"), VECTOR


@family()
def einsums_of_32(n):
    return chained("einsum", n, ["y"] * 31, equation=",".join(["a"] * 32) + "->a"), VECTOR


@family()
def matmul_chain(n):
    return chained("matmul", n, ["y"]), {"y0": [[0.5, 0.25], [0.125, 0.5]]}


@family()
def large_matmul(n):
    return [node("broadcast_to", "x", "b", shape=[n, n]), node("exp", "b", "e"), node("matmul", ["e", "e"], "m"), node("sum", "m", "y")], {"x": 0.5}


@family(start=1)
def matrix_power_large(n):
    return [node("matrix_power", "x", "y", n=min(n ** 8, 2 ** 62))], {"x": [[0.5, 0.25], [0.125, 0.5]]}


@family()
def expm_large_norm(n):
    return [node("expm", "x", "y")], {"x": [[10.0 ** min(n // 2, 300), 1.0], [1.0, 0.5]]}


def of_matrices(op, results=1):
    def made(n):
        side = min(n, 1 << 12)
        nodes = [node("broadcast_to", "x", "b", shape=[side]), node("cumsum", "b", "c", axis=0), node("diag", "c", "d"),
                 node(op, "d", [f"r{i}" for i in range(results)])]
        return nodes, {"x": 0.5}, {"outputs": ["r0"]}
    made.__name__ = f"large_{op}"
    family(most=1 << 12)(made)


for _op, _results in (("inv", 1), ("det", 1), ("cholesky", 1), ("eigh", 2), ("svd", 3), ("qr", 2), ("expm", 1), ("pinv", 1)):
    of_matrices(_op, _results)


@family()
def sorts_of_large(n):
    return [node("broadcast_to", "x", "b", shape=[n]), node("sort", "b", "s", axis=0), node("argsort", "s", "a", axis=0), node("sum", "s", "y")], \
        {"x": 0.5}, {"outputs": ["y"]}


@family()
def cdist_of_large(n):
    return [node("broadcast_to", "x", "b", shape=[n, 3]), node("cdist", ["b", "b"], "d"), node("sum", "d", "y")], {"x": 0.5}


# Everything mixed

@family()
def random_elementwise(n):
    chance = random.Random(n)
    names, nodes = ["x", "z"], []
    for i in range(n):
        if chance.random() < 0.5:
            nodes.append(node(chance.choice(("sin", "tanh", "exp", "sigmoid", "softplus", "atan", "erf")), chance.choice(names[-20:]), f"y{i}"))
        else:
            nodes.append(node(chance.choice(("add", "mul", "maximum", "hypot", "logaddexp")), [chance.choice(names[-20:]), chance.choice(names)], f"y{i}"))
        names.append(f"y{i}")
    return nodes, {"x": 0.5, "z": [0.25, 0.75]}, {"outputs": [names[-1]]}
