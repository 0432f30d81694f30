"""The tiny function as a model of UM-Bridge. Its protocol asks for one input's gradient at a time, so all numbers are in one input."""

import functools
import sys

import torch
import umbridge
from aiohttp import web


class Tiny(umbridge.Model):
    def __init__(self):
        super().__init__("tiny")

    def get_input_sizes(self, config):
        return [14]

    def get_output_sizes(self, config):
        return [1]

    def loss(self, values):
        x, w, b = values[:6].reshape(2, 3), values[6:12].reshape(3, 2), values[12:]
        return torch.tanh(x @ w + b).square().sum()

    def __call__(self, parameters, config):
        return [[self.loss(torch.tensor(parameters[0], dtype=torch.float64)).item()]]

    def gradient(self, out_wrt, in_wrt, parameters, sens, config):
        values = torch.tensor(parameters[0], dtype=torch.float64, requires_grad=True)
        self.loss(values).backward()
        return (sens[0] * values.grad).tolist()

    def supports_evaluate(self):
        return True

    def supports_gradient(self):
        return True


# It would listen on all addresses of the machine, and has no option for others.
web.run_app = functools.partial(web.run_app, host="127.0.0.1")
umbridge.serve_models([Tiny()], int(sys.argv[1]))
