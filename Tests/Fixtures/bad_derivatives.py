"""Bad requests to the other endpoints, of batches and of `grad` nodes: members that an endpoint does not have, directions that do not fit,
what `for` refuses, and paths that do not exist. One fault each."""

from case_tools import X, ask, body, declared, node, raw, tensor

INT = tensor([4, 5], "int64")
#: y = x·w for a matrix x and a number w; an integer input, a bool input, a constant and an integer output beside them.
NODES = [node("mul", "x", "c", to="h"), node("mul", "h", "w"), node("identity", "i", to="k")]
INPUTS = {"x": X, "w": 2, "i": INT, "b": [True]}
GRAPH = {"constants": {"c": 3}, "outputs": ["y", "k"]}
ENDPOINTS = ("evaluate", "jvp", "jacobian", "hessian", "hvp", "check", "inspect")
#: The direction that an endpoint cannot do without.
DIRECTIONS = {"jvp": "tangents", "hvp": "vectors"}


def add_cases(cases):
  add_unknown_members(cases)
  add_directions(cases)
  add_selections(cases)
  add_cotangents(cases)
  add_shared_faults(cases)
  add_for(cases)
  add_inspected_inputs(cases)
  add_sizes(cases)
  add_grad_nodes(cases)
  add_batches(cases)
  add_per_example(cases)
  add_paths(cases)
  add_tolerances(cases)


def request(endpoint, **members):
  """A good request to an endpoint, but for the members that are given."""
  needed = {DIRECTIONS[endpoint]: {}} if endpoint in DIRECTIONS else {}
  return ask(NODES, INPUTS, graph=GRAPH, **needed | members)


def bad(cases, endpoint, name, made, code, pointer=None, **more):
  cases.bad(f"{endpoint}-{name}", made, code, pointer, path=f"/v1/{endpoint}", **more)


def add_unknown_members(cases):
  rule = "Unknown members of a request are refused by name: a typo must never be ignored"
  values = {"of": ["y"], "wrt": ["x"], "cotangents": {"y": X}, "gradients": True, "tangents": {"x": X}, "vectors": {"x": X}, "for": "jvp"}
  own = {"jvp": ["tangents"], "jacobian": ["of", "wrt"], "hessian": ["of", "wrt", "cotangents"],
         "hvp": ["vectors", "of", "wrt", "cotangents"],
         "check": ["of", "wrt", "cotangents", "step", "rtol", "atol"], "inspect": ["for", "of", "wrt", "cotangents", "gradients"]}
  for endpoint, known in own.items():
    for member in (member for member in values if member not in known):
      bad(cases, endpoint, f"has-no-{member}", request(endpoint, **{member: values[member]}), "unknown_member", f"/{member}",
          contains=[member], rule=rule)
  for purpose, members in {"jvp": ["of", "vectors"], "hessian": ["gradients", "tangents"], "jacobian": ["cotangents"]}.items():
    for member in members:
      made = request(purpose, **{"for": purpose, member: values[member]})
      bad(cases, "inspect", f"for-{purpose}-has-no-{member}", made, "unknown_member", f"/{member}", contains=[member], rule=rule)
  typos = [("jvp", "tangent", "tangents"), ("hvp", "vector", "vectors"), ("jvp", "Tangents", "tangents"),
           ("hessian", "cotangent", "cotangents"),
           ("jacobian", "perexample", "per_example"), ("check", "batches", "batch"), ("jacobian", "output", "outputs"),
           ("inspect", "encodings", "encoding")]
  for endpoint, member, near in typos:
    bad(cases, endpoint, f"typo-{member}", request(endpoint, **{member: {}}), "unknown_member", f"/{member}", contains=[member, near],
        rule=rule)


