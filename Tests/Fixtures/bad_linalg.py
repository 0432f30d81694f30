"""Bad requests for the operations of linear algebra: equations of einsum, matrices that are not square, singular or not positive definite,
and right-hand sides that do not fit. One fault each."""

from case_tools import X, ask, node, tensor

SQUARE, SINGULAR = [[2, 1], [1, 3]], [[1, 2], [2, 4]]
INT = tensor(SQUARE, "int64")


def add_cases(cases):
  add_equations(cases)
  add_einsum_operands(cases)
  add_matrices(cases)
  add_decompositions(cases)
  add_solves(cases)
  add_singular(cases)
  add_attributes(cases)


def add_equations(cases):
  rule = "outer; einsum | 1-D only; implicit output as NumPy, ellipsis allowed"
  given = {"x": X, "w": [[1], [2], [3]]}
  equations = {
    "digit": "i1,1k->ik", "symbol": "i*,*k->ik", "one-dash": "ij,jk-ik", "two-arrows": "ij,jk->ik->ki", "arrow-turned": "ij,jk<-ik",
    "letter-of-the-output-unknown": "ij,jk->iz", "letter-of-the-output-twice": "ij,jk->ii", "comma-in-the-output": "ij,jk->i,k",
    "ellipsis-twice": "...i...,jk->ik", "two-points": "..ij,jk->ik", "four-points": "....ij,jk->ik", "not-ascii": "iλ,λk->ik",
    "number": 1, "null": None, "list": ["ij", "jk"], "true": True,
  }
  for name, equation in equations.items():
    cases.bad_node(f"einsum-equation-{name}", node("einsum", "x", "w", equation=equation), given, "invalid_attribute",
                   "/attributes/equation", contains=["equation"] if not isinstance(equation, str) else [], rule=rule)
  cases.bad_node("einsum-without-equation", node("einsum", "x", "w"), given, "invalid_attribute", None, contains=["equation"], rule=rule)
  cases.bad_node("einsum-subscripts", node("einsum", "x", subscripts="ij->ji"), given, "unknown_attribute", "/attributes/subscripts",
                 contains=["equation"], rule="unknown attributes are refused with the valid list")
  counts = {"more-than-operands": ("ij,jk,kl->il", ["x", "w"]), "fewer-than-operands": ("ij->ji", ["x", "w"]),
            "no-operands": ("ij->ji", [])}
  for name, (equation, operands) in counts.items():
    cases.bad_node(f"einsum-equation-has-{name}", node("einsum", *operands, equation=equation), given, "wrong_arity", "/inputs", rule=rule)


def add_einsum_operands(cases):
  rule = "outer; einsum | 1-D only; implicit output as NumPy, ellipsis allowed"
  rows = [
    ("rank-too-low", "ijk->i", {"x": X}, 0, ["[2, 3]"]), ("rank-too-high", "i->i", {"x": X}, 0, ["[2, 3]"]),
    ("rank-of-the-second", "ij,jk->ik", {"x": X, "w": [1, 2, 3]}, 1, ["[3]"]),
    ("rank-below-the-ellipsis", "...ij->...ji", {"x": [1, 2]}, 0, []),
    ("sizes-differ", "ij,jk->ik", {"x": X, "w": [[1], [2]]}, 1, ["j", "3", "2"]),
    ("sizes-differ-in-one-operand", "ii->i", {"x": X}, 0, ["i"]),
    ("scalar-with-letters", "i->i", {"x": 1}, 0, []),
  ]
  for name, equation, given, at, contains in rows:
    cases.bad_node(f"einsum-{name}", node("einsum", *given, equation=equation), given, "shape_mismatch", f"/inputs/{at}", contains=contains,
                   rule=rule)
  batches = {"x": [[[1, 2]]] * 2, "w": [[[1], [2]]] * 3}
  cases.bad_node("einsum-batches-differ", node("einsum", "x", "w", equation="...ij,...jk->...ik"), batches, "shape_mismatch", "/inputs/1",
                 rule=rule)
  cases.bad_node("einsum-of-mixed-kinds", node("einsum", "x", "i", equation="ij,jk->ik"), {"x": SQUARE, "i": INT}, "dtype_mismatch",
                 "/inputs/1", contains=["cast"], rule='integers or bool with floats are refused ("cast x")')


