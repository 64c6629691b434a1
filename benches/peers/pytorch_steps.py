"""Time PyTorch's training step and networks in use, on the CPU: eager with the fused optimizers, or with `--compile`."""

import measure

options = measure.settings(__doc__, "--compile")

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402


def build(network):
    """The network as a user would write it."""
    widths, layers = measure.dims(network), []
    for i, (fan_in, fan_out) in enumerate(zip(widths, widths[1:])):
        layers.append(nn.Linear(fan_in, fan_out))
        if not measure.activated(network, i):
            continue
        if network == "relu_bn_dropout_adam":
            layers += [nn.BatchNorm1d(fan_out), nn.ReLU(), nn.Dropout(0.5)]
        else:
            layers.append(nn.Sigmoid() if network == "sigmoid_sgd" else nn.ReLU())
    return nn.Sequential(*layers)


def infer(peer, task):
    """Time a network in use, in inference mode."""
    images, labels, _ = map(torch.from_numpy, measure.load(options.data, "t10k"))
    widths = measure.SMALL if task == "latency_small" else measure.MLP
    layers = []
    for fan_in, fan_out in zip(widths, widths[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    model = nn.Sequential(*layers[:-1]).eval()
    if options.compile:
        torch.compiler.reset()
        model = torch.compile(model)
    x = images if widths[0] == measure.PIXELS else torch.randn(measure.EXAMPLES, widths[0])
    examples = list(x[: measure.EXAMPLES].split(1))

    def single(i):
        model(examples[i % measure.EXAMPLES])

    def score(_):
        hits = 0
        for x, y in zip(images.split(measure.SCORED), labels.split(measure.SCORED)):
            hits += (model(x).argmax(1) == y).sum().item()

    scoring = task == "scoring"
    version, batch = torch.__version__.split("+")[0], len(labels) if scoring else 1
    with torch.inference_mode():
        measure.measure_calls(peer, version, task, batch, options, score if scoring else single)


def main():
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    peer = "pytorch-compile" if options.compile else "pytorch"
    for task in options.tasks:
        infer(peer, task)
    if not options.networks:
        return
    images, labels, order = map(torch.from_numpy, measure.load(options.data))

    def trainer(network, batch):
        # Graphs of other cells would otherwise count towards the limit on recompilations.
        torch.compiler.reset()
        model = build(network)
        forward = torch.compile(model) if options.compile else model
        if network == "sigmoid_sgd":
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.5, fused=True)
        else:
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

        def loss(forward, start, count):
            # `images[rows]` does the same through general indexing, which is slower for small batches.
            rows = order[start : start + count]
            x = images.index_select(0, rows)
            y = forward(x)
            if network == "autoencoder_adam":
                return F.mse_loss(y, x)
            return F.cross_entropy(y, labels.index_select(0, rows))

        def step(start):
            optimizer.zero_grad()
            loss(forward, start, batch).backward()
            optimizer.step()

        def probe():
            with torch.no_grad():
                return loss(model, 0, measure.PROBE).item()

        return step, probe

    for network in options.networks:
        for batch in options.batches:
            step, probe = trainer(network, batch)
            version = torch.__version__.split("+")[0]
            measure.measure(peer, version, network, batch, len(labels), options, step, probe)


if __name__ == "__main__":
    main()
