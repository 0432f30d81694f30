"""Graphs as functions of PyTorch."""

import numpy as np
import torch


def torch_function(client, graph, names):
    """A function of the inputs `names`, tensors in this order; see `Client.torch_function`.

    Gradients of a scalar come with its value, in one request. Those of other outputs take a second one, since their
    cotangents are known only then.
    """
    has_one_scalar = None  # not known before the first answer

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            nonlocal has_one_scalar
            ctx.wrt = [name for name, is_needed in zip(names, ctx.needs_input_grad) if is_needed]
            asks_both = bool(ctx.wrt) and has_one_scalar is not False
            members = {"wrt": ctx.wrt} if asks_both else {"gradients": False}
            answer = client.post("evaluate", graph, _arrays(names, tensors), **members)
            outputs = [_tensor(value, tensors[0].device) for value in answer["outputs"].values()]
            has_one_scalar = len(outputs) == 1 and outputs[0].ndim == 0
            ctx.gradients = answer["gradients"] if asks_both and has_one_scalar else None
            ctx.outputs = list(answer["outputs"])
            ctx.save_for_backward(*tensors)
            ctx.mark_non_differentiable(*[output for output in outputs if not output.is_floating_point()])
            return outputs[0] if len(outputs) == 1 else tuple(outputs)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, *cotangents):
            tensors = ctx.saved_tensors
            if ctx.gradients is not None:
                weight = cotangents[0].item()
                gradients = {name: gradient * weight for name, gradient in ctx.gradients.items()}
            else:
                weights = {n: c.cpu().numpy() for n, c in zip(ctx.outputs, cotangents) if c.is_floating_point()}
                gradients = client.gradients(
                    graph, _arrays(names, tensors), wrt=ctx.wrt, of=list(weights), cotangents=weights)
            return tuple(
                _tensor(gradients[name], tensor.device).to(tensor.dtype) if name in gradients else None
                for name, tensor in zip(names, tensors))

    def function(*tensors):
        if len(tensors) != len(names):
            raise TypeError(f"{len(names)} tensors are expected: {', '.join(names)}; got {len(tensors)}")
        return Function.apply(*map(torch.as_tensor, tensors))

    return function


def _arrays(names, tensors):
    return {name: tensor.detach().cpu().numpy() for name, tensor in zip(names, tensors)}


def _tensor(array, device):
    return torch.from_numpy(np.asarray(array)).to(device)
