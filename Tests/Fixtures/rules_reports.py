"""Good requests to /v1/check and /v1/inspect: the members of their reports, what is flagged, and what is answered without running."""

from case_tools import ANY, X, ask, declared, node, tensor

SQUARE = node("mul", "x", "x")
PASSES = "step by the argument's own scale and a second step, tolerance by the function's scale and estimated rounding"
ANSWERS = "three answers (passes, fails, inconclusive) with the reason"
KINK = "`kink` where the one-sided differences disagree"
INT = tensor([1, 2], "int64")


def add_cases(cases):
  add_checks_that_pass(cases)
  add_checks_that_fail(cases)
  add_answers(cases)
  add_what_is_checked(cases)
  add_first_nonfinite(cases)
  add_inspected_endpoints(cases)
  add_inspected_inputs(cases)
  add_inspected_values(cases)
  add_admission(cases)


# Check ------------------------------------------------------------------------------------------------------------------------------


def found(passed=True, checked=ANY, kink=False, analytic=ANY, result=None):
  """The report on one input; the rounding errors in it are nobody's promise."""
  return {"passed": passed, "result": result or ("passes" if passed else "inconclusive"), "reason": ANY, "max_error": ANY, "index": ANY, "analytic": analytic, "numeric": ANY, "checked": checked, "kink": kink}


def check(cases, name, quote, request, inputs, *, passed=True, result=None, first_nonfinite=None, **more):
  result = result or ("passes" if passed else "inconclusive")
  expected = {"passed": passed, "result": result, "reason": ANY, "inputs": inputs, "first_nonfinite": first_nonfinite}
  cases.rule(f"check-{name}", quote, request, expected, path="/v1/check", **more)


def add_checks_that_pass(cases):
  rows = [
    ("a-square", SQUARE, [1, 2], 2), ("a-scalar", SQUARE, 3, 1), ("a-matrix", node("exp", "x"), [[0.5, -1, 2]], 3),
    ("a-reduction", node("var", "x"), [1, 2, 4], 3), ("softmax", [node("softmax", "x", to="s"), node("mul", "s", [1, 2])], [0.5, -1], 2),
    ("a-product-with-a-zero", node("prod", "x"), [0, 2, 3], 3), ("an-independent-value", node("sum", [1, 2]), [1], 1),
    ("between-the-steps-of-floor", node("floor", "x"), [0.5, 1.25], 2), ("a-large-value", SQUARE, [1e6], 1),
  ]
  for name, nodes, x, count in rows:
    check(cases, name, PASSES, ask(nodes, {"x": x}), {"x": found(checked=count)})
  quote = '"inputs": {x: {"passed", "max_error", "index", "analytic", "numeric", "checked", "kink"}}'
  check(cases, "one-element-and-where-it-is", quote,
        ask(node("mul", "x", 3), {"x": [[5]]}), {"x": found(checked=1, analytic=3.0) | {"index": [0, 0]}})
  check(cases, "a-scalar-has-an-empty-index", "0-d is `5` or `[5]`", ask(node("mul", "x", 3), {"x": 5}),
        {"x": found(checked=1, analytic=3.0) | {"index": []}})
  quote = "differences in float64 whatever the dtype"
  check(cases, "float32", quote, ask(node("sin", "x"), {"x": [0.1, 1]}, dtype="float32"), {"x": found(checked=2)})
  check(cases, "a-cast-to-float32", quote, ask([node("cast", "x", to="s", dtype="float32"), node("mul", "s", "s")], {"x": [0.3]}),
        {"x": found(checked=1)})
  quote = "relu, abs, clip at the bound, norm at 0, std of a constant, hypot(0,0), atan2(0,0), xlogy(0,0) | 0"
  check(cases, "abs-at-0-is-a-kink-that-passes", f"{KINK}; {quote}", ask(node("abs", "x"), {"x": [0, 2]}), {"x": found(kink=True)})
  check(cases, "abs-beside-0-is-no-kink", KINK, ask(node("abs", "x"), {"x": [-1, 2]}), {"x": found(kink=False)})


