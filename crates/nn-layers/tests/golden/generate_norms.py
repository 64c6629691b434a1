"""Golden values of the normalisations, from PyTorch.

    pip install -r requirements.txt
    python generate_norms.py

It writes norms.json beside itself: for `torch.nn.BatchNorm1d` (with both kinds of averages, another momentum, no scale and offset) and
`torch.nn.LayerNorm` (with and without scale and offset) the results of three training batches, the gradients of a weighted sum of the third, the running statistics after it, and the result of an
evaluation pass. In float64, at inputs that are exact in float32.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

BATCH, FEATURES = 5, 4


def draw(rng, *shape):
    """Normal values in multiples of 1/64."""
    return torch.tensor(np.round(rng.normal(size=shape) * 64) / 64)


def tensor(x):
    return {"shape": list(x.shape), "values": [float(f"{value:.10g}") for value in x.detach().flatten().tolist()]}


def case(rng, name, norm):
    norm = norm.double()
    if norm.weight is not None:
        norm.weight.data, norm.bias.data = draw(rng, FEATURES), draw(rng, FEATURES)
    state = {name: tensor(value.double()) for name, value in norm.state_dict().items()}
    xs, ys = [], []
    for _ in range(3):
        x = (draw(rng, BATCH, FEATURES) + draw(rng, FEATURES)).requires_grad_()
        xs.append(x)
        ys.append(norm(x))
    weights = draw(rng, BATCH, FEATURES)
    (ys[-1] * weights).sum().backward()
    after = {name: tensor(value.double()) for name, value in norm.state_dict().items()}
    norm.eval()
    return {
        "name": name,
        "state": state,
        "xs": [tensor(x) for x in xs],
        "ys": [tensor(y) for y in ys],
        "weights": tensor(weights),
        "dx": tensor(xs[-1].grad),
        "gradients": {name: tensor(p.grad) for name, p in norm.named_parameters()},
        "after": after,
        "eval": tensor(norm(xs[0])),
    }


def main():
    rng = np.random.default_rng(2)
    cases = [
        case(rng, "batch_norm", nn.BatchNorm1d(FEATURES)),
        case(rng, "batch_norm_cumulative", nn.BatchNorm1d(FEATURES, eps=1e-3, momentum=None)),
        case(rng, "layer_norm", nn.LayerNorm(FEATURES)),
        case(rng, "batch_norm_momentum", nn.BatchNorm1d(FEATURES, momentum=0.375)),
        case(rng, "batch_norm_plain", nn.BatchNorm1d(FEATURES, affine=False)),
        case(rng, "layer_norm_plain", nn.LayerNorm(FEATURES, eps=0.01, elementwise_affine=False)),
    ]
    golden = {"torch": torch.__version__.split("+")[0], "cases": cases}
    Path(__file__).with_name("norms.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
