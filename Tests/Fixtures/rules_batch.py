"""Good requests with `grad` nodes, which differentiate inside the graph, and with `batch` and `per_example`, on every endpoint."""

from case_tools import ANY, answer, ask, base64_tensor, declared, float64, node, of_dtype, tensor

SQUARE = node("mul", "x", "x")
#: y = w·x for one example; three examples of two numbers, and w shared by all.
DOT = node("matmul", "w", "x")
DOTS = {"x": [[1, 2], [3, 4], [0, -1]], "w": [5, 6]}
Y = {"y": float64([17.0, 39.0, -6.0])}
W3 = [[5.0, 6.0]] * 3
X3 = [[1.0, 2.0], [3.0, 4.0], [0.0, -1.0]]


def add_cases(cases):
  add_grad_nodes(cases)
  add_grad_orders(cases)
  add_grad_elsewhere(cases)
  add_batches(cases)
  add_batched_operations(cases)
  add_batch_forms(cases)
  add_batched_tangents(cases)
  add_batched_matrices(cases)
  add_batched_reports(cases)


# Nodes that differentiate -----------------------------------------------------------------------------------------------------------


def grad(*inputs, to):
  return node("grad", *inputs, to=to)


def add_grad_nodes(cases):
  def rule(name, quote, nodes, given, outputs, gradients, graph=None, exact=None, warnings=None, **members):
    request = ask(nodes, given, graph=graph, **members)
    cases.rule(f"grad-{name}", quote, request, answer(outputs, gradients), exact=exact, warnings=warnings)

  quote = "differentiates inside the graph, to any order: the sum of its first operand with respect to each of the others"
  square, d = [SQUARE, grad("y", "x", to="d")], {"d": float64([2.0, 6.0])}
  rule("of-a-vector", quote, square, {"x": [1, 3]}, d, {"x": float64([2.0, 2.0])}, exact=True, warnings=[])
  rule("before-its-operands", "list of nodes, in any order", square[::-1], {"x": [1, 3]}, d, {"x": float64([2.0, 2.0])})
  rule("of-a-scalar", quote, square, {"x": 3}, {"d": float64(6.0)}, {"x": float64(2.0)})
  rule("of-nothing", quote, square, {"x": []}, {"d": float64([])}, {"x": float64([])})
  single = {"d": of_dtype("float32", [0.2])}
  rule("in-float32", quote, square, {"x": [0.1]}, single, {"x": of_dtype("float32", [2.0])}, dtype="float32")
  nodes = [node("matmul", "w", "x", to="h"), node("sum", "h", to="loss"), grad("loss", "x", "w", to=["dx", "dw"])]
  rule("for-several-values", "Result i is the total derivative through every path", nodes, {"w": [[1, 2], [3, 4]], "x": [5, 6]},
       {"dx": float64([4.0, 6.0]), "dw": float64([[5.0, 6.0], [5.0, 6.0]])},
       {"w": float64([[1.0, 1.0], [1.0, 1.0]]), "x": float64([2.0, 2.0])}, graph={"outputs": ["dx", "dw"]})
  quote = "which may be inputs or intermediate values"
  chain = [node("mul", "x", 2, to="h"), node("mul", "h", "h", to="loss"), grad("loss", "h", "x", to=["dh", "dx"])]
  rule("for-an-intermediate-value", quote, chain, {"x": 3}, {"dh": float64(12.0), "dx": float64(24.0)}, {"x": float64(4.0)},
       graph={"outputs": ["dh", "dx"]}, of=["dh"])
  rule("for-the-loss-itself", quote, [SQUARE, grad("y", "y", to="d")], {"x": [3, 4]}, {"d": float64([1.0, 1.0])},
       {"x": float64([0.0, 0.0])})
  rule("of-an-input", quote, grad("x", "x", "w", to=["dx", "dw"]), {"x": [3, 4], "w": 5}, {"dx": float64([1.0, 1.0]), "dw": float64(0.0)},
       {"x": float64([0.0, 0.0]), "w": float64(0.0)}, graph={"outputs": ["dx", "dw"]})
  paths = [SQUARE, node("mul", "y", "y", to="k"), node("add", "k", "y", to="loss"), grad("loss", "y", to="d")]
  rule("through-every-path", "Result i is the total derivative through every path", paths, {"x": 3}, {"d": float64(19.0)},
       {"x": float64(12.0)})
  quote = "values the loss does not depend on give zeros"
  apart = [SQUARE, grad("y", "w", to="d")]
  rule("for-an-independent-input", quote, apart, {"x": 3, "w": [[1, 2]]}, {"d": float64([[0.0, 0.0]])},
       {"x": float64(0.0), "w": float64([[0.0, 0.0]])})
  sideways = [SQUARE, node("neg", "x", to="z"), grad("y", "z", to="d")]
  rule("for-a-value-beside-the-loss", quote, sideways, {"x": [3, 4]}, {"d": float64([0.0, 0.0])}, {"x": float64([0.0, 0.0])})
  later = [node("neg", "x", to="loss"), node("mul", "loss", 2, to="z"), grad("loss", "z", to="d")]
  rule("for-a-value-behind-the-loss", quote, later, {"x": 3}, {"d": float64(0.0)}, {"x": float64(0.0)})
  held = [node("stop_gradient", "x", to="c"), node("mul", "x", "c", to="loss"), grad("loss", "x", to="d")]
  rule("of-stop_gradient", "stop_gradient: identity, no gradient", held, {"x": 3}, {"d": float64(3.0)}, {"x": float64(0.0)})


