"""Adds products, linear algebra and `grad` nodes. Part of `CatalogBuilder`."""

import json

import numpy as np

from catalog_domains import MAX_CONDITION, condition
from graph_builder import Fresh
from oracle_derivatives import Differentiable

LETTERS = "abcdijkxyzAB"


class ProductAdders:
  def put_matmul(self):
    return self.base(self.add_matmul)

  def put_outer(self):
    a = self.line()
    b = self.pick(lambda v: v.dtype == np.float64 and v.ndim == 1 and 0 < v.size <= 4) if self.chance(0.5) else None
    return self.then("outer", self.shuffled([a, b or Fresh(self.array((self.rng.choice((1, 2, 3)),)))]))

  def put_einsum(self):
    """An equation grown from the axes of one value: letters, some twice, an ellipsis; further operands that share letters."""
    rng, a = self.rng, self.floating()
    shape, letters = self.values[a].shape, self.shuffled(LETTERS)
    dotted = rng.randint(0, len(shape)) if self.chance(0.25) else 0
    dots = self.chance(0.25) or dotted > 0
    sizes, labels = {}, []
    for size in shape[dotted:]:
      again = [c for c in labels if sizes[c] == size]
      labels.append(rng.choice(again) if again and self.chance(0.25) else letters.pop())
      sizes[labels[-1]] = size
    operands, terms = [a], [("..." if dots else "") + "".join(labels)]
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
      self.add_term(operands, terms, sizes, letters, shape[:dotted] if dots else None)
    equation = ",".join(terms)
    if self.chance(0.75):
      kept = rng.sample(list(sizes), rng.randint(0, len(sizes)))
      kept.insert(rng.randint(0, len(kept)), "..." if dots else "")
      equation += "->" + "".join(kept)
    return self.then("einsum", operands, {"equation": equation})

  def add_term(self, operands, terms, sizes, letters, dotted):
    rng = self.rng
    if self.chance(0.12):
      operands.append(operands[0])
      terms.append(terms[0])
      return
    own = rng.sample(list(sizes), rng.randint(0, min(2, len(sizes))))
    if len(own) < 2 and self.chance(0.5):
      own.append(letters.pop())
      sizes[own[-1]] = rng.choice((1, 2, 3))
    rng.shuffle(own)
    leading = self.partner(dotted)[-1:] if dotted and self.chance(0.5) else ()
    shape = leading + tuple(sizes[c] for c in own)
    found = self.pick(lambda v: v.dtype == np.float64 and v.shape == shape) if self.chance(0.6) else None
    operands.append(found or Fresh(self.array(shape)))
    terms.append(("..." if leading else "") + "".join(own))

  # Matrices

  def square(self):
    """The name of a value whose last two axes are equal and small: one there is, or a product with its own transpose, or an input."""
    a = self.floating(lambda v: v.ndim >= 2 and v.shape[-1] == v.shape[-2] <= 3) if self.chance(0.6) else self.floating(
      lambda v: v.ndim >= 2 and v.shape[-2] <= 3)
    x = self.values[a]
    if x.ndim < 2:
      size = self.rng.choice((1, 2, 2, 3, 3))
      return self.leaf_input(self.array(((2,) if self.chance(0.25) else ()) + (size, size)))
    return a if x.shape[-1] == x.shape[-2] <= 3 else self.gram(a)

  def gram(self, a):
    rank = self.values[a].ndim
    swapped = self.then("transpose", [a], {"axes": [*range(rank - 2), rank - 1, rank - 2]})
    return self.then("matmul", [a, swapped])

  def raised(self, a, amount):
    """The matrix with an amount added along its diagonal."""
    return self.then("add", [a, Fresh(round(amount, 2) * np.eye(self.values[a].shape[-1]))])

  def invertible(self):
    a = self.square()
    if condition(self.values[a]) < MAX_CONDITION and self.chance(0.7):
      return a
    amount = self.rng.choice((-1, 1)) * (0.6 + np.max(np.sum(np.abs(self.values[a]), -1)) * self.rng.uniform(0.6, 1.1))
    return self.raised(a, amount)

  def put_cholesky(self):
    a = self.square()
    if self.chance(0.3):
      # Not symmetric, but with a positive definite symmetric part.
      return self.then("cholesky", [self.raised(a, 0.6 + np.max(np.sum(np.abs(self.values[a]), -1)))])
    return self.then("cholesky", [self.raised(self.gram(a), self.rng.uniform(0.6, 2))])

  def put_inv(self):
    return self.then("inv", [self.invertible()])

  def put_det(self):
    return self.then("det", [self.invertible()])

  def put_slogdet(self):
    return self.then("slogdet", [self.invertible()], {}, 2)

  def put_solve(self, op="solve", attributes=None):
    rng, a = self.rng, self.invertible()
    *leading, size, _ = self.values[a].shape
    stacked = lambda v: v.ndim >= 2 and v.shape[-2] == size and self.meets(v.shape[:-2], tuple(leading))
    fits = lambda v: v.dtype == np.float64 and v.size and (v.shape == (size,) or stacked(v))
    b = self.pick(fits) if self.chance(0.6) else None
    if b is None:
      columns = (size, rng.choice((1, 2)))
      shape = rng.choice(((size,), columns, self.partner(tuple(leading)) + columns if self.chance(0.6) else (2,) + columns))
      b = Fresh(self.array(shape))
    return self.then(op, [a, b], attributes)

  def put_solve_triangular(self):
    flag = lambda: self.rng.choice((Ellipsis, True, False))
    return self.put_solve("solve_triangular", {"lower": flag(), "transpose": flag()})

  # Derivatives inside the graph

  def put_grad(self):
    """A loss that a derivative flows into, by one or two values that it mostly depends on."""
    rng, made = self.rng, {n for node in self.nodes for n in node["outputs"]}
    losses = [n for n in self.values if n in self.active and n in made]
    if not losses:
      raise ValueError("nothing to differentiate")
    loss = rng.choice(losses)
    sources = [n for n in self.ancestors()[loss] if n in self.active]
    chosen = [n for n in self.values if n in sources]
    chosen = rng.sample(chosen, min(len(chosen), rng.choice((1, 1, 2))))
    if self.chance(0.07):
      chosen.append(rng.choice([n for n in self.values if n in self.active and n not in chosen]))
    if not chosen:
      raise ValueError("nothing to differentiate by")
    outputs = [self.name() for _ in chosen]
    self.nodes.append({"op": "grad", "inputs": [loss, *chosen], "outputs": outputs})
    found = Differentiable(json.loads(json.dumps(self.request()))).values
    if not all(np.all(np.abs(found[n]) <= 30) for n in outputs):
      raise ValueError("a gradient too large")
    self.uses.update([loss, *chosen])
    self.values.update((n, found[n]) for n in outputs)
    self.mark("grad", [loss], outputs)
    return outputs[0]
