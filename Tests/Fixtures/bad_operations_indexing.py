"""Bad requests for elements put at indices, order statistics, scans, products and windows; and names of no operation. One fault each."""

from case_tools import X, ask, node, tensor

LINE = [1, 2, 3]


def add_cases(cases):
  add_scatters(cases)
  add_segments(cases)
  add_order(cases)
  add_scans(cases)
  add_products(cases)
  add_windows(cases)
  add_names(cases)


def add_scatters(cases):
  rule = "negative indices count from the end; out of range is refused"
  for op in ("scatter", "scatter_add"):
    for name, index in {"at-the-size": 3, "below": -4}.items():
      cases.bad_node(f"{op}-index-{name}", node(op, "x", [[0], [index]], [[1], [2]]), {"x": X}, "index_out_of_range", None,
                     contains=[op, str(index), "size 3"], rule=rule)
    cases.bad_node(f"{op}-into-nothing", node(op, "x", [0], [1]), {"x": tensor([], shape=[0])}, "index_out_of_range", "/inputs/1",
                   rule=rule)
    cases.bad_node(f"{op}-indices-of-another-rank", node(op, "x", [0], [1]), {"x": X}, "shape_mismatch", "/inputs/1",
                   contains=["[2, 3]", "[1]"])
    cases.bad_node(f"{op}-more-updates-than-indices", node(op, "x", [0, 1], [1, 2, 3]), {"x": LINE}, "shape_mismatch", "/inputs/2",
                   contains=["[3]", "[2]"])
    cases.bad_node(f"{op}-of-two", node(op, "x", [0]), {"x": LINE}, "wrong_arity", "/inputs", contains=["updates"])
    cases.bad_node(f"{op}-float-indices", node(op, "x", "i", 1), {"x": LINE, "i": tensor([0.0], "float64")}, "dtype_mismatch", "/inputs/1")
    cases.bad_node(f"{op}-axis-out-of-range", node(op, "x", [0], [1], axis=1), {"x": LINE}, "invalid_attribute", "/attributes/axis")
  cases.bad_node("scatter_add-of-integers", node("scatter_add", "x", [0], "u"), {"x": tensor([1], "int64"), "u": tensor([1], "int64")},
                 "dtype_mismatch", "/inputs/0", contains=["cast"])
  cases.bad_node("index_add-out-of-range", node("index_add", "x", [2], [[1, 1, 1]]), {"x": X}, "index_out_of_range", None,
                 contains=["index_add", "2"], rule=rule)
  cases.bad_node("index_add-updates-do-not-fit", node("index_add", "x", [0, 1], [[1, 2]]), {"x": X}, "shape_mismatch", "/inputs/2",
                 contains=["[1, 2]", "[2, 3]"])
  late = ask([node("mul", "i", 2, to="j"), node("scatter_add", "x", "j", 1, to="t"), node("sum", "t")],
             {"x": LINE, "i": tensor([2], "int64")})
  cases.bad("scatter_add-computed-index", late, "index_out_of_range", node="t", operation="scatter_add", contains=["4"], rule=rule)


def add_segments(cases):
  for op in ("segment_sum", "segment_max"):
    cases.bad_node(f"{op}-without-a-number", node(op, "x", [0, 1]), {"x": X}, "invalid_attribute", "", contains=["num_segments"])
    cases.bad_node(f"{op}-of-a-negative-number", node(op, "x", [0, 1], num_segments=-1), {"x": X}, "invalid_attribute",
                   "/attributes/num_segments", contains=["-1"])
    cases.bad_node(f"{op}-number-too-large", node(op, "x", [0, 5], num_segments=5), {"x": X}, "index_out_of_range", None,
                   contains=[op, "5"])
    cases.bad_node(f"{op}-into-none", node(op, "x", [0, 0], num_segments=0), {"x": X}, "index_out_of_range", "/inputs/1")
    cases.bad_node(f"{op}-one-number-too-few", node(op, "x", [0], num_segments=2), {"x": X}, "shape_mismatch", "/inputs/1",
                   contains=["[2, 3]", "[1]"])
    cases.bad_node(f"{op}-of-a-scalar", node(op, "x", [0], num_segments=2), {"x": 1}, "shape_mismatch", "/inputs/1")
    cases.bad_node(f"{op}-of-far-too-many", node(op, "x", [0, 1], num_segments=2**62), {"x": X}, "limit_exceeded",
                   "/attributes/num_segments")


