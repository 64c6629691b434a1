"""Golden values of a small classifier, from PyTorch.

    pip install -r requirements.txt
    python generate.py

It writes mlp.json beside itself: for a `torch.nn.Sequential` with each of some activations its parameters by name, the
logits and the cross-entropy of a batch, and the gradients by name. The truth is PyTorch in float64 at parameters and inputs
that are exact in float32, so that the tolerance of the test speaks about our rounding and not about PyTorch's.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

WIDTHS = [6, 5, 4, 3]
LABELS = [2, 0, 1, 1, 0, 2, 2]
ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "silu": nn.SiLU}


def draw(rng, *shape):
    """Normal values in multiples of 1/64."""
    return torch.tensor(np.round(rng.normal(size=shape) * 64) / 64)


def network(rng, activation):
    layers = []
    for inputs, outputs in zip(WIDTHS, WIDTHS[1:]):
        linear = nn.Linear(inputs, outputs, dtype=torch.float64)
        linear.weight.data = draw(rng, outputs, inputs)
        linear.bias.data = draw(rng, outputs)
        layers += [linear, activation()]
    return nn.Sequential(*layers[:-1])


def tensor(x):
    return {"shape": list(x.shape), "values": [float(f"{value:.10g}") for value in x.detach().flatten().tolist()]}


def main():
    rng = np.random.default_rng(1)
    x = draw(rng, len(LABELS), WIDTHS[0])
    cases = []
    for name, activation in ACTIVATIONS.items():
        model = network(rng, activation)
        logits = model(x)
        loss = nn.functional.cross_entropy(logits, torch.tensor(LABELS))
        loss.backward()
        cases.append(
            {
                "activation": name,
                "logits": tensor(logits),
                "loss": tensor(loss),
                "parameters": [
                    {"name": path, "value": tensor(p), "gradient": tensor(p.grad)} for path, p in model.named_parameters()
                ],
            }
        )
    golden = {"torch": torch.__version__.split("+")[0], "widths": WIDTHS, "labels": LABELS, "x": tensor(x), "cases": cases}
    Path(__file__).with_name("mlp.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
