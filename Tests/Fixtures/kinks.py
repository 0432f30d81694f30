"""Kinks and edges: where derivatives are a matter of convention. What is expected is written by hand, from the table in the contract, in
kinks_pointwise.py, kinks_reductions.py, kinks_linalg.py, kinks_special.py and kinks_decompositions.py; this module says how a row is
spelled and how it becomes a line, with what JAX
gives where that differs. What PyTorch gives is added by kinks_torch.py."""

import json
import warnings

import jax
import jax.numpy as jnp
import numpy as np

from comparison import difference, refusal
from forms import FLOATS, text_of
from oracle import Compiled, Program

NAN, INF, MINUS_INF = "NaN", "Infinity", "-Infinity"
LOG2 = 0.6931471805599453
#: What stands in a line, until kinks_torch.py has run, for an answer that nobody knows yet.
NOT_ASKED = "not asked yet"


# Rows -------------------------------------------------------------------------------------------------------------------------------


def kink(name, op, inputs, output, gradients, *, operands=None, attributes=None, cotangent=None, results=("r",), dtype=None, only64=False,
         default_wrt=False):
  """One row. `output` and `gradients` are nested numbers as in JSON; a missing gradient is not stated, and not asked for unless the server
  is left to choose by `default_wrt`. An operation of several `results` has a list of outputs; the cotangent is that of the first.
  `dtype` fixes that of the results, if they are no float; a row of values that float32 cannot tell apart is `only64`."""
  return dict(name=name, op=op, inputs=inputs, outputs=[output] if len(results) == 1 else output, gradients=gradients, operands=operands,
              attributes=attributes or {}, cotangent=cotangent, results=list(results), dtype=dtype, only64=only64,
              default_wrt=default_wrt, refused=None)


def along(name, op, data, output, gradient, **more):
  """A row for an operation of one operand x; `attributes` are what is left."""
  given = {k: more.pop(k) for k in ("cotangent", "dtype", "only64") if k in more}
  gradients = {} if gradient is None else {"x": gradient}
  return kink(name, op, {"x": data}, output, gradients, attributes=more, **given)


def pair(name, op, x, y, output, gradient_x, gradient_y, **more):
  gradients = {n: g for n, g in (("x", gradient_x), ("y", gradient_y)) if g is not None}
  return kink(name, op, {"x": x, "y": y}, output, gradients, **more)


def refused(name, op, inputs, status, code, **attributes):
  """A row that is answered with a problem."""
  row = kink(name, op, inputs, None, {}, attributes=attributes, default_wrt=True)
  return row | {"refused": {"status": status, "code": code}}


def empty(*shape):
  return {"shape": list(shape), "data": []}


def integers(*data):
  return {"dtype": "int64", "data": list(data)}


# Lines ------------------------------------------------------------------------------------------------------------------------------


def lines(family, row, known):
  """The row in float64 and, where that says the same, in float32. `known` are the lines written before, by name."""
  for main in FLOATS[::-1] if not row["only64"] else ("float64",):
    yield entry(family, row, main, known)


def entry(family, row, main, known):
  nodes = row["operands"]
  if not nodes or not isinstance(nodes[0], dict):
    node = {"op": row["op"], "inputs": nodes or list(row["inputs"]), "outputs": row["results"]}
    nodes = [node | ({"attributes": row["attributes"]} if row["attributes"] else {})]
  request = {"graph": {"nodes": nodes, "outputs": row["results"]}, "inputs": row["inputs"], "dtype": main, "encoding": "flat"}
  if not row["default_wrt"]:
    request["wrt"] = list(row["gradients"])
  if row["cotangent"] is not None:
    request["cotangents"] = {row["results"][0]: row["cotangent"]}
  answer = {"refused": row["refused"]} if row["refused"] else {"expected": expectation(row, main)}
  name = f"{row['op']}: {row['name']}" + "".join(f", {k} {v}" for k, v in row["attributes"].items())
  head = {"name": f"{name}/{main}", "family": family, "operation": row["op"], "tolerance": 1e-12 if main == "float64" else 1e-5}
  case = json.loads(json.dumps(head | {"request": request} | answer))
  return text_of(head | others(case, known.get(head["name"], {})) | {"request": request} | answer)


def expectation(row, main):
  outputs = {name: stated(output, row["dtype"] or main) for name, output in zip(row["results"], row["outputs"], strict=True)}
  return {"outputs": outputs, "gradients": {name: stated(gradient, main) for name, gradient in row["gradients"].items()}}


def others(case, before):
  """The members for what JAX and PyTorch say. PyTorch is not asked here: what it said stays while the line asks and expects the same."""
  same = all(case.get(member) == before.get(member) for member in ("request", "expected", "refused"))
  members = {"jax": answer_of_jax(case), "torch": before.get("torch") if same else NOT_ASKED}
  return {member: said for member, said in members.items() if said}


def stated(form, dtype):
  """A tensor of the answer: flat data, numbers as they are written by hand."""
  shape = form["shape"] if isinstance(form, dict) else list(np.array(form, object).shape)
  data = form["data"] if isinstance(form, dict) else np.array(form, object).ravel().tolist()
  whole = dtype in FLOATS
  return {"dtype": dtype, "shape": shape, "data": [float(v) if whole and not isinstance(v, str) else v for v in data]}


# JAX --------------------------------------------------------------------------------------------------------------------------------

def missing(*operands):
  raise TypeError("no such function")


#: Functions that the oracle spells out, or lacks, as users of JAX call them.
OWN = {
  "norm": lambda x, axis=None, ord=2: jnp.linalg.vector_norm(x, axis=axis, ord=jnp.inf if ord == INF else ord),
  "det": jnp.linalg.det, "inv": jnp.linalg.inv, "solve": jnp.linalg.solve, "cholesky": jnp.linalg.cholesky, "slogdet": jnp.linalg.slogdet,
  "erfcx": missing, "solve_triangular": lambda a, b, lower=True, transpose=False: jax.scipy.linalg.solve_triangular(a, b, trans=int(transpose), lower=lower),
}


class JaxProgram(Program):
  """A request computed by JAX from the start: NumPy raises an error at some of the edges where JAX has an answer."""

  def compute(self, xp, op, operands, attributes, count, cast):
    if op in OWN:
      result = OWN[op](*operands, **attributes)
      return [result] if count == 1 else list(result)
    return super().compute(jnp, op, operands, attributes, count, cast)


def answer_of_jax(case):
  """What JAX gives in place of the tensors it disagrees on, in the dtypes of the request; a text if it refuses."""
  # NumPy warns of the edges that this is about.
  with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
    try:
      program = JaxProgram(case["request"])
      found = dict(zip(("outputs", "gradients"), Compiled(program, exact=False)(program)))
    except (TypeError, ValueError, IndexError) as fault:
      return refusal(fault)
  return difference(found, case)
