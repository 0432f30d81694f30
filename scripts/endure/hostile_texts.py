"""Bodies that a client could think of to make reading them, or saying what is wrong with them, dear: each a function of a size."""

import base64
import json
import struct

from endure.making import node
from endure.mixture import SAFETENSORS

TEXTS = {}


def text(start=512, most=1 << 24, content_type="application/json"):
    def add(function):
        TEXTS[function.__name__] = (function, start, most, content_type)
        return function
    return add


SINE = {"nodes": [node("sin", "x", "y")]}


def body(nodes=None, inputs=None, **more):
    return json.dumps({"graph": {"nodes": nodes or SINE["nodes"]}, "inputs": inputs or {"x": 0.5}, **more}, ensure_ascii=False).encode()


def with_data(data):
    return body(inputs={"x": 0}).replace(b'"x": 0', b'"x": ' + data)


# Numbers and lists

@text()
def numbers(n):
    return with_data(b"[" + b",".join([b"0.123456789012345678"] * n) + b"]")


@text()
def one_long_number(n):
    return with_data(b"0." + b"3" * n)


@text()
def halfway_number(n):
    """As near as n digits come to the middle between two doubles."""
    return with_data(b"1.00000000000000011102230246251565404236316680908203125" + b"0" * n + b"1")


@text()
def halfway_numbers(n):
    return with_data(b"[" + b",".join([b"9007199254740993." + b"0" * 700 + b"1"] * n) + b"]")


@text()
def subnormal_numbers(n):
    return with_data(b"[" + b",".join([b"4.9406564584124654417656879286822137236505980e-324" + b""] * n) + b"]")


@text()
def deep_lists(n):
    return with_data(b"[" + b",".join([b"[" * 6 + b"1" + b"]" * 6] * n) + b"]")


@text()
def empty_lists_sent(n):
    return with_data(b"[" + b",".join([b"[]"] * n) + b"]")


@text()
def ragged_at_the_end(n):
    return with_data(b"[" + b",".join([b"[1]"] * n) + b",[1,2]]")


@text()
def too_deep(n):
    return with_data(b"[" * n)


# Keys and names

@text()
def unknown_members(n):
    return json.dumps({f"k{i}": i for i in range(n)}).encode()


@text()
def unknown_members_of_nodes(n):
    return body([{**node("sin", "x", "y"), **{f"k{i}": i for i in range(n)}}])


@text()
def unknown_attributes(n):
    return body([node("sum", "x", "y", **{f"k{i}": i for i in range(n)})])


@text()
def equal_keys(n):
    return b'{"inputs": {' + b",".join([b'"x": 1'] * n) + b"}}"


@text()
def long_keys_alike(n):
    """Keys of 250 bytes that differ in the last."""
    return body(inputs={"x" * 240 + str(i): 0.5 for i in range(n)})


@text()
def unused_inputs(n):
    return body(inputs={f"k{i}": 0.5 for i in range(n)})


@text()
def long_names(n):
    return body([node("sin", "x" * 250 if i == 0 else "y" * 240 + str(i - 1), "y" * 240 + str(i)) for i in range(n)], {"x" * 250: 0.5})


@text()
def name_too_long(n):
    return body(inputs={"x" * n: 0.5})


@text()
def operation_too_long(n):
    return body([node("s" * n, "x", "y")])


@text()
def equation_too_long(n):
    return body([node("einsum", "x", "y", equation="a" * n)])


@text()
def equation_of_commas(n):
    return body([node("einsum", "x", "y", equation="," * n)])


@text()
def dtype_too_long(n):
    return body(dtype="f" * n)


@text()
def escapes(n):
    return body().replace(b'"sin"', b'"' + b"\\u0073" * n + b'"')


@text()
def misspelt_among_many_names(n):
    """A suggestion might be looked for among all names."""
    return body([node("sin", "x", "v" * 200 + str(i)) for i in range(n)] + [node("sin", "v" * 199 + "w", "z")])


@text()
def misspelt_operations(n):
    return body([node("logsumexpp", "x", f"y{i}") for i in range(n)])


@text()
def many_unknown_names(n):
    return body([node("sin", f"w{i}", f"y{i}") for i in range(n)])