def add_directions(cases):
  """`tangents` of jvp and `vectors` of hvp follow the same rules."""
  rule = "`tangents` and `vectors` are required: one tensor per input, of its shape"
  for endpoint, member in DIRECTIONS.items():
    made = request(endpoint)
    del made[member]
    bad(cases, endpoint, f"without-{member}", made, "missing_member", "", contains=[member], rule=rule)
    for name, value in {"a-list": [X], "null": None, "a-number": 1, "a-string": "x", "true": True}.items():
      bad(cases, endpoint, f"{member}-are-{name}", request(endpoint, **{member: value}), "wrong_type", f"/{member}", rule=rule)
    for name, value in {"null": None, "text": "ones", "bools": [[True] * 3] * 2, "with-null": [[1, 2, None], [4, 5, 6]]}.items():
      place = "/0/2" if name == "with-null" else None if name == "bools" else ""
      pointer = None if place is None else f"/{member}/x{place}"
      bad(cases, endpoint, f"{member}-hold-{name}", request(endpoint, **{member: {"x": value}}), "wrong_type", pointer, rule=rule)
    for name in ("y", "h", "c", "zz", "X"):
      bad(cases, endpoint, f"{member}-for-{name}", request(endpoint, **{member: {name: 1}}), "unknown_name", f"/{member}/{name}",
          contains=[name], rule=rule)
    for name, value in {"i": [1, 1], "b": [1]}.items():
      bad(cases, endpoint, f"{member}-for-{name}", request(endpoint, **{member: {name: value}}), "dtype_mismatch", f"/{member}/{name}",
          contains=[name], rule="By default integer and bool inputs get no entry")
    shapes = {"a-scalar": 1, "a-row": [1, 2, 3], "transposed": [[1, 2], [3, 4], [5, 6]], "one-axis-more": [X], "empty": []}
    for name, value in shapes.items():
      bad(cases, endpoint, f"{member}-are-{name}", request(endpoint, **{member: {"x": value}}), "shape_mismatch", f"/{member}/x",
          contains=["[2, 3]"], rule=rule)
    bad(cases, endpoint, f"{member}-of-a-scalar-are-a-list", request(endpoint, **{member: {"w": [1]}}), "shape_mismatch", f"/{member}/w",
        rule=rule)
    for dtype in ("float32", "int64"):
      bad(cases, endpoint, f"{member}-are-{dtype}", request(endpoint, **{member: {"x": tensor(X, dtype)}}), "dtype_mismatch",
          f"/{member}/x", contains=["float64", dtype], rule="A different explicit dtype is refused")
    bad(cases, endpoint, f"{member}-are-ragged", request(endpoint, **{member: {"x": [[1, 2, 3], [4, 5]]}}), "ragged_array",
        f"/{member}/x/1", rule="ragged arrays (ragged_array)")
    bad(cases, endpoint, f"{member}-are-too-large", request(endpoint, **{member: {"w": raw("1e400")}}), "number_out_of_range",
        f"/{member}/w", rule="Refused: numbers out of range for the dtype")
    twice = body(request(endpoint, **{member: {"w": 1}})).replace('{"w": 1}', '{"w": 1, "w": 1}')
    bad(cases, endpoint, f"{member}-name-an-input-twice", twice, "duplicate_key", f"/{member}/w", contains=["w"],
        rule="Duplicate JSON keys … are refused")


def add_selections(cases):
  refused = "constants, integers and bools in it are refused"
  for endpoint in ("jacobian", "hessian", "hvp", "check"):
    def asked(name, code, pointer, rule, contains=(), **members):
      bad(cases, endpoint, name, request(endpoint, **members), code, pointer, contains=contains, rule=rule)

    asked("of-an-unknown-name", "unknown_name", "/of/1", "Duplicate JSON keys, redefinition, shadowing, unknown names", ["zz"],
          of=["y", "zz"])
    asked("of-a-name-twice", "duplicate_name", "/of/1", "a name is defined once", ["y"], of=["y", "y"])
    asked("of-nothing", "missing_member", "/of", "`[]` or a name twice is refused", of=[])
    asked("of-an-unknown-string", "unknown_name", "/of", "`of` says what is differentiated", ["zz"], of="zz")
    asked("wrt-an-unknown-name", "unknown_name", "/wrt/0", "unknown names and cycles are refused", ["zz"], wrt=["zz"])
    asked("wrt-a-name-twice", "duplicate_name", "/wrt/1", "a name is defined once", ["x"], wrt=["x", "x"])
    asked("wrt-a-constant", "unknown_name", "/wrt/0", refused, ["c"], wrt=["c"])
    asked("wrt-an-intermediate", "unknown_name", "/wrt/1", "`wrt` defaults to every floating input", ["h"], wrt=["x", "h"])
    asked("wrt-an-integer", "dtype_mismatch", "/wrt/1", refused, ["i", "int64"], wrt=["x", "i"])
    asked("wrt-a-bool", "dtype_mismatch", "/wrt/0", refused, ["b", "bool"], wrt=["b"])
    asked("wrt-is-an-unknown-string", "unknown_name", "/wrt", "`wrt` defaults to every floating input", ["zz"], wrt="zz")
  for endpoint in ("jvp", "jacobian", "hessian", "hvp", "check"):
    bad(cases, endpoint, "outputs-unknown", request(endpoint, outputs=["y", "zz"]), "unknown_name", "/outputs/1", contains=["zz"],
        rule="it may name any value of the graph")
    bad(cases, endpoint, "outputs-twice", request(endpoint, outputs=["y", "y"]), "duplicate_name", "/outputs/1",
        rule="a name twice is refused")
    bad(cases, endpoint, "encoding-unknown", request(endpoint, encoding="hex"), "wrong_type", "/encoding", contains=["base64"],
        rule='`"flat"`, `"base64"`, or `"values"`')


