"""Requests of some kilobytes that grow: into answers, derivatives, graphs and work. Each asks to be answered within a second."""

from endure.bombs import FINE, LIMIT, Bomb
from endure.families import ENDPOINTS, FAMILIES, node, request

LATE, OVERLOADED = (504, "deadline_exceeded"), (503, "overloaded")
DOMAIN = (422, "domain_error")
# A server with little room, as in a small container.
SMALL = ("--max-bytes-in-flight", str(128 << 20))
# Where a limit is reached, time runs out, or it is done: all are right, if in time and within the memory.
ANY = (FINE, LIMIT, LATE, OVERLOADED)


def made(name, graph, endpoint="evaluate", answers=ANY, options=(), copies=1, size=512 << 20, seconds=1.5):
    """A second is what it asks for; some more is for the way, and for what cannot be stopped in its middle."""
    return Bomb(f"{name}, {endpoint}", request(graph, endpoint, "Request-Timeout: 1"), answers, seconds, size, options, copies)


def of(family, count, *endpoints, **more):
    return [made(f"{family} of {count}", FAMILIES[family][0](count), endpoint, **more) for endpoint in endpoints]


def answers_of(outputs, elements, **more):
    nodes = [node("broadcast_to", "s", "x", shape=[elements])] + [node("neg", "x", f"y{i}") for i in range(outputs)]
    return made(f"{outputs} answers of {elements} numbers", (nodes, {"s": 1.2345678901234567}), "values", **more)


def large_answers():
    """Time of a request ends with its answer; to be fetched, 90 MB take longer."""
    return [
        answers_of(100, 95_000, options=SMALL, size=192 << 20, seconds=6), answers_of(1040, 95_000, options=SMALL, size=192 << 20),
        answers_of(100, 95_000, size=1 << 30, seconds=6), answers_of(1040, 95_000, size=3 << 30, seconds=6),
        *of("empty_lists", 99_999_999, "evaluate", "jacobian", "hessian", "check", "inspect", options=SMALL, size=192 << 20),
        *of("large_answers", 2000, "evaluate", "jvp", "inspect", options=SMALL, size=192 << 20, seconds=6),
    ]


def derivatives():
    return [
        *of("scalar_inputs_stacked", 1500, "hessian", "jacobian", "hvp", "check", "inspect hessian", options=SMALL, size=192 << 20),
        *of("scalar_inputs_stacked", 2000, "check"),
        *of("scalar_inputs_stacked", 4000, "hessian", "jacobian"),
        *of("scalar_inputs_stacked", 30_000, "hessian", "jacobian", "check", "inspect hessian"),
        *of("scalar_inputs_and_outputs", 1500, "jacobian", "hessian", "inspect jacobian", options=SMALL, size=192 << 20),
        *of("scalar_inputs_and_outputs", 4000, "jacobian", "hessian", "inspect hessian"),
        *of("scalar_inputs_and_outputs", 30_000, "jacobian", "hessian"),
        *of("vector_input_dense_hessian", 4000, "hessian", "check"),
        *of("vector_to_vector", 3000, "jacobian", "hessian", "check"),
        *of("split_into_many", 1024, "jacobian", "hessian", "inspect jacobian"),
        *of("grads_around_grads", 8, *ENDPOINTS), *of("grads_around_grads", 12, "evaluate", "check", "jvp", "inspect"),
        *of("grads_around_grads", 17, *ENDPOINTS),
        *of("grad_of_each_in_a_chain", 512, "evaluate", "jacobian", "hessian", "hvp", "check", "inspect hessian", size=1 << 30),
        *of("split_with_grads", 4000, "evaluate", "hessian", "check", "inspect", size=1 << 30),
        *of("grads_in_a_concat", 2000, "evaluate", "hessian", "check", "inspect", size=1 << 30),
    ]


def much_planning():
    texts = FAMILIES["chain_of_softmax"][0](20_000)
    return [
        *of("einsums_chained", 3, "evaluate", "hessian", "check", "inspect hessian"),
        *of("einsums_chained", 40, "evaluate", "jacobian", "inspect", size=1 << 30),
        *of("slices_summed", 20_000, "evaluate", "hessian", "inspect", size=1 << 30),
        *of("chain_of_slice", 50_000, "evaluate", "hvp", size=1 << 30),
        made("a large text", texts, "inspect", size=1 << 30), made("a large text", texts, "inspect hessian", size=1 << 30),
    ]


def much_work():
    diff = [node("broadcast_to", "s", "x", shape=[2_000_000]), node("diff", "x", "y", n=10 ** 6)]
    expm = {"x": [[1e150, 1.0], [1.0, 0.5]]}
    return [
        *[made("diff with n of 10^6", (diff, {"s": 1}), endpoint) for endpoint in ("evaluate", "hessian", "check", "inspect")],
        *of("kron_of_vectors", 100_000, "evaluate", "hessian", "check"), *of("outer_of_vectors", 100_000, "evaluate", "jacobian", "check"),
        *of("outer_of_vectors", 220_000, "values", "evaluate"), *of("large_svd", 1024, "values", "check"), *of("large_matmul", 3000, "values"),
        *[made("expm of norm 10^150", ([node("expm", "x", "y")], expm), endpoint, answers=(*ANY, DOMAIN))
          for endpoint in ("evaluate", "hessian", "check")],
        made("six copies of a graph that fails", FAMILIES["grads_around_grads"][0](14), copies=6, size=1 << 30),
        made("six copies of a check that fails", FAMILIES["grads_around_grads"][0](14), "check", copies=6, size=1 << 30),
    ]


def growing_bombs():
    return large_answers() + derivatives() + much_planning() + much_work()
