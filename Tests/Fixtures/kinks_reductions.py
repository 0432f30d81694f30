"""Rows of kinks_reductions.jsonl: reductions, scans, normalisers and sorting, by families that docs/kinks.md has as headings."""

from kinks import INF, LOG2, MINUS_INF, NAN, along, empty, refused

ROWS = {
  "Ties": [
    along("ties", "max", [3, 1, 3], 3, [0.5, 0, 0.5]),
    along("ties", "max", [[2, 2, 2, 2], [0, 1, 0, 1]], [2, 1], [[0.25] * 4, [0, 0.5, 0, 0.5]], axis=1),
    along("ties", "min", [3, 1, 1], 1, [0, 0.5, 0.5]),
    along("tie of magnitudes", "norm", [-2, 2], 2, [-0.5, 0.5], ord=INF),
    along("ties are stable", "sort", [2, 1, 2, 1], [1, 1, 2, 2], [30, 10, 40, 20], cotangent=[10, 20, 30, 40]),
  ],
  "The origin": [
    along("origin", "norm", [0, 0], 0, [0, 0]),
    along("origin", "norm", [0, 0], 0, [0, 0], ord=1),
    along("origin", "norm", [0, 0], 0, [0, 0], ord=INF),
    along("one zero", "norm", [0, -2], 2, [0, -1], ord=1),
    along("constant", "std", [2, 2, 2], 0, [0, 0, 0]),
    along("one element", "std", 5, 0, 0),
    along("constant", "var", [2, 2, 2], 0, [0, 0, 0]),
    # Zero over zero.
    along("one element", "std", [5], NAN, [NAN], correction=1),
    along("one element", "var", [5], NAN, [NAN], correction=1),
  ],
  "Products with zeros": [
    along("one zero", "prod", [0, 2, 3], 0, [6, 0, 0]),
    along("two zeros", "prod", [0, 2, 0], 0, [0, 0, 0]),
    along("zero in one row", "prod", [[0, 2], [3, 4]], [0, 12], [[2, 0], [4, 3]], axis=1),
    along("zero first", "cumprod", [0, 2, 3], [0, 0, 0], [9, 0, 0], axis=0),
    along("zero inside", "cumprod", [2, 0, 3], [2, 0, 0], [1, 8, 0], axis=0),
    along("two zeros", "cumprod", [0, 0, 3], [0, 0, 0], [1, 0, 0], axis=0),
    along("of bool", "prod", [True, True, False], 0, None, dtype="int64"),
  ],
  "No gradient": [
    along("first of ties", "argmax", [1, 3, 3], 1, [0, 0, 0], dtype="int64"),
    along("first of ties", "argmin", [1, 3, 1], 0, [0, 0, 0], dtype="int64"),
    along("flat index", "argmax", [[1, 2], [5, 4]], 2, [[0, 0], [0, 0]], dtype="int64"),
    along("ties are stable", "argsort", [2, 1, 2, 1], [1, 3, 0, 2], [0] * 4, dtype="int64"),
  ],
  "NaN": [
    along("NaN in one slice", "max", [[1, NAN, 3], [1, 2, 3]], [NAN, 3], [[NAN] * 3, [0, 0, 1]], axis=1),
    along("NaN in one slice", "min", [[1, NAN, 3], [1, 2, 3]], [NAN, 1], [[NAN] * 3, [1, 0, 0]], axis=1),
    along("NaN", "norm", [NAN, 2], NAN, [NAN, NAN]),
    along("NaN", "logsumexp", [NAN, 0], NAN, [NAN, NAN]),
    along("NaN", "softmax", [NAN, 0], [NAN, NAN], [NAN, NAN]),
    along("NaN", "var", [NAN, 0], NAN, [NAN, NAN]),
    along("NaN is the largest", "argmax", [1, NAN, NAN], 1, [0] * 3, dtype="int64"),
    along("NaN is the smallest", "argmin", [1, NAN, NAN], 1, [0] * 3, dtype="int64"),
    along("NaN last", "sort", [NAN, 1, MINUS_INF, INF], [MINUS_INF, 1, INF, NAN], [40, 20, 10, 30], cotangent=[10, 20, 30, 40]),
    along("NaN last", "argsort", [NAN, 1, 0], [2, 1, 0], [0] * 3, dtype="int64"),
  ],
  "Extremes": [
    along("all -Infinity", "logsumexp", [MINUS_INF, MINUS_INF], MINUS_INF, [0, 0]),
    along("one -Infinity", "logsumexp", [MINUS_INF, 0], 0, [0, 1]),
    along("extremes", "logsumexp", [1000, 1000], 1000 + LOG2, [0.5, 0.5]),
    along("negative extremes", "logsumexp", [-1000, -1000], -1000 + LOG2, [0.5, 0.5]),
    along("far apart", "logsumexp", [1000, -1000], 1000, [1, 0]),
    along("one Infinity", "logsumexp", [INF, 0], INF, None),
    along("extremes", "softmax", [1000, 0, -1000], [1, 0, 0], [0, 0, 0], cotangent=[1, 2, 3]),
    along("negative extremes", "softmax", [-1000, -1000], [0.5, 0.5], [-0.25, 0.25], cotangent=[1, 2]),
    along("one -Infinity", "softmax", [MINUS_INF, 0, 0], [0, 0.5, 0.5], [0, -0.25, 0.25], cotangent=[1, 2, 3]),
    # Nothing is left to share: zero over zero.
    along("all -Infinity", "softmax", [MINUS_INF, MINUS_INF], [NAN, NAN], [NAN, NAN]),
    along("extremes", "log_softmax", [1000, 0, -1000], [0, -1000, -2000], [-5, 2, 3], cotangent=[1, 2, 3]),
    along("negative extremes", "log_softmax", [-1000, -1000], [-LOG2, -LOG2], [-0.5, 0.5], cotangent=[1, 2]),
    along("one -Infinity", "log_softmax", [MINUS_INF, 0], [MINUS_INF, 0], [1, -1], cotangent=[1, 2]),
    along("all -Infinity", "log_softmax", [MINUS_INF, MINUS_INF], [NAN, NAN], [NAN, NAN]),
    along("extremes", "var", [1000, -1000], 1000000, [1000, -1000]),
    along("extremes", "std", [1000, -1000], 1000, [0.5, -0.5]),
    along("an infinite element", "var", [INF, 0], NAN, None),
    along("an infinite element", "std", [INF, 0], NAN, None),
    along("no cancellation", "var", [100000000, 100000001, 100000002], 2 / 3, [-2 / 3, 0, 2 / 3], only64=True),
  ],
  "Nothing to reduce": [
    *(along("zero-size", op, empty(2, 0), value, empty(2, 0), axis=1) for op, value in [
      ("sum", [0, 0]), ("prod", [1, 1]), ("mean", [NAN, NAN]), ("var", [NAN, NAN]), ("std", [NAN, NAN]),
      ("logsumexp", [MINUS_INF, MINUS_INF]), ("norm", [0, 0])]),
    along("all of nothing", "all", {"dtype": "bool"} | empty(0), True, None, dtype="bool"),
    along("any of nothing", "any", {"dtype": "bool"} | empty(0), False, None, dtype="bool"),
  ],
  "Refusals": [
    *(refused("of nothing", op, {"x": empty(0)}, 422, "shape_mismatch") for op in ("max", "min", "argmax", "argmin")),
  ],
}
