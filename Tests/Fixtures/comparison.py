"""How the answer of another library is set beside ours: with NumPy alone, so that no library needs another one installed."""

import numpy as np


def array(form, default=None):
  """A tensor form without an encoding as an array; `default` is the dtype that data takes if it states none."""
  members = form if isinstance(form, dict) else {"data": form}
  flat = np.array(members["data"], object)
  dtype = members.get("dtype") or ("bool" if flat.size and isinstance(flat.flat[0], bool) else default)
  # Python reads "NaN", "Infinity" and "-Infinity" as the contract writes them. Integers stay integers on the way.
  values = [float(v) if isinstance(v, str) else v for v in flat.ravel()]
  return np.array(values, dtype).reshape(members.get("shape", flat.shape))


def difference(found, case):
  """The tensors of `found` that are not those a line expects, whole; all of them if the line expects a refusal."""
  differing = {}
  for part, tensors in found.items():
    for name, value in tensors.items():
      if "expected" in case:
        wanted = array(case["expected"][part][name])
        assert value.shape == wanted.shape, (case["name"], part, name, value.shape, wanted.shape)
        if close(value, wanted, case["tolerance"]):
          continue
      differing.setdefault(part, {})[name] = [written(v) for v in value.ravel().tolist()]
  return differing


def close(a, b, tolerance):
  """Equal in place where not finite, elsewhere within tolerance · max(1, max |b|)."""
  if b.dtype.kind != "f":
    return np.array_equal(a, b)
  a, b, finite = a.astype("float64"), b.astype("float64"), np.isfinite(b)
  bound = tolerance * max(1, np.max(np.abs(b[finite]), initial=0))
  return np.array_equal(a[~finite], b[~finite], equal_nan=True) and bool(np.all(np.abs(a[finite] - b[finite]) <= bound))


def written(value):
  if isinstance(value, float) and not np.isfinite(value):
    return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
  return value


def refusal(fault):
  """What a library says when it refuses, in one line."""
  return f"refuses: {str(fault).strip().splitlines()[0]}"
