"""Good requests for the operations of tier 1 at their odd cases: keepdims, negative axes, empty lists, 0-d and empty tensors, ties."""

import math

from case_tools import X, answer, ask, float64, node, of_dtype, tensor

EMPTY = tensor([], shape=[0, 3])
ONES = [[1.0] * 3] * 2


def add_cases(cases):
  add_reductions(cases)
  add_empty_reductions(cases)
  add_extremes(cases)
  add_statistics(cases)
  add_scans(cases)
  add_sorting(cases)
  add_taking(cases)
  add_joining(cases)
  add_moving(cases)
  add_copying(cases)
  add_matrices(cases)
  add_functions(cases)
  add_integers(cases)
  add_choices(cases)


def rows_of(cases, quote, rows):
  """Rows of name, node, input `x`, answer `y` and gradient of x, all float64 unless they are tensors of an answer; None: no gradient."""
  for name, made, x, y, gradient in rows:
    result = {"x": gradient if isinstance(gradient, dict) else float64(gradient)} if gradient is not None else {}
    cases.rule(f"operation-{name}", quote, ask(made, {"x": x}), answer({"y": y if isinstance(y, dict) else float64(y)}, result))


def int64(data, shape=None):
  return of_dtype("int64", data, shape)


def add_reductions(cases):
  rows_of(cases, "reductions, argmax, argmin | axis null = all; keepdims false; `[]` reduces nothing", [
    ("mean-all", node("mean", "x"), X, 3.5, [[1 / 6] * 3] * 2),
    ("mean-axis-list", node("mean", "x", axis=[0, -1]), X, 3.5, [[1 / 6] * 3] * 2),
    ("mean-no-axes", node("mean", "x", axis=[]), X, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], ONES),
    ("mean-keepdims-of-all", node("mean", "x", keepdims=True), X, [[3.5]], [[1 / 6] * 3] * 2),
    ("mean-of-a-scalar", node("mean", "x"), 5, 5.0, 1.0),
    ("mean-of-a-scalar-no-axes", node("mean", "x", axis=[]), 5, 5.0, 1.0),
    ("max-keepdims-of-a-scalar", node("max", "x", keepdims=True), 5, 5.0, 1.0),
    ("prod-axis-minus-2", node("prod", "x", axis=-2), X, [4.0, 10.0, 18.0], [[4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]),
    ("prod-of-two-zeros", node("prod", "x"), [0, 0, 3], 0.0, [0.0, 0.0, 0.0]),
    ("max-axis-keepdims", node("max", "x", axis=1, keepdims=True), X, [[3.0], [6.0]], [[0.0, 0.0, 1.0]] * 2),
    ("min-two-axes-of-three", node("min", "x", axis=[0, 2]), [[[4, 1]], [[3, 2]]], [1.0], [[[0.0, 1.0]], [[0.0, 0.0]]]),
    ("logsumexp-of-equals", node("logsumexp", "x"), [1000, 1000], 1000 + math.log(2), [0.5, 0.5]),
    ("all-axis", node("all", "x", axis=1), [[True, False], [True, True]], of_dtype("bool", [False, True]), None),
    ("any-keepdims", node("any", "x", axis=[0], keepdims=True), [[True, False], [False, False]], of_dtype("bool", [[True, False]]), None),
    ("all-no-axes", node("all", "x", axis=[]), [True, False], of_dtype("bool", [True, False]), None),
  ])
  rows_of(cases, "sum and prod keep the dtype, of bool give int64", [
    ("prod-of-int32", node("prod", "x"), tensor([2, 3], "int32"), of_dtype("int32", 6), None),
    ("prod-of-bool", node("prod", "x"), [True, True], int64(1), None),
    ("prod-of-int64-wraps", node("prod", "x"), tensor([2**62, 4], "int64"), int64(0), None),
  ])


