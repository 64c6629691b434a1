"""Train the network of examples/06_optimizer.rs in PyTorch, for its peak resident set: run it under `/usr/bin/time -v`.

The images stay bytes, as they do in Layerwise, and become f32 batch by batch.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four unpacked IDX files")
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(0)
    read = lambda name, header: torch.from_numpy(np.fromfile(options.data / name, dtype=np.uint8)[header:])  # noqa: E731
    images = read("train-images-idx3-ubyte", 16).view(-1, 784)
    labels = read("train-labels-idx1-ubyte", 8)
    layers = []
    for fan_in, fan_out in ((784, 512), (512, 256)):
        layers += [nn.Linear(fan_in, fan_out), nn.BatchNorm1d(fan_out), nn.ReLU(), nn.Dropout(0.5)]
    model = nn.Sequential(*layers, nn.Linear(256, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    for _ in range(options.epochs):
        for rows in torch.randperm(len(labels)).split(32):
            optimizer.zero_grad()
            logits = model(images[rows].float() / 255)
            loss = F.cross_entropy(logits, labels[rows].long())
            loss.backward()
            optimizer.step()
    print(f"last loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