def add_order(cases):
  for k in (-1, 4):
    cases.bad_node(f"top_k-of-{k}", node("top_k", "x", k=k, to=["v", "i"]), {"x": X}, "invalid_attribute", "/attributes/k",
                   contains=["0 to 3", str(k)])
  for k in (0, 4):
    cases.bad_node(f"kthvalue-of-{k}", node("kthvalue", "x", k=k, to=["v", "i"]), {"x": X}, "invalid_attribute", "/attributes/k",
                   contains=["1 to 3", str(k)])
  cases.bad_node("top_k-without-k", node("top_k", "x", to=["v", "i"]), {"x": X}, "invalid_attribute", "", contains=["k"])
  cases.bad_node("top_k-with-one-result", node("top_k", "x", k=1), {"x": X}, "wrong_arity", "/outputs", contains=["2"])
  for name, q in {"percent": 50, "negative": -0.1, "list": [0.5, 2], "far": [0.5, 1e308]}.items():
    cases.bad_node(f"quantile-{name}", node("quantile", "x", q=q), {"x": X}, "invalid_attribute", "/attributes/q", contains=["0 to 1"])
  for name, q in {"text": "half", "null": None, "lists": [[0.5]], "true": True, "null-in-a-list": [0.5, None]}.items():
    cases.bad_node(f"quantile-q-is-{name}", node("quantile", "x", q=q), {"x": X}, "invalid_attribute", "/attributes/q",
                   contains=["a number or a list of numbers"])
  cases.bad_node("quantile-without-q", node("quantile", "x"), {"x": X}, "invalid_attribute", "", contains=["q"])
  cases.bad_node("quantile-method", node("quantile", "x", q=0.5, method="median_unbiased"), {"x": X}, "invalid_attribute",
                 "/attributes/method", contains=["linear", "nearest", "median_unbiased"])
  cases.bad_node("median-of-integers", node("median", "x"), {"x": tensor([1, 2], "int64")}, "dtype_mismatch", "/inputs/0",
                 contains=["cast"])
  cases.bad_node("searchsorted-side", node("searchsorted", "x", 1, side="middle"), {"x": LINE}, "invalid_attribute", "/attributes/side",
                 contains=["left", "right", "middle"])
  cases.bad_node("searchsorted-in-a-scalar", node("searchsorted", "x", 1), {"x": 1}, "shape_mismatch", "/inputs/0")
  cases.bad_node("searchsorted-other-stack", node("searchsorted", "x", [[1], [2], [3]]), {"x": X}, "shape_mismatch", "/inputs/1",
                 contains=["[2, 3]", "[3, 1]"])


def add_scans(cases):
  for op in ("cummax", "cummin", "logcumsumexp"):
    cases.bad_node(f"{op}-without-an-axis", node(op, "x"), {"x": X}, "invalid_attribute", "", contains=["axis"])
    cases.bad_node(f"{op}-of-a-scalar", node(op, "x", axis=0), {"x": 1}, "invalid_attribute", "/attributes/axis")
  cases.bad_node("diff-n-negative", node("diff", "x", n=-1), {"x": X}, "invalid_attribute", "/attributes/n", contains=["-1"])
  cases.bad_node("trapezoid-of-three", node("trapezoid", "x", "x", "x"), {"x": LINE}, "wrong_arity", "/inputs", contains=["1 or 2"])
  cases.bad_node("trapezoid-of-none", node("trapezoid"), {"x": LINE}, "wrong_arity", "/inputs", contains=["1 or 2"])
  cases.bad_node("trapezoid-dx-beside-x", node("trapezoid", "x", "x", dx=2), {"x": LINE}, "invalid_attribute", "/attributes/dx")
  cases.bad_node("trapezoid-points-do-not-fit", node("trapezoid", "x", [0, 1]), {"x": LINE}, "shape_mismatch", "/inputs/1",
                 contains=["[3]", "[2]"])