def add_empty_reductions(cases):
  rows_of(cases, "mean, var, std NaN; logsumexp -inf; norm 0; prod 1", [
    ("mean-of-nothing", node("mean", "x"), [], "NaN", []),
    ("var-of-nothing", node("var", "x", axis=0), EMPTY, ["NaN"] * 3, float64([], [0, 3])),
    ("std-of-nothing", node("std", "x"), [], "NaN", []),
    ("logsumexp-of-nothing", node("logsumexp", "x", axis=0), EMPTY, ["-Infinity"] * 3, float64([], [0, 3])),
    ("norm-of-nothing", node("norm", "x"), [], 0.0, []),
    ("prod-of-nothing", node("prod", "x", axis=0, keepdims=True), EMPTY, [[1.0, 1.0, 1.0]], float64([], [0, 3])),
    ("max-of-an-axis-beside-nothing", node("max", "x", axis=1), EMPTY, [], float64([], [0, 3])),
    ("mean-of-an-axis-beside-nothing", node("mean", "x", axis=-1), EMPTY, [], float64([], [0, 3])),
  ])


def add_extremes(cases):
  rows_of(cases, "max, min with ties; maximum, minimum tie | shared evenly", [
    ("max-ties-over-two-axes", node("max", "x"), [[2, 2], [1, 2]], 2.0, [[1 / 3, 1 / 3], [0.0, 1 / 3]]),
    ("min-ties-along-an-axis", node("min", "x", axis=0), [[1, 2], [1, 3]], [1.0, 2.0], [[0.5, 1.0], [0.5, 0.0]]),
    ("max-with-nan", node("max", "x", axis=1), [[1, "NaN"], [3, 4]], ["NaN", 4.0], [["NaN", "NaN"], [0.0, 1.0]]),
    ("minimum-tie", node("minimum", "x", 2), [1, 2, 3], [1.0, 2.0, 2.0], [1.0, 0.5, 0.0]),
  ])
  rows_of(cases, "argmax takes one axis, null = flat index, the first of ties", [
    ("argmax-flat", node("argmax", "x"), [[1, 9], [9, 2]], int64(1), [[0.0, 0.0]] * 2),
    ("argmax-flat-keepdims", node("argmax", "x", keepdims=True), [[1, 9], [9, 2]], int64([[1]]), [[0.0, 0.0]] * 2),
    ("argmin-axis-minus-1", node("argmin", "x", axis=-1), [[1, 1], [9, 2]], int64([0, 1]), [[0.0, 0.0]] * 2),
    ("argmax-axis-keepdims", node("argmax", "x", axis=0, keepdims=True), [[1, 9], [9, 2]], int64([[1, 0]]), [[0.0, 0.0]] * 2),
    ("argmax-of-a-scalar", node("argmax", "x"), 7, int64(0), 0.0),
    ("argmin-of-integers", node("argmin", "x"), tensor([3, -4, -4], "int32"), int64(1), None),
    ("argmax-beside-nothing", node("argmax", "x", axis=1), EMPTY, int64([]), float64([], [0, 3])),
  ])


def add_statistics(cases):
  rows_of(cases, "var, std | correction 0", [
    ("var", node("var", "x"), [1, 2, 3, 6], 3.5, [-1.0, -0.5, 0.0, 1.5]),
    ("var-correction-1", node("var", "x", correction=1), [1, 2, 3], 1.0, [-1.0, 0.0, 1.0]),
    ("std-axis-keepdims", node("std", "x", axis=1, keepdims=True), [[1, 3], [0, 8]], [[1.0], [4.0]], [[-0.5, 0.5], [-0.5, 0.5]]),
    ("std-of-a-constant", node("std", "x"), [2, 2], 0.0, [0.0, 0.0]),
    ("var-of-a-scalar", node("var", "x"), 4, 0.0, 0.0),
  ])
  rows_of(cases, 'ord 2; 1, 2 or "Infinity"; always the vector norm over the listed axes, flattened; never a matrix norm', [
    ("norm-of-a-matrix", node("norm", "x"), [[1, 4], [4, 4]], 7.0, [[1 / 7, 4 / 7], [4 / 7, 4 / 7]]),
    ("norm-1", node("norm", "x", ord=1), [[1, -2], [0, 4]], 7.0, [[1.0, -1.0], [0.0, 1.0]]),
    ("norm-infinity-axis", node("norm", "x", ord="Infinity", axis=0), [[1, -2], [-3, 1]], [3.0, 2.0], [[0.0, -1.0], [-1.0, 0.0]]),
    ("norm-keepdims", node("norm", "x", axis=[0, 1], keepdims=True), [[3, 4]], [[5.0]], [[0.6, 0.8]]),
    ("norm-of-a-scalar", node("norm", "x"), -3, 3.0, -1.0),
    ("norm-at-0", node("norm", "x"), [0, 0], 0.0, [0.0, 0.0]),
  ])


