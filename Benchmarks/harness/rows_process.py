"""The rows that are about the process: how soon it answers, and its memory."""

import json
import time

from . import workloads
from .client import Client
from .errors import Missing
from .measure import LIMIT, OURS, PEER, Party, Row, Target

MIB = 2**20


def rows(cast, quick):
    return [start(cast, quick), idle(cast, quick)] + serving(cast, quick)


def first_answer(server, path, request):
    """Milliseconds from the start of the process to the first answer."""
    def measure():
        server.stop()
        seconds = server.start()
        begun = time.perf_counter()
        client = Client(server.port)
        try:
            client.post(path, request)
        finally:
            client.close()
            taken = seconds + time.perf_counter() - begun
            server.stop()
        return taken * 1000

    return measure


def resident(server, path, request):
    """MiB that it holds half a second after its first answer, when it has nothing to do."""
    def measure():
        server.stop()
        server.start()
        client = Client(server.port)
        try:
            client.post(path, request)
            time.sleep(0.5)
            return server.status("VmRSS") / MIB, {"its own MiB": server.status("RssAnon") / MIB}
        finally:
            client.close()
            server.stop()

    return measure


def of_all(cast, quick, make):
    ours, numbers = workloads.body(workloads.tiny()), workloads.body(workloads.TINY)
    parties = [
        Party("libmicrohttpd", LIMIT, make(cast.spare_echo, "/", ours)), Party("server", OURS, make(cast.spare, "/v1/evaluate", ours))]
    if quick:
        return parties
    return parties + [
        Party("FastAPI tuned", PEER, make(cast.spare_web["tuned"], "/tiny", numbers)),
        Party("FastAPI", PEER, make(cast.spare_web["usual"], "/tiny", numbers))]


def start(cast, quick):
    return Row("start to first answer", "ms", of_all(cast, quick, first_answer), [Target(None, 30, 12), Target(PEER)], rounds=5)


def idle(cast, quick):
    return Row("idle memory", "MiB", of_all(cast, quick, resident), [Target(None, 15, 10), Target(PEER)], rounds=3)


def serving(cast, quick):
    """The memory that a request adds, over what is known of it before it runs: what inspect says that the plan needs, and the answer."""
    def measure(path, request):
        server = cast.spare
        server.stop()
        server.start()
        client = Client(server.port)
        body = workloads.body(request)
        try:
            question = workloads.body(request | {"for": path.removeprefix("/v1/")})
            promise = json.loads(client.post("/v1/inspect", question)[0])["cost"]["peak_bytes"]
            before = server.status("VmRSS")
            server.reset_peak()
            promise += len(client.post(path, body)[0])
            grown = server.status("VmHWM") - before
        except KeyError as error:
            raise Missing(f"inspect does not say {error}") from error
        finally:
            client.close()
            server.stop()
        return grown / promise, {"promised MiB": promise / MIB}

    def row(name, path, request):
        party = Party("server", OURS, lambda: measure(path, request))
        return Row(f"memory over the promise, {name}", "×", [party], [Target(None, 1.3, 1.1)], rounds=3)

    rows = [row("products of matrices", "/v1/evaluate", workloads.memory_of_products(512 if quick else 1024))]
    return rows if quick else rows + [
        row("chain of 10, 10M float32", "/v1/evaluate", workloads.broadcast_chain(7)),
        row("network", "/v1/evaluate", workloads.memory_of_network(4096)),
        row("deep chain, 10,000 elements", "/v1/evaluate", workloads.wide_tape(1000, 100)),
        row("Jacobian of 1,000 by 1,000", "/v1/jacobian", workloads.memory_of_jacobian(1000))]
