"""Golden traces of the update rules, from PyTorch.

    pip install -r requirements.txt
    python generate.py

It writes sgd.json beside itself: for each point of a grid of hyper-parameters, the parameters `a [3, 2]` and `b [4]` after
1, 10 and 100 steps of `torch.optim.SGD` on

    loss = sum(0.5 c (p - t)^2 + sigmoid(p))        over all elements p of a and b

with the curvatures `c` and the targets `t` of the file. With `b_every` = 2, `b` is in the loss of every second step only: in
the other steps (the 1st, 3rd, ..) its gradient is None, and the rule leaves it and its state alone. All arithmetic is
float32 on both sides.

The starting points lie on their targets' side of zero, and further out than any overshoot, so that a relative tolerance is
meaningful for every element.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import torch

STEPS = 100
RECORDED = [1, 10, 100]

PROBLEM = {
    "a": {
        "shape": [3, 2],
        "start": [1.5, -2.0, 2.5, -1.75, 3.0, -2.25],
        "target": [2.0, -1.5, 3.25, -2.5, 2.25, -3.0],
        "curvature": [0.5, 1.0, 1.5, 2.0, 2.5, 3.0],
    },
    "b": {
        "shape": [4],
        "start": [2.75, -3.0, 1.25, -1.5],
        "target": [2.0, -2.5, 1.75, -1.0],
        "curvature": [0.75, 1.25, 2.25, 2.75],
    },
}

GRID = {
    "lr": [0.1, 0.01],
    "momentum": [0.0, 0.5, 0.9],
    "dampening": [0.0, 0.1],
    "nesterov": [False, True],
    "weight_decay": [0.0, 0.01],
}


def allowed(config):
    """PyTorch refuses Nesterov's momentum without momentum or with dampening."""
    return not config["nesterov"] or (config["momentum"] > 0 and config["dampening"] == 0)


def trace(config, b_every):
    p = {name: torch.tensor(x["start"]).reshape(x["shape"]).requires_grad_() for name, x in PROBLEM.items()}
    constants = {
        name: [torch.tensor(x[key]).reshape(x["shape"]) for key in ("target", "curvature")] for name, x in PROBLEM.items()
    }
    optimizer = torch.optim.SGD(p.values(), **config)
    recorded = []
    for step in range(1, STEPS + 1):
        optimizer.zero_grad(set_to_none=True)
        loss = torch.tensor(0.0)
        for name in p if step % b_every == 0 else ["a"]:
            target, curvature = constants[name]
            loss = loss + (0.5 * curvature * (p[name] - target) ** 2 + torch.sigmoid(p[name])).sum()
        loss.backward()
        optimizer.step()
        if step in RECORDED:
            recorded.append({name: numbers(x) for name, x in p.items()})
    return {"config": config, "b_every": b_every, "recorded": recorded}


def numbers(tensor):
    """Float32 values in their shortest decimal form."""
    return [float(np.format_float_positional(x)) for x in tensor.detach().flatten().numpy()]


def main():
    torch.set_num_threads(1)
    points = (dict(zip(GRID, point)) for point in itertools.product(*GRID.values()))
    cases = [trace(config, b_every) for config in points if allowed(config) for b_every in (1, 2)]
    golden = {"torch": torch.__version__.split("+")[0], "problem": PROBLEM, "recorded": RECORDED, "cases": cases}
    Path(__file__).with_name("sgd.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
