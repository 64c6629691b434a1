"""Golden values of the differentiable operations, from PyTorch.

    pip install -r requirements.txt
    python generate.py

It writes operations.json beside itself: for each operation some inputs, its output, and the gradients by all inputs of
`sum(weights * output)` with fixed random weights. `OPERATIONS` here and in `golden.rs` have the same names in the same
order. The truth is PyTorch in float64 at inputs that are exact in float32, so that the tolerance of the test speaks about
our rounding and not about PyTorch's.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

LABELS = torch.tensor([2, 0, 4, 1, 1, 3])

# Softmax has to survive these.
EXTREME_LOGITS = [[1000.0, 998.5, 960.0, 999.0, -1000.0], [-500.0, -501.0, -499.25, -540.0, -500.5]]
# A common shift changes nothing in softmax, and must not cost digits.
SHIFTED_LOGITS = [[-500.0, -501.0, -499.25, -503.5, -500.5], [801.0, 800.0, 800.25, 799.0, 801.5]]
# The kinks of abs and clamp(-0.5, 0.75) among other values.
AROUND_KINKS = [-2.0, -0.515625, -0.5, -0.484375, -0.015625, 0.0, 0.015625, 0.734375, 0.75, 0.765625, 1.0, 3.0]
# Columns and rows in which the largest element stands twice; the first gets the gradient.
WITH_TIES = [[1.0, 3.0, 3.0, -2.0], [2.5, 3.0, -1.0, 0.5], [2.5, -4.0, 0.25, 0.5]]

# Name, function, inputs: a shape for normal values, ("positive", shape) for values between 0.25 and 4,
# ("nonzero", shape) for values of either sign away from 0, or the values themselves as an array.
OPERATIONS = [
    ("add", lambda a, b: a + b, [(2, 3, 4), (3, 1)]),
    ("sub", lambda a, b: a - b, [(2, 1, 3), (4, 1)]),
    ("mul", lambda a, b: a * b, [(3, 1), (2, 3, 4)]),
    ("div", lambda a, b: a / b, [(4,), ("nonzero", (2, 3, 1))]),
    ("add of equal shapes", lambda a, b: a + b, [(3, 5), (3, 5)]),
    ("mul by itself", lambda a: a * a * a, [(3, 5)]),
    ("number - x", lambda x: 2.5 - x, [(7,)]),
    ("number / x", lambda x: 2.5 / x, [("nonzero", (7,))]),
    ("x / number", lambda x: -x / 1.5, [(7,)]),
    ("detach", lambda x: x * x.detach(), [(7,)]),
    ("exp", torch.exp, [(3, 7)]),
    ("log", torch.log, [("positive", (3, 7))]),
    ("sqrt", torch.sqrt, [("positive", (3, 7))]),
    ("square", torch.square, [(3, 7)]),
    ("powf 3", lambda x: x**3.0, [("nonzero", (3, 7))]),
    ("powf 2.5", lambda x: x**2.5, [("positive", (3, 7))]),
    ("powf -1.5", lambda x: x**-1.5, [("positive", (3, 7))]),
    ("abs", torch.abs, [np.array(AROUND_KINKS)]),
    ("clamp", lambda x: torch.clamp(x, -0.5, 0.75), [np.array(AROUND_KINKS)]),
    ("transpose", lambda x: x.T, [(3, 4)]),
    ("reshape", lambda x: x.reshape(2, 6), [(3, 4)]),
    ("slice rows", lambda x: x[1:3], [(4, 3)]),
    ("slice the middle", lambda x: x[:, 1:3], [(2, 4, 3)]),
    ("concat", lambda a, b: torch.cat([a, b, a], dim=1), [(2, 1, 3), (2, 3, 3)]),
    ("sum", torch.sum, [(4, 5)]),
    ("mean", torch.mean, [(4, 5)]),
    ("max", torch.max, [(4, 5)]),
    ("sum_axis 0", lambda x: x.sum(dim=0), [(2, 3, 4)]),
    ("sum_axis 1", lambda x: x.sum(dim=1), [(2, 3, 4)]),
    ("sum_axis 2", lambda x: x.sum(dim=2), [(2, 3, 4)]),
    ("mean_axis 0", lambda x: x.mean(dim=0), [(2, 3, 4)]),
    ("mean_axis 1", lambda x: x.mean(dim=1), [(2, 3, 4)]),
    ("max_axis 0", lambda x: x.max(dim=0).values, [np.array(WITH_TIES)]),
    ("max_axis 1", lambda x: x.max(dim=1).values, [np.array(WITH_TIES)]),
    ("max_axis of three", lambda x: x.max(dim=1).values, [(2, 3, 4)]),
    ("matmul", lambda a, b: a @ b, [(5, 17), (17, 9)]),
    ("matmul_transposed", lambda a, b: a @ b.T, [(5, 17), (9, 17)]),
    ("transposed_matmul", lambda a, b: a.T @ b, [(17, 5), (17, 9)]),
    ("linear", F.linear, [(6, 5), (4, 5), (4,)]),
    ("linear without a bias", F.linear, [(2, 3, 5), (4, 5)]),
    ("linear and sigmoid", lambda x, w, b: torch.sigmoid(F.linear(x, w, b)), [(6, 5), (4, 5), (4,)]),
    ("linear and tanh", lambda x, w, b: torch.tanh(F.linear(x, w, b)), [(6, 5), (4, 5), (4,)]),
    ("linear and relu", lambda x, w, b: torch.relu(F.linear(x, w, b)), [(6, 5), (4, 5), (4,)]),
    ("linear and gelu", lambda x, w, b: F.gelu(F.linear(x, w, b)), [(6, 5), (4, 5), (4,)]),
    ("softmax", lambda x: F.softmax(x, dim=-1), [(2, 3, 5)]),
    ("softmax of extremes", lambda x: F.softmax(x, dim=-1), [np.array(EXTREME_LOGITS)]),
    ("log_softmax", lambda x: F.log_softmax(x, dim=-1), [(2, 3, 5)]),
    ("log_softmax of extremes", lambda x: F.log_softmax(x, dim=-1), [np.array(EXTREME_LOGITS)]),
    ("log_softmax of shifted", lambda x: F.log_softmax(x, dim=-1), [np.array(SHIFTED_LOGITS)]),
    ("cross_entropy", lambda x: F.cross_entropy(x, LABELS), [(6, 5)]),
    ("cross_entropy of extremes", lambda x: F.cross_entropy(x, LABELS[:2]), [np.array(EXTREME_LOGITS)]),
    ("cross_entropy of shifted", lambda x: F.cross_entropy(x, LABELS[:2]), [np.array(SHIFTED_LOGITS)]),
    ("mse", F.mse_loss, [(4, 3), (4, 3)]),
]


def draw(rng, what):
    """An input, in multiples of 1/64."""
    if isinstance(what, np.ndarray):
        return what
    kind, shape = what if isinstance(what[0], str) else ("normal", what)
    if kind == "normal":
        values = rng.normal(size=shape)
    else:
        values = rng.uniform(0.25, 4.0, size=shape)
        if kind == "nonzero":
            values *= rng.choice([-1.0, 1.0], size=shape)
    return np.round(values * 64) / 64


def numbers(tensor):
    return [float(f"{value:.10g}") for value in tensor.detach().flatten().tolist()]


def case(name, f, inputs):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    inputs = [torch.tensor(draw(rng, what), dtype=torch.float64, requires_grad=True) for what in inputs]
    output = f(*inputs)
    signs = rng.choice([-1.0, 1.0], size=output.shape)
    weights = torch.tensor(signs * rng.integers(8, 25, size=output.shape) / 16, dtype=torch.float64)
    (weights * output).sum().backward()
    return {
        "name": name,
        "inputs": [{"shape": list(x.shape), "values": numbers(x), "gradient": numbers(x.grad)} for x in inputs],
        "output": {"shape": list(output.shape), "values": numbers(output), "weights": numbers(weights)},
    }


def main():
    golden = {"torch": torch.__version__.split("+")[0], "cases": [case(*operation) for operation in OPERATIONS]}
    Path(__file__).with_name("operations.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
