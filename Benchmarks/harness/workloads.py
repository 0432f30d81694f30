"""The requests, the same for everybody and in every run."""

import array
import base64
import json
import random
import struct

from . import places

CODES = {"float32": "f", "float64": "d"}
DTYPES = {"f": "float32", "d": "float64", "q": "int64"}


def node(op, inputs, output, **attributes):
    return {"op": op, "inputs": inputs, "outputs": [output], **({"attributes": attributes} if attributes else {})}


def values(count, scale=1.0, seed=1, dtype="float64"):
    source = random.Random(seed)
    return array.array(CODES[dtype], (scale * source.uniform(-1, 1) for _ in range(count)))


def base64_tensor(data, shape):
    return {"dtype": DTYPES[data.typecode], "shape": shape, "encoding": "base64", "data": base64.b64encode(data.tobytes()).decode()}


def body(request):
    return json.dumps(request, separators=(",", ":")).encode()


def stored(name, content):
    """A file for the load generator."""
    places.bodies.mkdir(parents=True, exist_ok=True)
    path = places.bodies / name
    path.write_bytes(content)
    return path


# The tiny graph: sum(tanh(x·w + b)²), 14 numbers

TINY = {"x": [[1.5, 2.25, -3.0], [0.5, -1.25, 0.75]], "w": [[0.1, 0.2], [0.3, -0.1], [0.25, 0.3]], "b": [0.5, -0.75]}


def tiny():
    nodes = [
        node("matmul", ["x", "w"], "h"), node("add", ["h", "b"], "z"), node("tanh", ["z"], "t"), node("square", ["t"], "s"),
        node("sum", ["s"], "loss")]
    return {"graph": {"nodes": nodes, "outputs": ["loss"]}, "inputs": TINY}


def tiny_umbridge():
    flat = sum(TINY["x"], []) + sum(TINY["w"], []) + TINY["b"]
    return {"name": "tiny", "outWrt": 0, "inWrt": 0, "input": [flat], "sens": [1.0], "config": {}}


def tiny_tesseract():
    def tensor(data, shape):
        return {"object_type": "array", "shape": shape, "dtype": "float64", "data": {"buffer": data, "encoding": "json"}}

    shapes = {"x": [2, 3], "w": [3, 2], "b": [2]}
    return {
        "inputs": {name: tensor(data, shapes[name]) for name, data in TINY.items()}, "vjp_inputs": ["x", "w", "b"],
        "vjp_outputs": ["loss"], "cotangent_vector": {"loss": tensor(1.0, [])}}


# The network: mean((tanh(x·w1 + b1)·w2 + b2)²), 253,706 numbers

NETWORK_SHAPES = {"x": ([64, 784], 1.0), "w1": ([784, 256], 0.05), "b1": ([256], 0.1), "w2": ([256, 10], 0.1), "b2": ([10], 0.1)}
NETWORK_GRAPH = {
    "nodes": [
        node("matmul", ["x", "w1"], "z1"), node("add", ["z1", "b1"], "a1"), node("tanh", ["a1"], "h"), node("matmul", ["h", "w2"], "z2"),
        node("add", ["z2", "b2"], "y"), node("square", ["y"], "s"), node("mean", ["s"], "loss")],
    "outputs": ["loss"]}


def size(shape):
    return shape[0] * (shape[1] if len(shape) > 1 else 1)


def network_tensors():
    return {
        name: (values(size(shape), scale, seed, "float32"), shape) for seed, (name, (shape, scale)) in enumerate(NETWORK_SHAPES.items())}


def shortest(value):
    """A float32 as clients of such write it: with the fewest digits that read back to it."""
    for digits in range(6, 10):
        text = f"{value:.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == value:
            return float(text)
    return value


def network_lists():
    lists = {}
    for name, (data, shape) in network_tensors().items():
        flat, width = [shortest(value) for value in data], shape[-1]
        lists[name] = flat if len(shape) == 1 else [flat[row:row + width] for row in range(0, len(flat), width)]
    return lists


