"""Golden values of the schedules, from PyTorch.

    pip install -r requirements.txt
    python generate_schedules.py

It writes schedules.json beside itself: schedules in the form that ours have as data, each with the 1000 values that PyTorch's scheduler
gives to the optimizer in the steps 0 to 999; and traces of ReduceLROnPlateau. All parameters are float32 numbers, so that both sides have
the same ones.

A schedule of ours that comes to an end holds its last value. CosineAnnealingLR would go up again and OneCycleLR raises an error, so
these two are not stepped any further once they have come to their end.
"""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import torch
from torch.optim import lr_scheduler

STEPS = 1000


def f32(x):
    return float(np.float32(x))


def optimizer(lr, momentum=0.9):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr, momentum=momentum)


def values(make, lr, key="lr", end=STEPS):
    """The learning rates (or momenta) of all steps, with no change after step `end`."""
    opt = optimizer(lr)
    scheduler = make(opt)
    found = []
    for step in range(STEPS):
        found.append(opt.param_groups[0][key])
        opt.step()
        if step < end:
            scheduler.step()
    return found


def one_cycle(key, anneal, three_phase, **settings):
    """Ours, and the values of PyTorch's."""
    settings = {name: f32(x) if isinstance(x, float) else x for name, x in settings.items()}
    total = settings["total_steps"]

    strategy = {"cosine": "cos", "linear": "linear"}[anneal]

    def make(opt):
        return lr_scheduler.OneCycleLR(opt, anneal_strategy=strategy, three_phase=three_phase, **settings)

    ours = {"anneal": anneal, "three_phase": three_phase, **settings}
    name = {"lr": "one_cycle_lr", "momentum": "one_cycle_momentum"}[key]
    return {name: ours}, values(make, 0.1, key, end=total - 1)


def schedules():
    lr, end, fast, slow = f32(0.1), f32(0.001), f32(0.9), f32(0.997)

    yield {"step": {"start": lr, "every": 30, "factor": fast}}, values(
        lambda opt: lr_scheduler.StepLR(opt, 30, gamma=fast), lr
    )
    milestones = [1, 80, 81, 500, 999]
    yield {"multi_step": {"start": lr, "milestones": milestones, "factor": fast}}, values(
        lambda opt: lr_scheduler.MultiStepLR(opt, milestones, gamma=fast), lr
    )
    yield {"exponential": {"start": lr, "factor": slow}}, values(lambda opt: lr_scheduler.ExponentialLR(opt, slow), lr)
    yield {"polynomial": {"start": lr, "end": 0.0, "steps": 800, "power": 1.5}}, values(
        lambda opt: lr_scheduler.PolynomialLR(opt, 800, power=1.5), lr
    )
    yield {"linear": {"start": end, "end": lr, "steps": 300}}, values(
        lambda opt: lr_scheduler.LinearLR(opt, start_factor=end / lr, end_factor=1.0, total_iters=300), lr
    )
    yield {"cosine": {"start": lr, "end": end, "steps": 700}}, values(
        lambda opt: lr_scheduler.CosineAnnealingLR(opt, 700, eta_min=end), lr, end=700
    )
    for period, growth in [(130, 1), (60, 2), (7, 3)]:
        yield {"warm_restarts": {"start": lr, "end": end, "period": period, "growth": growth}}, values(
            lambda opt: lr_scheduler.CosineAnnealingWarmRestarts(opt, period, growth, eta_min=end), lr
        )

    cycle = {"max_lr": 0.5, "total_steps": 1000, "pct_start": 0.3}
    other = {"max_lr": 0.1, "total_steps": 903, "pct_start": 0.23, "div_factor": 10.0, "final_div_factor": 100.0}
    momenta = {"base_momentum": 0.8, "max_momentum": 0.9}
    yield one_cycle("lr", "cosine", False, **cycle)
    yield one_cycle("momentum", "cosine", False, **cycle)
    yield one_cycle("lr", "linear", False, **other)
    yield one_cycle("lr", "cosine", True, **other)
    yield one_cycle("lr", "linear", True, **cycle)
    yield one_cycle("momentum", "linear", True, **other, **momenta)

    warm_up = {"linear": {"start": end, "end": lr, "steps": 100}}
    yield {"then": {"first": warm_up, "at": 100, "then": {"cosine": {"start": lr, "end": 0.0, "steps": 900}}}}, values(
        lambda opt: lr_scheduler.SequentialLR(
            opt,
            [
                lr_scheduler.LinearLR(opt, start_factor=end / lr, end_factor=1.0, total_iters=100),
                lr_scheduler.CosineAnnealingLR(opt, 900),
            ],
            milestones=[100],
        ),
        lr,
    )
    factors = {"linear": {"start": 0.25, "end": 1.0, "steps": 100}}
    yield {"product": [factors, {"exponential": {"start": lr, "factor": slow}}]}, values(
        lambda opt: lr_scheduler.ChainedScheduler(
            [lr_scheduler.LinearLR(opt, start_factor=0.25, total_iters=100), lr_scheduler.ExponentialLR(opt, slow)]
        ),
        lr,
    )


def plateaus():
    """Ours, measurements, and the learning rate after each of them."""
    # Falls, stays, falls a little, rises; with a few that are not numbers.
    falling = [2.0 / (1 + 0.3 * min(t, 12)) + 0.0005 * math.sin(3.0 * t) + (0.2 if t > 50 else 0.0) for t in range(80)]
    for t in (5, 33, 34):
        falling[t] = None
    rising = [None if x is None else 3.0 - x for x in falling]
    for goal, threshold, patience, cooldown, min_lr in [
        ("min", {"relative": 1e-4}, 10, 0, 0.0),
        ("min", {"relative": 0.05}, 2, 3, 1e-4),
        ("min", {"absolute": 0.01}, 3, 1, 1e-3),
        ("max", {"relative": 1e-3}, 4, 0, 0.0),
        ("max", {"absolute": 0.05}, 0, 5, 1e-5),
    ]:
        ((mode, value),) = threshold.items()
        factor, min_lr = f32(0.3), f32(min_lr)
        measured = falling if goal == "min" else rising
        opt = optimizer(0.5)
        scheduler = lr_scheduler.ReduceLROnPlateau(
            opt, goal, factor, patience, value, mode[:3], cooldown, min_lr, eps=f32(1e-8)
        )
        lrs = []
        for x in measured:
            scheduler.step(math.nan if x is None else x)
            lrs.append(opt.param_groups[0]["lr"])
        config = {"goal": goal, "factor": factor, "patience": patience, "threshold": threshold}
        config |= {"cooldown": cooldown, "min_lr": min_lr}
        yield {"config": config, "measured": measured, "lrs": numbers(lrs)}


def numbers(values):
    """With seven digits."""
    return [float(f"{x:.7g}") for x in values]


def main():
    # PyTorch calls a step of the scheduler without one of the optimizer, and a few of its own calls, deprecated.
    warnings.simplefilter("ignore")
    lines = [{"schedule": ours, "values": numbers(found)} for ours, found in schedules()]
    golden = {"torch": torch.__version__.split("+")[0], "schedules": lines, "plateaus": list(plateaus())}
    text = json.dumps(golden, separators=(",", ":")).replace('{"schedule"', '\n{"schedule"').replace('{"config"', '\n{"config"')
    Path(__file__).with_name("schedules.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
