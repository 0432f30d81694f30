"""The rows that are about serving: requests by the load generator, on one CPU together with the server."""

from . import workloads
from .client import JSON, SAFETENSORS, load
from .measure import BOTH, LIMIT, OURS, PEER, Party, Row, Target

EVALUATE = "/v1/evaluate"


def rows(cast, quick):
    seconds = 0.2 if quick else 1.0
    return (
        [tiny(cast, connections, seconds) for connections in (1, 8, 64)]
        + [fresh(cast, seconds), network_json(cast, 2 * seconds), network_safetensors(cast, seconds)])


def loaded(server, path, body, media_type, options):
    """A function that lets the load generator run for a round."""
    is_warm = False

    def measure():
        nonlocal is_warm
        server.start()
        # Peers load much of themselves at their first request.
        if not is_warm:
            load(server, path, body, media_type, requests=10, seconds=5)
            is_warm = True
        return load(server, path, body, media_type, **options)

    return measure


def rate(server, path, body, media_type=JSON, **options):
    """Requests per second, with the CPU time of each."""
    measure = loaded(server, path, body, media_type, options)

    def figures():
        report = measure()
        return report["rate"], {
            "CPU µs": report["cpu_us"], "p50 µs": report["p50_us"], "p99 µs": report["p99_us"], BOTH: report["both_us"]}

    return figures


def latency(server, path, body, media_type=JSON, **options):
    """Milliseconds of a request, the median of the run."""
    measure = loaded(server, path, body, media_type, options)

    def figures():
        report = measure()
        return report["p50_us"] / 1000, {"CPU ms": report["cpu_us"] / 1000, BOTH: report["both_us"]}

    return figures


def tiny(cast, connections, seconds):
    ours = workloads.stored("tiny.json", workloads.body(workloads.tiny()))
    numbers = workloads.stored("tiny-numbers.json", workloads.body(workloads.TINY))
    umbridge = workloads.stored("tiny-umbridge.json", workloads.body(workloads.tiny_umbridge()))
    tesseract = workloads.stored("tiny-tesseract.json", workloads.body(workloads.tiny_tesseract()))
    options = {"connections": connections, "seconds": seconds}
    web = cast.web
    parties = [
        Party("libmicrohttpd", LIMIT, rate(cast.echo, "/", ours, **options)),
        Party("server", OURS, rate(cast.ours, EVALUATE, ours, **options)),
        Party("FastAPI tuned", PEER, rate(web["tuned"], "/tiny", numbers, **options)),
        Party("FastAPI", PEER, rate(web["usual"], "/tiny", numbers, **options)),
        Party("UM-Bridge", PEER, rate(web["umbridge"], "/Gradient", umbridge, **options)),
        Party("Tesseract", PEER, rate(web["tesseract"], "/vector_jacobian_product", tesseract, **options)),
    ]
    return Row(
        f"tiny graph, JSON, {connections} connection{'s' if connections > 1 else ''}", "/s", parties,
        [Target(LIMIT, 0.6, 0.8, more=True), Target(PEER, 15, 25, more=True)], more=True)


def fresh(cast, seconds):
    body = workloads.stored("tiny.json", workloads.body(workloads.tiny()))
    options = {"connections": 8, "seconds": seconds, "fresh": True}
    parties = [
        Party("libmicrohttpd", LIMIT, rate(cast.echo, "/", body, **options)),
        Party("server", OURS, rate(cast.ours, EVALUATE, body, **options))]
    return Row("tiny graph, a new connection each", "/s", parties, [Target(LIMIT, 0.8, 0.9, more=True)], more=True)


def network_json(cast, seconds):
    request = workloads.network()
    ours = workloads.stored("network.json", workloads.body(request))
    numbers = workloads.stored("network-numbers.json", workloads.body(request["inputs"]))
    web = cast.web
    parties = [
        Party("libmicrohttpd", LIMIT, latency(cast.echo, "/", ours, seconds=seconds)),
        Party("server", OURS, latency(cast.ours, EVALUATE, ours, seconds=seconds)),
        Party("FastAPI tuned", PEER, latency(web["tuned"], "/network", numbers, seconds=seconds)),
        Party("FastAPI", PEER, latency(web["usual"], "/network", numbers, seconds=seconds)),
    ]
    # 20 and 12 ms where the tuned peer takes 29.
    return Row("network, JSON", "ms", parties, [Target("FastAPI tuned", 20 / 29, 12 / 29), Target(None, 20, 12)])


def network_safetensors(cast, seconds):
    body = workloads.stored("network.safetensors", workloads.network_safetensors())
    parties = [
        Party("libmicrohttpd", LIMIT, latency(cast.echo, "/", body, SAFETENSORS, seconds=seconds)),
        Party("server", OURS, latency(cast.ours, EVALUATE, body, SAFETENSORS, seconds=seconds))]
    return Row("network, safetensors", "ms", parties, [Target(None, 4, 2), Target(LIMIT)])