def add_grad_orders(cases):
  quote = "differentiates inside the graph, to any order"
  cube = [node("mul", "x", "x", to="s"), node("mul", "s", "x", to="y"), grad("y", "x", to="d1"), grad("d1", "x", to="d2"),
          grad("d2", "x", to="d3")]
  values = {"y": 8.0, "d1": 12.0, "d2": 12.0, "d3": 6.0}
  gradients = {"y": 12.0, "d1": 12.0, "d2": 6.0, "d3": 0.0}
  shown = {name: float64(value) for name, value in values.items()}
  for of, gradient in gradients.items():
    cases.rule(f"grad-orders-of-{of}", quote, ask(cube, {"x": 2}, graph={"outputs": list(values)}, of=[of]),
               answer(shown, {"x": float64(gradient)}))
  vector = ask(cube, {"x": [1, -2]}, graph={"outputs": ["d2"]})
  cases.rule("grad-of-order-2-of-a-vector", quote, vector, answer({"d2": float64([6.0, -12.0])}, {"x": float64([6.0, 6.0])}))
  sine = [node("sin", "x", to="f0")] + [grad(f"f{i}", "x", to=f"f{i + 1}") for i in range(5)]
  cases.rule("grad-of-order-5", quote, ask(sine, {"x": 0}, graph={"outputs": ["f3", "f5"]}, of=["f5"]),
             answer({"f3": float64(-1.0), "f5": float64(1.0)}, {"x": float64(0.0)}))
  # A gradient penalty: the square of dy/dx = 2x·w, and its derivatives.
  penalty = [SQUARE, node("mul", "y", "w", to="loss"), grad("loss", "x", to="d"), node("mul", "d", "d", to="p")]
  cases.rule("grad-in-a-penalty", quote, ask(penalty, {"x": 3, "w": 2}, graph={"outputs": ["p"]}),
             answer({"p": float64(144.0)}, {"x": float64(96.0), "w": float64(144.0)}))
  mixed = [node("mul", "a", "b", to="ab"), node("mul", "ab", "b", to="loss"), grad("loss", "a", to="da"), grad("da", "b", to="dab")]
  cases.rule("grad-of-mixed-order", quote, ask(mixed, {"a": 2, "b": 3}),
             answer({"dab": float64(6.0)}, {"a": float64(0.0), "b": float64(2.0)}))


def add_grad_elsewhere(cases):
  quote = 'A node `{"op": "grad", "inputs": ["loss", "x", …], "outputs": ["dx", …]}` differentiates inside the graph'
  nodes = [node("mul", "x", "x", to="s"), node("mul", "s", "x"), grad("y", "x", to="d")]
  given, outputs = {"x": [1, 2]}, {"d": float64([3.0, 12.0])}
  diagonal, third = float64([[6.0, 0.0], [0.0, 12.0]]), float64([[6.0, 0.0], [0.0, 6.0]])
  cases.rule("grad-on-jvp", quote, ask(nodes, given, tangents={"x": [1, 10]}),
             {"outputs": outputs, "tangents": {"d": float64([6.0, 120.0])}}, path="/v1/jvp")
  cases.rule("grad-on-jacobian", quote, ask(nodes, given), {"outputs": outputs, "jacobians": {"d": {"x": diagonal}}}, path="/v1/jacobian")
  first = answer(outputs, {"x": float64([6.0, 12.0])})
  cases.rule("grad-on-hessian", quote, ask(nodes, given), first | {"hessians": {"x": {"x": third}}}, path="/v1/hessian")
  cases.rule("grad-on-hvp", quote, ask(nodes, given, vectors={"x": [1, 10]}), first | {"products": {"x": float64([6.0, 60.0])}},
             path="/v1/hvp")
  cases.rule("grad-in-a-batch", quote, ask(nodes, given, batch=["x"]), first)


