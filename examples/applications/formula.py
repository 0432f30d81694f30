"""Turns a formula as one writes it into a graph as the server reads it.

A formula is a tree already: a sum of products of powers. Python's own parser finds it, so all that is left is to name things. Every
sub-expression becomes a node, and its text becomes its name (the server takes names up to 256 bytes). That makes the graph readable,
and what occurs twice is computed only once:

    b1 * exp(-x)    {"op": "neg", "inputs": ["x"],             "outputs": ["-x"]}
                    {"op": "exp", "inputs": ["-x"],            "outputs": ["exp(-x)"]}
                    {"op": "mul", "inputs": ["b1", "exp(-x)"], "outputs": ["b1 * exp(-x)"]}

What is never computed, here b1 and x, is for the request to supply, among its inputs or its constants.
"""

import ast

from autograd import node

OPERATORS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}


def graph(formula, **constants):
    """The graph whose only output is `formula`; `constants` are the tensors that get no derivatives."""
    nodes = {}

    def operand(tree):
        """How other nodes refer to this part of the formula; the nodes that compute it are added on the way."""
        match tree:
            case ast.Constant(value=number):
                return number
            case ast.Name(id=name):
                return name
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                op, parts = "neg", [inner]
            case ast.BinOp(left=left, op=operator, right=right):
                op, parts = OPERATORS[type(operator)], [left, right]
            case ast.Call(func=ast.Name(id=op), args=parts):
                pass
            case _:
                raise SyntaxError(f"not a formula: {ast.unparse(tree)}")
        name = ast.unparse(tree)
        if name not in nodes:
            nodes[name] = node(op, *map(operand, parts), to=name)
        return name

    result = operand(ast.parse(formula, mode="eval").body)
    return {"nodes": list(nodes.values()), "outputs": [result], "constants": constants}
