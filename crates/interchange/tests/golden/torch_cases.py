"""The networks of cases.json in PyTorch, and numbers for their parameters."""

import json
from pathlib import Path

import torch
from torch import nn


class LecunTanh(nn.Module):
    def forward(self, x):
        return 1.7159 * torch.tanh(2 / 3 * x)


class Transposed(nn.Module):
    """The transpose of a linear layer, which is kept in a list so that its weight is not a parameter of this one as well."""

    def __init__(self, linear):
        super().__init__()
        self.linear = [linear]
        self.bias = nn.Parameter(torch.zeros(linear.in_features))

    def forward(self, x):
        return nn.functional.linear(x, self.linear[0].weight.t(), self.bias)


def tied(linear):
    return nn.Sequential(linear, Transposed(linear))


def cases():
    """Names, and networks in evaluation mode."""
    expressions = json.loads(Path(__file__).with_name("cases.json").read_text())
    return {name: eval(expression).eval() for name, expression in expressions.items()}


def draw(model, generator):
    """Overwrites parameters and running statistics."""
    for name, value in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            value.fill_(17)
            continue
        drawn = torch.randn(value.shape, generator=generator)
        value.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else drawn)


def in_double(model, x):
    """The network's value at x, computed in float64: the truth, up to the rounding of the parameters."""
    x = torch.tensor(x, dtype=torch.float64)
    result = model.double()(x)
    model.float()
    return result.tolist()