def add_matrices(cases):
  rule = "Linear algebra"
  for op in ("cholesky", "inv", "det", "slogdet", "eigh", "eigvalsh", "expm"):
    to = ["s", "l"] if op in ("slogdet", "eigh") else "y"
    made = node(op, "x", to=to)
    cases.bad_node(f"{op}-not-square", made, {"x": X}, "shape_mismatch", "/inputs/0", contains=["[2, 3]", "square"], rule=rule)
    cases.bad_node(f"{op}-of-a-vector", made, {"x": [1, 2]}, "shape_mismatch", "/inputs/0", contains=["[2]"], rule=rule)
    cases.bad_node(f"{op}-of-a-scalar", made, {"x": 2}, "shape_mismatch", "/inputs/0", rule=rule)
    cases.bad_node(f"{op}-of-integers", made, {"x": INT}, "dtype_mismatch", "/inputs/0", contains=["int64", "cast"],
                   rule="div, mean and the float functions refuse integers")
    cases.bad_node(f"{op}-of-two", node(op, "x", "x", to=to), {"x": SQUARE}, "wrong_arity", "/inputs", rule="list of operands")
  cases.bad_node("slogdet-with-one-result", node("slogdet", "x"), {"x": SQUARE}, "wrong_arity", "/outputs",
                 rule="slogdet | (sign, logabsdet)")
  cases.bad_node("det-with-two-results", node("det", "x", to=["s", "l"]), {"x": SQUARE}, "wrong_arity", "/outputs",
                 rule="list of new names, one for each result")
  cases.bad_node("inv-of-a-stack-not-square", node("inv", "x"), {"x": [[[1, 2]]]}, "shape_mismatch", "/inputs/0", contains=["[1, 1, 2]"],
                 rule=rule)


def add_decompositions(cases):
  rule = "Decompositions and functions of matrices"
  results = {"svd": ["u", "s", "v"], "qr": ["q", "r"]}
  for op in ("svd", "svdvals", "qr", "pinv", "matrix_rank"):
    made = node(op, "x", to=results.get(op, "y"))
    cases.bad_node(f"{op}-of-a-vector", made, {"x": [1, 2]}, "shape_mismatch", "/inputs/0", contains=["[2]", "two axes"], rule=rule)
    cases.bad_node(f"{op}-of-integers", made, {"x": INT}, "dtype_mismatch", "/inputs/0", contains=["int64", "cast"], rule=rule)
  for op in ("pinv", "matrix_rank"):
    cases.bad_node(f"{op}-rtol-negative", node(op, "x", rtol=-0.5), {"x": SQUARE}, "invalid_attribute", "/attributes/rtol",
                   contains=["-0.5", "negative"], rule=rule)
    cases.bad_node(f"{op}-rcond", node(op, "x", rcond=0.5), {"x": SQUARE}, "unknown_attribute", "/attributes/rcond", contains=["rtol"],
                   rule=rule)
  cases.bad_node("eigh-with-one-result", node("eigh", "x"), {"x": SQUARE}, "wrong_arity", "/outputs", rule=rule)
  cases.bad_node("svd-full_matrices", node("svd", "x", to=["u", "s", "v"], full_matrices=True), {"x": SQUARE}, "unknown_attribute",
                 "/attributes/full_matrices", rule=rule)
  cases.bad_node("matrix_power-not-square", node("matrix_power", "x", n=2), {"x": X}, "shape_mismatch", "/inputs/0",
                 contains=["[2, 3]", "square"], rule=rule)
  cases.bad_node("matrix_power-without-n", node("matrix_power", "x"), {"x": SQUARE}, "invalid_attribute", None, contains=["n"], rule=rule)
  cases.bad_node("matrix_power-of-a-half", node("matrix_power", "x", n=0.5), {"x": SQUARE}, "invalid_attribute", "/attributes/n",
                 contains=["integer"], rule=rule)
  cases.bad_node("matrix_power-singular", node("matrix_power", "x", n=-1), {"x": SINGULAR}, "singular_matrix", None,
                 contains=["matrix_power"], rule=rule)
  for name, a, b in [("b-of-another-length", X, [1, 2, 3]), ("b-is-a-scalar", X, 2), ("batches-differ", [X] * 2, [[[1], [2]]] * 3)]:
    cases.bad_node(f"lstsq-{name}", node("lstsq", "a", "b"), {"a": a, "b": b}, "shape_mismatch", "/inputs/1", contains=["lstsq"], rule=rule)