def add_cotangents(cases):
  for endpoint in ("hessian", "hvp", "check", "inspect"):
    def weighted(name, code, at, rule, contains=(), **cotangents):
      bad(cases, endpoint, f"cotangents-{name}", request(endpoint, cotangents=cotangents), code, f"/cotangents/{at}", contains=contains,
          rule=rule)

    weighted("of-another-shape", "shape_mismatch", "y", "Shapes must match exactly", ["[2, 3]"], y=[1, 2, 3])
    weighted("of-another-dtype", "dtype_mismatch", "y", "A different explicit dtype is refused", ["float32"], y=tensor(X, "float32"))
    weighted("of-an-integer-output", "dtype_mismatch", "k", "one for an integer output is refused", ["k", "int64"], k=[1, 1])
    weighted("of-an-intermediate", "unknown_name", "h", "No `cotangents`: ones for every floating output of `of`", ["h"], h=X)
    weighted("of-an-input", "unknown_name", "x", "No `cotangents`: ones for every floating output of `of`", ["x"], x=X)
    bad(cases, endpoint, "cotangents-are-a-list", request(endpoint, cotangents=[X]), "wrong_type", "/cotangents", rule="`cotangents`")
    outside = request(endpoint, of=["h"], cotangents={"y": X})
    bad(cases, endpoint, "cotangents-outside-of", outside, "unknown_name", "/cotangents/y", rule="ones for every floating output of `of`")


def add_shared_faults(cases):
  """What evaluate refuses, every endpoint refuses in the same words."""
  rule = "where the mistake is a common one: `multiply` -> mul"
  for endpoint in ENDPOINTS[1:]:
    directions = {DIRECTIONS[endpoint]: {}} if endpoint in DIRECTIONS else {}
    unknown = ask(node("multiply", "x", "x"), {"x": X}, **directions)
    bad(cases, endpoint, "unknown-operation", unknown, "unknown_operation", "/graph/nodes/0/op", contains=["mul"], node="y", rule=rule)
    misfit = ask(node("matmul", "x", "x"), {"x": X}, **directions)
    bad(cases, endpoint, "shape-mismatch", misfit, "shape_mismatch", "/graph/nodes/0/inputs/1", node="y", operation="matmul",
        contains=["[2, 3]"], rule="matmul: inner sizes differ")
    bad(cases, endpoint, "without-graph", {"inputs": {"x": X}} | directions, "missing_member", "", contains=["graph"],
        rule="members beside `graph`")
    bad(cases, endpoint, "body-is-a-list", "[]", "wrong_type", "", rule="The body is read as JSON")
    missing = ask(node("neg", "x"), {"w": X}, **directions)
    bad(cases, endpoint, "without-an-input", missing, "unknown_name", "/graph/nodes/0/inputs/0", contains=["x"],
        rule="unknown names and cycles are refused")
  for endpoint in ("jvp", "jacobian", "hessian", "hvp", "check"):
    directions = {DIRECTIONS[endpoint]: {}} if endpoint in DIRECTIONS else {}
    outside = ask(node("take", "x", [0, 2]), {"x": X}, **directions)
    bad(cases, endpoint, "index-out-of-range", outside, "index_out_of_range", node="y", operation="take",
        rule="take out of range | refused, naming the node")
    empty = ask(node("neg", "x"), {"x": {"dtype": "float64", "shape": [2]}}, **directions)
    bad(cases, endpoint, "input-without-data", empty, "missing_member", "/inputs/x", contains=["data"],
        rule="POST /v1/inspect | … inputs may be `{\"dtype\",\"shape\"}` without data")


