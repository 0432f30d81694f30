"""What families of requests are made with.

A family is a function of a size. It gives nodes and inputs, and perhaps members of the request, and of the graph. The same graph can be sent to
every endpoint that takes graphs."""

from endure.wire import post

FAMILIES = {}
# Where a graph can be sent: the path, and the members of the request that it needs.
ENDPOINTS = {
    "evaluate": ("evaluate", {}), "values": ("evaluate", {"gradients": False}), "jvp": ("jvp", {"tangents": {}}), "jacobian": ("jacobian", {}),
    "hessian": ("hessian", {}), "hvp": ("hvp", {"vectors": {}}), "check": ("check", {}), "inspect": ("inspect", {}),
    "inspect hessian": ("inspect", {"for": "hessian"}),
    "inspect jacobian": ("inspect", {"for": "jacobian"}),
}


def request(made, endpoint, *headers):
    """What a family made, as bytes: nodes, inputs, and perhaps members of the request, and of the graph."""
    nodes, inputs, members, parts = (*made, {}, {})[:4]
    path, more = ENDPOINTS[endpoint]
    return post(f"/v1/{path}", {"graph": {"nodes": nodes, **parts}, "inputs": inputs, **members, **more}, *headers)


def family(start=512, most=1 << 22):
    """Sizes are doubled from `start` on, up to `most`."""
    def add(function):
        FAMILIES[function.__name__] = (function, start, most)
        return function
    return add


def node(op, inputs, outputs, **attributes):
    made = {"op": op, "inputs": inputs if isinstance(inputs, list) else [inputs],
            "outputs": outputs if isinstance(outputs, list) else [outputs]}
    if attributes:
        made["attributes"] = attributes
    return made


def chained(op, count, more=(), **attributes):
    """y0 = x, then each of the last: more operands may follow, "y" stands for the last."""
    return [node(op, [f"y{i}", *(f"y{i}" if each == "y" else each for each in more)], f"y{i + 1}", **attributes) for i in range(count)]


SCALAR, VECTOR = {"y0": 0.5}, {"y0": [0.5, 0.25, 0.125]}
