"""Golden values of gradient clipping and of the max-norm constraint, from PyTorch.

    pip install -r requirements.txt
    python generate_clipping.py

It writes clipping.json beside itself: the gradients of `a [3, 5]`, `b [4]` and `c [2]` (whose gradient is None), clipped by value and by
global norm (multiplied by `scale` before); and `a`, as a weight, after `torch.renorm` of its rows.
"""

import json
from pathlib import Path

import numpy as np
import torch


def numbers(tensor):
    """Float32 values in their shortest decimal form."""
    return [float(np.format_float_positional(x)) for x in tensor.detach().flatten().numpy()]


def main():
    torch.set_num_threads(1)
    torch.manual_seed(3)
    gradients = [2.0 * torch.randn(3, 5), 0.1 * torch.randn(4)]

    def parameters(scale=1.0):
        made = [torch.zeros(3, 5), torch.zeros(4), torch.zeros(2)]
        for p, g in zip(made, gradients):
            p.grad = g * scale
        return made

    norms, values, weights = [], [], []
    # A power of two, exact on both sides; the norm is then small enough to see what PyTorch adds to it.
    for scale, max_norm in [(1.0, 0.0), (1.0, 1e-6), (1.0, 0.5), (1.0, 3.0), (1.0, 100.0), (2.0**-20, 3e-6)]:
        made = parameters(scale)
        norm = numbers(torch.nn.utils.clip_grad_norm_(made, max_norm))[0]
        clipped = [numbers(p.grad) for p in made[:2]]
        norms.append({"scale": scale, "max_norm": max_norm, "norm": norm, "clipped": clipped})
    for limit in (0.0, 0.125, 1.5, 10.0):
        made = parameters()
        torch.nn.utils.clip_grad_value_(made, limit)
        values.append({"limit": limit, "clipped": [numbers(p.grad) for p in made[:2]]})
    for maximum in (0.5, 3.0, 5.0, 50.0):
        weights.append({"max": maximum, "weight": numbers(torch.renorm(gradients[0], 2, 0, maximum))})
    golden = {
        "torch": torch.__version__.split("+")[0],
        "gradients": [numbers(g) for g in gradients],
        "norms": norms,
        "values": values,
        "weights": weights,
    }
    Path(__file__).with_name("clipping.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