def add_scans(cases):
  rows_of(cases, "cumsum, cumprod, repeat | axis required", [
    ("cumsum-axis-minus-1", node("cumsum", "x", axis=-1), X, [[1.0, 3.0, 6.0], [4.0, 9.0, 15.0]], [[3.0, 2.0, 1.0]] * 2),
    ("cumsum-axis-0", node("cumsum", "x", axis=0), X, [[1.0, 2.0, 3.0], [5.0, 7.0, 9.0]], [[2.0] * 3, [1.0] * 3]),
    ("cumprod-axis-1", node("cumprod", "x", axis=1), [[2, 3, 0]], [[2.0, 6.0, 0.0]], [[4.0, 2.0, 6.0]]),
    ("cumsum-of-nothing", node("cumsum", "x", axis=0), EMPTY, float64([], [0, 3]), float64([], [0, 3])),
    ("cumsum-of-bool", node("cumsum", "x", axis=0), [True, False, True], int64([1, 1, 2]), None),
    ("cumprod-of-int32", node("cumprod", "x", axis=0), tensor([2, 3], "int32"), of_dtype("int32", [2, 6]), None),
  ])
  rows_of(cases, "softmax, log_softmax, sort, argsort | axis -1", [
    ("softmax-default-axis", node("softmax", "x"), [[0, 0], [7, 7]], [[0.5, 0.5]] * 2, [[0.0, 0.0]] * 2),
    ("softmax-axis-0", node("softmax", "x", axis=0), [[1, 2, 3]], [[1.0, 1.0, 1.0]], [[0.0] * 3]),
    ("softmax-far-apart", node("softmax", "x"), [1000, -1000], [1.0, 0.0], [0.0, 0.0]),
    ("log_softmax-of-equals", node("log_softmax", "x"), [5, 5], [-math.log(2)] * 2, [0.0, 0.0]),
    ("log_softmax-far-apart", node("log_softmax", "x"), [1000, -1000], [0.0, -2000.0], [-1.0, 1.0]),
    ("softmax-of-nothing", node("softmax", "x"), tensor([], shape=[2, 0]), float64([[], []]), float64([[], []])),
  ])


def add_sorting(cases):
  rows_of(cases, "sort is stable, ascending, NaN last", [
    ("sort-with-nan", node("sort", "x"), ["NaN", 2, "-Infinity", "Infinity"], ["-Infinity", 2.0, "Infinity", "NaN"], [1.0] * 4),
    ("argsort-is-stable", node("argsort", "x"), [2, 1, 2, 1], int64([1, 3, 0, 2]), [0.0] * 4),
    ("argsort-with-nan", node("argsort", "x"), ["NaN", 0, "NaN"], int64([1, 0, 2]), [0.0] * 3),
    ("sort-axis-0", node("sort", "x", axis=0), [[3, 1], [2, 5]], [[2.0, 1.0], [3.0, 5.0]], [[1.0, 1.0]] * 2),
    ("sort-default-axis", node("sort", "x"), [[3, 1], [2, 5]], [[1.0, 3.0], [2.0, 5.0]], [[1.0, 1.0]] * 2),
    ("sort-of-integers", node("sort", "x"), tensor([3, -1, 2**53 + 1, 2**53], "int64"), int64([-1, 3, 2**53, 2**53 + 1]), None),
    ("sort-of-nothing", node("sort", "x"), EMPTY, float64([], [0, 3]), float64([], [0, 3])),
  ])
  moved = ask([node("sort", "x", to="s"), node("mul", "s", [1, 10, 100])], {"x": [3, 1, 2]})
  cases.rule("operation-sort-moves-gradients", "sort(axis) scatter by argsort", moved,
             answer({"y": float64([1.0, 20.0, 300.0])}, {"x": float64([100.0, 1.0, 10.0])}))