# Batches ----------------------------------------------------------------------------------------------------------------------------


def add_batches(cases):
  def rule(name, quote, gradients, request=None, shown=Y, exact=None, warnings=None, **members):
    request = ask(DOT, DOTS, batch=["x"], **members) if request is None else request
    cases.rule(f"batch-{name}", quote, request, answer(shown, gradients), exact=exact, warnings=warnings)

  quote = "Gradients of batched inputs are per example; those of shared inputs are summed"
  rule("gradients", quote, {"x": float64(W3), "w": float64([4.0, 5.0])}, exact=True, warnings=[])
  quote = 'those of shared inputs are summed, or per example with `"per_example": true`'
  rule("per-example", quote, {"x": float64(W3), "w": float64(X3)}, per_example=True, exact=True)
  rule("per-example-false", quote, {"x": float64(W3), "w": float64([4.0, 5.0])}, per_example=False)
  quote = "explicit cotangents carry it too"
  weighted = [[5.0, 6.0], [0.0, 0.0], [-10.0, -12.0]]
  rule("cotangents", quote, {"x": float64(weighted), "w": float64([1.0, 4.0])}, cotangents={"y": [1, 0, -2]})
  rule("cotangents-per-example", quote, {"w": float64([[1.0, 2.0], [0.0, 0.0], [0.0, 2.0]])}, cotangents={"y": [1, 0, -2]},
       per_example=True, wrt=["w"])
  rule("cotangents-none", "`{}`: all zero", {"w": float64([0.0, 0.0])}, cotangents={}, wrt=["w"])
  quote = "`batch`: names of inputs that carry a leading axis of examples"
  both = {"x": DOTS["x"], "w": [[1, 0], [0, 1], [2, 2]]}
  rule("of-two-inputs", quote, {"x": float64([[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]), "w": float64(X3)},
       ask(DOT, both, batch=["w", "x"]), {"y": float64([1.0, 4.0, -2.0])})
  rule("of-scalars", quote, {"x": float64([2.0, 4.0, 6.0])}, ask(SQUARE, {"x": [1, 2, 3]}, batch=["x"]), {"y": float64([1.0, 4.0, 9.0])})
  rule("of-one-example", quote, {"x": float64([W3[0]]), "w": float64([1.0, 2.0])}, ask(DOT, DOTS | {"x": [[1, 2]]}, batch=["x"]),
       {"y": float64([17.0])})
  none = ask(DOT, {"x": tensor([], shape=[0, 2]), "w": [5, 6]}, batch=["x"])
  rule("of-no-example", quote, {"x": float64([], [0, 2]), "w": float64([0.0, 0.0])}, none, {"y": float64([])})
  quote = "The graph and declared shapes are per example"
  shapes = {"inputs": [declared("x", [2]), declared("w", ["n"])]}
  rule("declared", quote, {"x": float64(W3), "w": float64([4.0, 5.0])}, ask(DOT, DOTS, graph=shapes, batch=["x"]))
  quote = "every output gains the leading axis"
  chain = [DOT, node("mul", "w", 2, to="v")]
  outputs = {"v": float64([[10.0, 12.0]] * 3), "c": float64([7.0] * 3), "w": float64(W3)}
  request = ask(chain, DOTS, graph={"constants": {"c": 7}}, batch=["x"], outputs=["v", "c", "w"], of=["y"], wrt=["w"])
  rule("outputs-that-are-shared", quote, {"w": float64([4.0, 5.0])}, request, outputs)
  request = ask(chain, DOTS, graph={"outputs": ["v"]}, batch=["x"], wrt=["w"])
  rule("gradient-of-a-shared-output", "those of shared inputs are summed", {"w": float64([6.0, 6.0])}, request,
       {"v": float64([[10.0, 12.0]] * 3)})
  integers = [node("take", "w", "i")]
  request = ask(integers, {"i": tensor([1, 0, 1], "int64"), "w": [5, 6]}, batch=["i"])
  rule("of-integers", quote, {"w": float64([1.0, 2.0])}, request, {"y": float64([6.0, 5.0, 6.0])})
  request = ask(node("mul", "x", "u"), {"x": [1, 2], "u": 3, "spare": [4, 5]}, batch=["x", "spare"])
  rule("with-an-unused-input", "An input that does not matter gets zeros", {"x": float64([3.0, 3.0]), "u": float64(3.0),
       "spare": float64([0.0, 0.0])}, request, {"y": float64([3.0, 6.0])}, warnings=["unused_input"])


def add_batched_operations(cases):
  """The graph is per example: an axis, a shape or a flattened order must not see the leading axis."""
  rows = [
    ("sum-of-all", node("sum", "x"), [[1, 2], [3, 4]], [3.0, 7.0], [[1.0, 1.0]] * 2),
    ("sum-axis-0", node("sum", "x", axis=0), [[[1, 2], [3, 4]]], [[4.0, 6.0]], [[[1.0, 1.0]] * 2]),
    ("max-keepdims", node("max", "x", keepdims=True), [[1, 2], [5, 4]], [[2.0], [5.0]], [[0.0, 1.0], [1.0, 0.0]]),
    ("reshape", node("reshape", "x", shape=[-1]), [[[1, 2]], [[3, 4]]], [[1.0, 2.0], [3.0, 4.0]], [[[1.0, 1.0]]] * 2),
    ("transpose", node("transpose", "x"), [[[1, 2]], [[3, 4]]], [[[1.0], [2.0]], [[3.0], [4.0]]], [[[1.0, 1.0]]] * 2),
    ("transpose-axes", node("transpose", "x", axes=[1, 0]), [[[1, 2]]], [[[1.0], [2.0]]], [[[1.0, 1.0]]]),
    ("expand_dims", node("expand_dims", "x", axis=0), [[1, 2], [3, 4]], [[[1.0, 2.0]], [[3.0, 4.0]]], [[1.0, 1.0]] * 2),
    ("squeeze", node("squeeze", "x"), [[[1, 2]]], [[1.0, 2.0]], [[[1.0, 1.0]]]),
    ("flip", node("flip", "x"), [[1, 2], [3, 4]], [[2.0, 1.0], [4.0, 3.0]], [[1.0, 1.0]] * 2),
    ("roll-flattened", node("roll", "x", shift=1), [[1, 2, 3], [4, 5, 6]], [[3.0, 1.0, 2.0], [6.0, 4.0, 5.0]], [[1.0] * 3] * 2),
    ("slice", node("slice", "x", starts=[1], ends=[2]), [[1, 2], [3, 4]], [[2.0], [4.0]], [[0.0, 1.0]] * 2),
    ("pad", node("pad", "x", widths=[[1, 0]]), [[1], [2]], [[0.0, 1.0], [0.0, 2.0]], [[1.0], [1.0]]),
    ("tile", node("tile", "x", repetitions=[2]), [[1], [2]], [[1.0, 1.0], [2.0, 2.0]], [[2.0], [2.0]]),
    ("repeat", node("repeat", "x", repeats=2, axis=0), [[1, 2]], [[1.0, 1.0, 2.0, 2.0]], [[2.0, 2.0]]),
    ("cumsum", node("cumsum", "x", axis=0), [[1, 2], [3, 4]], [[1.0, 3.0], [3.0, 7.0]], [[2.0, 1.0]] * 2),
    ("sort", node("sort", "x", axis=0), [[2, 1], [3, 4]], [[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0]] * 2),
    ("softmax", node("softmax", "x", axis=0), [[0, 0], [5, 5]], [[0.5, 0.5]] * 2, [[0.0, 0.0]] * 2),
    ("stack", node("stack", "x", "x"), [1, 2], [[1.0, 1.0], [2.0, 2.0]], [2.0, 2.0]),
    ("concat", node("concat", "x", [9]), [[1], [2]], [[1.0, 9.0], [2.0, 9.0]], [[1.0], [1.0]]),
    ("take-axis-0", node("take", "x", [1, 1]), [[1, 2], [3, 4]], [[2.0, 2.0], [4.0, 4.0]], [[0.0, 2.0]] * 2),
    ("diagonal", node("diagonal", "x"), [[[1, 2], [3, 4]]], [[1.0, 4.0]], [[[1.0, 0.0], [0.0, 1.0]]]),
    ("outer", node("outer", "x", [1, 10]), [[1], [2]], [[[1.0, 10.0]], [[2.0, 20.0]]], [[11.0], [11.0]]),
    ("broadcast_to", node("broadcast_to", "x", shape=[2, 1]), [[1], [2]], [[[1.0], [1.0]], [[2.0], [2.0]]], [[2.0], [2.0]]),
    ("broadcasting-of-ranks", node("mul", "x", [[1], [2]]), [[1, 2], [3, 4]], [[[1.0, 2.0], [2.0, 4.0]], [[3.0, 4.0], [6.0, 8.0]]],
     [[3.0, 3.0]] * 2),
    ("where", node("where", [True, False], "x", 0), [[1, 2], [3, 4]], [[1.0, 0.0], [3.0, 0.0]], [[1.0, 0.0]] * 2),
  ]
  for name, made, x, y, gradient in rows:
    cases.rule(f"batch-{name}", "The graph and declared shapes are per example", ask(made, {"x": x}, batch=["x"]),
               answer({"y": float64(y)}, {"x": float64(gradient)}))
  parts = ask(node("split", "x", to=["p", "q"]), {"x": [[1, 2], [3, 4]]}, batch=["x"], of=["q"])
  cases.rule("batch-split", "The graph and declared shapes are per example", parts,
             answer({"p": float64([[1.0], [3.0]]), "q": float64([[2.0], [4.0]])}, {"x": float64([[0.0, 1.0]] * 2)}))
  best = ask(node("argmax", "x"), {"x": [[1, 2], [4, 3]]}, batch=["x"])
  cases.rule("batch-argmax", "argmax takes one axis, null = flat index", best,
             answer({"y": of_dtype("int64", [1, 0])}, {"x": float64([[0.0, 0.0]] * 2)}))


def add_batch_forms(cases):
  quote = '`"encoding"` in the request changes it'
  one = ask(SQUARE, {"x": [1, 3]}, batch=["x"])
  for encoding, y, gradient in [("values", [1.0, 9.0], [2.0, 6.0]),
                                ("flat", *[{"dtype": "float64", "shape": [2], "data": v} for v in ([1.0, 9.0], [2.0, 6.0])]),
                                ("base64", *[base64_tensor("float64", [2], v) for v in ([1.0, 9.0], [2.0, 6.0])])]:
    cases.rule(f"batch-encoding-{encoding}", quote, one | {"encoding": encoding}, answer({"y": y}, {"x": gradient}), exact=True)
  single = ask(SQUARE, {"x": [0.5, 0.25]}, batch=["x"], dtype="float32", cotangents={"y": [1, 0]})
  cases.rule("batch-in-float32", "Gradients have their input's dtype and shape", single,
             answer({"y": of_dtype("float32", [0.25, 0.0625])}, {"x": of_dtype("float32", [1.0, 0.0])}))


def add_batched_tangents(cases):
  quote = "Every endpoint takes it"
  rows = [("both", {"x": [[1, 0], [0, 1], [1, 1]], "w": [1, -1]}, [4.0, 5.0, 12.0]),
          ("batched", {"x": [[1, 0], [0, 1], [1, 1]]}, [5.0, 6.0, 11.0]),
          ("shared", {"w": [1, -1]}, [-1.0, -1.0, 1.0]), ("none", {}, [0.0, 0.0, 0.0])]
  for name, tangents, expected in rows:
    cases.rule(f"batch-jvp-{name}", quote, ask(DOT, DOTS, batch=["x"], tangents=tangents),
               {"outputs": Y, "tangents": {"y": float64(expected)}},
               path="/v1/jvp", exact=True)
  # z = y²: gradients 2y·w and 2y·x; H[w][w] = 2xx', H[x][x] = 2ww'.
  squares = [node("matmul", "w", "x", to="y"), node("mul", "y", "y", to="z")]
  given = {"x": [[1, 2], [3, 4]], "w": [1, -1]}
  z = {"z": float64([1.0, 1.0])}
  gradients = {"x": float64([[-2.0, 2.0], [-2.0, 2.0]]), "w": float64([-8.0, -12.0])}
  for name, wrt, vectors, products, more in [
    ("shared", ["w"], {"w": [1, 0]}, {"w": float64([20.0, 28.0])}, {}),
    ("per-example", ["w"], {"w": [1, 0]}, {"w": float64([[2.0, 4.0], [18.0, 24.0]])}, {"per_example": True}),
    ("batched", ["x"], {"x": [[1, 0], [0, 1]]}, {"x": float64([[2.0, -2.0], [-2.0, 2.0]])}, {}),
  ]:
    shown = {"w": float64([[-2.0, -4.0], [-6.0, -8.0]])} if more else {key: gradients[key] for key in wrt}
    cases.rule(f"batch-hvp-{name}", quote, ask(squares, given, batch=["x"], wrt=wrt, vectors=vectors, **more),
               answer(z, shown) | {"products": products}, path="/v1/hvp", exact=True)
  for name, wrt, second, more in [
    ("shared", ["w"], {"w": {"w": float64([[20.0, 28.0], [28.0, 40.0]])}}, {}),
    ("per-example", ["w"], {"w": {"w": float64([[[2.0, 4.0], [4.0, 8.0]], [[18.0, 24.0], [24.0, 32.0]]])}}, {"per_example": True}),
    ("batched", ["x"], {"x": {"x": float64([[[2.0, -2.0], [-2.0, 2.0]]] * 2)}}, {}),
  ]:
    shown = {"w": float64([[-2.0, -4.0], [-6.0, -8.0]])} if more else {key: gradients[key] for key in wrt}
    cases.rule(f"batch-hessian-{name}", quote, ask(squares, given, batch=["x"], wrt=wrt, **more), answer(z, shown) | {"hessians": second},
               path="/v1/hessian", exact=True)
  products = ask(node("mul", "x", "w"), {"x": [3, 4], "w": 2}, batch=["x"])
  cases.rule("batch-hessian-of-both", quote, products, answer({"y": float64([6.0, 8.0])}, {"x": float64([2.0, 2.0]), "w": float64(7.0)}) | {
    "hessians": {"x": {"x": float64([0.0, 0.0]), "w": float64([1.0, 1.0])}, "w": {"x": float64([1.0, 1.0]), "w": float64(0.0)}}},
    path="/v1/hessian", exact=True)


def add_batched_matrices(cases):
  quote = "every output gains the leading axis, explicit cotangents carry it too"
  cases.rule("batch-jacobian", quote, ask(DOT, DOTS, batch=["x"]), {"outputs": Y, "jacobians": {"y": {"x": float64(W3), "w": float64(X3)}}},
             path="/v1/jacobian", exact=True)
  vector = ask(node("mul", "x", "w"), {"x": [[1, 2]], "w": 3}, batch=["x"])
  cases.rule("batch-jacobian-of-vectors", quote, vector, {"outputs": {"y": float64([[3.0, 6.0]])}, "jacobians": {
    "y": {"x": float64([[[3.0, 0.0], [0.0, 3.0]]]), "w": float64([[1.0, 2.0]])}}}, path="/v1/jacobian")


def add_batched_reports(cases):
  found = {"passed": True, "result": "passes", "reason": ANY, "max_error": ANY, "index": ANY, "analytic": ANY, "numeric": ANY, "checked": ANY, "kink": False}
  quote = "Every endpoint takes it"
  for name, more in [("check", {}), ("check-per-example", {"per_example": True})]:
    cases.rule(f"batch-{name}", quote, ask(DOT, DOTS, batch=["x"], **more),
               {"passed": True, "result": "passes", "reason": ANY, "inputs": {"x": found, "w": found}, "first_nonfinite": None},
               path="/v1/check")
  for name, x in [("inspect", DOTS["x"]), ("inspect-without-data", {"dtype": "float64", "shape": [3, 2]})]:
    cases.rule(f"batch-{name}", quote, ask(DOT, DOTS | {"x": x}, batch=["x"]), {
      "digest": ANY, "text": ANY, "graph": ANY, "gradient_text": ANY, "inputs": ANY, "values": ANY, "of": ["y"], "wrt": ["x", "w"],
      "cost": {"nodes": ANY, "flops": ANY, "peak_bytes": ANY, "answer_bytes": ANY}, "plan": ANY, "admitted": True}, path="/v1/inspect")
