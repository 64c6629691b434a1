"""Golden values of the activations, from PyTorch.

    pip install -r requirements.txt
    python generate.py

It writes activations.json beside itself: for each activation its values at `x`, and the gradient of
`sum(weights * f(x))`. The truth is PyTorch in float64 at inputs that are exact in float32, so that the tolerance of the
test speaks about our rounding and not about PyTorch's.
"""

import json
from pathlib import Path

import torch
from torch.nn import functional as F

# An activation as serde spells it, and PyTorch's function.
ACTIVATIONS = [
    ("identity", lambda x: x.clone()),
    ("sigmoid", torch.sigmoid),
    ("tanh", torch.tanh),
    ("lecun_tanh", lambda x: 1.7159 * torch.tanh(2 / 3 * x)),
    ("relu", F.relu),
    ({"leaky_relu": {"slope": 0.01}}, F.leaky_relu),
    ({"leaky_relu": {"slope": 0.25}}, lambda x: F.leaky_relu(x, 0.25)),
    ({"elu": {"alpha": 1.0}}, F.elu),
    ({"elu": {"alpha": 0.5}}, lambda x: F.elu(x, 0.5)),
    ("selu", F.selu),
    ("gelu", F.gelu),
    ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh")),
    ("silu", F.silu),
    ("mish", F.mish),
    ("softplus", F.softplus),
    ("softsign", F.softsign),
    ("hard_sigmoid", F.hardsigmoid),
    ("hard_tanh", F.hardtanh),
    ("hard_swish", F.hardswish),
]


def points():
    """-12 to 12 in steps of 0.625, closer and closer around 0, and the kinks of all functions. All are exact in float32."""
    coarse = [0.625 * i for i in range(-19, 20)]
    fine = [sign * mantissa * 2.0**-k for sign in (-1, 1) for mantissa in (1.0, 1.375) for k in (1, 2, 3, 5, 8, 12)]
    kinks = [-12.0, -3.0, -1.0, 1.0, 3.0, 12.0]
    return sorted(set(coarse + fine + kinks))


def numbers(tensor):
    return [float(f"{value:.10g}") for value in tensor.tolist()]


def main():
    x = torch.tensor(points(), dtype=torch.float64)
    # Both signs, between 0.5 and 1.5, exact in float32.
    weights = torch.tensor([(-1) ** (i // 2) * (8 + 5 * i % 17) / 16 for i in range(len(x))], dtype=torch.float64)
    cases = []
    for activation, f in ACTIVATIONS:
        at = x.clone().requires_grad_()
        y = f(at)
        (weights * y).sum().backward()
        cases.append({"activation": activation, "values": numbers(y.detach()), "gradient": numbers(at.grad)})
    golden = {"torch": torch.__version__.split("+")[0], "x": x.tolist(), "weights": weights.tolist(), "cases": cases}
    Path(__file__).with_name("activations.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
