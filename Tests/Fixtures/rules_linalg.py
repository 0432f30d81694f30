"""Good requests for the operations of linear algebra, all with numbers that can be checked by hand."""

import math

from case_tools import answer, ask, float64, node, of_dtype, tensor

DIAGONAL = [[2, 0], [0, 4]]
#: The gradient of the sum of solve(DIAGONAL, [2, 4]) = [1, 1] in the matrix.
IN_A = [[-0.5, -0.5], [-0.25, -0.25]]
NOTHING = tensor([], shape=[0, 0])
#: The gradient of the sum of DIAGONAL's inverse.
IN_INVERSE = [[-0.25, -0.125], [-0.125, -0.0625]]


def add_cases(cases):
  add_einsum(cases)
  add_einsum_forms(cases)
  add_solves(cases)
  add_triangular_solves(cases)
  add_inverses_and_determinants(cases)
  add_cholesky(cases)
  add_nothing(cases)


def rule(cases, name, quote, made, given, outputs, gradients, **members):
  outputs = {key: value if isinstance(value, dict) else float64(value) for key, value in outputs.items()}
  gradients = {key: value if isinstance(value, dict) else float64(value) for key, value in gradients.items()}
  cases.rule(f"linalg-{name}", quote, ask(made, given, **members), answer(outputs, gradients))


def add_einsum(cases):
  quote = "outer; einsum | 1-D only; implicit output as NumPy, ellipsis allowed"
  x, w = [[1, 2], [3, 4]], [[1, 0], [0, -1]]
  product, of_x, of_w = [[1.0, -2.0], [3.0, -4.0]], [[1.0, -1.0]] * 2, [[4.0, 4.0], [6.0, 6.0]]
  for name, equation in {"explicit": "ij,jk->ik", "implicit": "ij,jk", "blanks": " ij , jk -> ik ", "capitals": "AB,BC->AC"}.items():
    rule(cases, f"einsum-matmul-{name}", quote, node("einsum", "x", "w", equation=equation), {"x": x, "w": w}, {"y": product},
         {"x": of_x, "w": of_w})
  eye, ones = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]] * 2
  rows = [("trace", "ii->", 5.0, eye), ("trace-implicit", "ii", 5.0, eye), ("diagonal", "ii->i", [1.0, 4.0], eye),
          ("transpose", "ij->ji", [[1.0, 3.0], [2.0, 4.0]], ones), ("transpose-implicit", "ba", [[1.0, 3.0], [2.0, 4.0]], ones),
          ("sum", "ij->", 10.0, ones), ("row-sums", "ij->i", [3.0, 7.0], ones), ("identity", "ij", [[1.0, 2.0], [3.0, 4.0]], ones),
          ("ellipsis", "...i->i...", [[1.0, 3.0], [2.0, 4.0]], ones), ("ellipsis-only", "...", [[1.0, 2.0], [3.0, 4.0]], ones)]
  for name, equation, y, gradient in rows:
    rule(cases, f"einsum-{name}", quote, node("einsum", "x", equation=equation), {"x": x}, {"y": y}, {"x": gradient})


def add_einsum_forms(cases):
  quote = "outer; einsum | 1-D only; implicit output as NumPy, ellipsis allowed"
  pair = {"x": [1, 2], "w": [3, 5]}
  rule(cases, "einsum-dot", quote, node("einsum", "x", "w", equation="i,i"), pair, {"y": 13.0}, {"x": [3.0, 5.0], "w": [1.0, 2.0]})
  rule(cases, "einsum-outer", quote, node("einsum", "x", "w", equation="i,j"), pair, {"y": [[3.0, 5.0], [6.0, 10.0]]},
       {"x": [8.0, 8.0], "w": [3.0, 3.0]})
  rule(cases, "einsum-turned-outer", quote, node("einsum", "x", "w", equation="j,i"), pair, {"y": [[3.0, 6.0], [5.0, 10.0]]},
       {"x": [8.0, 8.0], "w": [3.0, 3.0]})
  rule(cases, "einsum-of-three", quote, node("einsum", "x", "x", "w", equation="i,i,i->"), pair, {"y": 23.0},
       {"x": [6.0, 20.0], "w": [1.0, 4.0]})
  rule(cases, "einsum-with-a-scalar", quote, node("einsum", "x", "w", equation=",i->i"), {"x": 2, "w": [3, 5]}, {"y": [6.0, 10.0]},
       {"x": 8.0, "w": [2.0, 2.0]})
  stacks = {"x": [[[1, 2]], [[3, 4]]], "w": [[1], [-1]]}
  rule(cases, "einsum-batches-broadcast", quote, node("einsum", "x", "w", equation="...ij,...jk->...ik"), stacks,
       {"y": [[[-1.0]], [[-1.0]]]}, {"x": [[[1.0, -1.0]], [[1.0, -1.0]]], "w": [[4.0], [6.0]]})
  rule(cases, "einsum-of-nothing", quote, node("einsum", "x", "w", equation="ij,jk->ik"),
       {"x": tensor([], shape=[1, 0]), "w": tensor([], shape=[0, 1])}, {"y": [[0.0]]}, {"x": float64([[]]), "w": float64([], [0, 1])})
  rule(cases, "einsum-of-integers", "Integers wrap", node("einsum", "x", "x", equation="i,i"), {"x": tensor([2**32, 3], "int64")},
       {"y": of_dtype("int64", 9)}, {})


