"""What PyTorch answers to the request of a kink: the graph run node by node on torch, differentiated by its autograd."""

import torch
import torch.nn.functional as F

from comparison import array, refusal

torch.set_num_threads(1)

#: PyTorch's name where it has the operation under ours, or nearly so.
SAME_NAME = (
  "abs", "sign", "sqrt", "rsqrt", "log", "log1p", "log2", "log10", "exp", "reciprocal", "square", "asin", "acos", "acosh", "atanh", "tanh",
  "erf", "erfc", "erfinv", "lgamma", "digamma", "sigmoid", "relu", "floor", "ceil", "round", "trunc", "isnan", "isinf", "isfinite",
  "maximum", "minimum", "hypot", "atan2", "logaddexp", "remainder", "pow", "mul", "div", "where", "greater", "greater_equal", "less",
  "less_equal", "not_equal", "logical_and", "logical_not",
)
RENAMED = {name: getattr(torch.special, name) for name in ("ndtr", "log_ndtr", "ndtri", "i0e", "i1e", "gammainc", "gammaincc", "zeta",
                                                           "sinc", "erfcx")}
RENAMED |= {"equal": torch.eq, "xlogy": torch.special.xlogy, "stop_gradient": torch.detach, "softplus": F.softplus,
           "log_sigmoid": F.logsigmoid, "silu": F.silu}
#: Operations with attributes, which are given by name.
WITH_ATTRIBUTES = {
  "leaky_relu": lambda x, alpha=0.01: F.leaky_relu(x, alpha),
  "elu": lambda x, alpha=1.0: F.elu(x, alpha),
  "gelu": lambda x, approximate="none": F.gelu(x, approximate=approximate),
  "clip": lambda x, min=None, max=None: torch.clamp(x, min, max),
  "cast": lambda x, dtype: x.to(getattr(torch, dtype)),
  "take": lambda x, i, axis=0: x[(slice(None),) * axis + (i,)],
  "take_along_axis": lambda x, i, axis: torch.take_along_dim(x, i, axis),
  # Of its functions the ones that take any axes: torch.max along an axis also says where, and gives it all to one of the ties.
  "max": lambda x, axis=None: torch.amax(x, axes(x, axis)),
  "min": lambda x, axis=None: torch.amin(x, axes(x, axis)),
  "argmax": lambda x, axis=None: torch.argmax(x, axis),
  "argmin": lambda x, axis=None: torch.argmin(x, axis),
  "sum": lambda x, axis=None: torch.sum(x, axes(x, axis)),
  "mean": lambda x, axis=None: torch.mean(x, axes(x, axis)),
  "prod": lambda x, axis=None: torch.prod(x) if axis is None else torch.prod(x, axis),
  "var": lambda x, axis=None, correction=0: torch.var(x, axes(x, axis), correction=correction),
  "std": lambda x, axis=None, correction=0: torch.std(x, axes(x, axis), correction=correction),
  "logsumexp": lambda x, axis=None: torch.logsumexp(x, axes(x, axis)),
  "norm": lambda x, axis=None, ord=2: torch.linalg.vector_norm(x, float(ord), axes(x, axis)),
  "all": lambda x, axis=None: torch.all(x, axes(x, axis)),
  "any": lambda x, axis=None: torch.any(x, axes(x, axis)),
  "cumprod": lambda x, axis: torch.cumprod(x, axis),
  "softmax": lambda x, axis=-1: torch.softmax(x, axis),
  "log_softmax": lambda x, axis=-1: torch.log_softmax(x, axis),
  "sort": lambda x, axis=-1: torch.sort(x, dim=axis, stable=True).values,
  "argsort": lambda x, axis=-1: torch.argsort(x, dim=axis, stable=True),
  "det": torch.linalg.det, "slogdet": torch.linalg.slogdet, "inv": torch.linalg.inv, "solve": torch.linalg.solve,
  "cholesky": torch.linalg.cholesky,
  "eigh": torch.linalg.eigh, "eigvalsh": torch.linalg.eigvalsh, "svdvals": torch.linalg.svdvals, "qr": torch.linalg.qr,
  "svd": lambda x: torch.linalg.svd(x, full_matrices=False), "expm": torch.linalg.matrix_exp,
  "pinv": lambda x, rtol=None: torch.linalg.pinv(x, rtol=rtol),
  "lstsq": lambda a, b, rtol=None: torch.linalg.pinv(a, rtol=rtol) @ b,
  "matrix_rank": lambda x, rtol=None: torch.linalg.matrix_rank(x, rtol=rtol),
  "matrix_power": lambda x, n: torch.linalg.matrix_power(x, n),
  "solve_triangular": lambda a, b, lower=True, transpose=False: solve_triangular(a, b, lower, transpose),
}
#: Operations that PyTorch lacks; none that a row has yet.
LACKING = ("betainc",)


def axes(x, axis):
  """PyTorch's functions differ in what they take for all axes; all of them take a tuple."""
  return tuple(range(x.ndim)) if axis is None else axis


def solve_triangular(a, b, lower, transpose):
  """PyTorch wants a matrix for b, and is told to transpose by a transposed matrix."""
  columns = b[:, None] if b.ndim == 1 else b
  x = torch.linalg.solve_triangular(a.mT if transpose else a, columns, upper=lower == transpose)
  return x[..., 0] if b.ndim == 1 else x


def function(op):
  if op in SAME_NAME:
    return getattr(torch, op)
  return RENAMED.get(op) or WITH_ATTRIBUTES[op]


def evaluate(request):
  """Outputs and gradients by name, as NumPy arrays. A number in a node takes the request's dtype: no row has one beside another dtype."""
  main = request["dtype"]
  values = {name: torch.from_numpy(array(form, main)) for name, form in request["inputs"].items()}
  wrt = request.get("wrt", [name for name, value in values.items() if value.is_floating_point()])
  for name in wrt:
    values[name].requires_grad_()
  for node in request["graph"]["nodes"]:
    operands = [values[o] if isinstance(o, str) else torch.from_numpy(array(o, main)) for o in node["inputs"]]
    result = function(node["op"])(*operands, **node.get("attributes", {}))
    values.update(zip(node["outputs"], [result] if isinstance(result, torch.Tensor) else result, strict=True))
  outputs = {name: values[name] for name in request["graph"]["outputs"]}
  gradients = differentiated(outputs, [values[name] for name in wrt], request.get("cotangents"), main)
  return {"outputs": {name: value.detach().numpy() for name, value in outputs.items()},
          "gradients": {name: gradient.numpy() for name, gradient in zip(wrt, gradients)}}


def differentiated(outputs, wrt, cotangents, main):
  """Zeros where PyTorch says that nothing depends on an input: for an integer or bool, of which it refuses to go backward."""
  seeds = {name: torch.ones_like(value) if cotangents is None else torch.zeros_like(value) for name, value in outputs.items()}
  seeds |= {name: torch.from_numpy(array(form, main)) for name, form in (cotangents or {}).items()}
  smooth = [name for name, value in outputs.items() if value.requires_grad]
  if not wrt or not smooth:
    return [torch.zeros_like(x) for x in wrt]
  return torch.autograd.grad([outputs[name] for name in smooth], wrt, [seeds[name] for name in smooth], materialize_grads=True)


def found(case):
  """What `evaluate` finds, or a text that says why it finds nothing."""
  if case["operation"] in LACKING:
    return "has no such operation"
  try:
    return evaluate(case["request"])
  except (RuntimeError, IndexError, ValueError) as fault:
    return refusal(fault)