def add_checks_that_fail(cases):
  relu = {"x": found(False, kink=True, analytic=0.0)}
  check(cases, "relu-at-0", KINK, ask(node("relu", "x"), {"x": 0}), relu, passed=False)
  check(cases, "clip-at-its-bound", KINK, ask(node("clip", "x", max=1), {"x": [1]}), relu, passed=False)
  check(cases, "floor-at-a-step", KINK, ask(node("floor", "x"), {"x": [1]}), relu, passed=False)
  held = ask([node("stop_gradient", "x", to="c"), node("mul", "x", "c")], {"x": 3})
  check(cases, "stop_gradient", "stop_gradient: identity, no gradient", held, {"x": found(False, 1, False, 3.0, "fails")}, passed=False,
        result="fails")
  two = ask([node("relu", "x", to="r"), node("mul", "r", "w")], {"x": 0, "w": 2})
  check(cases, "one-input-of-two", KINK, two, {"x": found(False, kink=True, analytic=0.0), "w": found()}, passed=False)
  check(cases, "the-other-input-alone", "`wrt` defaults to every floating input", two | {"wrt": ["w"]}, {"w": found()})


def add_answers(cases):
  """Arguments and functions of any size, steps and tolerances of one's own."""
  small = [node("stop_gradient", "x", to="s"), node("mul", "x", "s", to="p"), node("mul", "p", 1e-6)]
  check(cases, "a-small-function-that-fails", ANSWERS, ask(small, {"x": [2, 3]}), {"x": found(False, 2, False, result="fails")}, passed=False,
        result="fails")
  rows = [
    ("log-of-little", node("log", "x"), 2e-9, found(analytic=5e8)), ("cos-of-1e8", node("cos", "x"), 1e8, found()),
    ("cos-of-1e15", node("cos", "x"), 1e15, found(result="inconclusive")), ("sqrt-at-0", node("sqrt", "x"), 0, found(analytic="Infinity")),
    ("exp-of-little", node("exp", "x"), 1e-20, found(analytic=1.0)), ("identity-of-1e300", node("identity", "x"), 1e300, found(analytic=1.0)),
    ("log-of-the-least", node("log", "x"), 5e-324, found(analytic="Infinity")), ("tanh-at-infinity", node("tanh", "x"), "Infinity",
                                                                                found(analytic=0.0, result="inconclusive")),
    ("a-square-at-0", SQUARE, 0, found(analytic=0.0)), ("half-a-cube-root", node("pow", "x", 1.5), 0, found(analytic=0.0, result=ANY)),
  ]
  for name, made, x, report in rows:
    check(cases, name, ANSWERS, ask(made, {"x": tensor(x, shape=[])}), {"x": report}, result=report["result"])
  held = [node("stop_gradient", "x", to="c"), node("mul", "x", "c", to="p"), node("mul", "p", 1e-3, to="q"), node("exp", "x", to="e"),
          node("add", "e", "q")]
  quote = "`step`, `rtol`, `atol` can be given"
  for name, members in [("rtol", {"rtol": 0.5}), ("atol", {"atol": 1}), ("step-and-rtol", {"step": 1e-3, "rtol": 0.5})]:
    check(cases, f"with-{name}", quote, ask(held, {"x": 1}) | members, {"x": found()})
  for name, members in [("no-tolerance", {}), ("a-step", {"step": 1e-3}), ("a-small-rtol", {"rtol": 1e-6}), ("zeros", {"rtol": 0, "atol": 0})]:
    check(cases, f"with-{name}", quote, ask(held, {"x": 1}) | members, {"x": found(False, result="fails")}, passed=False, result="fails")


