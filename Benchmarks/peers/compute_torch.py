"""The compute rows in PyTorch as it is mostly used: run step by step, gradients by backward()."""

import os

import torch

import worker

torch.set_num_threads(len(os.sched_getaffinity(0)))
torch.manual_seed(1)


def random(shape, dtype, scale=1.0):
    return (scale * (2 * torch.rand(shape, dtype=dtype) - 1)).requires_grad_()


def differentiated(function, arguments):
    def run():
        for argument in arguments:
            argument.grad = None
        function(*arguments).backward()

    return run


def chain(dtype):
    def total(x):
        c = torch.tanh(x * 1.25 + 0.5)
        e = c * x - 0.125
        return torch.exp(c / torch.sqrt(e * e + 1)).sum()

    return lambda size: differentiated(total, [random(size, dtype)])


def network(_):
    def loss(x, w1, b1, w2, b2):
        return (torch.tanh(x @ w1 + b1) @ w2 + b2).square().mean()

    f32 = torch.float32
    shapes = [((64, 784), 1), ((784, 256), 0.05), ((256,), 0.1), ((256, 10), 0.1), ((10,), 1)]
    return differentiated(loss, [random(shape, f32, scale) for shape, scale in shapes])


def product(size):
    """With a cotangent that is given in full, as the others have it."""
    a, b, ct = (random((size, size), torch.float32) for _ in range(3))
    ct = ct.detach()

    def run():
        a.grad = b.grad = None
        (a @ b).backward(ct)

    return run


def product_of_ones(size):
    return differentiated(lambda a, b: (a @ b).sum(), [random((size, size), torch.float32) for _ in range(2)])


def tape(size):
    steps = [lambda v: v * 0.9, lambda v: v + 0.2, lambda v: v * v, torch.sin]

    def run(v):
        for i in range(size):
            v = steps[i % 4](v)
        return v

    return differentiated(run, [torch.tensor(0.3, dtype=torch.float64, requires_grad=True)])


OPERATIONS = {
    "tanh": torch.tanh, "elu": torch.nn.functional.elu, "norm": lambda x: torch.linalg.vector_norm(x, dim=-1),
    "softmax": lambda x: torch.softmax(x, dim=-1)}


def operation(name, dtype):
    if name == "scatter_add":
        def total(size):
            places = torch.randint(0, size // 10, (size,), generator=torch.Generator().manual_seed(5))
            zeros = torch.zeros(size // 10, dtype=dtype)
            return differentiated(lambda x: zeros.scatter_add(0, places, x).square().sum(), [random(size, dtype, 2.0)])

        return total
    return lambda size: differentiated(lambda x: OPERATIONS[name](x).square().sum(), [random((size // 1000, 1000), dtype, 2.0)])


def operations():
    dtypes = {"float32": torch.float32, "float64": torch.float64}
    return {f"{name}-{of}": operation(name, dtype) for name in [*OPERATIONS, "scatter_add"] for of, dtype in dtypes.items()}


worker.serve(operations() | {
    "chain-float32": chain(torch.float32), "chain-float64": chain(torch.float64), "network": network, "product": product,
    "product-of-ones": product_of_ones, "tape": tape,
    # Nothing is compiled: every graph is as one never seen.
    "unseen": tape,
})
