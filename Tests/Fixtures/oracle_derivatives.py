"""Derivatives of whole graphs on JAX: vector-Jacobian and Jacobian-vector products, Hessian-vector products, and `grad` nodes.

A `grad` node asks for total derivatives by values that may stand in the middle of the graph. Here a zero is added to each such value where
it is made, and the derivative by that zero is the answer: it meets every path from the value to the loss, and nothing else.
"""

import jax
import jax.numpy as jnp
import numpy as np

from oracle import Program, apply


class Differentiable(Program):
  """A decoded request that may hold `grad` nodes, to be differentiated by its floating inputs."""

  def run_node(self, index, node):
    if node["op"] != "grad":
      return super().run_node(index, node)
    keys = self.resolve(index, node["inputs"])
    self.steps.append(("grad", keys, [str(self.values[k].dtype) for k in keys], {}, node["outputs"]))
    steps = self.steps_for(node["outputs"][0])
    results = jax.jit(lambda: [self.evaluate(self.leaves, {}, steps)[name] for name in node["outputs"]])()
    self.values.update(zip(node["outputs"], map(np.asarray, results)))

  def steps_for(self, name):
    """The steps that a value needs, in order."""
    needed, steps = {name}, []
    for step in reversed(self.steps):
      if needed & set(step[4]):
        needed |= set(step[1])
        steps.append(step)
    return steps[::-1]

  def evaluate(self, leaves, shifts, steps=None):
    """All values, with the number that `shifts` has for a name added to that value as soon as it is made."""
    shifted = lambda name, value: value + shifts[name] if name in shifts else value
    values = {name: shifted(name, value) for name, value in leaves.items()}
    for op, keys, dtypes, attributes, outputs in self.steps if steps is None else steps:
      if op == "grad":
        results = self.total_derivatives(leaves, shifts, *keys)
      else:
        operands = [values[k].astype(dtype) for k, dtype in zip(keys, dtypes)]
        results = apply(jnp, op, operands, attributes, len(outputs), lambda x, to: x.astype(to))
      values.update((name, shifted(name, value)) for name, value in zip(outputs, results, strict=True))
    return values

  def total_derivatives(self, leaves, shifts, loss, *names):
    steps = self.steps_for(loss)

    def total(zeros):
      further = {name: shifts.get(name, 0) + zero for name, zero in zip(names, zeros)}
      return jnp.sum(self.evaluate(leaves, shifts | further, steps)[loss])

    return jax.grad(total)([jnp.zeros_like(self.values[name]) for name in names])

  # What is asked of a graph. `inputs` are the numbers of `wrt`, by name; all answers are by name.

  def at(self, inputs):
    return self.leaves | inputs

  def pull(self, inputs, cotangents):
    """(all named values, gradients, the gradient by every floating result of a node)."""
    made = [name for step in self.steps for name in step[4] if self.is_float(name)]

    def forward(inputs, shifts):
      values = self.evaluate(self.at(inputs), shifts)
      return {name: values[name] for name in self.of}, {name: value for name, value in values.items() if isinstance(name, str)}

    _, pullback, values = jax.vjp(forward, inputs, {name: jnp.zeros_like(self.values[name]) for name in made}, has_aux=True)
    return values, *pullback({name: jnp.asarray(cotangents[name]) for name in self.of})

  def push(self, inputs, tangents):
    """The tangent of every floating value."""
    named = lambda name: isinstance(name, str) and self.is_float(name)
    forward = lambda inputs: {name: value for name, value in self.evaluate(self.at(inputs), {}).items() if named(name)}
    return jax.jvp(forward, (inputs,), (tangents,))[1]

  def hessian_product(self, inputs, vectors, cotangents):
    def weighted(inputs):
      values = self.evaluate(self.at(inputs), {})
      return sum(jnp.sum(values[name] * cotangents[name]) for name in self.of)

    return jax.jvp(jax.grad(weighted), (inputs,), (vectors,))[1]