def add_what_is_checked(cases):
  quote = "at most 1,000 elements per input evenly spread plus one random direction"
  for size, count in [(1000, 1000), (1001, 1000), (2500, 1000), (0, 0)]:
    made = ask([node("broadcast_to", 2, to="two", shape=[size]), node("mul", "x", "two")], {"x": tensor([1] * size, shape=[size])})
    check(cases, f"{size}-elements", quote, made, {"x": ANY if size == 0 else found(checked=count)})
  wide = ask(node("sum", "x"), {"x": [[1] * 40] * 40, "w": [1, 2]})
  check(cases, "each-input-by-itself", quote, wide, {"x": found(checked=1000), "w": found(checked=2, analytic=0.0)})
  nodes, given = [node("mul", "a", "b", to="p"), node("exp", "b", to="q")], {"a": [1, 2], "b": 0.5}
  named = lambda **members: ask(nodes, given, graph={"outputs": ["p", "q"]}, **members)
  check(cases, "several-inputs", 'Answer: `{"passed", "inputs"', named(), {"a": found(checked=2), "b": found(checked=1)}, warnings=[])
  check(cases, "wrt-one", "`wrt` defaults to every floating input", named(wrt=["b"]), {"b": found()})
  check(cases, "wrt-nothing", "`[]` means no gradients", named(wrt=[]), {})
  check(cases, "of-one-output", "`of` says what is differentiated", named(of=["q"]), {"a": found(analytic=0.0), "b": found()})
  check(cases, "weighted", "`cotangents`", named(cotangents={"p": [5, -1]}), {"a": found(), "b": found(analytic=3.0)})
  check(cases, "weighted-by-nothing", "`{}`: all zero", named(cotangents={}), {"a": found(analytic=0.0), "b": found(analytic=0.0)})
  check(cases, "beside-outputs", "`outputs` beside `graph` says what comes back … and never changes a gradient", named(outputs=["q"]),
        {"a": found(), "b": found()})
  for encoding in ("values", "flat", "base64"):
    check(cases, f"encoding-{encoding}", "members beside `graph`, `inputs`, `dtype`, `encoding`, `outputs`, `batch`, `per_example`",
          named(encoding=encoding), {"a": found(), "b": found()})
  check(cases, "implied-outputs", "When several outputs are differentiated only because none were named, the answer carries",
        ask(nodes, given), {"a": found(), "b": found()}, warnings=["implied_outputs"])
  integers = ask([node("cast", "i", to="f", dtype="float64"), node("mul", "x", "f")], {"x": [3, 4], "i": INT})
  check(cases, "beside-an-integer-input", "By default integer and bool inputs get no entry", integers, {"x": found(checked=2)})
  check(cases, "an-unused-input", "likewise `unused_input`", ask(SQUARE, {"x": 1, "w": 2}), {"x": found(), "w": found(analytic=0.0)},
        warnings=["unused_input"])
  power = [SQUARE, node("grad", "y", "x", to="d"), node("mul", "d", "x", to="z")]
  check(cases, "a-grad-node", "A node … differentiates inside the graph, to any order", ask(power, {"x": 3}),
        {"x": found(analytic=12.0)})


def add_first_nonfinite(cases):
  quote = '"first_nonfinite": {"node", "output", "index"} or null'
  at = lambda output, *index: {"node": ANY, "output": output, "index": list(index)}
  log = ask([node("log", "x", to="l"), node("mul", "l", 2)], {"x": [1, 0]})
  check(cases, "log-of-0", quote, log, {"x": ANY}, passed=False, first_nonfinite=at("l", 1))
  ratio = ask([node("sub", "x", "x", to="zero"), node("div", "x", "zero", to="r"), node("log", "r")], {"x": [[1, 2]]})
  check(cases, "a-division-by-0", quote, ratio, {"x": ANY}, passed=False, first_nonfinite=at("r", 0, 0))
  trap = [node("greater", "x", 0, to="c"), node("sqrt", "x", to="s"), node("mul", "x", 0, to="m"), node("where", "c", "s", "m")]
  quote = "where(x>0, sqrt x, 0·x) at x<=0 | NaN, as mathematics of the untaken branch says; `check` names the node"
  check(cases, "the-trap-of-where", quote,
        ask(trap, {"x": [4, -1]}), {"x": ANY}, passed=False, first_nonfinite=at("s", 1))
  unneeded = ask([node("log", "x", to="l"), SQUARE], {"x": 0}, graph={"outputs": ["y"]})
  check(cases, "not-of-a-node-that-nobody-needs", "All nodes are checked; only needed ones run", unneeded, {"x": found()})
  outside = ask([node("take", "x", [7], to="t"), SQUARE], {"x": [3]}, graph={"outputs": ["y"]})
  check(cases, "an-index-that-nobody-needs", "All nodes are checked; only needed ones run", outside, {"x": found()})
  check(cases, "nothing-that-is-not-finite", '"first_nonfinite": {"node", "output", "index"} or null',
        ask(node("log", "x"), {"x": 1}), {"x": found()})