def add_taking(cases):
  rows_of(cases, "take | axis 0 (NumPy flattens; we do not); result shape x[:axis] + indices + x[axis+1:]; a 0-d index drops the axis", [
    ("take-rows", node("take", "x", [1, 1]), X, [[4.0, 5.0, 6.0]] * 2, [[0.0] * 3, [2.0] * 3]),
    ("take-0-d-index", node("take", "x", 1), X, [4.0, 5.0, 6.0], [[0.0] * 3, [1.0] * 3]),
    ("take-0-d-index-of-a-vector", node("take", "x", -1), [5, 7], 7.0, [0.0, 1.0]),
    ("take-matrix-of-indices", node("take", "x", [[0], [2]], axis=1), X, [[[1.0], [3.0]], [[4.0], [6.0]]], [[1.0, 0.0, 1.0]] * 2),
    ("take-negative-indices", node("take", "x", [-1, -3], axis=-1), X, [[3.0, 1.0], [6.0, 4.0]], [[1.0, 0.0, 1.0]] * 2),
    ("take-no-indices", node("take", "x", []), X, float64([], [0, 3]), [[0.0] * 3] * 2),
    ("take-nothing-from-nothing", node("take", "x", []), EMPTY, float64([], [0, 3]), float64([], [0, 3])),
    ("take-of-bools", node("take", "x", [1, 0]), [True, False], of_dtype("bool", [False, True]), None),
  ])
  rows_of(cases, "take_along_axis scatter-add (duplicates accumulate)", [
    ("take_along_axis-default-axis", node("take_along_axis", "x", [[2, 2], [0, -1]]), X, [[3.0, 3.0], [4.0, 6.0]],
     [[0.0, 0.0, 2.0], [1.0, 0.0, 1.0]]),
    ("take_along_axis-axis-0", node("take_along_axis", "x", [[1, 0, 1]], axis=0), X, [[4.0, 2.0, 6.0]], [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]),
  ])
  backwards = ask([node("argsort", "x", to="i"), node("take_along_axis", "x", "i")], {"x": [[3, 1, 2]]})
  cases.rule("operation-take_along_axis-sorts", "take_along_axis(x, indices)", backwards,
             answer({"y": float64([[1.0, 2.0, 3.0]])}, {"x": float64([[1.0, 1.0, 1.0]])}))


def add_joining(cases):
  rows_of(cases, "concat, stack, unstack, split | axis 0", [
    ("concat-with-nothing", node("concat", "x", tensor([], shape=[0, 3])), X, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], ONES),
    ("concat-of-one", node("concat", "x"), X, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], ONES),
    ("concat-axis-minus-1", node("concat", "x", "x", axis=-1), [[1], [2]], [[1.0, 1.0], [2.0, 2.0]], [[2.0], [2.0]]),
    ("concat-promotes", node("concat", "x", tensor([2], "int64")), tensor([1], "int32"), int64([1, 2]), None),
    ("stack-scalars", node("stack", "x", "x", 7), 5, [5.0, 5.0, 7.0], 2.0),
    ("stack-axis-minus-1", node("stack", "x", [10, 20], axis=-1), [1, 2], [[1.0, 10.0], [2.0, 20.0]], [1.0, 1.0]),
    ("stack-of-one", node("stack", "x"), [1, 2], [[1.0, 2.0]], [1.0, 1.0]),
  ])
  for name, axis, parts, gradient in [("unstack-rows", 0, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[0.0] * 3, [1.0] * 3]),
                                      ("unstack-columns", -1, [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]], [[0.0, 1.0, 0.0]] * 2)]:
    names = [f"p{i}" for i in range(len(parts))]
    cases.rule(f"operation-{name}", "concat, stack, unstack, split | axis 0",
               ask(node("unstack", "x", to=names, axis=axis), {"x": X}, of=["p1"]),
               answer({key: float64(part) for key, part in zip(names, parts)}, {"x": float64(gradient)}))


