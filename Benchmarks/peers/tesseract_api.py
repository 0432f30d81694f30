"""The tiny function as a Tesseract."""

import torch
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64


class InputSchema(BaseModel):
    x: Differentiable[Array[(2, 3), Float64]]
    w: Differentiable[Array[(3, 2), Float64]]
    b: Differentiable[Array[(2,), Float64]]


class OutputSchema(BaseModel):
    loss: Differentiable[Float64]


def loss(x, w, b):
    return torch.tanh(x @ w + b).square().sum()


def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(loss=loss(*(torch.tensor(value) for value in (inputs.x, inputs.w, inputs.b))).item())


def vector_jacobian_product(inputs: InputSchema, vjp_inputs: set[str], vjp_outputs: set[str], cotangent_vector):
    tensors = {name: torch.tensor(getattr(inputs, name), requires_grad=True) for name in ("x", "w", "b")}
    result = loss(**tensors)
    result.backward(torch.tensor(float(cotangent_vector["loss"]), dtype=result.dtype))
    return {name: tensors[name].grad.numpy() for name in vjp_inputs}
