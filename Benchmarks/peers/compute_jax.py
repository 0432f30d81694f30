"""The compute rows in JAX, compiled."""

import time

import jax
import jax.numpy as jnp
import numpy

import worker

jax.config.update("jax_enable_x64", True)


def random(shape, dtype, scale=1.0):
    return jnp.asarray(scale * numpy.random.default_rng(1).uniform(-1, 1, shape), dtype)


def compiled(function, arguments):
    run = jax.jit(jax.value_and_grad(function, argnums=tuple(range(len(arguments)))))
    return lambda: jax.block_until_ready(run(*arguments)) and None


def chain(dtype):
    def total(x):
        c = jnp.tanh(x * 1.25 + 0.5)
        e = c * x - 0.125
        return jnp.sum(jnp.exp(c / jnp.sqrt(e * e + 1)))

    return lambda size: compiled(total, [random(size, dtype)])


def network(_):
    def loss(x, w1, b1, w2, b2):
        return jnp.mean(jnp.square(jnp.tanh(x @ w1 + b1) @ w2 + b2))

    f32 = jnp.float32
    arguments = [random((64, 784), f32), random((784, 256), f32, 0.05), random(256, f32, 0.1), random((256, 10), f32, 0.1), random(10, f32)]
    return compiled(loss, arguments)


def product(size):
    """With a cotangent that is given in full, as the others have it."""

    def run(a, b, ct):
        c, pullback = jax.vjp(jnp.matmul, a, b)
        return c, pullback(ct)

    arguments = [random((size, size), jnp.float32) for _ in range(3)]
    run = jax.jit(run)
    return lambda: jax.block_until_ready(run(*arguments)) and None


def product_of_ones(size):
    return compiled(lambda a, b: jnp.sum(a @ b), [random((size, size), jnp.float32) for _ in range(2)])


def tape_function(size, scale=0.9):
    steps = [lambda v: v * scale, lambda v: v + 0.2, lambda v: v * v, jnp.sin]

    def run(v):
        for i in range(size):
            v = steps[i % 4](v)
        return v

    return run


def tape(size):
    return compiled(tape_function(size), [jnp.asarray(0.3)])


def unseen(size):
    """A graph that differs from all before: tracing, compiling, and one run."""
    count = iter(range(1, 1_000_000))

    def run():
        start = time.perf_counter()
        compiled(tape_function(size, 0.9 + next(count) * 1e-6), [jnp.asarray(0.3)])()
        return time.perf_counter() - start

    return run


OPERATIONS = {
    "tanh": jnp.tanh, "elu": jax.nn.elu, "norm": lambda x: jnp.linalg.norm(x, axis=-1), "softmax": lambda x: jax.nn.softmax(x, axis=-1)}


def operation(name, dtype):
    if name == "scatter_add":
        def total(size):
            places = jnp.asarray(numpy.random.default_rng(5).integers(0, size // 10, size))
            return compiled(lambda x: jnp.sum(jnp.square(jnp.zeros(size // 10, dtype).at[places].add(x))), [random(size, dtype, 2.0)])

        return total
    return lambda size: compiled(lambda x: jnp.sum(jnp.square(OPERATIONS[name](x))), [random((size // 1000, 1000), dtype, 2.0)])


def operations():
    dtypes = {"float32": jnp.float32, "float64": jnp.float64}
    return {f"{name}-{of}": operation(name, dtype) for name in [*OPERATIONS, "scatter_add"] for of, dtype in dtypes.items()}


worker.serve(operations() | {
    "chain-float32": chain(jnp.float32), "chain-float64": chain(jnp.float64), "network": network, "product": product,
    "product-of-ones": product_of_ones, "tape": tape, "unseen": unseen,
})
