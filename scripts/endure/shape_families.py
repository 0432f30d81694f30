"""Graphs that a client could think of to make much of little: shapes, indices, products, and work that a few bytes ask for."""

import random
import string

from endure.making import VECTOR, chained, family, node


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