def add_solves(cases):
  quote = "solve; solve_triangular | b is a vector only if 1-D"
  made = node("solve", "a", "b")
  rule(cases, "solve-vector", quote, made, {"a": DIAGONAL, "b": [2, 4]}, {"y": [1.0, 1.0]}, {"a": IN_A, "b": [0.5, 0.25]})
  rule(cases, "solve-matrix", quote, made, {"a": DIAGONAL, "b": [[2, 4], [4, 8]]}, {"y": [[1.0, 2.0], [1.0, 2.0]]},
       {"a": [[-1.5, -1.5], [-0.75, -0.75]], "b": [[0.5, 0.5], [0.25, 0.25]]})
  rule(cases, "solve-needs-a-row-swap", quote, made, {"a": [[0, 1], [2, 0]], "b": [3, 4]}, {"y": [2.0, 3.0]},
       {"a": [[-2.0, -3.0], [-1.0, -1.5]], "b": [1.0, 0.5]})
  rule(cases, "solve-stack-of-b", quote, made, {"a": DIAGONAL, "b": [[[2], [4]]] * 3}, {"y": [[[1.0], [1.0]]] * 3},
       {"a": [[-1.5, -1.5], [-0.75, -0.75]], "b": [[[0.5], [0.25]]] * 3})
  rule(cases, "solve-stack-of-a-and-a-vector", quote, made, {"a": [DIAGONAL, [[1, 0], [0, 2]]], "b": [2, 4]},
       {"y": [[1.0, 1.0], [2.0, 2.0]]}, {"a": [IN_A, [[-2.0, -2.0], [-1.0, -1.0]]], "b": [1.5, 0.75]})
  single = {"a": tensor(DIAGONAL, "float32"), "b": tensor([2, 4], "float32")}
  rule(cases, "solve-float32", "Gradients have their input's dtype and shape", made, single, {"y": of_dtype("float32", [1.0, 1.0])},
       {"a": of_dtype("float32", IN_A), "b": of_dtype("float32", [0.5, 0.25])})


def add_triangular_solves(cases):
  quote = "lower true, transpose false"

  def triangular(name, a, b, y, of_a, of_b, **attributes):
    rule(cases, f"solve_triangular-{name}", quote, node("solve_triangular", "a", "b", **attributes), {"a": a, "b": b}, {"y": y},
         {"a": of_a, "b": of_b})

  # The other triangle is never read: the 9 there has no part in the answer and gradient 0.
  triangular("default", [[2, 9], [1, 4]], [2, 5], [1.0, 1.0], [[-0.375, 0.0], [-0.25, -0.25]], [0.375, 0.25])
  triangular("upper", [[2, 1], [9, 4]], [3, 4], [1.0, 1.0], [[-0.5, -0.5], [0.0, -0.125]], [0.5, 0.125], lower=False)
  triangular("transposed", [[2, 9], [1, 4]], [3, 4], [1.0, 1.0], [[-0.5, 0.0], [-0.5, -0.125]], [0.5, 0.125], transpose=True)
  triangular("upper-transposed", [[2, 1], [9, 4]], [2, 5], [1.0, 1.0], [[-0.375, -0.25], [0.0, -0.25]], [0.375, 0.25], lower=False,
             transpose=True)
  triangular("columns", [[2, 0], [0, 4]], [[2], [4]], [[1.0], [1.0]], [[-0.5, 0.0], [-0.25, -0.25]], [[0.5], [0.25]])


