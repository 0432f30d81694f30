"""Families of every operation, made of the examples in GET /v1/operations."""

import http.client
import json
import random

from endure.families import FAMILIES, family, node

FLOATS = ("float64", "float32")


def catalog(address):
    """The operations by name, each with a request that is its example."""
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("GET", "/v1/operations")
    listed = json.loads(connection.getresponse().read())["operations"]
    return {each["name"]: each["example"] for each in listed if "example" in each}


def renamed(example, suffix):
    """Its nodes and inputs, with a suffix at each name."""
    request = example["request"]
    graph = request["graph"]

    def name(operand):
        return operand + suffix if isinstance(operand, str) else operand

    nodes = [{**each, "inputs": [name(x) for x in each["inputs"]], "outputs": [name(x) for x in each["outputs"]]} for each in graph["nodes"]]
    return nodes, {name(key): value for key, value in request.get("inputs", {}).items()}, {name(key): value for key, value in graph.get("constants", {}).items()}


def many(examples, choose):
    """A family: so many examples beside each other in one graph."""
    def made(n):
        nodes, inputs, constants = [], {}, {}
        for number in range(n):
            more = renamed(examples[choose(number)], f"_{number}")
            nodes += more[0]
            inputs |= more[1]
            constants |= more[2]
        return nodes, inputs, {"outputs": [nodes[0]["outputs"][0]]}, {"constants": constants} if constants else {}
    return made


def derivatives(example):
    """A family: the derivative of order n by one input, as grad nodes in the graph."""
    answer = example["answer"]
    result = next(name for name, tensor in answer["outputs"].items() if tensor["dtype"] in FLOATS)
    by = next(iter(answer["gradients"]))
    request = example["request"]

    def made(n):
        nodes = [*request["graph"]["nodes"], node("sum", result, "order0")]
        for order in range(n):
            nodes += [node("grad", [f"order{order}", by], f"slope{order}"), node("mul", [f"slope{order}", f"slope{order}"], f"square{order}"),
                      node("sum", f"square{order}", f"order{order + 1}")]
        parts = {"constants": request["graph"]["constants"]} if "constants" in request["graph"] else {}
        return nodes, request.get("inputs", {}), {"outputs": [f"order{n}"]}, parts
    return made


def add_operations(address):
    """Puts the families of all operations beside the others."""
    examples = catalog(address)
    names = sorted(examples)
    for name, example in examples.items():
        made = many(examples, lambda _, name=name: name)
        made.__name__ = f"many_{name}"
        family(most=1 << 14)(made)
        if example["answer"].get("gradients") and any(tensor["dtype"] in FLOATS for tensor in example["answer"]["outputs"].values()):
            made = derivatives(example)
            made.__name__ = f"derivatives_of_{name}"
            family(start=1, most=64)(made)
    made = many(examples, lambda number: random.Random(number).choice(names))
    made.__name__ = "every_operation"
    family()(made)
    return FAMILIES
