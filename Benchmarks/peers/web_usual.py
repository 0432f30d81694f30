"""A gradient service as FastAPI's and PyTorch's guides teach it: models of lists, functions that are not async, lists in the answer.

The function is written into the program, where our server gets it with the request.
"""

import torch
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Tiny(BaseModel):
    x: list[list[float]]
    w: list[list[float]]
    b: list[float]


class Network(BaseModel):
    x: list[list[float]]
    w1: list[list[float]]
    b1: list[float]
    w2: list[list[float]]
    b2: list[float]


def tensors(request, dtype):
    return {name: torch.tensor(values, dtype=dtype, requires_grad=True) for name, values in request}


def answer(loss, inputs):
    loss.backward()
    return {"outputs": {"loss": loss.item()}, "gradients": {name: tensor.grad.tolist() for name, tensor in inputs.items()}}


@app.post("/tiny")
def tiny(request: Tiny):
    t = tensors(request, torch.float64)
    return answer(torch.tanh(t["x"] @ t["w"] + t["b"]).square().sum(), t)


@app.post("/network")
def network(request: Network):
    t = tensors(request, torch.float32)
    return answer((torch.tanh(t["x"] @ t["w1"] + t["b1"]) @ t["w2"] + t["b2"]).square().mean(), t)