def network():
    return {"graph": NETWORK_GRAPH, "inputs": network_lists(), "dtype": "float32"}


def network_base64():
    inputs = {name: base64_tensor(data, shape) for name, (data, shape) in network_tensors().items()}
    return {"graph": NETWORK_GRAPH, "inputs": inputs, "encoding": "base64"}


def safetensors(tensors, metadata):
    """A file of that format: the length of the header, the header, the bytes."""
    header, offset = {"__metadata__": metadata}, 0
    for name, (data, shape) in tensors.items():
        length = len(data) * data.itemsize
        header[name] = {"dtype": "F32" if data.typecode == "f" else "F64", "shape": shape, "data_offsets": [offset, offset + length]}
        offset += length
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data.tobytes() for data, _ in tensors.values())


def network_safetensors():
    return safetensors(network_tensors(), {"graph": json.dumps(NETWORK_GRAPH, separators=(",", ":"))})


# What is computed inside

CHAIN_NODES = [
    node("mul", ["x", 1.25], "a"), node("add", ["a", 0.5], "b"), node("tanh", ["b"], "c"), node("mul", ["c", "x"], "d"),
    node("sub", ["d", 0.125], "e"), node("square", ["e"], "f"), node("add", ["f", 1.0], "g"), node("sqrt", ["g"], "h"),
    node("div", ["c", "h"], "i"), node("exp", ["i"], "j"), node("sum", ["j"], "total")]