def add_products(cases):
  cases.bad_node("cross-of-two", node("cross", "x", "x"), {"x": [1, 2]}, "shape_mismatch", "/inputs/0", contains=["3"])
  cases.bad_node("cross-of-scalars", node("cross", "x", "x"), {"x": 1}, "invalid_attribute", None)
  cases.bad_node("cross-of-a-stretched-axis", node("cross", "x", [[1]]), {"x": X}, "shape_mismatch", "/inputs/1", contains=["3"])
  cases.bad_node("tensordot-sizes", node("tensordot", "x", "x", axes=1), {"x": X}, "shape_mismatch", "/inputs/1", contains=["[3]", "[2]"])
  for name, axes in {"too-many": 3, "negative": -1, "one-list": [[0]], "uneven": [[0, 1], [0]], "three-lists": [[0], [0], [0]],
                     "out-of-range": [[2], [0]], "twice": [[0, 0], [0, 1]], "text": "1", "null": None}.items():
    cases.bad_node(f"tensordot-axes-{name}", node("tensordot", "x", "x", axes=axes), {"x": X}, "invalid_attribute", "/attributes/axes")
  cases.bad_node("cdist-of-a-vector", node("cdist", "x", "x"), {"x": LINE}, "shape_mismatch", "/inputs/0", contains=["[3]"])
  cases.bad_node("cdist-other-dimension", node("cdist", "x", [[1, 2]]), {"x": X}, "shape_mismatch", "/inputs/1",
                 contains=["[2, 3]", "[1, 2]"])
  cases.bad_node("cdist-p", node("cdist", "x", "x", p=3), {"x": X}, "invalid_attribute", "/attributes/p", contains=["1, 2", "3"])
  cases.bad_node("diag-of-a-cube", node("diag", "x"), {"x": [[[1]]]}, "shape_mismatch", "/inputs/0", contains=["diag"])
  cases.bad_node("diag-far-away", node("diag", "x", offset=2**62), {"x": LINE}, "limit_exceeded", "/attributes/offset")
  cases.bad_node("diag_embed-of-a-scalar", node("diag_embed", "x"), {"x": 1}, "shape_mismatch", "/inputs/0")
  cases.bad_node("diag_embed-far-away", node("diag_embed", "x", offset=-(2**62)), {"x": LINE}, "limit_exceeded", "/attributes/offset")
  wide = tensor([0.0] * 32, shape=[2, 2, 2, 2, 2])
  cases.bad_node("kron-of-five-axes", node("kron", "x", "x"), {"x": wide}, "limit_exceeded", None, contains=["4"])


def add_windows(cases):
  for size in (0, 4, -1, 2**62):
    cases.bad_node(f"unfold-size-{size}", node("unfold", "x", size=size), {"x": X}, "invalid_attribute", "/attributes/size",
                   contains=["1 to 3", str(size)])
  cases.bad_node("unfold-step-0", node("unfold", "x", size=2, step=0), {"x": X}, "invalid_attribute", "/attributes/step", contains=["0"])
  cases.bad_node("unfold-without-a-size", node("unfold", "x"), {"x": X}, "invalid_attribute", "", contains=["size"])


def add_names(cases):
  rule = "an unknown name is refused with what does it here"
  for op, words in {"exp2": "pow(2, x)", "lg": "log10", "abs2": "square", "cov": "matmul", "nansum": "isnan", "relu6": "clip",
                    "ifelse": "where", "vmap": "batch", "linear": "matmul", "mse_loss": "square", "for": "no loops", "randn": "input",
                    "nanmedian": "none", "fft": "none", "conv2d": "unfold", "hessian": "/v1/hessian", "ln": "log", "cumtrapz": "cumsum",
                    "scatter_reduce": "segment_sum", "percentile": "quantile", "digitize": "searchsorted", "topk": "top_k"}.items():
    cases.bad(f"looked-for-{op}", ask(node(op, "x"), {"x": X}), "unknown_operation", "/graph/nodes/0/op", node="y",
              contains=[op, words], rule=rule)
