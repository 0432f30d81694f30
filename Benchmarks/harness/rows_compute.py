"""The rows that are about computing: the server's `run` of Server-Timing, against programs in C and the peers' own processes."""

import statistics
import time

from . import workloads
from .cast import ALL, ONE
from .measure import LIMIT, OURS, PEER, Party, Row, Target

EVALUATE = "/v1/evaluate"


def rows(cast, quick):
    result = [network(cast, quick), chain(cast, 10**6, "float32", quick), chain(cast, 10**6, "float64", quick)]
    if not quick:
        result += [
            chain(cast, 10**7, "float32", quick), chain(cast, 10**7, "float64", quick),
            chain(cast, 10**6, "float32", quick, ALL), chain(cast, 10**7, "float32", quick, ALL), chain(cast, 10**7, "float64", quick, ALL)]
    result += [product(cast, ONE, True, quick)]
    if not quick:
        result += [product(cast, ALL, True, quick), product(cast, ONE, False, quick)]
    return result + [deep(cast, quick), unseen(cast, quick), first_of_a_graph(cast, quick)]


def inside(cast, server, make_body, repeats, phases=("run",), scale=1.0):
    """The fewest milliseconds that the phases took, times `scale`. The body is made for each round and not kept: some are large."""
    def measure():
        client, body, fewest = cast.client(server), make_body(), None
        # Once more than counts: the first fills caches.
        for repeat in range(repeats + 1):
            times = client.post(EVALUATE, body)[1]
            total = sum(times[phase] for phase in phases)
            if repeat > 0:
                fewest = total if fewest is None else min(fewest, total)
        return fewest * scale

    return measure


def worker(one, case, size, repeats, scale=1000.0):
    return lambda: one.seconds(case, size, repeats) * scale


def engines(cast, cpus, case, size, repeats, scale=1000.0):
    return [
        Party("JAX", PEER, worker(cast.jax[cpus], case, size, repeats, scale)),
        Party("PyTorch", PEER, worker(cast.torch[cpus], case, size, repeats, scale))]


def server(cast, cpus):
    return cast.roomy if cpus == ONE else cast.roomy_all


def where(cpus):
    return "" if cpus == ONE else ", all cores"


def network(cast, quick):
    repeats = 20 if quick else 50
    body = workloads.body(workloads.network_base64())
    parties = [
        Party("C", LIMIT, worker(cast.limits[ONE], "network", 0, repeats)),
        Party("server", OURS, inside(cast, cast.roomy, lambda: body, repeats))] + engines(cast, ONE, "network", 0, repeats)
    return Row("network, compute", "ms", parties, [Target(LIMIT, 1.2, 1.0), Target("JAX", 1.0)])


def chain(cast, count, dtype, quick, cpus=ONE):
    repeats = (5 if quick else 10) if count <= 10**6 else 3
    case = f"chain-{dtype}"
    parties = [
        Party("C", LIMIT, worker(cast.limits[cpus], case, count, repeats)),
        Party("server", OURS, inside(cast, server(cast, cpus), lambda: workloads.body(workloads.chain(count, dtype)), repeats)),
    ] + engines(cast, cpus, case, count, repeats)
    return Row(
        f"chain of 10, {count // 10**6}M {dtype}{where(cpus)}", "ms", parties, [Target(LIMIT, 1.5, 1.1), Target("JAX", 0.5)],
        rounds=1000 if count <= 10**6 else 5)


def product(cast, cpus, gives_cotangent, quick):
    repeats = 2 if quick else 5
    case = "product" if gives_cotangent else "product-of-ones"
    parties = [
        Party("C", LIMIT, worker(cast.limits[cpus], case, 1024, repeats)),
        Party("server", OURS, inside(
            cast, server(cast, cpus), lambda: workloads.body(workloads.product(1024, gives_cotangent)), repeats)),
    ] + engines(cast, cpus, case, 1024, repeats)
    targets = [Target("PyTorch", 1.05, 1.0 if gives_cotangent else 1 / 3), Target(LIMIT)]
    return Row(f"matmul 1024{'' if gives_cotangent else ', cotangent of ones'}{where(cpus)}", "ms", parties, targets, rounds=5)


def deep(cast, quick):
    length = 1000
    per_node = 1e9 / length
    body = workloads.body(workloads.tape(length))
    peers = engines(cast, ONE, "tape", length, 20, per_node)
    # Compiling it takes JAX seconds, which quick runs do not have.
    parties = [
        Party("C", LIMIT, worker(cast.limits[ONE], "tape", length, 100, per_node)),
        # Milliseconds of a request in nanoseconds of a node.
        Party("server", OURS, inside(cast, cast.roomy, lambda: body, 50, scale=1e6 / length))] + (peers[1:] if quick else peers)
    return Row("deep chain of 1,000, run only", "ns/op", parties, [Target(None, 30, 12), Target(LIMIT)])


def unseen(cast, quick):
    length, seeds = 1000, iter(range(1, 10**9))

    def measure():
        client, best = cast.client(cast.roomy), None
        for _ in range(10 if quick else 30):
            times = client.post(EVALUATE, workloads.body(workloads.unseen(length, next(seeds))))[1]
            total = (times["read"] + times["plan"]) * 1000 / (length + 1)
            best = total if best is None else min(best, total)
        return best

    peers = engines(cast, ONE, "unseen", length, 1, 1e6 / length)
    # JAX compiles for seconds, each time.
    parties = [Party("server", OURS, measure), peers[1]] + ([] if quick else peers[:1])
    return Row("a graph never seen before, 1,000 nodes", "µs/node", parties, [Target(None, 3, 1), Target(PEER)], rounds=5)


def first_of_a_graph(cast, quick):
    """How much longer the first request with a graph takes than the second, from outside."""
    length, seeds = 1000, iter(range(10**9, 2 * 10**9))

    def measure():
        client, extra = cast.client(cast.roomy), []
        for _ in range(10 if quick else 30):
            body = workloads.body(workloads.unseen(length, next(seeds)))
            moments = [time.perf_counter()]
            for _ in range(2):
                client.post(EVALUATE, body)
                moments.append(time.perf_counter())
            extra.append((moments[1] - moments[0]) - (moments[2] - moments[1]))
        return statistics.median(extra) * 1000

    return Row(
        "the first request with a graph of 1,000 nodes, over the second", "ms", [Party("server", OURS, measure)], [Target(None, 5, 2)],
        rounds=5)
