"""Graphs that a client could think of to make planning dear: chains, fans, thousands of inputs, derivatives in derivatives."""

from endure.making import SCALAR, VECTOR, chained, family, node


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
