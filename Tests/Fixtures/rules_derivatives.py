"""Good requests to /v1/jvp, jacobian, hessian and hvp: what each answers, in which shapes and order, and what has no entry."""

from case_tools import answer, ask, base64_tensor, declared, float64, node, of_dtype, tensor

TWO = {"a": [1, 2, 3], "b": [4, 5, 6]}
SQUARE = node("mul", "x", "x")
CUBE = [node("mul", "x", "x", to="s"), node("mul", "s", "x")]
INT = tensor([1, 2], "int64")


def add_cases(cases):
  add_tangents(cases)
  add_what_has_a_tangent(cases)
  add_tangents_at_kinks(cases)
  add_jacobian_shapes(cases)
  add_jacobian_choices(cases)
  add_jacobian_operations(cases)
  add_hessians(cases)
  add_hessian_choices(cases)
  add_products(cases)
  add_encodings(cases)
  add_warnings(cases)
  cases.rule("derivatives-of-evaluate-in-this-order", "Members come in the declared order",
             ask(node("mul", "b", "a"), TWO, graph={"inputs": [declared("b", [3]), declared("a", [3])]}),
             answer({"y": float64([4.0, 10.0, 18.0])}, {"b": float64([1.0, 2.0, 3.0]), "a": float64([4.0, 5.0, 6.0])}), exact=True)


def jvp(cases, name, quote, request, outputs, tangents, **more):
  cases.rule(f"jvp-{name}", quote, request, {"outputs": outputs, "tangents": tangents}, path="/v1/jvp", **more)


def jacobian(cases, name, quote, request, outputs, jacobians, **more):
  cases.rule(f"jacobian-{name}", quote, request, {"outputs": outputs, "jacobians": jacobians}, path="/v1/jacobian", **more)


def hessian(cases, name, quote, request, outputs, gradients, hessians, **more):
  cases.rule(f"hessian-{name}", quote, request, answer(outputs, gradients) | {"hessians": hessians}, path="/v1/hessian", **more)


def hvp(cases, name, quote, request, outputs, gradients, products, **more):
  cases.rule(f"hvp-{name}", quote, request, answer(outputs, gradients) | {"products": products}, path="/v1/hvp", **more)


def zeros(*shape):
  """Nested zeros of a shape that has no axis of size 0."""
  return [zeros(*shape[1:]) for _ in range(shape[0])] if shape else 0.0


# Tangents ---------------------------------------------------------------------------------------------------------------------------