def chain(count, dtype):
    """The answer is one number and the gradient of x. Random numbers of Python's would take minutes for the long ones: one block is
    repeated, which no operation can make use of."""
    block = values(min(count, 100_000), 1.0, 3, dtype)
    data = block * (count // len(block)) + block[:count % len(block)]
    return {
        "graph": {"nodes": CHAIN_NODES, "outputs": ["total"]}, "inputs": {"x": base64_tensor(data, [count])}, "encoding": "base64"}


# Single operations on a matrix of a thousand columns; scatter_add puts its rows of one number into a tenth as many places.
OPERATIONS = {
    "tanh": [node("tanh", ["x"], "y")], "elu": [node("elu", ["x"], "y")], "norm": [node("norm", ["x"], "y", axis=-1)],
    "softmax": [node("softmax", ["x"], "y")], "scatter_add": [node("scatter_add", ["zeros", "places", "x"], "y")]}


def operation(name, count, dtype):
    """The answer is the sum of the squares of what the operation gives, and the gradient of x."""
    nodes = OPERATIONS[name] + [node("square", ["y"], "s"), node("sum", ["s"], "total")]
    x = values(count // 10, 2.0, 3, dtype) * 10
    inputs = {"x": base64_tensor(x, [count // 1000, 1000])}
    if name == "scatter_add":
        source = random.Random(5)
        places = array.array("q", (source.randrange(count // 10) for _ in range(count)))
        inputs = {
            "x": base64_tensor(x, [count]), "zeros": base64_tensor(array.array(CODES[dtype], [0.0] * (count // 10)), [count // 10]),
            "places": base64_tensor(places, [count])}
    return {"graph": {"nodes": nodes, "outputs": ["total"]}, "inputs": inputs, "wrt": ["x"], "encoding": "base64"}


def broadcast_chain(power):
    """The chain over 10^power elements that are the sums of a column and a row, so that neither they nor their gradient need be sent."""
    rows, columns = 10 ** (power // 2), 10 ** (power - power // 2)
    shapes = {"u": [rows, 1], "v": [1, columns]}
    inputs = {
        name: base64_tensor(values(max(shape), 0.5, seed, "float32"), shape) for seed, (name, shape) in enumerate(shapes.items())}
    return {"graph": {"nodes": [node("add", ["u", "v"], "x")] + CHAIN_NODES, "outputs": ["total"]}, "inputs": inputs}


def product(order, gives_cotangent=True):
    """c = a·b. With a cotangent given in full both ways back are products too; without one it is ones, which are sums in disguise."""
    def matrix(seed):
        block = values(order, 1.0, seed, "float32")
        return base64_tensor(block * order, [order, order])

    request = {
        "graph": {"nodes": [node("matmul", ["a", "b"], "c")]}, "inputs": {"a": matrix(1), "b": matrix(2)}, "encoding": "base64"}
    return request | ({"cotangents": {"c": matrix(3)}} if gives_cotangent else {})


def tape(length, scale=0.9):
    """Four operations in turn on a single number; another scale makes it another graph."""
    kinds = [("mul", [scale]), ("add", [0.2]), ("square", []), ("sin", [])]
    nodes = []
    for i in range(length):
        op, rest = kinds[i % 4]
        nodes.append(node(op, [f"v{i}"] + rest, f"v{i + 1}"))
    return {"graph": {"nodes": nodes, "outputs": [f"v{length}"]}, "inputs": {"v0": 0.3}}


def wide_tape(length, side):
    """The same on the sums of a column and a row."""
    request = tape(length)
    request["graph"]["nodes"].insert(0, node("add", ["u", "v"], "v0"))
    request["graph"]["nodes"].append(node("sum", [f"v{length}"], "total"))
    request["graph"]["outputs"] = ["total"]
    request["inputs"] = {"u": base64_tensor(values(side, 0.5, 1), [side, 1]), "v": base64_tensor(values(side, 0.5, 2), [1, side])}
    return request


def unseen(length, seed):
    """A random graph: each node takes one or two of the twenty values before it."""
    source = random.Random(seed)
    names, nodes = ["x", "y"], []
    for i in range(length):
        recent = names[-20:]
        op = source.choice(["add", "mul", "sub", "tanh", "sin", "square"])
        operands = [source.choice(recent)] if op in ("tanh", "sin", "square") else [source.choice(recent), source.choice(recent)]
        if op == "mul":
            operands[1] = round(source.uniform(-1, 1), 6)
        nodes.append(node(op, operands, f"n{i}"))
        names.append(f"n{i}")
    nodes.append(node("add", names[-2:], "end"))
    return {"graph": {"nodes": nodes, "outputs": ["end"]}, "inputs": {"x": 0.25, "y": -0.5}}


# What takes memory between small inputs and a small answer

def outer_products(shapes):
    """Matrices that need not be sent, by name: nodes and inputs."""
    nodes, inputs = [], {}
    for name, shape in shapes.items():
        sides = [f"{name}_column", f"{name}_row"]
        nodes.append(node("outer", sides, name))
        for seed, (side, count) in enumerate(zip(sides, shape)):
            inputs[side] = base64_tensor(values(count, 1.0, seed), [count])
    return nodes, inputs


def memory_of_products(order):
    nodes, inputs = outer_products({"p": [order, order]})
    nodes += [
        node("tanh", ["p"], "q"), node("matmul", ["q", "q"], "r"), node("mul", ["r", 0.01], "s"), node("tanh", ["s"], "t"),
        node("sum", ["t"], "total")]
    return {"graph": {"nodes": nodes, "outputs": ["total"]}, "inputs": inputs, "encoding": "base64"}


def memory_of_network(examples):
    nodes, inputs = outer_products({"x": [examples, 784], "w1": [784, 256], "w2": [256, 10]})
    inputs |= {"b1": base64_tensor(values(256, 0.1, 3), [256]), "b2": base64_tensor(values(10, 0.1, 4), [10])}
    return {"graph": {"nodes": nodes + NETWORK_GRAPH["nodes"], "outputs": ["loss"]}, "inputs": inputs, "encoding": "base64"}


def memory_of_jacobian(order):
    nodes, inputs = outer_products({"w": [order, order]})
    nodes += [node("matmul", ["w", "x"], "z"), node("tanh", ["z"], "y")]
    inputs["x"] = base64_tensor(values(order, 0.01, 5), [order])
    return {"graph": {"nodes": nodes, "outputs": ["y"]}, "inputs": inputs, "wrt": ["x"], "encoding": "base64"}
