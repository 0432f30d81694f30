#!/usr/bin/env python3
"""Writes a first corpus for each part of the fuzzer from the test fixtures: seeds.py FOLDER."""

import hashlib
import json
import pathlib
import struct
import sys

fixtures = pathlib.Path(__file__).resolve().parents[1] / "Fixtures"
FILES = ["tutorial", "operations", "operations_pointwise", "operations_reductions", "operations_shapes", "operations_indexing", "operations_linalg", "kinks"]
# As in Endpoint.allCases.
ENDPOINTS = ["evaluate", "jvp", "jacobian", "hessian", "hvp", "check"]

HTTP = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: LOCALHOST.:80\r\nOrigin: http://localhost.:80\r\nContent-Length: 2\r\n\r\n{}",
    "POST /x HTTP/1.1\r\nHost: [::1]:80\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 2\r\n\r\n{}",
    "OPTIONS /x HTTP/1.1\r\nHost: a\r\nOrigin: http://a:1\r\nAccess-Control-Request-Method: POST\r\n"
    "Access-Control-Request-Private-Network: true\r\n\r\n",
    "HEAD /livez HTTP/1.0\r\n\r\n",
    "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n",
    "GET http://a/b HTTP/1.1\r\nHost: a\r\nX-Request-Id: abc\r\nAccept: */*\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]

# Functions that call each other, with a constant, a gradient inside, declared inputs, and calls that grow.
FUNCTIONS = [
    {"nodes": [{"op": "call", "inputs": ["x", 2], "outputs": ["y", "d"], "attributes": {"function": "f"}}],
     "functions": {
         "f": {"inputs": [{"name": "a", "shape": ["n"]}, {"name": "b", "dtype": "float64"}],
               "nodes": [{"op": "call", "inputs": ["a"], "outputs": ["g"], "attributes": {"function": "g"}},
                         {"op": "mul", "inputs": ["g", "b"], "outputs": ["p"]},
                         {"op": "grad", "inputs": ["p", "a"], "outputs": ["d"]}],
               "outputs": ["p", "d"]},
         "g": {"inputs": [{"name": "a"}], "nodes": [{"op": "mul", "inputs": ["a", "k"], "outputs": ["b"]}],
               "constants": {"k": [1, 2]}, "description": "scales"}}},
    {"nodes": [{"op": "call", "inputs": "x", "outputs": "y", "attributes": {"function": "f12"}}],
     "functions": {f"f{n}": {"inputs": [{"name": "a"}], "outputs": ["c"] if n else ["a"], "nodes": [
         {"op": "call", "inputs": [old], "outputs": [new], "attributes": {"function": f"f{n - 1}"}}
         for old, new in ("ab", "bc") if n]} for n in range(13)}},
]

FORMULAS = [
    "loss = sum((x @ w + b - y) ** 2)",
    "input x: float64[n, 2] = [[1, 2], [3, 4]]\nconst k = int64([0, 1])\ny = x[:, k].T / -2.5e-3; a, _ = split(y, sizes=[1, 1])\nreturn a",
    "def f(a, b) {\n  c = a * b  # product\n  return c, a\n}\ny, z = f(x, 2)\ng = grad(sum(y), x)\n",
    "`a``b` = where((x > 0) & ~(x == 1) | (x >= NaN), x % 3, -Infinity)\nmean(`a``b`, axes=[0], keepdims=true)",
    "x[..., 1:-1, ::2, _, 3] ^ 2 != float32(\"AACAPw==\", shape=[1])",
]


def npy(header, data):
    text = header.encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


NPY = [
    npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }", struct.pack("<2d", 1, 2)),
    npy("{'descr': '>i4', 'fortran_order': True, 'shape': (3,), }", struct.pack(">3i", 1, 2, 3)),
    npy("{'descr': '|b1', 'fortran_order': False, 'shape': (), }", b"\x01"),
]
CSV = ["x,y\n1,2\n3,4\n", "1;2,5\n3;-4e-3\n", "\"a\",b\n\"1\",NaN\r\n", "\ufeff1\n2\n"]


def safetensors(request):
    """A file with the request's graph, its inputs as empty or small tensors."""
    header, offset, data = {"__metadata__": {"graph": json.dumps(request["graph"])}}, 0, b""
    for name, value in request.get("inputs", {}).items():
        flat, shape = value, []
        while isinstance(flat, list):
            shape.append(len(flat))
            flat = [x for row in flat for x in row] if flat and isinstance(flat[0], list) else flat
            if not flat or not isinstance(flat[0], list):
                break
        numbers = flat if isinstance(flat, list) else [flat]
        if not all(isinstance(x, (int, float)) for x in numbers):
            return None
        block = struct.pack(f"<{len(numbers)}d", *numbers)
        header[name] = {"dtype": "F64", "shape": shape, "data_offsets": [offset, offset + len(block)]}
        offset += len(block)
        data += block
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def main(folder):
    seeds = {part: [] for part in ("json", "graph", "evaluate", "formula", "stored", "files", "safetensors", "http")}
    seeds["http"] = [text.encode() for text in HTTP]
    for graph in FUNCTIONS:
        body = json.dumps({"graph": graph, "inputs": {"x": [1, 2]}}, separators=(",", ":")).encode()
        seeds["graph"].append(body)
        seeds["evaluate"] += [bytes([0]) + body, bytes([3]) + body]
    for file in FILES:
        seen = set()
        for line in (fixtures / f"{file}.jsonl").read_text().strip().split("\n"):
            request = json.loads(line)["request"]
            operations = tuple(node.get("op") for node in request["graph"]["nodes"])
            if operations in seen:
                continue
            seen.add(operations)
            body = json.dumps(request, separators=(",", ":")).encode()
            if len(body) > 1500:
                continue
            seeds["graph"].append(body)
            seeds["evaluate"].append(bytes([0]) + body)
            if (file_bytes := safetensors(request)) is not None:
                seeds["safetensors"].append(file_bytes)
    for number, line in enumerate((fixtures / "random_graphs_catalog.jsonl").read_text().strip().split("\n")):
        if number % 40 == 0:
            fixture = json.loads(line)
            for ask in fixture["asks"]:
                body = json.dumps(fixture["request"] | ask["members"], separators=(",", ":")).encode()
                seeds["evaluate"].append(bytes([ENDPOINTS.index(ask["path"].removeprefix("/v1/"))]) + body)
    for line in (fixtures / "bad_requests.jsonl").read_text().strip().split("\n"):
        fixture = json.loads(line)
        body = fixture.get("body")
        if isinstance(body, str) and len(body) < 1500:
            seeds["json"].append(body.encode("utf-8", "surrogatepass"))
    seeds["json"] += seeds["graph"][::7]
    for formula in FORMULAS:
        text = formula.encode()
        seeds["formula"].append(text)
        seeds["stored"].append(bytes([0]) + text)
    for body in seeds["graph"][::5]:
        graph = json.loads(body)["graph"]
        seeds["stored"].append(bytes([1]) + json.dumps(graph, separators=(",", ":")).encode())
    seeds["stored"] += [bytes([2]) + file for file in seeds["safetensors"][::5]]
    seeds["files"] = [bytes([0]) + file for file in NPY] + [bytes([1]) + text.encode() for text in CSV]
    for part, inputs in seeds.items():
        target = pathlib.Path(folder) / part
        target.mkdir(parents=True, exist_ok=True)
        for content in inputs:
            (target / hashlib.sha1(content).hexdigest()).write_bytes(content)
        print(part, len(set(inputs)))


main(sys.argv[1])