def add_moving(cases):
  ten = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
  rows_of(cases, "expand_dims | integer or list, positions in the result", [
    ("expand_dims-list", node("expand_dims", "x", axis=[0, -1]), [1, 2], [[[1.0], [2.0]]], [1.0, 1.0]),
    ("expand_dims-of-a-scalar", node("expand_dims", "x", axis=0), 5, [5.0], 1.0),
    ("expand_dims-no-axes", node("expand_dims", "x", axis=[]), [5], [5.0], [1.0]),
    ("expand_dims-last-place", node("expand_dims", "x", axis=2), X, [[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]], ONES),
  ])
  rows_of(cases, "squeeze | axis null = all axes; all axes of size 1", [
    ("squeeze-all", node("squeeze", "x"), [[[1], [2]]], [1.0, 2.0], [[[1.0], [1.0]]]),
    ("squeeze-one", node("squeeze", "x", axis=-1), [[[1], [2]]], [[1.0, 2.0]], [[[1.0], [1.0]]]),
    ("squeeze-no-axes", node("squeeze", "x", axis=[]), [[5]], [[5.0]], [[1.0]]),
    ("squeeze-to-a-scalar", node("squeeze", "x", axis=[0, 1]), [[5]], 5.0, [[1.0]]),
    ("squeeze-of-a-scalar", node("squeeze", "x"), 5, 5.0, 1.0),
  ])
  rows_of(cases, "flip; squeeze | axis null = all axes", [
    ("flip-all", node("flip", "x"), X, [[6.0, 5.0, 4.0], [3.0, 2.0, 1.0]], ONES),
    ("flip-last", node("flip", "x", axis=-1), X, [[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]], ONES),
    ("flip-no-axes", node("flip", "x", axis=[]), X, ten, ONES),
    ("flip-of-a-scalar", node("flip", "x"), 5, 5.0, 1.0),
  ])
  rows_of(cases, "roll | shift an integer or list; axis null rolls the flattened tensor", [
    ("roll-flattened", node("roll", "x", shift=2), X, [[5.0, 6.0, 1.0], [2.0, 3.0, 4.0]], ONES),
    ("roll-beyond-the-size", node("roll", "x", shift=-4, axis=1), X, [[2.0, 3.0, 1.0], [5.0, 6.0, 4.0]], ONES),
    ("roll-two-axes", node("roll", "x", shift=[1, -1], axis=[0, 1]), X, [[5.0, 6.0, 4.0], [2.0, 3.0, 1.0]], ONES),
    ("roll-one-shift-for-two-axes", node("roll", "x", shift=1, axis=[0, 1]), X, [[6.0, 4.0, 5.0], [3.0, 1.0, 2.0]], ONES),
    ("roll-of-nothing", node("roll", "x", shift=5, axis=0), EMPTY, float64([], [0, 3]), float64([], [0, 3])),
  ])


