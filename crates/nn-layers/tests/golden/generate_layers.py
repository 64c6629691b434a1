"""Golden values of the layers with parameters but the normalisations, from PyTorch.

    pip install -r requirements.txt
    python generate_layers.py

It writes layers.json beside itself: for `torch.nn.Linear` with and without a bias and `torch.nn.PReLU` with one slope and with many
the parameters by name, an output, and the gradients of a weighted sum of it. In float64, at inputs that are exact in float32.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

BATCH, FEATURES = 7, 5


def draw(rng, *shape):
    """Normal values in multiples of 1/64, none of them 0: PReLU has a kink there."""
    values = np.round(rng.normal(size=shape) * 64) / 64
    return torch.tensor(np.where(values == 0, 1.0, values))


def tensor(x):
    return {"shape": list(x.shape), "values": [float(f"{value:.10g}") for value in x.detach().flatten().tolist()]}


def case(rng, name, layer):
    layer = layer.double()
    for parameter in layer.parameters():
        parameter.data = draw(rng, *parameter.shape)
    x = draw(rng, BATCH, FEATURES).requires_grad_()
    y = layer(x)
    weights = draw(rng, *y.shape)
    (y * weights).sum().backward()
    return {
        "name": name,
        "x": tensor(x),
        "y": tensor(y),
        "weights": tensor(weights),
        "dx": tensor(x.grad),
        "parameters": [
            {"name": path, "value": tensor(p), "gradient": tensor(p.grad)} for path, p in layer.named_parameters()
        ],
    }


def main():
    rng = np.random.default_rng(5)
    cases = [
        case(rng, "linear", nn.Linear(FEATURES, 3)),
        case(rng, "linear without bias", nn.Linear(FEATURES, 3, bias=False)),
        case(rng, "prelu", nn.PReLU()),
        case(rng, "prelu per feature", nn.PReLU(FEATURES)),
    ]
    golden = {"torch": torch.__version__.split("+")[0], "cases": cases}
    Path(__file__).with_name("layers.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