def add_for(cases):
  rule = "`for` (an endpoint's name) and its members"
  for name, value in {"itself": "inspect", "an-unknown-endpoint": "vjp", "another-case": "JVP", "a-path": "/v1/jvp", "the-empty-text": "",
                      "operations": "operations", "a-number": 1, "a-list": ["jvp"], "true": True}.items():
    bad(cases, "inspect", f"for-{name}", ask(NODES, INPUTS, graph=GRAPH, **{"for": value}), "wrong_type", "/for", contains=["jacobian"]
        if isinstance(value, str) else [], rule=rule)
  for endpoint, member in DIRECTIONS.items():
    bad(cases, "inspect", f"for-{endpoint}-without-{member}", ask(NODES, INPUTS, graph=GRAPH, **{"for": endpoint}), "missing_member", "",
        contains=[member], rule="`tangents` and `vectors` are required")
    misfit = ask(NODES, INPUTS, graph=GRAPH, **{"for": endpoint, member: {"x": [1, 2]}})
    bad(cases, "inspect", f"for-{endpoint}-with-other-shapes", misfit, "shape_mismatch", f"/{member}/x",
        rule="one tensor per input, of its shape")
  wrong = ask(NODES, INPUTS, graph=GRAPH, wrt=["i"], **{"for": "hessian"})
  bad(cases, "inspect", "for-hessian-wrt-an-integer", wrong, "dtype_mismatch", "/wrt/0", rule="integers and bools in it are refused")


def add_inspected_inputs(cases):
  rule = 'inputs may be `{"dtype","shape"}` without data'

  def given(name, x, code, pointer, **more):
    bad(cases, "inspect", f"input-{name}", ask(node("neg", "x"), {"x": x}, graph=more.pop("graph", None)), code, pointer, rule=rule, **more)

  given("without-data-of-an-unknown-dtype", {"dtype": "float16", "shape": [2]}, "wrong_type", "/inputs/x/dtype", contains=["float32"])
  given("without-data-of-a-negative-size", {"dtype": "float64", "shape": [2, -1]}, "wrong_type", "/inputs/x/shape/1")
  given("without-data-of-a-named-size", {"dtype": "float64", "shape": ["n"]}, "wrong_type", "/inputs/x/shape/0")
  given("without-data-of-rank-9", {"dtype": "float64", "shape": [1] * 9}, "limit_exceeded", "/inputs/x/shape", limit=8)
  given("without-data-with-another-member", {"dtype": "float64", "shape": [2], "size": 2}, "unknown_member", "/inputs/x/size")
  given("of-a-wrong-length", tensor([1, 2, 3], "float64", [2]), "shape_mismatch", "/inputs/x/data")
  given("of-bools-to-neg", {"dtype": "bool", "shape": [2]}, "dtype_mismatch", "/graph/nodes/0/inputs/0", node="y", operation="neg")
  shape = {"inputs": [declared("x", [2, 3])]}
  given("without-data-of-another-shape", {"dtype": "float64", "shape": [3, 2]}, "shape_mismatch", "/inputs/x",
        contains=["[2, 3]", "[3, 2]"],
        graph=shape)
  given("without-data-of-another-dtype", {"dtype": "float32", "shape": [2, 3]}, "dtype_mismatch", "/inputs/x", contains=["float32"],
        graph=shape)


def add_sizes(cases):
  rule = "known before anything runs"
  long = ask(node("mul", "x", "x"), {"x": [1] * 20_000})
  bad(cases, "jacobian", "too-large", long, "limit_exceeded", rule=rule)
  for endpoint in ("jvp", "jacobian", "hessian", "hvp", "check"):
    directions = {DIRECTIONS[endpoint]: {}} if endpoint in DIRECTIONS else {}
    wide = ask(node("broadcast_to", "x", shape=[10**6, 10**6]), {"x": 1}, **directions)
    bad(cases, endpoint, "result-too-large", wide, "limit_exceeded", rule=rule)
  for endpoint, rank in [("jacobian", 10), ("hessian", 10)]:
    deep = ask(node("mul", "x", "x"), {"x": [[[[[1]]]]]})
    bad(cases, endpoint, f"of-rank-{rank}", deep, "limit_exceeded", limit=8, contains=["8"], rule="shape of y then shape of x")


