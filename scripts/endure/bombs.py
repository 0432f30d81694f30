"""Small requests that ask for much, and large ones that say little: what each is to be answered with."""

import base64
import gzip
import json
import struct
from dataclasses import dataclass

from endure.mixture import SAFETENSORS, graph
from endure.wire import post

# Every limit has the code limit_exceeded; its reason says which.
LIMIT = (413, "limit_exceeded")
FINE = (200, None)


@dataclass
class Bomb:
    name: str
    request: bytes
    # Status and code; several where it depends on what is noticed first.
    answers: tuple
    # Seconds and bytes that it may cost at most, with room for a machine that is busy with other things.
    seconds: float = 2
    bytes: int = 256 << 20
    # Of the server that it is sent to, and how many send it at the same moment.
    options: tuple = ()
    copies: int = 1


def evaluate(name, nodes, inputs, *answers, path="evaluate", seconds=2.0, size=256 << 20, **more):
    return Bomb(name, post(f"/v1/{path}", {"graph": nodes, "inputs": inputs, **more}), answers or (LIMIT,), seconds, size)


def raw(name, body, *answers, seconds=2.0, size=256 << 20, headers=(), **more):
    return Bomb(name, post("/v1/evaluate", body, *headers, **more), answers, seconds, size)


MILLION, TEN12 = 10 ** 6, 10 ** 12


def large_shapes():
    """10^12 elements, none of which is sent."""
    wide = ("broadcast_to", ["x"], ["r"], {"shape": [1, MILLION]})
    tall = ("broadcast_to", ["x"], ["c"], {"shape": [MILLION, 1]})
    flat = ("broadcast_to", ["x"], ["v"], {"shape": [MILLION]})
    total = ("sum", ["y"], ["s"], None)
    one = {"x": 0.5}
    return [
        evaluate("broadcast to 10^12", graph(("broadcast_to", ["x"], ["y"], {"shape": [MILLION, MILLION]})), one),
        evaluate("broadcast to 10^12, then a sum", graph(("broadcast_to", ["x"], ["b"], {"shape": [MILLION, MILLION]}), ("exp", ["b"], ["y"], None), total), one),
        evaluate("a row times a column", graph(wide, tall, ("mul", ["r", "c"], ["p"], None), ("exp", ["p"], ["y"], None), total), one),
        evaluate("outer product", graph(flat, ("exp", ["v"], ["e"], None), ("outer", ["e", "e"], ["y"], None)), one),
        evaluate("outer product, then a sum", graph(flat, ("exp", ["v"], ["e"], None), ("outer", ["e", "e"], ["o"], None), ("exp", ["o"], ["y"], None), total), one),
        evaluate("tile", graph(("expand_dims", ["x"], ["e"], {"axis": 0}), ("tile", ["e"], ["y"], {"repetitions": [TEN12]})), one, LIMIT, (422, "invalid_attribute")),
        evaluate("tile of tiles", graph(("expand_dims", ["x"], ["y0"], {"axis": 0}), *[("tile", [f"y{i}"], [f"y{i + 1}"], {"repetitions": [1000]}) for i in range(4)]), one),
        evaluate("repeat", graph(("expand_dims", ["x"], ["e"], {"axis": 0}), ("repeat", ["e"], ["y"], {"repeats": TEN12, "axis": 0})), one, LIMIT, (422, "invalid_attribute")),
        evaluate("pad", graph(("expand_dims", ["x"], ["e"], {"axis": 0}), ("pad", ["e"], ["y"], {"widths": [[TEN12, 0]]})), one, LIMIT, (422, "invalid_attribute")),
        evaluate("pad by 2^63 - 1", graph(("expand_dims", ["x"], ["e"], {"axis": 0}), ("pad", ["e"], ["y"], {"widths": [[2 ** 63 - 1] * 2]})), one,
                 LIMIT, (422, "invalid_attribute"), (400, "number_out_of_range")),
        evaluate("repetitions of 2^63 - 1", graph(("expand_dims", ["x"], ["e"], {"axis": 0}), ("tile", ["e"], ["y"], {"repetitions": [2 ** 63 - 1] * 2})), one,
                 LIMIT, (422, "invalid_attribute"), (400, "number_out_of_range")),
        evaluate("einsum without common letters", graph(flat, ("exp", ["v"], ["e"], None), ("einsum", ["e", "e"], ["y"], {"equation": "i,j->ij"})), one),
        evaluate("einsum of ten letters", graph(("broadcast_to", ["x"], ["v"], {"shape": [100]}), ("exp", ["v"], ["e"], None),
                                               ("einsum", ["e"] * 10, ["y"], {"equation": "a,b,c,d,e,f,g,h,i,j->abcdefghij"})), one),
        evaluate("one_hot by comparison", graph(flat, ("expand_dims", ["v"], ["w"], {"axis": 1}), ("equal", ["v", "w"], ["y"], None)), one),
        evaluate("a shape of 2^62 by 4", graph(("broadcast_to", ["x"], ["y"], {"shape": [2 ** 62, 4]})), one, LIMIT, (422, "invalid_attribute"), (422, "shape_mismatch")),
        evaluate("100 axes", graph(("reshape", ["x"], ["y"], {"shape": [1] * 100})), one, LIMIT, (422, "invalid_attribute"), (422, "shape_mismatch")),
        evaluate("an answer of 10^9 empty lists", graph(("broadcast_to", ["x"], ["y"], {"shape": [10 ** 9, 0]})), {"x": {"shape": [0], "data": []}}),
        evaluate("an input of 10^12 without data", graph(("exp", ["x"], ["y"], None)), {"x": {"shape": [MILLION, MILLION], "data": []}},
                 LIMIT, (400, "ragged_array"), (422, "shape_mismatch"), (400, "wrong_type")),
    ]