def add_copying(cases):
  rows_of(cases, "pad | widths `[[before, after], …]`, value 0", [
    ("pad", node("pad", "x", widths=[[1, 0], [0, 2]]), [[5]], [[0.0, 0.0, 0.0], [5.0, 0.0, 0.0]], [[1.0]]),
    ("pad-value", node("pad", "x", widths=[[0, 1]], value="-Infinity"), [5], [5.0, "-Infinity"], [1.0]),
    ("pad-of-nothing", node("pad", "x", widths=[[1, 1]], value=7), [], [7.0, 7.0], []),
    ("pad-of-a-scalar", node("pad", "x", widths=[]), 5, 5.0, 1.0),
    ("pad-of-integers", node("pad", "x", widths=[[1, 0]], value=-3), tensor([5], "int32"), of_dtype("int32", [-3, 5]), None),
  ])
  rows_of(cases, "tile | the shorter of shape and repetitions gets leading 1s", [
    ("tile-fewer-repetitions", node("tile", "x", repetitions=[2]), [[1, 2]], [[1.0, 2.0, 1.0, 2.0]], [[2.0, 2.0]]),
    ("tile-more-repetitions", node("tile", "x", repetitions=[2, 1]), [1, 2], [[1.0, 2.0], [1.0, 2.0]], [2.0, 2.0]),
    ("tile-no-repetitions", node("tile", "x", repetitions=[]), [1, 2], [1.0, 2.0], [1.0, 1.0]),
    ("tile-0-times", node("tile", "x", repetitions=[0]), [1, 2], [], [0.0, 0.0]),
    ("tile-of-a-scalar", node("tile", "x", repetitions=[3]), 5, [5.0, 5.0, 5.0], 3.0),
  ])
  rows_of(cases, "cumsum, cumprod, repeat | axis required", [
    ("repeat", node("repeat", "x", repeats=2, axis=1), [[1, 2]], [[1.0, 1.0, 2.0, 2.0]], [[2.0, 2.0]]),
    ("repeat-axis-minus-2", node("repeat", "x", repeats=2, axis=-2), [[1, 2]], [[1.0, 2.0], [1.0, 2.0]], [[2.0, 2.0]]),
    ("repeat-0-times", node("repeat", "x", repeats=0, axis=0), [1, 2], [], [0.0, 0.0]),
  ])


