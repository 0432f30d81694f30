"""How tensors and lines are written: every tensor form of the contract, in text that reads back to the same bits."""

import base64
import json
from dataclasses import dataclass

import numpy as np

FLOATS = ("float32", "float64")


def number(value, dtype):
  """A JSON number. A float32 is written in its own shortest digits, not in those of the float64 beside it."""
  if dtype == "bool":
    return bool(value)
  if dtype in ("int64", "int32"):
    return int(value)
  return float(str(np.float32(value))) if dtype == "float32" else float(value)


def nested(array, dtype, as_integers=False):
  """Nested lists of numbers; whole numbers in a float tensor may be written without a point."""
  if array.ndim:
    return [nested(row, dtype, as_integers) for row in array]
  return int(array) if as_integers and dtype in FLOATS else number(array, dtype)


@dataclass
class TensorForm:
  """A tensor to be written. `array` is float64 for either float; `dtype` may be "F", the graph's own float, or "G", the other."""

  array: np.ndarray
  dtype: str
  form: str = "bare"  # bare, nested, flat or base64
  states_dtype: bool = False
  shuffle: object = None  # a function that orders members

  def render(self, floats, default):
    """As JSON. `floats` maps F and G to dtypes; `default` is the dtype that data without one takes here, None if any does."""
    dtype = floats.get(self.dtype, self.dtype)
    states = self.states_dtype or self.form == "base64" or default not in (None, dtype) and dtype != "bool"
    form = "flat" if self.array.size == 0 and self.form != "base64" else self.form
    whole = bool(self.array.size) and bool(np.all(self.array == np.round(self.array))) and self.form != "flat"
    if form == "bare" and not states:
      return nested(self.array, dtype, whole)
    members = [("dtype", dtype)] if states else []
    if form in ("bare", "nested"):
      members.append(("data", nested(self.array, dtype, whole)))
    else:
      members.append(("shape", list(self.array.shape)))
      if form == "base64":
        raw = np.ascontiguousarray(self.array, np.dtype(dtype).newbyteorder("<")).tobytes()
        members += [("encoding", "base64"), ("data", base64.b64encode(raw).decode())]
      else:
        members.append(("data", [number(v, dtype) for v in self.array.ravel()]))
    return dict(self.shuffle(members) if self.shuffle else members)


def expected(program, outputs, gradients, exact_of_float32=False):
  """The `expected` member: flat data, in the dtypes of the contract whatever dtype computed them."""

  def tensor(name, array):
    dtype = str(program.values[name].dtype)
    data = [number(v, "float64" if dtype in FLOATS else dtype) for v in array.ravel()]
    if dtype in FLOATS and exact_of_float32:
      # Ten digits are exact for a comparison to 1e-5, and keep the file small.
      data = [float(f"{v:.10g}") for v in data]
    assert np.all(np.isfinite(array)) and array.shape == program.values[name].shape
    return {"dtype": dtype, "shape": list(array.shape), "data": data}

  return {
    "outputs": {name: tensor(name, array) for name, array in outputs.items()},
    "gradients": {name: tensor(name, array) for name, array in gradients.items()},
  }


def line(head, request, answer, ascii_only=True, last="expected"):
  """One line. The text `,"expected":` stands in it once, so the request can be cut out as it is written, without a parser. (The line of a
  request that is to be refused has `,"refused":` there.)"""
  compact = lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only, allow_nan=False)
  text = f'{compact(head)[:-1]},"request":{compact(request)},"{last}":{compact(answer)}}}'
  assert text.count(f',"{last}":') == 1 and compact(head).count('"request":') == 0
  return text + "\n"


def text_of(case):
  """A case of kinks as a line: the request and what is expected, or the refusal, stand last."""
  last = "expected" if "expected" in case else "refused"
  head = {member: value for member, value in case.items() if member not in ("request", last)}
  return line(head, case["request"], case[last], last=last)
