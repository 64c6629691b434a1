"""Time PyTorch from the start of the process to a test accuracy of 98 %, with the recipe of examples/speedrun.rs.

Reads the four unpacked IDX files, eager, fused Adam. `--seeds 5` starts itself once for each seed and times the processes.
"""

import time

START = time.perf_counter()

import argparse  # noqa: E402
import os  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

EPOCHS, BATCH, MAX_LR, WIDTHS = 4, 256, 0.02, (784, 256, 128, 10)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four unpacked IDX files")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, help="run seeds 0 to N - 1, each in a process of its own")
    return parser.parse_args()


def build(nn):
    layers = []
    for fan_in, fan_out in zip(WIDTHS, WIDTHS[1:]):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.kaiming_uniform_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.BatchNorm1d(fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-2])


def run(options):
    import torch
    from torch import nn
    from torch.nn import functional as F

    import measure

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    images, labels, _ = map(torch.from_numpy, measure.load(options.data))
    model = build(nn)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    steps = EPOCHS * -(-len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, MAX_LR, total_steps=steps, cycle_momentum=False)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(labels)).split(BATCH):
            optimizer.zero_grad()
            logits = model(images.index_select(0, rows))
            F.cross_entropy(logits, labels.index_select(0, rows)).backward()
            optimizer.step()
            schedule.step()
    model.eval()
    images, labels, _ = map(torch.from_numpy, measure.load(options.data, "t10k"))
    with torch.inference_mode():
        parts = zip(images.split(measure.SCORED), labels.split(measure.SCORED))
        accuracy = sum((model(x).argmax(1) == y).sum().item() for x, y in parts) / len(labels)
    seconds = time.perf_counter() - START
    print(f"{seconds:.3f} s, test accuracy {100 * accuracy:.2f} %, seed {options.seed}", flush=True)


def main():
    options = parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    if options.seeds is None:
        return run(options)
    times = []
    for seed in range(options.seeds):
        begin = time.perf_counter()
        arguments = ["--data", options.data, "--threads", options.threads, "--seed", seed]
        subprocess.run([sys.executable, __file__, *map(str, arguments)], check=True)
        times.append(time.perf_counter() - begin)
    print(f"median of {options.seeds} processes: {statistics.median(times):.3f} s")


if __name__ == "__main__":
    main()