def add_solves(cases):
  rule = "solve; solve_triangular | b is a vector only if 1-D"
  for op in ("solve", "solve_triangular"):
    rows = [
      ("a-not-square", X, [1, 2], 0), ("a-is-a-vector", [1, 2], [1, 2], 0), ("a-is-a-scalar", 2, [1, 2], 0),
      ("b-is-a-scalar", SQUARE, 2, 1), ("b-of-another-length", SQUARE, [1, 2, 3], 1), ("b-of-other-rows", SQUARE, [[1, 2]], 1),
      ("b-rows-are-no-vectors", [SQUARE] * 3, [[1, 2]] * 3, 1), ("batches-differ", [SQUARE] * 2, [[[1], [2]]] * 3, 1),
    ]
    for name, a, b, at in rows:
      cases.bad_node(f"{op}-{name}", node(op, "a", "b"), {"a": a, "b": b}, "shape_mismatch", f"/inputs/{at}", contains=[op], rule=rule)
    cases.bad_node(f"{op}-of-integers", node(op, "a", "b"), {"a": INT, "b": tensor([1, 2], "int64")}, "dtype_mismatch", "/inputs/0",
                   contains=["cast"], rule="the float functions refuse integers")
    cases.bad_node(f"{op}-of-one", node(op, "a"), {"a": SQUARE}, "wrong_arity", "/inputs", rule="`solve(a, b)`")


def add_singular(cases):
  """Only known while running; the problem names the node and the operation."""
  rule = "inv, solve with a singular matrix; take out of range | refused, naming the node"
  for name, a in {"rank-1": SINGULAR, "zero": [[0, 0], [0, 0]], "one-by-one": [[0]],
                  "second-of-a-stack": [[[1, 0], [0, 1]], SINGULAR]}.items():
    cases.bad_node(f"inv-singular-{name}", node("inv", "x"), {"x": a}, "singular_matrix", None, contains=["inv"], rule=rule)
  cases.bad_node("solve-singular", node("solve", "a", "b"), {"a": SINGULAR, "b": [1, 2]}, "singular_matrix", None, contains=["solve"],
                 rule=rule)
  cases.bad_node("solve_triangular-singular", node("solve_triangular", "a", "b"), {"a": [[1, 0], [5, 0]], "b": [1, 2]}, "singular_matrix",
                 None,
                 rule=rule)
  deep = ask([node("matmul", "x", "x", to="m"), node("inv", "m", to="i"), node("sum", "i")], {"x": SINGULAR})
  cases.bad("inv-singular-inside", deep, "singular_matrix", node="i", operation="inv", contains=["i"], rule=rule)
  rule = "not positive definite is refused, naming the node"
  rows = {"negative": [[-1]], "zero": [[0]], "indefinite": [[1, 2], [2, 1]], "second-of-a-stack": [[[1, 0], [0, 1]], [[1, 2], [2, 1]]],
          "once-symmetrised": [[1, 4], [0, 1]]}
  for name, a in rows.items():
    cases.bad_node(f"cholesky-{name}", node("cholesky", "x"), {"x": a}, "not_positive_definite", None, contains=["cholesky"], rule=rule)
  on_jvp = ask(node("cholesky", "x"), {"x": [[-1]]}, tangents={"x": [[1]]})
  cases.bad("jvp-cholesky-negative", on_jvp, "not_positive_definite", path="/v1/jvp", node="y", operation="cholesky", rule=rule)


def add_attributes(cases):
  rule = "lower true, transpose false"
  given = {"a": SQUARE, "b": [1, 2]}
  for attribute in ("lower", "transpose"):
    for name, value in {"text": "true", "number": 1, "null": None, "list": [True]}.items():
      cases.bad_node(f"solve_triangular-{attribute}-is-{name}", node("solve_triangular", "a", "b", **{attribute: value}), given,
                     "invalid_attribute", f"/attributes/{attribute}", contains=[attribute], rule=rule)
  rule = "unknown attributes are refused with the valid list"
  for op, attribute, near in [("solve_triangular", "upper", "lower"), ("solve_triangular", "trans", "transpose"), ("solve", "lower", "takes none")]:
    cases.bad_node(f"{op}-with-{attribute}", node(op, "a", "b", **{attribute: True}), given, "unknown_attribute",
                   f"/attributes/{attribute}",
                   contains=[attribute, near], rule=rule)
  for op in ("cholesky", "inv", "det"):
    cases.bad_node(f"{op}-with-upper", node(op, "a", upper=True), given, "unknown_attribute", "/attributes/upper", contains=["upper"],
                   rule=rule)