def add_tangents(cases):
  y = {"y": float64([4.0, 10.0, 18.0])}
  quote = "`tangents` and `vectors` are required: one tensor per input, of its shape; inputs left out count as zero"

  def product(name, tangents, expected, **more):
    jvp(cases, name, quote, ask(node("mul", "a", "b"), TWO, tangents=tangents), y, {"y": float64(expected)}, **more)

  product("of-both-inputs", {"a": [1, 0, -1], "b": [0.5, 1, 0]}, [4.5, 2.0, -6.0], exact=True)
  product("in-another-order", {"b": [0.5, 1, 0], "a": [1, 0, -1]}, [4.5, 2.0, -6.0])
  product("of-the-first-input", {"a": [1, 0, -1]}, [4.0, 0.0, -6.0], warnings=[])
  product("of-the-second-input", {"b": [0, 0, 10]}, [0.0, 0.0, 30.0], warnings=[])
  product("of-no-input", {}, [0.0, 0.0, 0.0])
  product("as-a-flat-tensor", {"a": tensor([1, 0, -1], "float64", [3])}, [4.0, 0.0, -6.0])
  product("in-base64", {"a": base64_tensor("float64", [3], [1.0, 0.0, -1.0])}, [4.0, 0.0, -6.0])
  product("not-finite", {"a": ["NaN", 0, "-Infinity"]}, ["NaN", 0.0, "-Infinity"])
  jvp(cases, "of-a-scalar", quote, ask(SQUARE, {"x": 3}, tangents={"x": 2}), {"y": float64(9.0)}, {"y": float64(12.0)})
  jvp(cases, "of-nothing", quote, ask(SQUARE, {"x": []}, tangents={"x": []}), {"y": float64([])}, {"y": float64([])})
  matmul = {"x": [[1, 2], [3, 4]], "w": [1, -1]}
  for given, expected in [({"w": [2, 1]}, [4.0, 10.0]), ({"x": [[1, 0], [0, 1]]}, [1.0, -1.0]),
                          ({"x": [[1, 0], [0, 1]], "w": [2, 1]}, [5.0, 9.0])]:
    jvp(cases, f"of-matmul-in-{'-and-'.join(given)}", quote, ask(node("matmul", "x", "w"), matmul, tangents=given),
        {"y": float64([-1.0, -1.0])}, {"y": float64(expected)})
  spare = ask(SQUARE, {"x": 3, "spare": [1, 2]}, tangents={"spare": [5, 5]})
  jvp(cases, "of-an-input-that-does-not-matter", quote, spare, {"y": float64(9.0)}, {"y": float64(0.0)}, warnings=["unused_input"])
  quote = "Data without a dtype takes that of … the input for tangents and vectors"
  single = {"x": tensor([0.5, 2], "float32")}
  expected = {"y": of_dtype("float32", [0.25, 4.0])}, {"y": of_dtype("float32", [0.1, 4.0])}
  jvp(cases, "takes-the-input's-dtype", quote, ask(SQUARE, single, tangents={"x": [0.1, 1]}), *expected, exact=True)
  jvp(cases, "with-the-input's-dtype", quote, ask(SQUARE, single, tangents={"x": tensor([0.1, 1], "float32")}), *expected, exact=True)
  jvp(cases, "before-everything", quote, {"tangents": {"x": [0.1, 1]}} | ask(SQUARE, single), *expected, exact=True)
  mixed = ask(node("mul", "x", "w"), {"x": tensor([2], "float32"), "w": [0.5]}, tangents={"x": [4], "w": [1]})
  jvp(cases, "of-mixed-floats", "float32 with float64 gives float64", mixed, {"y": float64([1.0])}, {"y": float64([4.0])})
  whole = ask(SQUARE, {"x": [0.5]}, dtype="float32", tangents={"x": [0.1]})
  jvp(cases, "in-a-float32-request", 'the request\'s `"dtype"` (float32 or float64)', whole, {"y": of_dtype("float32", [0.25])},
      {"y": of_dtype("float32", [0.1])})


