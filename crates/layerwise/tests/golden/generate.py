"""The golden trace of section 1's training, from PyTorch.

    pip install -r requirements.txt
    cargo run --release -p layerwise-mnist-data --example write_idx -- DIR
    python generate.py --data DIR

It writes training.json beside itself. The network 784-512-256-10 with sigmoids makes 100 steps of SGD (learning rate 0.01,
momentum 0.5) on the cross-entropy of 32 images at a time: MNIST's training images in the order of the file, pixels divided
by 255. All arithmetic is float32.

The initial parameters come from a formula that gives the same float32 in every language. Element `i` of the tensor number
`n` (0.weight, 0.bias, 2.weight, ..) is

    (hash(i + n * 0x9e3779b9) >> 8) - 2^23, an exact float32, divided by 2^23, which is exact too, times 1 / sqrt(fan_in)

that is, nearly uniform between -1 / sqrt(fan_in) and 1 / sqrt(fan_in), as PyTorch's own initial values are. `hash` permutes
the 32-bit integers (a multiply-xorshift hash, "lowbias32" of C. Wellons' hash prospector).
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

WIDTHS = [784, 512, 256, 10]
BATCH = 32
STEPS = 100
ELEMENTS = 20


def initial(n, shape, fan_in):
    h = np.arange(np.prod(shape), dtype=np.uint32) + np.uint32(n * 0x9E3779B9 % 2**32)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x7FEB352D)
    h ^= h >> np.uint32(15)
    h *= np.uint32(0x846CA68B)
    h ^= h >> np.uint32(16)
    uniform = ((h >> np.uint32(8)).astype(np.int64) - 2**23).astype(np.float32) / np.float32(2**23)
    return torch.from_numpy((uniform * np.float32(1 / np.sqrt(float(fan_in)))).reshape(shape))


def network():
    layers = []
    for i, (inputs, outputs) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        linear = nn.Linear(inputs, outputs)
        linear.weight.data = initial(2 * i, (outputs, inputs), inputs)
        linear.bias.data = initial(2 * i + 1, (outputs,), inputs)
        layers += [linear, nn.Sigmoid()]
    return nn.Sequential(*layers[:-1])


def mnist(folder):
    """The first images and labels, from IDX files: a header of 16 or 8 bytes, then bytes."""
    images = np.fromfile(folder / "train-images-idx3-ubyte", dtype=np.uint8, offset=16, count=STEPS * BATCH * 784)
    labels = np.fromfile(folder / "train-labels-idx1-ubyte", dtype=np.uint8, offset=8, count=STEPS * BATCH)
    x = images.reshape(-1, 784).astype(np.float32) / np.float32(255)
    return torch.from_numpy(x), torch.from_numpy(labels.astype(np.int64))


def shortest(values):
    """Float32 values in their shortest decimal form."""
    return [float(np.format_float_scientific(x)) for x in np.asarray(values, dtype=np.float32)]


def summary(name, before, after):
    """What the test compares of a parameter: moments, how far it has moved, and some elements from everywhere in it."""
    before, after = (x.flatten().numpy() for x in (before, after))
    exact = after.astype(np.float64)
    count = min(ELEMENTS, len(after))
    places = [(2 * j + 1) * len(after) // (2 * count) for j in range(count)]
    return {
        "name": name,
        "mean": exact.mean(),
        "std": exact.std(),
        "moved": np.sqrt(np.mean((exact - before) ** 2)),
        "places": places,
        "elements": shortest(after[places]),
    }


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--data", type=Path, required=True, help="the folder with MNIST's IDX files")
    images, labels = mnist(arguments.parse_args().data)
    torch.set_num_threads(1)
    model = network()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5)
    losses = []
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    golden = {
        "torch": torch.__version__.split("+")[0],
        "losses": shortest(losses),
        "parameters": [summary(name, before[name], p.detach()) for name, p in model.named_parameters()],
    }
    Path(__file__).with_name("training.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