def add_matrices(cases):
  rows_of(cases, "tril, triu | k 0; last two axes", [
    ("tril", node("tril", "x"), X, [[1.0, 0.0, 0.0], [4.0, 5.0, 0.0]], [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]),
    ("triu-k", node("triu", "x", k=1), X, [[0.0, 2.0, 3.0], [0.0, 0.0, 6.0]], [[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]),
    ("tril-far-below", node("tril", "x", k=-5), X, [[0.0] * 3] * 2, [[0.0] * 3] * 2),
    ("tril-of-nan", node("tril", "x"), [[1, "NaN"]], [[1.0, 0.0]], [[1.0, 0.0]]),
    ("triu-of-three-axes", node("triu", "x"), [[[1, 2], [3, 4]]], [[[1.0, 2.0], [0.0, 4.0]]], [[[1.0, 1.0], [0.0, 1.0]]]),
  ])
  rows_of(cases, "diagonal, trace | `offset` 0; last two axes", [
    ("diagonal", node("diagonal", "x"), X, [1.0, 5.0], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    ("diagonal-offset", node("diagonal", "x", offset=1), X, [2.0, 6.0], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    ("diagonal-below", node("diagonal", "x", offset=-1), X, [4.0], [[0.0] * 3, [1.0, 0.0, 0.0]]),
    ("diagonal-outside", node("diagonal", "x", offset=9), X, [], [[0.0] * 3] * 2),
    ("trace", node("trace", "x"), X, 6.0, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    ("trace-of-three-axes", node("trace", "x", offset=-1), [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], [3.0, 7.0],
     [[[0.0, 0.0], [1.0, 0.0]]] * 2),
    ("trace-of-nothing", node("trace", "x"), tensor([], shape=[0, 0]), 0.0, float64([], [0, 0])),
  ])
  outer = ask(node("outer", "x", "w"), {"x": [1, 2], "w": [3, 4, 5]})
  cases.rule("operation-outer", "outer; einsum | 1-D only", outer,
             answer({"y": float64([[3.0, 4.0, 5.0], [6.0, 8.0, 10.0]])}, {"x": float64([12.0, 12.0]), "w": float64([3.0, 3.0, 3.0])}))
  nothing = ask(node("outer", "x", "w"), {"x": [], "w": [3, 4]})
  cases.rule("operation-outer-of-nothing", "outer; einsum | 1-D only", nothing,
             answer({"y": float64([], [0, 2])}, {"x": float64([]), "w": float64([0.0, 0.0])}))


def add_functions(cases):
  rows_of(cases, "`min` `max` for clip (at least one)", [
    ("clip-below", node("clip", "x", min=0), [-1, 0, 2], [0.0, 0.0, 2.0], [0.0, 0.0, 1.0]),
    ("clip-above", node("clip", "x", max=1), [-1, 1, 2], [-1.0, 1.0, 1.0], [1.0, 0.0, 0.0]),
    ("clip-both", node("clip", "x", min=0, max=1), [-1, 0.5, 2], [0.0, 0.5, 1.0], [0.0, 1.0, 0.0]),
  ])
  rows_of(cases, "leaky_relu at 0 | alpha", [
    ("leaky_relu", node("leaky_relu", "x"), [-1, 0, 2], [-0.01, 0.0, 2.0], [0.01, 0.01, 1.0]),
    ("leaky_relu-alpha", node("leaky_relu", "x", alpha=0.5), [-1, 0, 2], [-0.5, 0.0, 2.0], [0.5, 0.5, 1.0]),
    ("elu-alpha", node("elu", "x", alpha=2), [0, 3], [0.0, 3.0], [2.0, 1.0]),
  ])
  rows_of(cases, "round is half to even", [
    ("round-halves", node("round", "x"), [0.5, 1.5, -0.5, 2.5], [0.0, 2.0, 0.0, 2.0], [0.0] * 4),
    ("trunc", node("trunc", "x"), [1.9, -1.9], [1.0, -1.0], [0.0, 0.0]),
  ])
  rows_of(cases, "pow(0,0) | 0 and 0; pow(0,-1) in y: -inf; pow(0,.5): inf and 0; pow(-2,3): 12 and NaN", [
    ("pow-of-a-negative", node("pow", "x", 3), [-2], [-8.0], [12.0]),
    ("pow-0-to-0", node("pow", "x", 0), [0], [1.0], [0.0]),
    ("pow-0-to-a-half", node("pow", "x", 0.5), [0], [0.0], ["Infinity"]),
  ])
  rows_of(cases, "sqrt(0), log(0), reciprocal(0) | inf, inf, -inf", [
    ("sqrt-of-0", node("sqrt", "x"), [0, 4], [0.0, 2.0], ["Infinity", 0.25]),
    ("log-of-0", node("log", "x"), [0, 2], ["-Infinity", math.log(2)], ["Infinity", 0.5]),
    ("reciprocal-of-0", node("reciprocal", "x"), [0, 2], ["Infinity", 0.5], ["-Infinity", -0.25]),
  ])
  rows_of(cases, "polygamma | attribute `n`", [
    ("polygamma-0-is-digamma", [node("polygamma", "x", n=0, to="p"), node("digamma", "x", to="d"), node("sub", "p", "d")], [1.5, 3],
     [0.0, 0.0],
     [0.0, 0.0]),
    ("polygamma-1", [node("polygamma", "x", n=1, to="p"), node("mul", "p", 6)], [1], [math.pi**2], [-12 * 1.2020569031595942]),
  ])


def add_integers(cases):
  rows_of(cases, "remainder | sign of the divisor", [
    ("remainder-of-floats", node("remainder", "x", 3), [5, -5, -3], [2.0, 1.0, 0.0], [1.0, 1.0, 1.0]),
    ("remainder-by-a-negative", node("remainder", "x", -3), [5, -5], [-1.0, -2.0], [1.0, 1.0]),
    ("remainder-of-integers", node("remainder", "x", -3), tensor([5, -5], "int64"), int64([-1, -2]), None),
    ("remainder-of-the-smallest-by-minus-1", node("remainder", "x", -1), tensor([-(2**63)], "int64"), int64([0]), None),
    ("remainder-by-infinity", node("remainder", "x", "Infinity"), [5], [5.0], [1.0]),
  ])
  rows_of(cases, "Integers wrap", [
    ("pow-of-integers", node("pow", "x", 3), tensor([-2, 3], "int64"), int64([-8, 27]), None),
    ("pow-0-of-integers", node("pow", "x", 0), tensor([0, -3], "int32"), of_dtype("int32", [1, 1]), None),
    ("pow-wraps", node("pow", "x", 64), tensor([2], "int64"), int64([0]), None),
    ("square-wraps", node("square", "x"), tensor([2**16], "int32"), of_dtype("int32", [0]), None),
    ("abs-wraps", node("abs", "x"), tensor([-(2**31)], "int32"), of_dtype("int32", [-(2**31)]), None),
    ("maximum-of-integers", node("maximum", "x", 2), tensor([1, 3], "int32"), of_dtype("int32", [2, 3]), None),
  ])


def add_choices(cases):
  quote = "`where` selects cotangents, never multiplies"
  given = {"x": [1, 2], "w": [3, 4]}
  cases.rule("operation-where", quote, ask(node("where", [True, False], "x", "w"), given),
             answer({"y": float64([1.0, 4.0])}, {"x": float64([1.0, 0.0]), "w": float64([0.0, 1.0])}))
  cases.rule("operation-where-broadcasts", quote, ask(node("where", [[True], [False]], "x", 0), {"x": [1, 2]}),
             answer({"y": float64([[1.0, 2.0], [0.0, 0.0]])}, {"x": float64([1.0, 1.0])}))
  cases.rule("operation-where-with-infinite-cotangents", quote, ask(node("where", [True, False], "x", "w"), given,
             cotangents={"y": ["Infinity", "NaN"]}),
             answer({"y": float64([1.0, 4.0])}, {"x": float64(["Infinity", 0.0]), "w": float64([0.0, "NaN"])}))
  trap = [node("greater", "x", 0, to="c"), node("sqrt", "x", to="s"), node("mul", 0, "x", to="m"), node("where", "c", "s", "m")]
  cases.rule("operation-where-of-a-root", "where(x>0, sqrt x, 0·x) at x<=0 | NaN, as mathematics of the untaken branch says",
             ask(trap, {"x": [4, -1]}), answer({"y": float64([2.0, 0.0])}, {"x": float64([0.25, "NaN"])}))
  quote = "isnan, isinf, isfinite: bool, no gradient"
  strange = [1, "NaN", "-Infinity"]
  for op, expected in {"isnan": [False, True, False], "isinf": [False, False, True], "isfinite": [True, False, False]}.items():
    rows_of(cases, quote, [(f"{op}", node(op, "x"), strange, of_dtype("bool", expected), [0.0] * 3)])
  rows_of(cases, "equal, not_equal, less, less_equal, greater, greater_equal", [
    ("not_equal-of-nan", node("not_equal", "x", "x"), ["NaN", 1], of_dtype("bool", [True, False]), [0.0, 0.0]),
    ("less_equal-of-nan", node("less_equal", "x", "x"), ["NaN", 1], of_dtype("bool", [False, True]), [0.0, 0.0]),
    ("equal-of-bools", node("equal", "x", True), [True, False], of_dtype("bool", [True, False]), None),
    ("greater-of-large-integers", node("greater", "x", 2**53), tensor([2**53 + 1], "int64"), of_dtype("bool", [True]), None),
    ("logical_xor", node("logical_xor", "x", [True, True]), [True, False], of_dtype("bool", [False, True]), None),
  ])
