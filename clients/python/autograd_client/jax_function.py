"""Graphs as functions of JAX."""

import functools

import jax
import numpy as np


def jax_function(client, graph, names):
    """A function of the inputs `names`, arrays in this order; see `Client.jax_function`.

    JAX wants to know the outputs' shapes before they are computed: /v1/inspect tells them, once for each set of shapes
    of the inputs. `vmap` sends one request for each example.
    """

    @functools.lru_cache(maxsize=None)
    def outputs_for(*types):
        inputs = {name: {"dtype": dtype, "shape": list(shape)} for name, (dtype, shape) in zip(names, types)}
        answer = client.post("inspect", graph, inputs)
        values = answer["values"]
        return {name: jax.ShapeDtypeStruct(values[name]["shape"], values[name]["dtype"]) for name in answer["of"]}

    def outputs_of(arguments):
        return outputs_for(*((argument.dtype.name, tuple(argument.shape)) for argument in arguments))

    def evaluate(*arguments):
        of = list(outputs_of(arguments))
        outputs = client.evaluate(graph, _arrays(names, arguments), outputs=of)
        return tuple(np.asarray(outputs[name]) for name in of)

    def differentiate(wrt, arguments, cotangents):
        weights = _arrays(outputs_of(arguments), cotangents)
        gradients = client.gradients(
            graph, _arrays(names, arguments), wrt=list(wrt), of=list(weights), cotangents=weights)
        return tuple(np.asarray(gradients[name]) for name in wrt)

    @jax.custom_vjp
    def values(*arguments):
        types = tuple(outputs_of(arguments).values())
        return jax.pure_callback(evaluate, types, *arguments, vmap_method="sequential")

    def forward(*arguments):
        return values(*arguments), arguments

    def backward(arguments, cotangents):
        types = {n: jax.ShapeDtypeStruct(a.shape, a.dtype) for n, a in zip(names, arguments) if _is_floating(a)}
        host = functools.partial(differentiate, tuple(types))
        results = jax.pure_callback(host, tuple(types.values()), arguments, cotangents, vmap_method="sequential")
        gradients = dict(zip(types, results))
        # JAX takes cotangents of integers in a dtype of their own.
        return tuple(
            gradients[name] if name in gradients else np.zeros(argument.shape, jax.dtypes.float0)
            for name, argument in zip(names, arguments))

    values.defvjp(forward, backward)

    def function(*arguments):
        if len(arguments) != len(names):
            raise TypeError(f"{len(names)} arrays are expected: {', '.join(names)}; got {len(arguments)}")
        results = values(*map(jax.numpy.asarray, arguments))
        return results[0] if len(results) == 1 else results

    return function


def _is_floating(array):
    return np.issubdtype(array.dtype, np.floating)


def _arrays(names, arrays):
    return {name: np.asarray(array) for name, array in zip(names, arrays)}
