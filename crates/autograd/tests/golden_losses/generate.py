"""Golden values of the losses, from PyTorch.

    pip install -r ../golden/requirements.txt
    python generate.py

It writes losses.json beside itself: for each loss and each reduction (mean, sum, none) some inputs, the output, and the
gradients by the inputs of `sum(weights * output)` with fixed random weights. `LOSSES` here and in `golden_losses.rs` have the
same names in the same order. The truth is PyTorch in float64 at inputs that are exact in float32.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

LABELS = torch.tensor([2, 0, 4, -100, 1, 3])
KEPT_LABELS = torch.tensor([2, 0, 4, 1, 1, 3])
WEIGHTS = torch.tensor([0.5, 2.0, 1.25, 3.0, 0.75], dtype=torch.float64)
SIGNS = torch.tensor([1.0, -1.0, -1.0, 1.0, -1.0, 1.0], dtype=torch.float64)

EXTREME_LOGITS = [[80.0, -80.0, 1000.0], [-1000.0, 0.0, -16.5]]
HARD_TARGETS = [[0.0, 1.0, 1.0], [0.0, 1.0, 0.0]]

X = ("normal", (6, 5))
PROBABILITIES = ("probabilities", (6, 5))

# Name, function of the inputs and the reduction, inputs.
LOSSES = [
    ("cross_entropy, plain", lambda r, x: F.cross_entropy(x, KEPT_LABELS, reduction=r), [X]),
    ("cross_entropy, weights", lambda r, x: F.cross_entropy(x, KEPT_LABELS, WEIGHTS, reduction=r), [X]),
    ("cross_entropy, smoothing", lambda r, x: F.cross_entropy(x, KEPT_LABELS, label_smoothing=0.1, reduction=r), [X]),
    ("cross_entropy, ignore", lambda r, x: F.cross_entropy(x, LABELS, reduction=r), [X]),
    ("cross_entropy, ignore 1", lambda r, x: F.cross_entropy(x, KEPT_LABELS, ignore_index=1, reduction=r), [X]),
    ("cross_entropy, all", lambda r, x: F.cross_entropy(x, LABELS, WEIGHTS, label_smoothing=0.25, reduction=r), [X]),
    ("cross_entropy of probabilities", lambda r, x, t: F.cross_entropy(x, t, reduction=r), [X, PROBABILITIES]),
    (
        "cross_entropy of probabilities, all",
        lambda r, x, t: F.cross_entropy(x, t, WEIGHTS, label_smoothing=0.25, reduction=r),
        [X, PROBABILITIES],
    ),
    ("nll", lambda r, x: F.nll_loss(x, KEPT_LABELS, reduction=r), [X]),
    ("nll, all", lambda r, x: F.nll_loss(x, LABELS, WEIGHTS, reduction=r), [X]),
    ("bce", lambda r, x, t: F.binary_cross_entropy(x, t, reduction=r), [PROBABILITIES, PROBABILITIES]),
    ("bce_with_logits", lambda r, x, t: F.binary_cross_entropy_with_logits(x, t, reduction=r), [X, PROBABILITIES]),
    (
        "bce_with_logits, one weight",
        lambda r, x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=torch.tensor([2.5]).double(), reduction=r),
        [X, PROBABILITIES],
    ),
    (
        "bce_with_logits, weights",
        lambda r, x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=WEIGHTS, reduction=r),
        [X, PROBABILITIES],
    ),
    (
        "bce_with_logits of extremes",
        lambda r, x, t: F.binary_cross_entropy_with_logits(x, t, reduction=r),
        [np.array(EXTREME_LOGITS), np.array(HARD_TARGETS)],
    ),
    ("mse", lambda r, x, t: F.mse_loss(x, t, reduction=r), [X, X]),
    ("mae", lambda r, x, t: F.l1_loss(x, t, reduction=r), [X, X]),
    ("huber", lambda r, x, t: F.huber_loss(x, t, delta=1.0, reduction=r), [X, X]),
    ("huber, delta", lambda r, x, t: F.huber_loss(x, t, delta=0.375, reduction=r), [X, X]),
    ("kl_div", lambda r, x, t: F.kl_div(x, t, reduction=r), [X, PROBABILITIES]),
    ("cosine_embedding", lambda r, a, b: F.cosine_embedding_loss(a, b, SIGNS, margin=-0.5, reduction=r), [X, X]),
    ("cosine_embedding, no margin", lambda r, a, b: F.cosine_embedding_loss(a, b, SIGNS, reduction=r), [X, X]),
    (
        "cosine_embedding, of the opposite",
        lambda r, a, b: F.cosine_embedding_loss(a, b, -torch.ones(6).double(), margin=0.25, reduction=r),
        [X, X],
    ),
]


def draw(rng, what):
    """An input, in multiples of 1/64."""
    if isinstance(what, np.ndarray):
        return what
    kind, shape = what
    values = rng.normal(size=shape) * 2 if kind == "normal" else rng.uniform(0.03, 0.97, size=shape)
    return np.round(values * 64) / 64


def numbers(tensor):
    return [float(f"{value:.10g}") for value in tensor.detach().flatten().tolist()]


def case(name, f, inputs, reduction):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    inputs = [torch.tensor(draw(rng, what), dtype=torch.float64, requires_grad=True) for what in inputs]
    output = f(reduction, *inputs)
    signs = rng.choice([-1.0, 1.0], size=output.shape)
    weights = torch.tensor(signs * rng.integers(8, 25, size=output.shape) / 16, dtype=torch.float64)
    (weights * output).sum().backward()
    return {
        "name": name,
        "reduction": reduction,
        "inputs": [{"shape": list(x.shape), "values": numbers(x), "gradient": numbers(x.grad)} for x in inputs],
        "output": {"shape": list(output.shape), "values": numbers(output), "weights": numbers(weights)},
    }


def main():
    cases = [case(*loss, reduction) for loss in LOSSES for reduction in ("mean", "sum", "none")]
    golden = {"torch": torch.__version__.split("+")[0], "cases": cases}
    Path(__file__).with_name("losses.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