def add_grad_nodes(cases):
  rule = "differentiates inside the graph, to any order"
  loss = [node("mul", "x", "w", to="p"), node("sum", "p", to="loss"), node("cast", "x", to="n", dtype="int64")]
  given = {"x": [1, 2], "w": 3, "i": INT}

  def grad(name, inputs, to, code, place, nodes=loss, rule=rule, contains=(), **attributes):
    made = ask([*nodes, node("grad", *inputs, to=to, **attributes)], given, graph={"constants": {"c": [1.5]}, "outputs": ["loss"]})
    named = [to] if isinstance(to, str) else to
    cases.bad(f"grad-{name}", made, code, f"/graph/nodes/{len(nodes)}{place}", operation="grad", contains=contains, rule=rule,
              **{"node": named[0]} if named else {})

  grad("of-nothing", [], "d", "wrong_arity", "/inputs")
  grad("for-nothing", ["loss"], "d", "wrong_arity", "/inputs")
  grad("with-a-result-too-many", ["loss", "x"], ["dx", "dw"], "wrong_arity", "/outputs")
  grad("with-a-result-too-few", ["loss", "x", "w"], ["dx"], "wrong_arity", "/outputs")
  grad("without-results", ["loss", "x"], [], "wrong_arity", "/outputs")
  grad("with-an-attribute", ["loss", "x"], "d", "unknown_attribute", "/attributes/wrt", contains=["wrt"], wrt=["x"])
  grad("for-an-unknown-value", ["loss", "zz"], "d", "unknown_name", "/inputs/1", contains=["zz"])
  grad("of-an-unknown-value", ["los", "x"], "d", "unknown_name", "/inputs/0", contains=["loss"])
  refused = "values the loss does not depend on give zeros; constants and integers are refused"
  grad("for-an-integer-input", ["loss", "i"], "d", "dtype_mismatch", "/inputs/1", rule=refused, contains=["int64"])
  grad("for-an-integer-result", ["loss", "x", "n"], ["d", "e"], "dtype_mismatch", "/inputs/2", rule=refused, contains=["int64"])
  grad("of-an-integer-result", ["n", "x"], "d", "dtype_mismatch", "/inputs/0", rule=refused, contains=["int64"])
  around = [node("mul", "x", "d", to="loss")]
  made = ask([*around, node("grad", "loss", "x", to="d")], {"x": [1, 2]})
  cases.bad("grad-in-a-ring", made, "cycle", contains=["d"], rule="unknown names and cycles are refused")
  for name, operand in {"a-constant": "c", "a-number": 2.0, "an-array": [1.0, 2.0]}.items():
    made = ask([*loss, node("grad", "loss", operand, to="d")], given, graph={"constants": {"c": [1.5]}, "outputs": ["loss"]})
    cases.bad(f"grad-for-{name}", made, "invalid_attribute", "/graph/nodes/3/inputs/1", node="d",
              operation="grad", contains=["constant"], rule=refused)


def add_batches(cases):
  rule = "`batch`: names of inputs that carry a leading axis of examples"
  made = [node("mul", "x", "w"), node("identity", "i", to="k")]
  given, graph = {"x": [[1, 2], [3, 4], [5, 6]], "w": 2, "i": INT}, {"constants": {"c": [1, 2, 3]}, "outputs": ["y"]}

  def batch(endpoint, name, code, pointer, inputs=None, contains=(), rule=rule, **members):
    directions = {DIRECTIONS[endpoint]: {}} if endpoint in DIRECTIONS else {}
    asked = ask(made, given | (inputs or {}), graph=graph, **directions | {"batch": ["x"]} | members)
    bad(cases, endpoint, f"batch-{name}", asked, code, pointer, contains=contains, rule=rule)

  for endpoint in ENDPOINTS:
    batch(endpoint, "unknown-name", "unknown_name", "/batch/1", contains=["zz"], batch=["x", "zz"])
    batch(endpoint, "scalar", "shape_mismatch", "/inputs/w", contains=["w"], batch=["x", "w"])
    batch(endpoint, "sizes-differ", "shape_mismatch", "/inputs/i", contains=["3", "2"], rule="sizes must agree", batch=["x", "i"])
    batch(endpoint, "empty", "missing_member", "/batch", batch=[])
  for name in ("c", "y"):
    batch("evaluate", f"of-{name}", "unknown_name", "/batch/0", contains=[name], batch=[name])
  batch("jvp", "name-twice", "duplicate_name", "/batch/1", contains=["x"], batch=["x", "x"])
  for name, value in {"an-object": {"x": 0}, "a-number": 3, "true": True}.items():
    batch("jacobian", f"is-{name}", "wrong_type", "/batch", batch=value)
  batch("hessian", "entry-is-a-number", "wrong_type", "/batch/0", batch=[0])
  carried = "every output gains the leading axis, explicit cotangents carry it too"
  for endpoint in ("evaluate", "hessian", "hvp", "check"):
    rows = [("without-the-axis", [1, 1], ["2", "3"]), ("of-another-size", [[1, 1], [1, 1]], ["2", "3"]), ("scalar", 1, ["axis", "scalar"])]
    for name, value, contains in rows:
      batch(endpoint, f"cotangents-{name}", "shape_mismatch", "/cotangents/y", contains=contains, rule=carried, cotangents={"y": value})
  for endpoint, member in DIRECTIONS.items():
    batch(endpoint, f"{member}-without-the-axis", "shape_mismatch", f"/{member}/x", rule="one tensor per input, of its shape",
          **{member: {"x": [1, 1]}})
    batch(endpoint, f"{member}-of-a-shared-input-with-the-axis", "shape_mismatch", f"/{member}/w",
          rule="one tensor per input, of its shape",
          **{member: {"w": [1, 1, 1]}})
  shapes = "The graph and declared shapes are per example"
  whole = ask(node("neg", "x"), {"x": given["x"]}, graph={"inputs": [declared("x", [3, 2])]}, batch=["x"])
  bad(cases, "evaluate", "batch-declared-with-the-axis", whole, "shape_mismatch", "/inputs/x", contains=["[3, 2]"], rule=shapes)
  axis = ask(node("sum", "x", axis=1), {"x": given["x"]}, batch=["x"])
  bad(cases, "evaluate", "batch-axis-counted-with-the-batch", axis, "invalid_attribute", "/graph/nodes/0/attributes/axis", node="y",
      operation="sum", rule=shapes)
  matrix = ask(node("transpose", "x", axes=[1, 0]), {"x": given["x"]}, batch=["x"])
  bad(cases, "jacobian", "batch-axes-counted-with-the-batch", matrix, "invalid_attribute", "/graph/nodes/0/attributes/axes", node="y",
      operation="transpose", rule=shapes)


