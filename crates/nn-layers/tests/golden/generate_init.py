"""Golden values of the initialisers, from PyTorch.

    pip install -r requirements.txt
    python generate_init.py

It writes init.json beside itself: what `torch.nn.init.calculate_gain` says of activations, and with which bounds or standard deviation
the functions of `torch.nn.init` (and `torch.nn.Linear`) ask for random numbers. They are asked for a tensor that notes the request.
"""

import json
import math
from pathlib import Path

import torch
from torch import nn

FAN_IN, FAN_OUT = 200, 900


class Recorder(torch.Tensor):
    """A weight `[FAN_OUT, FAN_IN]` that remembers how it was filled."""

    def uniform_(self, low, high, **_):
        assert low == -high
        self.request = ("uniform", high)
        return self

    def normal_(self, mean, std, **_):
        assert mean == 0
        self.request = ("normal", std)
        return self


def case(ours, fill):
    weight = torch.empty(FAN_OUT, FAN_IN).as_subclass(Recorder)
    fill(weight)
    kind, scale = weight.request
    return {"init": ours, "kind": kind, "scale": scale}


def scaled(gain, fan, distribution):
    return {"scaled": {"gain": gain, "fan": fan, "distribution": distribution}}


def main():
    init = nn.init
    gain = init.calculate_gain("leaky_relu", 0.2)
    cases = [
        case("pytorch_linear", lambda w: init.kaiming_uniform_(w, a=math.sqrt(5))),
        case("lecun_uniform", lambda w: init.kaiming_uniform_(w, nonlinearity="linear")),
        case("lecun_normal", lambda w: init.kaiming_normal_(w, nonlinearity="linear")),
        case("xavier_uniform", init.xavier_uniform_),
        case("xavier_normal", init.xavier_normal_),
        case("he_uniform", lambda w: init.kaiming_uniform_(w, nonlinearity="relu")),
        case("he_normal", lambda w: init.kaiming_normal_(w, nonlinearity="relu")),
        case(scaled(gain, "in", "uniform"), lambda w: init.kaiming_uniform_(w, a=0.2)),
        case(scaled(gain, "out", "normal"), lambda w: init.kaiming_normal_(w, a=0.2, mode="fan_out")),
        case(scaled(gain, "out", "uniform"), lambda w: init.kaiming_uniform_(w, a=0.2, mode="fan_out")),
        case(scaled(1.5, "average", "uniform"), lambda w: init.xavier_uniform_(w, gain=1.5)),
        case(scaled(1.5, "average", "normal"), lambda w: init.xavier_normal_(w, gain=1.5)),
    ]
    names = ["linear", "sigmoid", "tanh", "relu", "selu"]
    gains = [["identity" if name == "linear" else name, init.calculate_gain(name)] for name in names]
    gains += [[{"leaky_relu": {"slope": s}}, init.calculate_gain("leaky_relu", s)] for s in (0.01, 0.2, 0.0, 1.0)]
    # The first case is what torch.nn.Linear itself does, with weight and bias.
    torch.manual_seed(0)
    layer = nn.Linear(FAN_IN, FAN_OUT)
    for values in layer.parameters():
        assert 0.99 * cases[0]["scale"] < values.abs().max() <= cases[0]["scale"]
    version = torch.__version__.split("+")[0]
    golden = {"torch": version, "fan_in": FAN_IN, "fan_out": FAN_OUT, "gains": gains, "cases": cases}
    Path(__file__).with_name("init.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