def much_work():
    square = ("broadcast_to", ["x"], ["b"], {"shape": [5000, 5000]})
    exp = ("exp", ["b"], ["m0"], None)
    one = {"x": 0.5}
    chain = [("matmul", [f"m{i}", f"m{i}"], [f"m{i + 1}"], None) for i in range(50)]
    nested = [("mul", ["x", "x"], ["f0"], None)]
    for order in range(60):
        nested += [("sin", [f"f{order}"], [f"s{order}"], None), ("mul", [f"s{order}", f"f{order}"], [f"t{order}"], None),
                   ("grad", [f"t{order}", "x"], [f"f{order + 1}"], None)]
    doubling = [("add", ["x", "x"], ["d0"], None)] + [("concat", [f"d{i}", f"d{i}"], [f"d{i + 1}"], {"axis": 0}) for i in range(45)]
    vector = {"x": [0.5] * 2000}
    waves = graph(("broadcast_to", ["x"], ["w"], {"shape": [500, 2000]}), ("sin", ["w"], ["y"], None))
    return [
        evaluate("a chain of 50 products of 5000 by 5000", graph(square, exp, *chain), one),
        evaluate("one product of 10^12", graph(("broadcast_to", ["x"], ["b"], {"shape": [10_000, 10_000]}), exp, ("matmul", ["m0", "m0"], ["p"], None),
                                                ("sum", ["p"], ["s"], None)), one),
        evaluate("a Jacobian of 10^6 by 2000", waves, vector, path="jacobian"),
        evaluate("a Hessian of 2000 by 2000 through 10^6", graph(*[(n["op"], n["inputs"], n["outputs"], n.get("attributes")) for n in waves["nodes"]],
                                                                ("sum", ["y"], ["s"], None)), vector, LIMIT, FINE, path="hessian", seconds=30),
        evaluate("a Hessian of 30,000 by 30,000", graph(("sin", ["x"], ["y"], None), ("sum", ["y"], ["s"], None)), {"x": [0.5] * 30_000}, path="hessian"),
        evaluate("a batch of 30,000 outer products", graph(("broadcast_to", ["x"], ["v"], {"shape": [6000]}), ("exp", ["v"], ["e"], None),
                                                           ("outer", ["e", "e"], ["y"], None)), {"x": [0.5] * 30_000}, batch=["x"]),
        evaluate("a batch of inverses", graph(("broadcast_to", ["x"], ["b"], {"shape": [300, 300]}), ("exp", ["b"], ["e"], None), ("inv", ["e"], ["y"], None),
                                              ("sum", ["y"], ["s"], None)), {"x": [0.5] * 30_000}, batch=["x"]),
        evaluate("gradients of gradients, 60 deep", graph(*nested), one, LIMIT, seconds=5),
        evaluate("a concatenation that doubles 45 times", graph(*doubling), {"x": [1.0]}),
        evaluate("a check of 30,000 inputs through 10^8", graph(("outer", ["x", "x"], ["o"], None), ("exp", ["o"], ["y"], None), ("sum", ["y"], ["s"], None)),
                 {"x": [0.5] * 30_000}, LIMIT, path="check", seconds=3),
        evaluate("a check of 1,000 products", graph(("outer", ["x", "x"], ["o"], None), ("matmul", ["o", "o"], ["y"], None), ("sum", ["y"], ["s"], None)),
                 {"x": [0.5] * 1500}, LIMIT, path="check", seconds=3),
    ]