def add_per_example(cases):
  rule = 'those of shared inputs are summed, or per example with `"per_example": true`'
  for endpoint in ("evaluate", "jacobian", "hessian", "hvp", "check"):
    bad(cases, endpoint, "per_example-without-batch", request(endpoint, per_example=True), "missing_member", "", contains=["batch"],
        rule=rule)
  for name, value in {"a-string": "true", "a-number": 1, "a-list": ["w"]}.items():
    made = ask(node("neg", "x"), {"x": [1, 2]}, batch=["x"], per_example=value)
    bad(cases, "evaluate", f"per_example-is-{name}", made, "wrong_type", "/per_example", rule=rule)


def add_paths(cases):
  rule = "An unknown path such as /v1/vjp says which one to use"
  near = {"vjp": "evaluate", "grad": "evaluate", "gradient": "evaluate", "gradients": "evaluate", "backward": "evaluate",
          "value_and_grad": "evaluate",
          "Jacobian": "jacobian", "jacobians": "jacobian", "jacrev": "jacobian", "jacfwd": "jacobian", "hess": "hessian",
          "hessians": "hessian",
          "gradcheck": "check", "evalute": "evaluate", "forward": "evaluate", "hvps": "hvp", "jpv": "jvp", "inspct": "inspect"}
  good = ask(node("neg", "x"), {"x": 1})
  for path, use in near.items():
    cases.bad(f"path-{path}", good, "not_found", path=f"/v1/{path}", contains=[f"/v1/{use}"], rule=rule)
  for name, path in {"without-a-version": "/evaluate", "of-version-2": "/v2/evaluate", "with-a-slash-at-the-end": "/v1/evaluate/"}.items():
    cases.bad(f"path-{name}", good, "not_found", path=path, contains=["/v1/evaluate"], rule=rule)


def add_tolerances(cases):
  """How `/v1/check` compares."""
  rule = "`step`, `rtol`, `atol` can be given"
  made = ask(node("exp", "x"), {"x": 1})
  for member in ("step", "rtol", "atol"):
    for name, value, code in [("text", "1e-3", "wrong_type"), ("a-list", [1e-3], "wrong_type"),
                              ("infinite", "Infinity", "wrong_type"), ("true", True, "wrong_type"), ("negative", -1e-3, "number_out_of_range"),
                              ("too-large", raw("1e400"), "number_out_of_range")]:
      cases.bad(f"check-{member}-{name}", made | {member: value}, code, f"/{member}", contains=[member], path="/v1/check", rule=rule)
  cases.bad("check-step-0", made | {"step": 0}, "number_out_of_range", "/step", contains=["greater than 0"], path="/v1/check", rule=rule)
  cases.bad("evaluate-has-no-step", made | {"step": 1e-3}, "unknown_member", "/step", contains=["step"], rule=rule)