# Inspect ----------------------------------------------------------------------------------------------------------------------------

COST = {"nodes": ANY, "flops": ANY, "peak_bytes": ANY, "answer_bytes": ANY}
MEMBERS = '`{"digest", "text", "graph", "gradient_text", "inputs", "values": {name: {dtype, shape}}, "of", "wrt", "cost": … "plan", "admitted"}`'


def kind(shape, dtype="float64"):
  return {"dtype": dtype, "shape": list(shape)}


def inspect(cases, name, quote, request, inputs, values, of=("y",), wrt=("x",), **more):
  """`values`: those beside the inputs."""
  expected = {"digest": ANY, "text": ANY, "graph": ANY, "gradient_text": ANY, "inputs": inputs, "values": values if values is ANY else inputs | values,
              "of": of if of is ANY else list(of),
              "wrt": wrt if wrt is ANY else list(wrt), "cost": COST, "plan": ANY, "admitted": True}
  cases.rule(f"inspect-{name}", quote, request, expected | more, path="/v1/inspect")


def add_inspected_endpoints(cases):
  quote = "`for` (an endpoint's name) and its members"
  made = ask(SQUARE, {"x": [1, 2]})
  vector = {"x": kind([2])}
  inspect(cases, "an-evaluation", MEMBERS, made, vector, {"y": kind([2])})
  members = {"evaluate": {"cotangents": {"y": [1, 2]}, "wrt": ["x"], "of": ["y"]}, "jvp": {"tangents": {"x": [1, 0]}},
             "jacobian": {"of": ["y"]},
             "hessian": {"cotangents": {"y": [1, 2]}}, "hvp": {"vectors": {"x": [1, 0]}}, "check": {"wrt": ["x"], "rtol": 1e-6}}
  for endpoint, more in members.items():
    inspect(cases, f"for-{endpoint}", quote, made | {"for": endpoint} | more, vector, {"y": kind([2])})
  inspect(cases, "for-evaluate-without-gradients", quote, made | {"gradients": False}, vector, {"y": kind([2])}, wrt=ANY)
  nodes, given = [node("mul", "a", "b", to="p"), node("add", "a", "b", to="q")], {"a": [1, 2], "b": 3}
  both, sums = {"a": kind([2]), "b": kind([])}, {"p": kind([2]), "q": kind([2])}
  inspect(cases, "of-and-wrt-default", MEMBERS, ask(nodes, given, graph={"outputs": ["q", "p"]}), both, sums, "qp", "ab")
  inspect(cases, "of-and-wrt-given", MEMBERS, ask(nodes, given, of=["p"], wrt=["b"]), both, sums, "p", "b")
  inspect(cases, "wrt-nothing", "`[]` means no gradients", ask(nodes, given, of=["p"], wrt=[]), both, sums, "p", "")
  for encoding in ("flat", "values", "base64"):
    inspect(cases, f"encoding-{encoding}", '`"encoding"` in the request changes it', made | {"encoding": encoding}, vector,
            {"y": kind([2])})