def many_nodes():
    parts = [f"p{i}" for i in range(20_000)]
    chain = [{"op": "sin", "inputs": [f"n{i}"], "outputs": [f"n{i + 1}"]} for i in range(MILLION)]
    heads = [{"op": "grad", "inputs": ["y", "x"], "outputs": [f"g{i}"]} for i in range(20_000)]
    return [
        evaluate("split into 20,000", graph(("split", ["x"], parts, {"axis": 0})), {"x": [0.5] * 20_000}, LIMIT, FINE, seconds=5),
        evaluate("split into 10^12", graph(("split", ["x"], ["a"], {"axis": 0, "splits": TEN12})), {"x": [0.5]}, LIMIT, (422, "invalid_attribute"),
                 (422, "wrong_arity"), (422, "shape_mismatch")),
        evaluate("20,000 outputs of 1,000 numbers", {"nodes": [{"op": "sin", "inputs": ["x"], "outputs": [f"y{i}"]} for i in range(20_000)]},
                 {"x": [0.5] * 1000}, LIMIT, FINE, seconds=20, size=1 << 30, gradients=False),
        evaluate("20,000 grad nodes", {"nodes": [{"op": "sin", "inputs": ["x"], "outputs": ["y"]}, *heads]}, {"x": 0.5}, LIMIT, FINE, seconds=5),
        Bomb("a chain of a million nodes", post("/v1/evaluate", {"graph": {"nodes": chain}, "inputs": {"n0": 0.5}}), (LIMIT,), 5, 1 << 30),
        Bomb("a chain of 190,000 nodes", post("/v1/evaluate", {"graph": {"nodes": chain[:190_000]}, "inputs": {"n0": 0.5}}), (FINE, LIMIT), 10, 1 << 30),
        evaluate("a cycle of 100,000 nodes", {"nodes": [*chain[:100_000], {"op": "sin", "inputs": ["n100000"], "outputs": ["n0"]}]}, {}, (422, "cycle"), seconds=5),
    ]


def odd_texts():
    tiny = graph(("sin", ["x"], ["y"], None))
    long = "x" * MILLION
    invalid, range_ = (400, "invalid_json"), (400, "number_out_of_range")
    deep, unknown, wrong = (400, "too_deep"), (400, "unknown_member"), (400, "wrong_type")
    lists = json.dumps({"graph": tiny, "inputs": {"x": 0}}).encode()
    names = (400, "invalid_json"), wrong, (422, "invalid_attribute"), (422, "unknown_name"), LIMIT, (400, "bad_request")
    return [
        raw("a million [", b"[" * MILLION, deep, invalid),
        raw("a million [ in a tensor", lists.replace(b'"x": 0', b'"x": ' + b"[" * MILLION), deep, invalid),
        raw("a million {", b'{"a":' * MILLION, deep, invalid, unknown),
        raw("60 deep", lists.replace(b'"x": 0', b'"x": ' + b"[" * 60 + b"0" + b"]" * 60), FINE, LIMIT, (422, "shape_mismatch"), deep),
        raw("a million keys", json.dumps({f"k{i}": i for i in range(MILLION)}).encode(), unknown, (400, "missing_member"), LIMIT, seconds=5, size=1 << 30),
        raw("a million inputs", json.dumps({"graph": tiny, "inputs": {f"k{i}": i for i in range(MILLION)}}).encode(),
            (422, "unknown_name"), (422, "input_mismatch"), LIMIT, seconds=10, size=1 << 30),
        raw("a million keys that are equal", b'{"inputs": {' + b",".join([b'"x": 1'] * MILLION) + b"}}", (400, "duplicate_key"), seconds=5, size=1 << 30),
        raw("1e400", lists.replace(b'"x": 0', b'"x": 1e400'), range_),
        raw("1e-400 is 0", lists.replace(b'"x": 0', b'"x": 1e-400'), FINE),
        raw("an exponent of 100,000 digits", lists.replace(b'"x": 0', b'"x": 1e' + b"9" * 100_000), range_),
        raw("a number of 100,000 digits", lists.replace(b'"x": 0', b'"x": ' + b"9" * 100_000), range_),
        raw("100,000 digits that are small", lists.replace(b'"x": 0', b'"x": 0.' + b"3" * 100_000), FINE),
        raw("an axis of 10^30", json.dumps({"graph": graph(("sum", ["x"], ["y"], {"axis": 10 ** 30})), "inputs": {"x": [1]}}).encode(),
            range_, wrong, (422, "invalid_attribute")),
        raw("a name of a million bytes", json.dumps({"graph": tiny, "inputs": {long: 0.5}}).encode(), *names),
        raw("a node's name of a million bytes", json.dumps({"graph": graph(("sin", ["x"], [long], None)), "inputs": {"x": 0.5}}).encode(), *names),
        raw("an operation of a million bytes", json.dumps({"graph": graph((long, ["x"], ["y"], None)), "inputs": {"x": 0.5}}).encode(), (422, "unknown_operation")),
        raw("an equation of a million bytes", json.dumps({"graph": graph(("einsum", ["x"], ["y"], {"equation": long})), "inputs": {"x": 0.5}}).encode(),
            (422, "invalid_attribute"), (422, "shape_mismatch"), LIMIT, (422, "wrong_arity")),
        raw("a string that never ends", b'{"graph": "' + b"\\u0041" * MILLION, invalid),
        raw("40 MB of white space", b" " * (40 << 20), invalid, (400, "missing_member")),
        raw("gzip of 100 MB", gzip.compress(b"0" * 100_000_000, 1), (415, "unsupported_media_type"), headers=("Content-Encoding: gzip",)),
        raw("gzip that is not said", gzip.compress(b"0" * 100_000_000, 1), invalid),
    ]