@text()
def names_twice(n):
    return body([node("sin", "x", f"y{i // 2}") for i in range(n)])


@text()
def outputs_twice(n):
    return body(outputs=["y"] * n)


@text()
def wrt_list(n):
    return body([node("stack", [f"a{i}" for i in range(n)], "y")], {f"a{i}": 0.5 for i in range(n)}, wrt=[f"a{i}" for i in range(n)])


@text()
def of_list(n):
    return body([node("sin", "x", f"y{i}") for i in range(n)], of=[f"y{i}" for i in range(n)], outputs=["y0"])


@text()
def outputs_list(n):
    return body([node("sin", "x", f"y{i}") for i in range(n)], outputs=[f"y{i}" for i in range(n)])


@text()
def cotangents_list(n):
    return body([node("sin", "x", f"y{i}") for i in range(n)], cotangents={f"y{i}": 0.5 for i in range(n)}, outputs=["y0"])


# Graphs that are wrong

@text()
def a_cycle(n):
    return body([node("sin", f"y{(i + n - 1) % n}", f"y{i}") for i in range(n)])


@text()
def many_cycles(n):
    return body([node("add", [f"y{(7 * i + 3) % n}", f"y{(5 * i + 1) % n}"], f"y{i}") for i in range(n)])


@text()
def wrong_at_the_end(n):
    nodes = [node("sin", "x" if i == 0 else f"y{i - 1}", f"y{i}") for i in range(n)]
    return body(nodes + [node("matmul", [f"y{n - 1}", "x"], "z")])


@text()
def singular_at_the_end(n):
    nodes = [node("mul", ["x" if i == 0 else f"y{i - 1}", 1], f"y{i}") for i in range(n)]
    return body(nodes + [node("inv", f"y{n - 1}", "z")], {"x": [[1, 2], [2, 4]]})


# Other forms

@text()
def base64_data(n):
    data = base64.b64encode(bytes(8 * n)).decode()
    return body(inputs={"x": {"dtype": "float64", "shape": [n], "encoding": "base64", "data": data}})


@text()
def many_base64(n):
    return body([node("stack", [f"a{i}" for i in range(n)], "y")],
                {f"a{i}": {"dtype": "float64", "shape": [1], "encoding": "base64", "data": "AAAAAAAA8D8="} for i in range(n)}, encoding="base64")


def file(head, data=b""):
    made = json.dumps(head).encode()
    return struct.pack("<Q", len(made)) + made + data


@text(content_type=SAFETENSORS)
def safetensors_of_many(n):
    nodes = {"nodes": [node("stack", [f"a{i}" for i in range(n)], "y")]}
    head = {"__metadata__": {"graph": json.dumps(nodes)}}
    head.update({f"a{i}": {"dtype": "F64", "shape": [1], "data_offsets": [8 * i, 8 * i + 8]} for i in range(n)})
    return file(head, bytes(8 * n))


@text(content_type=SAFETENSORS)
def safetensors_of_empty(n):
    nodes = {"nodes": [node("sum", "a0", "y")]}
    head = {"__metadata__": {"graph": json.dumps(nodes)}}
    head.update({f"a{i}": {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]} for i in range(n)})
    return file(head)


@text(content_type=SAFETENSORS)
def safetensors_backwards(n):
    head = {"__metadata__": {"graph": json.dumps({"nodes": [node("sum", "a0", "y")]})}}
    head.update({f"a{i}": {"dtype": "F64", "shape": [1], "data_offsets": [8 * i, 8 * i + 8]} for i in reversed(range(n))})
    return file(head, bytes(8 * n))


@text(content_type=SAFETENSORS)
def safetensors_metadata(n):
    return file({"__metadata__": {"graph": json.dumps(SINE), **{f"k{i}": "" for i in range(n)}},
                 "x": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}, bytes(8))


@text(content_type=SAFETENSORS)
def safetensors_escaped_graph(n):
    """The graph is text in a text: each level has to be taken out of the other."""
    return file({"__metadata__": {"graph": json.dumps(SINE) + "\n" * n}, "x": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}, bytes(8))
