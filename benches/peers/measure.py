"""What the Python peers share: the command line, the data, the clock and the JSON line.

A peer calls `settings()` before it imports its library, because thread pools are sized once, and then `measure()` for
each network with a step, a loss and a way to wait for the results.
"""

import argparse
import json
import math
import os
import statistics
import sys
import time
from pathlib import Path

PIXELS = 784
PROBE = 512  # images whose loss is compared before and after
WARM_UP_STEPS = 20
STEPS_BEFORE_VERDICT = 50

NETWORKS = ("sigmoid_sgd", "relu_adam", "relu_bn_dropout_adam", "autoencoder_adam")
MLP = (784, 512, 256, 10)
AUTOENCODER = (784, 512, 256, 32, 256, 512, 784)
CODE = 2  # the dense layer whose output is the code

TASKS = ("latency_mlp", "latency_small", "scoring")  # of networks in use, with ReLU after every layer but the last
SMALL = (6, 64, 8, 4)
SCORED = 500  # images of the test set that are scored at a time
EXAMPLES = 1000  # that take turns, so that no prediction of the processor fits all


def dims(network):
    """Widths from the input to the output."""
    return AUTOENCODER if network == "autoencoder_adam" else MLP


def activated(network, layer):
    """Whether dense layer `layer` is followed by an activation."""
    last = len(dims(network)) - 2
    return layer != last and not (network == "autoencoder_adam" and layer == CODE)


def settings(description, *flags):
    """Read the command line and keep to the first `--threads` of the cores this process may use."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--batches", default="32,128,512")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four unpacked IDX files")
    parser.add_argument("--seconds", type=float, default=1.0, help="per repetition")
    parser.add_argument("--repetitions", type=int, default=3)
    for flag in flags:
        parser.add_argument(flag, action="store_true")
    options = parser.parse_args()
    named = options.networks.split(",")
    options.networks, options.tasks = ([n for n in known if n in named] for known in (NETWORKS, TASKS))
    options.batches = [int(b) for b in options.batches.split(",")]
    cores = sorted(os.sched_getaffinity(0))[: options.threads]
    os.sched_setaffinity(0, cores)
    return options


def load(folder, part="train"):
    """Images `[count, 784]` in f32 from 0 to 1, labels `[count]`, and a shuffled order of the rows; `t10k` is the test set."""
    import numpy as np

    def body(name, header):
        return np.fromfile(folder / name, dtype=np.uint8)[header:]

    images = body(f"{part}-images-idx3-ubyte", 16).reshape(-1, PIXELS).astype(np.float32) / np.float32(255)
    labels = body(f"{part}-labels-idx1-ubyte", 8).astype(np.int64)
    return images, labels, np.random.default_rng(1).permutation(len(labels))


def measure(peer, version, network, batch, rows, options, step, probe, wait=lambda: None):
    """Time `step(start)`, a training step on rows `start` to `start + batch` of the order; print the JSON line.

    `probe()` is the training loss on the first `PROBE` rows; `wait()` returns once every step taken has finished.
    """
    batches = rows // batch
    before = probe()
    taken = 0

    def repeat(count):
        nonlocal taken
        begin = time.perf_counter()
        for _ in range(count):
            step(taken % batches * batch)
            taken += 1
        wait()
        return (time.perf_counter() - begin) / count

    repeat(1)  # compilation, where there is any, is not a reason for few steps
    fastest, warm_up = math.inf, time.perf_counter()
    for i in range(WARM_UP_STEPS - 1):
        if i >= 2 and time.perf_counter() - warm_up > options.seconds / 2:
            break
        fastest = min(fastest, repeat(1))
    steps = min(max(int(options.seconds / fastest), 5), max(batches, 5))
    times = [repeat(steps) * 1e6 for _ in range(options.repetitions)]

    if taken < STEPS_BEFORE_VERDICT:
        repeat(STEPS_BEFORE_VERDICT - taken)
    after = probe()
    if not after < before:  # a NaN fails too
        sys.exit(f"{peer}, {network}, batch {batch}: loss {before} became {after} in {taken} steps")
    line = {
        "peer": peer,
        "version": version,
        "network": network,
        "batch": batch,
        "us_per_step": round(min(times), 1),
        "us_median": round(statistics.median(times), 1),
        "steps": steps,
        "threads": options.threads,
        "loss_before": round(before, 4),
        "loss_after": round(after, 4),
    }
    print(json.dumps(line, separators=(",", ":")), flush=True)


def measure_calls(peer, version, task, batch, options, call):
    """Time `call(i)`, with 0, 1, .. in turn, and print the JSON line."""
    taken = 0

    def repeat(count):
        nonlocal taken
        begin = time.perf_counter()
        for i in range(taken, taken + count):
            call(i)
        taken += count
        return (time.perf_counter() - begin) / count

    calls = 1
    while (per_call := repeat(calls)) * calls < options.seconds / 10:  # warm-up
        calls *= 2
    calls = max(int(options.seconds / per_call), 3)
    times = [repeat(calls) * 1e6 for _ in range(options.repetitions)]
    line = {
        "peer": peer,
        "version": version,
        "network": task,
        "batch": batch,
        "us_per_step": round(min(times), 4),
        "us_median": round(statistics.median(times), 4),
        "threads": options.threads,
    }
    print(json.dumps(line, separators=(",", ":")), flush=True)