def encodings():
    tiny = graph(("sin", ["x"], ["y"], None))

    def tensor(shape, data):
        return json.dumps({"graph": tiny, "inputs": {"x": {"dtype": "float64", "shape": shape, "encoding": "base64", "data": data}}}).encode()

    def file(head, data=b"", length=None):
        head = head if isinstance(head, bytes) else json.dumps({"__metadata__": {"graph": json.dumps(tiny)}, **head}).encode()
        return struct.pack("<Q", len(head) if length is None else length) + head + data

    bad = (400, None), (413, "limit_exceeded"), (422, None)
    one = base64.b64encode(bytes(8)).decode()
    text = {"content_type": SAFETENSORS}
    return [
        raw("base64 of 8 bytes for 10^12 elements", tensor([MILLION, MILLION], one), *bad),
        raw("base64 of 40 MB for one element", tensor([], base64.b64encode(bytes(30 << 20)).decode()), *bad, size=512 << 20),
        raw("base64 that is none, 40 MB", tensor([], "!" * (40 << 20)), *bad, size=512 << 20),
        raw("safetensors: a header of 2^63 bytes", file({}, length=2 ** 63), *bad, **text),
        raw("safetensors: a header of 2^64 - 1 bytes", file({}, length=2 ** 64 - 1), *bad, **text),
        raw("safetensors: a header longer than the file", file({}, length=MILLION), *bad, **text),
        raw("safetensors: no bytes at all", b"", *bad, **text),
        raw("safetensors: offsets beyond the file", file({"x": {"dtype": "F64", "shape": [MILLION], "data_offsets": [0, 8 * MILLION]}}), *bad, **text),
        raw("safetensors: offsets that go back", file({"x": {"dtype": "F64", "shape": [1], "data_offsets": [8, 0]}}, bytes(8)), *bad, **text),
        raw("safetensors: negative offsets", file({"x": {"dtype": "F64", "shape": [1], "data_offsets": [-8, 0]}}, bytes(8)), *bad, **text),
        raw("safetensors: a shape of 10^12 for 8 bytes", file({"x": {"dtype": "F64", "shape": [MILLION, MILLION], "data_offsets": [0, 8]}}, bytes(8)), *bad, **text),
        raw("safetensors: a shape of 2^62 by 4", file({"x": {"dtype": "F64", "shape": [2 ** 62, 4], "data_offsets": [0, 0]}}), *bad, **text),
        raw("safetensors: 10,000 tensors in the same bytes",
            file({f"x{i}": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]} for i in range(10_000)}, bytes(8)), *bad, **text),
        raw("safetensors: a million [ as header", file(b"[" * MILLION), *bad, **text),
    ]


def all_bombs():
    return large_shapes() + much_work() + many_nodes() + odd_texts() + encodings()