def add_what_has_a_tangent(cases):
  quote = "Integer outputs have no entry in tangents or Jacobians"
  nodes = [SQUARE, node("cast", "y", to="k", dtype="int64"), node("greater", "y", 1, to="b")]
  given, k, b = {"x": [1.5, 2]}, of_dtype("int64", [2, 4]), of_dtype("bool", [True, True])
  values = {"y": float64([2.25, 4.0]), "k": k, "b": b}
  jvp(cases, "has-no-entry-for-integers-and-bools", quote, ask(nodes, given, graph={"outputs": ["y", "k", "b"]}, tangents={"x": [1, 1]}),
      values, {"y": float64([3.0, 4.0])}, exact=True)
  jvp(cases, "of-integer-outputs-only", quote, ask(nodes, given, graph={"outputs": ["k"]}, tangents={"x": [1, 1]}), {"k": k}, {})
  through = [node("cast", "i", to="f", dtype="float64"), node("mul", "x", "f")]
  jvp(cases, "beside-an-integer-input", "By default integer and bool inputs get no entry", ask(through, {"x": [3, 4], "i": INT},
      tangents={"x": [1, 10]}), {"y": float64([3.0, 8.0])}, {"y": float64([1.0, 20.0])})
  quote = "`outputs` beside `graph` says what comes back: it may name any value of the graph"
  chain = [node("mul", "x", 2, to="h"), node("sum", "h")]

  def asked(name, values, tangents, graph=None, **members):
    request = ask(chain, {"x": [1, 2]}, graph=graph, tangents={"x": [1, 10]}, **members)
    jvp(cases, name, quote, request, values, tangents, exact=True)

  asked("of-an-intermediate", {"h": float64([2.0, 4.0])}, {"h": float64([2.0, 20.0])}, outputs=["h"])
  asked("of-an-input", {"y": float64(6.0), "x": float64([1.0, 2.0])}, {"y": float64(22.0), "x": float64([1.0, 10.0])}, outputs=["y", "x"])
  asked("of-outputs-in-this-order", {"h": float64([2.0, 4.0]), "y": float64(6.0)}, {"h": float64([2.0, 20.0]), "y": float64(22.0)},
        {"outputs": ["h", "y"]})
  quote = "An output may be an input or a constant"
  jvp(cases, "where-an-output-is-an-input", quote, ask([], {"x": [1, 2]}, graph={"outputs": ["x"]}, tangents={"x": [5, 6]}),
      {"x": float64([1.0, 2.0])}, {"x": float64([5.0, 6.0])})
  jvp(cases, "where-an-output-is-a-constant", quote, ask([], {"x": 1}, graph={"outputs": ["c"], "constants": {"c": [3, 4]}},
      tangents={"x": 5}), {"c": float64([3.0, 4.0])}, {"c": float64([0.0, 0.0])})
  quote = "Members come in the declared order"
  parts = ask(node("split", "x", to=["q", "p"]), {"x": [1, 2, 3, 4]}, graph={"outputs": ["p", "q"]}, tangents={"x": [5, 6, 7, 8]})
  jvp(cases, "of-several-outputs", quote, parts, {"p": float64([3.0, 4.0]), "q": float64([1.0, 2.0])},
      {"p": float64([7.0, 8.0]), "q": float64([5.0, 6.0])}, exact=True)


def add_tangents_at_kinks(cases):
  """Forward and reverse mode must agree on what a derivative is where there is none."""
  rows = [
    ("relu", "relu, abs, clip at the bound, norm at 0, std of a constant, hypot(0,0), atan2(0,0), xlogy(0,0)", node("relu", "x"),
     [0, 1, -1], [2, 3, 4], [0.0, 1.0, 0.0], [0.0, 3.0, 0.0]),
    ("max", "max, min with ties; maximum, minimum tie | shared evenly", node("max", "x"), [3, 3, 1], [2, 4, 9], 3.0, 3.0),
    ("maximum", "max, min with ties; maximum, minimum tie | shared evenly", node("maximum", "x", 1), [1, 2, 0], [4, 5, 6],
     [1.0, 2.0, 1.0], [2.0, 5.0, 0.0]),
    ("prod", "prod with zeros | exclusive products: prod([0,2,3]) gives [6,0,0]", node("prod", "x"), [0, 2, 3], [1, 10, 100], 0.0, 6.0),
    ("floor", "floor, ceil, round, trunc, sign | 0", node("floor", "x"), [0.5, 1], [1, 1], [0.0, 1.0], [0.0, 0.0]),
    ("stop_gradient", "stop_gradient: identity, no gradient", node("stop_gradient", "x"), [2, 3], [1, 1], [2.0, 3.0], [0.0, 0.0]),
  ]
  for name, quote, made, x, tangent, y, expected in rows:
    jvp(cases, f"at-{name}", quote, ask(made, {"x": x}, tangents={"x": tangent}), {"y": float64(y)}, {"y": float64(expected)})
  chosen = ask(node("where", "c", "a", "b"), {"a": [1, 2], "b": [3, 4]}, graph={"constants": {"c": [True, False]}},
               tangents={"a": [5, "NaN"], "b": ["NaN", 6]})
  jvp(cases, "where-selects", "`where` selects cotangents, never multiplies", chosen, {"y": float64([1.0, 4.0])},
      {"y": float64([5.0, 6.0])})


# Jacobians --------------------------------------------------------------------------------------------------------------------------