def add_inverses_and_determinants(cases):
  quote = "inv -y^T g y^T"
  rule(cases, "inv", quote, node("inv", "x"), {"x": DIAGONAL}, {"y": [[0.5, 0.0], [0.0, 0.25]]}, {"x": IN_INVERSE})
  rule(cases, "inv-of-a-stack", quote, node("inv", "x"), {"x": [DIAGONAL, [[1, 0], [0, 1]]]},
       {"y": [[[0.5, 0.0], [0.0, 0.25]], [[1.0, 0.0], [0.0, 1.0]]]}, {"x": [IN_INVERSE, [[-1.0, -1.0]] * 2]})
  rule(cases, "inv-needs-a-row-swap", quote, node("inv", "x"), {"x": [[0, 1], [2, 0]]}, {"y": [[0.0, 0.5], [1.0, 0.0]]},
       {"x": [[-0.5, -1.0], [-0.25, -0.5]]})
  quote = "det of a singular matrix | the adjugate: never 0 by accident, never NaN"
  rows = [("det", [[1, 2], [3, 4]], -2.0, [[4.0, -3.0], [-2.0, 1.0]]), ("det-singular", [[1, 2], [2, 4]], 0.0, [[4.0, -2.0], [-2.0, 1.0]]),
          ("det-of-zeros", [[0, 0], [0, 0]], 0.0, [[0.0, 0.0]] * 2), ("det-of-one-by-one-zero", [[0]], 0.0, [[1.0]]),
          ("det-of-a-stack", [DIAGONAL, [[0, 1], [1, 0]]], [8.0, -1.0], [[[4.0, 0.0], [0.0, 2.0]], [[0.0, -1.0], [-1.0, 0.0]]]),
          ("det-of-rank-2-of-3", [[1, 0, 0], [0, 1, 0], [0, 0, 0]], 0.0, [[0.0] * 3, [0.0] * 3, [0.0, 0.0, 1.0]])]
  for name, x, y, gradient in rows:
    rule(cases, name, quote, node("det", "x"), {"x": x}, {"y": y}, {"x": gradient})
  made = node("slogdet", "x", to=["s", "l"])
  quote = "slogdet x^-T g on the second output, none on sign"
  rule(cases, "slogdet", quote, made, {"x": [[2, 0], [0, -3]]}, {"s": -1.0, "l": math.log(6)}, {"x": [[0.5, 0.0], [0.0, -1 / 3]]})
  rule(cases, "slogdet-of-the-sign", quote, made, {"x": [[2, 0], [0, -3]]}, {"s": -1.0, "l": math.log(6)}, {"x": [[0.0, 0.0]] * 2},
       of=["s"])
  quote = "slogdet | (sign, logabsdet); singular: 0, -inf, gradient NaN"
  rule(cases, "slogdet-singular", quote, made, {"x": [[1, 2], [2, 4]]}, {"s": 0.0, "l": "-Infinity"}, {"x": [["NaN", "NaN"]] * 2})


def add_cholesky(cases):
  quote = "cholesky | computed on (a+aᵀ)/2, gradient symmetrised"
  rule(cases, "cholesky-of-one", quote, node("cholesky", "x"), {"x": [[9]]}, {"y": [[3.0]]}, {"x": [[1 / 6]]})
  # With L diagonal: dL = [[da/4, 0], [(db + dc)/4, dd/6]].
  rule(cases, "cholesky-of-a-diagonal", quote, node("cholesky", "x"), {"x": [[4, 0], [0, 9]]}, {"y": [[2.0, 0.0], [0.0, 3.0]]},
       {"x": [[0.25, 0.25], [0.25, 1 / 6]]})
  for name, x in {"symmetric": [[4, 2], [2, 5]], "symmetrised": [[4, 4], [0, 5]]}.items():
    rule(cases, f"cholesky-{name}", quote, node("cholesky", "x"), {"x": x}, {"y": [[2.0, 0.0], [1.0, 2.0]]}, {}, wrt=[])
  rule(cases, "cholesky-of-a-stack", quote, node("cholesky", "x"), {"x": [[[9]], [[4]]]}, {"y": [[[3.0]], [[2.0]]]},
       {"x": [[[1 / 6]], [[0.25]]]})


def add_nothing(cases):
  """Matrices of 0 rows: the determinant is the product of nothing, 1, and nothing is singular."""
  quote = "Empty: … prod 1"
  empty = float64([], [0, 0])
  for op, y in {"inv": empty, "cholesky": empty, "det": 1.0}.items():
    rule(cases, f"{op}-of-nothing", quote, node(op, "x"), {"x": NOTHING}, {"y": y}, {"x": empty})
  rule(cases, "slogdet-of-nothing", quote, node("slogdet", "x", to=["s", "l"]), {"x": NOTHING}, {"s": 1.0, "l": 0.0}, {"x": empty})
  rule(cases, "solve-of-nothing", quote, node("solve", "a", "b"), {"a": NOTHING, "b": []}, {"y": []}, {"a": empty, "b": []})
  rule(cases, "det-of-no-matrices", quote, node("det", "x"), {"x": tensor([], shape=[0, 2, 2])}, {"y": []}, {"x": float64([], [0, 2, 2])})