def add_inspected_inputs(cases):
  quote = 'inputs may be `{"dtype","shape"}` without data'
  for name, dtype, shape in [("a-vector", "float64", [2]), ("a-scalar", "float64", []), ("float32", "float32", [2, 3]),
                             ("nothing", "float64", [0, 3])]:
    inspect(cases, f"{name}-without-data", quote, ask(SQUARE, {"x": {"dtype": dtype, "shape": shape}}), {"x": kind(shape, dtype)},
            {"y": kind(shape, dtype)})
  mixed = ask(node("add", "x", "w"), {"x": {"dtype": "float32", "shape": [3, 1]}, "w": [1, 2]})
  inspect(cases, "one-of-two-without-data", quote, mixed, {"x": kind([3, 1], "float32"), "w": kind([2])}, {"y": kind([3, 2])}, wrt="xw")
  for dtype in ("int64", "int32", "bool"):
    inspect(cases, f"{dtype}-without-data", quote, ask(node("identity", "x"), {"x": {"dtype": dtype, "shape": [4]}}),
            {"x": kind([4], dtype)}, {"y": kind([4], dtype)}, of=ANY, wrt="")
  known = ask(SQUARE, {"x": {"shape": [2, 3]}}, graph={"inputs": [declared("x", [2, None], "float32")]})
  inspect(cases, "a-declared-dtype-without-data", "Data without a dtype takes that of what it belongs to: the declared input", known,
          {"x": kind([2, 3], "float32")}, {"y": kind([2, 3], "float32")})
  inspect(cases, "the-request's-dtype-without-data", 'else the request\'s `"dtype"` (float32 or float64)',
          ask(SQUARE, {"x": {"shape": [2]}}, dtype="float32"), {"x": kind([2], "float32")}, {"y": kind([2], "float32")})
  inspect(cases, "float64-without-data", "else float64", ask(SQUARE, {"x": {"shape": [2]}}), {"x": kind([2])}, {"y": kind([2])})


def add_inspected_values(cases):
  quote = '"values": {name: {dtype, shape}}'
  given = {"x": {"dtype": "float64", "shape": [5, 2]}}
  nodes = [node("argmax", "x", to="i", axis=1), node("greater", "x", 0, to="b"), node("cast", "x", to="s", dtype="float32"),
           node("split", "x", to=["p", "q"], axis=0, splits=[2, 3]), node("sum", "p")]
  values = {"i": kind([5], "int64"), "b": kind([5, 2], "bool"), "s": kind([5, 2], "float32"), "p": kind([2, 2]), "q": kind([3, 2]),
            "y": kind([])}
  inspect(cases, "every-value-of-the-graph", quote, ask(nodes, given, graph={"outputs": ["y"]}), {"x": kind([5, 2])}, values)
  grads = [SQUARE, node("sum", "y", to="loss"), node("grad", "loss", "x", to="d")]
  inspect(cases, "a-grad-node", quote, ask(grads, given, graph={"outputs": ["d"]}), {"x": kind([5, 2])},
          {"y": kind([5, 2]), "loss": kind([]), "d": kind([5, 2])}, of="d")
  inspect(cases, "no-nodes", "`[]` is legal", ask([], {"x": [1]}, graph={"outputs": ["x"]}), {"x": kind([1])}, {}, of="x")
  nan = ask(node("cast", "x", dtype="int32"), {"x": ["NaN"]}, graph={"outputs": ["y"]})
  inspect(cases, "what-could-not-run", "runs nothing", nan, {"x": kind([1])}, {"y": kind([1], "int32")}, of=ANY)
  indices = ask(node("take", "x", [7], axis=1), {"x": X})
  inspect(cases, "an-index-out-of-range", "runs nothing", indices, {"x": kind([2, 3])}, {"y": kind([2, 1])})


def add_admission(cases):
  quote = 'over a limit it is still 200, with `"admitted": false` and the limit'
  limit = {"admitted": False, "limit": {"detail": ANY, "limit": ANY, "value": ANY}}
  large = kind([10**5, 10**5])
  inspect(cases, "an-input-too-large", quote, ask(SQUARE, {"x": large}), {"x": large}, {"y": large}, **limit)
  wide = ask(node("broadcast_to", "x", shape=[10**5, 10**5]), {"x": 1})
  inspect(cases, "a-result-too-large", quote, wide, {"x": kind([])}, {"y": large}, **limit)
  long = {"x": kind([10**5])}
  for endpoint in ("jacobian", "hessian"):
    inspect(cases, f"a-{endpoint}-too-large", quote, ask(SQUARE, long, **{"for": endpoint}), long, {"y": kind([10**5])}, **limit)
  inspect(cases, "the-same-without-a-jacobian", quote, ask(SQUARE, long), long, {"y": kind([10**5])})