def add_jacobian_shapes(cases):
  quote = "`jacobians[y][x]`, shape of y then shape of x"
  one = lambda x, y: {"y": {"x": float64(y, x)}}
  rows = [
    ("of-vector-and-vector", SQUARE, [1, 2], float64([1.0, 4.0]), [2, 2], [[2.0, 0.0], [0.0, 4.0]]),
    ("of-scalar-and-vector", node("sum", "x"), [1, 2], float64(3.0), [2], [1.0, 1.0]),
    ("of-scalar-and-scalar", SQUARE, 3, float64(9.0), [], 6.0),
    ("of-vector-and-scalar", node("mul", "x", [1, 2]), 3, float64([3.0, 6.0]), [2], [1.0, 2.0]),
    ("of-scalar-and-matrix", node("sum", "x"), [[1, 2, 3]], float64(6.0), [1, 3], [[1.0, 1.0, 1.0]]),
    ("of-matrix-and-matrix", node("transpose", "x"), [[1, 2]], float64([[1.0], [2.0]]), [2, 1, 1, 2],
     [[[[1.0, 0.0]]], [[[0.0, 1.0]]]]),
    ("of-vector-and-matrix", node("sum", "x", axis=1), [[1, 2], [3, 4]], float64([3.0, 7.0]), [2, 2, 2],
     [[[1.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [1.0, 1.0]]]),
    ("of-nothing-and-nothing", SQUARE, [], float64([]), [0, 0], []),
    ("of-scalar-and-nothing", node("sum", "x"), [], float64(0.0), [0], []),
    ("of-nothing-and-vector", node("slice", "x", starts=[0], ends=[0]), [1, 2], float64([]), [0, 2], []),
  ]
  for name, made, x, y, shape, expected in rows:
    jacobian(cases, name, quote, ask(made, {"x": x}), {"y": y}, one(shape, expected), warnings=[])
  w = [[1, 2, 3], [4, 5, 6]]
  both = {"x": float64([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
          "w": float64([[[1.0, 0.0, -1.0], [0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [1.0, 0.0, -1.0]]])}
  jacobian(cases, "of-matmul", quote, ask(node("matmul", "w", "x"), {"x": [1, 0, -1], "w": w}), {"y": float64([-2.0, -2.0])}, {"y": both},
           exact=True)
  stretched = ask(node("add", "a", "b"), {"a": [[1], [2]], "b": [10, 20]})
  jacobian(cases, "of-broadcasting", quote, stretched, {"y": float64([[11.0, 21.0], [12.0, 22.0]])},
           {"y": {"a": float64([[[[1.0], [0.0]]] * 2, [[[0.0], [1.0]]] * 2]), "b": float64([[[1.0, 0.0], [0.0, 1.0]]] * 2)}})


def add_jacobian_choices(cases):
  nodes, given = [node("mul", "a", "b", to="p"), node("sub", "a", "b", to="q")], {"a": [1, 2], "b": 3}
  p, q = float64([3.0, 6.0]), float64([-2.0, -1.0])
  pa, pb, qa, qb = float64([[3.0, 0.0], [0.0, 3.0]]), float64([1.0, 2.0]), float64([[1.0, 0.0], [0.0, 1.0]]), float64([-1.0, -1.0])

  def rule(name, quote, shown, jacobians, **members):
    request = ask(nodes, given, graph={"outputs": ["p", "q"]}, **members)
    jacobian(cases, name, quote, request, shown, jacobians, exact=True)

  both = {"p": p, "q": q}
  rule("of-several-outputs-and-inputs", "`jacobians[y][x]`", both, {"p": {"a": pa, "b": pb}, "q": {"a": qa, "b": qb}})
  quote = "`of` says what is differentiated; default: the graph's outputs"
  rule("of-one-output", quote, both, {"q": {"a": qa, "b": qb}}, of=["q"])
  rule("of-outputs-in-this-order", quote, both, {"q": {"b": qb}, "p": {"b": pb}}, of=["q", "p"], wrt=["b"])
  rule("of-an-input", quote, both, {"a": {"a": qa}}, of=["a"], wrt=["a"])
  rule("wrt-one-input", "`wrt` defaults to every floating input", both, {"p": {"b": pb}, "q": {"b": qb}}, wrt=["b"])
  rule("wrt-in-this-order", "Members come in the declared order", both, {"p": {"b": pb, "a": pa}}, of=["p"], wrt=["b", "a"])
  rule("wrt-nothing", "`[]` means no gradients", both, {"p": {}, "q": {}}, wrt=[])
  quote = "`outputs` beside `graph` says what comes back: it may name any value of the graph and never changes a gradient"
  rule("beside-fewer-outputs", quote, {"q": q}, {"p": {"b": pb}, "q": {"b": qb}}, outputs=["q"], wrt=["b"])
  rule("beside-an-input-as-output", quote, {"b": float64(3.0)}, {"p": {"b": pb}}, outputs=["b"], of=["p"], wrt=["b"])
  integers = [SQUARE, node("add", "i", 1, to="k")]
  request = ask(integers, {"x": [1], "i": INT}, graph={"outputs": ["k", "y"]})
  jacobian(cases, "has-no-entry-for-integers", "Integer outputs have no entry in tangents or Jacobians", request,
           {"k": of_dtype("int64", [2, 3]), "y": float64([1.0])}, {"y": {"x": float64([[2.0]])}}, exact=True)
  unused = ask(SQUARE, {"x": 3, "w": [[1, 2]]}, graph={"outputs": ["y"]})
  jacobian(cases, "of-an-input-that-does-not-matter", "An input that does not matter gets zeros", unused, {"y": float64(9.0)},
           {"y": {"x": float64(6.0), "w": float64([[0.0, 0.0]])}}, warnings=["unused_input"])


def add_jacobian_operations(cases):
  rows = [
    ("softmax", "softmax(axis) y(g-sum(g y))", node("softmax", "x"), [0, 0], [0.5, 0.5], [[0.25, -0.25], [-0.25, 0.25]]),
    ("cumsum", "cumsum(axis) reversed cumsum", node("cumsum", "x", axis=0), [1, 2, 3], [1.0, 3.0, 6.0],
     [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]),
    ("sort", "sort(axis) scatter by argsort", node("sort", "x"), [3, 1, 2], [1.0, 2.0, 3.0],
     [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
    ("take", "take(indices,axis), take_along_axis scatter-add (duplicates accumulate)", node("take", "x", [1, 1, -2]), [5, 7],
     [7.0, 7.0, 5.0], [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]),
    ("cumprod", "cumprod(axis) zero-safe", node("cumprod", "x", axis=0), [2, 0, 3], [2.0, 0.0, 0.0],
     [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 6.0, 0.0]]),
    ("max", "max, min with ties; maximum, minimum tie | shared evenly", node("max", "x"), [2, 2, 0], 2.0, [0.5, 0.5, 0.0]),
  ]
  for name, quote, made, x, y, expected in rows:
    jacobian(cases, f"of-{name}", quote, ask(made, {"x": x}), {"y": float64(y)}, {"y": {"x": float64(expected)}})


# Hessians ---------------------------------------------------------------------------------------------------------------------------


def add_hessians(cases):
  quote = "`hessians[x][w]` of the cotangent-weighted sum of the outputs, shape of x then shape of w"
  rows = [
    ("of-cubes", CUBE, [1, 2], [1.0, 8.0], [3.0, 12.0], [[6.0, 0.0], [0.0, 12.0]]),
    ("of-a-scalar", CUBE, 2, 8.0, 12.0, 12.0),
    ("of-a-matrix", SQUARE, [[3, 4]], [[9.0, 16.0]], [[6.0, 8.0]], [[[[2.0, 0.0]], [[0.0, 2.0]]]]),
    ("of-a-linear-function", node("mul", "x", 3), [1, 2], [3.0, 6.0], [3.0, 3.0], zeros(2, 2)),
    ("of-prod-with-a-zero", node("prod", "x"), [0, 2, 3], 0.0, [6.0, 0.0, 0.0], [[0.0, 3.0, 2.0], [3.0, 0.0, 0.0], [2.0, 0.0, 0.0]]),
    ("of-logsumexp-of-one", node("logsumexp", "x"), [5], 5.0, [1.0], [[0.0]]),
    ("of-a-square-through-relu", [node("relu", "x", to="r"), node("mul", "r", "r")], [-1, 0, 2], [0.0, 0.0, 4.0], [0.0, 0.0, 4.0], None),
    ("of-exp-at-0", node("exp", "x"), 0, 1.0, 1.0, 1.0),
    ("of-a-bilinear-form", [node("matmul", [[1, 2], [3, 4]], "x", to="h"), node("matmul", "x", "h")], [1, -1], 0.0, [-3.0, -3.0],
     [[2.0, 5.0], [5.0, 8.0]]),
  ]
  for name, nodes, x, y, gradient, expected in rows:
    # relu's derivative at 0 is 0, so the second derivative of relu(x)² is 2 only where x > 0.
    expected = [[0.0] * 3, [0.0] * 3, [0.0, 0.0, 2.0]] if expected is None else expected
    hessian(cases, name, quote, ask(nodes, {"x": x}), {"y": float64(y)}, {"x": float64(gradient)}, {"x": {"x": float64(expected)}})
  hessian(cases, "of-nothing", quote, ask(SQUARE, {"x": []}), {"y": float64([])}, {"x": float64([])}, {"x": {"x": float64([], [0, 0])}})
  single = {"x": {"x": of_dtype("float32", [[2.0]])}}
  hessian(cases, "in-float32", "Gradients have their input's dtype and shape", ask(SQUARE, {"x": [1]}, dtype="float32"),
          {"y": of_dtype("float32", [1.0])}, {"x": of_dtype("float32", [2.0])}, single)


def add_hessian_choices(cases):
  # p = a·b², q = a²: two inputs of different shapes and two outputs.
  nodes = [node("mul", "b", "b", to="s"), node("mul", "a", "s", to="p"), node("mul", "a", "a", to="q")]
  p, q, none = float64([4.0, 12.0]), float64([1.0, 9.0]), float64([0.0, 0.0])
  aa, ab, bb = float64([[2.0, 0.0], [0.0, 2.0]]), float64([4.0, 4.0]), float64(8.0)

  def rule(name, quote, gradients, hessians, shown=None, **members):
    request = ask(nodes, {"a": [1, 3], "b": 2}, graph={"outputs": ["p", "q"]}, **members)
    hessian(cases, name, quote, request, {"p": p, "q": q} if shown is None else shown, gradients, hessians, exact=True)

  quote = "`hessians[x][w]` of the cotangent-weighted sum of the outputs, shape of x then shape of w"
  all_of = {"a": {"a": aa, "b": ab}, "b": {"a": ab, "b": bb}}
  gradients = {"a": float64([6.0, 10.0]), "b": float64(16.0)}
  rule("of-two-inputs", quote, gradients, all_of)
  rule("weighted", quote, {"a": float64([6.0, 8.0]), "b": float64(-8.0)},
       {"a": {"a": float64([[2.0, 0.0], [0.0, 4.0]]), "b": float64([4.0, -4.0])}, "b": {"a": float64([4.0, -4.0]), "b": float64(-4.0)}},
       cotangents={"p": [1, -1], "q": [1, 2]})
  rule("weighted-for-some", "Given for some: the others are zero", {"a": float64([0.0, 6.0])},
       {"a": {"a": float64([[0.0, 0.0], [0.0, 2.0]])}},
       wrt=["a"], cotangents={"q": [0, 1]})
  rule("weighted-by-nothing", "`{}`: all zero", {"b": float64(0.0)}, {"b": {"b": float64(0.0)}}, wrt=["b"], cotangents={})
  rule("of-one-output", "`of` says what is differentiated; default: the graph's outputs", {"a": float64([2.0, 6.0]), "b": float64(0.0)},
       {"a": {"a": aa, "b": none}, "b": {"a": none, "b": float64(0.0)}}, of=["q"])
  rule("of-an-intermediate", "`of` says what is differentiated", {"b": float64(4.0)}, {"b": {"b": float64(2.0)}}, of=["s"], wrt=["b"])
  rule("wrt-in-this-order", "Members come in the declared order", {"b": gradients["b"], "a": gradients["a"]},
       {"b": {"b": bb, "a": ab}, "a": {"b": ab, "a": aa}}, wrt=["b", "a"])
  rule("wrt-nothing", "`[]` means no gradients", {}, {}, wrt=[])
  quote = "`outputs` beside `graph` says what comes back: it may name any value of the graph and never changes a gradient"
  rule("beside-fewer-outputs", quote, gradients, all_of, {"s": float64(4.0)}, outputs=["s"])
  integers = ask([SQUARE, node("add", "i", 1, to="k")], {"x": [3], "i": INT}, graph={"outputs": ["k", "y"]})
  hessian(cases, "has-no-entry-for-integers", "By default integer and bool inputs get no entry", integers,
          {"k": of_dtype("int64", [2, 3]), "y": float64([9.0])}, {"x": float64([6.0])}, {"x": {"x": float64([[2.0]])}}, exact=True)


def add_products(cases):
  nodes, given = [node("mul", "b", "b", to="s"), node("mul", "a", "s")], {"a": 2, "b": 3}
  a, b = float64(9.0), float64(12.0)

  def rule(name, quote, vectors, products, gradients=None, **members):
    request = ask(nodes, given, vectors=vectors, **members)
    gradients = {"a": a, "b": b} if gradients is None else gradients
    products = {key: float64(value) for key, value in products.items()}
    hvp(cases, name, quote, request, {"y": float64(18.0)}, gradients, products, exact=True)

  quote = "`products[x]`: that Hessian times all the vectors"
  # The Hessian of a·b² at (2, 3) is [[0, 6], [6, 4]].
  rule("with-both-vectors", quote, {"a": 1, "b": 1}, {"a": 6.0, "b": 10.0})
  rule("with-the-second-vector", "inputs left out count as zero", {"b": 1}, {"a": 6.0, "b": 4.0})
  rule("with-the-first-vector", "inputs left out count as zero", {"a": 2}, {"a": 0.0, "b": 12.0})
  rule("with-no-vector", "inputs left out count as zero", {}, {"a": 0.0, "b": 0.0})
  rule("wrt-one-and-a-vector-for-the-other", quote, {"b": 1}, {"a": 6.0}, {"a": a}, wrt=["a"])
  rule("wrt-in-this-order", "Members come in the declared order", {"a": 1, "b": 1}, {"b": 10.0, "a": 6.0}, {"b": b, "a": a},
       wrt=["b", "a"])
  rule("wrt-nothing", "`[]` means no gradients", {"a": 1}, {}, {}, wrt=[])
  rule("weighted", quote, {"a": 1, "b": 1}, {"a": -12.0, "b": -20.0}, {"a": float64(-18.0), "b": float64(-24.0)}, cotangents={"y": -2})
  rule("of-an-intermediate", "`of` says what is differentiated", {"a": 1, "b": 5}, {"a": 0.0, "b": 10.0},
       {"a": float64(0.0), "b": float64(6.0)}, of=["s"])
  hvp(cases, "of-cubes", quote, ask(CUBE, {"x": [1, 2]}, vectors={"x": [1, 10]}), {"y": float64([1.0, 8.0])}, {"x": float64([3.0, 12.0])},
      {"x": float64([6.0, 120.0])})
  form = [node("matmul", [[1, 2], [3, 4]], "x", to="h"), node("matmul", "x", "h")]
  hvp(cases, "of-a-bilinear-form", quote, ask(form, {"x": [1, -1]}, vectors={"x": [1, 2]}), {"y": float64(0.0)},
      {"x": float64([-3.0, -3.0])}, {"x": float64([12.0, 21.0])})
  hvp(cases, "of-nothing", quote, ask(SQUARE, {"x": []}, vectors={"x": []}), {"y": float64([])}, {"x": float64([])}, {"x": float64([])})
  quote = "Data without a dtype takes that of … the input for tangents and vectors"
  single = {"y": of_dtype("float32", [0.25])}, {"x": of_dtype("float32", [1.0])}, {"x": of_dtype("float32", [0.2])}
  hvp(cases, "takes-the-input's-dtype", quote, ask(SQUARE, {"x": tensor([0.5], "float32")}, vectors={"x": [0.1]}), *single, exact=True)


# On all of them ---------------------------------------------------------------------------------------------------------------------


def add_encodings(cases):
  quote = '`"encoding"` in the request changes it: `"flat"`, `"base64"`, or `"values"` (bare nested numbers)'
  made = ask(SQUARE, {"x": [[1, 3]]})
  values = {"y": [[1.0, 9.0]], "dx": [[2.0, 6.0]], "j": [[[[2.0, 0.0]], [[0.0, 6.0]]]], "h": [[[[2.0, 0.0]], [[0.0, 2.0]]]]}
  shapes = {"y": [1, 2], "dx": [1, 2], "j": [1, 2, 1, 2], "h": [1, 2, 1, 2]}
  flat = {"y": [1.0, 9.0], "dx": [2.0, 6.0], "j": [2.0, 0.0, 0.0, 6.0], "h": [2.0, 0.0, 0.0, 2.0]}
  encodings = {
    "values": lambda key: values[key],
    "flat": lambda key: {"dtype": "float64", "shape": shapes[key], "data": flat[key]},
    "base64": lambda key: base64_tensor("float64", shapes[key], flat[key]),
  }
  ones = [[1, 1]]
  for encoding, of in encodings.items():
    y, dx, more = {"y": of("y")}, {"x": of("dx")}, {"exact": True}
    jvp(cases, f"encoding-{encoding}", quote, made | {"tangents": {"x": ones}, "encoding": encoding}, y, {"y": of("dx")}, **more)
    jacobian(cases, f"encoding-{encoding}", quote, made | {"encoding": encoding}, y, {"y": {"x": of("j")}}, **more)
    hessian(cases, f"encoding-{encoding}", quote, made | {"encoding": encoding}, y, dx, {"x": {"x": of("h")}}, **more)
    hvp(cases, f"encoding-{encoding}", quote, made | {"vectors": {"x": [[1, 3]]}, "encoding": encoding}, y, dx, {"x": of("dx")}, **more)


def add_warnings(cases):
  quote = "When several outputs are differentiated only because none were named, the answer carries"
  nodes, given = [node("neg", "x", to="p"), node("mul", "x", "x", to="q")], {"x": 3}
  outputs, gradients = {"p": float64(-3.0), "q": float64(9.0)}, {"x": float64(5.0)}
  second = {"x": {"x": float64(2.0)}}
  hessian(cases, "of-implied-outputs", quote, ask(nodes, given), outputs, gradients, second, warnings=["implied_outputs"])
  hvp(cases, "of-implied-outputs", quote, ask(nodes, given, vectors={"x": 4}), outputs, gradients, {"x": float64(8.0)},
      warnings=["implied_outputs"])
  for name, graph, members in [("in-graph", {"outputs": ["p", "q"]}, {}), ("in-of", None, {"of": ["p", "q"]}),
                               ("in-cotangents", None, {"cotangents": {"p": 1, "q": 1}, "of": ["p", "q"]})]:
    hessian(cases, f"of-outputs-named-{name}", quote, ask(nodes, given, graph=graph, **members), outputs, gradients, second, warnings=[])
  quote = "likewise `unused_input`"
  spare = {"x": 3, "spare": [1]}
  zero, y = float64([0.0]), {"y": float64(9.0)}
  hessian(cases, "with-an-unused-input", quote, ask(SQUARE, spare), y, {"x": float64(6.0), "spare": zero},
          {"x": {"x": float64(2.0), "spare": zero}, "spare": {"x": zero, "spare": float64([[0.0]])}}, warnings=["unused_input"])
  hvp(cases, "with-an-unused-input", quote, ask(SQUARE, spare, vectors={"spare": [1]}), y, {"x": float64(6.0), "spare": zero},
      {"x": float64(0.0), "spare": zero}, warnings=["unused_input"])
