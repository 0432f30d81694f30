"""Requests of every kind, drawn by a seed: what comes back for each is known."""

import base64
import json
import random
import struct

from endure.wire import get, post

SAFETENSORS = "application/vnd.safetensors"


def graph(*nodes, **more):
    return {"nodes": [{"op": op, "inputs": inputs, "outputs": outputs, **({"attributes": attributes} if attributes else {})}
                      for op, inputs, outputs, attributes in nodes], **more}


def layer(tag=""):
    """A layer of a network and its loss. With a tag its names, and so its plan, are its own."""
    return graph(("matmul", ["x", "w"], [f"h{tag}"], None), ("tanh", [f"h{tag}"], [f"t{tag}"], None), ("sum", [f"t{tag}"], [f"y{tag}"], None))


class Mixture:
    """`draw()` gives a request, the statuses that are right for it, and what becomes of the connection: kept, closed, or left before the answer."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.number = 0
        # Weights. New graphs are so many that the plan cache is full after 20,000 requests: from then on it does not grow.
        kinds = [
            (330, self.small), (120, self.larger), (40, self.large_answer), (60, self.flat), (50, self.encoded), (50, self.file), (270, self.new_graph),
            (40, self.derivative), (25, self.vector_product), (15, self.check), (40, self.inspect), (40, self.document), (90, self.mistake),
            (10, self.not_http), (20, self.closing), (10, self.leaves), (4, self.too_large)]
        self.kinds, self.weights = [kind for _, kind in kinds], [weight for weight, _ in kinds]

    def draw(self):
        self.number += 1
        return self.random.choices(self.kinds, self.weights)[0]()

    def vector(self, count):
        return [round(self.random.uniform(-1, 1), 6) for _ in range(count)]

    def matrix(self, rows, columns):
        return [self.vector(columns) for _ in range(rows)]

    def inputs(self, size):
        return {"x": self.matrix(size, size), "w": self.matrix(size, 3)}

    def small(self):
        return post("/v1/evaluate", {"graph": layer(), "inputs": self.inputs(self.random.choice((2, 3, 4)))}), 200, "kept"

    def larger(self):
        return post("/v1/evaluate", {"graph": layer(), "inputs": self.inputs(self.random.choice((20, 40)))}), 200, "kept"

    def large_answer(self):
        nodes = graph(("broadcast_to", ["x"], ["y"], {"shape": [self.random.choice((2000, 20_000)), 4]}))
        return post("/v1/evaluate", {"graph": nodes, "inputs": {"x": self.vector(4)}, "gradients": False}), 200, "kept"

    def flat(self):
        tensor = {"dtype": "float32", "shape": [8, 8], "data": self.vector(64)}
        return post("/v1/evaluate", {"graph": graph(("exp", ["x"], ["y"], None)), "inputs": {"x": tensor}, "encoding": "flat"}), 200, "kept"

    def encoded(self):
        data = base64.b64encode(struct.pack("<64d", *self.vector(64))).decode()
        tensor = {"dtype": "float64", "shape": [64], "encoding": "base64", "data": data}
        return post("/v1/evaluate", {"graph": graph(("sin", ["x"], ["y"], None)), "inputs": {"x": tensor}, "encoding": "base64"}), 200, "kept"

    def file(self):
        count = self.random.choice((4, 100))
        text = {"graph": json.dumps(graph(("sin", ["x"], ["y"], None)))}
        head = json.dumps({"__metadata__": text, "x": {"dtype": "F64", "shape": [count], "data_offsets": [0, 8 * count]}}).encode()
        body = struct.pack("<Q", len(head)) + head + struct.pack(f"<{count}d", *self.vector(count))
        return post("/v1/evaluate", body, content_type=SAFETENSORS), 200, "kept"

    def new_graph(self):
        """A plan that nobody has asked for before."""
        return post("/v1/evaluate", {"graph": layer(self.number), "inputs": self.inputs(3)}), 200, "kept"

    def derivative(self):
        path = self.random.choice(("jacobian", "hessian"))
        nodes = graph(("sin", ["x"], ["s"], None), ("mul", ["s", "x"], ["y"], None))
        return post(f"/v1/{path}", {"graph": nodes, "inputs": {"x": self.vector(6)}}), 200, "kept"

    def vector_product(self):
        path, name = self.random.choice((("jvp", "tangents"), ("hvp", "vectors")))
        nodes = graph(("sin", ["x"], ["s"], None), ("mul", ["s", "x"], ["y"], None))
        return post(f"/v1/{path}", {"graph": nodes, "inputs": {"x": self.vector(6)}, name: {"x": self.vector(6)}}), 200, "kept"

    def check(self):
        return post("/v1/check", {"graph": layer(), "inputs": self.inputs(3)}), 200, "kept"

    def inspect(self):
        return post("/v1/inspect", {"graph": layer(), "inputs": self.inputs(3), "for": "evaluate"}), 200, "kept"

    def document(self):
        path = self.random.choice(("/livez", "/readyz", "/version", "/problems", "/problems/cycle", "/v1/operations", "/v1/operations/matmul", "/openapi.json"))
        return get(path, method=self.random.choice(("GET", "GET", "GET", "HEAD"))), 200, "kept"

    def mistake(self):
        x = {"x": self.vector(3)}
        choices = [
            (b"{", 400), (b"", 400), (b"[" * 5000, 400), (b"\xff\xfe{}", 400), (json.dumps({"graph": layer(), "inputs": x, "typo": 1}).encode(), 400),
            (b'{"graph": {"nodes": [], "nodes": []}}', 400), (b'{"graph": {"nodes": []}, "inputs": {"x": 1e999}}', 400),
            (json.dumps({"graph": graph(("mul", ["x", "z"], ["y"], None)), "inputs": x}).encode(), 422),
            (json.dumps({"graph": graph(("multiply", ["x", "x"], ["y"], None)), "inputs": x}).encode(), 422),
            (json.dumps({"graph": graph(("mul", ["x", "y"], ["y"], None)), "inputs": x}).encode(), 422),
            (json.dumps({"graph": layer(), "inputs": {"x": self.matrix(2, 3), "w": self.matrix(2, 3)}}).encode(), 422),
            (json.dumps({"graph": graph(("inv", ["x"], ["y"], None)), "inputs": {"x": [[1, 2], [2, 4]]}}).encode(), 422),
            (json.dumps({"graph": graph(("broadcast_to", ["x"], ["y"], {"shape": [10 ** 6, 10 ** 6]})), "inputs": {"x": 1}}).encode(), 413)]
        body, status = self.random.choice(choices)
        return post(f"/v1/{self.random.choice(('evaluate', 'jacobian'))}", body), status, "kept"

    def not_http(self):
        request, status = self.random.choice([
            (get("/livez", host=None), 400), (get("/livez", "Host: b"), 400), (get("/v1/evaluate", "Transfer-Encoding: gzip", method="POST"), 501)])
        return request, status, "closed"

    def closing(self):
        return get("/livez", "Connection: close"), 200, "closed"

    def leaves(self):
        request, _, _ = self.random.choice((self.small, self.larger, self.large_answer))()
        return request[:self.random.choice((len(request), len(request) // 2))], None, "left"

    def too_large(self):
        return get("/v1/evaluate", "Content-Length: 999999999", method="POST"), 413, "closed"
