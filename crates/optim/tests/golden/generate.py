"""Golden traces of the update rules, from PyTorch.

    pip install -r requirements.txt
    python generate.py

It writes a file for each rule beside itself: for each point of a grid of hyper-parameters, the parameters `a [3, 2]` and `b [4]`
after 1, 10 and 100 steps of the rule on

    loss = sum(0.5 c (p - t)^2 + sigmoid(p))        over all elements p of a and b

with the curvatures `c` and the targets `t` of the file. With `b_every` = 2, `b` is in the loss of every second step only: in
the other steps (the 1st, 3rd, ..) its gradient is None, and the rule leaves it and its state alone. `decoupled` says that weight
decay is apart from the gradient. All arithmetic is float32 on both sides. Rules that PyTorch does not have are in reference.py.

The starting points lie on their targets' side of zero, and further out than any overshoot, so that a relative tolerance is
meaningful for every element.
"""

import itertools
import json
from pathlib import Path

import numpy as np
import torch

import reference

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

DECAY = [0.0, 0.01]
BETAS = [(0.9, 0.999), (0.8, 0.95)]

# The rule and the grid of its hyper-parameters. Where a rule divides by gradients that have become next to nothing, as RMSprop does
# in a minimum, it turns last bits into whole steps: learning rates are such that no element gets there.
RULES = {
    "sgd": (
        torch.optim.SGD,
        {
            "lr": [0.1, 0.01],
            "momentum": [0.0, 0.5, 0.9],
            "dampening": [0.0, 0.1],
            "nesterov": [False, True],
            "weight_decay": DECAY,
        },
    ),
    "adagrad": (
        torch.optim.Adagrad,
        {
            "lr": [0.1, 0.01],
            "lr_decay": [0.0, 0.05],
            "initial_accumulator_value": [0.0, 0.5],
            "eps": [1e-10, 0.1],
            "weight_decay": DECAY,
        },
    ),
    "rmsprop": (
        torch.optim.RMSprop,
        {
            "lr": [0.002, 0.0005],
            "alpha": [0.99, 0.9],
            "eps": [1e-8, 0.1],
            "momentum": [0.0, 0.5],
            "centered": [False, True],
            "weight_decay": DECAY,
        },
    ),
    "adadelta": (
        torch.optim.Adadelta,
        {"lr": [1.0, 0.3], "rho": [0.9, 0.99], "eps": [1e-6, 1e-4], "weight_decay": DECAY},
    ),
    "adam": (
        torch.optim.Adam,
        {"lr": [0.05, 0.001], "betas": BETAS, "eps": [1e-8, 0.1], "amsgrad": [False, True], "weight_decay": DECAY},
    ),
    "adamw": (
        torch.optim.AdamW,
        {"lr": [0.05, 0.001], "betas": BETAS, "eps": [1e-8, 0.1], "amsgrad": [False, True], "weight_decay": DECAY},
    ),
    "radam": (
        torch.optim.RAdam,
        {"lr": [0.05, 0.001], "betas": BETAS, "eps": [1e-8, 0.1], "weight_decay": DECAY},
    ),
    "nadam": (
        torch.optim.NAdam,
        {
            "lr": [0.01, 0.001],
            "betas": BETAS,
            "eps": [1e-8, 0.1],
            "momentum_decay": [0.004, 0.1],
            "weight_decay": DECAY,
        },
    ),
    "adamax": (
        torch.optim.Adamax,
        {"lr": [0.01, 0.001], "betas": BETAS, "eps": [1e-8, 0.1], "weight_decay": DECAY},
    ),
    "lion": (
        reference.Lion,
        {"lr": [0.003, 0.0005], "betas": [(0.9, 0.99), (0.8, 0.95)], "weight_decay": [0.0, 0.1]},
    ),
    "lamb": (
        reference.Lamb,
        {"lr": [0.003, 0.0005], "betas": BETAS, "eps": [1e-6, 0.1], "weight_decay": [0.0, 0.1]},
    ),
}

# The rules that `Lookahead` is put around, with some of their hyper-parameters, and the grid of its own.
INNER = [
    ("sgd", {"lr": 0.05, "momentum": 0.5}),
    ("adam", {"lr": 0.01}),
]
LOOKAHEAD = {"k": [1, 3, 5], "alpha": [0.0, 0.5, 0.8, 1.0]}

# Those whose decay is told by a flag in PyTorch, and by `Updater::decay` here.
HAVE_FLAG = ["adam", "radam", "nadam"]


def points(name):
    """The grid, without what PyTorch refuses: Nesterov's momentum without momentum or with dampening."""
    grid = RULES[name][1]
    for point in itertools.product(*grid.values()):
        config = dict(zip(grid, point))
        if not config.get("nesterov") or (config["momentum"] > 0 and config["dampening"] == 0):
            yield config


def trace(rule, b_every):
    """The parameters after the recorded steps of `rule(parameters)`."""
    p = {name: torch.tensor(x["start"]).reshape(x["shape"]).requires_grad_() for name, x in PROBLEM.items()}
    constants = {
        name: [torch.tensor(x[key]).reshape(x["shape"]) for key in ("target", "curvature")] for name, x in PROBLEM.items()
    }
    optimizer = rule(list(p.values()))
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
    return recorded


def numbers(tensor):
    """Float32 values in their shortest decimal form."""
    return [float(np.format_float_positional(x)) for x in tensor.detach().flatten().numpy()]


def cases(name):
    make = RULES[name][0]
    for config in points(name):
        # Without decay, the flag says nothing.
        for decoupled in [False, True] if name in HAVE_FLAG and config["weight_decay"] > 0 else [False]:
            flag = {"decoupled_weight_decay": True} if decoupled else {}
            for b_every in (1, 2):
                recorded = trace(lambda p: make(p, **config, **flag), b_every)
                yield {"config": config, "decoupled": decoupled, "b_every": b_every, "recorded": recorded}


def lookahead_cases():
    for name, inner in INNER:
        for k, alpha, b_every in itertools.product(*LOOKAHEAD.values(), (1, 2)):
            recorded = trace(lambda p: reference.Lookahead(p, RULES[name][0](p, **inner), k, alpha), b_every)
            config = {"lookahead": {"config": {"k": k, "alpha": alpha}, "inner": {name: inner}}}
            yield {"config": config, "decoupled": False, "b_every": b_every, "recorded": recorded}


def write(name, cases):
    golden = {"torch": torch.__version__.split("+")[0], "problem": PROBLEM, "recorded": RECORDED, "cases": list(cases)}
    Path(__file__).with_name(f"{name}.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


def main():
    torch.set_num_threads(1)
    for name in RULES:
        write(name, cases(name))
    write("lookahead", lookahead_cases())


if __name__ == "__main__":
    main()
